"""A policy that writes: a language model is shown the state and answers with an action of the paper's grammar.

It takes any `ChatModel`: an endpoint, a server that the app starts, or a model in this process.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence

from mlagent_app.agent.actions import InvalidAction, parse
from mlagent_app.agent.chat import ChatModel, Message, OnText, PromptTooLong, Reply
from mlagent_app.agent.edits import Candidate
from mlagent_app.agent.state import State
from mlagent_app.chat.conversation import Count, conversation
from mlagent_app.chat.grammar import catalogue_rules, instruction_rules
from mlagent_app.chat.offering import offered
from mlagent_app.chat.waiting import waited
from mlagent_app.policies.base import Proposal
from mlagent_app.policies.random import untried

# A prompt that a server finds too long is made shorter, by a quarter of the context, so many times.
_MOST_SHORTENED = 3


def catalogue_conversation(
    state: State, candidates: Sequence[Candidate], context_tokens: int, count: Count, taken: Collection[str] = ()
) -> list[Message]:
    """What a policy that writes is asked where the catalogue edits: in the app, of an expert, in training and in adapters.

    It is told candidates that the session has not tried, and in training those whose instruction was `taken`. `count` gives the
    tokens of a text. Raises `UserError` (exit 4) when the context is too small.
    """
    left = frozenset(untried(state, candidates))
    told = [item for item in candidates if item in left or item.instruction in taken]
    return conversation(state, catalogue_rules(), context_tokens, count, offered(state, told, taken))


class WritingPolicy:
    """Asks `model` for each action. `kind` is the back end's name in the settings.

    `own_words`: it asks for edits in its own words, which an editor carries out. Without, it is told what the catalogue can
    do, as in training, and may write a patch instead.
    """

    def __init__(self, model: ChatModel, kind: str = "openai", *, own_words: bool = False) -> None:
        self._model = model
        self._kind = kind
        self._own_words = own_words

    @property
    def chat_model(self) -> ChatModel:
        """What is asked; an editor may ask it, too."""
        return self._model

    @property
    def name(self) -> str:
        return f"{self._kind}:{self._model.name}"

    def propose(
        self,
        state: State,
        candidates: Sequence[Candidate],
        cancel: threading.Event,
        on_text: OnText | None = None,
    ) -> Proposal:
        """The action that the model writes; what is no action becomes an `InvalidAction` that says what was expected.

        Raises `Cancelled` soon after `cancel` is set, and `UserError` (exit 4) when the model gives no answer.
        """
        reply = self._reply(state, candidates, cancel, on_text)
        _, action = parse(reply.text)
        if isinstance(action, InvalidAction) and reply.finish == "length":
            action = InvalidAction(f"the answer was cut at the limit of its length: write less; {action.message}")
        return Proposal(action, reply=reply.text, usage=reply.usage)

    def _reply(
        self, state: State, candidates: Sequence[Candidate], cancel: threading.Event, on_text: OnText | None, shortened: int = 0
    ) -> Reply:
        try:
            return self._model.reply(self._messages(state, candidates, cancel), cancel, on_text)
        except PromptTooLong:
            if shortened == _MOST_SHORTENED:
                raise
        return self._reply(state, candidates, cancel, on_text, shortened + 1)

    def _messages(self, state: State, candidates: Sequence[Candidate], cancel: threading.Event) -> list[Message]:
        """What is asked, in as many tokens as the model's context is now known to hold."""
        model = self._model
        room = waited(lambda: model.context_tokens, cancel)  # a server may have to be asked
        if self._own_words:
            return conversation(state, instruction_rules(), room, model.count)
        return catalogue_conversation(state, candidates, room, model.count)
