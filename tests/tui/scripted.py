"""A backend that plays a recorded session: real events, real `Controls`, no project."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from mlagent_app.agent.errors import UserError
from mlagent_app.agent.events import (
    ActionProposed,
    ApproveChanged,
    Decided,
    DecisionKind,
    DecisionNeeded,
    Event,
    Landed,
    Measured,
    Paused,
    Resumed,
    Reverted,
    Rewarded,
    RunFinished,
    RunStarted,
    SessionEnded,
)
from mlagent_app.plan import Plan
from mlagent_app.session.control import Controls, Request


@dataclass(frozen=True)
class Wait:
    """Let so many seconds pass."""

    seconds: float


@dataclass(frozen=True)
class Hold:
    """Stay here until the session is stopped or interrupted and resumed."""


@dataclass(frozen=True)
class Gate:
    """Stay here until the test opens it."""

    opened: threading.Event = field(default_factory=threading.Event)

    def open(self) -> None:
        """Let the session go on."""
        self.opened.set()


Item = Event | Wait | Hold | Gate
Emit = Callable[[Event], None]


@dataclass
class ScriptedBackend:
    """Plays `script`; answers to questions, and everything else a person asks, lead to the events a session would emit."""

    plan: Plan | UserError | Exception
    script: list[Item] = field(default_factory=list[Item])
    crash: Exception | None = None
    requests: list[Request] = field(default_factory=list[Request])
    done: list[str] = field(default_factory=list[str])
    started: Plan | None = None
    session: str = ""

    def open(self) -> Plan:
        """The plan, or what is wrong."""
        if isinstance(self.plan, Exception):
            raise self.plan
        return self.plan

    def run(self, plan: Plan, emit: Emit, controls: Controls) -> None:
        """Play the script."""
        self.started = plan
        play = _Play(self, emit, controls)
        for item in self.script:
            if not play.item(item):
                emit(SessionEnded(reason="stopped", steps=play.steps, best=None, best_step=0, seconds=12.0))
                self.done.append("stopped")
                return
        if self.crash is not None:
            raise self.crash
        self.done.append("ended")


class _Play:
    def __init__(self, backend: ScriptedBackend, emit: Emit, controls: Controls) -> None:
        self.backend = backend
        self.emit = emit
        self.controls = controls
        self.steps = 0
        self.paused = False
        self.skip: set[int] = set()

    def item(self, item: Item) -> bool:
        """Play one item; False when the session is to stop."""
        if isinstance(item, Wait):
            end = time.monotonic() + item.seconds
            return self.wait(lambda: time.monotonic() >= end)
        if isinstance(item, Hold):
            return self.wait(lambda: False)
        if isinstance(item, Gate):
            return self.wait(item.opened.is_set)
        if getattr(item, "step", None) in self.skip and not isinstance(item, ActionProposed):
            return not self.controls.stopping
        self.emit(item)
        if isinstance(item, ActionProposed):
            self.steps = max(self.steps, item.step)
        if isinstance(item, DecisionNeeded):
            return self.ask(item)
        return not self.controls.stopping

    def wait(self, until: Callable[[], bool]) -> bool:
        """Serve requests until it is time; False when the session is to stop."""
        while not until():
            request = self.controls.wait(0.02)
            if self.controls.stopping:
                return False
            self.pausing()
            if request is not None:
                self.serve(request)
        return not self.controls.stopping

    def ask(self, question: DecisionNeeded) -> bool:
        """Wait for the answer and act on it."""
        while True:
            request = self.controls.wait(0.02)
            if self.controls.stopping:
                return False
            self.pausing()
            if request is None:
                continue
            if request.kind == "answer" and request.step == question.step and request.decision is not None:
                self.backend.requests.append(request)
                if question.question == "metric":
                    return True
                self.decide(request, request.decision)
                return True
            self.serve(request)

    def decide(self, request: Request, decision: DecisionKind) -> None:
        """An answer, as events."""
        self.emit(
            Decided(
                step=request.step,
                decision=decision,
                by="user",
                reason=request.reason,
                commit="c" * 40,
                hunks=request.hunks,
            )
        )
        if decision == "accept":
            self.emit(Landed(step=request.step, files=("train.py",), commit="4f1c2d9a77" + "0" * 30, note=""))
        if decision == "skip":
            self.skip.add(request.step)

    def serve(self, request: Request) -> None:
        """Everything but an answer."""
        self.backend.requests.append(request)
        if request.kind == "revert":
            self.emit(Reverted(step=request.step, files=("train.py",), commit="d" * 40, head="e" * 40, note=""))
        elif request.kind == "approve" and request.approve is not None:
            self.emit(ApproveChanged(approve=request.approve))
        elif request.kind == "rerun":
            self.emit(RunStarted(step=request.step, repeat=1, command="python train.py", log_path=""))
            self.emit(run_finished(request.step, 0.9611, repeat=1))
            self.emit(Measured(step=request.step, values=(0.9583, 0.9611), value=0.9597, confidence=3.1))

    def pausing(self) -> None:
        """Pause and resume, as events."""
        if self.controls.paused != self.paused:
            self.paused = self.controls.paused
            self.emit(Paused() if self.paused else Resumed())


def run_finished(step: int, value: float | None, *, outcome: str = "ok", message: str = "", repeat: int = 0) -> RunFinished:
    """The end of a run."""
    return RunFinished(
        step=step,
        repeat=repeat,
        outcome=outcome,
        exit_code=0 if outcome == "ok" else 1,
        seconds=3.4,
        value=value,
        line=f"val_accuracy: {value}" if value is not None else "",
        message=message,
        peak_memory=212_000_000,
        cpu_seconds=3.1,
    )


def rewarded(step: int, before: float, value: float | None, scalar: float, *, outcome: str = "ok") -> Rewarded:
    """The reward of an edit between `before` and `value`, of a metric whose baseline is 0.9416 and whose bound is 1."""
    span = 1 - 0.9416
    delta = value - before if value is not None else None
    return Rewarded(
        step=step,
        outcome=outcome,
        case="edit" if value is not None else "error",
        scalar=scalar,
        version="v1",
        before=before,
        value=value,
        delta=delta,
        span=span if value is not None else None,
        scale=delta / span if delta is not None else None,
        confidence=delta / 0.0021 if delta is not None else None,
        feedback="" if value is not None else "ValueError: Solver lbfgs supports only 'l2' or None penalties, got l1 penalty.",
    )


def log_lines(first: int, last: int) -> Iterator[str]:
    """Lines as a training run prints them."""
    for epoch in range(first, last):
        yield f"epoch {epoch:>3}  loss {1.9 / (epoch + 1):.4f}  val_accuracy {0.9555 - 0.4 / (epoch + 1):.4f}"
