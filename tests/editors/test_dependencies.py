"""Which modules files import, which a project lists, and where a copy may go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlagent_app.editors.dependencies import imported, listed_modules, new_modules, own_modules
from mlagent_app.editors.guards import copy_refusal, edit_refusal


def test_imports_are_read_wherever_they_stand() -> None:
    text = (
        "import a.b, c as d\nfrom e.f import g\nfrom . import h\ntry:\n    import i\nexcept ImportError:\n    i = None\n"
        "def f():\n    import j\n    return __import__('k.l'), importlib.import_module('m'), import_module(name)\n"
    )
    assert imported("x.py", text) == {"a", "c", "e", "i", "j", "k", "m"}
    assert imported("x.txt", text) == imported("x.py", "import (") == frozenset()


def test_only_what_is_new_and_foreign_counts() -> None:
    before = {"src/train.py": "import numpy\n", "src/model.py": "import torch\n"}
    after = before | {"src/train.py": "import numpy, torch, json, model, src.model, xgboost\nfrom . import x\n"}
    assert new_modules(before, after) == ["xgboost"]
    assert own_modules(after) == {"src", "train", "model"}


@pytest.mark.parametrize(
    ("path", "text", "modules"),
    [
        (
            "requirements.txt",
            "scikit-learn>=1.4 ; python_version > '3'\n# a\n-r other.txt\nXGBoost[gpu]==2\n",
            "sklearn xgboost",
        ),
        ("pyproject.toml", '[project]\ndependencies = ["torch>=2", "pillow"]\n', "torch PIL"),
        ("pyproject.toml", '[project.optional-dependencies]\nx = ["Foo.Bar"]\n', "foo_bar"),
        ("pyproject.toml", '[tool.poetry.dependencies]\npython = "^3.11"\nlightgbm = "*"\n', "lightgbm"),
        ("environment.yml", "dependencies:\n  - python=3.11\n  - pytorch\n  - pip:\n    - opencv-python==4\n", "torch cv2"),
        ("setup.py", 'setup(install_requires=["catboost>=1"])', "catboost"),
        ("setup.cfg", "[options]\ninstall_requires =\n    pyyaml>=6\n", "yaml"),
        ("pyproject.toml", "[broken", ""),
    ],
)
def test_lists_of_requirements_name_modules(path: str, text: str, modules: str) -> None:
    assert set(modules.split()) <= listed_modules({path: text})
    assert "other" not in listed_modules({path: text}) and "no_such" not in listed_modules({path: text})


paths = st.text(alphabet="aAbB./éÉ_-\\ \n", min_size=1, max_size=12)


@given(paths, st.sets(paths, max_size=3), st.sets(paths, max_size=3))
def test_a_copy_never_goes_where_something_is(target: str, present: set[str], protected: set[str]) -> None:
    refused = copy_refusal(target, present, protected, ())
    for path in present | protected:
        if path.casefold() == target.casefold():
            assert refused


@given(st.dictionaries(paths, st.text(max_size=10), max_size=3), st.sets(paths, max_size=3))
def test_no_protected_or_unknown_file_is_ever_edited(changed: dict[str, str], protected: set[str]) -> None:
    sources = {"a": "1", "b": "2"}
    if not edit_refusal(changed, sources, protected):
        assert changed.keys() <= sources.keys() and not changed.keys() & protected
