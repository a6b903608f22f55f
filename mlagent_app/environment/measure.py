"""One run of one commit: a fresh workspace, the sandbox, the files it wrote, the metric."""

from __future__ import annotations

import os
import signal
import stat
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlagent_app.agent.diagnosis import FILE_TOO_LARGE, likely_cause
from mlagent_app.agent.events import HEAD
from mlagent_app.agent.extraction import extract
from mlagent_app.agent.metrics import MetricSpec, Reading
from mlagent_app.environment.copies import NoRoom, copy_writable
from mlagent_app.environment.judge import Judge
from mlagent_app.environment.versions import Versions
from mlagent_app.plan import Plan
from mlagent_app.repo.scan import ReadOnlyLink
from sandbox.outputs import DEFAULT_CAPS, Caps, hash_files, scan, written
from sandbox.runner import Job, Limits, Link, Runner, RunResult, Sample
from sandbox.workdir import remove_tree

# The end of a log that is searched for the metric. A run that prints more says its metric last.
LOG_BYTES = 4 * 1024 * 1024
TAIL_LINES = 12
SUBMISSION = ".submission"
# Predictions for the real data of a task may be long.
GRADED = Caps(file_bytes=64 * 2**20)


@dataclass(frozen=True, slots=True)
class Measurement:
    """A run's result and the metric read from it.

    `reading` is None when there is none; `message` then says why in one line. `stdout` is the end of the log and `files`
    the small text files that the run wrote, both kept only until the metric is known. `warnings` are the sandbox's and the
    judge's. `outdated`: linked data is not what it was for the baseline, so that no later run can be compared with it.
    """

    result: RunResult
    reading: Reading | None
    message: str
    stdout: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    warnings: tuple[str, ...] = ()
    outdated: bool = False

    @property
    def value(self) -> float | None:
        return self.reading.value if self.reading else None


@dataclass(frozen=True, slots=True)
class Hooks:
    """Where a run reports to while it lasts."""

    on_log: Callable[[list[str]], None] | None = None
    on_sample: Callable[[Sample], None] | None = None


class Bench:
    """Measures commits of one snapshot. `work` and `runs` are directories of the session.

    `judge`: the metric is what it says of the files that a run wrote, whatever the run prints. The graded file of each run is
    kept by its commit, for the one score on the hidden test part at the end.
    """

    def __init__(
        self, snapshot: Versions, runner: Runner, plan: Plan, work: Path, runs: Path, judge: Judge | None = None
    ) -> None:
        self.judge = judge
        self._snapshot = snapshot
        self._runner = runner
        self._plan = plan
        self._work = work
        self._runs = runs

    def log_path(self, step: int, repeat: int) -> Path:
        """Where the output of that run is kept."""
        return self._runs / f"{'head' if step == HEAD else f'{step:04d}'}-{repeat}.log"

    def submission(self, commit: str) -> bytes | None:
        """The file that was graded in the last graded run of that commit; None when there was none."""
        path = self._runs / f"{commit}{SUBMISSION}"
        return path.read_bytes() if path.is_file() else None

    def clear(self) -> None:
        """Remove workspaces that a killed process left."""
        for left in self._work.iterdir():
            remove_tree(left)

    def measure(
        self,
        commit: str,
        spec: MetricSpec | None,
        log_path: Path,
        cancel: threading.Event,
        *,
        protected: Sequence[str] = (),
        hooks: Hooks | None = None,
    ) -> Measurement:
        """Run the project's command on `commit` and read `spec` (no reading when it is None).

        The workspace is fresh and is removed afterwards. Protected files are hashed before and after: a run that changes one
        yields no metric. Nor does one before or after which linked data is not what it was when the snapshot was taken.
        """
        hooks = hooks or Hooks()
        if data := self._snapshot.changed_data():
            return _outdated(RunResult("infrastructure", None, 0.0, log_path), data)
        workspace = self._work / log_path.stem
        if workspace.exists():
            remove_tree(workspace)
        workspace.mkdir()
        try:
            self._snapshot.materialise(commit, workspace)
            links = copy_writable(self._snapshot.links, workspace, cancel, every=self._runner.name == "local")
            before = scan(workspace)
            guarded = hash_files(workspace, protected)
            result = self._runner.run(
                self._job(workspace, log_path, links),
                limits(self._plan),
                on_log=hooks.on_log,
                on_sample=hooks.on_sample,
                cancel=cancel,
            )
            changed = [path for path, digest in hash_files(workspace, protected).items() if guarded.get(path) != digest]
            files = written(workspace, before, caps=GRADED if self.judge else DEFAULT_CAPS)
        except NoRoom as error:
            return Measurement(RunResult("infrastructure", None, 0.0, log_path), None, str(error))
        finally:
            remove_tree(workspace)
        if result.outcome != "killed" and (data := self._snapshot.changed_data()):
            return _outdated(result, data)
        linked = {link.target: link.why for link in links}
        measurement = _read(result, spec, read_tail(log_path), files, changed, self.judge, linked)
        if self.judge is not None and measurement.reading is not None:
            (self._runs / f"{commit}{SUBMISSION}").write_bytes(self.judge.submission(files) or b"")
        return measurement

    def _job(self, workspace: Path, log_path: Path, linked: Sequence[ReadOnlyLink]) -> Job:
        links = [Link(Path(item.source), item.target) for item in linked]
        hidden: Sequence[Path] = ()
        if self.judge is not None:
            taken = {link.target for link in self.judge.links}
            links = [*(link for link in links if link.target not in taken), *self.judge.links]
            hidden = self.judge.hidden
        return Job(self._plan.command, workspace, log_path, self._plan.python, links, project=self._plan.project, hidden=hidden)


def limits(plan: Plan) -> Limits:
    """The sandbox's limits of a plan."""
    given = plan.limits
    return Limits(
        seconds=given.seconds,
        memory_mb=given.memory_mb,
        cpus=given.cpus,
        pids=given.pids,
        output_mb=given.output_mb,
        file_mb=given.file_mb,
        gpus=given.gpus,
        network=plan.network,
    )


def read_tail(path: Path) -> str:
    """The end of a log as text; empty when there is no log."""
    try:
        # A run in a fork server can put a link or a pipe in the place of its log.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return ""
            size = file.seek(0, 2)
            file.seek(max(0, size - LOG_BYTES))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def last_lines(text: str, count: int = TAIL_LINES) -> str:
    """The last lines that are not blank."""
    return "\n".join([line for line in text.splitlines() if line.strip()][-count:])


def _outdated(result: RunResult, data: str) -> Measurement:
    message = (
        f"linked data is not what it was when the session began: {data}; the baseline no longer holds - start a new session, "
        "with data that neither a run nor anything else changes"
    )
    return Measurement(result, None, message, warnings=result.warnings, outdated=True)


def _read(
    result: RunResult,
    spec: MetricSpec | None,
    stdout: str,
    files: Mapping[str, bytes],
    changed: Sequence[str],
    judge: Judge | None,
    linked: Mapping[str, str],
) -> Measurement:
    warnings = result.warnings
    if result.outcome != "ok":
        return Measurement(result, None, why_failed(result, stdout, linked), stdout, files, warnings)
    if changed:
        message = f"the run changed the protected file {changed[0]}; its metric is not trusted"
        return Measurement(result, None, message, stdout, {}, warnings)
    if judge is not None:
        judged = judge.judge(stdout, files)
        return Measurement(result, judged.reading, judged.message, stdout, files, (*warnings, *judged.warnings))
    if spec is None:
        return Measurement(result, None, "", stdout, files, warnings)
    found = extract(spec, stdout, files)
    if isinstance(found, Reading):
        return Measurement(result, found, "", warnings=warnings)
    return Measurement(result, None, found, warnings=warnings)


def why_failed(result: RunResult, stdout: str, linked: Mapping[str, str] | None = None) -> str:
    """One line on a run that did not end well: the likely cause, else what the sandbox says, else the exit code.

    `linked` are the paths that were linked read-only, and why.
    """
    if result.outcome == "error":
        killed = result.exit_code == 128 + signal.SIGXFSZ
        cause = FILE_TOO_LARGE if killed else likely_cause(stdout, linked or {})
        return cause or result.message or f"the command ended with exit code {result.exit_code}"
    return result.message or result.outcome.replace("_", " ")
