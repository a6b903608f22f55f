"""A chat model that says what a test tells it to say, and remembers what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from mlagent_app.agent.chat import Cancelled, Message, OnText, Reply, Usage

Answer = str | Reply | Callable[[Sequence[Message]], str]


class ScriptedModel:
    """Gives the answers one after the other; asked more often, it fails the test."""

    def __init__(self, *answers: Answer, context_tokens: int = 32_000) -> None:
        self._answers = list(answers)
        self._context_tokens = context_tokens
        self.asked: list[list[Message]] = []

    @property
    def name(self) -> str:
        return "scripted"

    @property
    def context_tokens(self) -> int:
        return self._context_tokens

    def count(self, text: str) -> int:
        return len(text) // 3 + 1

    def reply(self, messages: Sequence[Message], cancel: threading.Event, on_text: OnText | None = None) -> Reply:
        if cancel.is_set():
            raise Cancelled
        self.asked.append(list(messages))
        assert self._answers, "the model was asked once too often"
        answer = self._answers.pop(0)
        text = answer(messages) if callable(answer) else answer
        reply = text if isinstance(text, Reply) else Reply(text, Usage(100, 10, 0.001))
        for at in range(0, len(reply.text), 7):
            if cancel.is_set():
                raise Cancelled
            if on_text:
                on_text(reply.text[at : at + 7])
        return reply

    def prompt(self, number: int = 0) -> str:
        """All that the model was told in one request."""
        return "\n".join(message.content for message in self.asked[number])


def block(search: str, replace: str, file: str = "train.py") -> str:
    return f"{file}\n<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n"
