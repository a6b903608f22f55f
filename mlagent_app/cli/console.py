"""A session as lines of text: one a step, and a table at the end."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from mlagent_app.agent import events as ev
from mlagent_app.agent.actions import parse
from mlagent_app.agent.directions import aim
from mlagent_app.agent.events import Event
from mlagent_app.agent.quantities import tokens
from mlagent_app.cli.guard import say
from mlagent_app.plan import Plan
from mlagent_app.report import Summary, to_table
from mlagent_app.report.wording import END_REASONS, visible

# Characters of a thought that are shown.
THOUGHT = 160
MARKS = {"accept": "[green]kept[/]", "refuse": "[dim]refused[/]", "skip": "[dim]skipped[/]", "run": ""}


def again(session: str, *, landing: bool) -> str:
    """The command that goes on with a session. By its id: it stays the same one when another has begun meanwhile."""
    return f"mlagent run --resume {session}{' --apply' if landing else ''}"


class TextSurface:
    """Prints events for a person who reads a scrolling terminal or a log file."""

    def __init__(self, console: Console, project: str) -> None:
        self._console = console
        self._project = project
        self._session = ""
        self._landing = False

    def opened(self, plan: Plan) -> None:
        """Say what was detected before anything runs."""
        self._landing = plan.apply
        self._line(f"[bold]{escape(str(plan.project))}[/]")
        self._line(f"  command  {escape(plan.command)}  [dim]({escape(plan.command_source)})[/]")
        self._line(f"  python   {escape(str(plan.python))}  [dim]({escape(plan.python_source)})[/]")
        for notice in plan.notices:
            self._line(f"  [yellow]i[/] {escape(notice)}")

    def show(self, event: Event) -> None:
        """Print what this event means, if anything."""
        match event:
            case ev.SessionStarted():
                self._session = event.session
                self._line(f"  session  {event.session}, policy {event.policy}, sandbox [bold]{event.sandbox}[/]")
                for note in event.sandbox_notes:
                    self._line(f"           [dim]{escape(note)}[/]")
            case ev.Resumed(again=True):
                self._line(f"  [bold]continued[/] in sandbox {event.sandbox}")
            case ev.MetricChosen():
                spec = event.metric
                better = aim(spec["direction"], assumed=event.assumed)
                where = f"{event.where}: {event.line.strip()[:80]}"
                self._line(f"  metric   {escape(spec['name'])}, {escape(better)}  [dim]({escape(where)})[/]")
            case ev.BaselineMeasured():
                noise = "" if event.noise is None else f" ± {event.noise:.3g}"
                runs = f"{len(event.values)} run{'s' if len(event.values) > 1 else ''}"
                self._line(f"  baseline [bold]{event.value:.6g}[/]{noise}  [dim]({runs}, {event.seconds:.1f} s each)[/]")
            case ev.Failed():
                if event.detail:
                    self._line("  the end of its log:")
                    self._quote(event.detail)
                say("mlagent", event.message)
            case ev.SessionEnded() if event.reason != "failed":  # of which `Failed` has told
                self._line(f"  ended: {END_REASONS.get(event.reason, escape(event.reason))}")
                if event.reason == "stopped":
                    self._line(f"  to go on with it: {again(self._session, landing=self._landing)}")
            case ev.TestScored():
                self._line(f"  {escape(event.text)}")
            case ev.Notice():
                self._line(f"  [yellow]{'!' if event.level == 'warning' else 'i'}[/] {escape(event.text)}")
                self._quote(event.detail)
            case _:
                self._step(event)

    def _step(self, event: Event) -> None:
        match event:
            case ev.ActionProposed():
                self._line(f"{event.step:3d}  {escape(event.instruction or event.action)}  [dim]{escape(event.file)}[/]")
                self._reply(event)
                for flag in event.flags:
                    self._line(f"     [yellow]! {escape(flag)}[/]")
            case ev.Rewarded():
                value = "no metric" if event.value is None else f"{event.value:.6g}"
                delta = "" if event.delta is None else f" ({event.delta:+.4g})"
                reward = "unscored" if event.scalar is None else f"reward {event.scalar:.3f}"
                why = "" if event.value is not None or not event.feedback else f": {event.feedback}"
                self._line(f"     {event.outcome}, {value}{delta}, {reward}{escape(why)}")
            case ev.Measured():
                self._line(f"     measured {len(event.values)} times: {event.value:.6g}")
            case ev.Decided():
                self._line(f"     {MARKS[event.decision]}: {escape(event.reason or event.by)}")
            case ev.Landed():
                where = f"commit {event.commit[:10]}{_note(event.note)}" if event.commit else escape(event.note) or "no commit"
                self._line(f"     step {event.step} landed: {where}")
            case ev.Reverted():
                where = f"commit {event.commit[:10]}" if event.commit else "no commit"
                self._line(f"     step {event.step} reverted: {where}{_note(event.note)}")
            case ev.HeadMeasured():
                value = "no metric" if event.value is None else f"{event.value:.6g}"
                self._line(f"     the accepted files measured: {value}{_note(event.why)}")
            case _:
                pass

    def _reply(self, event: ev.ActionProposed) -> None:
        """Why, in the words of a policy that writes, and what its answer took."""
        if not event.reply:
            return
        thought = " ".join(visible(parse(event.reply)[0].thought or event.reply).split())
        took = tokens(event.prompt_tokens, event.completion_tokens, event.cost)
        self._line(f"     [dim]{escape(thought[:THOUGHT])}{'...' if len(thought) > THOUGHT else ''}  ({took})[/]")

    def finish(self, summary: Summary) -> None:
        """The table of steps and what to do next; nothing where there is no baseline to speak of."""
        if summary.baseline is None:
            return
        self._console.print()
        self._console.print(to_table(summary))
        self._line(f"report: mlagent report {self._session}")
        waiting = [step.index for step in summary.steps if step.kept and step.edits and step.landed is None]
        if waiting:
            steps = f"step{'s' if len(waiting) > 1 else ''} {', '.join(map(str, waiting))}"
            self._line(f"not in the project: {steps}; to land what is accepted: mlagent apply {self._session}")

    def _quote(self, text: str) -> None:
        for line in text.splitlines():
            self._line(f"  [dim]|[/] {escape(visible(line[:200]))}")

    def _line(self, text: str) -> None:
        self._console.print(text, soft_wrap=True)


def _note(text: str) -> str:
    return f" ({escape(text)})" if text else ""
