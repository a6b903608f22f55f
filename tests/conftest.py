"""What every test has: its own home, state and configuration, and a git identity of its own. No test may see the user's."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

# Fast and random by default, so that every run of a person looks at new cases; `HYPOTHESIS_PROFILE=ci` looks harder at the same
# cases every time, so that what passed once goes on passing. No deadlines: the machine may be busy.
settings.register_profile("fast", max_examples=40, deadline=None)
settings.register_profile("ci", max_examples=200, deadline=None, print_blob=True, derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))

# Under REQUIRE_DOCKER=1 a skipped test marked `docker` is a failure, and so on: CI fails where it would else say nothing.
REQUIRABLE = ("docker", "bwrap", "torch", "vllm")
# The files that take longest, in minutes: first, so that no process is left with one of them when the others have ended.
LONGEST = (
    "vllm/test_real.py",
    "e2e/test_shapes.py",
    "training/test_pool.py",
    "environment/test_adapters.py",
    "training/test_ranks.py",
    "training/test_pipeline.py",
    "tasks/test_attacks.py",
    "repo/test_properties.py",
    "session/test_task.py",
    "cli/test_writing.py",
)
GIT_CONFIG = """[user]
\tname = Test User
\temail = test@example.com
[init]
\tdefaultBranch = main
[commit]
\tgpgSign = false
[protocol "file"]
\tallow = always
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first; the others in their order."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get("/".join(item.path.parts[-2:]), len(LONGEST)))


@pytest.fixture(autouse=True)
def isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point home, state, configuration and git's global settings to a fresh directory, which is returned."""
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith(("MLAGENT_", "GIT_")):
            monkeypatch.delenv(name)
    (home / ".gitconfig").write_text(GIT_CONFIG, "utf-8")
    for name, value in {
        "HOME": home,
        "XDG_CONFIG_HOME": home / ".config",
        "XDG_STATE_HOME": home / ".local" / "state",
        "XDG_DATA_HOME": home / ".local" / "share",
        "XDG_CACHE_HOME": home / ".cache",
        "MLAGENT_STATE_DIR": home / "state",
        "GIT_CONFIG_GLOBAL": home / ".gitconfig",
        "GIT_CONFIG_NOSYSTEM": "1",
        "OMP_NUM_THREADS": "1",
    }.items():
        monkeypatch.setenv(name, str(value))
    return home


def _required(names: tuple[str, ...]) -> str:
    """The first of these whose REQUIRE_ variable is set, else nothing."""
    return next((name for name in names if os.environ.get(f"REQUIRE_{name.upper()}")), "")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skipped test of a kind that is required is a failed test."""
    report = yield
    name = _required(tuple(name for name in REQUIRABLE if item.get_closest_marker(name)))
    if report.skipped and name and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped although REQUIRE_{name.upper()} is set: {report.longrepr}"
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_collectreport(report: pytest.CollectReport) -> None:
    """A module that skips itself hides its tests, whatever their marks: where anything is required it is a failure."""
    name = _required(REQUIRABLE)
    if report.skipped and name:
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} skipped itself although REQUIRE_{name.upper()} is set: {report.longrepr}"
