"""Make docs/screenshot.svg: the program itself, on a copy of the bundled example, at a gain it asks about.

Run it with the environment's Python: `python scripts/screenshot.py [OUTPUT] [--sandbox auto]`. Nothing is drawn by hand: the
session is real, its edits are run, and what the picture shows was measured while it was made.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from pathlib import Path

from mlagent_app.agent.events import DecisionNeeded
from mlagent_app.bundled import copy_example
from mlagent_app.session.backend import ProjectBackend
from mlagent_app.tui.app import MLAgentApp
from mlagent_app.tui.screens.opening import OpeningScreen
from mlagent_app.tui.screens.session import SessionScreen

SIZE = (120, 40)
# The picture is taken at the first gain from the third question on, or at the last of these.
EARLIEST, LATEST = 3, 8
PATIENCE = 600.0
DOCS = Path(__file__).resolve().parent.parent / "docs"


async def picture(backend: ProjectBackend) -> str:
    """The SVG of the session at a question; those before it are answered as `auto` would."""
    app = MLAgentApp(backend, "~/digits")
    async with app.run_test(size=SIZE) as pilot, asyncio.timeout(PATIENCE):
        while not (isinstance(app.screen, OpeningScreen) and app.screen.plan is not None):
            await asyncio.sleep(0.1)
        await pilot.press("enter")
        screen = await _session(app)
        for asked in range(1, LATEST + 1):
            question = await _question(screen)
            if asked == LATEST or (asked >= EARLIEST and question.suggestion == "accept"):
                break
            screen.thread.controls.answer(question.step, question.suggestion)
            screen.view.question = None
        app.clear_notifications()
        await pilot.pause(0.5)
        svg = app.export_screenshot(title="mlagent-tui")
        screen.thread.controls.stop()
        while screen.thread.alive:
            await asyncio.sleep(0.1)
    return svg


async def _session(app: MLAgentApp) -> SessionScreen:
    """The session's screen, once it is there."""
    while not isinstance(app.screen, SessionScreen):
        await asyncio.sleep(0.1)
    return app.screen


async def _question(screen: SessionScreen) -> DecisionNeeded:
    """The next question of the session."""
    while screen.view.question is None:
        if screen.view.over:
            raise SystemExit("the session ended before its picture was taken")
        await asyncio.sleep(0.2)
    return screen.view.question


def main() -> None:
    """Run the session and write the picture."""
    options = argparse.ArgumentParser(description="Make docs/screenshot.svg.")
    options.add_argument("output", nargs="?", type=Path, default=DOCS / "screenshot.svg")
    options.add_argument("--sandbox", default="auto")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        os.environ["MLAGENT_STATE_DIR"] = str(Path(place) / "state")
        project = copy_example("digits", Path(place) / "digits")
        flags = {"session.approve": "run", "sandbox.kind": given.sandbox, "session.seed": 1}
        backend = ProjectBackend(project, flags, demo=True, apply=True)
        svg = asyncio.run(picture(backend))
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(svg, "utf-8")
    print(given.output)


if __name__ == "__main__":
    main()
