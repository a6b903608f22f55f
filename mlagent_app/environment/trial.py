"""One script on one variant of a task: run in a sandbox, graded on the host."""

from __future__ import annotations

import json
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlagent_app.environment.judge import Judged
from mlagent_app.environment.measure import read_tail, why_failed
from mlagent_app.environment.taskjudge import TaskJudge
from sandbox.outputs import scan, written
from sandbox.runner import Job, Limits, Runner, RunResult
from sandbox.workdir import remove_tree
from tasks.building import Drawn, write_files
from tasks.schema import TaskSpec

COMMAND = "python train.py"


@dataclass(frozen=True, slots=True)
class Trial:
    """What a script came to. `value` is the grade on dev; None when the run failed or was refused, and `message` says why.

    `submission` is the graded file; None when there was none, or the run failed.
    """

    result: RunResult
    value: float | None
    test: float | None
    message: str
    stdout: str
    warnings: tuple[str, ...] = ()
    submission: bytes | None = None


def run_limits(spec: TaskSpec) -> Limits:
    """The limits of one run of a task."""
    return Limits(seconds=spec.limits.seconds, memory_mb=spec.limits.memory_mb, cpus=1.0, output_mb=4, scratch_mb=256)


def trial(
    drawn: Drawn,
    files: Mapping[str, bytes],
    runner: Runner,
    work: Path,
    *,
    python: Path | None = None,
    cancel: threading.Event | None = None,
) -> Trial:
    """Run `files` (relative path to content, with a `train.py`) on `drawn` in a workspace below `work`, and grade them."""
    judge = TaskJudge(drawn)
    workspace = Path(tempfile.mkdtemp(prefix="trial-", dir=work))
    log_path = workspace.with_suffix(".log")
    try:
        write_files(files, workspace)
        before = scan(workspace)
        job = Job(
            COMMAND, workspace, log_path, python or Path(sys.executable), judge.links, project=workspace, hidden=judge.hidden
        )
        result = runner.run(job, run_limits(drawn.spec), cancel=cancel)
        stdout = read_tail(log_path)
        wrote = written(workspace, before)
    finally:
        remove_tree(workspace)
        log_path.unlink(missing_ok=True)
    if result.outcome != "ok":
        return Trial(result, None, None, why_failed(result, stdout), stdout)
    judged: Judged = judge.judge(stdout, wrote)
    value = judged.reading.value if judged.reading else None
    submission = judge.submission(wrote)
    test = judge.test(submission) if judged.reading else None
    return Trial(result, value, test, judged.message, stdout, judged.warnings, submission)


def reference_value(drawn: Drawn, runner: Runner, work: Path) -> float | None:
    """The dev grade of the task's reference on this variant, measured once and kept beside the hidden labels.

    None when the reference does not run here.
    """
    path = drawn.hidden / "reference.json"
    try:
        return float(json.loads(path.read_text("utf-8"))["dev"])
    except (OSError, ValueError, KeyError):
        pass
    script = {"train.py": (drawn.spec.directory / "reference.py").read_bytes()}
    value = trial(drawn, script, runner, work).value
    if value is not None:
        scratch = path.with_suffix(".tmp")
        scratch.write_text(json.dumps({"dev": value}), "utf-8")
        scratch.replace(path)
    return value
