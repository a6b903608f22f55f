"""Projects that go wrong, each in one way. Every function makes a new directory and returns it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.projects.build import commit, git, make

# An honest script whose metric depends on one constant, with no library to load: fast enough for tests of anything else.
QUICK = """\
LEARNING_RATE = 0.1
EPOCHS = 4


def main():
    loss = 1.0
    for epoch in range(EPOCHS):
        loss *= 1.0 - LEARNING_RATE
        print(f"epoch {epoch} loss {loss:.4f}")
    print(f"accuracy: {1.0 - loss:.4f}")


if __name__ == "__main__":
    main()
"""


def quick(directory: Path) -> Path:
    """Nothing is wrong here: `python train.py` prints `accuracy:` in a few milliseconds, higher with larger constants."""
    return make(
        directory, {"train.py": QUICK, "README.md": "# quick\n\n```\npython train.py\n```\n", ".gitignore": "__pycache__/\n"}
    )


def script(directory: Path, source: str) -> Path:
    """A repository with `source` as its train.py."""
    return make(directory, {"train.py": source, "README.md": "```\npython train.py\n```\n"})


def failing(directory: Path) -> Path:
    """The command raises, after some output."""
    return script(directory, 'LR = 0.1\nprint("loading")\nraise ValueError("the labels do not fit the features")\n')


def missing_module(directory: Path) -> Path:
    """The command imports what is not installed."""
    return script(directory, 'import no_such_module_anywhere\n\nLR = 0.1\nprint("accuracy: 0.5")\n')


def no_metric(directory: Path) -> Path:
    """The command ends well and says nothing that reads like a metric."""
    return script(directory, 'LR = 0.1\nprint("all done, thank you")\n')


def nan_metric(directory: Path) -> Path:
    """The metric is not a number."""
    return script(directory, 'LR = 0.1\nprint("accuracy:", float("nan"))\n')


def infinite_metric(directory: Path) -> Path:
    """The metric is infinite."""
    return script(directory, 'LR = 0.1\nprint("loss:", float("inf"))\n')


def endless(directory: Path) -> Path:
    """The command never ends; it starts a child that would outlive it and ignores SIGTERM."""
    return script(
        directory,
        "import signal, subprocess, sys, time\n\nLR = 0.1\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        'subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])\n'
        'print("running", flush=True)\nwhile True:\n    time.sleep(0.1)\n',
    )


def memory_hog(directory: Path) -> Path:
    """The command takes memory, 64 MiB at a time and all of it touched, until it is stopped."""
    return script(
        directory,
        "LR = 0.1\nheld = []\nwhile True:\n    held.append(bytearray(b'x' * (64 << 20)))\n"
        '    print(f"{64 * len(held)} MiB", flush=True)\n',
    )


def disk_filler(directory: Path) -> Path:
    """The command writes to the working directory without end."""
    return script(
        directory,
        'LR = 0.1\nblock = b"x" * (8 << 20)\nwith open("filler.bin", "wb") as file:\n    while True:\n'
        "        file.write(block)\n        file.flush()\n",
    )


def talkative(directory: Path) -> Path:
    """The command prints 200,000 lines, some 20 MB, and its metric last."""
    return script(
        directory,
        'LR = 0.1\nfor number in range(200_000):\n    print(f"line {number} " + "." * 90)\nprint("accuracy: 0.5")\n',
    )


def odd_bytes(directory: Path) -> Path:
    """The log holds bytes that are no UTF-8, escape sequences and a line without end; the metric is in between."""
    return script(
        directory,
        'import sys\n\nLR = 0.1\nout = sys.stdout.buffer\nout.write(b"caf\\xe9 \\xff\\xfe\\x00 \\x1b[31mred\\x1b[0m\\n")\n'
        'out.write(b"accuracy: 0.5\\n")\nout.write(b"\\xc3")\n',
    )


def mid_merge(directory: Path) -> Path:
    """A repository in the middle of a merge with a conflict in train.py."""
    quick(directory)
    git(directory, "switch", "--quiet", "-c", "other")
    (directory / "train.py").write_text(QUICK.replace("EPOCHS = 4", "EPOCHS = 5"), "utf-8")
    commit(directory, "Five epochs")
    git(directory, "switch", "--quiet", "main")
    (directory / "train.py").write_text(QUICK.replace("EPOCHS = 4", "EPOCHS = 6"), "utf-8")
    commit(directory, "Six epochs")
    merged = subprocess.run(
        ["git", "-c", "user.name=Test User", "-c", "user.email=test@example.com", "merge", "--quiet", "other"],
        cwd=directory,
        capture_output=True,
        check=False,
    )
    assert merged.returncode != 0, "the merge was to have a conflict"
    return directory


def bare(directory: Path) -> Path:
    """A bare repository: there are no files to work on."""
    quick(directory.with_name(directory.name + "-source"))
    git(directory.parent, "clone", "--quiet", "--bare", directory.name + "-source", directory.name)
    return directory


def empty(directory: Path) -> Path:
    """A directory with nothing in it."""
    directory.mkdir(parents=True)
    return directory


def no_python(directory: Path) -> Path:
    """A repository without any Python."""
    return make(directory, {"README.md": "# Notes\n\nNothing to run.\n", "notes.txt": "one\n"})


def no_command(directory: Path) -> Path:
    """Python, but nothing that looks like something to run."""
    return make(
        directory, {"library/__init__.py": "", "library/shapes.py": "def area(width, height):\n    return width * height\n"}
    )


def unknown_key(directory: Path) -> Path:
    """A configuration file with a misspelt key."""
    quick(directory)
    (directory / "mlagent.toml").write_text('[project]\ncomand = "python train.py"\n', "utf-8")
    commit(directory, "Configure")
    return directory


def no_git(directory: Path) -> Path:
    """The quick project without any repository."""
    return make(directory, {"train.py": QUICK, "README.md": "```\npython train.py\n```\n"}, history=False)


def odd_files(directory: Path) -> Path:
    """The quick project, dirty, with what snapshots stumble over.

    Spaces, quotes and letters beyond ASCII in names, a name that is no UTF-8, CRLF, an executable, symbolic links inside and
    outside (one broken), an ignored directory, an untracked file, a staged and an unstaged change.
    """
    quick(directory)
    names: dict[str, bytes] = {
        "a file.txt": b"space\n",
        'quo"te.txt': b"quote\n",
        "naïve-文件.txt": "naïve\n".encode(),
        "windows.py": b"A = 1\r\nB = 2\r\n",
        "latin.txt": b"caf\xe9\n",
        "empty.txt": b"",
        "no-newline.txt": b"end",
        "tool.sh": b"#!/bin/sh\nexit 0\n",
    }
    for name, content in names.items():
        (directory / name).write_bytes(content)
    with open(os.fsencode(directory) + b"/odd-\xff.txt", "wb") as file:
        file.write(b"odd\n")
    (directory / "tool.sh").chmod(0o755)
    (directory / "inside-link").symlink_to("a file.txt")
    (directory / "broken-link").symlink_to("nowhere")
    (directory / ".gitignore").write_text("__pycache__/\nignored/\n", "utf-8")
    commit(directory, "Add odd files")
    (directory / "ignored").mkdir()
    (directory / "ignored" / "data.csv").write_text("1,2\n", "utf-8")
    (directory / "untracked.txt").write_text("untracked\n", "utf-8")
    (directory / "a file.txt").write_text("changed\n", "utf-8")
    (directory / "windows.py").write_bytes(b"A = 1\r\nB = 3\r\n")
    git(directory, "add", "windows.py")
    return directory
