"""The choice among sandboxes: strongest first, never weaker in silence."""

import os
import sys
from pathlib import Path

import pytest

from sandbox.bwrap import BwrapRunner
from sandbox.choose import Wanted, choose, probe
from sandbox.images import RuntimeSpec
from sandbox.runner import Job, Limits, SandboxError


@pytest.fixture
def no_docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine.sock")


@pytest.fixture
def no_bwrap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A PATH on which nothing but the shell is found."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "sh").symlink_to("/bin/sh")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


@pytest.fixture
def bwrap() -> BwrapRunner:
    try:
        return BwrapRunner.connect()
    except SandboxError as error:
        if os.environ.get("REQUIRE_BWRAP") == "1":
            raise
        pytest.skip(str(error))


@pytest.mark.usefixtures("no_docker", "no_bwrap")
def test_with_no_wall_at_all_auto_stops_and_names_the_ways_out() -> None:
    with pytest.raises(SandboxError) as caught:
        choose("auto")
    message = str(caught.value)
    assert "Docker is not installed or not running" in message
    assert "bubblewrap is not installed" in message
    assert "--sandbox local" in message
    assert "\n" not in message


@pytest.mark.usefixtures("no_docker", "no_bwrap")
def test_local_is_chosen_by_itself_only_where_that_is_allowed_and_says_why() -> None:
    runner = choose("auto", allow_local=True)
    assert runner.name == "local"
    assert "not a wall" in runner.notes[0]
    assert any(note.startswith("Docker was passed over: ") for note in runner.notes)
    assert any(note.startswith("bubblewrap was passed over: ") for note in runner.notes)


def test_local_by_name_is_taken_without_asking_further() -> None:
    runner = choose("local")
    assert runner.name == "local"
    assert not any("passed over" in note for note in runner.notes)


@pytest.mark.usefixtures("no_docker")
def test_docker_by_name_is_docker_or_nothing() -> None:
    with pytest.raises(SandboxError, match="Docker"):
        choose("docker", allow_local=True)


@pytest.mark.usefixtures("no_bwrap")
def test_bwrap_by_name_is_bwrap_or_nothing() -> None:
    with pytest.raises(SandboxError, match="bubblewrap is not installed"):
        choose("bwrap", allow_local=True)


@pytest.mark.usefixtures("no_docker")
def test_an_image_that_only_docker_can_run_is_not_traded_for_another_sandbox() -> None:
    with pytest.raises(SandboxError, match="the configured image needs Docker"):
        choose("auto", runtime=RuntimeSpec("image", image="python:3.12"), allow_local=True)
    named = choose("local", runtime=RuntimeSpec("image", image="python:3.12"))
    assert "the configured image is not used: only Docker can run it" in named.notes


@pytest.mark.bwrap
@pytest.mark.usefixtures("no_docker", "bwrap")
def test_without_docker_auto_is_bwrap_and_says_why(tmp_path: Path) -> None:
    runner = choose("auto", wanted=Wanted(python=Path(sys.executable)))
    assert runner.name == "bwrap"
    assert runner.notes[-1] == "Docker was passed over: Docker is not installed or not running"
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    job = Job("python -c 'print(1)'", workspace, tmp_path / "log.txt", python=Path(sys.executable))
    assert runner.run(job, Limits()).outcome == "ok"


@pytest.mark.docker
@pytest.mark.usefixtures("docker_engine")
def test_with_docker_auto_is_docker(tmp_path: Path) -> None:
    runner = choose("auto", wanted=Wanted(python=Path(sys.executable), near=tmp_path))
    assert runner.name == "docker"
    assert not any("passed over" in note for note in runner.notes)
    assert probe()[0].works


@pytest.mark.bwrap
@pytest.mark.usefixtures("bwrap")
def test_a_python_that_can_not_run_behind_the_wall_is_found_out_before_the_first_run(tmp_path: Path) -> None:
    broken = tmp_path / "env" / "bin" / "python"
    broken.parent.mkdir(parents=True)
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    with pytest.raises(SandboxError, match="does not start behind bubblewrap"):
        choose("bwrap", wanted=Wanted(python=broken))


@pytest.mark.usefixtures("no_docker", "no_bwrap")
def test_the_probe_tells_what_works_and_how_to_mend_the_rest() -> None:
    docker, bwrap, local = probe()
    assert (docker.name, docker.works, bwrap.name, bwrap.works) == ("docker", False, "bwrap", False)
    assert docker.how
    assert "apt-get install bubblewrap" in bwrap.how
    assert (local.name, local.works) == ("local", True)
    assert "not a wall" in local.detail
