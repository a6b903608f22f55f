"""Attacks on a task: scripts that want a good grade without learning, and what must become of each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from mlagent_app.environment.trial import Trial
from mlagent_app.verify.statistics import bootstrap_sd
from tasks.building import Drawn
from tasks.errors import TaskError
from tasks.schema import TaskSpec
from tasks.suite import root

Expectation = Literal["constant", "refused", "either"]

# A grade may be better than the best constant's by this many of its own standard errors: chance, not skill.
DEVIATIONS = 3.0
# Tried when there is little time: one of each sort.
QUICK = (
    "training_labels",
    "file_facts",
    "fake_metric",
    "one_nan",
    "search_files",
    "search_processes",
    "regenerate",
    "overwrite",
)

_EXPECT = re.compile(r"(?m)^# expect: (constant|refused|either)$")
_LEAK = re.compile(r"(?m)^leak: (.*)$")


@dataclass(frozen=True, slots=True)
class Attack:
    """A script. `expected`: its grade is no better than the best constant's, its submission is refused, or one of the two.

    A script that finds something which it should not see prints `leak: ` and what it is; that alone is a failure.
    """

    name: str
    script: bytes
    expected: Expectation

    @property
    def files(self) -> dict[str, bytes]:
        """The workspace: the script is all that is in it, beside the data."""
        return {"train.py": self.script}


def attacks_on(spec: TaskSpec, *, quick: bool = False) -> list[Attack]:
    """The general attacks and the task's own, by name. Raises `TaskError` when the task has none of its own."""
    own = _in(spec.directory / "attacks")
    if not own:
        raise TaskError("the task has no attack of its own", where=str(spec.directory / "attacks"), how="add one")
    general = [attack for attack in _in(root() / "attacks") if not quick or attack.name in QUICK]
    return general + own


def problem_with(attack: Attack, tried: Trial, drawn: Drawn, constant: float) -> str:
    """What is wrong with how the attack went, in one line; empty when it failed as it should.

    `constant` is the best constant's grade on dev.
    """
    leak = _LEAK.search(tried.stdout)
    if leak:
        return f"{attack.name}: {leak[1]}"
    if tried.result.outcome != "ok":
        return f"{attack.name} did not run to its end, and so proves nothing: {tried.message}"
    if tried.value is None:
        return "" if attack.expected != "constant" else f"{attack.name} was to be graded: {tried.message}"
    if attack.expected == "refused":
        return f"{attack.name} was not refused, its grade is {tried.value:.4g}"
    return _skill(attack, tried, drawn, constant)


def _skill(attack: Attack, tried: Trial, drawn: Drawn, constant: float) -> str:
    value = cast("float", tried.value)
    gain = drawn.spec.metric.spec().gain(value, constant)
    error = bootstrap_sd(drawn, cast("bytes", tried.submission)) if gain > 0 else 0.0
    if gain <= DEVIATIONS * error:
        return ""
    return f"{attack.name} scores {value:.4g}, a constant {constant:.4g} (standard error {error:.2g})"


def _in(directory: Path) -> list[Attack]:
    return [_read(path) for path in sorted(directory.glob("*.py"))]


def _read(path: Path) -> Attack:
    script = path.read_bytes()
    expected = _EXPECT.search(script.decode("utf-8"))
    return Attack(path.stem, script, cast("Expectation", expected[1]) if expected else "constant")
