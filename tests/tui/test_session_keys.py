"""Every key of the session screen does what the help says, and every decision reaches the session."""

from __future__ import annotations

import pytest
from textual.widgets import Input, OptionList

from mlagent_app.agent.events import DecisionNeeded, LogLines, Paused, Resumed, RunStarted
from mlagent_app.tui.keys import KEYS
from mlagent_app.tui.screens.dialogs import ApproveDialog, ConfirmDialog, ReasonDialog
from mlagent_app.tui.screens.help import HelpScreen
from mlagent_app.tui.screens.session import SessionScreen
from mlagent_app.tui.widgets.diff_pane import DiffPane, HunkView
from mlagent_app.tui.widgets.log_pane import Lines
from mlagent_app.tui.widgets.steps import StepsTable
from tests.tui.driving import Driven, driven
from tests.tui.recording import BASELINE, BEGINNING, QUESTION, RUN_QUESTION, RUNNING, STEPS, decided, step
from tests.tui.scripted import Gate, Hold, Item
from tests.tui.situations import ASKED, asking, running, said


async def test_accept_answers_the_question() -> None:
    async with driven(ASKED) as run:
        await run.started(asking)
        await run.press("a")
        await run.until(lambda: run.session.view.summary.steps[3].landed is not None)
        request = run.backend.requests[0]
        assert (request.kind, request.step, request.decision, request.hunks) == ("answer", 4, "accept", None)
        assert "● landed" in run.text("#steps-rows")


async def test_accept_runs_an_edit_when_that_is_asked_and_refuse_skips_it() -> None:
    for key, decision in (("a", "run"), ("r", "skip")):
        async with driven([*RUN_QUESTION, Hold()]) as run:
            await run.started(asking)
            await run.press(key)
            if key == "r":
                await run.press("enter")
            await run.until(lambda run=run: run.backend.requests)
            assert (run.backend.requests[0].step, run.backend.requests[0].decision) == (4, decision)


async def test_a_question_is_answered_once() -> None:
    async with driven(ASKED) as run:
        await run.started(asking)
        await run.press("a", "a", "r")
        await run.until(lambda: run.session.view.summary.steps[3].decided is not None)
        assert len(run.backend.requests) == 1
        assert isinstance(run.app.screen, SessionScreen)


async def test_refuse_takes_a_reason_or_none() -> None:
    for typed in ("too slow", ""):
        async with driven(ASKED) as run:
            await run.started(asking)
            await run.press("r")
            assert isinstance(run.app.screen, ReasonDialog)
            await run.press(*typed.replace(" ", "_"), "enter")
            await run.until(lambda run=run: run.backend.requests)
            request = run.backend.requests[0]
            assert (request.decision, request.reason) == ("refuse", typed.replace(" ", "_"))


async def test_escape_takes_a_refusal_back() -> None:
    async with driven(ASKED) as run:
        await run.started(asking)
        await run.press("r", "escape")
        assert isinstance(run.app.screen, SessionScreen)
        assert run.session.view.question is not None
        assert run.backend.requests == []


async def test_hunks_are_accepted_one_by_one() -> None:
    async with driven(ASKED) as run:
        await run.started(asking)
        await run.press("n", "space", "a")
        await run.until(lambda: run.backend.requests)
        assert run.backend.requests[0].hunks == (0,)
        await run.until(lambda: "◐ in part" in run.text("#steps-rows"))


async def test_the_mark_moves_back_and_a_hunk_can_be_chosen_again() -> None:
    async with driven(ASKED) as run:
        await run.started(asking)
        await run.press("n", "space", "N", "space", "space", "n", "space", "a")
        await run.until(lambda: run.backend.requests)
        assert run.backend.requests[0].hunks is None


async def test_accepting_no_hunk_is_refused_with_a_word() -> None:
    async with driven(ASKED) as run:
        await run.started(asking)
        await run.press("space", "n", "space", "a")
        assert run.backend.requests == []
        assert run.session.view.question is not None


ONE_HUNK: list[Item] = [
    *STEPS,
    *step(4, "set C of LogisticRegression to 0.1", 0.95, 0.96, 1.0),
    DecisionNeeded(step=4, question="accept", suggestion="accept", why=""),
]


@pytest.mark.parametrize(
    ("script", "keys", "words"),
    [
        (ONE_HUNK, ("space",), "only one hunk"),
        (ONE_HUNK, ("up", "space"), "Select step 4"),
        (QUESTION, ("up", "space"), "Select step 4"),
        (RUN_QUESTION, ("space",), "run as a whole"),
    ],
    ids=["one", "one, elsewhere", "two, elsewhere", "run"],
)
async def test_where_no_hunk_can_be_chosen_it_is_said_why(script: list[Item], keys: tuple[str, ...], words: str) -> None:
    async with driven([*script, Hold()]) as run:
        await run.started(asking)
        await run.press(*keys)
        assert words in said(run)
        assert ("only one hunk" in said(run)) == (words == "only one hunk")


async def test_a_click_on_a_hunk_header_leaves_it_out() -> None:
    async with driven(ASKED) as run:
        await run.started(asking)
        await run.until(lambda: len(run.app.screen.query(HunkView)) == 2)
        await run.pilot.click(run.app.screen.query(HunkView).first(), offset=(5, 0))
        assert run.session.query_one(DiffPane).hunks == (1,)


async def test_a_click_on_the_prompt_answers() -> None:
    async with driven(ASKED) as run:
        await run.started(asking)
        await run.pilot.click("#prompt-keys ActionKey")
        await run.until(lambda: run.backend.requests)
        assert run.backend.requests[0].decision == "accept"


async def test_nothing_is_decided_about_a_step_that_is_not_on_the_screen() -> None:
    async with driven(ASKED) as run:
        await run.started(asking)
        await run.press("up", "a")
        assert run.backend.requests == []
        assert run.session.query_one(StepsTable).selected == 4
        await run.press("a")
        await run.until(lambda: run.backend.requests)


async def test_measure_again_and_revert_the_selected_step() -> None:
    async with driven(ASKED) as run:
        await run.started(asking)
        await run.press("up", "up", "up", "m")
        await run.until(lambda: run.session.view.summary.steps[0].measured is not None)
        assert (run.backend.requests[0].kind, run.backend.requests[0].step) == ("rerun", 1)
        await run.press("v")
        assert isinstance(run.app.screen, ConfirmDialog)
        await run.press("y")
        await run.until(lambda: run.session.view.summary.steps[0].reverted is not None)
        assert (run.backend.requests[1].kind, run.backend.requests[1].step) == ("revert", 1)
        assert "↺ reverted" in run.text("#steps-rows")
        assert run.session.view.question is not None


async def test_revert_and_measure_again_want_a_step_that_has_something() -> None:
    async with driven(ASKED) as run:
        await run.started(asking)
        await run.press("up", "up", "m", "v", "home")
        assert run.backend.requests == []
        assert isinstance(run.app.screen, SessionScreen)


async def test_pause_and_go_on() -> None:
    async with driven([*RUNNING, Hold()]) as run:
        await run.started(running)
        await run.press("p")
        await run.until(lambda: run.session.view.paused is not None)
        assert not run.session.thread.controls.cancel.is_set()
        await run.press("p")
        await run.until(lambda: run.session.view.paused is None)
        assert not run.session.thread.controls.paused


async def test_escape_interrupts_and_pauses() -> None:
    async with driven([*RUNNING, Hold()]) as run:
        await run.started(running)
        await run.press("escape")
        assert run.session.thread.controls.cancel.is_set()
        assert run.session.thread.controls.paused


AGAIN = RunStarted(step=1, repeat=1, command="python train.py", log_path="")


@pytest.mark.parametrize("waiting", [QUESTION, [*QUESTION[:-1], Paused()]], ids=["question", "pause"])
async def test_escape_kills_a_run_that_was_asked_for_while_the_session_waits(waiting: list[Item]) -> None:
    async with driven([*waiting, Hold()]) as run:
        await run.started(lambda session: asking(session) or session.view.paused is not None)
        await run.press("escape")
        assert not run.session.thread.controls.cancel.is_set(), "nothing runs"
        run.session.view.apply(AGAIN)
        await run.press("escape")
        assert run.session.thread.controls.cancel.is_set()
        assert "not measured again" in said(run)


async def test_pausing_at_a_question_says_what_it_does() -> None:
    async with driven(ASKED) as run:
        await run.started(asking)
        await run.press("p")
        assert run.session.thread.controls.paused
        assert said(run) == "Pauses once this is decided."
        await run.press("p")
        assert not run.session.thread.controls.paused
        assert said(run).startswith("The pause is taken back.")


async def test_an_interrupted_step_can_be_skipped() -> None:
    async with driven([*RUNNING, Hold()]) as run:
        await run.started(running)
        await run.press("escape")
        await run.until(lambda: run.session.view.paused is not None)
        await run.press("r")
        assert isinstance(run.app.screen, ReasonDialog)
        await run.press("enter")
        await run.until(lambda: run.backend.requests)
        assert (run.backend.requests[0].step, run.backend.requests[0].decision) == (4, "skip")


async def test_the_bar_speaks_of_the_killed_run_until_its_step_is_skipped() -> None:
    gate, interrupted = Gate(), Paused(why="interrupted")
    async with driven([*RUNNING, interrupted, gate, decided(4, "skip"), Hold()]) as run:
        await run.started(lambda session: session.view.paused is not None)
        assert "Interrupted in step 4." in run.text("#prompt-text")
        gate.open()
        await run.until(lambda: run.session.view.open_step is None)
        assert run.text("#prompt-text").split("\n")[0].strip() == "Paused."
        assert "killed" not in run.text("#prompt-text")
    async with driven([*BEGINNING, interrupted, Hold()]) as run:
        await run.started(lambda session: session.view.paused is not None)
        assert "The run was killed; it can run again." in run.text("#prompt-text")


async def test_who_decides_can_be_changed() -> None:
    async with driven([*RUNNING, Hold()]) as run:
        await run.started(running)
        await run.press("e")
        assert isinstance(run.app.screen, ApproveDialog)
        await run.press("down", "down", "enter")
        await run.until(lambda: run.session.view.approve == "auto")
        assert "auto" in run.text("#status-facts")


async def test_a_session_that_goes_on_shows_how_many_steps_it_may_take_now() -> None:
    again = Resumed(again=True, sandbox="local", steps=30, minutes=90.0)
    async with driven([*BASELINE, again, Hold()]) as run:
        await run.started(lambda session: session.view.summary.most_steps == 30)
        await run.until(lambda: "step 0/30" in run.text("#status-facts"))
        assert "1:29:" in run.text("#status-facts")


async def test_steps_are_selected_and_the_last_is_followed() -> None:
    async with driven([*BASELINE, Hold()]) as run:
        await run.started(lambda session: session.view.summary.baseline is not None)
        table = run.session.query_one(StepsTable)
        assert table.selected == 0
    async with driven(ASKED) as run:
        await run.started(asking)
        table = run.session.query_one(StepsTable)
        assert (table.selected, table.following) == (4, True)
        await run.press("k", "k")
        assert (table.selected, table.following) == (2, False)
        assert "'l1'" in run.text("#about")
        await run.press("j", "down")
        assert (table.selected, table.following) == (4, True)


async def test_a_click_selects_a_step() -> None:
    async with driven(ASKED) as run:
        await run.started(asking)
        await run.pilot.click("#steps-rows", offset=(10, 1))
        await run.until(lambda: run.session.query_one(StepsTable).selected == 1)


def shown(run: Driven) -> set[str]:
    return {str(pane.id) for pane in run.app.screen.query(".pane") if pane.display and pane.size}


@pytest.mark.parametrize(
    ("size", "first", "others"),
    [
        ((80, 24), {"diff"}, [{"log"}, {"why"}, {"reward"}, {"diff"}]),
        ((120, 40), {"diff", "reward"}, [{"log", "reward"}, {"why", "reward"}, {"why", "reward"}, {"diff", "reward"}]),
        ((200, 60), {"diff", "log", "why", "reward"}, [{"diff", "log", "why", "reward"}]),
    ],
)
async def test_panes_fit_the_width_and_tab_goes_round(size: tuple[int, int], first: set[str], others: list[set[str]]) -> None:
    async with driven(ASKED, size=size) as run:
        await run.started(asking)
        assert shown(run) == first
        for panes in others:
            await run.press("tab")
            assert shown(run) == panes


async def test_panes_have_keys_and_enter_expands_them() -> None:
    async with driven(ASKED) as run:
        await run.started(asking)
        for key, pane in (("l", "log"), ("w", "why"), ("g", "reward"), ("d", "diff")):
            await run.press(key, "enter")
            assert shown(run) == {pane}
            await run.press("escape")
            assert run.session.thread.controls.paused is False
        await run.press("shift+tab")
        assert shown(run) == {"diff", "reward"}


async def test_a_tab_can_be_clicked() -> None:
    async with driven(ASKED, size=(80, 24)) as run:
        await run.started(asking)
        await run.pilot.click("#tab-why")
        assert shown(run) == {"why"}


async def test_an_expanded_pane_scrolls_with_the_arrows() -> None:
    script: list[Item] = [*BEGINNING, LogLines(step=0, lines=tuple(f"line {at}" for at in range(500))), Hold()]
    async with driven(script) as run:
        await run.started(lambda session: session.view.activity.phase == "running")
        await run.press("l", "enter")
        lines = run.session.query_one(Lines)
        await run.until(lambda: lines.scroll_y > 100)
        await run.press("up", "up")
        await run.until(lambda: not lines.is_vertical_scroll_end)
        await run.press("pageup")
        before = lines.scroll_y
        await run.press("pagedown")
        await run.until(lambda: lines.scroll_y > before)


async def test_copying_takes_what_is_shown() -> None:
    async with driven(ASKED) as run:
        await run.started(asking)
        await run.press("y")
        assert "+from sklearn.svm import SVC" in run.app.clipboard
        await run.press("l", "y")
        assert "epoch   0" in run.app.clipboard
        await run.press("w", "y")
        assert "set C of LogisticRegression to 0.1" in run.app.clipboard
        await run.press("g", "y")
        assert "sigmoid(100" in run.app.clipboard


@pytest.mark.parametrize("size", [(80, 24), (140, 60)], ids=str)
async def test_help_lists_every_key(size: tuple[int, int]) -> None:
    async with driven(ASKED, size=size) as run:
        await run.started(asking)
        await run.press("question_mark")
        assert isinstance(run.app.screen, HelpScreen)
        words = " ".join(run.text("HelpText").split())  # what scrolls is in it, too
        assert [key.help for key in KEYS if key.help not in words] == []
        assert run.app.screen.query_one("#help").size.height > 12, "the keys are seen, not only headings"
        await run.press("escape")
        assert isinstance(run.app.screen, SessionScreen)


async def test_the_palette_runs_actions_by_name() -> None:
    async with driven([*RUNNING, Hold()]) as run:
        await run.started(running)
        await run.press("ctrl+p")
        await run.press(*"who decides".replace(" ", "_"))
        await run.press(*["backspace"] * 8)
        await run.until(lambda: run.app.screen.query_one(OptionList).option_count)
        await run.press("enter")
        await run.until(lambda: isinstance(run.app.screen, ApproveDialog))


async def test_a_reason_may_hold_any_key() -> None:
    async with driven(ASKED) as run:
        await run.started(asking)
        await run.press("r", "q", "a", "p", "question_mark")
        assert run.app.screen.query_one(Input).value == "qap?"


async def test_any_size_will_do() -> None:
    async with driven(ASKED) as run:
        await run.started(asking)
        for size in ((200, 60), (30, 8), (80, 24), (1, 1), (120, 40)):
            await run.pilot.resize_terminal(*size)
            await run.press("tab")
        await run.press("d")
        assert shown(run) == {"diff", "reward"}
        assert "replace LogisticRegression by SVC" in run.text("#about")
