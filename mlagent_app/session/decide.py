"""What `auto` decides on a measured edit, and the noise and confidence behind it. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from mlagent_app.agent.events import DecisionKind
from mlagent_app.agent.metrics import MetricSpec

# A gain counts when it is larger than this many standard deviations of a single run.
BEYOND = 2.0
# Floating-point dust: a smaller relative change is no change.
DUST = 1e-9


def noise_of(values: Sequence[float]) -> float | None:
    """The standard deviation of repeated baseline runs; None for fewer than two."""
    return statistics.stdev(values) if len(values) > 1 else None


def confidence(gain: float, noise: float | None) -> float | None:
    """gain / noise; None when the noise is unknown or zero."""
    return gain / noise if noise else None


def repeats(seconds: float) -> int:
    """How many runs of the baseline are cheap enough, the first one included."""
    if seconds <= 20:
        return 3
    return 2 if seconds <= 180 else 1


def suggestion(spec: MetricSpec, before: float, value: float, noise: float | None) -> tuple[DecisionKind, str]:
    """Accept a gain beyond the noise, else refuse; and why, in a few words."""
    gain = spec.gain(value, before)
    if not math.isfinite(gain) or gain <= DUST * max(abs(before), abs(value)):
        return "refuse", f"no gain ({gain:+.4g})"
    if noise is None:
        return "accept", f"gain {gain:+.4g}; the noise is not known from one baseline run"
    if gain <= BEYOND * noise:
        return "refuse", f"gain {gain:+.4g} is within the noise ({BEYOND:g} x {noise:.3g})"
    if not noise:
        return "accept", f"gain {gain:+.4g}; repeated runs gave the same value"
    return "accept", f"gain {gain:+.4g} is {gain / noise:.1f} x the noise"
