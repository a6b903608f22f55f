"""The loop of a session: baseline, then propose -> edit -> run -> reward -> decide, until a budget is spent.

Everything that happens is an event: the journal writes it, `Progress` folds it, the surface shows it. The loop reads nothing
but `Progress`, so that a resumed session goes on at the very point where its journal ends.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from mlagent_app.agent import events as ev
from mlagent_app.agent.chat import Cancelled, Usage
from mlagent_app.agent.errors import UserError
from mlagent_app.agent.events import DecisionKind, Event
from mlagent_app.agent.metrics import MetricSpec
from mlagent_app.agent.summary import StepSummary, spent
from mlagent_app.environment.core import Environment
from mlagent_app.environment.prepared import Prepared
from mlagent_app.plan import Plan
from mlagent_app.policies.base import Policy, Proposal
from mlagent_app.session.control import Controls, Request
from mlagent_app.session.decide import measured, objection, repeats, verdict
from mlagent_app.session.landing import Lander, told
from mlagent_app.session.measuring import BrokenHead, Measurer
from mlagent_app.session.progress import Progress
from mlagent_app.session.recorder import Recorder
from mlagent_app.session.runs import Interrupted, Runs, Stopped
from mlagent_app.session.view import state_of


class Session:
    """One session on an environment whose snapshot is taken and whose baseline is measured.

    `run` works in the caller's thread until the session ends; `controls` may be used from any other thread.
    """

    def __init__(
        self, plan: Plan, environment: Environment, policy: Policy, lander: Lander, recorder: Recorder, controls: Controls
    ) -> None:
        self._plan = plan
        self._environment = environment
        self._policy = policy
        self._lander = lander
        self._recorder = recorder
        self._controls = controls
        self._measurer = Measurer(environment, Runs(plan.command, environment, recorder, controls), recorder)

    @property
    def progress(self) -> Progress:
        return self._recorder.progress

    def run(self) -> str:
        """Work until a budget is spent; returns the reason of the end (see `SessionEnded`). Raises `UserError`."""
        self._land_what_is_missing()
        why = ""  # of the next pause
        while True:
            try:
                self._serve_pending()
                if self._controls.paused:
                    self._wait_while_paused(why)
                    continue  # what was asked for meanwhile may have been interrupted, too
                why = ""
                reason = self._finished()
                if reason:
                    return reason
                self._measurer.head()
                self._one_step()
            except Interrupted:
                why = "interrupted"
            except BrokenHead as error:
                why = self._pause_to_mend(error)
            except Stopped:
                return "stopped"

    def _pause_to_mend(self, error: BrokenHead) -> str:
        """Leave it to whoever decides to undo something, and pause for that; why. Where nobody does, the session ends."""
        if self.progress.approve == "auto":
            raise error
        # Not `error.how`: the command is refused while this process works on the project.
        self._emit(ev.Notice(text=f"{error.what} ({error.where}): undo one of them, then go on", level="warning"))
        self._controls.pause()
        return f"{error.what}: undo one of them, then go on"

    # One step

    def _one_step(self) -> None:
        step = self.progress.open_step or self._propose()
        if step is None:
            return
        if step.edits and step.proposed.base != self.progress.head:
            self._decided(step, "refuse", "auto", "an edit that it builds on was undone before it was decided")
            return
        prepared = self._prepared(step)
        if step.rewarded is None:
            if prepared.runs and not self._may_run(step):
                return
            self._measurer.step(step, prepared)
        if self.progress.approve != "auto":
            self._confirm_win(step)
        self._decide(step)

    def _propose(self) -> StepSummary | None:
        proposal, prepared = self._guarded(self._proposed)
        usage = (proposal.usage or Usage()) + (prepared.usage or Usage())
        self._emit(
            ev.ActionProposed(
                step=self._next_step,
                action=prepared.action,
                instruction=prepared.instruction,
                file=prepared.file,
                family=proposal.family or prepared.family,
                probability=proposal.probability,
                alternatives=proposal.alternatives,
                reply=proposal.reply,
                undo=prepared.undo,
                prompt_tokens=usage.prompt_tokens,
                completion_tokens=usage.completion_tokens,
                cost=usage.cost,
                diff=prepared.diff,
                base=prepared.base,
                commit=prepared.commit,
                flags=prepared.flags,
                invalid=prepared.invalid,
                observation=prepared.observation,
            )
        )
        return self.progress.open_step

    def _proposed(self) -> tuple[Proposal, Prepared]:
        """The policy's next action, carried out as far as it goes without a run. Policy and editor may write as they go."""
        head, cancel = self.progress.head, self._controls.cancel
        state = state_of(self._plan, self.progress, self._environment)
        candidates = [edit.candidate for edit in self._environment.edits(head, state.met())]
        proposal = self._policy.propose(state, candidates, cancel, self._written)
        action, family = proposal.action, proposal.family
        return proposal, self._environment.prepare(action, head, family=family, cancel=cancel, on_text=self._written)

    def _written(self, text: str) -> None:
        self._emit(ev.ReplyText(step=self._next_step, text=text))

    @property
    def _next_step(self) -> int:
        return len(self.progress.steps) + 1

    def _prepared(self, step: StepSummary) -> Prepared:
        """The proposal as it was journalled; its commit is in the private repository."""
        event = step.proposed
        return Prepared(
            action=event.action,
            base=event.base,
            commit=event.commit,
            instruction=event.instruction,
            file=event.file,
            family=event.family,
            diff=event.diff,
            flags=event.flags,
            observation=event.observation,
            invalid=event.invalid,
            # As `Environment.prepare` has it: an edit or an execution is followed by a run, a copied file is not.
            runs=not event.invalid and event.action in ("Edit Script", "Execute Script"),
        )

    def _may_run(self, step: StepSummary) -> bool:
        """Whether the edit may be run; asks when the mode is `ask`. A step that is skipped or refused is decided here."""
        if step.index in self.progress.allowed:
            return True
        flagged = objection(step.proposed.flags)
        if self.progress.approve == "ask":
            flags = f"; {'; '.join(step.proposed.flags)}" if step.proposed.flags else ""
            answer = self._ask(step, "run", "refuse" if flagged else "run", f"the edit has not been run yet{flags}")
            if answer is not None:
                run = answer.decision in ("run", "accept")
                self._decided(step, "run" if run else "skip", "user", answer.reason)
                return run
        if flagged and self.progress.approve == "auto":
            self._decided(step, "refuse", "auto", flagged)
            return False
        return True

    def _decided(self, step: StepSummary, decision: DecisionKind, by: str, reason: str) -> None:
        """Say of a decision that leaves the accepted files as they are."""
        self._emit(ev.Decided(step=step.index, decision=decision, by=by, reason=reason, commit=self.progress.head))

    def _confirm_win(self, step: StepSummary) -> None:
        """Measure a win once more where that is cheap: the best of several noisy values flatters itself.

        Also when the baseline always gave the same value, since the edit may have brought chance in (an unseeded model).
        """
        if _has_metric(step) and repeats(step.seconds) > 1 and measured(self.progress, step)[0] == "accept":
            self._measurer.confirm(step)

    def _decide(self, step: StepSummary) -> None:
        answer = None
        if _has_metric(step) and self.progress.approve != "auto":
            answer = self._ask(step, "accept", *verdict(self.progress, step))
        if answer is None:
            kind, why = self._decide_alone(step)
            by, hunks = "auto", None
        else:
            kind, why = "accept" if answer.decision == "accept" else "refuse", answer.reason
            by, hunks = "user", answer.hunks
        if kind == "accept":
            self._accept(step, by, why, hunks)
        else:
            self._decided(step, kind, by, why)

    def _decide_alone(self, step: StepSummary) -> tuple[DecisionKind, str]:
        """What to do with a step where nobody is asked. A win is compared with the noise, and confirmed, at any length."""
        kind, why = verdict(self.progress, step)
        if kind != "accept" or not _has_metric(step):
            return kind, why
        if problem := self._measurer.baseline():
            return "refuse", f"the noise is not known, since another run of the baseline failed: {problem}"
        if verdict(self.progress, step)[0] == "accept":
            self._measurer.confirm(step)
        return verdict(self.progress, step)

    def _accept(self, step: StepSummary, by: str, why: str, chosen: tuple[int, ...] | None) -> None:
        commit, hunks = self._lander.kept_commit(step, chosen)
        self._lander.move_head(commit, self.progress.head)
        self._emit(ev.Decided(step=step.index, decision="accept", by=by, reason=why, commit=commit, hunks=hunks))
        if hunks is not None:
            self._emit(ev.Notice(text=f"step {step.index} was accepted in part: what was kept is not measured yet"))
        self._land(step)

    # Questions and requests

    def _ask(self, step: StepSummary, question: ev.Question, kind: DecisionKind, why: str) -> Request | None:
        """Wait for the answer to a question; None when the mode changed so that it needs none."""
        self._emit(ev.DecisionNeeded(step=step.index, question=question, suggestion=kind, why=why))
        while True:
            if self._controls.stopping:
                raise Stopped
            request = self._controls.wait(1.0)
            if request is None:
                continue
            if request.kind == "answer" and request.step == step.index:
                return request
            again = self._serve(request, asking=True)
            if self.progress.approve == "auto" or (question == "run" and self.progress.approve == "run"):
                return None
            if again:
                if question == "accept":
                    kind, why = verdict(self.progress, step)
                self._emit(ev.DecisionNeeded(step=step.index, question=question, suggestion=kind, why=why))

    def _serve_pending(self) -> None:
        """Do what was asked for while the session was busy. In a pause `_wait_while_paused` does, once it has said so."""
        while not self._controls.paused and (request := self._controls.pending()):
            self._serve(request)

    def _serve(self, request: Request, *, asking: bool = False) -> bool:
        """Do what was asked; whether a step was run again. A problem is a notice and ends nothing.

        `asking`: a question is open.
        """
        try:
            if request.kind == "approve" and request.approve and request.approve != self.progress.approve:
                self._emit(ev.ApproveChanged(approve=request.approve))
            elif request.kind == "revert":
                waiting = self.progress.open_step
                if waiting is not None:
                    raise UserError(
                        f"step {waiting.index} builds on the present files and waits for its decision",
                        how=f"decide it, then undo step {request.step}",
                    )
                self._lander.revert(request.step, self.progress, self._emit)
            elif request.kind == "rerun":
                step = self.progress.step(request.step)
                if not _has_metric(step):
                    raise UserError(f"step {request.step} has no metric to measure again")
                self._run_again(step, asking)
                return True
        except KeyError:
            self._emit(ev.Notice(text=f"there is no step {request.step}", level="warning"))
        except UserError as error:
            self._emit(told(error, request.step))
        return False

    def _run_again(self, step: StepSummary, asking: bool) -> None:
        """Measure a step once more. Whoever kills this run means it alone: an open question stays open, a pause a pause."""
        self._controls.spare()  # an interrupt that led to this pause has killed its run already
        with contextlib.suppress(Interrupted):
            self._measurer.again(step)
        if asking:
            self._controls.forget_interrupt()
        else:
            self._controls.spare()

    def _wait_while_paused(self, why: str) -> None:
        self._emit(ev.Paused(why=why))
        while self._controls.paused and not self._controls.stopping:
            request = self._controls.wait(1.0)
            step = self.progress.open_step
            if request and request.kind == "answer" and step and request.step == step.index and step.rewarded is None:
                self._decided(step, "skip", "user", request.reason)
            elif request:
                self._serve(request)
        if self._controls.stopping:
            raise Stopped
        self._emit(ev.Resumed())

    def _guarded(self, call: Callable[[], tuple[Proposal, Prepared]]) -> tuple[Proposal, Prepared]:
        try:
            return call()
        except Cancelled:
            raise (Stopped if self._controls.stopping else Interrupted) from None

    # Landing

    def _land(self, step: StepSummary) -> None:
        if self._plan.apply:
            self._lander.land(step, self.progress, self._policy.name, self._emit)

    def _land_what_is_missing(self) -> None:
        """After a crash between a decision and its landing, or in a landing: land now.

        Steps that were accepted while the project was not to be touched stay out of it, however the session goes on, unless
        `mlagent apply` was killed with them half there. Where nothing is landed, that is said.
        """
        started = self.progress.started
        if started is None:
            return
        cut_short = {step.index: self._lander.cut_short(step) for step in self.progress.kept}
        if self._plan.apply:
            missing = [step for step in self.progress.kept if step.landed is None and cut_short[step.index] != "undoing"]
            withheld = [step for step in missing if step.index in self.progress.withheld and not cut_short[step.index]]
            for step in missing:
                if step not in withheld:
                    self._land(step)
            if withheld:
                how = f"land them with: mlagent apply {started.session}"
                self._emit(ev.Notice(text=f"steps kept earlier are not in the project ({len(withheld)}); {how}"))
        for index, what in cut_short.items():
            if what and not (what == "landing" and self._plan.apply):
                how = f"mlagent {'apply' if what == 'landing' else 'revert'} {started.session} {index}"
                text = f"{what} step {index} was cut short: complete it with: {how}"
                self._emit(ev.Notice(text=text, level="warning"))

    # Facts

    def _finished(self) -> str:
        """Why the session is over; empty while it is not."""
        progress = self.progress
        done = [step for step in progress.steps if step.decided is not None]
        if self._controls.stopping:
            raise Stopped
        if done and done[-1].proposed.action == "Final Answer":
            return "final_answer"
        spec = self._spec()
        best, _ = progress.best
        if spec.target is not None and best is not None and not spec.better(spec.target, best):
            return "target"
        if progress.open_step is not None:
            return ""
        if spent(done, self._plan.steps) >= self._plan.steps:
            return "steps"
        if self._plan.minutes is not None and progress.active >= 60 * self._plan.minutes:
            return "minutes"
        return ""

    def _spec(self) -> MetricSpec:
        if self.progress.metric is None:
            raise RuntimeError("the metric is known before the session runs")
        return self.progress.metric

    def _emit(self, event: Event) -> None:
        self._recorder.emit(event)


def _has_metric(step: StepSummary) -> bool:
    """Whether the step was run and gave a metric to decide by."""
    return step.rewarded is not None and step.rewarded.case == "edit"
