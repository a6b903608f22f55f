"""`mlagent` as a person uses it: real processes, real exit codes, real output."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mlagent_app.agent.errors import UserError
from mlagent_app.agent.events import BaselineMeasured, SessionEnded
from mlagent_app.journal import read
from mlagent_app.session import store
from tests.cli.program import command, environment, mlagent, one_line
from tests.projects import awkward
from tests.session.project import TRAIN, fingerprint, git, make_project

KEYS = {"project", "session", "policy", "sandbox", "command", "metric", "baseline", "best", "steps", "applied", "seconds"}
STEP_KEYS = {"index", "action", "instruction", "file", "outcome", "value", "reward", "seconds", "decision", "commit"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "parabola")


def test_json_is_exactly_one_object(project: Path) -> None:
    before = fingerprint(project)
    done = mlagent("run", project, "--steps", "3", "--sandbox", "local", "--format", "json", "--seed", "1")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert set(result) >= KEYS
    assert [set(step) >= STEP_KEYS for step in result["steps"]] == [True] * 3
    assert result["sandbox"] == "local"
    assert result["baseline"]["runs"] == 3
    assert result["best"]["value"] >= result["baseline"]["value"]
    assert not result["applied"]
    assert fingerprint(project) == before


def test_events_are_one_json_object_a_line(project: Path) -> None:
    done = mlagent("run", project, "--steps", "1", "--sandbox", "local", "--format", "events")
    kinds = [json.loads(line)["type"] for line in done.stdout.splitlines()]
    assert kinds[0] == "SessionStarted"
    assert kinds[-1] == "SessionEnded"
    assert {"SnapshotTaken", "MetricChosen", "BaselineMeasured", "ActionProposed", "Rewarded", "Decided"} <= set(kinds)


def test_apply_then_revert_from_the_command_line(project: Path) -> None:
    done = mlagent("run", project, "--steps", "6", "--sandbox", "local", "--apply", "--format", "json", "--policy", "random")
    result = json.loads(done.stdout)
    kept = [step["index"] for step in result["steps"] if step["decision"] == "accept"]
    assert kept and result["applied"]
    assert git(project, "log", "--format=%s").count("\n") == 1 + len(kept)
    undone = mlagent("revert", "latest", str(kept[-1]), cwd=project)
    assert undone.returncode == 0, undone.stderr
    assert git(project, "log", "--format=%s").count("\n") == 2 + len(kept)
    if len(kept) == 1:
        assert (project / "train.py").read_text() == TRAIN
    assert git(project, "status", "--porcelain") == " M README.md\n?? notes.txt\n"


def test_a_step_that_no_longer_fits_shows_the_conflict(project: Path) -> None:
    done = mlagent("run", project, "--steps", "6", "--sandbox", "local", "--format", "json", "--policy", "random")
    first = next(step for step in json.loads(done.stdout)["steps"] if step["decision"] == "accept")
    text = (project / "train.py").read_text()
    for line in text.splitlines():
        if line[:1].isupper() and "=" in line:
            text = text.replace(line, f"{line} + 0")
    (project / "train.py").write_text(text)
    before = fingerprint(project)
    failed = mlagent("apply", "latest", cwd=project)
    assert failed.returncode == 2 and f"step {first['index']} is kept in the session but not in the project" in one_line(failed)
    assert "<<<<<<< your project" in failed.stderr and ">>>>>>> the step" in failed.stderr
    assert fingerprint(project) == before
    (project / "train.py").write_text(TRAIN)
    landed = mlagent("apply", "latest", cwd=project)
    assert landed.stdout.splitlines()[-1].endswith(f" landed in {project}")


def test_sessions_are_listed_shown_exported_reported_and_deleted(project: Path, tmp_path: Path) -> None:
    mlagent("run", project, "--steps", "2", "--sandbox", "local")
    session = store.latest(project).id
    assert session in mlagent("sessions", "list").stdout
    assert "validation accuracy" in mlagent("sessions", "show", session).stdout
    exported = mlagent("sessions", "export", session, "-o", tmp_path / "out")
    assert exported.returncode == 0, exported.stderr
    lines = (tmp_path / "out" / f"{session}.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["type"] == "SessionStarted"
    report = mlagent("report", session, "-o", tmp_path / "report")
    assert report.returncode == 0, report.stderr
    page = (tmp_path / "report" / "report.html").read_text()
    assert "<svg" in page and "http://" not in page.replace("http://www.w3.org/", "")
    assert "| " in (tmp_path / "report" / "report.md").read_text()
    assert mlagent("sessions", "delete", session, "--yes").returncode == 0
    assert session not in mlagent("sessions", "list").stdout


def test_kill_nine_in_a_run_then_continue(project: Path) -> None:
    slow = (project / "train.py").read_text().replace("    x = 4.0\n", "    import time\n\n    time.sleep(1.5)\n    x = 4.0\n")
    (project / "train.py").write_text(slow)
    arguments = ("run", project, "--steps", "2", "--sandbox", "local", "--format", "events")
    process = subprocess.Popen(command("mlagent", *arguments), stdout=subprocess.PIPE, text=True, env=environment())
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["type"] == "RunStarted" and json.loads(line)["step"] == 1:
            break
    time.sleep(0.3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = [record for record in store.latest(project).journal.read_bytes().splitlines() if record]
    done = mlagent("run", project, "--continue", "--steps", "3", "--format", "json", "--sandbox", "local")
    assert done.returncode == 0, done.stderr
    after = store.latest(project).journal.read_bytes().splitlines()
    assert after[: len(before)] == before
    assert [step["index"] for step in json.loads(done.stdout)["steps"]] == [1, 2, 3]
    assert store.fold(read(store.latest(project).journal)[0]).summary.most_steps == 3
    assert not list(store.latest(project).work.iterdir())


def test_control_c_ends_with_130_and_can_be_continued(project: Path) -> None:
    arguments = ("run", project, "--steps", "50", "--sandbox", "local", "--format", "events")
    process = subprocess.Popen(
        command("mlagent", *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )
    assert process.stdout is not None and process.stderr is not None
    kinds: list[str] = []
    for line in process.stdout:
        kinds.append(json.loads(line)["type"])
        if kinds[-1] == "BaselineMeasured":
            process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    assert kinds[-1] == "SessionEnded"
    hint = process.stderr.read().splitlines()[-1]
    assert hint.strip() == f"to go on with it: mlagent run --resume {store.latest(project).id}"
    again = hint.partition("mlagent ")[2].split()
    assert mlagent(*again, "--steps", "1", "--format", "json", cwd=project.parent).returncode == 0
    longer = command("mlagent", *again, "--steps", "50")
    with subprocess.Popen(longer, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "continued" in line:
                process.send_signal(signal.SIGINT)
                break
        assert hint.strip() in [line.strip() for line in process.stdout]


def test_a_second_control_c_leaves_at_once_and_says_how_to_go_on(project: Path) -> None:
    text = (project / "train.py").read_text()
    (project / "train.py").write_text(
        "import signal, time\nfor n in (signal.SIGTERM, signal.SIGINT):\n    signal.signal(n, signal.SIG_IGN)\n"
        f"{text}    time.sleep(60)\n"
    )
    process = subprocess.Popen(
        command("mlagent", "run", project, "--steps", "5", "--sandbox", "local", "--format", "events"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert process.stdout is not None and process.stderr is not None
    for line in process.stdout:
        if json.loads(line)["type"] == "RunStarted":
            break
    time.sleep(1)
    for number in (signal.SIGINT, signal.SIGTERM):  # either stops; two of the same kind could arrive as one
        process.send_signal(number)
    assert process.wait(timeout=60) == 130
    session = store.latest(project).id
    assert f"mlagent: left at once; to go on with it: mlagent run --resume {session}" in process.stderr.read().splitlines()


def wait_for_baseline(project: Path) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        with contextlib.suppress(UserError):
            if any(isinstance(record.event, BaselineMeasured) for record in read(store.latest(project).journal)[0]):
                return
        time.sleep(0.1)
    pytest.fail("no baseline")


def test_a_terminal_that_is_lost_stops_the_session_in_good_order(project: Path) -> None:
    terminal, end = os.openpty()
    arguments = ("run", project, "--steps", "50", "--sandbox", "local")
    process = subprocess.Popen(
        command("mlagent", *arguments),
        stdin=end,
        stdout=end,
        stderr=end,
        env=environment(),
        start_new_session=True,
        # These tests may themselves have been started with nohup, which a child inherits.
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )
    os.close(end)
    wait_for_baseline(project)
    os.close(terminal)
    for _ in range(2):  # from the kernel and from the shell
        process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=60) == 130
    records, _ = read(store.latest(project).journal)
    assert isinstance(records[-1].event, SessionEnded)


def test_nohup_outlives_its_terminal(project: Path) -> None:
    arguments = ("run", project, "--steps", "2", "--sandbox", "local", "--format", "json")
    process = subprocess.Popen(
        ["nohup", *command("mlagent", *arguments)], stdout=subprocess.PIPE, env=environment(), stdin=subprocess.DEVNULL
    )
    wait_for_baseline(project)
    process.send_signal(signal.SIGHUP)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert len(json.loads(out)["steps"]) == 2


def test_projects_that_cannot_be_worked_on(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "notes.txt").write_text("no code here\n")
    git(tmp_path, "init", "-q", "--bare", "bare.git")
    for path, words in {
        tmp_path / "none": "no such directory",
        tmp_path / "empty": "is empty",
        tmp_path / "text": "python",
        tmp_path / "bare.git": "bare",
        Path("/"): "root directory",
        Path.home(): "home directory",
    }.items():
        done = mlagent("run", path, "--sandbox", "local")
        assert done.returncode == 2, (path, done.stderr)
        assert words in one_line(done).lower()


def test_settings_that_are_wrong(project: Path) -> None:
    (project / "mlagent.toml").write_text("[sesion]\nsteps = 3\n")
    done = mlagent("run", project)
    assert done.returncode == 2
    assert "session" in one_line(done)
    (project / "mlagent.toml").write_text("[session]\nstep = 3\n")
    assert "steps" in one_line(mlagent("run", project))
    (project / "mlagent.toml").unlink()
    assert mlagent("run", project, "--steps", "0").returncode == 2
    wrong = mlagent("run", project, "--policy", "gpt-9", "--sandbox", "local")
    assert wrong.returncode == 2
    assert "gpt-9" in one_line(wrong) and "choose one of" in one_line(wrong)


def test_a_target_on_the_wrong_side_is_refused(project: Path) -> None:
    done = mlagent("run", project, "--target", "0.0001", "--sandbox", "local")
    assert done.returncode == 2
    assert "not better than its baseline" in done.stdout + done.stderr


def test_a_failing_command_shows_the_end_of_its_log(tmp_path: Path) -> None:
    project = make_project(tmp_path / "broken", "import no_such_module_here\n")
    done = mlagent("run", project, "--sandbox", "local")
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1 and "no_such_module_here" in done.stderr
    assert "Traceback (most recent call last)" in done.stdout, "the project's own traceback is the log's end"


def test_init_writes_a_file_that_is_read_back(project: Path) -> None:
    assert mlagent("init", project).returncode == 0
    assert 'command = "python train.py"' in (project / "mlagent.toml").read_text()
    again = mlagent("init", project)
    assert again.returncode == 2
    assert "--force" in one_line(again)
    assert mlagent("run", project, "--steps", "1", "--sandbox", "local").returncode == 0


def test_doctor_names_every_sandbox() -> None:
    done = mlagent("doctor")
    assert done.returncode in (0, 5)
    names = [line.split()[1] for line in done.stdout.splitlines() if line[:1].strip()]
    assert {"git", "docker", "bwrap", "local", "torch"} <= set(names) and len(set(names)) == len(names)


def test_no_walled_sandbox_is_an_error_with_the_ways_out(project: Path, tmp_path: Path) -> None:
    # A machine without Docker and bubblewrap: an empty PATH but for git, and an engine that is not there.
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("git", "sh"):
        found = next(Path(part) / name for part in os.environ["PATH"].split(":") if (Path(part) / name).exists())
        (tools / name).symlink_to(found)
    done = subprocess.run(
        command("mlagent", "run", project),
        capture_output=True,
        text=True,
        check=False,
        env=environment() | {"PATH": str(tools), "DOCKER_HOST": f"unix://{tmp_path}/no.sock"},
    )
    assert done.returncode == 5, done.stderr
    line = one_line(done)
    assert "Docker" in line and "bubblewrap" in line and "--sandbox local" in line


SMALL = '[limits]\nminutes_per_run = 0.05\nmemory = "300m"\n'
SMALL_FILES = "[limits]\nfile_mb = 64\n"


@pytest.mark.bwrap
@pytest.mark.parametrize(
    ("build", "code", "said"),
    [
        (awkward.failing, 3, "exit code"),
        (awkward.missing_module, 3, "not installed"),
        (awkward.no_metric, 3, "gave no metric"),
        (awkward.nan_metric, 3, "nan"),
        (awkward.infinite_metric, 3, "inf"),
        (awkward.endless, 3, "raise [limits] minutes_per_run in mlagent.toml, then start a new session"),
        (awkward.memory_hog, 3, "memory"),
        (awkward.disk_filler, 3, "raise [limits] file_mb"),
        (awkward.mid_merge, 2, "merge is under way"),
        (awkward.bare, 2, "bare"),
        (awkward.empty, 2, "is empty"),
        (awkward.no_python, 2, "no Python"),
        (awkward.no_command, 2, "--command"),
        (awkward.unknown_key, 2, "did you mean"),
        (awkward.odd_bytes, 0, ""),
        (awkward.no_git, 0, ""),
        (awkward.odd_files, 0, ""),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_awkward_projects(build: Callable[[Path], Path], code: int, said: str, tmp_path: Path) -> None:
    project = build(tmp_path / "project")
    if build in (awkward.endless, awkward.memory_hog):
        (project / "mlagent.toml").write_text(SMALL)
    if build is awkward.disk_filler:
        (project / "mlagent.toml").write_text(SMALL_FILES)
    before = fingerprint(project)
    done = mlagent("run", project, "--steps", "1", "--sandbox", "bwrap")
    assert done.returncode == code, done.stdout + done.stderr
    assert fingerprint(project) == before
    if code:
        assert done.stderr.count("\n") == 1
        assert said.lower() in one_line(done).lower()
