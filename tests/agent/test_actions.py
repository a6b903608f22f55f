"""The grammar of an answer: what is formatted is parsed back; anything else is an invalid action, never an exception."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlagent_app.agent.actions import (
    Action,
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

text = st.text(min_size=1, max_size=60)
numbers = st.integers(min_value=-10, max_value=100_000)
actions: st.SearchStrategy[Action] = st.one_of(
    st.builds(ListFiles, text),
    st.builds(InspectScriptLines, text, numbers, numbers),
    st.builds(UnderstandFile, text, text),
    st.builds(CopyFile, text, text),
    st.builds(EditScript, text, text, st.text(max_size=200)),
    st.builds(ExecuteScript, text),
    st.builds(FinalAnswer, text),
)


@given(actions)
def test_a_formatted_answer_is_parsed_back(action: Action) -> None:
    reasoning = Reasoning("good so far", "1. scale the inputs", "accuracy 0.9 was printed", "raise C")
    assert parse(format_answer(action, reasoning)) == (reasoning, action)


@given(st.text(max_size=400))
def test_no_text_raises(answer: str) -> None:
    _, action = parse(answer)
    assert isinstance(action, InvalidAction) or action.NAME in answer


def test_bold_numbered_and_reordered_headings_are_read() -> None:
    answer = """1. **Thought:** the model underfits
**Reflection**: fine
- **Action:** `Edit Script`
**Action Input:**
```json
{"script_name": "train.py", "edit_instruction": "set C of SVC to 10"}
```"""
    reasoning, action = parse(answer)
    assert action == EditScript("train.py", "set C of SVC to 10")
    assert reasoning.thought == "the model underfits"


def test_an_invented_observation_and_second_action_are_ignored() -> None:
    answer = (
        'Action: List Files\nAction Input: {"dir_path": "."}\nObservation: train.py\n'
        'Action: Final Answer\nAction Input: {"final_answer": "done"}'
    )
    assert parse(answer)[1] == ListFiles(".")


def test_numbers_given_as_text_are_taken() -> None:
    answer = (
        'Action: Inspect Script Lines\nAction Input: {"script_name": "a.py", "start_line_number": "3", "end_line_number": 9}'
    )
    assert parse(answer)[1] == InspectScriptLines("a.py", 3, 9)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("I would raise C.", "no 'Action:' line"),
        ("Action: Delete Everything\nAction Input: {}", "unknown action 'Delete Everything'"),
        ("Action: Edit Script", "has no 'Action Input:'"),
        ("Action: Edit Script\nAction Input: raise C", "not a JSON object"),
        ('Action: Edit Script\nAction Input: {"script_name": "a.py"', "not valid JSON"),
        ('Action: Edit Script\nAction Input: {"edit_instruction": "x"}', "lacks a field"),
        ('Action: Edit Script\nAction Input: {"script_name": 3, "edit_instruction": "x"}', "'script_name'"),
        ('Action: Edit Script\nAction Input: {"script_name": "a.py"}', "needs 'edit_instruction' or 'patch'"),
    ],
)
def test_an_invalid_answer_says_what_was_expected(answer: str, expected: str) -> None:
    _, action = parse(answer)
    assert isinstance(action, InvalidAction)
    assert expected in action.message


@pytest.mark.parametrize("row", ["*" * 1_000_000, "1." * 500_000, " *" * 500_000, "Action" + "*" * 1_000_000])
def test_long_rows_of_signs_are_read_in_time_that_grows_with_their_length(row: str) -> None:
    assert isinstance(parse(row)[1], InvalidAction)
    action = "1. **Action:** List Files\n- **Action Input**: {}"
    assert parse(f"{row}\n{action}")[1] == ListFiles()
