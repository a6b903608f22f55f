"""`mlagent-train` from outside: help, the plan of a dry run, and mistakes in one line each."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from mlagent_app.agent.errors import Exit
from training import cli
from training.recipe import checked, load, names

STAGES = ("ideas", "experts", "sft", "rl", "eval", "publish", "all")
Train = Callable[..., tuple[int, str, str]]


@pytest.fixture
def train(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Train:
    """Calls the program in an empty directory; the exit code, and what it said on stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mlagent-train", *words])
        with pytest.raises(SystemExit) as left:
            cli.main()
        assert isinstance(left.value.code, int)
        told = capsys.readouterr()
        return int(left.value.code), told.out, told.err

    return call


def test_help_names_the_stages(train: Train) -> None:
    code, out, err = train("--help")
    assert (code, err) == (Exit.OK, "")
    assert all(stage in out for stage in (*STAGES, "results"))


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_has_help(stage: str, train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    code, out, err = train(stage, "--help")
    assert (code, err) == (Exit.OK, "")
    assert all(option in out for option in ("--recipe", "--out", "--set", "--dry-run"))


@pytest.mark.torch
@pytest.mark.parametrize("name", names())
def test_a_dry_run_prints_the_recipe_and_makes_nothing(name: str, train: Train, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    code, out, err = train("all", "--recipe", name, "--dry-run", "--set", "rl.updates=3", "--set", "tasks.variants=1")
    assert (code, err) == (Exit.OK, "")
    wanted = load(name, ["rl.updates=3", "tasks.variants=1"])
    assert checked(tomllib.loads(out), "what was printed") == wanted
    (tmp_path / "printed.toml").write_text(out, "utf-8")
    assert load(str(tmp_path / "printed.toml")) == wanted
    comments = [line for line in out.splitlines() if line.startswith("# ")]
    assert comments[0] == f"# run directory: {cli.HOME}/{name}"
    assert any("3 updates" in line for line in comments)
    assert any("parameters" in line for line in comments)
    assert comments[-1] == "# made before in this directory: nothing"
    assert [path.name for path in tmp_path.iterdir()] == ["printed.toml"]


@pytest.mark.torch
def test_a_plan_for_other_gpus_has_parts_and_hours_and_refuses_what_does_not_fit(train: Train) -> None:
    pytest.importorskip("torch")
    code, out, err = train("all", "--recipe", "qwen2.5-7b", "--dry-run", "--device", "a100-80g:8")
    assert (code, err) == (Exit.OK, "")
    assert all(part in out for part in ("# optimizer ", "# activations ", "# critic ", "# needed ", "FLOPs", "8 x NVIDIA A100"))
    code, out, err = train("sft", "--recipe", "qwen2.5-7b", "--dry-run", "--device", "h200")
    assert code == Exit.USAGE
    assert "# needed " in out
    assert err.startswith("mlagent-train: sft needs ") and "qwen2.5-7b-lora" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("all", "--recipe", "nanno"), "there is no recipe 'nanno' - did you mean nano?"),
        (("ideas", "--recipe", "nowhere.toml"), "there is no such recipe"),
        (("rl", "--set", "rl.updats=3"), "unknown recipe key 'rl.updats'"),
        (("rl", "--set", "rl.updates=0"), "recipe key rl.updates"),
        (("rl", "--set", "arms.mine.held=3"), "unknown recipe key 'arms.mine.held'"),
        (("rl", "--mode", "sideways"), "recipe key rl.mode"),
        (("experts", "--pool", "cloud"), "recipe key pool.kind"),
        (("sft", "--set", "nothing"), "changes nothing"),
        (("rl", "--from-sessions", "lessons", "--seed", "3"), "--seed says nothing for --from-sessions"),
        (("rl", "--recipe", "smoke", "--device", "h200"), "--device is what --dry-run plans for"),
        (("rl", "--from-sessions", "lessons", "--mode", "episode"), "--mode says nothing for --from-sessions"),
        (("sft", "--from-sessions", "lessons", "--arm", "greedy"), "--arm says nothing for --from-sessions"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(words: tuple[str, ...], said: str, train: Train) -> None:
    code, out, err = train(*words)
    assert code == Exit.USAGE
    assert out == ""
    assert err.startswith("mlagent-train: ")
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.torch
@pytest.mark.parametrize(
    "words", [("sft", "--arm", "mime"), ("rl", "--arm", "mime"), ("eval", "--arm", "sft", "--arm", "mime")]
)
def test_an_arm_that_is_not_there_is_said_before_anything_is_made(words: tuple[str, ...], train: Train, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    code, _, err = train(*words, "--recipe", "smoke", "--out", "run")
    assert code == Exit.USAGE
    assert err.startswith("mlagent-train: there is no arm 'mime'")
    assert err.count("\n") == 1
    assert [path.name for path in (tmp_path / "run").iterdir()] == [".lock"]


@pytest.mark.torch
def test_a_dry_run_plans_for_what_was_asked(train: Train) -> None:
    pytest.importorskip("torch")
    code, out, _ = train("rl", "--recipe", "nano", "--dry-run", "--arm", "episode", "--seed", "4", "--seed", "5")
    planned = tomllib.loads(out)
    assert (code, planned["rl"]["mode"], planned["rl"]["seeds"]) == (Exit.OK, "episode", [4, 5])
    code, out, _ = train("eval", "--recipe", "nano", "--dry-run", "--arm", "random")
    assert (code, tomllib.loads(out)["compare"]["arms"]) == (Exit.OK, ["random"])
    for words in (("rl", "--arm", "mime"), ("eval", "--arm", "mime")):
        code, out, err = train(*words, "--recipe", "nano", "--dry-run")
        assert (code, out) == (Exit.USAGE, "") and err.startswith("mlagent-train: there is no arm 'mime'")


@pytest.mark.torch
@pytest.mark.parametrize("words", [("publish",), ("all", "--into", "weights")])
def test_what_the_package_cannot_hold_is_said_before_anything_is_made(
    words: tuple[str, ...], train: Train, tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    code, _, err = train(*words, "--recipe", "qwen2.5-7b", "--out", "run")
    assert code == Exit.USAGE
    assert "the package holds only models from scratch, and this one is trained from Qwen/Qwen2.5-7B" in err
    assert not list((tmp_path / "run").glob("*/manifest.json"))


@pytest.mark.torch
def test_a_misspelt_task_is_said_before_anything_is_made(train: Train, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    code, _, err = train("experts", "--recipe", "smoke", "--out", "run", "--set", "tasks.only=['spaceship-titanik']")
    assert code == Exit.USAGE
    assert "no such task: 'spaceship-titanik' (tasks.only of the recipe) - did you mean 'spaceship-titanic'?" in err
    assert not list((tmp_path / "run").glob("*/manifest.json"))


def test_outcomes_that_are_not_there_are_named(train: Train) -> None:
    pytest.importorskip("torch")
    code, out, err = train("results", "nowhere")
    assert (code, out) == (Exit.USAGE, "")
    assert err.startswith("mlagent-train: the outcomes cannot be read") and "nowhere" in err


@pytest.mark.parametrize("words", [("--wrong",), ("rl", "--seed", "x"), ("dance",)])
def test_wrong_usage_has_exit_code_2(words: tuple[str, ...], train: Train) -> None:
    code, out, err = train(*words)
    assert (code, out) == (Exit.USAGE, "")
    assert "Traceback" not in err


def test_as_a_program_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "training.cli", "rl", "--recipe", "nanno"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (Exit.USAGE, "")
    assert done.stderr == "mlagent-train: there is no recipe 'nanno' - did you mean nano?\n"
