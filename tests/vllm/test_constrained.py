"""What a constrained reply can be: every text of the pattern is read back as a valid action."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlagent_app.agent.actions import (
    CopyFile,
    EditScript,
    ExecuteScript,
    FinalAnswer,
    InspectScriptLines,
    InvalidAction,
    ListFiles,
    Reasoning,
    UnderstandFile,
    format_answer,
    parse,
)
from mlagent_app.chat.constrained import PART_CHARS, TEXT_CHARS, action_pattern, extra_body, quoted

WHY = Reasoning("it ran", "one of three", "measured", "a larger C")
# Names and texts with what patterns and JSON treat specially.
TEXTS = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=30)
EDITS = st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5)


@pytest.mark.parametrize(
    "action",
    [
        ListFiles("."),
        InspectScriptLines("train.py", 1, 20),
        UnderstandFile("train.py", "the metric"),
        CopyFile("a.py", "b.py"),
        EditScript("train.py", 'set C of LogisticRegression to 10 and say "done"'),
        ExecuteScript("train.py"),
        FinalAnswer("no more"),
    ],
)
def test_every_action_can_be_written(action: ListFiles) -> None:
    assert re.fullmatch(action_pattern(), format_answer(action, WHY))
    assert re.fullmatch(action_pattern(["data.py", "train.py"]), format_answer(action, WHY))


def test_a_patch_of_the_models_own_can_be_written() -> None:
    patch = "<<<<<<< SEARCH\nC = 1\n=======\nC = 10\n>>>>>>> REPLACE\n"
    assert re.fullmatch(action_pattern(), format_answer(EditScript("train.py", patch=patch), WHY))


def test_files_and_edits_are_only_those_given() -> None:
    known = action_pattern(["train.py"], [("train.py", "set C to 10")])
    assert re.fullmatch(known, format_answer(EditScript("train.py", "set C to 10"), WHY))
    assert not re.fullmatch(known, format_answer(EditScript("train.py", "set C to 11"), WHY))
    assert not re.fullmatch(known, format_answer(InspectScriptLines("other.py", 1, 2), WHY))


def test_with_only_edits_there_is_nothing_else_and_with_none_the_end() -> None:
    only = action_pattern(edits=[("train.py", "set C to 10")], only_edits=True)
    assert not re.fullmatch(only, format_answer(ListFiles("."), WHY))
    assert re.fullmatch(action_pattern(only_edits=True), format_answer(FinalAnswer("done"), WHY))
    assert not re.fullmatch(action_pattern(only_edits=True), format_answer(EditScript("train.py", "set C to 10"), WHY))


@given(edits=EDITS, data=st.data())
def test_an_edit_that_is_offered_matches_and_is_read_back(edits: list[tuple[str, str]], data: st.DataObject) -> None:
    file, instruction = data.draw(st.sampled_from(edits))
    answer = format_answer(EditScript(file, instruction), WHY)
    assert re.fullmatch(action_pattern(edits=edits, only_edits=True), answer)
    assert parse(answer)[1] == EditScript(file, instruction)


# The same with short texts: drawing long ones takes minutes.
SHORT = action_pattern(["train.py"]).replace(f"{{0,{PART_CHARS}}}", "{0,4}").replace(f"{{1,{TEXT_CHARS}}}", "{1,4}")


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(st.from_regex(re.compile(SHORT, re.ASCII), fullmatch=True))
def test_whatever_has_the_pattern_is_a_valid_action(answer: str) -> None:
    assert not isinstance(parse(answer)[1], InvalidAction)


@given(TEXTS)
def test_a_quoted_text_matches_itself_alone(text: str) -> None:
    assert re.fullmatch(quoted(text), text)
    assert not re.fullmatch(quoted(text), f"{text}x")


def test_the_requests_field_is_named_as_the_server_knows_it() -> None:
    assert extra_body("a", "0.32.0") == {"structured_outputs": {"regex": "a"}}
    assert extra_body("a", "0.11.2") == {"guided_regex": "a"}
    assert extra_body("a", "") == {"structured_outputs": {"regex": "a"}}
