"""Which of several commands of one program is the one that trains: its options and its function say."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlagent_app.repo.commandline import Invocation
from mlagent_app.repo.commands import find_commands
from mlagent_app.repo.purposes import only_evaluates
from tests.repo.mini_projects import EVALUATE, OPTIONAL, SILENT, trained
from tests.repo.test_activation import sources

ARGUMENTS = trained("import argparse", OPTIONAL)
CLI = """from sklearn.svm import SVC


def train():
    print("score", SVC().fit([[0.0], [1.0]], [0, 1]).score([[0.0]], [0]))


def evaluate():
    print("score", 0.5)


def selfcheck():
    print("ok")
"""


def look(root: Path, files: dict[str, str]) -> list[str]:
    return [found.command for found in find_commands(sources(root, files), "python")]


def console(root: Path, guard: str, scripts: str = 'foo-train = "foo.cli:train"', file: str = "foo/cli.py") -> list[str]:
    """The commands of a project with console scripts, whose module ends with `guard`."""
    project = f'[project]\nname = "foo"\n[project.scripts]\n{scripts}\n'
    files = {"foo/__init__.py": "", "pyproject.toml": project, file: f"import sys\n{CLI}{guard}"}
    return look(root, files)


@pytest.mark.parametrize(
    "call", ["train()", "sys.exit(train())", "raise SystemExit(train())", "import sys\n    sys.exit(train())"]
)
def test_a_console_script_is_a_module_where_the_guard_calls_the_same(call: str, tmp_path: Path) -> None:
    assert console(tmp_path, f"if __name__ == '__main__':\n    {call}\n")[0] == "python -m foo.cli"


@pytest.mark.parametrize(
    "guard",
    [
        "if __name__ == '__main__':\n    selfcheck()\n",
        "if __name__ == '__main__':\n    train()\n    evaluate()\n",
        "if __name__ == '__main__':\n    train(1)\n",
        "if __name__ == '__main__':\n    from foo.other import train\n    train()\n",
        "if __name__ == '__main__':\n    pass\nif '__main__' == __name__:\n    selfcheck()\n",
        "",
    ],
)
def test_a_console_script_is_its_function_where_the_guard_does_something_else(guard: str, tmp_path: Path) -> None:
    assert console(tmp_path, guard)[0] == "python -c 'from foo.cli import train; train()'"


def test_a_guard_in_a_package_itself_is_not_what_python_runs(tmp_path: Path) -> None:
    guard = "if __name__ == '__main__':\n    train()\n"
    found = console(tmp_path, guard, 'foo-train = "foo:train"', "foo/__init__.py")
    assert found[0] == "python -c 'from foo import train; train()'"


def test_several_scripts_of_one_module_stay_apart(tmp_path: Path) -> None:
    scripts = 'foo-eval = "foo.cli:evaluate"\nfoo-train = "foo.cli:train"'
    found = console(tmp_path, "if __name__ == '__main__':\n    selfcheck()\n", scripts)
    assert found[:2] == [f"python -c 'from foo.cli import {name}; {name}()'" for name in ("train", "evaluate")]


@pytest.mark.parametrize(
    "options",
    ["--mode test", "--mode=eval", "--phase test --lr 1", "--evaluate --pretrained", "--test-only", "--resume x.pth --eval",
     "--eval x.pth", "mode=predict", "--do_eval", "--only-test data", "--test true"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["main.py", "train.py"])
def test_a_line_that_only_evaluates_is_not_chosen(options: str, name: str, tmp_path: Path) -> None:
    files = {"README.md": f"```\npython {name} {options}\n```\n\n```\npython {name} --lr 0.1\n```\n", name: ARGUMENTS}
    assert look(tmp_path, files)[0] == f"python {name} --lr 0.1"


@pytest.mark.parametrize(
    "options",
    ["--mode train", "--eval-every 10", "--test test.csv", "--do_train --do_eval", "--test-size 0.2", "--eval false",
     "--val data --lr 1", "--train --test", "--task test_a", "mode test"],
)  # fmt: skip
def test_options_of_training_change_nothing(options: str, tmp_path: Path) -> None:
    files = {"README.md": f"```\npython main.py {options}\npython main.py --lr 0.1\n```\n", "main.py": ARGUMENTS}
    assert look(tmp_path, files)[0] == f"python main.py {options}"


def test_the_options_that_train_come_before_those_that_evaluate(tmp_path: Path) -> None:
    text = "```\npython main.py --mode test\npython main.py --mode train\n```\n"
    assert look(tmp_path, {"README.md": text, "main.py": ARGUMENTS})[0] == "python main.py --mode train"
    assert look(tmp_path, {"README.md": text, "app.py": SILENT, "main.py": SILENT})[0] == "python main.py --mode train"


def test_training_and_then_evaluating_is_training(tmp_path: Path) -> None:
    files = {"README.md": "```\npython train.py\npython check.py --mode test\n```\n", "train.py": SILENT, "check.py": EVALUATE}
    assert look(tmp_path, files)[0] == "python train.py && python check.py --mode test"
    assert not only_evaluates([Invocation("train.py", ""), Invocation("check.py", "", ("--eval",))])
    assert not only_evaluates([])


def test_a_training_script_that_only_evaluates_does_not_come_first_in_a_sequence(tmp_path: Path) -> None:
    files = {"README.md": "```\npython train.py --eval\npython evaluate.py\n```\n", "train.py": SILENT, "evaluate.py": EVALUATE}
    found = look(tmp_path, files)
    assert "python train.py --eval && python evaluate.py" not in found and "python train.py && python evaluate.py" in found
