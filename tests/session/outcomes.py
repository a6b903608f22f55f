"""A project whose every run says what the test wrote down for it, and a policy that makes the edits that the test names."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from mlagent_app.agent.actions import Action, EditScript, FinalAnswer
from mlagent_app.agent.chat import OnText
from mlagent_app.agent.edits import Candidate
from mlagent_app.agent.state import State
from mlagent_app.plan import Plan
from mlagent_app.policies.base import Proposal
from mlagent_app.session import backend
from tests.editors.scripted import block
from tests.session.project import make_project

_TRAIN = '''"""Trains, by what is written down."""

import json
import pathlib
import random
import sys

SEED = 0
EPOCHS = 20
random.seed(SEED)
known = pathlib.Path({path!r})
planned = json.loads(known.read_text())
said = planned[str(EPOCHS)].pop(0)
known.write_text(json.dumps(planned))
if isinstance(said, str):
    sys.exit(f"RuntimeError: {{said}}")
print(f"accuracy: {{said}}")
'''
LONGER = block("EPOCHS = 20\n", "EPOCHS = 40\n")
RESEEDED = block("SEED = 0\n", "SEED = 1\n")


def planned_project(directory: Path, outcomes: Mapping[int, Sequence[float | str]]) -> Path:
    """Its runs with so many epochs yield these metrics in turn; a text is what such a run fails with."""
    known = directory / "outcomes.json"
    directory.mkdir(parents=True, exist_ok=True)
    known.write_text(json.dumps(dict(outcomes)))
    return make_project(directory / "planned", _TRAIN.format(path=str(known)))


class Editing:
    """A policy that proposes these patches of `train.py` in turn, then ends. `seen` are the states it was asked in."""

    name = "editing"

    def __init__(self, *patches: str) -> None:
        self._patches = patches
        self.seen: list[State] = []

    def propose(
        self, state: State, candidates: Sequence[Candidate], cancel: threading.Event, on_text: OnText | None = None
    ) -> Proposal:
        del candidates, cancel, on_text
        self.seen.append(state)
        done = len(state.history)
        action: Action = FinalAnswer("done")
        if done < len(self._patches):
            action = EditScript("train.py", patch=self._patches[done])
        return Proposal(action)


def edited_by(monkeypatch: pytest.MonkeyPatch, *patches: str) -> Editing:
    """Let every session of the test be one of this policy."""
    policy = Editing(*patches)

    def made(_: Plan) -> Editing:
        return policy

    monkeypatch.setattr(backend, "policy_of", made)
    return policy
