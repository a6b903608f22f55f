"""One script on one variant of a task: run in a sandbox, graded on the host."""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.environment.judge import Judged
from mlagent_app.environment.measure import GRADED, read_tail, why_failed
from mlagent_app.environment.taskjudge import TaskJudge
from sandbox.outputs import scan, written
from sandbox.runner import Job, Limits, Runner, RunResult
from sandbox.workdir import remove_tree
from tasks.building import Drawn, write_files
from tasks.grading import grade

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


def run_limits(drawn: Drawn) -> Limits:
    """The limits of one run on a variant; the real data takes more of everything."""
    given = drawn.limits
    return Limits(seconds=given.seconds, memory_mb=given.memory_mb, cpus=1.0, output_mb=4, scratch_mb=256, file_mb=256)


def trial(
    drawn: Drawn,
    files: Mapping[str, bytes],
    runner: Runner,
    work: Path,
    *,
    cancel: threading.Event | None = None,
    seconds: float = math.inf,
) -> Trial:
    """Run `files` (relative path to content, with a `train.py`) on `drawn` in a workspace below `work`, and grade them.

    The run is cut off after `seconds`, or the variant's limit where that is less.
    """
    judge = TaskJudge(drawn)
    workspace = Path(tempfile.mkdtemp(prefix="trial-", dir=work))
    log_path = workspace.with_suffix(".log")
    try:
        write_files(files, workspace)
        before = scan(workspace)
        job = Job(COMMAND, workspace, log_path, Path(sys.executable), judge.links, hidden=judge.hidden)
        limits = run_limits(drawn)
        result = runner.run(job, replace(limits, seconds=min(limits.seconds, seconds)), cancel=cancel)
        stdout = read_tail(log_path)
        wrote = written(workspace, before, caps=GRADED)
    finally:
        remove_tree(workspace)
        log_path.unlink(missing_ok=True)
    if result.outcome != "ok":
        return Trial(result, None, None, why_failed(result, stdout), stdout)
    judged: Judged = judge.judge(stdout, wrote)
    submission = judge.submission(wrote)
    value = grade(drawn, submission, "dev").value if judged.reading else None
    test = judge.test(submission) if judged.reading else None
    return Trial(result, value, test, judged.message, stdout, judged.warnings, submission)


def reference_value(drawn: Drawn, runner: Runner, work: Path, *, seconds: float = math.inf) -> float | None:
    """The dev grade of the task's reference on this variant, measured once and kept beside the hidden labels.

    None when the reference does not run here within `seconds`. Raises `UserError` when the sandbox itself failed.
    """
    script = (drawn.spec.directory / "reference.py").read_bytes()
    path = drawn.hidden / f"reference-{hashlib.sha256(script).hexdigest()[:12]}.json"
    try:
        return float(json.loads(path.read_text("utf-8"))["dev"])
    except (OSError, ValueError, KeyError):
        pass
    tried = trial(drawn, {"train.py": script}, runner, work, seconds=seconds)
    if tried.result.outcome == "infrastructure":
        raise UserError("the sandbox failed", where=tried.message, how="see: mlagent doctor", code=Exit.NO_SANDBOX)
    if tried.value is not None:
        descriptor, scratch = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"dev": tried.value}, file)
        os.replace(scratch, path)
    return tried.value
