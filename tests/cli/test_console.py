"""What the text surface prints of single events."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from mlagent_app.agent import events as ev
from mlagent_app.agent.summary import summarise
from mlagent_app.cli.console import TextSurface
from tests.report import sample


@pytest.mark.parametrize("assumed", [True, False])
def test_a_direction_that_was_only_assumed_is_told_as_such(assumed: bool) -> None:
    printed = io.StringIO()
    metric = {"name": "val skill", "direction": "max"}
    chosen = ev.MetricChosen(metric=metric, line="val skill: 0.5", where="stdout", reason="validation", assumed=assumed)
    TextSurface(Console(file=printed, width=200), "/project").show(chosen)
    assert "val skill, higher is better" in printed.getvalue()
    assert ("(assumed; set [metric] direction in mlagent.toml if it is wrong)" in printed.getvalue()) == assumed


def printed(*events: ev.Event) -> str:
    text = io.StringIO()
    surface = TextSurface(Console(file=text, width=200), "/project")
    for event in events:
        surface.show(event)
    return text.getvalue()


def test_what_happens_to_an_earlier_step_names_it() -> None:
    told = printed(
        ev.Landed(step=1, files=("train.py",), commit="0123456789abcdef", note=""),
        ev.Landed(step=4, files=("train.py",), commit="", note="written, not committed: no git"),
        ev.Reverted(step=2, files=("train.py",), commit="fedcba9876543210", head="h", note=""),
        ev.Reverted(step=3, files=(), commit="", head="h", note="not in the project"),
        ev.HeadMeasured(value=0.5, why="reverted out of order"),
        ev.HeadMeasured(value=None, why="reverted out of order"),
    )
    assert [line.strip() for line in told.splitlines()] == [
        "step 1 landed: commit 0123456789",
        "step 4 landed: written, not committed: no git",
        "step 2 reverted: commit fedcba9876",
        "step 3 reverted: no commit (not in the project)",
        "the accepted files measured: 0.5 (reverted out of order)",
        "the accepted files measured: no metric (reverted out of order)",
    ]


def test_the_lines_behind_a_notice_are_shown_as_they_are() -> None:
    told = printed(ev.Notice(text="it does not fit", level="warning", detail="train.py:\n<<<<<<< your project\n[b]\x1b[2J"))
    assert [line.strip() for line in told.splitlines()] == [
        "! it does not fit",
        "| train.py:",
        "| <<<<<<< your project",
        "| [b]\\x1b[2J",
    ]


def test_the_end_says_which_accepted_steps_are_not_in_the_project() -> None:
    text = io.StringIO()
    surface = TextSurface(Console(file=text, width=200), "/project")
    events: list[ev.Event] = [*sample.opening()]
    for step in (1, 2, 3):
        events += sample.edit(step, 0.80 + step / 50, 0.82 + step / 50, "accept")
    for event in (*events, sample.landed(1)):
        surface.show(event)
    surface.finish(summarise([*events, sample.landed(1)]))
    assert (
        text.getvalue().splitlines()[-1].startswith("not in the project: steps 2, 3; to land what is accepted: mlagent apply 2")
    )
    surface.finish(summarise([*events, *map(sample.landed, (1, 2, 3))]))
    assert "mlagent report" in text.getvalue().splitlines()[-1]


@pytest.mark.parametrize(("reason", "said"), [("minutes", "ended: the time budget was used up"), ("failed", "")])
def test_the_end_says_why(reason: str, said: str) -> None:
    assert printed(ev.SessionEnded(reason=reason, steps=1, best=None, best_step=0, seconds=1.0)).strip() == said
