"""Settings of a script moved to bad values, before anything is run."""

from __future__ import annotations

import ast
import random

from hypothesis import given
from hypothesis import strategies as st

from mlagent_app.editors.catalogue import Catalogue
from mlagent_app.environment.detuning import detuned, settings
from tasks.suite import suite

SCRIPT = """from sklearn.linear_model import LogisticRegression
from sklearn.ensemble import RandomForestClassifier

first = LogisticRegression(C=1.0, max_iter=200)
second = RandomForestClassifier(n_estimators=100, min_samples_leaf=1, random_state=0)
print(first.fit(x, y).score(a, b), second.fit(x, y).score(a, b))
"""
FILES = {"train.py": SCRIPT}
SCRIPTS = [
    {"train.py": files["train.py"].decode()}
    for spec in suite().values()
    for starter in spec.starters
    if "train.py" in (files := spec.starter_files(starter.name))
]


def test_settings_are_grouped_by_what_they_set() -> None:
    found = settings(Catalogue().enumerate(FILES), FILES)
    assert {"C of LogisticRegression #0 in train.py", "max_iter of LogisticRegression #0 in train.py"} <= found.keys()
    assert all(edit.instruction.startswith("set C of ") for edit in found["C of LogisticRegression #0 in train.py"])


def test_a_number_goes_towards_an_end_of_its_grid() -> None:
    reached: set[float] = set()
    for seed in range(60):
        text = detuned(FILES, 1, random.Random(seed))["train.py"]
        if "C=1.0" not in text:
            reached.add(float(text.partition("C=")[2].partition(",")[0]))
    assert min(reached) <= 0.01 and max(reached) >= 100 and not reached & {0.3, 3.0}, "further than the neighbours"


def test_nothing_is_moved_unless_asked() -> None:
    assert detuned(FILES, 0, random.Random(1)) == FILES


@given(st.sampled_from(SCRIPTS), st.integers(1, 8), st.integers(0, 5))
def test_the_same_draw_moves_the_same_settings_and_leaves_a_script(files: dict[str, str], count: int, seed: int) -> None:
    moved = detuned(files, count, random.Random(seed))
    assert moved == detuned(files, count, random.Random(seed))
    ast.parse(moved["train.py"])
    if settings(Catalogue().enumerate(files), files):
        assert moved != files
