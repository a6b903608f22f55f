"""The opening screen: what was found can be confirmed and changed, and what is wrong is said with its exit code."""

from __future__ import annotations

import subprocess
import threading
from dataclasses import replace
from pathlib import Path

from textual.widgets import Input

from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.plan import Plan
from mlagent_app.tui.app import MLAgentApp
from mlagent_app.tui.screens.dialogs import ApproveDialog
from mlagent_app.tui.screens.session import SessionScreen
from tests.tui.driving import Driven, driven, until
from tests.tui.recording import BASELINE, BEGINNING, PLAN
from tests.tui.scripted import Hold, ScriptedBackend

SCRIPT = [*BEGINNING, Hold()]
NO_SANDBOX = UserError("no sandbox is available", where="docker: no engine", how="start Docker", code=Exit.NO_SANDBOX)


async def ready(run: Driven) -> Plan:
    await run.until(lambda: run.opening.plan is not None)
    plan = run.opening.plan
    assert plan is not None
    return plan


async def started(run: Driven) -> Plan:
    await run.until(lambda: run.backend.started is not None)
    assert run.backend.started is not None
    return run.backend.started


async def test_the_first_frame_does_not_wait_for_the_project() -> None:
    release = threading.Event()

    class Slow(ScriptedBackend):
        def open(self) -> Plan:
            assert release.wait(10)
            return super().open()

    async with driven([], backend=Slow(PLAN, SCRIPT)) as run:
        assert "Looking at the project" in run.text("#opening-state")
        await run.press("enter")
        assert run.opening.plan is None
        release.set()
        await ready(run)
        assert "Nothing has been run" in run.text("#opening-state")


async def test_enter_starts_what_was_found() -> None:
    async with driven(SCRIPT) as run:
        await ready(run)
        facts = run.text("#facts")
        for words in (".venv in the project", "found from the first run", "embedded", "10 steps", "asks before every run"):
            assert words in facts
        await run.press("enter", "enter")
        assert await started(run) == PLAN
        assert isinstance(run.app.screen, SessionScreen)


async def test_a_commit_is_promised_only_in_a_repository(tmp_path: Path) -> None:
    for repository in (False, True):
        if repository:
            subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
        (tmp_path / "train.py").touch()
        for commit in (True, False):
            async with driven([], backend=ScriptedBackend(replace(PLAN, project=tmp_path, commit=commit), SCRIPT)) as run:
                await ready(run)
                facts = run.text("#facts")
                assert "writes the edit to the project" in facts
                assert ("and commits it" in facts) == (repository and commit)


async def test_another_command_is_chosen_with_the_arrows() -> None:
    async with driven(SCRIPT) as run:
        await ready(run)
        await run.press("down")
        await run.press("enter")
        plan = await started(run)
        assert (plan.command, plan.command_source) == ("make train", "Makefile")


async def test_the_command_can_be_edited() -> None:
    async with driven(SCRIPT) as run:
        await ready(run)
        await run.press("c", "end", *["backspace"] * 8, "q", "minus", "x", "enter")
        plan = await started(run)
        assert (plan.command, plan.command_source) == ("python q-x", "edited by you")


async def test_without_a_command_nothing_starts() -> None:
    async with driven(SCRIPT) as run:
        await ready(run)
        await run.press("c", "ctrl+u", "enter")
        assert run.backend.started is None
        assert run.app.screen.query_one(Input).has_focus
        await run.press("escape")
        assert run.app.screen.focused is None


async def test_a_session_that_goes_on_keeps_its_command() -> None:
    async with driven([], backend=ScriptedBackend(PLAN, SCRIPT, session="20260714-1203-4f1c")) as run:
        await ready(run)
        assert "20260714-1203-4f1c goes on" in run.text("#opening-state")
        await run.press("down", "c", "x", "plus", "enter")
        plan = await started(run)
        assert (plan.command, plan.steps) == ("python train.py", 11)


async def test_mode_and_budget_can_be_changed() -> None:
    async with driven(SCRIPT) as run:
        await ready(run)
        await run.press("r", "plus", "plus", "minus", "e")
        assert isinstance(run.app.screen, ApproveDialog)
        await run.press("down", "down", "enter", "enter")
        plan = await started(run)
        assert (plan.steps, plan.approve) == (11, "auto")


async def test_q_and_escape_leave() -> None:
    for key in ("q", "escape"):
        async with driven(SCRIPT) as run:
            await ready(run)
            await run.press(key)
            await run.until(lambda run=run: run.app.return_code is not None)
            assert run.app.return_code == 0
            assert run.backend.started is None


async def test_what_is_wrong_is_said_and_gives_the_exit_code() -> None:
    async with driven([], backend=ScriptedBackend(NO_SANDBOX)) as run:
        await run.until(lambda: run.opening.error is not None)
        words = run.text("#opening-state")
        for part in ("No sandbox is available", "docker: no engine", "Start Docker"):
            assert part in words
        await run.press("enter", "e", "c", "plus", "q")
        await run.until(lambda: run.app.return_code is not None)
        assert run.app.return_code == 5


async def test_r_looks_again_once_it_is_mended() -> None:
    async with driven([], backend=ScriptedBackend(NO_SANDBOX, SCRIPT)) as run:
        await run.until(lambda: run.opening.error is not None)
        run.backend.plan = PLAN
        await run.press("r")
        await ready(run)
        await run.press("enter")
        assert await started(run) == PLAN


async def test_an_unforeseen_error_is_one_line() -> None:
    async with driven([], backend=ScriptedBackend(ValueError("odd"))) as run:
        await run.until(lambda: run.opening.error is not None)
        assert "ValueError: odd" in run.text("#opening-state")


async def test_a_session_that_cannot_begin_says_why_and_gives_the_exit_code() -> None:
    error = UserError("another session works on this project", where="pid 4711", how="wait for it to end")
    backend = ScriptedBackend(PLAN, BASELINE[:1], crash=error)
    async with driven([], backend=backend) as run:
        await run.started(lambda session: session.view.summary.failed is not None)
        assert "another session works on this project" in run.text("#prompt-text")
        await run.until(lambda: not run.session.thread.alive)
        await run.press("q")
        await run.until(lambda: run.app.return_code is not None)
        assert run.app.return_code == 2


async def test_a_crash_of_the_screen_is_one_line_and_stops_the_session() -> None:
    backend = ScriptedBackend(PLAN, SCRIPT)
    app = MLAgentApp(backend, "~/digits")
    caught: list[str] = []
    try:
        async with app.run_test() as pilot:
            await until(pilot, lambda: "plan" in dir(app.screen) and getattr(app.screen, "plan", None))
            await pilot.press("enter")
            await until(pilot, lambda: backend.started is not None)
            app.call_later(lambda: 1 / 0)
            await until(pilot, lambda: backend.done)
    except ZeroDivisionError as error:
        caught.append(str(error))
    assert caught == ["division by zero"]
    assert app.return_code == 1
    assert backend.done == ["stopped"]
