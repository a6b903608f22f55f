"""Commands that name the project's own environment, which the copy that runs does not have."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlagent_app.repo.activation import leans, opened, without_environment
from mlagent_app.repo.commands import CommandFound, find_commands
from mlagent_app.repo.sources import Sources
from tests.repo.mini_projects import LIBRARY, OPTIONAL, PLAIN, TRAIN, trained

ARGUMENTS = trained("import argparse", OPTIONAL)
SCRIPT = '[project]\nname = "x"\n[project.scripts]\nx-train = "xlib.cli:main"\n'


def sources(root: Path, files: dict[str, str]) -> Sources:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Sources(root, sorted(files))


def look(root: Path, files: dict[str, str]) -> list[CommandFound]:
    return find_commands(sources(root, files), "python")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (".venv/bin/python train.py", "python train.py"),
        ("./venv/bin/python3 -m pkg.train --lr 1", "python3 -m pkg.train --lr 1"),
        ("X=1 env/bin/python3.11 train.py", "X=1 python3.11 train.py"),
        ("cd src && ../.venv/bin/python train.py", "cd src && python train.py"),
        ("$(PWD)/.venv/bin/python train.py", "python train.py"),
        ("make train PYTHON=.venv/bin/python", "make train PYTHON=python"),
        (".venv/bin/torchrun train.py", "torchrun train.py"),
        (". .venv/bin/activate && python train.py", "python train.py"),
        ("source ./venv/bin/activate; python train.py 2>&1 | tee log.txt; deactivate", "python train.py 2>&1 | tee log.txt"),
        ("cd a && source ../.venv/bin/activate && python b.py", "cd a && python b.py"),
        ("conda activate ml && python train.py", "python train.py"),
        ("source $(conda info --base)/etc/profile.d/conda.sh && conda activate ml && python a.py", "python a.py"),
    ],
)
def test_an_environment_of_the_project_is_taken_out_of_a_command(command: str, expected: str) -> None:
    assert without_environment(command) == expected


@pytest.mark.parametrize(
    "command",
    [
        "/opt/venv/bin/python train.py",
        "~/ml/bin/python train.py",
        "source /opt/venv/bin/activate && python train.py",
        "python train.py --out env/models",
        "tools/bin/fit --now",
        "test -x .venv/bin/python || .venv/bin/python x.py",
        "python deactivate.py",
    ],
)
def test_other_commands_stay_as_they_are(command: str) -> None:
    assert without_environment(command) == command


def test_a_program_of_the_project_itself_stays() -> None:
    assert without_environment("env/bin/fit x", {"env/bin/fit"}) == "env/bin/fit x"


# One program, and two steps, in files of these names.
GO = {"go.py": ARGUMENTS}
STEPS = {"a.py": LIBRARY + "load()\n", "fit.py": PLAIN}
PACKAGE = {"pyproject.toml": SCRIPT, "xlib/__init__.py": "", "xlib/cli.py": ARGUMENTS}
ALONE, BOTH = "python go.py --lr 1", "python a.py && python fit.py"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({"Makefile": "PY := .venv/bin/python\ntrain:\n\t$(PY) go.py --lr 1\n", **GO}, ALONE, id="make variable"),
        pytest.param({"Makefile": "t:\n\t. .venv/bin/activate && python go.py --lr 1\n", **GO}, ALONE, id="make activates"),
        pytest.param({"Makefile": "t:\n\t. venv/bin/activate\n\tpython go.py --lr 1\n", **GO}, ALONE, id="make, own line"),
        pytest.param(
            {"Makefile": "B=$(CURDIR)/.venv/bin\nt:\n\t$(B)/python a.py\n\t$(B)/python fit.py\n", **STEPS},
            BOTH,
            id="make, two lines",
        ),
        pytest.param(
            {"Makefile": "P=venv/bin/python\ndata: venv\n\t$(P) a.py\ntrain: data\n\t$(P) fit.py\n", **STEPS},
            BOTH,
            id="make steps",
        ),
        pytest.param(
            {
                "AGENTS.md": "Train: `make fit`\n",
                "Makefile": "fit:\n\t.venv/bin/python a.py\n\t.venv/bin/python fit.py\n",
                **STEPS,
            },
            BOTH,
            id="a target that AGENTS.md names",
        ),
        pytest.param(
            {
                "run.sh": '#!/bin/bash\nset -e\ncd "$(dirname "$0")"\nsource .venv/bin/activate\npip install -r r.txt\n'
                'python go.py --lr 1 "$@"\n',
                **GO,
            },
            ALONE,
            id="shell script",
        ),
        pytest.param(
            {"scripts/train.sh": 'cd "$(dirname "$0")/.."\n.venv/bin/python go.py \\\n  --lr 1\n', **GO},
            ALONE,
            id="script below",
        ),
        pytest.param(
            {"Makefile": "PY=.venv/bin/python\nt: venv\n\t$(PY) go.py --lr 1 $(ARGS)\n", **GO}, ALONE, id="make, no arguments"
        ),
        pytest.param(
            {"Makefile": "t:\n\tmkdir -p out\n\t.venv/bin/python go.py 2>&1 | tee out/log\n", **GO},
            "mkdir -p out && python go.py 2>&1 | tee out/log",
            id="make with a pipe",
        ),
        pytest.param({"README.md": "```\n$ .venv/bin/python go.py --lr 1\n```\n", **GO}, ALONE, id="readme path"),
        pytest.param(
            {"README.md": "```\n$ . .venv/bin/activate && python go.py --lr 1\n```\n", **GO}, ALONE, id="readme activates"
        ),
        pytest.param(
            {"AGENTS.md": "```\n.venv/bin/x-train --lr 1\n```\n", **PACKAGE}, "python -m xlib.cli --lr 1", id="console script"
        ),
    ],
)
def test_the_command_runs_without_the_environment(files: dict[str, str], expected: str, tmp_path: Path) -> None:
    commands = [found.command for found in look(tmp_path, files)]
    assert commands[0] == expected
    assert not any("venv" in command or "activate" in command for command in commands)


@pytest.mark.parametrize(
    "files",
    [
        {"Makefile": "train:\n\tfor s in 1 2; do echo $$s; done\n\t.venv/bin/python go.py --lr 1\n"},
        {"Makefile": "P=.venv/bin/python\ntrain:\n\t$(P) go.py --lr $$(cat lr)\n"},
        {"train.sh": "for s in 1 2; do\n.venv/bin/python go.py\ndone\n"},
    ],
    ids=["a loop in a recipe", "a command inside a command", "a loop in a script"],
)
def test_what_cannot_be_opened_ranks_below_a_plain_script(files: dict[str, str], tmp_path: Path) -> None:
    found = look(tmp_path, {**files, "go.py": ARGUMENTS, "lr": "1\n", "other.py": PLAIN})
    last = found[-1]
    assert (
        found[0].command in ("python go.py", "python other.py")
        and last.command in ("make train", "bash train.sh")
        and "own environment" in last.why
    )


def test_a_script_that_copes_without_an_environment_stays(tmp_path: Path) -> None:
    text = "if [ -d .venv ]; then\n  source .venv/bin/activate\nfi\npython fit.py\n"
    found = sources(tmp_path, {"run.sh": text, "soft.sh": "source .venv/bin/activate\npython fit.py\n", "fit.py": TRAIN})
    assert not leans("bash run.sh", found) and not leans("./soft.sh", found)
    strict = sources(tmp_path / "b", {"a.sh": "source .venv/bin/activate || exit 1\npython fit.py\n", "fit.py": TRAIN})
    assert leans("bash a.sh", strict) and opened("bash a.sh", strict) == "python fit.py"
    assert not leans("make gone", found) and opened("make gone", found) == ""


def test_targets_that_need_each_other_are_not_followed_for_ever(tmp_path: Path) -> None:
    found = sources(tmp_path, {"Makefile": "a: b\n\tpython x.py\nb: a\n\tpython x.py\n", "x.py": PLAIN})
    assert not leans("make a", found) and opened("make a", found) == ""
