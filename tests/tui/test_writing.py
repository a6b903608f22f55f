"""A policy that writes: its words while it does, and its thought and what it took afterwards."""

from __future__ import annotations

from dataclasses import replace

from mlagent_app.agent.actions import EditScript, Reasoning, format_answer
from mlagent_app.agent.events import Paused, ReplyText
from mlagent_app.tui.model import MAX_WORDS
from tests.tui.driving import driven
from tests.tui.recording import BASELINE, DIFF_C, proposed, run_began
from tests.tui.scripted import Hold, Item
from tests.tui.test_model import fold

ANSWER = format_answer(
    EditScript("train.py", patch="..."),
    Reasoning(
        "The baseline is linear.", "1. C  2. an SVC", "C = 1 was measured.", "More freedom should help, \x1b[31mso C goes up."
    ),
)
WRITING: list[Item] = [*BASELINE, *(ReplyText(step=1, text=line) for line in ANSWER[:150].splitlines(keepends=True))]
PROPOSED = replace(
    proposed(1, "patch", DIFF_C), reply=ANSWER, alternatives=(), prompt_tokens=1204, completion_tokens=310, cost=0.0021
)


async def test_words_are_shown_while_they_are_written_and_then_the_thought() -> None:
    async with driven([*WRITING, Hold()]) as run:
        await run.started(lambda session: session.view.words)
        await run.until(lambda: "The baseline is linear." in run.text("#words"), "the words")
        assert run.session.query_one("#words").outer_size.height == 4
    async with driven([*WRITING, PROPOSED, run_began(1), Hold()]) as run:
        await run.started(lambda session: session.view.activity.phase == "running" and session.view.activity.step == 1)
        assert not run.session.query_one("#words").display
        about = run.text("#about")
        assert "thought" in about and "More freedom should help, so C goes up." in about
        assert "1,204 read, 310 written, $0.0021" in about
        await run.press("w")
        why = run.text("#why Static")
        assert "Reflection" in why and "The baseline is linear." in why and "C = 1 was measured." in why


def test_words_are_bounded_and_end_with_the_proposal_or_an_interruption() -> None:
    flood: list[Item] = [*BASELINE, *(ReplyText(step=1, text="word " * 100) for _ in range(50))]
    assert len(fold(*flood).words) == MAX_WORDS
    assert fold(*flood, PROPOSED).words == "" == fold(*flood, Paused(why="interrupted")).words
