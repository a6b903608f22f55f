"""`mlagent run` with a model behind an endpoint, over a real socket: free edits of a real project, a session in the paper's
format, and what is said when something is missing.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any, cast

import pytest

from mlagent_app.agent.actions import (
    Action,
    EditScript,
    ExecuteScript,
    FinalAnswer,
    InspectScriptLines,
    ListFiles,
    Reasoning,
    UnderstandFile,
    format_answer,
)
from mlagent_app.bundled import copy_example
from tests.chat.server import Answer, Server, said, serving
from tests.cli.program import command, environment, mlagent, one_line
from tests.session.project import fingerprint, git, make_project

KEY = "sk-a-very-secret-key-0123456789"


def replacing(old: str, new: str) -> str:
    return f"<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n"


SHIFTED = '''\
def shifted(pictures, labels):
    """The pictures, and each of them moved by one pixel in four directions."""
    grid = pictures.reshape(-1, 8, 8)
    moved = [np.roll(grid, by, axis).reshape(-1, 64) for axis in (1, 2) for by in (-1, 1)]
    return np.concatenate([pictures, *moved]), np.tile(labels, 5)


def main():'''
# What an expert would try, none of it an instruction of the catalogue; each applies whatever became of those before it.
SVM = "    return make_pipeline(PCA(n_components=30, random_state=SEED), SVC(C=5.0))"
PIPELINE, PIPELINE_LINE = "from sklearn.pipeline import make_pipeline", "    return make_pipeline("
HELD_OUT = '    print(f"{len(X_train)} pictures to train on, {len(X_valid)} held out")'
EDITS = (
    replacing("N_COMPONENTS = 6", "N_COMPONENTS = 20  # 6 lose too much of the strokes"),
    replacing("MAX_DEPTH = 6", "MAX_DEPTH = None\nMIN_LEAF = 1")
    + replacing("            min_samples_leaf=5,", "            min_samples_leaf=MIN_LEAF,"),
    replacing(PIPELINE, f"{PIPELINE}\nfrom sklearn.svm import SVC") + replacing(PIPELINE_LINE, f"{SVM}\n{PIPELINE_LINE}"),
    replacing("def main():", SHIFTED)
    + replacing("    model.fit(X_train, y_train)", "    model.fit(*shifted(X_train, y_train))")
    + replacing("from sklearn.decomposition import PCA", "import numpy as np\nfrom sklearn.decomposition import PCA"),
    replacing(HELD_OUT, f'{HELD_OUT}\n    print("the last try")'),
)


def answers(*actions: Action, thought: str = "This may help.") -> list[Answer]:
    return [said(format_answer(action, Reasoning(plan=f"step {at}", thought=thought))) for at, action in enumerate(actions, 1)]


def result(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    return cast("dict[str, Any]", json.loads(done.stdout))


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy stands between a program and a server of this machine."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "parabola")


@pytest.mark.bwrap
@pytest.mark.slow
def test_an_expert_improves_the_example_by_free_edits(tmp_path: Path) -> None:
    project = copy_example("digits", tmp_path / "digits")
    before = fingerprint(project)
    with serving(answers(*(EditScript("train.py", patch=patch) for patch in EDITS))) as server:
        arguments = ("--policy", "openai", "--endpoint", server.url, "--model", "expert", "--sandbox", "bwrap")
        done = mlagent("run", project, *arguments, "--steps", "5", "--format", "json", timeout=1800)
    told = result(done)
    assert (told["policy"], told["sandbox"]) == ("openai:expert", "bwrap")
    steps = told["steps"]
    assert [(step["action"], step["file"], step["outcome"]) for step in steps] == [("Edit Script", "train.py", "ok")] * 5
    decisions = [step["decision"] for step in steps]
    assert (decisions[2], decisions[4]) == ("accept", "refuse"), "a better model is kept, a line that changes nothing is not"
    assert told["best"]["value"] > 0.95 > told["baseline"]["value"]
    assert fingerprint(project) == before
    files = server.asked(3).partition("--- begin of train.py")[2].partition("--- end of train.py")[0]
    assert SVM in files, "the policy sees the files as they stand"
    assert "This may help." in done.stderr and "100 read, 20 written" in done.stderr


def test_a_session_in_the_papers_format(project: Path) -> None:
    script = (
        ListFiles("."),
        UnderstandFile("train.py", "the learning rate"),
        InspectScriptLines("train.py", 3, 5),
        EditScript("train.py", patch=replacing("LEARNING_RATE = 0.02", "LEARNING_RATE = 0.1")),
        ExecuteScript("train.py"),
        FinalAnswer("The learning rate was too low."),
    )
    with serving(answers(*script)) as server:
        arguments = ("--policy", "openai", "--endpoint", server.url, "--model", "m", "--sandbox", "local")
        done = mlagent("run", project, *arguments, "--steps", "3", "--format", "events")
    assert done.returncode == 0, done.stderr
    events = [cast("dict[str, Any]", json.loads(line)) for line in done.stdout.splitlines()]
    proposed = [event for event in events if event["type"] == "ActionProposed"]
    assert [event["action"] for event in proposed] == [action.NAME for action in script]
    assert events[-1]["type"] == "SessionEnded" and events[-1]["reason"] == "final_answer"
    assert [event["case"] for event in events if event["type"] == "Rewarded"] == ["no_edit"] * 3 + ["edit"] + ["no_edit"] * 2
    assert (proposed[0]["prompt_tokens"], proposed[0]["completion_tokens"]) == (100, 20)
    assert "Thought: This may help." in proposed[0]["reply"]
    assert "Observation: README.md\nnotes.txt\ntrain.py" in server.asked(1)
    assert "LEARNING_RATE = 0.02" in server.asked(3) and "Lines 3 to 5 of" in server.asked(3)
    assert ["Steps left: 3." in server.asked(at) for at in range(6)] == [True] * 4 + [False] * 2, "looking is free"


def test_a_policy_that_never_makes_sense_uses_its_steps_up(project: Path) -> None:
    with serving([said("I would rather not.")]) as server:
        arguments = ("--policy", "openai", "--endpoint", server.url, "--model", "m", "--sandbox", "local")
        told = result(mlagent("run", project, *arguments, "--steps", "3", "--format", "json"))
    assert [(step["outcome"], step["decision"]) for step in told["steps"]] == [("invalid", "refuse")] * 3
    assert "no 'Action:' line; expected one of List Files" in server.asked(1)


def test_a_policy_that_only_looks_ends_too(project: Path) -> None:
    with serving(answers(ListFiles("."))) as server:
        arguments = ("--policy", "openai", "--endpoint", server.url, "--model", "m", "--sandbox", "local")
        told = result(mlagent("run", project, *arguments, "--steps", "2", "--format", "json"))
    assert [step["decision"] for step in told["steps"]] == ["skip"] * 4, "two looks are free, and two are not"


def test_control_c_while_the_policy_writes(project: Path) -> None:
    with serving([said("word " * 20, ending="silent")]) as server:
        arguments = ("run", project, "--policy", "openai", "--endpoint", server.url, "--model", "m", "--sandbox", "local")
        process = subprocess.Popen(
            command("mlagent", *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
        )
        assert server.spoke.wait(300)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=300) == 130
        assert server.left.acquire(timeout=60)


def missing(project: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("mlagent", "run", project, "--policy", "openai", "--sandbox", "local", *arguments),
        capture_output=True,
        text=True,
        check=False,
        env={key: value for key, value in environment().items() if key != "OPENAI_API_KEY"} | variables,
    )


def test_what_is_missing_or_refused_is_one_line_before_anything_runs(project: Path) -> None:
    with serving([said("x")], key=KEY) as server:
        cases = {
            (): (2, "--endpoint URL"),
            ("--endpoint", "ollama"): (2, "--model NAME"),
            ("--endpoint", "olama", "--model", "m"): (2, "did you mean 'ollama'?"),
            ("--endpoint", "openai", "--model", "m"): (2, "export OPENAI_API_KEY=..."),
            ("--endpoint", server.url, "--model", "m"): (4, "policy.api_key_env"),
            ("--endpoint", "http://127.0.0.1:9/v1", "--model", "m"): (4, "cannot be reached"),
        }
        for arguments, (code, words) in cases.items():
            done = missing(project, *arguments)
            assert (done.returncode, done.stderr.count("\n")) == (code, 1), (arguments, done.stderr)
            assert words in one_line(done)
        wrong = missing(
            project, "--endpoint", server.url, "--model", "m", MLAGENT_POLICY_API_KEY_ENV="MY_KEY", MY_KEY="sk-wrong-0123456789"
        )
    assert wrong.returncode == 4 and "put a valid key into MY_KEY" in one_line(wrong)
    assert "sk-wrong" not in wrong.stdout + wrong.stderr
    assert server.seen == [] and git(project, "status", "--porcelain") == " M README.md\n?? notes.txt\n"


def test_the_key_is_in_no_file_of_the_session(project: Path, isolated: Path) -> None:
    (project / "mlagent.toml").write_text('[policy]\nkind = "openai"\nmodel = "m"\napi_key_env = "MY_KEY"\n')
    server: Server
    with serving(answers(FinalAnswer("done")), key=KEY) as server:
        done = subprocess.run(
            command("mlagent", "run", project, "--endpoint", server.url, "--sandbox", "local"),
            capture_output=True,
            text=True,
            check=False,
            env=environment() | {"MY_KEY": KEY},
        )
    assert done.returncode == 0, done.stderr
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    kept = [path for path in (isolated / "state").rglob("*") if path.is_file()]
    assert kept and not any(KEY.encode() in path.read_bytes() for path in kept)
    assert KEY not in done.stdout + done.stderr and os.environ.get("MY_KEY") is None
