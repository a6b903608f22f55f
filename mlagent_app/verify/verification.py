"""Proving one task: every group of checks in turn, with the runs of all groups under way at once."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import cast

from mlagent_app.environment.taskjudge import printed, tolerance
from mlagent_app.environment.trial import Trial
from mlagent_app.verify import measuring
from mlagent_app.verify.attacks import Attack, attacks_on, problem_with
from mlagent_app.verify.data import check_data, contents
from mlagent_app.verify.findings import Finding, TaskReport, finding
from mlagent_app.verify.statistics import bootstrap_sd
from mlagent_app.verify.workshop import Workshop
from sandbox.runner import RunnerName
from tasks.building import Drawn, build
from tasks.constants import best_constant
from tasks.errors import TaskError
from tasks.schema import Measured, TaskSpec, load
from tasks.suite import suite
from tasks.variant import draw

SEEDS = 6


@dataclass(frozen=True, slots=True)
class Scope:
    """How much is tried. `attacked` names, per task, the sandboxes in which it is attacked; `seeds` are variants measured."""

    command: str
    quick: bool = False
    seeds: int = SEEDS
    attacked: Mapping[str, Sequence[RunnerName]] = field(default_factory=dict[str, "Sequence[RunnerName]"])


@dataclass(frozen=True)
class _Runs:
    """The runs on the standard variant that are under way."""

    starters: Mapping[str, Mapping[str, Future[Trial]]]
    attacks: Sequence[tuple[RunnerName, Attack, Future[Trial]]]


def verify(spec: TaskSpec, shop: Workshop, scope: Scope) -> TaskReport:
    """All findings on one task. An error in the task's own code is a finding, too."""
    began = time.monotonic()
    findings: list[Finding] = []
    measured: Measured | None = None
    try:
        findings.append(_schema(spec, scope))
        findings.append(check_data(spec, shop.store / "checked"))
        more, measured = _run(spec, shop, scope)
        findings += more
    except TaskError as error:
        findings.append(finding("schema", [str(error)]))
    # What is being verified is code of the task: whatever it raises is its own fault, and ends its verification only.
    except Exception as error:
        findings.append(finding("data", [f"its code raised {type(error).__name__}: {error}"]))
    return TaskReport(spec, tuple(findings), measured, time.monotonic() - began)


def _schema(spec: TaskSpec, scope: Scope) -> Finding:
    load(spec.directory)
    # Loading the whole suite fails when an id stands in two splits.
    known = suite().get(spec.id)
    problems = (
        [] if known is None or known.split == spec.split else [f"it is {known.split} in the suite, and {spec.split} here"]
    )
    count = len(attacks_on(spec, quick=scope.quick))
    return finding("schema", problems, f"{spec.split}, {len(spec.starters)} starters, {count} attacks")


def _run(spec: TaskSpec, shop: Workshop, scope: Scope) -> tuple[list[Finding], Measured | None]:
    drawn = build(spec, draw(spec), shop.store)
    before = _fingerprint(drawn)
    runs = _start(spec, drawn, shop, scope)
    under_way = measuring.start(spec, scope.seeds, shop)
    starters = {name: {place: each.result() for place, each in tried.items()} for name, tried in runs.starters.items()}
    attacked: list[tuple[RunnerName, Attack, Trial]] = [(kind, attack, each.result()) for kind, attack, each in runs.attacks]
    compared, measured = measuring.finish(spec, under_way, scope.command)
    again = {starter.name: under_way.trials[starter.name][0].result() for starter in spec.starters}
    findings = [
        _starters(drawn, starters),
        _repeat(starters, again, shop.quickest),
        _attacks(drawn, attacked, unchanged=before == _fingerprint(drawn)),
        *compared,
    ]
    return findings, measured


def _start(spec: TaskSpec, drawn: Drawn, shop: Workshop, scope: Scope) -> _Runs:
    starters = {
        starter.name: {kind: shop.start(drawn, spec.starter_files(starter.name), kind) for kind in shop.sandboxes}
        for starter in spec.starters
    }
    attacks: list[tuple[RunnerName, Attack, Future[Trial]]] = [
        (kind, attack, shop.start(drawn, attack.files, kind))
        for kind in scope.attacked.get(spec.id, ())
        for attack in attacks_on(spec, quick=scope.quick)
    ]
    return _Runs(starters, attacks)


def _starters(drawn: Drawn, tried: Mapping[str, Mapping[str, Trial]]) -> Finding:
    """Every starter runs within the limits, is graded, and says of itself what the grade says."""
    problems: list[str] = []
    for name, places in tried.items():
        for place, each in places.items():
            if each.value is None:
                problems.append(f"{name} in {place}: {each.message}")
                continue
            problems += [f"{name} in {place} {problem}" for problem in _disagreement(drawn, each, each.value)]
    slowest = max((each.result.seconds for places in tried.values() for each in places.values()), default=0.0)
    places = " and ".join(next(iter(tried.values())))
    return finding("starters", problems, f"{len(tried)} in {places}, slowest {slowest:.1f} s of {drawn.spec.limits.seconds:g}")


def _disagreement(drawn: Drawn, tried: Trial, value: float) -> list[str]:
    """What a script prints against what it got. The noise is measured here: what stands in task.toml may be old, or missing."""
    metric = drawn.spec.metric.spec()
    said = printed(metric, tried.stdout)
    if said is None:
        return [f"printed no {metric.name}"]
    noise = bootstrap_sd(drawn, cast("bytes", tried.submission))
    if abs(said - value) <= tolerance(metric, said, value, noise):
        return []
    return [f"printed {metric.name} {said:.4g}, the grader says {value:.4g}"]


def _repeat(tried: Mapping[str, Mapping[str, Trial]], again: Mapping[str, Trial], place: str) -> Finding:
    """The same script on the same data has the same grade, wherever and whenever it runs."""
    problems: list[str] = []
    for name, places in tried.items():
        grades = {where: each.value for where, each in places.items()} | {f"{place} again": again[name].value}
        graded = {where: value for where, value in grades.items() if value is not None}
        if len(set(graded.values())) > 1:
            problems.append(f"{name}: " + ", ".join(f"{value:.10g} in {where}" for where, value in graded.items()))
    return finding("repeat", problems, f"{len(tried)} starters graded alike every time")


def _attacks(drawn: Drawn, tried: Sequence[tuple[RunnerName, Attack, Trial]], *, unchanged: bool) -> Finding:
    """No attack gets more than a constant does, finds what is hidden, or changes anything outside of its workspace."""
    constant = best_constant(drawn, "dev")
    problems = [
        f"{problem} (in {kind})" for kind, attack, each in tried if (problem := problem_with(attack, each, drawn, constant))
    ]
    if not unchanged:
        problems.append("the task's files, its data or its labels are not what they were before the attacks")
    counts = {kind: sum(where == kind for where, _, _ in tried) for kind, _, _ in tried}
    text = ", ".join(f"{count} in {kind}" for kind, count in counts.items())
    return finding("attacks", problems, f"{text}; the best constant is {constant:.4g}")


def _fingerprint(drawn: Drawn) -> list[dict[str, str]]:
    return [contents(directory) for directory in (drawn.spec.directory, drawn.data, drawn.hidden)]
