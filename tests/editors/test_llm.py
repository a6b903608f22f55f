"""The editor that is a language model: blocks applied, one more try, long files, and what it counts and streams."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from mlagent_app.agent.chat import Cancelled, Message, PromptTooLong, Reply, Usage
from mlagent_app.editors.guards import syntax_problem
from mlagent_app.editors.llm import MAX_PARTS, PART_CHARS, EditorFailed, LLMEditor
from tests.editors.scripted import ScriptedModel, block

TRAIN = "import x\n\n\ndef f(a):\n    lr = 0.1\n    epochs = 5\n    return a\n"
GOOD = block("    lr = 0.1\n", "    lr = 0.01\n")
BAD = block("    lr = 0.3\n", "    lr = 0.01\n")


def edit(model: ScriptedModel, text: str = TRAIN, instruction: str = "lower the rate") -> str:
    editor = LLMEditor(model)
    return editor.edit(
        "train.py", text, instruction, threading.Event(), problem=lambda new: syntax_problem("train.py", new)
    ).text


def failure(model: ScriptedModel, text: str = TRAIN) -> EditorFailed:
    with pytest.raises(EditorFailed) as error:
        edit(model, text)
    return error.value


@pytest.mark.parametrize(
    "answer",
    [
        GOOD,
        f"Here it is:\n\n```python\n{GOOD}```\n",
        block("lr = 0.1\n", "lr = 0.01\n"),
        block("    lr = 0.1   \n", "    lr = 0.01\n", "./train.py"),
        GOOD.replace("\n", "\r\n"),
        GOOD.removeprefix("train.py\n"),
    ],
)
def test_blocks_are_applied_exactly_or_else_without_regard_to_white_space(answer: str) -> None:
    assert edit(ScriptedModel(answer)) == TRAIN.replace("0.1", "0.01")


def test_marks_of_thoughts_in_a_script_are_text() -> None:
    marks = "MARKS = ('<think>', '</think>')\n"
    assert edit(ScriptedModel(block("import x\n", f"import x\n{marks}"))) == TRAIN.replace("import x\n", f"import x\n{marks}")


def test_line_ends_of_the_file_are_kept_though_the_model_never_sees_them() -> None:
    model = ScriptedModel(GOOD)
    assert edit(model, TRAIN.replace("\n", "\r\n")) == TRAIN.replace("0.1", "0.01").replace("\n", "\r\n")
    assert "\r" not in model.prompt()


@pytest.mark.parametrize(
    ("first", "shown"),
    [
        (BAD, "wanted:     lr = 0.3"),
        ("I would lower the rate.", "no change found"),
        (block("    lr = 0.1\n", "    lr = (\n"), "would no longer parse"),
        (block("", "x = 1\n", "other.py"), "only train.py may be changed, not other.py"),
        (block("y\n", "x = 1\n", "model.py"), "there is no file 'model.py'"),
        (block("    lr = 0.1\n", "    lr = 0.1\n"), "the blocks change nothing"),
        ("", "no change found"),
        (Reply(GOOD[:60], Usage(100, 10, 0.001), finish="length"), "cut at its limit of tokens"),
    ],
)
def test_what_does_not_apply_is_shown_and_tried_once_more(first: str | Reply, shown: str) -> None:
    model = ScriptedModel(first, GOOD)
    assert edit(model) == TRAIN.replace("0.1", "0.01")
    assert len(model.asked) == 2 and shown in model.asked[1][-1].content and shown not in model.prompt(0)
    assert all(message.content for message in model.asked[1])


def test_a_second_mismatch_is_the_end_and_both_tries_count() -> None:
    error = failure(ScriptedModel(BAD, BAD))
    assert "could not edit train.py: the lines to replace are not in train.py" in str(error)
    assert "line 5:     lr = 0.1" in str(error)
    assert error.usage == Usage(200, 20, 0.002)


def test_usage_sums_what_is_known() -> None:
    model = ScriptedModel(Reply(BAD, Usage(5, 1)), GOOD)
    made = LLMEditor(model).edit("train.py", TRAIN, "lower the rate", threading.Event())
    assert made.usage == Usage(105, 11, 0.001)


def test_a_file_that_does_not_fit_is_never_sent() -> None:
    model = ScriptedModel(context_tokens=2_000)
    error = failure(model, TRAIN + "# filler\n" * 2_000)
    assert "train.py is too long for the editor scripted" in str(error) and model.asked == []


def test_words_come_as_they_are_written_and_an_interruption_stops_them() -> None:
    cancel = threading.Event()
    heard: list[str] = []
    LLMEditor(ScriptedModel(GOOD)).edit("train.py", TRAIN, "lower the rate", cancel, heard.append)
    assert "".join(heard) == GOOD and len(heard) > 3

    def stop(_: str) -> None:
        cancel.set()

    with pytest.raises(Cancelled):
        LLMEditor(ScriptedModel(GOOD)).edit("train.py", TRAIN, "lower the rate", cancel, stop)
    with pytest.raises(Cancelled):
        LLMEditor(ScriptedModel("never said")).summary("train.py", TRAIN, "", cancel)


def summary(model: ScriptedModel, text: str, look_for: str = "the learning rate") -> Reply:
    return LLMEditor(model).summary("train.py", text, look_for, threading.Event())


def test_a_short_file_is_read_in_one_request() -> None:
    model = ScriptedModel("line 5 sets lr")
    assert summary(model, TRAIN) == Reply("line 5 sets lr", Usage(100, 10, 0.001))
    assert "the learning rate" in model.prompt() and "lr = 0.1" in model.prompt()


def test_a_long_file_is_read_in_parts_and_the_answers_are_joined() -> None:
    text = "".join(f"value_{number} = {number}\n" for number in range(4_500))
    model = ScriptedModel("a", "b", "c", "d", "all of it")
    answer = summary(model, text)
    assert answer.text == "all of it" and answer.usage.prompt_tokens == 500
    prompts = [model.prompt(number) for number in range(4)]
    assert "value_0 = 0" in prompts[0] and "value_4499 = 4499" in prompts[3]
    assert sum(prompt.count("\nvalue_") for prompt in prompts) == 4_500
    assert "from line 1" in prompts[0] and all(f"notes on part {n}" in model.prompt(4) for n in (1, 2, 3, 4))


def test_requests_for_one_file_are_bounded_and_the_answer_says_how_far_it_read() -> None:
    text = "x = 1\n" * (PART_CHARS * (MAX_PARTS + 3) // 6)
    model = ScriptedModel(*["part"] * MAX_PARTS, "joined")
    answer = summary(model, text)
    assert len(model.asked) == MAX_PARTS + 1
    assert answer.text.startswith(f"[read up to line {MAX_PARTS * PART_CHARS // 6} of ")


def test_what_was_read_before_a_part_that_is_too_long_counts() -> None:
    def too_long(_: Sequence[Message]) -> str:
        raise PromptTooLong("the context is shorter than the prompt")

    with pytest.raises(EditorFailed, match="could not read") as error:
        summary(ScriptedModel("a", "b", *[too_long] * 20), "x = 1\n" * PART_CHARS)
    assert error.value.usage == Usage(200, 20, 0.002)


@pytest.mark.parametrize("text", ["", "x" * 3 * PART_CHARS, "\n" * 10])
def test_odd_files_are_read_as_well(text: str) -> None:
    assert summary(ScriptedModel(*["read"] * 5), text, "").text.endswith("read")


def test_parts_shrink_to_a_small_context() -> None:
    model = ScriptedModel(*["read"] * 5, context_tokens=8_000)
    summary(model, TRAIN * 400)
    assert all(sum(map(model.count, [message.content for message in asked])) < 8_000 for asked in model.asked)
