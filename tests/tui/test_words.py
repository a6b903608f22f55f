"""What the status line, the summary and the last words in the terminal say."""

from __future__ import annotations

import pytest

from mlagent_app.agent.events import Failed, Paused, Resumed, Reverted, SessionEnded
from mlagent_app.tui.parting import parting
from mlagent_app.tui.screens.summary import summary
from mlagent_app.tui.widgets.status import activity
from tests.tui.recording import BASELINE, BEGINNING, ENDED, QUESTION, RUNNING, run_began
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


def test_the_summary_goes_from_baseline_to_best() -> None:
    words = summary(fold(*ENDED)).plain
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
    assert "no accepted edit made it better" in summary(fold(*BASELINE)).plain
    assert "no baseline was measured" in summary(fold(*BEGINNING)).plain
    assert "nothing: the project is as it was" in summary(fold(*BASELINE)).plain


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
