"""How the screens look. After a wanted change: `pytest tests/tui/test_snapshots.py --snapshot-update`, and look at the SVGs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot

from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.agent.events import Failed
from mlagent_app.tui.app import MLAgentApp
from mlagent_app.tui.screens.opening import OpeningScreen
from mlagent_app.tui.screens.session import SessionScreen
from mlagent_app.tui.screens.summary import SummaryScreen
from tests.tui.driving import until
from tests.tui.recording import BEGINNING, ENDED, PLAN, QUESTION, RUN_QUESTION, RUNNING
from tests.tui.scripted import Hold, Item, ScriptedBackend, run_finished
from tests.tui.test_model import fold
from tests.tui.test_writing import WRITING

SIZES = [(80, 24), (120, 40)]
WIDE = (200, 60)
FAILURE: list[Item] = [
    *BEGINNING,
    run_finished(0, None, outcome="error", message="ModuleNotFoundError: No module named 'pandas'"),
    Failed(
        message="the command failed with exit code 1 (python train.py: ModuleNotFoundError: No module named 'pandas')",
        code=3,
        detail="  File \"train.py\", line 3, in <module>\n    import pandas\nModuleNotFoundError: No module named 'pandas'",
    ),
]

Compare = Callable[..., bool]
Before = Callable[[Pilot[None]], Awaitable[None]]


def named(size: tuple[int, int]) -> str:
    """The size in a test's name."""
    return f"{size[0]}x{size[1]}"


def stopped() -> float:
    """A clock that stands still: no spinner turns."""
    return 100.0


def session(script: list[Item], *keys: str) -> tuple[MLAgentApp, Before]:
    """The app on `script`, and how to bring it to the moment of the picture."""
    app = MLAgentApp(ScriptedBackend(PLAN, script), "~/digits", clock=stopped)
    whole = fold(*script)

    async def before(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: isinstance(app.screen, OpeningScreen) and app.screen.plan is not None)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen_stack[1], SessionScreen))
        screen = app.screen_stack[1]
        assert isinstance(screen, SessionScreen)
        await until(pilot, lambda: screen.view == whole)
        await pilot.press(*keys)
        app.clear_notifications()
        await pilot.pause()

    return app, before


@pytest.mark.parametrize("size", SIZES, ids=named)
def test_opening(snap_compare: Compare, size: tuple[int, int]) -> None:
    app = MLAgentApp(ScriptedBackend(PLAN), "~/digits", clock=stopped)

    async def before(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: isinstance(app.screen, OpeningScreen) and app.screen.plan is not None)

    assert snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", SIZES, ids=named)
def test_error(snap_compare: Compare, size: tuple[int, int]) -> None:
    error = UserError(
        "no sandbox is available",
        where="docker: no engine at /var/run/docker.sock; bwrap: not installed",
        how="start Docker, install bubblewrap, or choose --sandbox local, which is not a wall",
        code=Exit.NO_SANDBOX,
    )
    app = MLAgentApp(ScriptedBackend(error), "~/digits")

    async def before(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: isinstance(app.screen, OpeningScreen) and app.screen.error is not None)

    assert snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", SIZES, ids=named)
def test_baseline(snap_compare: Compare, size: tuple[int, int]) -> None:
    app, before = session([*BEGINNING, Hold()], "l")
    assert snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", [*SIZES, WIDE], ids=named)
def test_running(snap_compare: Compare, size: tuple[int, int]) -> None:
    app, before = session([*RUNNING, Hold()])
    assert snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", [*SIZES, WIDE], ids=named)
def test_question(snap_compare: Compare, size: tuple[int, int]) -> None:
    app, before = session(QUESTION)
    assert snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", SIZES, ids=named)
def test_writing(snap_compare: Compare, size: tuple[int, int]) -> None:
    app, before = session([*WRITING, Hold()])
    assert snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", SIZES, ids=named)
def test_run_question_with_a_warning(snap_compare: Compare, size: tuple[int, int]) -> None:
    app, before = session(RUN_QUESTION)
    assert snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", SIZES, ids=named)
def test_summary(snap_compare: Compare, size: tuple[int, int]) -> None:
    app, before = session(ENDED)

    async def ended(pilot: Pilot[None]) -> None:
        await before(pilot)
        await until(pilot, lambda: isinstance(app.screen, SummaryScreen))
        app.clear_notifications()
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=ended)


@pytest.mark.parametrize("size", SIZES, ids=named)
def test_failed(snap_compare: Compare, size: tuple[int, int]) -> None:
    app, before = session(FAILURE)
    assert snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.parametrize("size", SIZES, ids=named)
def test_help(snap_compare: Compare, size: tuple[int, int]) -> None:
    app, before = session(QUESTION, "question_mark")
    assert snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.parametrize("pane", ["why", "reward"])
def test_panes(snap_compare: Compare, pane: str) -> None:
    app, before = session(QUESTION, {"why": "w", "reward": "g"}[pane])
    assert snap_compare(app, terminal_size=(80, 24), run_before=before)


@pytest.mark.parametrize("theme", ["mlagent-light", "textual-light", "ansi-dark"])
def test_themes(snap_compare: Compare, theme: str) -> None:
    app, before = session(QUESTION)
    app.theme = theme
    assert snap_compare(app, terminal_size=(120, 40), run_before=before)


def test_no_colour(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app, before = session(QUESTION)
    assert snap_compare(app, terminal_size=(120, 40), run_before=before)
