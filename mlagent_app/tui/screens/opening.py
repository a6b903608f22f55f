"""The first screen: what was found in the project, to be confirmed or changed before anything runs."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.agent.quantities import plural
from mlagent_app.tui import wording
from mlagent_app.tui.link import Backend, unexpected
from mlagent_app.tui.widgets.action_key import ActionKey

if TYPE_CHECKING:
    from mlagent_app.agent.events import Approve
    from mlagent_app.plan import Plan

LABEL = 11
SANDBOXES = {
    "auto": "Docker, else bubblewrap, else it stops and says so",
    "local": "▲ no wall: the command runs as you, with your files and network",
}


READY = (
    ("↵", "start", "start"),
    ("c", "edit command", "edit"),
    ("e", "who decides", "approve"),
    ("+ -", "steps", "steps(1)"),
    ("q", "leave", "leave"),
)
AGAIN = (READY[0], *READY[2:])
WRONG = (("r", "look again", "open"), ("q", "leave", "leave"))


class OpeningScreen(Screen[None]):
    """Opens the project in a thread, shows the plan, and starts it."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "start", "start", show=False),
        Binding("up,k", "choose(-1)", "command before", show=False),
        Binding("down,j", "choose(1)", "next command", show=False),
        Binding("c", "edit", "edit the command", show=False),
        Binding("e", "approve", "who decides", show=False),
        Binding("plus,equals_sign", "steps(1)", "more steps", show=False),
        Binding("minus", "steps(-1)", "fewer steps", show=False),
        Binding("r", "open", "look again", show=False),
        Binding("escape,q", "leave", "leave", show=False),
    ]

    class Started(Message):
        """The plan was confirmed."""

        def __init__(self, plan: Plan) -> None:
            super().__init__()
            self.plan = plan

    class Opened(Message):
        """The project was looked at: a plan, and whether there is a repository to commit to, or what is wrong."""

        def __init__(self, found: Plan | UserError, in_git: bool) -> None:
            super().__init__()
            self.found = found
            self.in_git = in_git

    def __init__(self, backend: Backend, project: str, clock: Callable[[], float]) -> None:
        super().__init__()
        self._backend = backend
        self._project = project
        self.plan: Plan | None = None
        self.error: UserError | None = None
        self._in_git = False
        self._looking = False
        self._clock = clock
        self._began = clock()
        self._starting = False

    def compose(self) -> ComposeResult:
        yield Static(
            Content.assemble(("ML-Agent", "bold $text-accent"), "  ", (self._project, "bold")), id="opening-title", markup=False
        )
        with VerticalScroll(id="opening", can_focus=False):
            yield Static(id="opening-state", markup=False)
        with Horizontal(id="opening-keys"):
            yield ActionKey("q", "leave", "leave")

    def on_mount(self) -> None:
        """The first frame stands before the project is touched."""
        self.set_interval(0.125, self._tick)
        self._draw()
        self.call_after_refresh(self.action_open)

    # Opening.

    def action_open(self) -> None:
        """Look at the project, also again after something was mended."""
        if self._looking or self._starting or self.plan is not None:
            return
        self._looking, self.plan, self.error = True, None, None
        self._began = self._clock()
        self._draw()
        threading.Thread(target=self._open, name="open", daemon=True).start()

    def _open(self) -> None:
        """In a thread: open the project, and load meanwhile what the next screen needs."""
        try:
            found: Plan | UserError = self._backend.open()
        except UserError as error:
            found = error
        except Exception as error:
            found = UserError(unexpected(error), code=Exit.USAGE)
        try:
            self.post_message(self.Opened(found, not isinstance(found, UserError) and _in_git(found)))
        except RuntimeError:
            # The app was left while the project was looked at.
            return
        importlib.import_module("mlagent_app.tui.screens.session")

    async def on_opening_screen_opened(self, event: Opened) -> None:
        """Show what was found."""
        event.stop()
        self._looking = False
        if isinstance(event.found, UserError):
            self.error = event.found
        else:
            await self._show_plan(event.found)
            self.plan, self._in_git = event.found, event.in_git
        keys = self.query_one("#opening-keys")
        await keys.remove_children()
        shown = WRONG if self.error is not None else AGAIN if self._backend.session else READY
        await keys.mount_all(ActionKey(*key) for key in shown)
        self._draw()

    async def _show_plan(self, plan: Plan) -> None:
        """The command with the others that were found, and the facts. Made now: the first frame is faster without them."""
        # What a session has measured, it has measured with one command.
        again = bool(self._backend.session)
        commands = Candidates(
            *(_candidate(*pair) for pair in _candidates(plan)[: 1 if again else None]), id="candidates", compact=True
        )
        label = Static(Content.styled("Command", "$foreground-muted"), id="command-label")
        field = Input(plan.command, id="command", compact=True, select_on_focus=False, disabled=again)
        await self.query_one("#opening").mount(
            Horizontal(label, field, id="command-row"), commands, Static(id="facts", markup=False)
        )

    # Changing the plan.

    def action_choose(self, by: int) -> None:
        """The next of the commands that were found."""
        options = self.query_one(Candidates) if self.plan is not None else None
        if options is not None and options.highlighted is not None:
            options.highlighted = max(0, min(options.option_count - 1, options.highlighted + by))

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """The highlighted command is the one in the field."""
        event.stop()
        if self.plan is not None and event.option_id is not None:
            source = dict(_candidates(self.plan)).get(event.option_id, "")
            self.plan = replace(self.plan, command=event.option_id, command_source=source)
            self.query_one("#command", Input).value = event.option_id
            self._draw()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click chooses; it does not start."""
        event.stop()

    def action_edit(self) -> None:
        """Put the cursor into the command."""
        if self.plan is not None and not self._backend.session:
            self.query_one("#command", Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """The field is the command."""
        event.stop()
        if self.plan is not None and event.value != self.plan.command:
            source = dict(_candidates(self.plan)).get(event.value, "edited by you")
            self.plan = replace(self.plan, command=event.value, command_source=source)
            self._draw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the field starts, as it does outside."""
        event.stop()
        self.action_start()

    def action_approve(self) -> None:
        """Choose who decides."""
        from mlagent_app.tui.screens.dialogs import ApproveDialog

        def send(mode: Approve | None) -> None:
            if mode is not None and self.plan is not None:
                self.plan = replace(self.plan, approve=mode)
                self._draw()

        if self.plan is not None:
            self.app.push_screen(ApproveDialog(self.plan.approve), send)

    def action_steps(self, by: int) -> None:
        """More or fewer steps."""
        if self.plan is not None:
            self.plan = replace(self.plan, steps=max(1, self.plan.steps + by))
            self._draw()

    def action_start(self) -> None:
        """Start the session."""
        if self.plan is None or self._starting:
            return
        if not self.plan.command.strip():
            self.notify("Give the command that trains and prints the metric.", severity="warning")
            self.action_edit()
            return
        self._starting = True
        self.post_message(self.Started(self.plan))

    def action_leave(self) -> None:
        """Leave; in the field, leave the field."""
        if self.focused is not None:
            self.set_focus(None)
        else:
            self.app.exit(return_code=self.error.code if self.error is not None else Exit.OK)

    # Drawing.

    def _tick(self) -> None:
        if self._looking:
            self._draw()

    def _draw(self) -> None:
        state = self.query_one("#opening-state", Static)
        state.set_class(self.error is not None, "-error")
        state.update(self._state())
        if self.plan is not None:
            self.query_one("#facts", Static).update(_facts(self.plan, self._in_git))

    def _state(self) -> Content:
        if self.error is not None:
            where = f"\n{self.error.where}" if self.error.where else ""
            how = f"\n\n{self.error.how[:1].upper()}{self.error.how[1:]}" if self.error.how else ""
            what = self.error.what[:1].upper() + self.error.what[1:]
            return Content.assemble(("✗ ", "bold $text-error"), (what, "bold"), (where, "$foreground-muted"), how)
        if self.plan is None:
            passed = self._clock() - self._began
            clock = f"  {wording.duration(passed)}" if passed >= 1 else ""
            spinner = wording.SPINNER[int(passed * 8) % len(wording.SPINNER)]
            return Content.assemble(
                (f"{spinner} ", "bold $text-accent"), ("Looking at the project", "bold"), (clock, "$foreground-muted")
            )
        if self._backend.session:
            return Content.styled(f"Session {self._backend.session} goes on where it stood.", "bold")
        return Content.styled("Found. Nothing has been run or changed yet.", "bold")


class Candidates(OptionList, can_focus=False):
    """The commands that were found; the screen's keys move the highlight."""


def _candidate(command: str, source: str) -> Option:
    return Option(Content.assemble(f"{command:<24}", (f"  {source}", "$foreground-muted")), id=command)


def _candidates(plan: Plan) -> list[tuple[str, str]]:
    """(command, where it was found) pairs, the chosen one first."""
    pairs = [(plan.command, plan.command_source), *plan.command_candidates]
    return list(dict(reversed(pairs)).items())[::-1]


def _in_git(plan: Plan) -> bool:
    """Whether an accepted edit can be committed. Starts git, so not for the app's own thread."""
    from mlagent_app.repo.project import open_project

    try:
        return plan.commit and open_project(plan.project).is_git
    except UserError:
        return False


def _facts(plan: Plan, in_git: bool) -> Content:
    """Everything else that was found or set, with where it comes from."""
    if plan.metric is None:
        metric, source = "found from the first run", ""
    else:
        metric, source = f"{plan.metric.name}, {wording.DIRECTIONS[plan.metric.direction]}", plan.metric_source
    minutes = f", at most {plan.minutes:g} minutes" if plan.minutes else ""
    model = f" {plan.model}" if plan.model else ""
    lines = [
        _fact("Python", str(plan.python), plan.python_source),
        _fact("Metric", metric, source),
        _fact("Sandbox", plan.sandbox, SANDBOXES.get(plan.sandbox, "")),
        _fact("Policy", plan.policy + model, _origin(plan, "policy.kind")),
        _fact("Decisions", plan.approve, wording.APPROVE[plan.approve]),
        _fact("Budget", plural(plan.steps, "step") + minutes, ""),
        _fact("Accepting", "writes the edit to the project" + (" and commits it" if plan.commit and in_git else ""), ""),
    ]
    notices = [Content.assemble(("▲ ", "bold $text-warning"), notice) for notice in plan.notices]
    return Content("\n").join([*lines, *([Content("")] if notices else []), *notices])


def _origin(plan: Plan, key: str) -> str:
    """Where a setting comes from, unless nobody set it."""
    source = plan.sources.get(key, "default")
    return "" if source == "default" else source


def _fact(label: str, value: str, source: str) -> Content:
    return Content.assemble(
        (f"{label:<{LABEL}}", "$foreground-muted"), (value, "bold"), (f"  {source}" if source else "", "$foreground-muted")
    )
