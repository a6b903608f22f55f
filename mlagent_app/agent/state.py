"""State s_t: the task, and the history of (action, feedback) so far. Pure values; policies read nothing else."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from mlagent_app.agent.cookbook import SHORTEST
from mlagent_app.agent.metrics import MetricSpec


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be improved, as the policy sees it. `m_init` is the baseline, `noise` its standard deviation."""

    name: str
    command: str
    metric: MetricSpec
    m_init: float
    m_best: float
    noise: float | None = None
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """One step as the policy remembers it.

    `kept` says whether the edit is part of the project as it now stands; `reason` is what a person said on refusing it.
    `base` names the files' state that the action was taken in, so that an edit is not tried twice on the same files. `reply` is
    the whole answer of a policy that writes one, `undo` the catalogue's instruction that sets what was set before. `longer`:
    how much longer its run took than one of the files before it; see `agent.cookbook.lengthened`.
    """

    index: int
    action: str
    instruction: str
    file: str
    family: str
    outcome: str
    value: float | None
    reward: float | None
    delta: float | None
    kept: bool
    feedback: str = ""
    reason: str = ""
    diff: str = ""
    base: str = ""
    reply: str = ""
    undo: str = ""
    longer: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain values, without an empty `reply` or `undo` or an unknown `longer`: older states have none."""
        row = asdict(self)
        for name, empty in (("reply", ""), ("undo", ""), ("longer", None)):
            if row[name] == empty:
                del row[name]
        return row


@dataclass(frozen=True, slots=True)
class State:
    """s_t. `value` is m_t, the metric of the files as they stand; `files` their text by path; `base` their name.

    `seconds` is what a run of these files takes, `limit` the seconds after which a run is cut off; None where it is not known.
    """

    task: Task
    value: float
    base: str
    history: tuple[Turn, ...] = ()
    files: dict[str, str] = field(default_factory=dict[str, str])
    steps_left: int | None = None
    seconds: float | None = None
    limit: float | None = None

    @property
    def room(self) -> float | None:
        """How many times as long as now a run may take before it is cut off; None where that is not known."""
        return None if self.seconds is None or self.limit is None else self.limit / max(self.seconds, SHORTEST)

    def met(self) -> frozenset[str]:
        """The commits that were measured and edited already: no edit need lead back to one."""
        return frozenset(turn.base for turn in self.history if turn.base)

    def tried(self) -> frozenset[tuple[str, str]]:
        """(instruction, file) pairs that were tried on the files as they stand; a failed sandbox is no try."""
        return frozenset((turn.instruction, turn.file) for turn in self._real_tries() if turn.base == self.base)

    def tried_ever(self) -> frozenset[tuple[str, str]]:
        """The same on whichever files, and the ways back from kept edits: what helped less before rarely helps more after."""
        tries = self._real_tries()
        back = [(turn.undo, turn.file) for turn in tries if turn.kept and turn.undo]
        return frozenset([*((turn.instruction, turn.file) for turn in tries), *back])

    def _real_tries(self) -> list[Turn]:
        return [turn for turn in self.history if turn.outcome != "infrastructure"]
