"""The typed events of a session: the journal writes them, screens render them, resume replays them.

Every event is a frozen dataclass of plain values, so that it goes to JSON and back without loss. `step` 0 is the baseline, and
`HEAD` the accepted files as they stand, where they are run by themselves.
Times are seconds; memory is bytes. Sequence number and wall-clock time belong to the journal's envelope, not to the event.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, cast

DecisionKind = Literal["run", "skip", "accept", "refuse"]
Question = Literal["run", "accept", "metric"]
Approve = Literal["ask", "run", "auto"]
HEAD = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The base of all events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStarted(Event):
    """The fixed facts of a session. `metric` is None while it is still to be found in the baseline's output."""

    session: str
    project: str
    command: str
    command_source: str
    python: str
    policy: str
    sandbox: str
    sandbox_notes: tuple[str, ...]
    metric: dict[str, Any] | None
    approve: Approve
    steps: int
    minutes: float | None
    seed: int
    reward: str
    apply: bool
    commit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotTaken(Event):
    """The project as it stood, as a commit of the private repository. `linked` and `left_out` are (path, why) pairs.

    `cut`: how many more were left out than are listed.
    """

    commit: str
    files: int
    size: int
    linked: tuple[tuple[str, str], ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    cut: int = 0
    editable: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsFound(Event):
    """The metrics that the first run printed or wrote, best guess first: (name, direction, value, where, line, reason)."""

    found: tuple[tuple[str, str, float, str, str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricChosen(Event):
    """Which metric was found, from which line; `others` are the candidates that were passed over.

    `assumed`: neither its name nor the log says whether it is to be raised or lowered.
    """

    metric: dict[str, Any]
    line: str
    where: str
    reason: str
    others: tuple[str, ...] = ()
    assumed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineMeasured(Event):
    """m_init: the mean of `values`; `noise` is their standard deviation, None after a single run.

    Said again, with one value more, when the noise of a single run had to be known before a step could be decided.
    """

    values: tuple[float, ...]
    value: float
    noise: float | None
    seconds: float
    m_best: float
    m_best_source: str
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyText(Event):
    """The next piece of what the policy or the editor writes. Not journalled: `ActionProposed` has the whole of it."""

    step: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionProposed(Event):
    """What the policy wants next. `base` and `commit` are private commits; `commit` equals `base` when nothing is edited.

    `alternatives` are (instruction, probability or score) pairs, best first. `flags` are warnings about honesty. `invalid` says
    what was expected of an action that cannot be done; `observation` answers one that only looks. `reply` is the whole answer
    of a policy that writes one; tokens and `cost` (US dollars, None where unknown) are what it and the editor took. `undo`
    is the catalogue's instruction that sets what was set before.
    """

    step: int
    action: str
    instruction: str
    file: str
    family: str
    probability: float | None
    alternatives: tuple[tuple[str, float], ...]
    diff: str
    base: str
    commit: str
    flags: tuple[str, ...] = ()
    invalid: str = ""
    observation: str = ""
    reply: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None
    undo: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    """`repeat` counts the runs of one step from 0."""

    step: int
    repeat: int
    command: str
    log_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLines(Event):
    """Whole lines of the current run's output. Not journalled: the run's log file holds them."""

    step: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceSample(Event):
    """Not journalled. `memory` in bytes, `cpu` in cores."""

    step: int
    seconds: float
    memory: int
    cpu: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Event):
    """One run's end and the metric read from it; `value` is None when there is none and `message` says why."""

    step: int
    repeat: int
    outcome: str
    exit_code: int | None
    seconds: float
    value: float | None
    line: str
    message: str
    peak_memory: int | None = None
    cpu_seconds: float | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewarded(Event):
    """A step's reward and its parts (see `mlagent_app.agent.reward.Reward`).

    `value` is m_t+1, `before` is m_t. `confidence` is gain / noise, None when the noise is unknown or zero.
    """

    step: int
    outcome: str
    case: str
    scalar: float | None
    version: str
    before: float | None
    value: float | None
    delta: float | None
    span: float | None
    scale: float | None
    confidence: float | None
    feedback: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionNeeded(Event):
    """The session waits for a person. `suggestion` is what `auto` would do, with its reason."""

    step: int
    question: Question
    suggestion: DecisionKind
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided(Event):
    """`by` is `user` or `auto`. `commit` is the private head after the decision. `hunks` are 0-based; None means all."""

    step: int
    decision: DecisionKind
    by: str
    reason: str
    commit: str
    hunks: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed(Event):
    """An accepted step is in the project. `commit` is the project's commit, empty when only files were written."""

    step: int
    files: tuple[str, ...]
    commit: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverted(Event):
    """An accepted step was undone, in the project if it had landed. `head` is the private head after it."""

    step: int
    files: tuple[str, ...]
    commit: str
    head: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured(Event):
    """Another run of a step that had been measured before: all its values, their mean and the new confidence."""

    step: int
    values: tuple[float, ...]
    value: float
    confidence: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadMeasured(Event):
    """The files as they now stand were run, because no single step's value speaks for them (`why`). `value` is m_t.

    The run itself is one of `HEAD`; in older journals it is booked under the last step.
    """

    value: float | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveChanged(Event):
    """From now on decisions are made in this mode."""

    approve: Approve


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused(Event):
    """No new step begins until `Resumed`. `why` is empty when the user asked for it."""

    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed(Event):
    """The session goes on, after a pause or in a new process (`again` is then true).

    `apply`: whether that process lands what is accepted. `steps` and `minutes` (None: no limit) are what the session may take
    from then on, in all. In older journals `apply` and `steps` are None: their sessions are taken to go on as they began.
    """

    again: bool = False
    sandbox: str = ""
    apply: bool | None = None
    steps: int | None = None
    minutes: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Event):
    """Something a person should know that stops nothing. `detail`: lines that show it, such as a conflict, about `step`."""

    text: str
    level: Literal["info", "warning"] = "info"
    step: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(Event):
    """The session cannot go on: one line for the user, the exit code, and the end of the log where a run is to blame."""

    message: str
    code: int
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestScored(Event):
    """A task's hidden test part, graded once, at the end: the baseline and the best kept state (`step`, 0 is the baseline).

    None where the run's submission is not there any more or was refused.
    """

    __test__ = False  # not a test case, whatever pytest makes of the name

    metric: str
    baseline: float | None
    best: float | None
    step: int

    @property
    def text(self) -> str:
        """In one line."""
        before, after = ("-" if value is None else f"{value:.6g}" for value in (self.baseline, self.best))
        return f"hidden test, graded once: {self.metric} {before} at the baseline, {after} at the best kept step"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded(Event):
    """`reason` is one of steps, minutes, target, exhausted, final_answer, stopped, failed."""

    reason: str
    steps: int
    best: float | None
    best_step: int
    seconds: float


EVENTS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        SessionStarted, SnapshotTaken, MetricsFound, MetricChosen, BaselineMeasured, ActionProposed, RunStarted, LogLines,
        ReplyText, ResourceSample, RunFinished, Rewarded, DecisionNeeded, Decided, Landed, Reverted, Measured, HeadMeasured,
        ApproveChanged, Paused, Resumed, Notice, Failed, TestScored, SessionEnded,
    )
}  # fmt: skip
TRANSIENT = (LogLines, ReplyText, ResourceSample)


def to_json(event: Event) -> dict[str, Any]:
    """The event as a JSON object; `type` holds its class name."""
    return {"type": type(event).__name__, **dataclasses.asdict(event)}


def from_json(data: dict[str, Any]) -> Event:
    """The event that `to_json` wrote; also after a real JSON round trip. Raises ValueError for an unknown type or field."""
    fields = dict(data)
    kind = EVENTS.get(str(fields.pop("type", "")))
    if kind is None:
        raise ValueError(f"unknown event type {data.get('type')!r}")
    try:
        return kind(**{key: _tuples(value) for key, value in fields.items()})
    except TypeError as error:
        raise ValueError(str(error)) from error


def _tuples(value: object) -> object:
    """JSON lists back to tuples, at every depth outside objects."""
    if isinstance(value, list | tuple):
        return tuple(_tuples(item) for item in cast("list[object]", value))
    return value
