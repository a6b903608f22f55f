"""Every edit of every PyTorch, Lightning and Hugging Face script of the corpus keeps the catalogue's promises."""

from __future__ import annotations

import ast
import difflib
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlagent_app.editors.base import Edit
from mlagent_app.editors.catalogue import Catalogue
from mlagent_app.editors.catalogue.torch_families import TORCH_FAMILIES

CORPUS = Path(__file__).parent.parent / "corpus"
SCRIPTS = sorted(path for pattern in ("torch_*.py", "lightning_*.py", "hf_*.py") for path in CORPUS.glob(pattern))
TEXTS = {path.name: path.read_bytes().decode() for path in SCRIPTS}
UNTOUCHED = re.compile(r"print\(|train_test_split|random_split|KFold|log\.info|\.log\(|f1_score|roc_auc_score")
SEED = re.compile(r"\w*seed\w*\W+\d+|random_state=\d+", re.IGNORECASE)
CATALOGUE = Catalogue(TORCH_FAMILIES)


def edits_of(name: str) -> list[Edit]:
    return CATALOGUE.enumerate({name: TEXTS[name]})


def changed(before: str, after: str) -> tuple[list[str], list[str]]:
    """The lines that went and the lines that came."""
    lines = list(difflib.ndiff(before.split("\n"), after.split("\n")))
    return [item[2:] for item in lines if item[0] == "-"], [item[2:] for item in lines if item[0] == "+"]


def test_the_corpus_is_wide_enough() -> None:
    assert len(SCRIPTS) >= 28


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_edits_parse_change_something_and_are_unique(name: str) -> None:
    text = TEXTS[name]
    edits = edits_of(name)
    results = [edit.apply(text) for edit in edits]
    for edit, result in zip(edits, results, strict=True):
        assert result != text, edit.instruction
        ast.parse(result)
    assert len({edit.instruction for edit in edits}) == len(edits)
    assert len(set(results)) == len(results)


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_instructions_resolve_to_the_same_edit(name: str) -> None:
    files = {name: TEXTS[name]}
    for edit in edits_of(name):
        assert CATALOGUE.resolve(edit.instruction, files) == edit


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_seeds_splits_metrics_and_their_printing_stay(name: str) -> None:
    for edit in edits_of(name):
        gone, come = changed(TEXTS[name], edit.apply(TEXTS[name]))
        for line in (*gone, *come):
            assert not UNTOUCHED.search(line), (edit.instruction, line)
        assert SEED.findall(TEXTS[name]) == SEED.findall(edit.apply(TEXTS[name])), edit.instruction


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_comments_and_line_ends_stay(name: str) -> None:
    text = TEXTS[name]
    comments = re.findall(r"#[^\n]*", text)
    for edit in edits_of(name):
        result = edit.apply(text)
        if edit.family not in ("optimiser", "schedule"):
            assert re.findall(r"#[^\n]*", result) == comments, edit.instruction
        if "\r\n" in text:
            assert "\n" not in result.replace("\r\n", ""), edit.instruction
        if "\t" in text:
            assert not re.search(r"^ +\S", result, re.MULTILINE), edit.instruction


@pytest.mark.parametrize("name", sorted(name for name in TEXTS if name.startswith("torch_")))
def test_a_script_offers_a_rich_choice(name: str) -> None:
    families = {edit.family for edit in edits_of(name)}
    assert 25 <= len(edits_of(name)) <= 90
    assert {"learning-rate", "optimiser", "gradient-clipping"} <= families


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_chains_of_edits_stay_valid(data: st.DataObject) -> None:
    """Edit after edit, each enumerated on the result of the one before: all parse and all still resolve."""
    name = data.draw(st.sampled_from(sorted(TEXTS)))
    text = TEXTS[name]
    for _ in range(6):
        edits = CATALOGUE.enumerate({name: text})
        if not edits:
            return
        edit = data.draw(st.sampled_from(edits))
        result = edit.apply(text)
        ast.parse(result)
        assert result != text
        assert CATALOGUE.resolve(edit.instruction, {name: text}) == edit
        text = result
