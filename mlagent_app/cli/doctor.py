"""`mlagent doctor`: what works on this machine, and how to mend the rest."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys

from rich.console import Console
from rich.markup import escape

from mlagent_app import __version__
from mlagent_app.agent.errors import Exit
from mlagent_app.repo.locks import state_dir


def examine() -> int:
    """Print one line a finding; 0 when the main job can run, 5 when no walled sandbox works."""
    from sandbox.choose import probe

    console = Console(highlight=False)

    def say(works: bool | None, name: str, detail: str, how: str = "") -> None:
        mark = {True: "[green]ok[/]  ", False: "[red]no[/]  ", None: "[yellow]-[/]   "}[works]
        console.print(f"{mark}{name:<10} {escape(detail)}", soft_wrap=True)
        if how and not works:
            console.print(f"               {escape(how)}", soft_wrap=True)

    say(True, "mlagent", f"{__version__}, Python {platform.python_version()} at {sys.executable}")
    git = _git_version()
    say(bool(git), "git", git or "not found", "install it: apt-get install git")
    walled = False
    for found in probe():
        walled = walled or (found.works and found.name != "local")
        say(found.works, found.name, found.detail, found.how)
    usage = shutil.disk_usage(_existing(state_dir()))
    say(usage.free > 2**30, "state", f"{state_dir()} ({usage.free / 2**30:.0f} GiB free)", "free some space")
    if not walled:
        console.print("no walled sandbox works: install Docker or bubblewrap, or choose --sandbox local, which is no wall")
    return Exit.OK if git and walled else Exit.NO_SANDBOX if git else Exit.USAGE


def _git_version() -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    done = subprocess.run([git, "--version"], capture_output=True, text=True, timeout=20, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _existing(path: object) -> str:
    from pathlib import Path

    at = Path(str(path))
    while not at.exists():
        at = at.parent
    return str(at)
