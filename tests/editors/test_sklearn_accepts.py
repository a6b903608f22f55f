"""scikit-learn itself judges the edits: parameters by its own validation, whole scripts by running them."""

from __future__ import annotations

import ast
import contextlib
import os
import random
from pathlib import Path
from typing import Any

import pytest

from mlagent_app.editors.catalogue.source import Source
from tests.editors.corpus import SCRIPTS, edits_of, printed_by, texts

pytestmark = pytest.mark.slow

# Scripts of scikit-learn that run by themselves in a second or less.
NEEDS_OTHERS = ("sk_typer_cli.py", "sk_click_cli.py", "sk_broken_syntax.py")
RUNNABLE = [name for name in SCRIPTS if name.startswith("sk_") and name not in NEEDS_OTHERS]
SAMPLE = 8


def is_plain_assignment(source: Source, statement: ast.stmt) -> bool:
    """An assignment that constructs but computes nothing: no `fit`, no data."""
    calls = [node for node in ast.walk(statement) if isinstance(node, ast.Call)]
    shorts = [source.qualified(node.func).rpartition(".")[2] for node in calls]
    return isinstance(statement, ast.Assign) and all(s[:1].isupper() or s in ("dict", "make_pipeline") for s in shorts)


def estimators_of(name: str, text: str) -> list[Any]:
    """Every scikit-learn call of the script that can be evaluated by itself, evaluated."""
    source = Source(name, text)
    space: dict[str, Any] = {}
    assert source.tree is not None
    for statement in source.tree.body:
        if isinstance(statement, (ast.Import, ast.ImportFrom, ast.ClassDef)) or is_plain_assignment(source, statement):
            with contextlib.suppress(Exception):
                exec(compile(ast.Module([statement], []), name, "exec"), space)
    made: list[Any] = []
    for call in source.calls:
        if call.root == "sklearn" and call.short[:1].isupper():
            with contextlib.suppress(NameError):
                made.append(eval(compile(ast.Expression(call.node), name, "eval"), space))
    return [item for item in made if hasattr(item, "_parameter_constraints")]


@pytest.mark.parametrize("name", RUNNABLE)
def test_every_proposed_value_is_valid(name: str) -> None:
    pytest.importorskip("sklearn")
    text = texts()[name]
    before = len(estimators_of(name, text))
    for edit in edits_of(name):
        made = estimators_of(name, edit.apply(text))
        assert len(made) >= before - 2, edit.instruction
        for estimator in made:
            parts = [estimator, *(v for v in estimator.get_params(deep=True).values() if hasattr(v, "_parameter_constraints"))]
            for part in parts:
                part._validate_params()


@pytest.mark.parametrize("name", RUNNABLE)
def test_edited_scripts_run(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A fixed sample of each script's edits (all of them with MLAGENT_TEST_ALL_EDITS): the script still prints its metric."""
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OUT", str(tmp_path))
    text = texts()[name]
    assert printed_by(text)
    edits = edits_of(name)
    if not os.environ.get("MLAGENT_TEST_ALL_EDITS"):
        edits = random.Random(0).sample(edits, min(SAMPLE, len(edits)))
    failed: list[str] = []
    for edit in edits:
        try:
            assert printed_by(edit.apply(text))
        except Exception as error:
            failed.append(f"{edit.instruction}: {type(error).__name__} {str(error)[:150]}")
    assert not failed, "\n".join(failed)
