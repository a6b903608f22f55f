"""A log of any size is shown to its end, bounded, while the app stays usable."""

from __future__ import annotations

from pathlib import Path

from mlagent_app.agent.events import LogLines, Notice, RunStarted
from mlagent_app.tui import logs
from mlagent_app.tui.widgets.log_pane import Lines, LogPane
from tests.tui.driving import driven
from tests.tui.recording import BASELINE, BEGINNING, STEPS
from tests.tui.scripted import Gate, Hold, Item


async def test_a_hundred_thousand_lines_end_in_a_bounded_log() -> None:
    flood: list[Item] = [
        LogLines(step=0, lines=tuple(f"line {at}" for at in range(start, start + 100))) for start in range(0, 100_000, 100)
    ]
    async with driven([*BEGINNING[:3], *flood, Hold()]) as run:
        await run.started(lambda session: session.view.summary.started is not None)
        await run.press("l")
        lines = run.session.query_one(Lines)
        await run.until(lambda: lines.lines and lines.lines[-1] == "line 99999")
        assert lines.line_count == logs.MAX_LINES
        assert "90,000 earlier lines are in /state/runs/0-0.log" in run.text("#log-head")
        await run.until(lambda: "line 99999" in run.text("#log-lines"))
        await run.press("d")
        assert run.session.query_one(LogPane).size.height == 0


async def test_a_log_follows_its_end_when_the_terminal_becomes_lower() -> None:
    lines = LogLines(step=0, lines=tuple(f"line {at}" for at in range(300)))
    async with driven([*BEGINNING[:3], lines, Hold()]) as run:
        await run.started(lambda session: session.view.activity.phase == "running")
        await run.press("l")
        await run.until(lambda: "line 299" in run.text("#log-lines"))
        before = run.session.query_one(Lines).size.height
        await run.pilot.resize_terminal(120, 30)
        await run.until(lambda: run.session.query_one(Lines).size.height < before)
        await run.until(lambda: "line 299" in run.text("#log-lines"))


async def test_a_log_that_fell_short_of_its_end_finds_it_with_the_next_line() -> None:
    more: list[Item] = [LogLines(step=0, lines=tuple(f"line {at}" for at in range(300))), Hold()]
    async with driven([*BEGINNING[:3], *more]) as run:
        await run.started(lambda session: session.view.activity.phase == "running")
        await run.press("l")
        await run.until(lambda: "line 299" in run.text("#log-lines"))
        lines = run.session.query_one(Lines)
        lines.set_reactive(Lines.scroll_y, lines.scroll_y - 2)  # as a layout leaves it that took the pane for higher
        assert not lines.is_vertical_scroll_end
        lines.add(["line 300"])
        await run.until(lambda: "line 300" in run.text("#log-lines"))


async def test_a_full_log_shows_its_next_line() -> None:
    more: list[Item] = [LogLines(step=0, lines=tuple(f"line {at}" for at in range(logs.MAX_LINES))), Hold()]
    async with driven([*BEGINNING[:3], *more]) as run:
        await run.started(lambda session: session.view.activity.phase == "running")
        await run.press("l")
        await run.until(lambda: f"line {logs.MAX_LINES - 1}" in run.text("#log-lines"))
        run.session.query_one(Lines).add(["one more"])
        assert "one more" in run.text("#log-lines")


async def test_a_log_that_was_scrolled_back_stays_where_it_is() -> None:
    more: list[Item] = [LogLines(step=0, lines=tuple(f"line {at}" for at in range(300))), Hold()]
    async with driven([*BEGINNING[:3], *more]) as run:
        await run.started(lambda session: session.view.activity.phase == "running")
        await run.press("l")
        lines = run.session.query_one(Lines)
        await run.until(lambda: lines.scroll_y > 0)
        await run.press("pageup", "pageup")
        await run.until(lambda: not lines.is_vertical_scroll_end)


async def test_every_step_has_its_own_log() -> None:
    script: list[Item] = [*STEPS, LogLines(step=3, lines=("the last line of step 3",)), Hold()]
    async with driven(script) as run:
        await run.started(lambda session: len(session.view.summary.steps) == 3)
        await run.press("l")
        await run.until(lambda: "the last line of step 3" in run.text("#log-lines"))
        await run.press("up")
        await run.until(lambda: "the last line of step 3" not in run.text("#log-lines"))
        assert "epoch" in run.text("#log-lines")
        assert "✗ error" in run.text("#log-head")


async def test_the_log_of_an_earlier_process_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    path.write_text("from the file\n")
    quiet: list[Item] = [item for item in BASELINE if not isinstance(item, LogLines | RunStarted)]
    begun = RunStarted(step=0, repeat=0, command="python train.py", log_path=str(path))
    async with driven([*quiet[:2], begun, *quiet[2:], Hold()]) as run:
        await run.started(lambda session: session.view.summary.baseline is not None)
        await run.press("l")
        await run.until(lambda: "from the file" in run.text("#log-lines"))


async def test_long_lines_are_read_to_their_end_while_the_log_is_followed() -> None:
    gate, last = Gate(), "x" * 150 + " the end"
    long: list[Item] = [LogLines(step=0, lines=(*(f"line {at}" for at in range(300)), last)), gate]
    async with driven([*BEGINNING[:3], *long, LogLines(step=0, lines=("one more",)), Hold()], size=(80, 24)) as run:
        await run.started(lambda session: session.view.activity.phase == "running")
        await run.press("right", "l")
        await run.until(lambda: "xxx" in run.text("#log-lines"))
        assert run.session.query_one(Lines).scroll_x == 0, "what is not seen is not scrolled"
        assert "the end" not in run.text("#log-lines")
        await run.press("right", "right", "right", "right")
        assert "the end" in run.text("#log-lines")
        gate.open()
        lines = run.session.query_one(Lines)
        await run.until(lambda: lines.lines[-1] == "one more")
        await run.until(lambda: lines.is_vertical_scroll_end)
        await run.press("left", "left", "left", "left")
        await run.until(lambda: "one more" in run.text("#log-lines"))


async def test_the_log_of_another_step_begins_at_the_left() -> None:
    script: list[Item] = [*STEPS, LogLines(step=3, lines=("x" * 300,)), Hold()]
    async with driven(script, size=(80, 24)) as run:
        await run.started(lambda session: len(session.view.summary.steps) == 3)
        await run.press("l")
        await run.until(lambda: "xxx" in run.text("#log-lines"))
        await run.press("right", "right")
        assert run.session.query_one(Lines).scroll_x > 0
        await run.press("up")
        await run.until(lambda: "epoch" in run.text("#log-lines"))
        assert run.session.query_one(Lines).scroll_x == 0


async def test_a_conflict_is_shown_in_the_log_of_its_step() -> None:
    notice = Notice(text="it does not fit", level="warning", step=0, detail="train.py:\n<<<<<<< your project")
    async with driven([*BEGINNING[:3], notice, Hold()]) as run:
        await run.started(lambda session: session.view.activity.phase == "running")
        await run.press("l")
        await run.until(lambda: "<<<<<<< your project" in run.text("#log-lines"))
        assert "it does not fit" in run.text("#log-lines")
