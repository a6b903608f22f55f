"""The promise that CI fails, never skips, is kept by the conftest itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CASES = """
import pytest

@pytest.mark.docker
def test_docker():
    pytest.skip("no engine")

@pytest.mark.skipif(True, reason="always")
@pytest.mark.bwrap
def test_bwrap():
    pass

def test_plain():
    pytest.skip("never mind")
"""


@pytest.mark.parametrize(
    ("required", "code", "said"),
    [
        ({}, 0, ("3 skipped",)),
        ({"REQUIRE_DOCKER": "1"}, 1, ("1 failed", "2 skipped", "although REQUIRE_DOCKER is set")),
        (
            {"REQUIRE_DOCKER": "1", "REQUIRE_BWRAP": "1"},
            1,
            ("1 failed", "1 error", "1 skipped", "although REQUIRE_BWRAP is set"),
        ),
    ],
)
def test_a_required_kind_may_not_be_skipped(tmp_path: Path, required: dict[str, str], code: int, said: tuple[str, ...]) -> None:
    shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path)
    (tmp_path / "test_cases.py").write_text(CASES, "utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    docker: d\n    bwrap: b\n", "utf-8")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("REQUIRE_", "PYTEST_"))} | required
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert done.returncode == code, done.stdout
    assert all(words in done.stdout for words in said), done.stdout


def test_a_module_that_skips_itself_fails_where_anything_is_required(tmp_path: Path) -> None:
    shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path)
    (tmp_path / "test_cases.py").write_text("import pytest\npytest.skip('no', allow_module_level=True)\n", "utf-8")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("REQUIRE_", "PYTEST_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", "1"],
        cwd=tmp_path,
        env=env | {"REQUIRE_TORCH": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "skipped itself although REQUIRE_TORCH is set" in done.stdout


def test_nothing_of_the_user_is_in_sight(isolated: Path) -> None:
    assert Path.home() == isolated
    assert Path(os.environ["MLAGENT_STATE_DIR"]).is_relative_to(isolated)
    name = subprocess.run(["git", "config", "--global", "user.name"], capture_output=True, text=True, check=True)
    assert name.stdout.strip() == "Test User"
