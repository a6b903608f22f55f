"""The digest says what the policy needs in a few words, the same everywhere, and never fails on what a project holds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlagent_app.agent.digest import LAST_TRIES, MOST_ITEMS, digest, kind, mark, problem
from mlagent_app.agent.metrics import Direction, MetricSpec
from mlagent_app.agent.state import State, Task, Turn

SCRIPT = '''
"""Text, with a max_depth=99 in it."""
import argparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

SEED = 7
RATE, GAMMA = 1e-7, 3  # two at once are not read
LAYERS: tuple[int, int] = (64, -32)
WORDS = "this is a sentence, and no setting"
CONFIG = {"epochs": 5, "name": "adam", "nested": {"dropout": 0.25}, "a key of words": 1}

parser = argparse.ArgumentParser()
parser.add_argument("--learning-rate", type=float, default=0.05)
parser.add_argument("--flag", action="store_true")
model = make_pipeline(TfidfVectorizer(min_df=2, ngram_range=(1, 2)), LogisticRegression(C=0.1, penalty="l2", verbose=True))
'''
YAML = """
# settings
optimizer: adam   # or sgd
batch_size: 32
layers:
  - 64
"dropout": 0.5
path: some/where.csv
"""
ACCURACY = Task("toy", "python train.py", MetricSpec("val_accuracy", "max"), 0.6, 1.0)
START = State(ACCURACY, 0.75, base="b", files={"train.py": SCRIPT})


def turn(instruction: str, delta: float | None = 0.0, outcome: str = "ok", **more: object) -> Turn:
    made = Turn(1, "Edit Script", instruction, "train.py", "f", outcome, None if delta is None else 0.8, 0.5, delta, False)
    return replace(made, **more)


def parts(state: State, *files: str) -> list[str]:
    return digest(state, files).split(" | ")


def test_it_names_the_goal_and_where_the_metric_stands() -> None:
    goal, stands, *_ = parts(START)
    assert goal == "max accuracy text clf"
    assert stands == "level 7 gain 3 step 0"
    after = replace(START, value=0.98, history=(turn("set C of SVC to 1"),) * 20)
    assert parts(after)[1] == "level 9 gain 9 step 15"
    assert parts(replace(START, value=0.2))[1] == "level 2 gain 0 step 0"


@pytest.mark.parametrize(
    ("name", "direction", "value", "level"),
    [("rmse", "min", 0.31, "u3"), ("rmse", "min", 12.5, "e2"), ("rmse", "min", 1.0, "e1"), ("accuracy", "max", 87.0, "8")],
)
def test_the_level_tells_fractions_percentages_and_sizes_apart(
    name: str, direction: Direction, value: float, level: str
) -> None:
    task = Task("toy", "", MetricSpec(name, direction), value, value + (1 if direction == "max" else -1))
    assert parts(State(task, value, "b"))[1] == f"level {level} gain 0 step 0"


def test_it_lists_what_a_script_sets_and_calls_in_order() -> None:
    items = parts(START)[2]
    assert items == (
        "SEED=7 LAYERS=(64,-32) epochs=5 name=adam dropout=0.25 learning_rate=0.05"
        " TfidfVectorizer min_df=2 ngram_range=(1,2) LogisticRegression C=0.1 penalty=l2 verbose=True"
    )


def test_it_lists_what_a_configuration_sets() -> None:
    state = replace(START, files={"config.yaml": YAML, "notes.md": "lr: 3"})
    assert parts(state)[2] == "optimizer=adam batch_size=32 dropout=0.5"
    assert (
        parts(replace(START, files={"a.json": '{\n "lr": 0.1,\n "deep": {"x": [1]},\n "name": "sgd"\n}'}))[2]
        == "lr=0.1 name=sgd"
    )


def test_only_the_files_that_count_are_read_and_in_the_order_of_their_names() -> None:
    state = replace(START, files={"z.py": "Z = 1", "a.py": "A = 1", "m.yaml": "m: 1"})
    assert parts(state)[2] == "A=1 m=1 Z=1"
    assert parts(state, "z.py", "a.py")[2] == "A=1 Z=1"


def test_a_long_script_is_cut() -> None:
    text = "\n".join(f"NAME_{number} = {number}" for number in range(3 * MOST_ITEMS))
    assert len(parts(replace(START, files={"train.py": text}))[2].split()) == MOST_ITEMS


def test_the_last_tries_come_newest_first_with_what_came_of_them() -> None:
    tries = [
        turn("set C of SVC to 1", 0.1), turn("set C of SVC to 2", 0.005), turn("use Adam", 0.0), turn("remove PCA", -0.005),
        turn("add PCA", -0.1), turn("widen it", None, "error"), turn("deepen it", None, "timeout"),
    ]  # fmt: skip
    assert parts(replace(START, history=tuple(tries)))[3:] == [
        "deepen it t", "widen it x", "add PCA --", "remove PCA -", "use Adam =", "set C of SVC to 2 +", "set C of SVC to 1 ++",
    ]  # fmt: skip
    many = replace(START, history=tuple(turn(f"set C of SVC to {number}") for number in range(LAST_TRIES + 5)))
    assert parts(many)[3] == f"set C of SVC to {LAST_TRIES + 4} ="
    assert len(parts(many)) == 3 + LAST_TRIES
    assert len(digest(many, last=2).split(" | ")) == 5
    assert len(digest(many, last=0).split(" | ")) == 3


def test_actions_that_are_no_edits_are_no_tries() -> None:
    assert len(parts(replace(START, history=(turn(""), turn("use Adam"))))) == 4


@pytest.mark.parametrize(
    ("delta", "outcome", "span", "expected"),
    [
        (0.5, "ok", 1.0, "++"), (0.021, "ok", 1.0, "++"), (0.02, "ok", 1.0, "+"), (0.0011, "ok", 1.0, "+"),
        (0.001, "ok", 1.0, "="),
        (-0.001, "ok", 1.0, "="), (-0.01, "ok", 1.0, "-"), (-0.2, "ok", 1.0, "--"), (0.2, "ok", -10.0, "+"),
        (0.1, "timeout", 1.0, "t"), (None, "out_of_memory", 1.0, "t"), (None, "error", 1.0, "x"), (0.1, "ok", 0.0, "++"),
    ],
)  # fmt: skip
def test_the_mark_is_of_the_span(delta: float | None, outcome: str, span: float, expected: str) -> None:
    assert mark(turn("x", delta, outcome), span) == expected


def test_the_reference_is_not_told() -> None:
    tried = replace(START, history=(turn("use Adam", 0.03), turn("use SGD", -0.1)))
    assert digest(tried) == digest(replace(tried, task=replace(ACCURACY, m_best=0.76)))


@pytest.mark.parametrize("path", ["train.py", "src/deep/model_v2.py", "configs/größe.yaml", "a.b.toml"])
def test_file_names_do_not_leak(path: str) -> None:
    history = (turn(f"set C of SVC to 1 in {path}", file=path), turn(f"add PCA before the model #2 in {path}", file=path))
    text = digest(replace(START, files={path: ""}, history=history))
    assert path not in text
    assert text.endswith("| add PCA before the model #2 = | set C of SVC to 1 =")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "table"),
        ("x = pd.read_csv('data.csv')", "table"),
        ("nn.Conv2d(3, 8, 3)", "image"),
        ("TfidfVectorizer()", "text"),
        ("edge_index = load('edges.csv')", "graph"),
        ("window = 12\nlag = 3  # forecast", "series"),
    ],
)
def test_the_kind_is_guessed_from_the_files(text: str, expected: str) -> None:
    assert kind(replace(START, files={"train.py": text})) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", "clf"), ("log_loss", "clf"), ("roc_auc", "clf"), ("rmse", "reg"), ("val_rmse", "reg"), ("r2", "reg"),
        ("mean absolute error", "reg"), ("MAPE", "reg"), ("ndcg@10", "rank"), ("map@5", "rank"), ("", "clf"),
    ],
)  # fmt: skip
def test_the_problem_is_guessed_from_the_metric(name: str, expected: str) -> None:
    assert problem(MetricSpec(name, "max")) == expected


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
PIECES = [*"abC1_ .=:+-*/()[]{}'\"#\n\t,\\", "\0", "é", "本", "\ufeff", "def ", "1e999", "--", "f(x=", "\n    "]
CODE = st.lists(st.sampled_from(PIECES)).map("".join)


@given(st.dictionaries(st.sampled_from(["a.py", "b.yaml", "c.json", "d.md", "e"]), st.one_of(st.text(), CODE)), st.text())
def test_no_text_breaks_it(files: dict[str, str], instruction: str) -> None:
    state = replace(START, files=files, history=(turn(instruction),))
    assert digest(state) == digest(replace(state, files=dict(reversed(files.items()))))
    assert digest(state, files)


@given(st.text(), st.sampled_from(["max", "min"]), NUMBERS, NUMBERS, NUMBERS, st.none() | NUMBERS)
def test_no_number_breaks_it(
    name: str, direction: Direction, first: float, best: float, now: float, delta: float | None
) -> None:
    task = Task("toy", "", MetricSpec(name, direction), first, best)
    assert digest(State(task, now, "b", (turn("use Adam", delta),)))


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "+".join(["1"] * 1500),
        "if a:\n    pass\n" + "".join(f"elif a == {number}:\n    B{number} = 1\n" for number in range(400)),
        "x = " + "-" * 300 + "1",
        "x = " + "[" * 150 + "]" * 150,
        "SEED = 0x" + "f" * 5000 + "\nEPOCHS = 3",
        "p.add_argument(0x" + "f" * 5000 + ", default=1)",
        "x = 1e999\ny = -1e999\nz = 1j\nw = ...\nv = b'x'",
    ],
    ids=["a long sum", "many branches", "many signs", "deep brackets", "a huge number", "a huge name", "odd constants"],
)
def test_code_that_is_strange_but_valid_is_read(text: str) -> None:
    assert digest(replace(START, files={"train.py": text + "\nLAST = 1\n"}))


def test_what_stands_beside_something_strange_is_still_read() -> None:
    deep = "TOTAL = " + "+".join(["1"] * 1500) + "\nLAST = 1\n"
    assert parts(replace(START, files={"train.py": deep}))[2] == "LAST=1"
    huge = "SEED = 0x" + "f" * 5000 + "\nEPOCHS = 3\n"
    assert parts(replace(START, files={"train.py": huge}))[2] == "EPOCHS=3"


def test_broken_code_gives_no_items_and_the_rest_stands() -> None:
    assert parts(replace(START, files={"a.py": "def (:", "b.py": "B = 2"}))[2] == "B=2"
