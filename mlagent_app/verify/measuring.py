"""What a task's scripts score over several variants, and how much of that is chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import cast

import numpy as np

from mlagent_app.environment.trial import Trial
from mlagent_app.verify.findings import Finding, finding
from mlagent_app.verify.statistics import bootstrap_sd, mean_and_error, rounded
from mlagent_app.verify.workshop import Workshop
from tasks.building import Drawn, build
from tasks.constants import best_constant
from tasks.schema import Measured, Score, TaskSpec
from tasks.variant import draw

REFERENCE = "reference"
# The reference must be better than a starter by this many standard errors of the mean difference.
DEVIATIONS = 2.0


@dataclass(frozen=True)
class Started:
    """Runs under way: per script one trial a variant, in the order of `variants`."""

    variants: Sequence[Drawn]
    trials: Mapping[str, Sequence[Future[Trial]]]


@dataclass(frozen=True)
class Scores:
    """The grades of one script, one a variant."""

    dev: Sequence[float]
    test: Sequence[float]
    seconds: float

    def summary(self) -> Score:
        """As it stands in task.toml."""
        sd = float(np.std(self.dev, ddof=1)) if len(self.dev) > 1 else 0.0
        test, mean = float(np.mean(self.test)), float(np.mean(self.dev))
        return Score(mean=rounded(mean), sd=rounded(sd), n=len(self.dev), seconds=rounded(self.seconds), test=rounded(test))


def start(spec: TaskSpec, seeds: int, shop: Workshop) -> Started:
    """Start every starter and the reference on the first `seeds` training variants. Raises `TaskError`."""
    variants = [build(spec, draw(spec, seed), shop.store) for seed in range(seeds)]
    scripts = {starter.name: spec.starter_files(starter.name) for starter in spec.starters}
    scripts[REFERENCE] = {"train.py": (spec.directory / "reference.py").read_bytes()}
    trials = {name: [shop.start(drawn, files, shop.quickest) for drawn in variants] for name, files in scripts.items()}
    return Started(variants, trials)


def finish(spec: TaskSpec, started: Started, command: str) -> tuple[list[Finding], Measured | None]:
    """The findings `reference` and `noise`, and the measurements when every run was graded."""
    tried = {name: [future.result() for future in futures] for name, futures in started.trials.items()}
    failed = [
        f"{name} on variant {drawn.variant.seed}: {each.message}"
        for name, trials in tried.items()
        for drawn, each in zip(started.variants, trials, strict=True)
        if each.value is None
    ]
    if failed:
        return [finding("reference", failed, "a run was not graded")], None
    scores = {name: _scores(trials) for name, trials in tried.items()}
    standard = spec.starters[0].name
    noise = bootstrap_sd(started.variants[0], cast("bytes", tried[standard][0].submission))
    constants = [best_constant(drawn, "dev") for drawn in started.variants]
    measured = Measured(
        command=command,
        baseline=scores[standard].summary(),
        reference=scores[REFERENCE].summary(),
        constant=rounded(float(np.mean(constants))),
        noise=rounded(noise),
        starters={starter.name: scores[starter.name].summary() for starter in spec.starters},
    )
    return [_compared(spec, scores), _noise(spec, measured, scores[standard], constants)], measured


def _scores(trials: Sequence[Trial]) -> Scores:
    used = [each.result.seconds if each.result.cpu_seconds is None else each.result.cpu_seconds for each in trials]
    return Scores([cast("float", t.value) for t in trials], [cast("float", t.test) for t in trials], float(np.mean(used)))


def _compared(spec: TaskSpec, scores: Mapping[str, Scores]) -> Finding:
    """The reference beats every starter. On one variant alone, of which nothing is known, it has to be better at all."""
    metric, best = spec.metric.spec(), scores[REFERENCE]
    problems: list[str] = []
    details: list[str] = []
    for starter in spec.starters:
        mine = scores[starter.name]
        gain, error = mean_and_error([metric.gain(a, b) for a, b in zip(best.dev, mine.dev, strict=True)])
        test, _ = mean_and_error([metric.gain(a, b) for a, b in zip(best.test, mine.test, strict=True)])
        beaten = gain > DEVIATIONS * error if len(mine.dev) > 1 else gain > 0
        text = f"{starter.name} {gain:+.3g}" + (f" +- {error:.2g}" if len(mine.dev) > 1 else "")
        details.append(text)
        if not beaten or test <= 0:
            problems.append(f"the reference does not beat {text} on dev, {test:+.3g} on test")
    return finding("reference", problems, f"gain over {', '.join(details)}")


def _noise(spec: TaskSpec, measured: Measured, standard: Scores, constants: Sequence[float]) -> Finding:
    """The noise floor is known, and the standard starter is better than no model at all."""
    metric = spec.metric.spec()
    problems: list[str] = []
    if not np.isfinite(measured.noise) or measured.noise <= 0:
        problems.append(f"the grade's noise cannot be measured: {measured.noise}")
    gains = [metric.gain(a, b) for a, b in zip(standard.dev, constants, strict=True)]
    if float(np.mean(gains)) <= 0:
        problems.append(
            f"{spec.starters[0].name} is no better than a constant: {np.mean(standard.dev):.4g}, {measured.constant:.4g}"
        )
    headroom = metric.gain(measured.reference.mean, measured.baseline.mean)
    ratio = headroom / measured.noise if measured.noise else float("nan")
    text = (
        f"a grade's noise {measured.noise:.3g}, constant {measured.constant:.4g}, headroom {headroom:.3g} = {ratio:.1f} x noise"
    )
    return finding("noise", problems, text)
