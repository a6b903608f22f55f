"""The worker pools: the same results as one after the other, whatever happens to the workers."""

from __future__ import annotations

import importlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import psutil
import pytest

from mlagent_app.agent.errors import Exit, UserError
from tests.training.pool_jobs import AnyActor, Deadly, Hung, Meeting, Square, Whereabouts, Wrong
from training.draws import Start
from training.episodes import Episode, EpisodeJob
from training.pool import Lost, ProcessPool, SerialPool, WorkerPool, open_pool, run_all
from training.raypool import RayPool
from training.recipe import Pool, Recipe
from training.workbench import Site

ROOT = Path(__file__).parents[2]
WORKERS = 2
STALL_SECONDS = 1.0
KINDS = ["process", pytest.param("ray", marks=pytest.mark.slow)]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path, "fork", 5.0, "v1", 64)


@pytest.fixture(scope="module")
def after_ray() -> Iterator[None]:
    """What is left of Ray when the tests of this module are over is ended."""
    yield
    ray = sys.modules.get("ray")
    if ray is not None:
        ray.shutdown()


@pytest.fixture
def shared_ray(after_ray: None) -> ModuleType:
    """One Ray for all tests, as its start takes seconds; the pools find it and leave it running."""
    del after_ray
    ray = _ray()
    if not ray.is_initialized():
        ray.init(address="local", num_cpus=WORKERS, include_dashboard=False, log_to_driver=False)
    return ray


@pytest.fixture(params=KINDS)
def pool(request: pytest.FixtureRequest, site: Site) -> Iterator[WorkerPool]:
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
    _wait_until(lambda: not psutil.pid_exists(found) or psutil.Process(found).status() == psutil.STATUS_ZOMBIE)
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


def test_a_slow_caller_makes_no_worker_late(pool: WorkerPool) -> None:
    run_all(pool, [Square(1, after=0.5), Square(2, after=0.5)])
    results: list[int | Lost] = []
    for _, result in pool.imap([Square(number, seconds=20.0) for number in range(4)]):
        results.append(result)
        time.sleep(0.2)
    assert sorted(number for number in results if isinstance(number, int)) == [0, 1, 4, 9]


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
    before = _children()
    with ProcessPool(site, WORKERS, stall_seconds=STALL_SECONDS) as pool:
        one, two = tmp_path / "one", tmp_path / "two"
        run_all(pool, [Meeting(one, two), Meeting(two, one)])
        assert len(_children() - before) == WORKERS
    assert _children() == before
    pool.close()


@pytest.mark.slow
def test_a_pool_uses_a_cluster_and_leaves_it_running(shared_ray: ModuleType, tmp_path: Path) -> None:
    address = shared_ray.get_runtime_context().gcs_address
    script = f"""
from pathlib import Path
from mlagent_app.agent.errors import UserError
from tests.training.pool_jobs import Square
from training.pool import run_all
from training.raypool import RayPool
from training.workbench import Site

site = Site(Path({str(tmp_path)!r}), "ray", 5.0, "v1", 64)
try:
    RayPool(site, {WORKERS + 1}, {address!r})
except UserError as error:
    print(error.line())
with RayPool(site, {WORKERS}, {address!r}) as pool:
    print(run_all(pool, [Square(2), Square(3)]))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    how = "set pool.workers to at most 2, or add machines"
    assert done.stdout.splitlines() == [f"the Ray cluster has 2 CPUs for 3 workers ({address}) - {how}", "[4, 9]"], done.stderr
    assert shared_ray.cluster_resources()["CPU"] == WORKERS


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
    jobs = [EpisodeJob(Start("spaceship-titanic", 3, "linear"), AnyActor(), 2, seed, 20.0) for seed in range(2)]
    played: dict[str, list[Episode]] = {}
    for kind in ("serial", "fork", "ray"):
        recipe = Recipe.model_validate({"name": "test", "pool": {"kind": kind, "workers": WORKERS, "run_seconds": 20.0}})
        with open_pool(recipe.pool, Site.of(recipe, tmp_path / kind)) as pool:
            played[kind] = [_timeless(episode) for episode in run_all(pool, jobs)]
    assert played["serial"] == played["fork"] == played["ray"]
    for episode in played["serial"]:
        assert not episode.problem and len(episode.steps) == 2 and len(episode.values) == 3


@pytest.mark.slow
def test_a_pool_that_started_ray_ends_it(site: Site, after_ray: None) -> None:
    del after_ray
    ray = _ray()
    ray.shutdown()
    before = _children()
    with open_pool(Pool(kind="ray", workers=1), site) as pool:
        assert run_all(pool, [Square(2), Square(3)]) == [4, 9]
        assert ray.is_initialized()
        pool.close()
        assert not ray.is_initialized()
        _wait_until(lambda: _children() == before)
    pool.close()


def _ray() -> ModuleType:
    pytest.importorskip("ray")
    return importlib.import_module("ray")


def _timeless(episode: Episode | Lost) -> Episode:
    """Without what may differ from run to run."""
    assert isinstance(episode, Episode), episode
    return replace(episode, steps=tuple(replace(step, seconds=0.0, cached=False) for step in episode.steps))


def _children() -> set[int]:
    """The processes below this one, without the one in which Python keeps books of semaphores, which stays."""
    below = psutil.Process().children(recursive=True)
    found: set[int] = set()
    for process in below:
        try:
            if process.status() != psutil.STATUS_ZOMBIE and "resource_tracker" not in " ".join(process.cmdline()):
                found.add(process.pid)
        except psutil.NoSuchProcess:
            continue
    return found


def _wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 20.0
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)
