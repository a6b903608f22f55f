"""The general attacks, in a sandbox: none is worth more than a constant, none finds anything. Outside of one they do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlagent_app.verify.attacks import QUICK, Attack, attacks_on, problem_with
from mlagent_app.verify.workshop import Kind, Workshop, workshop
from sandbox.runner import RunnerName, SandboxError
from tasks.building import Drawn, build, write_files
from tasks.constants import best_constant
from tasks.schema import TaskSpec
from tasks.suite import find
from tasks.variant import draw
from tests.tasks.tiny import tiny

ROOT = Path(__file__).resolve().parents[2]
BY_ID = """
import csv
with open("data/test.csv", newline="") as file:
    rows = list(csv.DictReader(file))
with open("submission.csv", "w", newline="") as file:
    csv.writer(file).writerows([["id", "y"], *([row["id"], 2 * float(row["x"])] for row in rows)])
"""


def opened(kind: Kind) -> Iterator[Workshop]:
    try:
        with workshop([kind]) as shop:
            yield shop
    except SandboxError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def bwrap() -> Iterator[Workshop]:
    yield from opened("bwrap")


@pytest.fixture(scope="module")
def docker() -> Iterator[Workshop]:
    yield from opened("docker")


def problems(spec: TaskSpec, shop: Workshop, place: RunnerName, *, quick: bool = False) -> list[str]:
    drawn = build(spec, draw(spec), shop.store)
    tried = [(attack, shop.start(drawn, attack.files, place)) for attack in attacks_on(spec, quick=quick)]
    constant = best_constant(drawn, "dev")
    return [problem for attack, each in tried if (problem := problem_with(attack, each.result(), drawn, constant))]


@pytest.mark.bwrap
def test_every_attack_fails_behind_bubblewrap(bwrap: Workshop, tmp_path: Path) -> None:
    assert problems(tiny(tmp_path), bwrap, "bwrap") == []


@pytest.mark.bwrap
@pytest.mark.slow
def test_every_attack_fails_on_a_task_of_the_suite(bwrap: Workshop) -> None:
    assert problems(find("spaceship-titanic"), bwrap, "bwrap") == []


@pytest.mark.bwrap
def test_every_attack_fails_in_the_fork_server(bwrap: Workshop, tmp_path: Path) -> None:
    assert bwrap.quickest == "fork"
    assert problems(tiny(tmp_path), bwrap, "fork") == []


@pytest.mark.docker
@pytest.mark.slow
def test_every_attack_fails_in_docker(docker: Workshop, tmp_path: Path) -> None:
    assert problems(tiny(tmp_path), docker, "docker") == []


@pytest.mark.bwrap
def test_a_task_with_a_leak_of_its_own_is_found(bwrap: Workshop, tmp_path: Path) -> None:
    found = problems(tiny(tmp_path, attacks__by_id_py=BY_ID), bwrap, "bwrap", quick=True)
    assert len(found) == 1
    assert found[0].startswith("by_id scores ")


def test_what_an_attack_expects_is_read_from_it(tmp_path: Path) -> None:
    known = {attack.name: attack.expected for attack in attacks_on(tiny(tmp_path))}
    assert known["nan_values"] == "refused"
    assert known["huge_values"] == "either"
    assert known["by_id"] == known["copied_sample"] == "constant"
    assert set(QUICK) < set(known)


def outside(attack: Attack, drawn: Drawn, workspace: Path) -> str:
    """What an attack prints when nothing walls it off."""
    write_files(attack.files, workspace)
    (workspace / "data").symlink_to(drawn.data)
    env = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(workspace)}
    done = subprocess.run([sys.executable, "train.py"], cwd=workspace, env=env, capture_output=True, text=True, check=True)
    return done.stdout


def test_without_a_wall_the_generators_are_found(tmp_path: Path) -> None:
    spec = find("spaceship-titanic")
    drawn = build(spec, draw(spec), tmp_path / "store")
    (tmp_path / "work").mkdir()
    attack = next(attack for attack in attacks_on(spec) if attack.name == "regenerate")
    assert "leak: the generators can be read" in outside(attack, drawn, tmp_path / "work")
    hidden = drawn.truth("dev")
    text = (tmp_path / "work" / "submission.csv").read_text("utf-8")
    assert f"{hidden['PassengerId'][0]},{hidden['Transported'][0]}\n" in text.replace("\r", "")
