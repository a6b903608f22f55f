"""What of the host a job gets to see."""

import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.hostruntime import host_environment
from sandbox.runner import SandboxError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the host runtime is for Linux")
PYTHON = Path(sys.executable)


def make_venv(place: Path) -> tuple[Path, Path]:
    """(its python, its site-packages)."""
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", place], check=True)
    (site,) = place.glob("lib/python*/site-packages")
    return place / "bin" / "python", site


def targets(python: Path, project: Path | None = None) -> set[str]:
    return {mount.target for mount in host_environment(python, project).mounts}


def test_the_environment_and_the_interpreter_behind_it_are_mounted_read_only(tmp_path: Path) -> None:
    python, _ = make_venv(tmp_path / "venv")
    environment = host_environment(python)
    assert {"/usr", str(tmp_path / "venv")} <= {mount.target for mount in environment.mounts}
    assert any(sys.base_prefix == mount.target or sys.base_prefix.startswith("/usr") for mount in environment.mounts)
    assert all(mount.read_only for mount in environment.mounts)
    assert all(mount.to_json()["BindOptions"]["NonRecursive"] for mount in environment.mounts)
    assert environment.variables["VIRTUAL_ENV"] == str(tmp_path / "venv")
    assert environment.variables["PATH"].startswith(f"{tmp_path / 'venv' / 'bin'}:")
    seen = {mount.target for mount in environment.mounts}
    assert not seen & {"/", "/etc", "/home", "/root", "/var", str(Path.home())}


def test_editable_installs_of_every_kind_are_found(tmp_path: Path) -> None:
    python, site = make_venv(tmp_path / "venv")
    for name in ("by_path", "by_mapping", "by_redirection"):
        (tmp_path / name / "src" / name).mkdir(parents=True)
    (site / "path.pth").write_text(f"{tmp_path / 'by_path' / 'src'}\n")
    mapping = {"by_mapping": str(tmp_path / "by_mapping" / "src" / "by_mapping")}
    (site / "__editable___finder.py").write_text(f"MAPPING = {mapping!r}\n")
    (site / "mapping.pth").write_text("import __editable___finder\n")
    redirection = {"by_redirection": str(tmp_path / "by_redirection" / "src" / "by_redirection")}
    (site / "redirector.py").write_text(
        "import sys\nclass Finder:\n"
        f"    _redirections = {redirection!r}\n"
        "    @classmethod\n    def find_spec(cls, *_): return None\n"
        "sys.meta_path.append(Finder)\n"
    )
    (site / "redirection.pth").write_text("import redirector\n")
    seen = targets(python)
    assert {str(tmp_path / name / "src") for name in ("by_path", "by_mapping", "by_redirection")} <= seen


def test_the_project_s_own_editable_install_is_not_mounted_but_named(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "src").mkdir(parents=True)
    python, site = make_venv(project / ".venv")
    (site / "own.pth").write_text(f"{project / 'src'}\n{project}\n")
    environment = host_environment(python, project)
    assert environment.own == (".", "src")
    assert not {str(project), str(project / "src")} & {mount.target for mount in environment.mounts}


def test_links_between_the_environment_and_the_interpreter_are_followed(tmp_path: Path) -> None:
    """uv and pyenv put links to links in the way."""
    python, _ = make_venv(tmp_path / "venv")
    real = python.resolve()
    (tmp_path / "shims").mkdir()
    (tmp_path / "shims" / "python").symlink_to(real)
    python.unlink()
    python.symlink_to(tmp_path / "shims" / "python")
    mounts = {mount.target: mount.source for mount in host_environment(python).mounts}
    assert mounts[str(tmp_path / "shims" / "python")] == str(real)


def test_directories_that_show_too_much_are_left_out(tmp_path: Path) -> None:
    python, site = make_venv(tmp_path / "venv")
    (site / "wide.pth").write_text(f"/\n/etc\n/home\n{Path.home()}\n")
    assert not targets(python) & {"/", "/etc", "/home", str(Path.home())}


def test_an_interpreter_that_does_not_work_is_said_in_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho it is broken >&2\nexit 3\n")
    broken.chmod(0o755)
    with pytest.raises(SandboxError, match="it is broken") as error:
        host_environment(broken)
    assert "\n" not in str(error.value) and error.value.how
