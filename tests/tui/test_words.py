"""What the status line, the summary and the last words in the terminal say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlagent_app.agent.events import Failed, Paused, Resumed, Reverted, SessionEnded
from mlagent_app.tui.details import LABEL, facts
from mlagent_app.tui.parting import parting
from mlagent_app.tui.screens.summary import summary
from mlagent_app.tui.widgets.status import activity
from tests.tui.recording import BASELINE, BEGINNING, ENDED, QUESTION, RUNNING, STARTED, run_began
from tests.tui.scripted import Item, run_finished
from tests.tui.test_model import fold


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([], "* Starting"),
        (BEGINNING[:1], "* Copying the project to a private snapshot"),
        (BEGINNING[:2], "* Preparing the baseline"),
        (BEGINNING, "* Measuring the baseline, run 1, 1:12"),
        ([*BEGINNING, run_finished(0, 0.94), run_began(0, 1)], "* Measuring the baseline, run 2, 1:12"),
        (BASELINE, "* Choosing the edit of step 1"),
        (RUNNING, "* Running step 4, 1:12"),
        ([*RUNNING, Paused()], "‖ Running step 4, 1:12, then paused"),
        ([*QUESTION, Paused()], "? Waiting for you: keep step 4?"),
        ([*BASELINE, Paused()], "‖ Paused"),
        ([*BASELINE, Paused(), Resumed()], "* Choosing the edit of step 1"),
        (ENDED, "■ Ended"),
        ([*BASELINE, Failed(message="no", code=3)], "✗ Failed"),
    ],
)
def test_the_status_says_what_goes_on(events: list[Item], words: str) -> None:
    assert "".join(text for text, _ in activity(fold(*events), 72.0, "*")) == words


def told(*events: Item) -> str:
    """The summary as text."""
    return facts(summary(fold(*events)), LABEL, 76).plain


def test_the_summary_goes_from_baseline_to_best() -> None:
    words = told(*ENDED)
    for part in (
        "The session has ended: all steps are done.",
        "baseline   val_accuracy 0.9416 ±0.0021",
        "best       0.9722  +0.0306 (+3.2 %, step 4)",
        "14.6× the noise",  # noqa: RUF001
        "4 (2 accepted, 2 refused) in 1:13",
        "landed     4f1c2d9a77  replace LogisticRegression by SVC with an RBF kernel",
        "mlagent report 20260714-1203-4f1c",
        "mlagent-tui /home/ada/digits --continue --steps 14",
    ):
        assert part in words


def test_the_summary_of_a_session_without_a_gain_or_a_baseline() -> None:
    assert "no accepted edit made it better" in told(*BASELINE)
    assert "no baseline was measured" in told(*BEGINNING)
    assert "nothing: the project is as it was" in told(*BASELINE)


def test_the_last_words_say_what_came_of_it_and_how_it_goes_on() -> None:
    stopped = SessionEnded(reason="stopped", steps=4, best=0.95, best_step=1, seconds=60.0)
    words = parting(fold(*QUESTION, stopped))
    assert words is not None and words.plain.splitlines() == [
        "val_accuracy 0.9416 → 0.9500 (+0.89 %, step 1), 4 steps",
        "1 edit landed in /home/ada/digits",
        "report    mlagent report 20260714-1203-4f1c",
        "continue  mlagent-tui /home/ada/digits --continue",
    ]
    undone = Reverted(step=1, files=(), commit="", head="", note="")
    words = parting(fold(*QUESTION, undone, stopped))
    assert words is not None and "the project is as it was" in words.plain


def test_the_last_words_of_a_session_that_never_began() -> None:
    failed = Failed(message="another session works on this project", code=2)
    words = parting(fold(failed))
    assert words is not None and words.plain == "another session works on this project"
    assert parting(fold()) is None


def ended(reason: str, seconds: float = 60.0) -> SessionEnded:
    """The end of a session of four steps."""
    return SessionEnded(reason=reason, steps=4, best=0.95, best_step=1, seconds=seconds)


def test_after_a_baseline_that_failed_a_session_is_started_anew() -> None:
    events = [*BEGINNING, Failed(message="the command failed with exit code 1", code=3), ended("failed")]
    words = parting(fold(*events))
    assert words is not None and words.plain.splitlines()[-1] == "start anew  mlagent-tui /home/ada/digits"
    assert "start anew mlagent-tui /home/ada/digits" in told(*events)
    assert "--continue" not in words.plain + told(*events)
    stopped = parting(fold(*BEGINNING, ended("stopped")))
    assert stopped is not None and "--continue" in stopped.plain


@pytest.mark.parametrize(
    ("reason", "command"),
    [
        ("target", ""),
        ("final_answer", ""),
        ("steps", "--continue --steps 14"),
        ("minutes", "--continue --minutes 32"),
        ("stopped", "--continue"),
    ],
)
def test_the_summary_says_how_to_go_on_only_where_that_leads_further(reason: str, command: str) -> None:
    budget = replace(STARTED, minutes=30.0)
    words = told(budget, *QUESTION[1:], ended(reason, 61.0))
    assert [line for line in words.splitlines() if "--continue" in line or "go on" in line] == (
        [f"go on      mlagent-tui /home/ada/digits {command}"] if command else []
    )
