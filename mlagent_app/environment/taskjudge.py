"""The judge of a task: the host's grader, with labels that never enter the sandbox. Imported only when a task is opened."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

from mlagent_app.agent.discovery import discover
from mlagent_app.agent.errors import UserError
from mlagent_app.agent.extraction import extract
from mlagent_app.agent.metrics import MetricSpec, Reading, natural_bound
from mlagent_app.agent.reward import Reference
from mlagent_app.agent.reward import reference as natural_reference
from mlagent_app.environment.judge import Judged
from mlagent_app.repo.locks import state_dir
from sandbox.runner import Link
from tasks.building import Drawn, build
from tasks.errors import TaskError
from tasks.grading import grade
from tasks.suite import find, root
from tasks.variant import parse

# A script's own number, from other rows than the grade, may differ from it by this many of the grade's standard deviations
# plus this share of its size, before the two are said to disagree.
DEVIATIONS = 5.0
SHARE = 0.1
# Where the reference is hardly better than a starter, the reward's span is this share of the task's own headroom.
SMALLEST_SPAN = 0.25
# And by this many times as much where it is the worse one.
MODEST = 4.0


class TaskJudge:
    """The judge of a drawn variant."""

    def __init__(self, drawn: Drawn) -> None:
        self.drawn = drawn
        self.spec = drawn.spec.metric.spec()
        self.links: Sequence[Link] = (Link(drawn.data, "data"),)
        self.hidden: Sequence[Path] = (root(), *copies(), drawn.hidden.parent)

    def submission(self, files: Mapping[str, bytes]) -> bytes | None:
        return files.get(self.drawn.spec.submission.file)

    def judge(self, stdout: str, files: Mapping[str, bytes]) -> Judged:
        graded = grade(self.drawn, self.submission(files), "dev")
        if graded.value is None:
            return Judged(None, graded.refusal)
        said = printed(self.spec, stdout)
        value = self._coarse(graded.value)
        text = f"{self.spec.name}: {value:.6g} (graded on {len(self.drawn.truth('dev'))} hidden rows)"
        warnings: tuple[str, ...] = ()
        if said is not None:
            text += f"; the script printed {said:.6g}"
            measured = self.drawn.spec.measured
            if abs(said - graded.value) > tolerance(self.spec, said, graded.value, measured.noise if measured else 0.0):
                warnings = (f"the script printed {self.spec.name} {said:.4g}, the grader says {graded.value:.4g}",)
        return Judged(Reading(value, "grader", 0, text), warnings=warnings)

    def _coarse(self, value: float) -> float:
        """The grade to about a tenth of its noise: further digits say nothing of skill, but much of single labels."""
        measured = self.drawn.spec.measured
        if measured is None or not measured.noise > 0:
            return value
        return round(value, max(0, math.ceil(-math.log10(measured.noise / 10))))

    def test(self, submission: bytes | None) -> float | None:
        return grade(self.drawn, submission, "test").value

    def reference(self, m_init: float, measured: float | None = None) -> Reference:
        """See `Judge.reference`: its gain, but at least a share of the task's headroom, and within the natural bound."""
        known, spec = self.drawn.spec.measured, self.spec
        best = measured if measured is not None else known.reference.mean if known else None
        gain = 0.0 if best is None else spec.gain(best, m_init)
        if known:
            gain = max(gain, SMALLEST_SPAN * spec.gain(known.reference.mean, known.baseline.mean))
        bound = natural_bound(spec.name, spec.direction, m_init)
        if bound is not None and gain > spec.gain(bound, m_init) > 0:
            gain = spec.gain(bound, m_init)
        if gain <= 0:
            return natural_reference(spec, m_init)
        return Reference(m_init, m_init + (gain if spec.direction == "max" else -gain), "task")


def tolerance(spec: MetricSpec, said: float, value: float, noise: float) -> float:
    """How far the number `said` of a script may be from a grade of `value` whose standard deviation is `noise`.

    A script that thinks less of itself has trained on fewer rows before it fitted them all; one that boasts has no such excuse.
    """
    bound = natural_bound(spec.name, spec.direction, value)
    size = abs(value) if bound is None or spec.direction == "min" else max(abs(value), abs(bound))
    allowed = DEVIATIONS * noise + SHARE * size
    return MODEST * allowed if spec.better(value, said) else allowed


def printed(spec: MetricSpec, stdout: str) -> float | None:
    """The metric that a script itself printed, for comparison only; None when it printed none."""
    found = extract(spec.__class__(spec.name, spec.direction), stdout, {})
    if isinstance(found, Reading):
        return found.value
    guesses = [guess for guess in discover(stdout, {}) if guess.spec.direction == spec.direction]
    return guesses[0].reading.value if guesses else None


def copies() -> list[Path]:
    """Where a source checkout keeps the generators and graders once more: its history, and what was built from it."""
    return [root().parent / name for name in (".git", "build", "dist")]


def variants_dir() -> Path:
    """Where drawn variants are kept on this machine; their hidden labels are never mounted into a sandbox."""
    return state_dir() / "tasks" / "variants"


def real_data(task: str) -> Path:
    """Where the real data of a task is kept once it was prepared."""
    return state_dir() / "tasks" / "real" / task


def open_variant(name: str, store: Path | None = None) -> Drawn:
    """The variant of that id, drawn now unless it is there. Raises `UserError`."""
    with task_errors():
        task, _, _ = name.partition("@")
        spec = find(task)
        variant = parse(spec, name)
        raw = real_data(spec.id) if variant.data == "real" else None
        if raw is not None and not raw.is_dir():
            raise TaskError(f"the real data of {spec.id} is not here", how=f"mlagent tasks prepare {spec.id} --raw DIR")
        return build(spec, variant, store or variants_dir(), raw=raw)


@contextlib.contextmanager
def task_errors() -> Generator[None]:
    """`TaskError` as the one-line error of the app."""
    try:
        yield
    except TaskError as error:
        raise UserError(error.what, where=error.where, how=error.how) from None
