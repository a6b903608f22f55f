"""States of task episodes, kept by id, so that any of them can be entered again: training starts from expert states."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlagent_app.agent.errors import UserError
from mlagent_app.agent.state import Turn


@dataclass(frozen=True, slots=True)
class SavedState:
    """Everything that a step depends on.

    `variant` is the id of the task's variant; `files` are the workspace's (relative path to content, the data left out);
    `value` is m_t of these files, `m_init` and `m_best` are the reward's reference. `seconds` is what a run of these files
    took; times are no part of the state's name, here or in the history, for no two runs take the same.
    """

    variant: str
    value: float
    m_init: float
    m_best: float
    m_best_source: str
    files: Mapping[str, bytes]
    history: tuple[Turn, ...] = field(default=())
    seconds: float | None = None

    @property
    def id(self) -> str:
        """Names the state by its content, times apart: the same state has the same id everywhere."""
        data = self._data()
        del data["seconds"]
        for turn in data["history"]:
            turn.pop("longer", None)
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:20]

    def to_json(self) -> str:
        """One line of JSON with sorted keys."""
        return json.dumps(self._data(), sort_keys=True)

    def _data(self) -> dict[str, Any]:
        names = ("variant", "value", "m_init", "m_best", "m_best_source", "seconds")
        data: dict[str, Any] = {name: getattr(self, name) for name in names}
        data["files"] = {path: base64.b64encode(content).decode() for path, content in self.files.items()}
        data["history"] = [turn.to_json() for turn in self.history]
        return data

    @classmethod
    def from_json(cls, text: str) -> SavedState:
        """What `to_json` wrote. Raises ValueError for anything else."""
        try:
            data: dict[str, Any] = json.loads(text)
            data["files"] = {path: base64.b64decode(content) for path, content in data["files"].items()}
            data["history"] = tuple(Turn(**turn) for turn in data["history"])
            return cls(**data)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a saved state: {error}") from error


class StateStore:
    """A directory of saved states, a file each. Several processes may write to it at once."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def save(self, state: SavedState) -> str:
        """Keep a state; its id."""
        path = self._path(state.id)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            scratch = path.with_name(f".{path.name}.{os.getpid()}")
            scratch.write_text(state.to_json(), "ascii")
            scratch.replace(path)
        return state.id

    def load(self, state_id: str) -> SavedState:
        """The state of that id. Raises `UserError` when it is not here or damaged."""
        try:
            state = SavedState.from_json(self._path(state_id).read_text("ascii"))
        except FileNotFoundError:
            raise UserError(
                f"there is no state {state_id!r}", where=str(self._directory), how="name one that was saved"
            ) from None
        except (OSError, ValueError) as error:
            raise UserError(f"the state {state_id!r} cannot be read: {error}", where=str(self._directory)) from None
        if state.id != state_id:
            raise UserError(f"the state {state_id!r} is damaged", where=str(self._path(state_id)), how="make it anew")
        return state

    def _path(self, state_id: str) -> Path:
        if not (state_id.isalnum() and state_id.isascii()):
            raise UserError(f"{state_id!r} is no state id", how="an id is 20 hexadecimal digits")
        return self._directory / state_id[:2] / f"{state_id}.json"
