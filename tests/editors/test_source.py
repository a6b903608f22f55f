"""Positions, names and the literals behind arguments."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlagent_app.editors.base import replaced
from mlagent_app.editors.catalogue.following import Follower
from mlagent_app.editors.catalogue.imports import naming
from mlagent_app.editors.catalogue.source import Call, Source
from tests.editors.corpus import BROKEN, SCRIPTS, texts


def find(source: Source, short: str) -> Call:
    return next(call for call in source.calls if call.short == short)


def value_of(text: str, argument: str = "C", short: str = "SVC", position: int | None = None) -> object:
    """The argument's literal in a script that imports SVC, `absent` or `opaque`."""
    source = Source("a.py", f"from sklearn.svm import SVC\n{text}\n")
    found = Follower(source).argument(find(source, short), argument, position)
    if found.literal is None:
        return found.state
    literal = found.literal
    assert ast.literal_eval(source.text[literal.start : literal.end]) == literal.value
    return literal.value


@pytest.mark.parametrize("name", [name for name in SCRIPTS if name not in BROKEN])
def test_spans_are_the_text_of_their_nodes(name: str) -> None:
    text = texts()[name]
    source = Source(name, text)
    assert source.tree is not None
    plain = text.removeprefix("\ufeff")
    for node in source.parents:
        if isinstance(node, (ast.Name, ast.Constant, ast.Call)) and not isinstance(source.parents[node], ast.JoinedStr):
            expected = ast.get_source_segment(plain, node)
            # `ast` reads all line ends as `\n`.
            assert source.segment(node).replace("\r\n", "\n") == (expected or "").replace("\r\n", "\n")


@given(
    st.text(alphabet="aé🌲 \t\x0c", max_size=8), st.sampled_from(["\n", "\r\n"]), st.sampled_from(["x = 'é'; ", "", "if 1: "])
)
def test_offsets_count_characters_whatever_stands_before(comment: str, newline: str, before: str) -> None:
    text = f"# {comment}{newline}s = '{comment}'{newline}{before}value = 12.5{newline}"
    source = Source("a.py", text)
    assert source.tree is not None
    constant = next(n for n in ast.walk(source.tree) if isinstance(n, ast.Constant) and n.value == 12.5)
    start, end = source.span(constant)
    assert text[start:end] == "12.5"


@pytest.mark.parametrize(
    ("imports", "code", "name"),
    [
        ("from sklearn.linear_model import LogisticRegression as LR", "LR()", "sklearn.linear_model.LogisticRegression"),
        ("import sklearn.svm as s", "s.SVC()", "sklearn.svm.SVC"),
        ("import torch.nn as nn", "nn.Linear(1, 2)", "torch.nn.Linear"),
        ("import sklearn.svm", "sklearn.svm.SVC()", "sklearn.svm.SVC"),
        ("from sklearn.ensemble import *", "RandomForestClassifier()", "sklearn.ensemble.RandomForestClassifier"),
        ("from .models import Net", "Net()", ".Net"),
        ("try:\n    import lightgbm as lgb\nexcept ImportError:\n    lgb = None", "lgb.train()", "lightgbm.train"),
        ("", "print()", "print"),
    ],
)
def test_names_are_qualified_through_imports(imports: str, code: str, name: str) -> None:
    assert [call.name for call in Source("a.py", f"{imports}\n{code}\n").calls] == [name]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("SVC(C=2)", 2),
        ("SVC(C=-2.5)", -2.5),
        ("C = 3\nSVC(C=C)", 3),
        ("A = B = 3\nSVC(C=A)", "opaque"),
        ("C = 3\nC = 4\nSVC(C=C)", "opaque"),
        ("C = 3\nC += 1\nSVC(C=C)", "opaque"),
        ("C = 3\ndef f():\n    global C\n    C = 1\nSVC(C=C)", "opaque"),
        ("C = 3\ndef f(C): return SVC(C=C)", "opaque"),
        ("C = 3\ndef f(): return SVC(C=C)", 3),
        ("def f(c=4): return SVC(C=c)\nf()", 4),
        ("def f(c=4): return SVC(C=c)\nf(5)", "opaque"),
        ("def f(c=4): return SVC(C=c)\nf(c=5)", "opaque"),
        ("def f(c=4): return SVC(C=c)\nf(**{})", "opaque"),
        ("class A:\n    def __init__(self, c=4): self.m = SVC(C=c)\nA()", 4),
        ("class A:\n    def __init__(self, c=4): self.m = SVC(C=c)\nA(7)", "opaque"),
        ("for C in [1]: SVC(C=C)", "opaque"),
        ("p.add_argument('--my-c', default=5)\nargs = p.parse_args()\nSVC(C=args.my_c)", 5),
        ("p.add_argument('--c', default=5)\np.add_argument('--c', default=6)\nSVC(C=args.c)", "opaque"),
        ("p.add_argument('--c', default=5)\nargs.c = 7\nSVC(C=args.c)", "opaque"),
        ("p.add_argument('--reg', dest='c', default=5)\nSVC(C=args.c)", 5),
        ("class Config:\n    c: float = 6.0\nSVC(C=Config.c)", 6.0),
        ("class Config:\n    c: float = 6.0\ndef f(cfg: Config): SVC(C=cfg.c)", 6.0),
        ("class X:\n    c = 6\nclass Y:\n    c = 7\nSVC(C=X.c)", "opaque"),
        ("cfg = {'c': 8, 'm': {'c': 9}}\nSVC(C=cfg['c'])", 8),
        ("cfg = {'c': 8, 'm': {'c': 9}}\nSVC(C=cfg['m']['c'])", 9),
        ("cfg = {'c': 8}\ncfg['c'] = 1\nSVC(C=cfg['c'])", "opaque"),
        ("cfg = dict(c=8)\nSVC(C=cfg['c'])", 8),
        ("params = {'C': 2}\nSVC(**params)", 2),
        ("params = {'C': 2}\nparams.update(C=1)\nSVC(**params)", "opaque"),
        ("params = {'gamma': 2}\nSVC(**params)", "absent"),
        ("SVC(**unknown)", "opaque"),
        ("SVC(gamma=1)", "absent"),
        ("import click\n@click.option('--c', default=3)\ndef f(c): SVC(C=c)", 3),
        ("import typer\ndef f(c: float = typer.Option(3)): SVC(C=c)", 3),
        ("def f(c: float = 3): SVC(C=c)", 3),
        ("SVC(C=1 + 1)", "opaque"),
        ("SVC(C=f'{1}')", "opaque"),
    ],
)
def test_arguments_are_followed_to_their_literal(text: str, value: object) -> None:
    assert value_of(text) == value


def test_positional_arguments_are_found() -> None:
    assert value_of("SVC(2)", position=0) == 2
    assert value_of("SVC(*a)", position=0) == "opaque"
    assert value_of("SVC()", position=0) == "absent"


@pytest.mark.parametrize(
    "call",
    [
        "SVC()",
        "SVC( )",
        "SVC(1)",
        "SVC((1))",
        "SVC(gamma=(1))",
        "SVC(gamma=1,)",
        "SVC(\n    gamma=1,  # ) a comment\n)",
        "SVC(\n    gamma=1,\n    kernel='rbf'\n)",
        "SVC(**{'gamma': 1})",
        "SVC(*[],)",
        "SVC(gamma=(1)  # (\n  ,)",
        "SVC(gamma=[x for x in ()])",
        "(SVC)(gamma=1)",
        "SVC(\n    gamma=1,  # tuned (\n)",
        "SVC(\n    gamma=1 , # tuned\n    # last\n)",
        "SVC(\n    gamma=(\n        1),  # tuned\n)",
        "SVC(\n    gamma=1  # tuned\n    ,  # really\n)",
    ],
)
def test_a_keyword_can_be_added_anywhere(call: str) -> None:
    source = Source("a.py", f"from sklearn.svm import SVC\nm = {call}\n")
    node = next(node for node in source.parents if isinstance(node, ast.Call))
    added = Follower(source).adding(node, "C=2")
    assert added is not None
    after = ast.parse(replaced(source.text, (added,)))
    again = next(node for node in ast.walk(after) if isinstance(node, ast.Call))
    assert again.keywords[-1].arg == "C"
    assert [ast.unparse(item) for item in (*again.args, *again.keywords[:-1])] == [
        ast.unparse(item) for item in (*node.args, *node.keywords)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from sklearn.svm import SVC\nx = 1\n", "SVC"),
        ("from sklearn import svm\nx = 1\n", "svm.SVC"),
        ("import sklearn.svm\nx = 1\n", "sklearn.svm.SVC"),
        ("SVC = 3\n", None),
        ("def f():\n    from sklearn.svm import SVC\n", None),
    ],
)
def test_naming_uses_the_imports_that_are_there(text: str, expected: str | None) -> None:
    found = naming(Source("a.py", text), "sklearn.svm.SVC")
    assert (found.name if found else None) == expected
    assert found is None or found.replacements == ()


@pytest.mark.parametrize(
    "text",
    [
        "x = 1\n",
        '"""Doc."""\nfrom __future__ import annotations\nx = 1\n',
        '"""Doc."""',
        "import a; x = 1\n",
        "import a  # why\nx = 1\n",
        "\ufeffimport a\nx = 1\n",
        "import a",
        "import a\r\nx = 1\r\n",
        "@property\ndef f(): pass\n",
        "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\nx = 1\n",
        "from a import (\n    b,\n    c,\n)\nx = 1\n",
    ],
)
def test_an_import_is_added_where_it_is_valid(text: str) -> None:
    source = Source("a.py", text)
    found = naming(source, "sklearn.svm.SVC")
    assert found is not None
    after = replaced(text, found.replacements)
    compile(after.removeprefix("\ufeff"), "a.py", "exec")
    assert naming(Source("a.py", after), "sklearn.svm.SVC") is not None
    assert Source("a.py", after).local_name("sklearn.svm.SVC") == "SVC"
    assert after.count("\n") == text.count("\n") + 1 or not text.endswith("\n")
    if "\r\n" in text:
        assert "\n" not in after.replace("\r\n", "")
