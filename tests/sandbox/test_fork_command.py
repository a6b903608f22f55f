"""Which commands are forked: only those that a shell would read in the same way."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.fork_command import Program, is_too_late, parse

PYTHON = Path(sys.executable)


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("python train.py", Program("script", "train.py", ())),
        ("  python3   -u  train.py --lr 0.1  ", Program("script", "train.py", ("--lr", "0.1"))),
        (f"{PYTHON} src/train.py", Program("script", "src/train.py", ())),
        ("python train.py --name 'a b' \"c d\" ''", Program("script", "train.py", ("--name", "a b", "c d", ""))),
        ("python -m pkg.train -m x", Program("module", "pkg.train", ("-m", "x"))),
        ("python -um pkg.train", None),
        ("python train.py | tee log", None),
        ("python train.py && true", None),
        ("python train.py > log", None),
        ("python train.py $SEED", None),
        ("python train.py \\\n--lr 1", None),
        ("python train.py *.csv", None),
        ("python train.py ~/data", None),
        ("python train.py # fast", None),
        ("python train.py 'unfinished", None),
        ("SEED=1 python train.py", None),
        ("python -c pass", None),
        ("python -m", None),
        ("python", None),
        ("python -", None),
        ("/usr/bin/other/python train.py", None),
        ("./python train.py", None),
        ("time python train.py", None),
        ("", None),
    ],
)
def test_a_command_is_a_program_or_not(command: str, program: Program | None) -> None:
    assert parse(command, PYTHON) == program


def test_a_name_that_the_environment_does_not_have_is_left_to_the_shell(tmp_path: Path) -> None:
    python = tmp_path / "python3"
    python.write_text("")
    assert parse("python train.py", python) is None
    assert parse("python3 train.py", python) == Program("script", "train.py", ())


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8), max_size=4))
def test_quoted_words_come_out_as_they_went_in(words: list[str]) -> None:
    program = parse(f"python train.py {shlex.join(words)}", PYTHON)
    assert program is None or program.arguments == tuple(words)


@given(st.text("ab'\" \t-=.,/%@:^+_\\$`*?~#\n;&|é", max_size=12))
def test_what_is_forked_has_the_words_that_the_shell_sees(text: str) -> None:
    program = parse(f"python x {text}", PYTHON)
    if program is not None:
        seen = subprocess.run(["/bin/sh", "-c", f"printf '%s\\0' x {text}"], capture_output=True, check=True).stdout
        assert seen.decode().split("\0")[:-1] == [program.name, *program.arguments]


def test_variables_that_are_read_early_are_told_apart() -> None:
    loaded = {"OMP_NUM_THREADS": "1", "LANG": "C.UTF-8"}
    assert not is_too_late({"SEED": "1", "PYTHONPATH": "src", "OMP_NUM_THREADS": "1", "DATA_PATH": "x"}, loaded)
    for name in ("PYTHONHASHSEED", "OMP_NUM_THREADS", "LANG", "LD_PRELOAD", "PATH", "MKL_NUM_THREADS", "CUDA_VISIBLE_DEVICES"):
        assert is_too_late({name: "2"}, loaded)
