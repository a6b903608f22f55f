"""An action carried out as far as it goes without running anything."""

from __future__ import annotations

from dataclasses import dataclass

from mlagent_app.agent.chat import Usage


@dataclass(frozen=True, slots=True)
class Prepared:
    """An action, carried out as far as it goes without running anything.

    `commit` differs from `base` when files change. `observation` answers an action that only looks; `invalid` says what was
    expected of an action that cannot be done. `runs`: the project's command is to be run on `commit`. `usage` is what the
    editor's model took, None when it was not asked. `undo` is the catalogue's instruction that sets what was set before.
    """

    action: str
    base: str
    commit: str
    instruction: str = ""
    file: str = ""
    family: str = ""
    diff: str = ""
    flags: tuple[str, ...] = ()
    observation: str = ""
    invalid: str = ""
    runs: bool = False
    usage: Usage | None = None
    undo: str = ""
