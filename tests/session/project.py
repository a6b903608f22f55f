"""A project that needs nothing but Python and has a metric that single edits raise and lower."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

TRAIN = '''"""Gradient descent on a parabola: how close do we get?"""

LEARNING_RATE = 0.02
EPOCHS = 20
HIDDEN_SIZE = 8


def main():
    x = 4.0
    for _ in range(EPOCHS):
        x -= LEARNING_RATE * 2 * x
    for _ in range(HIDDEN_SIZE):
        x += 0.001
    score = 1 / (1 + abs(x))
    print(f"validation accuracy: {score:.6f}")


if __name__ == "__main__":
    main()
'''


def make_project(directory: Path, source: str = TRAIN) -> Path:
    """A git repository with `train.py`, one untracked file and one dirty one."""
    directory.mkdir(parents=True)
    (directory / "train.py").write_text(source)
    (directory / "README.md").write_text("Run:\n\n```bash\npython train.py\n```\n")
    git(directory, "init", "-q", "-b", "main")
    git(directory, "config", "user.name", "A Person")
    git(directory, "config", "user.email", "person@example.org")
    git(directory, "add", "-A")
    git(directory, "commit", "-qm", "Start")
    (directory / "README.md").write_text((directory / "README.md").read_text() + "\nA dirty line.\n")
    (directory / "notes.txt").write_text("untracked\n")
    return directory


def git(directory: Path, *arguments: str) -> str:
    """Run git as a person would; its output."""
    done = subprocess.run(["git", *arguments], cwd=directory, capture_output=True, text=True, check=True)
    return done.stdout


def fingerprint(directory: Path) -> dict[str, str]:
    """Every file's content, mode and place, `.git` included."""
    prints: dict[str, str] = {}
    for parent, _, names in os.walk(directory):
        for name in names:
            path = Path(parent) / name
            content = os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
            prints[str(path.relative_to(directory))] = f"{path.lstat().st_mode:o} {hashlib.sha256(content).hexdigest()}"
    return prints
