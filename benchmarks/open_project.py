"""How long opening a repository of 20,000 files takes, as a multiple of a warm `git status`.

    python -m benchmarks.open_project [--files 20000] [--limit 3]

Opening is `open_project` and `list_project`: what happens between the command line and the first screen. Both are measured in
turn, in one process, after one round to warm up; the medians are compared. Exits with 1 when the ratio is over the limit.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from mlagent_app.repo.listing import list_project
from mlagent_app.repo.project import open_project

COMMAND = "python pkg000/module0.py --data data/train.csv"


def make_repository(root: Path, files: int) -> None:
    """A repository with `files` committed sources, a few changes, and ignored data and caches, as projects have them."""
    per_directory = 100
    for number in range(files - 1):
        directory = root / f"pkg{number // per_directory:03}"
        directory.mkdir(exist_ok=True)
        (directory / f"module{number % per_directory}.py").write_text(f"rate = {number}\nread('data/train.csv')\n")
    (root / ".gitignore").write_text("data/\n__pycache__/\nunused/\n")
    git = ("git", "-C", str(root), "-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "gc.auto=0")
    for args in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "files")):
        subprocess.run([*git, *args], check=True)
    for name in ("data/train.csv", "data/test.csv", "unused/a.bin", "pkg000/__pycache__/module0.pyc", "notes.md"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("1,2,3\n")
    (root / "pkg001" / "module1.py").write_text("rate = 0\n")


def timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure how long opening a large repository takes.")
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--limit", type=float, default=3.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mlagent-bench-") as scratch:
        root = Path(scratch) / "repository"
        root.mkdir()
        make_repository(root, arguments.files)

        def status() -> None:
            subprocess.run(["git", "-C", str(root), "status", "--porcelain"], check=True, stdout=subprocess.DEVNULL)

        def opening() -> None:
            listing = list_project(open_project(root), command=COMMAND)
            assert len(listing.paths) == arguments.files + 3, len(listing.paths)

        rounds = [(timed(status), timed(opening)) for _ in range(arguments.rounds + 1)]
        first_opening = rounds[0][1]
        status_seconds, opening_seconds = (statistics.median(times) for times in zip(*rounds[1:], strict=True))
    ratio = opening_seconds / status_seconds
    print(f"files                 {arguments.files}")
    print(f"git status, warm      {status_seconds * 1000:7.1f} ms")
    print(f"opening               {opening_seconds * 1000:7.1f} ms  (the first, with imports: {first_opening * 1000:.1f} ms)")
    print(f"ratio                 {ratio:7.2f}     (limit {arguments.limit:g})")
    return 0 if ratio <= arguments.limit else 1


if __name__ == "__main__":
    sys.exit(main())
