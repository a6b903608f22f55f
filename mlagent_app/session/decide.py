"""What `auto` decides on a step, and the noise and confidence behind it. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from mlagent_app.agent.events import DecisionKind
from mlagent_app.agent.metrics import MetricSpec
from mlagent_app.agent.summary import StepSummary
from mlagent_app.session.progress import Progress

# A gain counts when it is larger than this many standard deviations of a single run.
BEYOND = 2.0
# Floating-point dust: a smaller relative change is no change.
DUST = 1e-9
# Seconds up to which the baseline is run three times, and twice.
SHORT = 20.0
LONG = 180.0
# A new package is a matter of `allow_new_imports`, and says nothing about what is measured.
_HARMLESS = "dependency:"


def noise_of(values: Sequence[float]) -> float | None:
    """The standard deviation of repeated baseline runs; None for fewer than two."""
    return statistics.stdev(values) if len(values) > 1 else None


def confidence(gain: float, noise: float | None) -> float | None:
    """gain / noise; None when the noise is unknown or zero."""
    return gain / noise if noise else None


def repeats(seconds: float) -> int:
    """How many runs of the baseline are cheap enough, the first one included."""
    if seconds <= SHORT:
        return 3
    return 2 if seconds <= LONG else 1


def suggestion(spec: MetricSpec, before: float, value: float, noise: float | None) -> tuple[DecisionKind, str]:
    """Accept a gain beyond the noise, else refuse; and why, in a few words.

    A gain whose noise is unknown is accepted here: `auto` measures the noise first.
    """
    gain = spec.gain(value, before)
    if not math.isfinite(gain) or gain <= DUST * max(abs(before), abs(value)):
        return "refuse", f"no gain ({gain:+.4g})"
    if noise is None:
        return "accept", f"gain {gain:+.4g}; the noise is not known from one baseline run: auto would measure it first"
    if gain <= BEYOND * noise:
        return "refuse", f"gain {gain:+.4g} is within the noise ({BEYOND:g} x {noise:.3g})"
    if not noise:
        return "accept", f"gain {gain:+.4g}; repeated runs gave the same value"
    return "accept", f"gain {gain:+.4g} is {gain / noise:.1f} x the noise"


def noise(progress: Progress, step: StepSummary | None = None) -> float | None:
    """The standard deviation of one run: the baseline's, or the step's own where that is larger."""
    baseline = progress.baseline.noise if progress.baseline else None
    own = noise_of(step.values) if step else None
    return max((known for known in (baseline, own) if known is not None), default=None)


def objection(flags: Sequence[str]) -> str:
    """The flags for which `auto` refuses an edit, in one line; empty where there are none."""
    return "; ".join(flag for flag in flags if not flag.startswith(_HARMLESS))


def measured(progress: Progress, step: StepSummary) -> tuple[DecisionKind, str]:
    """What the runs of a step speak for, flags left aside; and why, in a few words."""
    rewarded, spec = step.rewarded, progress.metric
    if rewarded is not None and rewarded.case == "edit" and spec and step.value is not None and step.before is not None:
        if step.unconfirmed:
            return "refuse", f"the confirming run failed: {step.unconfirmed}"
        return suggestion(spec, step.before, step.value, noise(progress, step))
    if step.edits and rewarded is not None and rewarded.case == "no_edit":
        return "accept", "the file was copied"
    if not step.edits and not step.proposed.invalid:
        return "skip", "nothing was edited"
    return "refuse", rewarded.feedback if rewarded else "not run"


def verdict(progress: Progress, step: StepSummary) -> tuple[DecisionKind, str]:
    """What `auto` does with a step: what was measured decides, but a flagged edit is kept by nobody but a person."""
    kind, why = measured(progress, step)
    flagged = objection(step.proposed.flags)
    return ("refuse", flagged) if kind == "accept" and flagged else (kind, why)
