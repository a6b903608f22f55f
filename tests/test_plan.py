"""The plan: what a session is told about a project, and what is refused before it starts."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.agent.metrics import MetricSpec
from mlagent_app.config import load, write_toml
from mlagent_app.plan import Plan, PlanLimits, prepare
from tests.repo.mini_projects import MODEL, TRAIN, trained


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings and no active environment of the person who runs the tests."""
    for name in list(os.environ):
        if name.startswith("MLAGENT_") or name in ("VIRTUAL_ENV", "CONDA_PREFIX", "PYENV_ROOT"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "project"
    path.mkdir()
    return path


def plan_of(root: Path, files: dict[str, str], **flags: object) -> Plan:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return prepare(root, sorted(files), {key.replace("__", "."): value for key, value in flags.items()})


def refusal(root: Path, files: dict[str, str], **flags: object) -> str:
    with pytest.raises(UserError) as error:
        plan_of(root, files, **flags)
    assert error.value.code == Exit.USAGE and "\n" not in error.value.line()
    return error.value.line()


def test_a_plain_project_is_planned_with_the_defaults(root: Path) -> None:
    plan = plan_of(root, {"train.py": TRAIN, "AGENTS.md": "Keep it simple.\n"})
    assert (plan.command, plan.command_source, plan.project) == ("python train.py", "train.py", root)
    assert plan.python == Path(sys.executable) and "app's own" in plan.python_source
    assert plan.metric is None and plan.metric_direction is None and plan.metric_target is None
    assert (plan.steps, plan.minutes, plan.approve, plan.policy, plan.sandbox) == (10, None, "run", "embedded", "auto")
    assert plan.limits == PlanLimits(600.0, 4096, float(min(os.cpu_count() or 1, 4)), 256, 16, 10240, 0)
    assert plan.notes == "Keep it simple." and plan.command_candidates[0] == ("python train.py", "train.py")
    assert not plan.apply and not plan.demo and plan.commit and not plan.network


def test_settings_win_over_what_is_detected(root: Path) -> None:
    text = '[project]\ncommand = "python other.py --fast"\nprotected = ["gold/*"]\n'
    text += '[limits]\nminutes_per_run = 0.5\nmemory = "1g"\n'
    text += '[metric]\nname = "val f1"\ntarget = 0.9\n[session]\nreward = "v2"\ncommit = false\n'
    plan = plan_of(root, {"train.py": TRAIN, "other.py": TRAIN, "mlagent.toml": text})
    assert (plan.command, plan.command_source) == ("python other.py --fast", "mlagent.toml")
    assert plan.metric == MetricSpec("val f1", "max", target=0.9) and plan.metric_source == "mlagent.toml"
    assert plan.protected == ("gold/*",) and (plan.limits.seconds, plan.limits.memory_mb) == (30.0, 1024)
    assert plan.reward == "v2" and not plan.commit and plan.sources["limits.memory"] == "mlagent.toml"
    flagged = plan_of(root, {"train.py": TRAIN}, project__command="python train.py", session__steps=3, metric__name="rmse")
    assert (flagged.command, flagged.command_source, flagged.steps) == ("python train.py", "given with --command", 3)
    assert flagged.metric == MetricSpec("rmse", "min", target=0.9)


def test_a_target_and_a_direction_are_kept_for_a_metric_that_is_still_to_be_found(root: Path) -> None:
    plan = plan_of(root, {"train.py": TRAIN}, metric__target=0.97, metric__direction="max")
    assert (plan.metric, plan.metric_target, plan.metric_direction) == (None, 0.97, "max")


def test_a_metric_in_a_file_may_be_named_by_its_key(root: Path) -> None:
    plan = plan_of(root, {"train.py": TRAIN}, metric__source="file:out/metrics.json", metric__pattern="val.rmse")
    assert plan.metric == MetricSpec("rmse", "min", "file:out/metrics.json", "val.rmse")


def test_the_project_s_python_is_chosen(root: Path) -> None:
    python = root / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (root / ".venv" / "pyvenv.cfg").write_text("")
    assert plan_of(root, {"train.py": TRAIN}).python == python
    chosen = plan_of(root, {"train.py": TRAIN}, sandbox__python=sys.executable)
    assert chosen.python == Path(sys.executable) and chosen.python_source == "flag"


def test_a_src_layout_runs_the_copy_and_not_an_installed_original(root: Path) -> None:
    files = {"src/p/__init__.py": "", "src/p/train.py": trained("from .model import build"), "src/p/model.py": MODEL}
    assert plan_of(root, files).command == "PYTHONPATH=src python -m p.train"
    given = plan_of(root, files, project__command="python -m p.train --lr 1")
    assert given.command == "PYTHONPATH=src python -m p.train --lr 1"
    own = plan_of(root, files, project__command="PYTHONPATH=lib python -m p.train")
    assert own.command == "PYTHONPATH=lib python -m p.train"


def test_a_plan_survives_json(root: Path) -> None:
    plan = plan_of(
        root, {"train.py": TRAIN, "AGENTS.md": "é"}, metric__name="loss", session__minutes=3.5, project__editable="a,b"
    )
    again = Plan.from_json(json.loads(json.dumps(plan.to_json())))
    assert again == plan and isinstance(again.project, Path) and again.editable == ("a", "b")
    with pytest.raises(UserError, match="plan"):
        Plan.from_json({"project": "/x"})
    with pytest.raises(UserError, match="plan"):
        Plan.from_json({**plan.to_json(), "unknown": 1})


def test_the_written_configuration_gives_the_same_plan(root: Path) -> None:
    files = {"src/p/__init__.py": "", "src/p/train.py": trained("from .model import build"), "src/p/model.py": MODEL}
    plan = plan_of(root, files)
    (root / "mlagent.toml").write_text(write_toml(plan))
    assert load(root, {})[0].project.command == plan.command
    again = plan_of(root, files)
    assert (again.command, again.python, again.metric) == (plan.command, plan.python, plan.metric)


@pytest.mark.parametrize(
    ("files", "parts"),
    [
        ({}, ["empty"]),
        ({"README.md": "# x\n", "data.csv": "a,b\n"}, ["no Python"]),
        ({"model.ipynb": "{}", "README.md": "x"}, ["only notebooks", "model.ipynb", "nbconvert"]),
        ({"lib.py": "def f():\n    return 1\n"}, ["no command", "Makefile", "README", "--command", "mlagent.toml"]),
    ],
    ids=["empty", "no Python", "notebooks", "library"],
)
def test_a_project_that_cannot_be_run_is_refused_in_one_line(root: Path, files: dict[str, str], parts: list[str]) -> None:
    line = refusal(root, files)
    for part in [*parts, str(root)]:
        assert part in line


def test_a_command_makes_up_for_what_is_not_detected(root: Path) -> None:
    assert plan_of(root, {"lib.py": MODEL}, project__command="./compiled --train").command == "./compiled --train"
    assert plan_of(root, {"a.R": "1"}, project__command="Rscript a.R").command == "Rscript a.R"


@pytest.mark.parametrize(
    ("flags", "parts"),
    [
        ({"sandbox__python": "gone/bin/python"}, ["gone/bin/python", "sandbox"]),
        ({"sandbox__dockerfile": "Dockerfile"}, ["Dockerfile", "does not exist"]),
        ({"sandbox__requirements": "requirements.txt"}, ["requirements.txt", "does not exist"]),
        ({"metric__name": "zorp"}, ["'zorp'", "direction"]),
        ({"metric__pick": "best"}, ["metric.pick", "metric.name"]),
        ({"metric__source": "file:m.json"}, ["metric.source", "metric.name"]),
        ({"metric__name": "acc", "metric__pattern": "(a"}, ["metric.pattern", "regular expression"]),
        ({"session__steps": "x"}, ["session.steps"]),
    ],
    ids=["python", "dockerfile", "requirements", "direction", "pick", "source", "pattern", "type"],
)
def test_settings_of_no_use_are_refused_in_one_line(root: Path, flags: dict[str, object], parts: list[str]) -> None:
    line = refusal(root, {"train.py": TRAIN}, **flags)
    for part in parts:
        assert part in line


def test_preparing_changes_nothing_in_the_project(root: Path) -> None:
    files = {"train.py": "open('touched', 'w')\n" + TRAIN, "Makefile": "train:\n\ttouch touched\n\tpython train.py\n"}
    plan_of(root, files)
    assert sorted(path.name for path in root.iterdir()) == ["Makefile", "train.py"]
