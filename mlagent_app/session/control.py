"""What a person can tell a running session, from any thread."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Literal

from mlagent_app.agent.events import Approve, DecisionKind

RequestKind = Literal["answer", "revert", "rerun", "approve"]


@dataclass(frozen=True, slots=True)
class Request:
    """One thing asked of the session. `step` is 0 where it has no meaning."""

    kind: RequestKind
    step: int = 0
    decision: DecisionKind | None = None
    reason: str = ""
    hunks: tuple[int, ...] | None = None
    approve: Approve | None = None
    choice: int = 0


class Controls:
    """The inbox of a session. Every method returns at once and may be called from any thread.

    A surface (screen or command line) holds one and calls `answer`, `pause`, `resume`, `interrupt`, `stop`, `revert`, `rerun`
    and `set_approve`; the session's thread takes requests with `wait` and watches `cancel`.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._requests: deque[Request] = deque()
        self._paused = False
        self._paused_before = False
        self._stopping = False
        self.cancel = threading.Event()

    @property
    def paused(self) -> bool:
        """Whether no new step may begin."""
        return self._paused

    @property
    def stopping(self) -> bool:
        """Whether the session is to end now, resumable."""
        return self._stopping

    def answer(self, step: int, decision: DecisionKind, *, reason: str = "", hunks: tuple[int, ...] | None = None) -> None:
        """Answer the `DecisionNeeded` of `step`. `hunks` are 0-based indices into the step's diff; None accepts all."""
        self._put(Request("answer", step, decision, reason, hunks))

    def choose_metric(self, choice: int) -> None:
        """Answer the question `metric`: the 0-based index into `MetricsFound.found`."""
        self._put(Request("answer", 0, "accept", choice=choice))

    def revert(self, step: int) -> None:
        """Undo an accepted step, as soon as no run is under way."""
        self._put(Request("revert", step))

    def rerun(self, step: int) -> None:
        """Measure a step once more, as soon as no run is under way."""
        self._put(Request("rerun", step))

    def set_approve(self, mode: Approve) -> None:
        """Change who decides, from the next question on."""
        self._put(Request("approve", approve=mode))

    def pause(self) -> None:
        """Begin no new step; the current run goes on."""
        with self._changed:
            self._paused = True
            self._changed.notify_all()

    def resume(self) -> None:
        """Go on after `pause` or `interrupt`."""
        with self._changed:
            self._paused = False
            self._spare()
            self._changed.notify_all()

    def interrupt(self) -> None:
        """Kill the current proposal or run now, and pause. On `resume` the same step runs again."""
        with self._changed:
            if not self.cancel.is_set():
                self._paused_before = self._paused
            self._paused = True
            self.cancel.set()
            self._changed.notify_all()

    def spare(self) -> None:
        """What an `interrupt` was to kill is over: the next run is not killed. The pause stays."""
        with self._changed:
            self._spare()

    def forget_interrupt(self) -> None:
        """Take an `interrupt` back once it has killed what it was meant for: paused is again what it was before."""
        with self._changed:
            if self.cancel.is_set():
                self._paused = self._paused_before
            self._spare()

    def stop(self) -> None:
        """Kill what is under way and end the session; `--continue` goes on from there."""
        with self._changed:
            self._stopping = True
            self.cancel.set()
            self._changed.notify_all()

    def wait(self, timeout: float | None = None) -> Request | None:
        """The next request, or None once the state changed (paused, resumed, stopped) or `timeout` seconds passed."""
        with self._changed:
            if not self._requests and not self._stopping:
                self._changed.wait(timeout)
            return self._requests.popleft() if self._requests else None

    def pending(self) -> Request | None:
        """The next request, if there is one now."""
        with self._changed:
            return self._requests.popleft() if self._requests else None

    def _spare(self) -> None:
        # What stops the session is not taken back by anything.
        if not self._stopping:
            self.cancel.clear()

    def _put(self, request: Request) -> None:
        with self._changed:
            self._requests.append(request)
            self._changed.notify_all()
