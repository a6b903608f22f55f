"""Where a session stands when a key is pressed: scripts that lead there, and how the screen is seen to be there."""

from __future__ import annotations

from mlagent_app.agent.events import DecisionNeeded, MetricsFound
from mlagent_app.tui.screens.session import SessionScreen
from tests.tui.driving import Driven
from tests.tui.recording import QUESTION
from tests.tui.scripted import Hold, Item

ASKED: list[Item] = [*QUESTION, Hold()]
METRIC_ASKED: list[Item] = [
    MetricsFound(
        found=(
            ("val_accuracy", "max", 0.9416, "stdout", "val_accuracy 0.9416", "a validation metric"),
            ("loss", "min", 0.21, "stdout", "loss 0.2100", "the training loss"),
        )
    ),
    DecisionNeeded(step=0, question="metric", suggestion="accept", why="the first is the best guess"),
]


def asking(session: SessionScreen) -> bool:
    return session.view.question is not None


def running(session: SessionScreen) -> bool:
    return session.view.activity.phase == "running" and session.view.activity.step == 4


def said(run: Driven) -> str:
    """What the app has told in passing, the last first."""
    return "\n".join(str(notice.message) for notice in reversed(list(run.app._notifications)))  # pyright: ignore[reportPrivateUsage]
