"""Properties that hold for every edit of every file of the corpus."""

from __future__ import annotations

import ast
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlagent_app.agent.metrics import MetricSpec
from mlagent_app.editors.base import Edit
from mlagent_app.editors.catalogue import Catalogue
from mlagent_app.editors.catalogue.grammar import parse
from mlagent_app.editors.catalogue.scalars import load
from mlagent_app.editors.catalogue.values import heard
from mlagent_app.editors.honesty import flags
from tests.editors.corpus import BROKEN, CONFIGS, SCRIPTS, SHARED, STYLES, edits_of, leaves, node_changes, parses, texts, tree

ALL = [*SCRIPTS, *CONFIGS]
EDITABLE = [name for name in ALL if edits_of(name)]


def outside(text: str, edit: Edit) -> list[str]:
    """The pieces of the text that no replacement touches."""
    bounds = [0, *(at for item in edit.replacements for at in (item.start, item.end)), len(text)]
    return [text[a:b] for a, b in zip(bounds[::2], bounds[1::2], strict=True)]


def changed_lines(edit: Edit, text: str) -> list[str]:
    return [line for line in edit.diff(text).split("\n")[2:] if line[:1] in ("+", "-")]


def test_the_corpus_is_large_and_varied() -> None:
    assert len(SCRIPTS) >= 60
    assert {name.partition("_")[0] for name in SCRIPTS} >= {"sk", "boost", "plain", "torch", "hf", "lightning"}
    assert any("\r\n" in texts()[name] for name in SCRIPTS)


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_what_does_not_parse_has_no_edits(name: str) -> None:
    assert not parses(name, texts()[name])
    assert edits_of(name) == []


@pytest.mark.parametrize("name", EDITABLE)
def test_every_edit_is_one_of_its_kind(name: str) -> None:
    text = texts()[name]
    edits = edits_of(name)
    assert len({edit.instruction for edit in edits}) == len(edits)
    assert len({edit.apply(text) for edit in edits}) == len(edits)
    for edit in edits:
        assert edit.file == name
        assert edit.apply(text) != text
        assert edit.instruction == " ".join(edit.instruction.split())


@pytest.mark.parametrize("name", EDITABLE)
def test_instructions_lead_back_to_their_edits(name: str) -> None:
    files = {name: texts()[name]}
    for edit in edits_of(name):
        read = parse(edit.instruction, files)
        assert read is not None
        assert str(read) == edit.instruction
        assert SHARED.resolve(edit.instruction, files) == edit


@pytest.mark.parametrize("name", EDITABLE)
def test_only_the_replaced_spans_change(name: str) -> None:
    text = texts()[name]
    for edit in edits_of(name):
        after, at = edit.apply(text), 0
        for piece in outside(text, edit):
            at = after.index(piece, at) + len(piece)
        assert len(after) - len(text) == sum(len(r.text) - (r.end - r.start) for r in edit.replacements)
        if "\r\n" in text:
            assert not re.search(r"(?<!\r)\n", after)


@pytest.mark.parametrize("name", [name for name in EDITABLE if name in SCRIPTS])
def test_a_setting_changes_one_value_or_adds_one_argument(name: str) -> None:
    text = texts()[name]
    before = tree(text)
    for edit in edits_of(name):
        read = parse(edit.instruction, [name])
        assert read is not None
        if read.phrase.form not in ("argument", "value") or len(edit.replacements) > 1:
            continue
        changes = list(node_changes(before, tree(edit.apply(text))))
        value = heard(read.phrase.get("value"))
        assert 1 <= len(changes) <= (len(value) if isinstance(value, tuple) else 1), edit
        _, new = changes[0]
        if isinstance(new, ast.keyword):
            assert new.arg == read.phrase.get("name")


@pytest.mark.parametrize("name", [name for name in EDITABLE if name in CONFIGS])
def test_a_configuration_edit_changes_one_value(name: str) -> None:
    text, style = texts()[name], STYLES[name[name.rindex(".") :]]
    before = dict(leaves(load(text, style)))
    for edit in edits_of(name):
        after = dict(leaves(load(edit.apply(text), style)))
        changed = [path for path in before if before[path] != after.get(path)]
        read = parse(edit.instruction, [name])
        assert read is not None
        assert changed == [read.phrase.get("name")]
        assert before.keys() == after.keys()
        assert len(changed_lines(edit, text)) == 2


@pytest.mark.parametrize("name", EDITABLE)
def test_enumeration_repeats_itself(name: str) -> None:
    files = {name: texts()[name]}
    assert Catalogue().enumerate(files) == Catalogue().enumerate(files)


# A mark that only the scripts of the corpus print their metric with, whatever its name.
SPEC = MetricSpec("accuracy f1 auc mse mae rmse r2 brier loss silhouette ari score", "max")


@pytest.mark.slow
@pytest.mark.parametrize("name", EDITABLE)
def test_no_edit_looks_dishonest(name: str) -> None:
    before = {name: texts()[name]}
    for edit in edits_of(name):
        after = {name: edit.apply(before[name])}
        raised = flags(edit.diff(before[name]), before, after, SPEC)
        assert not [line for line in raised if line.startswith(("metric", "split", "seed"))], (edit.instruction, raised)


@pytest.mark.slow
@pytest.mark.parametrize("name", EDITABLE)
def test_after_every_edit_the_file_parses(name: str) -> None:
    for edit in edits_of(name):
        assert parses(name, edit.apply(texts()[name])), edit.instruction


@st.composite
def chains(draw: st.DrawFn) -> tuple[str, list[float]]:
    """A file, and where in the list of edits to choose, three times."""
    return draw(st.sampled_from(EDITABLE)), draw(st.lists(st.floats(0, 1, exclude_max=True), min_size=3, max_size=3))


@settings(max_examples=60, deadline=None)
@given(chains())
def test_a_chain_of_edits_stays_sound(chain: tuple[str, list[float]]) -> None:
    name, picks = chain
    text = texts()[name]
    for pick in picks:
        files = {name: text}
        edits = SHARED.enumerate(files)
        if not edits:
            break
        edit = edits[int(pick * len(edits))]
        assert SHARED.resolve(edit.instruction, files) == edit
        after = edit.apply(text)
        assert after != text
        assert parses(name, after), f"{edit.instruction}\n{edit.diff(text)}"
        raised = flags(edit.diff(text), files, {name: after}, SPEC)
        assert not [line for line in raised if line.startswith(("metric", "split", "seed"))], raised
        text = after


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([name for name in EDITABLE if name in SCRIPTS]), st.integers(0, 2**32))
def test_an_edit_is_small(name: str, pick: int) -> None:
    text = texts()[name]
    edits = edits_of(name)
    edit = edits[pick % len(edits)]
    inside = sum(text.count("\n", item.start, item.end) + 1 for item in edit.replacements)
    written = sum(item.text.count("\n") + 1 for item in edit.replacements)
    assert len(changed_lines(edit, text)) <= 2 * inside + written
    assert inside + written <= 80


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(ALL), min_size=2, max_size=5, unique=True), st.integers(0, 2**32))
def test_instructions_are_unique_across_files(names: list[str], pick: int) -> None:
    files = {name: texts()[name] for name in names}
    edits = SHARED.enumerate(files)
    assert len({edit.instruction for edit in edits}) == len(edits)
    if edits:
        edit = edits[pick % len(edits)]
        assert SHARED.resolve(edit.instruction, files) == edit


def test_a_typical_script_offers_30_to_80_edits() -> None:
    counts = {name: len(edits_of(name)) for name in SCRIPTS if 45 <= texts()[name].count("\n") <= 150}
    assert len(counts) >= 20
    assert all(count <= 85 for count in counts.values()), counts
    usual = [name for name, count in counts.items() if count >= 30]
    assert len(usual) >= 0.9 * len(counts), counts


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(SCRIPTS), st.data())
def test_a_damaged_script_is_never_fatal(name: str, data: st.DataObject) -> None:
    """Lines dropped at random: often still Python, with names unbound and calls cut."""
    lines = texts()[name].split("\n")
    dropped = data.draw(st.sets(st.integers(0, max(0, len(lines) - 1)), max_size=6))
    text = "\n".join(line for index, line in enumerate(lines) if index not in dropped)
    # What is left may parse and yet not compile, such as a `return` outside of a function: no edit is asked to mend that.
    whole = parses(name, text)
    for edit in SHARED.enumerate({name: text})[:5]:
        assert parses(name, edit.apply(text)) or not whole
