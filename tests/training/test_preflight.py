"""What cannot be made is said before anything is: the tables, memory, tasks, base, endpoint, and arms that cannot be played."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

pytest.importorskip("torch")
pytest.importorskip("trl")

from mlagent_app.agent.errors import Exit, UserError
from tests.training.texts import SIZES
from training import cli, corpus, evaluate, experts, fit, ideas, pipeline, ppo, preflight, sft
from training.recipe import Recipe, checked
from training.stage import Stage

pytestmark = pytest.mark.torch

Refused = Callable[..., tuple[int, str]]


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Refused:
    """Calls the program, which makes nothing; the exit code, and the one line that it says."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["mlagent-train", *words, "--out", "run"])
        with pytest.raises(SystemExit) as left:
            cli.main()
        said = capsys.readouterr().err
        assert [path.name for path in (tmp_path / "run").iterdir()] == [".lock"]
        assert said.startswith("mlagent-train: ") and said.count("\n") == 1
        return cast("int", left.value.code), said

    return call


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["rl.actor=text"], "only the exact actor of the small model has a prior (prior)"),
        (["rl.algorithm=grpo"], "only the exact actor of the small model has a prior (prior)"),
        (["model.adapter=lora"], "a model from scratch is trained whole (model.adapter)"),
        (["model.base=/nowhere/model", "rl.actor=text", "prior={}", "compare.arms=['random']"], "no such directory"),
        (["tasks.only=['spaceship-titanik']"], "no such task: 'spaceship-titanik'"),
        (["eval.tasks=['leaf']"], "no such task: 'leaf'"),
        (["experts.source=endpoint"], "endpoint.url is empty"),
    ],
)
def test_what_does_not_go_together_is_said_before_anything_is_made(changes: list[str], said: str, refused: Refused) -> None:
    code, line = refused("all", "--recipe", "smoke", *(part for change in changes for part in ("--set", change)))
    assert code == Exit.USAGE
    assert said in line


@pytest.mark.parametrize("source", ["ideas", "experts"])
def test_an_endpoint_where_nobody_is_is_said_before_anything_is_made(source: str, refused: Refused) -> None:
    table = ("endpoint.url=http://127.0.0.1:9/v1", "endpoint.model=m", f"{source}.source=endpoint")
    code, line = refused("rl", "--recipe", "smoke", *(part for change in table for part in ("--set", change)))
    assert code == Exit.NO_POLICY
    assert "http://127.0.0.1:9/v1" in line


@pytest.mark.parametrize("command", ["sft", "rl", "eval", "publish", "all"])
def test_what_does_not_fit_is_said_before_anything_is_made(
    command: str, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit, "available", lambda: (1000, "memory"))
    code, line = refused(command, "--recipe", "smoke")
    assert code == Exit.USAGE
    assert "sft needs at least" in line


@pytest.mark.parametrize("arm", ["rl", "sft", "sft-alone"])
def test_a_policy_that_writes_text_is_not_evaluated_and_how_it_is_played_is_said(arm: str, refused: Refused) -> None:
    code, line = refused("eval", "--recipe", "qwen2.5-7b", "--arm", "random", "--arm", arm)
    assert code == Exit.USAGE
    weights = Path("run", "sft" if arm.startswith("sft") else "rl-0", "model").resolve()
    assert f"a policy that writes text is not evaluated here (arm {arm})" in line
    assert f"mlagent tasks run TASK --policy transformers --model {weights}" in line


def test_an_adapter_is_played_on_its_base(tmp_path: Path) -> None:
    recipe = checked({"name": "x", "model": {"base": "some/model", "adapter": "lora"}}, "here")
    how = preflight.how_to_play(recipe, tmp_path, "rl-0")
    assert f"MLAGENT_POLICY_ADAPTER={tmp_path / 'rl-0' / 'model'} mlagent tasks run TASK" in how
    assert "--model some/model" in how


def chain(run: Path, seed: int = 0) -> list[Stage]:
    """Three stages, each reads the one before."""
    recipe = Recipe(name="tiny", seed=seed)
    return [Stage(run, "ideas", recipe, ("tasks",)), Stage(run, "sft", recipe, (), ("ideas",)),
            Stage(run, "eval/rl-0", recipe, (), ("sft",))]  # fmt: skip


def names(stages: list[Stage], *, as_made: bool = False) -> list[str]:
    """Of those that will be made."""
    return [stage.name for stage in preflight.unmade(stages, as_made=as_made)]


def test_what_is_made_is_not_asked_about_and_what_follows_a_change_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = chain(tmp_path)
    assert names(made) == ["ideas", "sft", "eval/rl-0"]
    for stage in made:
        progress = stage.begin()
        (stage.place / "data").write_text("1", "utf-8")
        stage.finish(progress, results={})
    assert names(made) == []
    changed = [Stage(tmp_path, "ideas", checked({"name": "tiny", "tasks": {"variants": 2}}, "here"), ("tasks",)), *made[1:]]
    assert names(changed) == ["ideas", "sft", "eval/rl-0"]
    assert names(changed, as_made=True) == []
    assert names(chain(tmp_path, seed=1), as_made=True) == ["eval/rl-0"]
    monkeypatch.setattr(fit, "available", lambda: (1, "memory"))
    preflight.check(made, as_made=False)


def test_all_makes_what_it_can_of_a_policy_that_writes_text_and_says_how_to_play_it(
    base: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def make(*given: object) -> dict[str, Any]:
        del given
        return {}

    for module in (ideas, experts, corpus, sft, ppo, evaluate):
        monkeypatch.setattr(module, "make", make)
    tables = {"rl": {"actor": "text", "seeds": [4]}, "pool": {"kind": "serial"}, "compare": {"arms": ["sft", "rl"]}}
    recipe = checked({"name": "tiny", "model": {"base": str(base), **SIZES}, **tables}, "here")
    with pipeline.Run(recipe, tmp_path) as run:
        run.all()
    assert all((tmp_path / name / "manifest.json").is_file() for name in ("ideas", "experts", "corpus", "sft", "rl-4"))
    assert not (tmp_path / "eval").exists()
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("all: a policy that writes text is not evaluated here; the app plays it: mlagent tasks run TASK")
    assert str(tmp_path / "rl-4" / "model") in last


def test_an_sft_that_several_arms_start_from_is_taught_as_the_main_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taught: list[str] = []

    def make(*given: object) -> dict[str, Any]:
        taught.extend(name for name in given if isinstance(name, str))
        return {}

    for module in (ideas, experts, corpus, sft, ppo, evaluate):
        monkeypatch.setattr(module, "make", make)
    arms = {"bare": {"start": "scratch", "held_in": 3}, "few": {"held_in": 3}}
    recipe = checked({"name": "tiny", "arms": arms, "pool": {"kind": "serial"}}, "here")
    with pipeline.Run(recipe, tmp_path) as run:
        run.rl("bare")
        assert taught == ["rl", "bare"], "SFT, then RL"
        run.rl("few")
    assert taught == ["rl", "bare", "few", "few"]


@pytest.mark.parametrize(
    ("adapter", "arm", "read"), [("none", "rl", False), ("none", "bare", True), ("lora", "rl", True)], ids=str
)
def test_rl_that_trains_all_weights_needs_no_base(
    adapter: str, arm: str, read: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = {"base": str(tmp_path / "gone"), "adapter": adapter, **SIZES}
    tables = {"rl": {"actor": "text"}, "arms": {"bare": {"start": "scratch"}}}
    recipe = checked({"name": "tiny", "model": model, **tables}, "here")

    def fits(*_: object) -> None: ...

    monkeypatch.setattr(fit, "check", fits)
    stage = Stage(tmp_path, f"{arm}-0", recipe, ("model", "rl"))
    if read:
        with pytest.raises(UserError, match="no such directory"):
            preflight.check([stage], as_made=False)
    else:
        preflight.check([stage], as_made=False)
