"""What the policy sees of a session, and what the world sees of a reward. Pure functions of the fold."""

from __future__ import annotations

from mlagent_app.agent import events as ev
from mlagent_app.agent.reward import Reward
from mlagent_app.agent.state import State, Task
from mlagent_app.agent.summary import spent
from mlagent_app.environment.core import Environment
from mlagent_app.environment.measure import Measurement
from mlagent_app.plan import Plan
from mlagent_app.session.decide import confidence
from mlagent_app.session.progress import Progress


def state_of(plan: Plan, progress: Progress, environment: Environment) -> State:
    """s_t. Raises RuntimeError before the baseline is measured."""
    if progress.baseline is None or progress.metric is None or progress.head_value is None:
        raise RuntimeError("the baseline is measured before a policy is asked")
    task = Task(
        name=plan.project.name,
        command=plan.command,
        metric=progress.metric,
        m_init=progress.baseline.value,
        m_best=progress.baseline.m_best,
        noise=progress.baseline.noise,
        notes=plan.notes,
    )
    return State(
        task=task,
        value=progress.head_value,
        base=progress.head,
        history=progress.turns(),
        files=environment.texts(progress.head),
        steps_left=plan.steps - spent(progress.steps, plan.steps),
        seconds=progress.head_seconds,
        limit=plan.limits.seconds,
    )


def rewarded(
    step: int, reward: Reward, before: float, measurement: Measurement | None, feedback: str, noise: float | None
) -> ev.Rewarded:
    """The event of a step's reward."""
    outcome = "invalid" if reward.case == "invalid" else "ok"
    if measurement is not None:
        outcome = measurement.result.outcome
        if outcome == "ok" and measurement.value is None:
            outcome = "no_metric"
    return ev.Rewarded(
        step=step,
        outcome=outcome,
        case=reward.case,
        scalar=reward.scalar,
        version=reward.version,
        before=before,
        value=measurement.value if measurement else None,
        delta=reward.delta,
        span=reward.span,
        scale=reward.scale,
        confidence=None if reward.delta is None else confidence(reward.delta, noise),
        feedback=feedback,
    )
