"""What a person can decide about a session: the actions behind the keys, apart from how the session is drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from textual.message import Message
from textual.screen import Screen

from mlagent_app.agent.errors import Exit
from mlagent_app.agent.events import Approve, DecisionNeeded
from mlagent_app.tui import wording
from mlagent_app.tui.model import Row, View
from mlagent_app.tui.parting import parting
from mlagent_app.tui.screens.dialogs import ApproveDialog, ConfirmDialog, LeaveDialog, MetricDialog, ReasonDialog
from mlagent_app.tui.thread import SessionThread
from mlagent_app.tui.widgets.diff_pane import DiffPane
from mlagent_app.tui.widgets.steps import StepsTable

# A stopping session kills its run within two seconds; one that does not answer must not hold the terminal.
PATIENCE = 8.0


class DecidingScreen(Screen[None]):
    """Sends every decision through the session's `Controls`; changes the view only when an event says so."""

    class EventsArrived(Message):
        """The session's thread has something to take."""

    def __init__(self, thread: Callable[[Callable[[], None]], SessionThread]) -> None:
        """`thread` makes the session's thread, given what it is to call when there are events to take."""
        super().__init__()
        self.view = View()
        self.thread = thread(self.wake)
        self.leaving: int | None = None

    def wake(self) -> None:
        """Called from any thread; `post_message` is the one thing that may be done here."""
        try:
            self.post_message(self.EventsArrived())
        except RuntimeError:
            # The app has closed its loop: nobody is left to draw for.
            return

    def draw(self) -> None:
        """Bring what is on the screen up to the view."""
        self.refresh()

    @property
    def row(self) -> Row | None:
        """The selected step."""
        return self.view.row(self.query_one(StepsTable).selected)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What makes no sense once the session is over leaves the footer."""
        del parameters
        return not (action in ("pause", "stop", "interrupt") and self.view.over)

    # Answers to a question.

    def action_accept(self) -> None:
        """Accept the edit, or run it, whichever is asked."""
        question = self.view.question
        if question is None or not self._facing(question.step):
            return
        if question.question == "metric":
            self.ask_metric()
            return
        if question.question == "run":
            self.thread.controls.answer(question.step, "run")
        else:
            hunks = self.query_one(DiffPane).hunks
            if hunks == ():
                self._say("No hunk is chosen. Choose one with space, or refuse the step with r.")
                return
            self.thread.controls.answer(question.step, "accept", hunks=hunks)
        self._answered()

    def action_refuse(self) -> None:
        """Refuse the edit, or skip its run; a reason may be given. A step that was interrupted may be skipped too."""
        question, step = self.view.question, self.view.open_step
        if question is None and self.view.paused is not None and step is not None and step.rewarded is None:
            self._refuse(step.index, "skip")
        elif question is not None and question.question != "metric" and self._facing(question.step):
            self._refuse(question.step, "skip" if question.question == "run" else "refuse")

    def _refuse(self, step: int, decision: Literal["skip", "refuse"]) -> None:
        question = self.view.question

        def send(reason: str | None) -> None:
            if reason is not None and self.view.question is question:
                self.thread.controls.answer(step, decision, reason=reason)
                self._answered()

        self.app.push_screen(ReasonDialog(f"{decision.capitalize()} step {step}. Why?", decision), send)

    def ask_metric(self) -> None:
        """Choose which of the metrics of the first run is meant."""
        question, found = self.view.question, self.view.metrics

        def send(choice: int | None) -> None:
            if choice is not None and self.view.question is question:
                self.thread.controls.choose_metric(choice)
                self._answered()

        if found is not None and question is not None and question.question == "metric":
            self.app.push_screen(MetricDialog(found.found), send)

    def action_toggle_hunk(self) -> None:
        """Choose the marked hunk or leave it out."""
        if self.query_one(DiffPane).toggle():
            self.draw()
        elif self.view.question is not None:
            self._say(self._no_hunk(self.view.question))

    def _no_hunk(self, question: DecisionNeeded) -> str:
        """Why there is no hunk to choose while `question` stands."""
        if question.question == "metric":
            return "The metric is asked, not an edit: choose it with a."
        if self.query_one(StepsTable).selected != question.step:
            return f"Select step {question.step}, which the question is about."
        if question.question == "run":
            return "The edit is run as a whole: run it with a, or skip it with r. Hunks are chosen once it has run."
        if self.query_one(DiffPane).hunk_counts[0] == 1:
            return "There is only one hunk here: accept it with a, or refuse it with r."
        return "This step has no hunks: accept it with a, or refuse it with r."

    def action_next_hunk(self) -> None:
        """Mark the next hunk."""
        self.query_one(DiffPane).mark(1)

    def action_previous_hunk(self) -> None:
        """Mark the hunk before."""
        self.query_one(DiffPane).mark(-1)

    # Steps that are done.

    def action_rerun(self) -> None:
        """Measure the selected step once more."""
        step = self.row.summary if self.row is not None else None
        if step is None or step.rewarded is None or step.rewarded.case != "edit":
            self._say("Select a step that has a metric: it is then measured once more.")
        elif not self._over("it cannot be measured again"):
            self.thread.controls.rerun(step.index)
            busy = " as soon as the current run is over" if self.view.activity.phase == "running" else ""
            self._say(f"Step {step.index} is measured again{busy}.")

    def action_revert(self) -> None:
        """Undo the selected accepted step."""
        step = self.row.summary if self.row is not None else None
        started = self.view.summary.started
        session = started.session if started is not None else ""
        if step is None or not step.kept:
            self._say("Select an accepted step: it is then undone.")
            return
        if self._over(f"undo the step with: mlagent revert {session} {step.index}"):
            return

        def send(yes: bool | None) -> None:
            if yes:
                self.thread.controls.revert(step.index)

        landed = "in the project, by a reverse patch" if step.landed is not None else "in the private history"
        body = f"{step.title}\n\nThe edit is undone {landed}. Later steps stay; if it cannot be undone alone, you are told."
        self.app.push_screen(ConfirmDialog(f"Revert step {step.index}?", body, "revert"), send)

    # The session as a whole.

    def action_pause(self) -> None:
        """Pause after the current run, or go on."""
        if self._over("there is nothing to pause"):
            return
        asked, controls = self.view.question is not None, self.thread.controls
        if controls.paused or self.view.paused is not None:
            # Where the bar does not say that the session is paused, it cannot show that it no longer will be.
            if asked or self.view.paused is None:
                self._say("The pause is taken back.")
            controls.resume()
            return
        controls.pause()
        if asked:
            self._say("Pauses once this is decided.")
        elif self.view.activity.phase == "running":
            self._say("The session pauses when the current run is over. Esc kills it now.")

    def action_interrupt(self) -> None:
        """Kill the current run now."""
        waiting = self.view.question is not None or self.view.paused is not None
        # While the session waits for a person, a run is one that was asked for with m.
        if self.view.over or (waiting and self.view.activity.phase != "running"):
            return
        self.thread.controls.interrupt()
        self._say("Interrupted. The step is not measured again." if waiting else "Interrupted. p goes on with the same step.")

    def action_approve(self) -> None:
        """Choose who decides."""

        def send(mode: Approve | None) -> None:
            if mode is not None and mode != self.view.approve:
                self.thread.controls.set_approve(mode)

        if not self._over("there is nothing left to decide"):
            self.app.push_screen(ApproveDialog(self.view.approve), send)

    def action_stop(self) -> None:
        """End the session here."""

        def send(yes: bool | None) -> None:
            if yes:
                self.thread.controls.stop()

        if not self._over("there is nothing to stop"):
            body = f"{self._under_way()}What was accepted stays, and the session can be continued later."
            self.app.push_screen(ConfirmDialog("Stop the session?", body, "stop"), send)

    def action_leave(self) -> None:
        """Leave the app; a session under way is stopped first."""
        if not self.thread.alive:
            failed = self.view.summary.failed
            self.leave(failed.code if failed is not None else Exit.OK)
            return

        def send(yes: bool | None) -> None:
            if yes:
                self.leave(Exit.OK)

        body = f"{self._under_way()}Nothing is lost: mlagent-tui --continue goes on from here."
        self.app.push_screen(LeaveDialog("Leave ML-Agent?", body, "leave"), send)

    def leave(self, code: int) -> None:
        """Stop the session, wait for it to put everything away, and exit with `code`."""
        again, self.leaving = self.leaving is not None, code
        if again or not self.thread.alive:
            self.close(code)
            return
        self.thread.controls.stop()
        self._say("Stopping. The run is being killed and the journal closed.")
        self.set_timer(PATIENCE, lambda: self.close(code))

    def close(self, code: int) -> None:
        """Close the app; what the session came to stays in the terminal."""
        self.app.exit(return_code=code, message=parting(self.view))

    # What they share.

    def _facing(self, step: int) -> bool:
        """Whether the step in question is the one on the screen; if not, it is brought there, and nothing is decided."""
        table = self.query_one(StepsTable)
        if table.selected == step:
            return True
        table.select(step)
        self._say(f"This is step {step}, which the question is about. Press the key again to decide.")
        return False

    def _answered(self) -> None:
        """A question is answered once: the bar closes now, not when the session has taken the answer."""
        self.view.question = None
        self.draw()

    def _over(self, consequence: str) -> bool:
        """Whether the session has ended; then says what follows."""
        if self.thread.alive and not self.view.over:
            return False
        self._say(f"The session has ended: {consequence}.")
        return True

    def _under_way(self) -> str:
        if self.view.activity.phase != "running":
            return ""
        return f"The run of {wording.subject(self.view.activity.step)} is under way and is killed. "

    def _say(self, text: str) -> None:
        self.notify(text, timeout=4, markup=False)
