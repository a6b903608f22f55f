"""`mlagent-train` says in one line what it cannot do yet."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("words", [[], ["sft"], ["--help"]])
def test_one_line_and_exit_code_2(words: list[str]) -> None:
    call = [sys.executable, "-c", "from training.cli import main; main()", *words]
    done = subprocess.run(call, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("mlagent-train: ")
    assert done.stderr.count("\n") == 1
