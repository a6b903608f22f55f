"""The steps of exported sessions as training's situations: what a person's own sessions teach."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mlagent_app.agent.digest import digest, task_kind
from mlagent_app.agent.edits import Candidate
from mlagent_app.agent.errors import UserError
from mlagent_app.agent.lessons import SCHEMA, Decision, Lesson, Lessons, OtherSchema, from_json
from mlagent_app.agent.reward import CONSTANT, Case, Version
from mlagent_app.editors.catalogue import Catalogue
from mlagent_app.policies.embedded import MOST_EDITS
from mlagent_app.policies.prior import tries
from mlagent_app.policies.random import untried
from mlagent_app.policies.writing import Writer
from training.corpus import Situation
from training.episodes import reward_of

FILES = "session-*.json"
EXPORT = "mlagent sessions export SESSION --for-training DIR"


@dataclass(frozen=True, slots=True)
class Decided:
    """A recorded step that can be learnt from. `place`: of its edit among those that applied and were not tried yet."""

    session: str
    situation: Situation
    place: int
    decision: Decision
    case: Case | None
    scale: float | None

    def reward(self, version: Version) -> float | None:
        """Eq. 6; a refusal counts as a failure, whatever the metric says. None: unscored, since the infrastructure failed."""
        if self.decision == "refused":
            return CONSTANT[version]["error"]
        return None if self.case is None else reward_of(self.case, self.scale, version)


@dataclass(slots=True)
class Record:
    """What was read: the usable steps; how many there were in all, and why the others are left out."""

    sessions: list[str] = field(default_factory=list[str])
    steps: int = 0
    usable: list[Decided] = field(default_factory=list[Decided])
    left_out: Counter[str] = field(default_factory=Counter[str])

    def count(self, decision: Decision) -> int:
        return sum(step.decision == decision for step in self.usable)


def read(directory: Path, writer: Writer) -> Record:
    """All exported sessions of a directory. Raises `UserError` where there is none, one is damaged, or none is of use."""
    if not directory.is_dir():
        raise UserError("there is no such directory", where=str(directory), how=f"write one with: {EXPORT}")
    paths = sorted(directory.glob(FILES))
    if not paths:
        raise UserError("the directory holds no exported session", where=str(directory), how=f"write one with: {EXPORT}")
    record, catalogue = Record(), Catalogue()
    for path in paths:
        lessons = _load(path)
        record.sessions.append(lessons.session)
        for step in lessons.steps:
            record.steps += 1
            found = _decided(lessons, step, catalogue, writer)
            if isinstance(found, str):
                record.left_out[found] += 1
            else:
                record.usable.append(found)
    if not record.usable:
        why = ", ".join(f"{count} {reason}" for reason, count in sorted(record.left_out.items()))
        raise UserError(
            f"none of the {record.steps} steps can be learnt from{f': {why}' if why else ''}",
            where=str(directory),
            how="export a session in which you accepted or refused edits of the catalogue",
        )
    return record


def _load(path: Path) -> Lessons:
    try:
        return from_json(json.loads(path.read_bytes()))
    except OtherSchema as error:
        raise UserError(
            f"the session was exported with schema {error.found}, this version reads {SCHEMA}",
            where=str(path),
            how="export it again",
        ) from None
    except (OSError, ValueError) as error:
        raise UserError(
            f"the exported session is damaged: {error}", where=str(path), how="export it again, or remove the file"
        ) from None


def _decided(lessons: Lessons, step: Lesson, catalogue: Catalogue, writer: Writer) -> Decided | str:
    """The step, or in a few words why nothing can be learnt from it."""
    state = step.state
    edits = [edit.candidate for edit in catalogue.enumerate(state.files) if edit.file not in lessons.protected]
    left = untried(state, edits)
    place = next((at for at, item in enumerate(left) if (item.instruction, item.file) == (step.instruction, step.file)), None)
    if place is None:
        return "not of the catalogue"
    if len(left) == 1:
        return "without a choice"
    left, place = _capped(left, place, f"{lessons.session}/{step.index}")
    situation = Situation(
        id=f"{lessons.session}/{step.index}",
        task=lessons.session,
        variant=lessons.session,
        base=state.base,
        depth=len(state.history),
        kind=task_kind(state),
        prompt=np.array(writer.prompt(digest(state, {item.file for item in left})), dtype=np.int64),
        edits=tuple((item.instruction, item.file, item.family) for item in left),
        completions=tuple(tuple(ids) for ids in writer.completions([item.instruction for item in left])),
        tries=tries(state),
        room=state.room,
    )
    scale = step.scale if step.scale is not None and math.isfinite(step.scale) else None
    if step.case == "edit" and scale is None and step.decision != "refused":
        return "without a reward"
    decided = Decided(lessons.session, situation, place, step.decision, step.case, scale)
    return "without a reward" if decided.reward("v1") is None else decided


def _capped(left: list[Candidate], place: int, name: str) -> tuple[list[Candidate], int]:
    """As many edits as the app's policy chooses from, the one at `place` among them, and its place; `name` seeds the draw."""
    if len(left) <= MOST_EDITS:
        return left, place
    others = [at for at in range(len(left)) if at != place]
    kept = sorted([place, *random.Random(name).sample(others, MOST_EDITS - 1)])
    return [left[at] for at in kept], kept.index(place)
