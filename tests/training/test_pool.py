"""The worker pools: the same results as one after the other, whatever happens to the workers."""

from __future__ import annotations

import importlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import psutil
import pytest

from mlagent_app.agent.errors import Exit, UserError
from tests.sandbox.runner_contract import wait_until
from tests.training.pool_jobs import CalmActor, Deadly, Hung, Meeting, Square, Whereabouts, Wrong
from training.draws import Start
from training.episodes import Episode, EpisodeJob
from training.pool import Lost, ProcessPool, SerialPool, WorkerPool, open_pool, run_all
from training.raypool import RayPool
from training.recipe import Pool, PoolKind
from training.workbench import Site

ROOT = Path(__file__).parents[2]
WORKERS = 2
# Of the Ray that is shared: enough for two pools at a time.
CPUS = 2 * WORKERS
STALL_SECONDS = 1.0
NAMES = """
from pathlib import Path
from mlagent_app.agent.errors import UserError
from tests.sandbox.runner_contract import wait_until
from tests.training.pool_jobs import Square
from training.pool import open_pool, run_all
from training.raypool import RayPool
from training.recipe import Pool
from training.workbench import Site
"""
KINDS = ["process", pytest.param("ray", marks=pytest.mark.slow)]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, "fork", 5.0, 64)


@pytest.fixture(scope="module")
def shared_ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """One Ray for all tests, as its start takes seconds; the pools find it and leave it running."""
    ray = _ray()
    token = tmp_path_factory.mktemp("ray") / "token"
    token.write_text(secrets.token_hex(32), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        # Ray would make a token in the user's home, which the tests themselves do not see.
        patch.setenv("RAY_AUTH_TOKEN_PATH", str(token))
        ray.init(address="local", num_cpus=CPUS, include_dashboard=False, log_to_driver=False)
        yield ray
        ray.shutdown()


@pytest.fixture(scope="module", params=KINDS)
def pool(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerPool]:
    """One pool for all tests, whatever they do to its workers."""
    site = Site(tmp_path_factory.mktemp("home"), "fork", 5.0, 64)
    if request.param == "ray":
        request.getfixturevalue("shared_ray")
        made: WorkerPool = RayPool(site, WORKERS, stall_seconds=STALL_SECONDS)
    else:
        made = ProcessPool(site, WORKERS, stall_seconds=STALL_SECONDS)
    with made:
        yield made


def test_results_are_those_of_a_serial_run_in_the_order_of_the_jobs(pool: WorkerPool, site: Site, tmp_path: Path) -> None:
    jobs = [Square(number, after=1.0 if number == 0 else 0.0) for number in range(6)]
    with SerialPool(site) as serial:
        assert run_all(serial, jobs) == run_all(pool, jobs) == [0, 1, 4, 9, 16, 25]
    one, two = tmp_path / "one", tmp_path / "two"
    assert run_all(pool, [Meeting(one, two), Meeting(two, one)]) == [True, True], "two run at the same time"


def test_a_job_is_taken_only_when_a_worker_is_free(pool: WorkerPool) -> None:
    taken = 0

    def jobs() -> Iterable[Square]:
        nonlocal taken
        for number in range(7):
            taken += 1
            yield Square(number)

    for done, _ in enumerate(pool.imap(jobs())):
        assert taken <= done + WORKERS
    assert taken == 7


def test_a_killed_worker_is_replaced_and_its_job_done_by_another(pool: WorkerPool, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    assert run_all(pool, [Deadly(marks), Square(2), Square(3)]) == ["survived", 4, 9]
    assert len(list(marks.iterdir())) == 2


def test_a_worker_that_dies_between_two_jobs_is_replaced(pool: WorkerPool) -> None:
    (found,) = run_all(pool, [Whereabouts()])
    assert isinstance(found, int)
    os.kill(found, signal.SIGKILL)
    assert wait_until(lambda: not psutil.pid_exists(found) or psutil.Process(found).status() == psutil.STATUS_ZOMBIE)
    assert run_all(pool, [Square(2), Square(3)]) == [4, 9]


def test_a_job_that_always_kills_its_worker_is_lost(pool: WorkerPool, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    assert run_all(pool, [Deadly(marks, always=True), Square(2), Square(3)]) == [Lost("the worker died"), 4, 9]
    assert len(list(marks.iterdir())) == 2


def test_a_job_that_hangs_is_lost_and_the_others_are_done(pool: WorkerPool, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    run_all(pool, [Meeting(one, two), Meeting(two, one)])  # so that both workers are there, and it has time to begin
    results = run_all(pool, [Hung(tmp_path / "begun"), *(Square(number) for number in range(5))])
    assert results == [Lost("the worker did not answer in time"), 0, 1, 4, 9, 16]
    assert (tmp_path / "begun").exists()


def test_a_slow_caller_makes_no_worker_late(pool: WorkerPool, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    run_all(pool, [Meeting(one, two), Meeting(two, one)])  # so that both workers are there
    results: list[int | Lost] = []
    for _, result in pool.imap([Square(1), Square(2, after=1.0, seconds=2.0)]):
        results.append(result)
        time.sleep(2.0 + 2 * STALL_SECONDS)
    assert results == [1, 4]


def test_an_error_of_a_job_reaches_the_caller(pool: WorkerPool) -> None:
    with pytest.raises(UserError) as caught:
        run_all(pool, [Square(1), Wrong(mendable=True), Square(2)])
    assert caught.value.line() == "the jar is empty (the kitchen) - buy honey"
    assert caught.value.code == Exit.NO_POLICY
    with pytest.raises(RuntimeError, match="KeyError: 'honey'"):
        run_all(pool, [Wrong(mendable=False), *(Square(number, after=0.1) for number in range(3))])


def test_a_caller_who_wants_no_more_results_gets_none_of_them_later(pool: WorkerPool) -> None:
    for _ in pool.imap([Square(number) for number in range(10)]):
        break
    assert run_all(pool, [Square(20), Square(30)]) == [400, 900]


def test_a_process_pool_leaves_no_process_behind(site: Site, tmp_path: Path) -> None:
    before = _spawned()
    with ProcessPool(site, WORKERS, stall_seconds=STALL_SECONDS) as own:
        one, two = tmp_path / "one", tmp_path / "two"
        run_all(own, [Meeting(one, two), Meeting(two, one)])
        assert len(_spawned() - before) == WORKERS
    assert _spawned() == before
    own.close()


def test_the_workers_of_a_killed_process_end_in_the_midst_of_a_job(site: Site, tmp_path: Path) -> None:
    marks = [tmp_path / "one", tmp_path / "two"]
    script = f"""
        from tests.training.pool_jobs import Hung

        with open_pool(Pool(kind="fork", workers=2), Site(Path({str(site.home)!r}), "fork", 5.0, 64)) as pool:
            run_all(pool, [Hung(Path(mark), 600.0) for mark in {[str(mark) for mark in marks]!r}])
        """
    place = tmp_path / "killed.py"
    place.write_text(NAMES + f'if __name__ == "__main__":\n{textwrap.indent(textwrap.dedent(script), "    ")}', "utf-8")
    killed = subprocess.Popen([sys.executable, str(place)], env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        assert wait_until(lambda: all(mark.exists() for mark in marks))
        workers = [child for child in psutil.Process(killed.pid).children() if "spawn_main" in " ".join(child.cmdline())]
        assert len(workers) == 2
    finally:
        killed.kill()
        killed.wait()
    assert wait_until(lambda: not any(worker.is_running() for worker in workers))


@pytest.mark.slow
def test_a_pool_uses_a_cluster_and_leaves_it_running(shared_ray: ModuleType, tmp_path: Path) -> None:
    address = shared_ray.get_runtime_context().gcs_address
    printed = _in_a_new_process(f"""
        site = Site(Path({str(tmp_path)!r}), "ray", 5.0, 64)
        try:
            RayPool(site, {CPUS + 1}, {address!r})
        except UserError as error:
            print(error.line())
        with RayPool(site, 1, {address!r}) as pool:
            print(run_all(pool, [Square(2), Square(3)]))
        """)
    what, how = (
        f"the Ray cluster has {CPUS} CPUs for {CPUS + 1} workers",
        f"set pool.workers to at most {CPUS}, or add machines",
    )
    assert printed == [f"{what} ({address}) - {how}", "[4, 9]"]
    assert shared_ray.cluster_resources()["CPU"] == CPUS


def test_a_cluster_that_is_not_there_is_one_clear_error(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_ray(), "is_initialized", lambda: False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        for name in (address, f"ray://{address}"):
            with pytest.raises(
                UserError, match=r"the Ray cluster cannot be reached: .*refused \(.*\) - start the cluster"
            ) as caught:
                RayPool(site, WORKERS, name)
            assert caught.value.where == name
    with pytest.raises(UserError, match="the Ray cluster cannot be reached"):
        RayPool(site, WORKERS, "nonsense")


def test_without_ray_the_error_says_how_to_get_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError) as caught:
        open_pool(Pool(kind="ray"), site)
    assert caught.value.line() == "the ray pool needs Ray - pip install 'ml-agent[train]'"


@pytest.mark.slow
@pytest.mark.bwrap
def test_episodes_are_the_same_in_every_pool(shared_ray: ModuleType, tmp_path: Path) -> None:
    del shared_ray
    jobs = [EpisodeJob(Start("spaceship-titanic", 3, "linear"), CalmActor(), 2, seed, 20.0) for seed in range(2)]
    played: dict[str, list[Episode]] = {}
    kinds: tuple[PoolKind, ...] = ("serial", "fork", "ray")
    drawn = Site(tmp_path / "serial", "serial", 20.0, 64).variants
    for kind in kinds:
        site = Site(tmp_path / kind, kind, 20.0, 64)
        if kind != "serial":  # the data and its reference take most of the time, and are not what is compared
            shutil.copytree(drawn, site.variants, symlinks=True)
        with open_pool(Pool(kind=kind, workers=WORKERS), site) as pool:
            played[kind] = [_timeless(episode) for episode in run_all(pool, jobs)]
    assert played["serial"] == played["fork"] == played["ray"]
    for episode in played["serial"]:
        assert not episode.problem and len(episode.steps) == 2 and len(episode.values) == 3
        assert all(step.case == "edit" for step in episode.steps)


@pytest.mark.slow
def test_a_pool_that_started_ray_ends_it(tmp_path: Path) -> None:
    _ray()
    printed = _in_a_new_process(f"""
        import psutil, ray, time

        site = Site(Path({str(tmp_path)!r}), "ray", 5.0, 64)
        with open_pool(Pool(kind="ray", workers=1), site) as pool:
            print(run_all(pool, [Square(2), Square(3)]), ray.is_initialized())
            pool.close()
            print(ray.is_initialized())
        until = time.monotonic() + 60
        while psutil.Process().children(recursive=True) and time.monotonic() < until:
            time.sleep(0.05)
        print(psutil.Process().children(recursive=True))
        """)
    assert printed == ["[4, 9] True", "False", "[]"]


def _ray() -> ModuleType:
    pytest.importorskip("ray")
    return importlib.import_module("ray")


def _timeless(episode: Episode | Lost) -> Episode:
    """Without what may differ from run to run."""
    assert isinstance(episode, Episode), episode
    return replace(episode, steps=tuple(replace(step, seconds=0.0, before_seconds=0.0, cached=False) for step in episode.steps))


def _in_a_new_process(script: str) -> list[str]:
    """The lines that a script prints."""
    call = [sys.executable, "-c", NAMES + textwrap.dedent(script)]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def _spawned() -> set[int]:
    """The workers of process pools."""
    found: set[int] = set()
    for process in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE and any("spawn_main" in part for part in process.cmdline()):
                found.add(process.pid)
    return found
