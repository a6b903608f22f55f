"""A session's events as the loop emits them: kept, refused, failed, interrupted, partly kept, reverted and unscored steps."""

from __future__ import annotations

from mlagent_app.agent import events as ev
from mlagent_app.agent.events import DecisionKind, Event
from mlagent_app.agent.metrics import MetricSpec
from mlagent_app.agent.reward import Case, Reference, constant, edit_reward

SPEC = MetricSpec("validation accuracy", "max")
REFERENCE = Reference(0.80, 1.0, "natural bound")
NOISE = 0.01


def diff(old: str, new: str, file: str = "train.py") -> str:
    return f"diff --git a/{file} b/{file}\n--- a/{file}\n+++ b/{file}\n@@ -3,2 +3,2 @@ import x\n-{old}\n+{new}\n same\n"


def started() -> ev.SessionStarted:
    return ev.SessionStarted(
        session="20260101-090000-ab12",
        project="/home/someone/digits",
        command="python train.py",
        command_source="the only script with a main",
        python="/usr/bin/python3",
        policy="bandit",
        sandbox="docker",
        sandbox_notes=("host runtime",),
        metric=None,
        approve="auto",
        steps=8,
        minutes=None,
        seed=0,
        reward="v1",
        apply=False,
        commit=True,
    )


def opening(noise: float | None = NOISE, direction: str = "max", value: float = 0.80) -> list[Event]:
    """From the start to the measured baseline."""
    metric = {"name": SPEC.name, "direction": direction, "source": "stdout", "pattern": "", "pick": "last", "target": None}
    values = (value,) if noise is None else (value - noise, value, value + noise)
    return [
        started(),
        ev.SnapshotTaken(
            commit="c0",
            files=4,
            size=5120,
            linked=(("data/big.npy", "larger than 50 MB"),),
            left_out=((".env", "looks like a secret"),),
            cut=7,
            protected=("data.py",),
        ),
        *(run(0, value=each, repeat=number) for number, each in enumerate(values)),
        ev.MetricChosen(metric=metric, line="validation accuracy: 0.8000", where="stdout", reason="validation beats training"),
        ev.BaselineMeasured(
            values=values, value=value, noise=noise, seconds=1.2, m_best=1.0, m_best_source="natural bound", line="..."
        ),
    ]


def proposed(step: int, instruction: str = "", *, patch: str = "", flags: tuple[str, ...] = ()) -> ev.ActionProposed:
    return ev.ActionProposed(
        step=step,
        action="Edit Script",
        instruction=instruction or f"set MAX_DEPTH to {step}",
        file="train.py",
        family="constant",
        probability=0.5,
        alternatives=(("set MAX_DEPTH to 8", 0.5), ("set C to 1", 0.25)),
        diff=patch or diff("MAX_DEPTH = 6", f"MAX_DEPTH = {step}"),
        base="c0",
        commit=f"c{step}",
        flags=flags,
    )


def run(step: int, *, value: float | None, repeat: int = 0, outcome: str = "ok", message: str = "") -> ev.RunFinished:
    return ev.RunFinished(
        step=step,
        repeat=repeat,
        outcome=outcome,
        exit_code=0 if outcome == "ok" else 1,
        seconds=1.25,
        value=value,
        line="" if value is None else f"validation accuracy: {value:.4f}",
        message=message,
        peak_memory=120_000_000,
    )


def rewarded(step: int, before: float, value: float) -> ev.Rewarded:
    reward = edit_reward(SPEC, REFERENCE, before, value)
    return ev.Rewarded(
        step=step,
        outcome="ok",
        case="edit",
        scalar=reward.scalar,
        version="v1",
        before=before,
        value=value,
        delta=reward.delta,
        span=reward.span,
        scale=reward.scale,
        confidence=(value - before) / NOISE,
        feedback=f"validation accuracy {value:g} (before {before:g})",
    )


def unscored(step: int, before: float, case: Case, outcome: str, feedback: str) -> ev.Rewarded:
    return ev.Rewarded(
        step=step,
        outcome=outcome,
        case=case,
        scalar=constant(case).scalar,
        version="v1",
        before=before,
        value=None,
        delta=None,
        span=None,
        scale=None,
        confidence=None,
        feedback=feedback,
    )


def decided(
    step: int, decision: DecisionKind, reason: str = "", by: str = "auto", hunks: tuple[int, ...] | None = None
) -> ev.Decided:
    return ev.Decided(step=step, decision=decision, by=by, reason=reason, commit=f"c{step}", hunks=hunks)


def edit(
    step: int,
    before: float,
    value: float,
    decision: DecisionKind,
    reason: str = "",
    by: str = "auto",
    hunks: tuple[int, ...] | None = None,
) -> list[Event]:
    """A whole step whose edit ran."""
    ran = [proposed(step), run(step, value=value), rewarded(step, before, value)]
    return [*ran, decided(step, decision, reason, by, hunks)]


def landed(step: int) -> ev.Landed:
    return ev.Landed(step=step, files=("train.py",), commit=f"{step}" * 40, note="")


def whole() -> list[Event]:
    """A session with one step of every kind; the best kept state is step 6, 0.95."""
    return [
        *opening(),
        *edit(1, 0.80, 0.86, "accept", reason="gain +0.06 is 6.0 x the noise"),
        landed(1),
        *edit(2, 0.86, 0.84, "refuse", reason="no gain (-0.02)"),
        proposed(3, "replace RandomForestClassifier with SVC"),
        run(3, value=None, outcome="error", message="ModuleNotFoundError: No module named 'nothing'"),
        unscored(3, 0.86, "error", "error", "ModuleNotFoundError: No module named 'nothing'"),
        decided(3, "refuse"),
        proposed(4, "set C to 10"),
        run(4, value=None, outcome="killed"),
        ev.Paused(why="interrupted"),
        ev.Resumed(again=True, sandbox="bwrap"),
        run(4, value=0.90, repeat=1),
        rewarded(4, 0.86, 0.90),
        ev.Measured(step=4, values=(0.90, 0.88), value=0.89, confidence=3.0),
        decided(4, "accept", by="user", reason="fine"),
        proposed(5),
        run(5, value=None, outcome="infrastructure", message="the engine stopped answering"),
        unscored(5, 0.89, "infrastructure", "infrastructure", "the engine stopped answering"),
        decided(5, "refuse", by="user", reason="the engine died"),
        *edit(6, 0.89, 0.95, "accept", by="user"),
        *edit(7, 0.95, 0.97, "accept", by="user"),
        ev.Reverted(step=7, files=("train.py",), commit="", head="c6", note="too slow in production"),
        proposed(8, flags=("changes the seed",)),
        unscored(8, 0.95, "no_edit", "ok", "nothing was edited"),
        decided(8, "skip"),
        ev.Notice(text="a notice", level="warning"),
        ev.SessionEnded(reason="steps", steps=8, best=0.95, best_step=6, seconds=42.5),
    ]
