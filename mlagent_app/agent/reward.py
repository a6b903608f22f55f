"""The ML-specific reward module: eq. 6 of arXiv 2505.23723, in both published versions, with its parts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from mlagent_app.agent.errors import UserError
from mlagent_app.agent.metrics import MetricSpec, natural_bound

Version = Literal["v1", "v2", "clipped", "kept"]
Case = Literal["invalid", "error", "no_edit", "corner", "edit", "infrastructure"]

# Eq. 6: the reward of the cases in which no metric is compared.
CONSTANT: dict[Version, dict[Case, float]] = {
    "v1": {"invalid": 0.0, "error": 0.0, "no_edit": 0.5, "corner": 0.5},
    "v2": {"invalid": -1.0, "error": -1.0, "no_edit": 0.0, "corner": 0.0},
    "clipped": {"invalid": -1.0, "error": -1.0, "no_edit": 0.0, "corner": 0.0},
    "kept": {"invalid": 0.0, "error": 0.0, "no_edit": 0.0, "corner": 0.0},
}
# Eq. 6, v1: the factor alpha before the scaled difference.
ALPHA = 100.0


@dataclass(frozen=True, slots=True)
class Reward:
    """One scalar and what it is made of.

    `scalar` is None when the infrastructure failed: such a step is unscored and never trained on. `delta` is
    m_t+1 - m_t and `span` is m_best - m_init, both in the metric's unit and signed so that positive is better; `scale` is
    delta / span. They are None outside the case `edit`.
    """

    version: Version
    case: Case
    scalar: float | None
    delta: float | None = None
    span: float | None = None
    scale: float | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """m_init and m_best, and where m_best comes from (`target`, `task`, `natural bound`, `relative`)."""

    m_init: float
    m_best: float
    source: str


def reference(spec: MetricSpec, m_init: float) -> Reference:
    """The reference of a metric whose baseline is `m_init`.

    The user's target, else the natural bound, else twice the baseline's size (in the good direction), which only fixes
    the unit of the reward. Raises `UserError` when the target is not better than the baseline.
    """
    if spec.target is not None:
        if not spec.better(spec.target, m_init):
            raise UserError(
                f"the target {spec.target:g} of {spec.name} is not better than its baseline {m_init:g}",
                where="metric.target",
                how=f"give a target {'above' if spec.direction == 'max' else 'below'} {m_init:g}, or leave it out",
            )
        return Reference(m_init, spec.target, "target")
    bound = natural_bound(spec.name, spec.direction, m_init)
    if bound is not None and spec.better(bound, m_init):
        return Reference(m_init, bound, "natural bound")
    size = abs(m_init) or 1.0
    return Reference(m_init, m_init + size if spec.direction == "max" else m_init - size, "relative")


def constant(case: Case, version: Version = "v1") -> Reward:
    """The reward of a step in which no metric is compared."""
    if case == "infrastructure":
        return Reward(version, case, None)
    return Reward(version, case, CONSTANT[version][case])


def edit_reward(spec: MetricSpec, ref: Reference, before: float, after: float, version: Version = "v1") -> Reward:
    """The reward of an edit that ran: eq. 6, first (v1) or second (v2) published version.

    `before` is m_t and `after` m_t+1. Raises ValueError when the reference does not lie beyond m_init.
    """
    span = spec.gain(ref.m_best, ref.m_init)
    if not span > 0:
        raise ValueError(f"m_best {ref.m_best} is not better than m_init {ref.m_init}")
    if not math.isfinite(after):
        return constant("error", version)
    delta = spec.gain(after, before)
    scale = delta / span
    return Reward(version, "edit", edit_scalar(scale, version), delta, span, scale)


def edit_scalar(scale: float, version: Version = "v1") -> float:
    """The reward of an edit that ran, from delta / span.

    `clipped` holds v2 within -1 and 1, `kept` within 0 and 1: where a loss is undone, as in a session, it costs the step and no
    more, so that a daring edit is worth what it gains when it works.
    """
    if version == "v1":
        return sigmoid(ALPHA * scale)
    if version == "v2":
        return scale
    return max(0.0 if version == "kept" else -1.0, min(1.0, scale))


def sigmoid(x: float) -> float:
    """1 / (1 + e^-x), without overflow at either end."""
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-x))
    z = math.exp(x)
    return z / (1.0 + z)
