"""What is known of each task, for people: rows of a table, and one task at length. Needs nothing but the task files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from tasks.schema import Score, TaskSpec

COLUMNS = ("task", "split", "kind", "metric", "rows", "starters", "reference", "headroom", "seconds a run", "noise")
UNKNOWN = "-"


def cells(spec: TaskSpec) -> tuple[str, ...]:
    """One task as the cells of `COLUMNS`; what was not measured yet is a dash."""
    fixed = (spec.id, spec.split.replace("_", "-"), spec.kind, metric(spec), f"{spec.size.standard:,}")
    measured = spec.measured
    if measured is None:
        return (*fixed, ", ".join(f"{starter.name} {UNKNOWN}" for starter in spec.starters), *[UNKNOWN] * 4)
    starters = ", ".join(f"{name} {score.mean:.4g}" for name, score in measured.starters.items())
    seconds = sorted(score.seconds for score in measured.starters.values())
    took = f"{seconds[0]:.2g} to {seconds[-1]:.2g}"
    return (*fixed, starters, f"{measured.reference.mean:.4g}", f"{headroom(spec):.3g}", took, f"{measured.noise:.2g}")


def metric(spec: TaskSpec) -> str:
    """The metric's name and where it should go."""
    return f"{spec.metric.name}, {'higher' if spec.metric.direction == 'max' else 'lower'} is better"


def headroom(spec: TaskSpec) -> float | None:
    """How much better the reference is than the standard starter, in the metric's unit; None when it was not measured."""
    measured = spec.measured
    return measured and spec.metric.spec().gain(measured.reference.mean, measured.baseline.mean)


def markdown(specs: Iterable[TaskSpec]) -> str:
    """A Markdown table, one task a row."""
    rows = [COLUMNS, tuple("---" for _ in COLUMNS), *(cells(spec) for spec in specs)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def as_json(specs: Iterable[TaskSpec]) -> str:
    """One JSON list, one object a task."""
    return json.dumps([_plain(spec) for spec in specs], indent=1)


def _plain(spec: TaskSpec) -> dict[str, Any]:
    plain = spec.model_dump(mode="json", include={"id", "title", "split", "kind", "problem", "metric", "size", "measured"})
    return {**plain, "starters": [starter.name for starter in spec.starters], "headroom": headroom(spec)}


def at_length(spec: TaskSpec) -> str:
    """All that a person may want to know of one task before choosing it, ending with what the agent reads."""
    measured = spec.measured
    lines = [
        f"{spec.id}: {spec.title}",
        f"split      {spec.split.replace('_', '-')}",
        f"problem    {spec.kind}, {spec.problem}",
        f"metric     {metric(spec)}, graded outside of the sandbox",
        f"examples   {spec.size.standard:,} (variants: {spec.size.smallest:,} to {spec.size.largest:,}), generated",
        f"limits     {spec.limits.seconds:g} s, {spec.limits.memory_mb} MiB a run",
    ]
    for number, starter in enumerate(spec.starters):
        score = _score(measured.starters.get(starter.name)) if measured else UNKNOWN
        role = ", standard" if number == 0 else ""
        lines.append(f"starter    {starter.name} ({starter.make}, {starter.quality}{role}): {score}")
    if measured:
        lines += [
            f"reference  {_score(measured.reference)}",
            f"constant   {measured.constant:.4g}",
            f"headroom   {headroom(spec):.3g}",
            f"noise      {measured.noise:.2g} (standard deviation of one grade)",
            f"measured   {measured.command}",
        ]
    else:
        lines.append(f"reference  not measured yet - mlagent tasks verify {spec.id} --write")
    return "\n".join([*lines, *_real(spec), "", _description(spec)])


def _score(score: Score | None) -> str:
    if score is None:
        return UNKNOWN
    return f"{score.mean:.4g} +- {score.sd:.2g} over {score.n} variants (test {score.test:.4g}), {score.seconds:.2g} s a run"


def _real(spec: TaskSpec) -> Sequence[str]:
    if spec.real is None:
        return ("real data  none: a family is always generated",)
    files = ", ".join(file.path for file in spec.real.files)
    return (
        f"real data  {spec.real.page} ({spec.real.licence})",
        f"           download {files}; then: mlagent tasks prepare {spec.id} --raw DIR",
    )


def _description(spec: TaskSpec) -> str:
    return (spec.directory / "description.md").read_text("utf-8").strip()
