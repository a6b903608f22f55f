"""Images for the Docker sandbox: named ones, Dockerfiles, and requirements. No registry is needed: the base is made here."""

import base64
import hashlib
import io
import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import docker
import pytest

from sandbox.docker import DockerRunner
from sandbox.docker_engine import Engine, EngineError
from sandbox.docker_orphans import OWNER_LABEL, reap_orphans
from sandbox.images import RuntimeSpec
from sandbox.images_dockerfile import find_buildkit
from sandbox.runner import Job, Limits, RunResult, SandboxError

pytestmark = pytest.mark.docker

BASE = "mlagent-tests-base"
PASSWORD = "hunter2"
LEFT_OUT = ("site-packages", "test", "tests", "idlelib", "ensurepip", "__pycache__", "config-*")


def libraries(binaries: list[Path]) -> set[Path]:
    """What the loader needs for `binaries`, under the names it looks for."""
    said = subprocess.run(["ldd", *binaries], capture_output=True, text=True, check=False).stdout
    words = [word for line in said.splitlines() for word in line.split()]
    return {Path(word) for word in words if word.startswith("/") and Path(word).exists()}


def add_tree(archive: tarfile.TarFile, source: Path, name: str) -> None:
    def keep(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        return None if any(Path(entry.name).match(pattern) for pattern in LEFT_OUT) else entry

    archive.add(source, name, filter=keep)


def base_tar() -> bytes:
    """This interpreter with pip, a shell, and the libraries of both: enough of a Linux for Python."""
    stdlib, prefix = Path(sysconfig.get_path("stdlib")), sys.base_prefix.lstrip("/")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    real = Path(sys.base_prefix, "bin", f"python{version}").resolve()
    binaries = [real, Path("/bin/sh").resolve(), *stdlib.glob("lib-dynload/*.so")]
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for directory in ("tmp", "usr/bin", "run", "proc", "sys", "dev", "etc"):
            entry = tarfile.TarInfo(directory)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if directory == "tmp" else 0o755
            archive.addfile(entry)
        add_tree(archive, stdlib, f"{prefix}/lib/python{version}")
        site = Path(sysconfig.get_path("purelib"), "pip")
        archive.add(site, f"{prefix}/lib/python{version}/site-packages/pip")
        archive.add(real, f"{prefix}/bin/python{version}")
        archive.add(Path("/bin/sh").resolve(), "bin/sh")
        for library in sorted(libraries(binaries)):
            archive.add(library.resolve(), str(library).lstrip("/"))
        for name in ("python", "python3"):
            entry = tarfile.TarInfo(f"usr/bin/{name}")
            entry.type, entry.linkname = tarfile.SYMTYPE, f"/{prefix}/bin/python{version}"
            archive.addfile(entry)
    return stream.getvalue()


def make_wheel(directory: Path, name: str, version: str, source: str) -> None:
    """A wheel of one module, by hand: nothing is there to download a build tool from."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": source,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    directory.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(directory / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            record += f"{path},sha256={digest},{len(text)}\n"
        wheel.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")


@pytest.fixture(scope="module")
def base(docker_engine: Engine) -> Generator[str]:
    content = base_tar()
    tag = f"{BASE}:{hashlib.sha256(content).hexdigest()[:16]}"
    if docker_engine.image_id(tag) is None:
        docker_engine.import_tar(content, tag)
    yield tag


@pytest.fixture
def made(docker_engine: Engine) -> Generator[list[str]]:
    """Images to remove after the test."""
    tags: list[str] = []
    yield tags
    assert docker_engine.info.name
    api: Any = docker.from_env().api
    for tag in tags:
        api.remove_image(tag, force=True)
    api.close()


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    path = tmp_path / "workspace"
    path.mkdir()
    return path


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of wheels that pip is set up to use, by a configuration that holds a password."""
    directory = tmp_path / "wheels"
    make_wheel(directory, "tinydependency", "1.0", "value = 'one'\n")
    make_wheel(directory, "tinydependency", "2.0", "value = 'two'\n")
    configuration = tmp_path / "pip.conf"
    configuration.write_text(f"[global]\nindex-url = https://user:{PASSWORD}@index.invalid/simple\nno-index = true\n")
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(configuration))
    monkeypatch.setenv("PIP_FIND_LINKS", str(directory))
    return directory


def run(runner: DockerRunner, workspace: Path, command: str) -> RunResult:
    return runner.run(Job(command, workspace, workspace.parent / "log.txt", python=Path(sys.executable)), Limits(memory_mb=512))


def everything_about(tag: str) -> bytes:
    """An image's configuration, history and the bytes of its layers."""
    api: Any = docker.from_env().api
    parts = [json.dumps(api.inspect_image(tag)).encode(), json.dumps(api.history(tag)).encode(), *api.get_image(tag)]
    api.close()
    return b"".join(parts)


def test_a_named_image_brings_its_own_python(base: str, workspace: Path) -> None:
    runner = DockerRunner.connect(RuntimeSpec("image", image=base))
    (workspace / "in.txt").write_text("data")
    (workspace / "job.py").write_text("import sys; print(sys.prefix, open('in.txt').read())")
    command = "python job.py && echo made > out.txt && [ ! -e /etc/alternatives ]"
    result = run(runner, workspace, command)
    assert (result.outcome, result.log_path.read_text()) == ("ok", f"{sys.base_prefix} data\n")
    assert (workspace / "out.txt").stat().st_uid == os.getuid()
    assert base in runner.notes[0]
    runner.close()


@pytest.mark.parametrize("spec", [RuntimeSpec("image", image="localhost:1/no/such:image"), RuntimeSpec("image")])
def test_an_image_that_cannot_be_had_is_said_in_one_line(docker_engine: Engine, spec: RuntimeSpec) -> None:
    assert docker_engine.info.name
    with pytest.raises(SandboxError, match="image") as error:
        DockerRunner.connect(spec)
    assert "\n" not in str(error.value) and error.value.how


@pytest.mark.slow
def test_requirements_are_installed_once_and_leave_no_password(
    base: str, workspace: Path, wheels: Path, tmp_path: Path, docker_engine: Engine, made: list[str]
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "requirements.txt").write_text("-r more.txt\n-e .\n")
    (project / "more.txt").write_text("tinydependency < 2  # the old one\n")
    progress: list[str] = []
    runner = DockerRunner.connect(RuntimeSpec("requirements", base=base), project=project, progress=progress.append)
    tag = runner.notes[0].split("image ")[1].split(";")[0]
    made.append(tag)
    assert any("tinydependency" in line for line in progress)
    assert any("-e ." in line for line in progress)
    result = run(runner, workspace, "python -c 'import tinydependency; print(tinydependency.value)'")
    assert result.log_path.read_text() == "one\n"
    runner.close()

    progress.clear()
    DockerRunner.connect(RuntimeSpec("requirements", base=base), project=project, progress=progress.append).close()
    assert progress == []
    content = everything_about(tag)
    assert PASSWORD.encode() not in content
    assert str(wheels).encode() not in content
    # The image must not pass the builder's label on: what a user starts from it is no orphan of ours.
    started = docker_engine.create({"Image": tag, "Cmd": ["true"]})
    try:
        reap_orphans(docker_engine)
        assert docker_engine.state(started).pid == 0
        assert all(label == "" for container, label in docker_engine.labelled(OWNER_LABEL) if container == started)
    finally:
        docker_engine.remove(started)


@pytest.mark.slow
def test_requirements_that_do_not_exist_are_said_and_leave_no_image(base: str, wheels: Path, tmp_path: Path) -> None:
    assert wheels.is_dir()
    (tmp_path / "requirements.txt").write_text("no-such-package-anywhere\n")
    spec = RuntimeSpec("requirements", requirements=tmp_path / "requirements.txt", base=base)
    with pytest.raises(SandboxError, match="no-such-package-anywhere") as error:
        DockerRunner.connect(spec)
    assert PASSWORD not in str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize("builder", ["as found", "classic", "docker-cli"])
def test_a_dockerfile_is_built_once_and_leaves_no_password(
    base: str,
    workspace: Path,
    wheels: Path,
    tmp_path: Path,
    made: list[str],
    builder: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert wheels.is_dir()
    if builder == "classic":
        monkeypatch.setenv("PATH", str(tmp_path))
    elif builder == "docker-cli":
        # The client of the distribution, where another one stands before it.
        monkeypatch.setenv("PATH", f"/usr/bin:{os.environ['PATH']}")
    project = tmp_path / "project"
    (project / "docker").mkdir(parents=True)
    (project / "settings.txt").write_text("from the project\n")
    (project / "probe.py").write_text("import sys\nprint('no-index' in sys.stdin.read())\n")
    (project / "docker" / "Dockerfile").write_text(
        f"FROM {base}\n"
        "COPY settings.txt probe.py /\n"
        "RUN python -m pip config list && \\\n"
        "    echo built > /built.txt\n"
        'RUN ["/bin/sh", "-c", "python -m pip config list | python /probe.py > /pip.txt"]\n'
    )
    spec = RuntimeSpec("dockerfile", dockerfile=project / "docker" / "Dockerfile")
    with_secrets = find_buildkit() is not None
    progress: list[str] = []
    runner = DockerRunner.connect(spec, project=project, progress=progress.append)
    tag = runner.notes[0].split("image ")[1].split(";")[0]
    made.append(tag)
    command = "python -c \"print(open('/settings.txt').read() + open('/built.txt').read() + open('/pip.txt').read())\""
    settings, built, pip, *_ = run(runner, workspace, command).log_path.read_text().splitlines()
    assert (settings, built) == ("from the project", "built")
    if with_secrets:
        assert pip == "True", "pip saw its configuration during the build"
    runner.close()

    progress.clear()
    DockerRunner.connect(spec, project=project, progress=progress.append).close()
    assert progress == []
    assert PASSWORD.encode() not in everything_about(tag)
    (project / "settings.txt").write_text("changed\n")
    changed = DockerRunner.connect(spec, project=project)
    made.append(changed.notes[0].split("image ")[1].split(";")[0])
    assert made[0] != made[1]
    changed.close()


@pytest.mark.slow
def test_a_dockerfile_that_does_not_build_says_why(base: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM {base}\nRUN exit 7\n")
    with pytest.raises(SandboxError, match="7") as error:
        DockerRunner.connect(RuntimeSpec("dockerfile", dockerfile=tmp_path / "Dockerfile"))
    assert "\n" not in str(error.value)
    with pytest.raises(SandboxError, match="no Dockerfile"):
        DockerRunner.connect(RuntimeSpec("dockerfile", dockerfile=tmp_path / "none"))


def test_a_missing_image_is_no_image(docker_engine: Engine) -> None:
    assert docker_engine.image_id("mlagent-tests-none:1") is None
    with pytest.raises(EngineError):
        docker_engine.create({"Image": "mlagent-tests-none:1"})
