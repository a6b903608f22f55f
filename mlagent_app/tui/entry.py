"""`mlagent-tui`: the command line of the app. Light on purpose: nothing here is imported before the first frame needs it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from mlagent_app.agent.errors import Exit, UserError

if TYPE_CHECKING:
    from mlagent_app.tui.link import Backend

# Where each flag stands in `mlagent.toml`.
SETTINGS = {
    "policy": "policy.kind",
    "model": "policy.model",
    "endpoint": "policy.endpoint",
    "sandbox": "sandbox.kind",
    "command": "project.command",
    "steps": "session.steps",
    "minutes": "session.minutes",
    "approve": "session.approve",
    "seed": "session.seed",
}


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(Exit.USAGE, f"{self.prog}: {message} - see: {self.prog} --help\n")


def parser() -> argparse.ArgumentParser:
    """The flags. Those left out are settled by the environment and the configuration files."""
    tree = _Parser(
        prog="mlagent-tui",
        description="Improve the metric of a machine-learning project, one measured and reviewed edit at a time.",
        epilog="Nothing in the project changes until you accept an edit.",
        argument_default=argparse.SUPPRESS,
    )
    tree.add_argument("project", nargs="?", metavar="PROJECT", default=None, help="the project's directory (default: this one)")
    tree.add_argument(
        "--policy", help="what proposes edits: embedded (the default), cookbook, bandit, random, vllm, transformers or openai"
    )
    tree.add_argument("--model", help="the model's name at the endpoint or on a hub, or a directory of weights")
    tree.add_argument(
        "--endpoint", metavar="URL", help="an OpenAI-compatible server, or: vllm, ollama, lmstudio, llama.cpp, openai"
    )
    tree.add_argument("--sandbox", choices=("auto", "docker", "bwrap", "local"), help="where the project's command runs")
    tree.add_argument("--command", help="the command that trains and prints the metric")
    tree.add_argument("--steps", type=_positive(int), help="how many edits to try at most")
    tree.add_argument("--minutes", type=_positive(float), help="how long to try at most")
    tree.add_argument("--approve", choices=("ask", "run", "auto"), help="what is decided without asking")
    tree.add_argument("--seed", type=int, help="makes the policy's choices repeatable")
    again = tree.add_mutually_exclusive_group()
    again.add_argument("--continue", dest="resume", action="store_const", const="latest", help="go on with the last session")
    again.add_argument("--resume", metavar="ID", help="go on with this session")
    again.add_argument("--demo", action="store_true", help="try it on a copy of the bundled example")
    tree.add_argument("--version", action="store_true", help="print the version")
    return tree


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the app and exit with its code."""
    flags = vars(parser().parse_args(argv))
    if flags.pop("version", False):
        from importlib.metadata import version

        sys.stdout.write(f"mlagent-tui {version('ml-agent')}\n")
        sys.exit(Exit.OK)
    try:
        code = _run(flags)
    except UserError as error:
        sys.stderr.write(f"mlagent-tui: {error.line()}\n")
        code = int(error.code)
    except KeyboardInterrupt:
        code = int(Exit.INTERRUPTED)
    sys.stdout.flush()
    sys.exit(code)


def _run(flags: dict[str, object]) -> int:
    """Open the app on what the flags name; the exit code."""
    project, resume = flags.pop("project"), str(flags.pop("resume", ""))
    demo = bool(flags.pop("demo", False))
    if demo and project is not None:
        raise UserError("--demo brings its own project", how="leave out PROJECT, or leave out --demo")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UserError("the app needs a terminal", how="run it in one, or use: mlagent run PROJECT")
    from mlagent_app.tui.app import MLAgentApp
    from mlagent_app.tui.link import DeferredBackend

    settings = {SETTINGS[name]: value for name, value in flags.items()}
    path = Path(str(project)) if project is not None else None
    title = "the bundled example" if demo else _short(path or Path())
    app = MLAgentApp(DeferredBackend(lambda: _backend(path, settings, resume, demo)), title)
    app.run()
    return app.return_code or 0


def _backend(path: Path | None, settings: dict[str, object], resume: str, demo: bool) -> Backend:
    """The real backend, in the thread that opens the project. Raises `UserError`."""
    from mlagent_app.session.backend import ProjectBackend, resolve_project

    project = resolve_project(path, resume=resume, demo=demo)
    return ProjectBackend(project, settings, resume=resume, demo=demo, apply=True, confirm_metric=True)


def _positive(kind: type[int] | type[float]) -> Callable[[str], float]:
    """An argparse type: a number above zero."""

    def read(text: str) -> float:
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text} is not above zero")
        return value

    read.__name__ = "number"
    return read


def _short(path: Path) -> str:
    """A path as a person writes it."""
    full, home = os.path.abspath(path), os.path.expanduser("~")
    return "~" + full[len(home) :] if full == home or full.startswith(home + os.sep) else full
