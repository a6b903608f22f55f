"""Reading a metric from output, and finding it when nobody has said which it is."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlagent_app.agent.discovery import directed, discover, settle, why_none
from mlagent_app.agent.extraction import extract
from mlagent_app.agent.metrics import Direction, MetricSpec, Pick, Reading
from mlagent_app.agent.names import key
from tests.agent.metric_logs import (
    CASES,
    CATBOOST_LEARN,
    CATBOOST_LOSS,
    CATBOOST_SCORE,
    CATBOOST_WORSE,
    FOLDS,
    OPTUNA_FIRST,
    OPTUNA_MIN,
    Case,
)

NAMES = [
    "val_acc",
    "Validation accuracy",
    "test_f1",
    "rmse",
    "val_loss",
    "ROC AUC",
    "R2",
    "best val acc",
    "val/mIoU",
    "mean_iou",
]
FINITE = st.floats(min_value=-1e6, max_value=1e6, allow_nan=False).filter(lambda x: x == 0 or abs(x) > 1e-6)
SHAPES = [
    "{name}: {value!r}",
    "{name} = {value!r}",
    "{name}={value!r}",
    "{name} {value!r}",
    "{name}\t{value!r}",
    "| {name} | {value!r} |",
    "{name} -> {value!r}",
    "{{'{name}': {value!r}, 'epoch': 3.0}}",
    '{{"epoch": 3, "{name}": {value!r}}}',
    "Epoch 3/10 - lr: 0.001 - {name}: {value!r}",
    "Epoch 3, {name}: {value!r}, time: 3.2s",
    "2024-01-01 12:00:00,123 INFO root - {name}: {value!r}",
    "[2024-01-01 12:00:00,123][__main__][INFO] - {name}: {value!r}",
    "INFO:root:{name}: {value!r}",
    "\x1b[32m{name}: {value!r}\x1b[0m",
    "  10%|█  | 1/10 [00:01<00:09]\r100%|███| 10/10 [00:10<00:00, 1.0it/s, {name}={value!r}]",
    "{name}: {value!r} +/- 0.01",
    "{name}: {value!r} (0.01)",
    "**{name}**: {value!r}",
    "{name}: tensor({value!r}, device='cuda:0')",
    "- {name}: {value!r}.",
]


def spec(name: str, direction: Direction = "max", source: str = "stdout", pattern: str = "", pick: Pick = "last") -> MetricSpec:
    return MetricSpec(name, direction, source, pattern, pick)


def value_of(found: Reading | str) -> float:
    assert isinstance(found, Reading), found
    return found.value


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_metric_a_reader_would_name_is_found(case: Case) -> None:
    found = discover(case.stdout, case.files)
    if case.expected is None:
        assert found == []
        assert why_none(case.stdout, case.files)
        return
    name, value, direction = case.expected
    best = found[0]
    assert (key(best.spec.name), best.reading.value, best.spec.direction) == (key(name), value, direction)
    assert best.reason and best.rank == 1


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_every_candidate_reads_its_own_value_again(case: Case) -> None:
    for found in discover(case.stdout, case.files):
        assert extract(found.spec, case.stdout, case.files) == found.reading


@given(st.sampled_from(SHAPES), st.sampled_from(NAMES), FINITE, FINITE)
@settings(max_examples=300, deadline=None)
def test_what_is_printed_is_read_back_and_found_again_with_another_value(shape: str, name: str, one: float, two: float) -> None:
    first, second = (f"starting\n{shape.format(name=name, value=value)}\n" for value in (one, two))
    assert value_of(extract(spec(name), first, {})) == one
    chosen = next(f for f in discover(first, {}) if f.reading.value == one)
    assert value_of(extract(chosen.spec, second, {})) == two


@given(st.sampled_from(NAMES), FINITE, FINITE)
@settings(max_examples=100, deadline=None)
def test_files_are_read_back_and_found_again_with_another_value(name: str, one: float, two: float) -> None:
    for path, template in (
        ("metrics.json", '{{"eval": {{"{name}": {value!r}}}, "seed": 3}}'),
        ("metrics.csv", "epoch,{name}\n0,0.25\n1,{value!r}\n"),
        ("results.csv", "metric,value\n{name},{value!r}\nsupport,12\n"),
        ("metrics.jsonl", '{{"step": 1, "{name}": 0.25}}\n{{"step": 2, "{name}": {value!r}}}\n'),
        ("results.txt", "{name}: {value!r}\n"),
    ):
        before, after = ({path: template.format(name=name, value=value).encode()} for value in (one, two))
        chosen = discover("", before)[0]
        assert chosen.reading.value == one and chosen.reading.where == path
        assert value_of(extract(chosen.spec, "", after)) == two


@given(
    st.text(max_size=400), st.dictionaries(st.sampled_from(["a.json", "b.csv", "c.txt", "d.jsonl"]), st.binary(max_size=200))
)
@settings(max_examples=300, deadline=None)
def test_arbitrary_output_never_raises(text: str, files: dict[str, bytes]) -> None:
    for found in discover(text, files):
        assert math.isfinite(found.reading.value)
        assert extract(found.spec, text, files) == found.reading
    assert isinstance(why_none(text, files), str)
    for name, pattern in (("acc", ""), ("", ""), ("x", "(a|b"), ("x", r"acc (\S+)")):
        extract(spec(name, pattern=pattern), text, files)


WORDS = """acc loss : = 0.5 1e-3 nan inf % ( ) [ ] { } | , - Epoch~3/4 val Test ' " +/- improved~from to / 100 1,234
precision~recall params:~{ A(b= np.float64( ... --> best"""
PIECES = st.lists(st.sampled_from([*(word.replace("~", " ") for word in WORDS.split()), " ", "\n", "\r", "\t"]), max_size=40)


@given(PIECES)
@settings(max_examples=400, deadline=None)
def test_pieces_of_logs_in_any_order_never_raise(pieces: list[str]) -> None:
    text = "".join(pieces)
    for found in discover(text, {"metrics.txt": text.encode()}):
        assert extract(found.spec, text, {"metrics.txt": text.encode()}) == found.reading


@pytest.mark.parametrize(
    ("named", "printed"),
    [("val_acc", "Validation Accuracy"), ("Val Acc", "valid/accuracy"), ("valLoss", "val_loss"), ("F1 score", "F1-Score")],
)
def test_a_name_is_compared_without_its_spelling(named: str, printed: str) -> None:
    assert value_of(extract(spec(named), f"{printed}: 0.75\n", {})) == 0.75


def test_a_bare_name_means_the_held_out_value_and_the_full_name_the_training_one() -> None:
    log = "Val: loss 0.4 acc 0.7\nTrain: loss 0.3 acc 0.8\n"
    assert value_of(extract(spec("acc"), log, {})) == 0.7
    assert value_of(extract(spec("train acc"), log, {})) == 0.8


def test_the_last_value_or_the_best_counts() -> None:
    log = "Epoch 1 val_acc 0.90\nEpoch 2 val_acc 0.95\nEpoch 3 val_acc 0.85\n"
    assert value_of(extract(spec("val_acc"), log, {})) == 0.85
    best = extract(spec("val_acc", pick="best"), log, {})
    assert isinstance(best, Reading) and (best.value, best.line, best.text) == (0.95, 2, "Epoch 2 val_acc 0.95")
    assert value_of(extract(spec("val_acc", "min", pick="best"), log, {})) == 0.85


def test_a_metric_that_is_no_longer_printed_is_not_taken_from_another_line() -> None:
    why = extract(spec("accuracy"), "train_accuracy: 0.99\nval_accuracy: 0.9\n", {})
    assert isinstance(why, str) and "no line" in why and "'accuracy'" in why and "val_accuracy" in why


def test_a_name_without_a_number_is_pointed_at() -> None:
    why = extract(spec("val_acc"), "seed: 3\nval_acc: None\n", {})
    assert isinstance(why, str) and "line 2" in why and "None" in why


@pytest.mark.parametrize(("printed", "said"), [("nan", "NaN"), ("inf", "infinite"), ("-inf", "infinite")])
def test_a_value_that_is_not_finite_is_named_as_such(printed: str, said: str) -> None:
    why = extract(spec("val_loss", "min"), f"epoch 1 val_loss 0.5\nepoch 2 val_loss {printed}\n", {})
    assert isinstance(why, str) and said in why and "line 2" in why
    assert said in why_none(f"val_loss: {printed}\n", {})


def test_a_pattern_reads_its_group() -> None:
    log = "RESULT 17 / 0.25\nRESULT 18 / 0.5\n"
    assert value_of(extract(spec("x", pattern=r"RESULT \d+ / (?P<value>[\d.]+)"), log, {})) == 0.5
    assert value_of(extract(spec("x", "min", pattern=r"RESULT \d+ / ([\d.]+)", pick="best"), log, {})) == 0.25
    assert value_of(extract(spec("x", pattern=r"0\.25"), log, {})) == 0.25


@pytest.mark.parametrize("pattern", ["(unclosed", "RESULT: (.*)"])
def test_a_pattern_that_reads_nothing_says_so(pattern: str) -> None:
    why = extract(spec("x", pattern=pattern), "no results here\n", {})
    assert isinstance(why, str) and pattern in why


def test_the_newest_of_several_run_directories_is_read() -> None:
    files = {f"runs/version_{n}/metrics.json": json.dumps({"acc": n / 100}).encode() for n in (2, 9, 10)}
    assert value_of(extract(spec("acc", source="file:runs/version_*/metrics.json", pattern="acc"), "", files)) == 0.1
    assert value_of(extract(spec("acc", source="file:**/metrics.json"), "", files)) == 0.1


def test_a_dated_output_directory_becomes_a_glob() -> None:
    content = b'{"val_acc": 0.5}'
    found = discover("", {"outputs/2024-11-22/16-18-00/metrics.json": content})[0]
    later = {"outputs/2025-01-02/09-00-11/metrics.json": b'{"val_acc": 0.75}'}
    assert value_of(extract(found.spec, "", later)) == 0.75


def test_a_missing_file_and_a_missing_key_are_told_apart() -> None:
    wanted = spec("acc", source="file:metrics.json", pattern="val.acc")
    no_file = extract(wanted, "", {"other.json": b"{}"})
    assert isinstance(no_file, str) and "metrics.json" in no_file and "other.json" in no_file
    no_key = extract(wanted, "", {"metrics.json": b'{"val": {"accuracy": 0.5}}'})
    assert isinstance(no_key, str) and "val.acc" in no_key and "val.accuracy" in no_key


def test_a_named_metric_is_settled_on_what_is_printed() -> None:
    found = settle(spec("auc", "max"), FOLDS, {})
    assert not isinstance(found, str) and found.spec.name == "Mean AUC" and found.reading.value == 0.93
    assert isinstance(settle(spec("bleu"), FOLDS, {}), str)


def test_what_was_passed_over_is_told_when_there_is_no_metric() -> None:
    why = why_none("lr: 0.1\nseed: 3\n", {"model.pt": b"\0", "out.json": b"{}"})
    assert "2 lines" in why and "2 written files" in why and "out.json" in why and "lr" in why


def test_the_reason_names_the_data_the_choice_and_the_direction() -> None:
    found = discover("Epoch 1 val_acc 0.9\nEpoch 2 val_acc 0.8\nnew best model saved\n", {})[0]
    assert "validation" in found.reason and "the best of 2 values" in found.reason and "higher is better" in found.reason


def test_an_assumed_direction_is_told_as_such_until_a_person_sets_it() -> None:
    log = "epoch 1 val_skill: 0.25\nepoch 2 val_skill: 0.5\nbest model saved\n"
    found = discover(log, {})[0]
    assert found.assumed and found.reading.value == 0.5
    assert "higher is better (assumed; set [metric] direction in mlagent.toml if it is wrong)" in found.reason
    lowered = directed(found, "min", log, {})
    assert not lowered.assumed and lowered.reading.value == 0.25 and lowered.reason.endswith("lower is better")
    settled = settle(spec("skill", "min"), log, {})
    assert not isinstance(settled, str) and not settled.assumed and "assumed" not in settled.reason


@pytest.mark.parametrize("log", [CATBOOST_LOSS, CATBOOST_WORSE, CATBOOST_SCORE, CATBOOST_LEARN, OPTUNA_MIN, OPTUNA_FIRST])
def test_a_direction_that_the_log_gives_away_is_not_assumed(log: str) -> None:
    assert not any(found.assumed for found in discover(log, {}))


def test_a_log_of_four_megabytes_is_read() -> None:
    line = "2024-01-01 12:00:00,123 INFO root - Epoch 3 step 120/1000 loss: 0.3121 lr: 0.0010 time: 0.12s\n"
    log = line * 20_000 + "val_acc: 0.75\n"
    assert value_of(extract(spec("val_acc"), log, {})) == 0.75
