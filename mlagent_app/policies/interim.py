"""Stands in for `mlagent_app.policies.openai.WritingPolicy` until that is there. To be deleted then."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from mlagent_app.agent.actions import parse
from mlagent_app.agent.chat import ChatModel, Message, OnText
from mlagent_app.agent.edits import Candidate
from mlagent_app.agent.state import State, prompt
from mlagent_app.policies.base import Proposal

RULES = "Answer with six lines: Reflection, Research Plan and Status, Fact Check, Thought, Action, Action Input (JSON)."


class WritingPolicy:
    """Asks a model for the next action."""

    def __init__(self, model: ChatModel, name: str) -> None:
        self.name = name
        self._model = model

    def propose(
        self, state: State, candidates: Sequence[Candidate], cancel: threading.Event, on_text: OnText | None = None
    ) -> Proposal:
        """The action that the model's reply is."""
        files = ", ".join(sorted({item.file for item in candidates}))
        asked = [Message("system", RULES), Message("user", f"{prompt(state)}\nFiles: {files}")]
        reply = self._model.reply(asked, cancel, on_text)
        _, action = parse(reply.text)
        return Proposal(action, reply=reply.text, usage=reply.usage)
