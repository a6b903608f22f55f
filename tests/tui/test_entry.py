"""The command line of `mlagent-tui`: one line and an exit code for whatever is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from mlagent_app.tui import entry

PROGRAM = [sys.executable, "-c", "from mlagent_app.tui.entry import main; main()"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--sandbox", "chroot"], "invalid choice: 'chroot'"),
        (["--steps", "0"], "0 is not above zero"),
        (["--steps", "many"], "invalid number value: 'many'"),
        (["--approve", "never"], "invalid choice: 'never'"),
        (["--continue", "--resume", "x"], "not allowed with argument"),
        (["--nonsense"], "unrecognized arguments: --nonsense"),
        (["--demo", "somewhere"], "--demo brings its own project"),
        (["."], "the app needs a terminal"),
    ],
)
def test_what_is_wrong_is_one_line(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        entry.main(arguments)
    said = capsys.readouterr()
    assert ended.value.code == 2
    assert said.err.startswith("mlagent-tui: ") and said.err.count("\n") == 1
    assert words in said.err
    assert said.out == ""


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    for flag, words in (("--help", "--continue"), ("--version", "mlagent-tui 0.")):
        with pytest.raises(SystemExit) as ended:
            entry.main([flag])
        assert ended.value.code == 0
        assert words in capsys.readouterr().out


def test_a_light_start() -> None:
    """The first frame waits for none of these; they take most of the time of a start."""
    heavy = ("git", "docker", "torch", "sklearn", "libcst", "pygments", "pydantic", "typer", "mlagent_app.plan")
    code = f"import sys, mlagent_app.tui.app, mlagent_app.tui.entry; print([name for name in {heavy!r} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_an_empty_project_is_an_error_on_the_screen_and_in_the_exit_code(tmp_path: Path) -> None:
    """The whole way in a real terminal: the real backend, its error, and the code."""
    child: pexpect.spawn[str] = pexpect.spawn(
        PROGRAM[0], [*PROGRAM[1:], str(tmp_path)], dimensions=(24, 80), encoding="utf-8", timeout=30
    )
    child.expect("look again")
    child.send("q")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 2
    assert "Traceback" not in (child.before or "")
