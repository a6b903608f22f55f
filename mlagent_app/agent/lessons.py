"""A session as training reads it: every step's state, what was proposed, what came of it, and what a person said. Plain values.

What training does not read is not in it: the command, notes, logs, feedback and the project's name. `files` are the texts of
the editable files, from which the catalogue enumerates the edits that applied.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, cast, get_args

from mlagent_app.agent.metrics import Direction, MetricSpec
from mlagent_app.agent.reward import CONSTANT, Case, Version
from mlagent_app.agent.state import State, Task, Turn

# Another layout of the file: what another version wrote is refused, not misread.
SCHEMA = 1
KIND = "mlagent session for training"
Known = TypeVar("Known")
Decision = Literal["accepted", "accepted in part", "refused", "undecided"]


class OtherSchema(ValueError):
    """The file is of another schema; `found` is what it says."""

    def __init__(self, found: object) -> None:
        self.found = found
        super().__init__(f"schema {found}")


@dataclass(frozen=True, slots=True)
class Lesson:
    """One step that has ended.

    `state` is s_t as the policy saw it. `case` is the row of eq. 6, None for a step that was skipped before it ran; `scale` is
    delta / span of eq. 6 after repeated measurements, None where no metric was compared; `value` is m_t+1. `decision` is a
    person's: `undecided` where nobody was asked. A step that was accepted and taken back later is `refused`. `probability` is
    that with which the session's own policy chose the edit, None where that is not known.
    """

    index: int
    state: State
    action: str
    instruction: str
    file: str
    family: str
    probability: float | None
    outcome: str
    case: Case | None
    value: float | None
    scale: float | None
    reward: float | None
    decision: Decision
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Lessons:
    """One session. `policy` proposed its edits; `reward`: the version of its rewards; `protected` files have no edits."""

    session: str
    policy: str
    reward: Version
    task: Task
    protected: tuple[str, ...]
    steps: tuple[Lesson, ...]


def to_json(lessons: Lessons) -> dict[str, Any]:
    """A JSON object; a text that several steps share is written once, under the first digits of its SHA-256."""
    texts: dict[str, str] = {}
    return {
        "schema": SCHEMA,
        "kind": KIND,
        "session": lessons.session,
        "policy": lessons.policy,
        "reward": lessons.reward,
        "metric": {"name": lessons.task.metric.name, "direction": lessons.task.metric.direction},
        "m_init": lessons.task.m_init,
        "m_best": lessons.task.m_best,
        "noise": lessons.task.noise,
        "protected": list(lessons.protected),
        "steps": [_step_json(step, texts) for step in lessons.steps],
        "texts": texts,
    }


def _step_json(step: Lesson, texts: dict[str, str]) -> dict[str, Any]:
    state, files = step.state, dict[str, str]()
    for path, text in state.files.items():
        files[path] = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        texts[files[path]] = text
    row = {field.name: getattr(step, field.name) for field in dataclasses.fields(step) if field.name != "state"}
    seen = {
        "value": state.value,
        "base": state.base,
        "steps_left": state.steps_left,
        "seconds": state.seconds,
        "limit": state.limit,
        "history": [turn.to_json() for turn in state.history],
        "files": files,
    }
    return {**row, "state": seen}


def from_json(data: object) -> Lessons:
    """What `to_json` wrote, also after a real JSON round trip. Raises `OtherSchema`, and ValueError for anything else."""
    if not isinstance(data, dict):
        raise ValueError("it holds no object")
    found = cast("dict[str, Any]", data)
    if found.get("kind") != KIND:
        raise ValueError("it is no session that was exported for training")
    if found.get("schema") != SCHEMA:
        raise OtherSchema(found.get("schema"))
    try:
        metric = MetricSpec(str(found["metric"]["name"]), _among(found["metric"]["direction"], get_args(Direction)))
        noise = None if found["noise"] is None else float(found["noise"])
        session = str(found["session"])
        task = Task(session, "", metric, float(found["m_init"]), float(found["m_best"]), noise)
        steps = tuple(_step(row, task, found["texts"]) for row in found["steps"])
        version = _among(found["reward"], tuple(CONSTANT))
        return Lessons(session, str(found["policy"]), version, task, tuple(map(str, found["protected"])), steps)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None


def _step(row: Mapping[str, Any], task: Task, texts: Mapping[str, str]) -> Lesson:
    seen: Mapping[str, Any] = row["state"]
    state = State(
        task=task,
        value=float(seen["value"]),
        base=str(seen["base"]),
        history=tuple(_turn(turn) for turn in seen["history"]),
        files={str(path): str(texts[digest]) for path, digest in seen["files"].items()},
        steps_left=seen["steps_left"],
        **_numbers({"seconds": None, "limit": None, **seen}, "seconds", "limit"),  # older exports have no times
    )
    _among(row["decision"], get_args(Decision))
    if row["case"] is not None:
        _among(row["case"], get_args(Case))
    values: dict[str, Any] = {**row, "state": state, **_numbers(row, "probability", "value", "scale", "reward")}
    return Lesson(**values)


def _turn(row: Mapping[str, Any]) -> Turn:
    values: dict[str, Any] = {**row, **_numbers({"longer": None, **row}, "value", "reward", "delta", "longer")}
    return Turn(**values)


def _numbers(row: Mapping[str, Any], *names: str) -> dict[str, float | None]:
    """These values as numbers or None. Raises KeyError, TypeError and ValueError."""
    return {name: None if row[name] is None else float(row[name]) for name in names}


def _among(value: object, known: Sequence[Known]) -> Known:
    for item in known:
        if item == value:
            return item
    raise ValueError(f"{value!r} is not one of {', '.join(map(repr, known))}")
