"""A remembered run is as good as one that was made: same result, same log, same files."""

import os
import sys
import textwrap
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.bwrap import BwrapRunner
from sandbox.cache import Cache, CachedRunner
from sandbox.cache_tree import apply, changes, digest, entries
from sandbox.docker import DockerRunner
from sandbox.docker_engine import Engine
from sandbox.local import LocalRunner
from sandbox.runner import Job, Limits, Link, OnLog, OnSample, Runner, RunnerName, RunResult, SandboxError

PYTHON = Path(sys.executable)
SCRIPT = """
import os, pathlib, sys, uuid
print("accuracy: 0.9")
print(open("data.csv").read(), file=sys.stderr)
pathlib.Path("out/deep").mkdir(parents=True)
pathlib.Path("out/deep/model.bin").write_bytes(os.urandom(64))
pathlib.Path("data.csv").write_text("changed")
pathlib.Path("old.txt").unlink()
pathlib.Path("run.sh").write_text("#!/bin/sh"); os.chmod("run.sh", 0o755)
pathlib.Path("empty").mkdir()
print(uuid.uuid4())
"""


class Counting:
    """Counts the runs that were really made."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self.runs = 0
        self.override: Callable[[RunResult], RunResult] = lambda result: result

    @property
    def name(self) -> RunnerName:
        return self._runner.name

    @property
    def notes(self) -> tuple[str, ...]:
        return self._runner.notes

    def run(
        self,
        job: Job,
        limits: Limits,
        *,
        on_log: OnLog | None = None,
        on_sample: OnSample | None = None,
        cancel: threading.Event | None = None,
    ) -> RunResult:
        self.runs += 1
        return self.override(self._runner.run(job, limits, on_log=on_log, on_sample=on_sample, cancel=cancel))


class Bench:
    """A cache with a counting runner, and workspaces that are made anew."""

    def __init__(self, root: Path, runner: Runner | None = None, max_mb: int = 100) -> None:
        self.root = root
        self.counting = Counting(runner or LocalRunner())
        self.cache = Cache(root / "cache", max_mb)
        self.runner = CachedRunner(self.counting, self.cache)
        self._made = 0

    def workspace(self, source: str = SCRIPT) -> Path:
        self._made += 1
        workspace = self.root / f"w{self._made}"
        workspace.mkdir()
        (workspace / "job.py").write_text(textwrap.dedent(source))
        (workspace / "data.csv").write_text("1,2")
        (workspace / "old.txt").write_text("old")
        return workspace

    def job(self, workspace: Path, command: str = "python job.py") -> Job:
        return Job(command, workspace, workspace.with_suffix(".log"), python=PYTHON)

    def run(self, source: str = SCRIPT, command: str = "python job.py") -> tuple[RunResult, Path]:
        workspace = self.workspace(source)
        return self.runner.run(self.job(workspace, command), Limits()), workspace


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def tree(root: Path) -> dict[str, tuple[int, bytes | None]]:
    paths = sorted(root.rglob("*"))
    return {str(path.relative_to(root)): (path.stat().st_mode, path.read_bytes() if path.is_file() else None) for path in paths}


def test_a_second_equal_run_is_not_made_and_leaves_the_same(bench: Bench) -> None:
    first, one = bench.run()
    lines: list[str] = []
    two = bench.workspace()
    again = bench.runner.run(bench.job(two), Limits(), on_log=lines.extend)
    assert (bench.counting.runs, bench.cache.hits, bench.cache.misses) == (1, 1, 1)
    assert not first.cached and again.cached
    assert replace(again, log_path=first.log_path, cached=False) == first
    assert again.log_path == two.with_suffix(".log")
    assert again.log_path.read_bytes() == first.log_path.read_bytes()
    assert lines == first.log_path.read_text().splitlines()
    assert tree(two) == tree(one)
    assert not (two / "old.txt").exists() and os.access(two / "run.sh", os.X_OK)
    assert bench.runner.name == "local"
    assert bench.runner.notes[:-1] == bench.counting.notes


def test_an_error_is_remembered_with_its_message(bench: Bench) -> None:
    results = [bench.run("raise ValueError('bad')")[0] for _ in range(2)]
    assert [result.cached for result in results] == [False, True]
    assert {(result.outcome, result.exit_code, result.message) for result in results} == {
        ("error", 1, "exit code 1: ValueError: bad")
    }


def differ(bench: Bench, change: Callable[[Job], Job], limits: Limits | None = None) -> None:
    """That a run with this change is made although one without it is remembered, and that the one without still is."""
    bench.run()
    changed = change(bench.job(bench.workspace()))
    result = bench.runner.run(changed, limits or Limits())
    assert (result.cached, bench.counting.runs) == (False, 2)
    assert bench.run()[0].cached


@pytest.mark.parametrize("part", ["command", "env", "python", "project", "hidden"])
def test_every_part_of_a_job_counts(bench: Bench, part: str) -> None:
    changed: dict[str, Callable[[Job], Job]] = {
        "command": lambda job: replace(job, command="python ./job.py"),
        "env": lambda job: replace(job, env={"SEED": "1"}),
        "python": lambda job: replace(job, python=None, command=f"{PYTHON} job.py"),
        "project": lambda job: replace(job, project=Path("/no/project")),
        "hidden": lambda job: replace(job, hidden=[Path("/no/such/file")]),
    }
    differ(bench, changed[part])


@pytest.mark.parametrize("limits", [Limits(seconds=599), Limits(memory_mb=2000), Limits(output_mb=2)])
def test_limits_count(bench: Bench, limits: Limits) -> None:
    differ(bench, lambda job: job, limits)


@pytest.mark.parametrize("what", ["content", "name", "mode", "directory", "link"])
def test_files_names_modes_and_links_count(bench: Bench, what: str) -> None:
    def change(job: Job) -> Job:
        data = job.workspace / "data.csv"
        if what == "content":
            data.write_text("1,3")
        elif what == "name":
            (job.workspace / "old.txt").rename(job.workspace / "older.txt")
            (job.workspace / "old.txt").write_text("old")
        elif what == "mode":
            data.chmod(0o600)
        elif what == "directory":
            (job.workspace / "more").mkdir()
        else:
            (job.workspace / "more").symlink_to("data.csv")
        return job

    differ(bench, change)


def test_what_is_linked_counts_by_its_content(bench: Bench) -> None:
    data = bench.root / "data"
    data.mkdir()
    (data / "rows.csv").write_text("1")
    (bench.root / "model.bin").write_text("m")

    def run() -> RunResult:
        job = bench.job(bench.workspace(), "cat in/rows.csv model.bin")
        links = [Link(data, "in"), Link(bench.root / "model.bin", "model.bin")]
        return bench.runner.run(replace(job, links=links), Limits())

    assert [run().cached, run().cached] == [False, True]
    (data / "rows.csv").write_text("2")
    changed = run()
    assert (changed.cached, changed.log_path.read_text()) == (False, "2m")
    (bench.root / "model.bin").write_text("n")
    assert [run().cached, run().cached] == [False, True]
    (data / "rows.csv").write_text("1")
    (bench.root / "model.bin").write_text("m")
    again = run()
    assert (again.cached, again.log_path.read_text()) == (True, "1m")


def test_another_kind_of_sandbox_and_another_cache_object(bench: Bench, tmp_path: Path) -> None:
    bench.run()
    other = Bench(tmp_path / "other")
    other.root.mkdir()
    other.runner = CachedRunner(other.counting, Cache(tmp_path / "cache"))
    assert other.run()[0].cached
    try:
        walled = Bench(tmp_path / "walled", BwrapRunner.connect())
    except SandboxError:
        return
    walled.root.mkdir()
    walled.runner = CachedRunner(walled.counting, Cache(tmp_path / "cache"))
    assert not walled.run()[0].cached


@pytest.mark.parametrize("outcome", ["infrastructure", "killed", "timeout", "out_of_memory"])
def test_what_did_not_end_by_itself_is_made_again(bench: Bench, outcome: str) -> None:
    bench.counting.override = lambda result: replace(result, outcome=outcome)  # pyright: ignore[reportArgumentType]
    assert [bench.run()[0].cached for _ in range(2)] == [False, False]
    bench.counting.override = lambda result: replace(result, disk_full=True, outcome="error")
    assert [bench.run()[0].cached for _ in range(2)] == [False, False]
    assert bench.counting.runs == 4


@pytest.mark.parametrize(
    "source",
    [
        "open('big', 'wb').write(bytes(17 << 20))",
        "import os; os.symlink('data.csv', 'link')",
        "import os; os.link('data.csv', 'hard')",
        "import os; os.mkfifo('pipe')",
        "print('x' * (17 << 20))",
    ],
    ids=["too large", "link", "hard link", "fifo", "too much output"],
)
def test_what_can_not_be_done_again_is_made_again(bench: Bench, source: str) -> None:
    results = [bench.run(source)[0] for _ in range(2)]
    assert [(result.outcome, result.cached) for result in results] == [("ok", False)] * 2


def test_a_cancelled_run_and_one_with_network_are_not_looked_up(bench: Bench) -> None:
    bench.run()
    cancel = threading.Event()
    cancel.set()
    assert bench.runner.run(bench.job(bench.workspace()), Limits(), cancel=cancel).outcome == "killed"
    for _ in range(2):
        assert not bench.runner.run(bench.job(bench.workspace()), Limits(network=True)).cached


def files_of(bench: Bench) -> list[Path]:
    return [path for path in (bench.root / "cache").rglob("*") if path.is_file()]


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "of another make"])
def test_a_damaged_entry_is_dropped_and_the_run_made(bench: Bench, damage: str) -> None:
    bench.run()
    (path,) = files_of(bench)
    content = path.read_bytes()
    half = len(content) // 2
    flipped = content[:half] + bytes([content[half] ^ 1]) + content[half + 1 :]
    path.write_bytes({"cut": content[:half], "flipped": flipped, "emptied": b"", "of another make": b"{}" * 50}[damage])
    result, workspace = bench.run()
    assert not result.cached and (workspace / "out" / "deep" / "model.bin").stat().st_size == 64
    assert bench.run()[0].cached


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    bench = Bench(tmp_path, max_mb=4)
    sources = [f"import os; open('out', 'wb').write(os.urandom(1 << 20)); print({number})" for number in range(4)]
    for age, source in enumerate(sources[:2]):
        bench.run(source)
        for path in files_of(bench):
            os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 100 + age))
    assert bench.run(sources[0])[0].cached
    for source in sources[2:]:
        bench.run(source)
    assert sum(path.stat().st_size for path in files_of(bench)) <= 4 << 20
    assert [bench.run(source)[0].cached for source in (sources[0], sources[3], sources[1])] == [True, True, False]


def test_two_at_the_same_time_agree_and_leave_no_pieces(bench: Bench) -> None:
    results: list[RunResult] = []
    workspaces = [bench.workspace() for _ in range(6)]

    def run(workspace: Path) -> None:
        results.append(bench.runner.run(bench.job(workspace), Limits()))

    threads = [threading.Thread(target=run, args=(workspace,)) for workspace in workspaces]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.outcome for result in results] == ["ok"] * 6
    assert len(files_of(bench)) == 1
    assert bench.run()[0].cached


def test_a_cache_that_can_not_be_written_is_no_cache(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    bench = Bench(tmp_path)
    assert [bench.run()[0].outcome for _ in range(2)] == ["ok", "ok"]
    assert bench.counting.runs == 2


@pytest.mark.docker
def test_a_workspace_that_changed_hands_is_not_taken_for_changed(tmp_path: Path, docker_engine: Engine) -> None:
    """Docker's job is another user; a file of the workspace that is larger than all that is remembered stays out of it."""
    assert docker_engine.info.name
    bench = Bench(tmp_path, DockerRunner.connect())
    for expected in (False, True):
        workspace = bench.workspace("open('made.txt', 'w').write('made')")
        with (workspace / "large.bin").open("wb") as file:
            file.truncate(20 << 20)
        result = bench.runner.run(bench.job(workspace), Limits())
        assert (result.outcome, result.cached) == ("ok", expected), result
        assert (workspace / "made.txt").read_text() == "made"


@pytest.mark.parametrize("target", ["../outside", "/etc", "old.txt"])
def test_a_link_out_of_the_workspace_leads_to_what_no_key_knows(bench: Bench, target: str) -> None:
    (bench.root / "outside").mkdir()
    for _ in range(2):
        workspace = bench.workspace("print('made')")
        (workspace / "more").mkdir()
        (workspace / "there").symlink_to(target)
        assert bench.runner.run(bench.job(workspace), Limits()).outcome == "ok"
    assert bench.counting.runs == (1 if target == "old.txt" else 2)


def test_replaying_follows_no_link_that_was_put_in_the_way(bench: Bench, tmp_path: Path) -> None:
    _, workspace = bench.run()
    (tmp_path / "outside").mkdir(0o711)
    target = bench.workspace()
    found = entries(target)
    recorded = changes(workspace, found, {path: "" for path in found}, 1 << 20)
    (target / "out").symlink_to(tmp_path / "outside")
    with pytest.raises(OSError):
        apply(recorded, target)
    assert list((tmp_path / "outside").iterdir()) == []
    assert (tmp_path / "outside").stat().st_mode & 0o777 == 0o711


NAMES = st.sampled_from(["a", "b", "c/d", "c/e", "f"])
CONTENTS = st.dictionaries(NAMES, st.tuples(st.binary(max_size=4), st.sampled_from([0o600, 0o644, 0o755])), max_size=5)


def fill(root: Path, files: dict[str, tuple[bytes, int]]) -> None:
    for name, (content, mode) in files.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        path.chmod(mode)


@given(CONTENTS, CONTENTS)
def test_changes_done_again_give_the_same_tree(
    tmp_path_factory: pytest.TempPathFactory,
    before: dict[str, tuple[bytes, int]],
    after: dict[str, tuple[bytes, int]],
) -> None:
    roots = [tmp_path_factory.mktemp("tree") for _ in range(2)]
    for root in roots:
        fill(root, before)
    first, second = roots
    found = entries(first)
    digests = {path: digest(first, path) for path, entry in found.items() if entry.kind == "file"}
    for name in before.keys() - after.keys():
        (first / name).unlink()
    fill(first, after)
    if not any((first / "c").glob("*")) and (first / "c").exists():
        (first / "c").rmdir()
    apply(changes(first, found, digests, 1000), second)
    assert tree(second) == tree(first)
