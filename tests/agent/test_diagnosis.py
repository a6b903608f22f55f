"""The likely cause of a failed run, from its log."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlagent_app.agent.diagnosis import MAX_LINE, likely_cause

TRACE = 'Traceback (most recent call last):\n  File "/job/train.py", line 12, in <module>\n    main()\n'
LOGS = [
    (TRACE + "ModuleNotFoundError: No module named 'sklearn.ensemble'\n", ["'sklearn.ensemble'", "pip install scikit-learn"]),
    ("/usr/bin/python: No module named mypkg.train\n", ["'mypkg.train'"]),
    ("python: Error while finding module specification for 'a.b' (ModuleNotFoundError: No module named 'a')\n", ["'a'"]),
    (TRACE + "ImportError: cannot import name 'LinearRegressor' from 'sklearn' (/x.py)\n", ["'LinearRegressor'", "version"]),
    (TRACE + "ImportError: libGL.so.1: cannot open shared object file: No such file or directory\n", ["libGL.so.1"]),
    (TRACE + "FileNotFoundError: [Errno 2] No such file or directory: 'data/train.csv'\n", ["'data/train.csv'", "copy"]),
    ("python: can't open file '/job/trian.py': [Errno 2] No such file or directory\n", ["trian.py", "--command"]),
    (TRACE + "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB\n", ["GPU", "batch size"]),
    (TRACE + "torch.OutOfMemoryError: CUDA out of memory. Tried\n", ["GPU is out of memory"]),
    (TRACE + "MemoryError\n", ["out of memory", "memory"]),
    (TRACE + "numpy._ArrayMemoryError: Unable to allocate 8.00 GiB for an array\n", ["out of memory"]),
    (TRACE + "OSError: [Errno 28] No space left on device\n", ["disk is full"]),
    (TRACE + "OSError: [Errno 27] File too large\n", ["[limits] file_mb"]),
    ("cat: write error: File too large\n", ["[limits] file_mb"]),
    (
        TRACE + "RuntimeError: [enforce fail at inline_container.cc:603] . unexpected pos 1073741824 vs 1073741718\n",
        ["disk is full", "[limits] file_mb"],
    ),
    (TRACE + "PermissionError: [Errno 13] Permission denied: '/data/out'\n", ["permission", "/data/out"]),
    (TRACE + "OSError: [Errno 30] Read-only file system: '/models'\n", ["permission", "/models"]),
    ('  File "/job/model.py", line 7\n    x = = 3\n        ^\nSyntaxError: invalid syntax\n', ["syntax error", "model.py:7"]),
    ("usage: train.py [-h] --data D\ntrain.py: error: the following arguments are required: --data\n", ["--data", "command"]),
    ("Usage: train.py [OPTIONS]\n\nError: Missing option '--data'.\n", ["--data"]),
    (TRACE + "KeyError: 'label'\n", ["KeyError: 'label'", "train.py:12"]),
    (TRACE.replace("/job/", "/tmp/x/work/s1-0/src/") + "KeyError: 'label'\n", ["KeyError: 'label' (src/train.py:12)"]),
    (TRACE.replace("/job/", "/workspace/src/") + "KeyError: 'label'\n", ["KeyError: 'label' (src/train.py:12)"]),
    (
        TRACE + '  File "/env/lib/python3.11/site-packages/torch/nn.py", line 3, in f\n'
        "RuntimeError: mat1 and mat2 shapes cannot be multiplied (32x128 and 64x10)\n",
        ["mat1 and mat2", "train.py:12"],
    ),
    ("sh: 1: nvcc: not found\n", ["'nvcc'"]),
    ("/bin/sh: line 1: uv: command not found\n", ["'uv'"]),
    ("make: *** No rule to make target 'train'.  Stop.\n", ["'train'", "Makefile"]),
    (TRACE + "urllib.error.URLError: <urlopen error [Errno -3] Temporary failure in name resolution>\n", ["network"]),
    (TRACE + "AssertionError: Torch not compiled with CUDA enabled\n", ["GPU", "gpus"]),
    ("\x1b[31m" + TRACE + "ValueError: bad\x1b[0m\r\n", ["ValueError: bad"]),
    (TRACE + "ModuleNotFoundError: No module named 'apex'\n" + TRACE + "KeyError: 2\n", ["KeyError: 2"]),
    (TRACE + "ValueError: no\n\nDuring handling of the above exception\n\n" + TRACE + "KeyError: 1\n", ["KeyError: 1"]),
]  # fmt: skip


@pytest.mark.parametrize(("log", "parts"), LOGS, ids=[log.strip().splitlines()[-1][:50] for log, _ in LOGS])
def test_the_cause_is_named(log: str, parts: list[str]) -> None:
    cause = likely_cause("epoch 1 loss 0.5\n" + log)
    for part in parts:
        assert part in cause
    assert "\n" not in cause


LINKED = {"big/table.csv": "60 MiB, over 32 MiB", "data": "a link to /mnt/data"}


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("OSError: [Errno 30] Read-only file system: 'big/table.csv'", "big/table.csv"),
        ("OSError: [Errno 30] Read-only file system: '/workspace/big/table.csv'", "big/table.csv"),
        ("OSError: [Errno 30] Read-only file system: '../big/table.csv'", "big/table.csv"),
        ("OSError: [Errno 30] Read-only file system: 'table.csv'", "big/table.csv"),
        ("OSError: [Errno 16] Device or resource busy: 'fresh.csv' -> 'big/table.csv'", "big/table.csv"),
        ("RuntimeError: File big/table.csv cannot be opened.", "big/table.csv"),
        ("sh: 1: cannot create big/table.csv: Read-only file system", "big/table.csv"),
        ("PermissionError: [Errno 13] Permission denied: './data/new.csv'", "data"),
    ],
)
def test_a_link_that_cannot_be_written_to_is_told_from_other_places(line: str, path: str) -> None:
    cause = likely_cause(TRACE + line + "\n", LINKED)
    assert f"cannot write to {path!r}, which is linked read-only ({LINKED[path]})" in cause and "elsewhere" in cause


@pytest.mark.parametrize("place", ["/data/out", "data2", "mydata", "/mnt/table.csv"])
def test_other_places_are_not_taken_for_a_link(place: str) -> None:
    cause = likely_cause(TRACE + f"OSError: [Errno 30] Read-only file system: '{place}'\n", LINKED)
    assert place in cause and "linked" not in cause


@pytest.mark.parametrize("log", ["", "epoch 1 loss 0.5\n", "loading\nall done\n", "UserWarning: this is only a warning\n"])
def test_nothing_is_made_up(log: str) -> None:
    assert likely_cause(log) == ""


@given(st.text(max_size=500))
@settings(max_examples=200, deadline=None)
def test_any_log_gives_one_short_line(log: str) -> None:
    cause = likely_cause(log)
    assert len(cause) <= MAX_LINE and len(cause.splitlines()) <= 1
