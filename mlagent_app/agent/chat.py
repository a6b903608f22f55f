"""A conversation with a language model, as values: what policies, editors and their back ends share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from mlagent_app.agent.errors import UserError

Role = Literal["system", "user", "assistant"]
# Takes each piece of a reply as it comes.
OnText = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens read and written, and what they cost in US dollars (None where no price is known)."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None

    def __add__(self, other: Usage) -> Usage:
        costs = [cost for cost in (self.cost, other.cost) if cost is not None]
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            sum(costs) if costs else None,
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply. `finish`: why it ended, `stop` or `length` (cut at the limit of tokens)."""

    text: str
    usage: Usage = Usage()
    finish: str = "stop"


class Cancelled(Exception):
    """A reply was interrupted."""


class PromptTooLong(UserError):
    """A prompt does not fit into the context that the server really has. The model's `context_tokens` are fewer from now on."""


class ChatModel(Protocol):
    """Anything that answers a conversation: an endpoint, a server started here, a model in this process."""

    @property
    def name(self) -> str: ...

    @property
    def context_tokens(self) -> int:
        """Prompt and reply together have at most so many tokens."""
        ...

    def count(self, text: str) -> int:
        """The tokens of a text, or an estimate that is not too low."""
        ...

    def reply(self, messages: Sequence[Message], cancel: threading.Event, on_text: OnText | None = None) -> Reply:
        """The reply. Raises `Cancelled` soon after `cancel` is set, and `UserError` (exit 4) when there is none."""
        ...
