"""An image built from a project's own Dockerfile, cached by the content of all that the build can see.

pip's configuration and certificates reach every RUN as build secrets, which leave no trace in the image. The classic builder
has no secrets: there the settings go in as build arguments, and only those without a password.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from sandbox.docker_engine import Engine, EngineError
from sandbox.requirements import PipSettings, pip_settings
from sandbox.runner import SandboxError

BUILD_SECONDS = 3600.0
PIP_SECRET = "mlagent-pip"
CA_SECRET = "mlagent-ca"
HEREDOC = re.compile(r"<<-?\s*[\"']?(\w+)[\"']?")


@dataclass(frozen=True, slots=True)
class BuildKit:
    """The command that builds with BuildKit here, and the variables it needs."""

    command: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict[str, str])


def build_dockerfile(engine: Engine, dockerfile: Path, project: Path | None, log: Callable[[str], None]) -> str:
    """The tag of the image that `dockerfile` describes; built now unless the engine has it. Raises SandboxError."""
    inside = project is not None and dockerfile.resolve().is_relative_to(project.resolve())
    context = project.resolve() if inside and project is not None else dockerfile.resolve().parent
    try:
        tag = f"mlagent-project:{_digest(context, dockerfile.resolve())}"
        if engine.image_id(tag) is not None:
            return tag
        log(f"Building {dockerfile}")
        settings = pip_settings(os.environ, Path.home())
        builder = find_buildkit()
        if builder is not None:
            _build_with_secrets(builder, context, dockerfile.resolve(), tag, settings, log)
        else:
            name = os.path.relpath(dockerfile.resolve(), context)
            engine.build(str(context), name, tag, _harmless_arguments(settings), log)
        return tag
    except (EngineError, OSError) as error:
        raise SandboxError(f"{dockerfile} could not be built: {error}", how="try `docker build` on it") from error


def find_buildkit() -> BuildKit | None:
    """How the `docker` command builds with BuildKit: the buildx plugin, else what clients before 23 had built in."""
    if shutil.which("docker") is None:
        return None
    if _said(["docker", "buildx", "version"]) is not None:
        return BuildKit(("docker", "buildx", "build", "--load"))
    version = _said(["docker", "version", "--format", "{{.Client.Version}}"]) or ""
    major = version.partition(".")[0]
    if major.isdigit() and 18 < int(major) < 23:
        return BuildKit(("docker", "build"), {"DOCKER_BUILDKIT": "1"})
    return None


def with_secrets(dockerfile: str, secrets: Mapping[str, str]) -> str:
    """`dockerfile` with every RUN seeing the `secrets` (id -> path), and pip told where its configuration is."""
    mounts = "".join(f" --mount=type=secret,id={name},target={path},mode=0444" for name, path in secrets.items())
    escape = "`" if re.search(r"(?mi)^#\s*escape\s*=\s*`", dockerfile) else "\\"
    result: list[str] = []
    heredocs: list[str] = []
    continued = False
    for line in dockerfile.splitlines():
        if heredocs:
            result.append(line)
            if line.strip() == heredocs[0]:
                heredocs.pop(0)
            continue
        comment = line.lstrip().startswith("#")
        instruction = "" if continued or comment else line.strip().partition(" ")[0].upper()
        if instruction == "RUN":
            line = re.sub(r"(?i)^(\s*run)\b", lambda found: found[1] + mounts, line, count=1)
        result.append(line)
        if not comment:
            heredocs += HEREDOC.findall(line) if instruction in ("RUN", "COPY", "ADD") or continued else []
            continued = line.rstrip().endswith(escape) and not heredocs
        if instruction == "FROM" and not continued:
            result.append(f"ARG PIP_CONFIG_FILE={secrets[PIP_SECRET]}")
    return "\n".join([*result, ""])


def _build_with_secrets(
    builder: BuildKit, context: Path, dockerfile: Path, tag: str, settings: PipSettings, log: Callable[[str], None]
) -> None:
    with tempfile.TemporaryDirectory(prefix="mlagent-build-") as directory:
        secrets = {PIP_SECRET: f"/run/secrets/{PIP_SECRET}"}
        sources = {PIP_SECRET: Path(directory, "pip.conf")}
        if settings.certificates is not None:
            secrets[CA_SECRET], sources[CA_SECRET] = f"/run/secrets/{CA_SECRET}", settings.certificates
        sources[PIP_SECRET].write_text(settings.configuration(f"/run/secrets/{CA_SECRET}"))
        copy = Path(directory, "Dockerfile")
        original = dockerfile.read_text(encoding="utf-8")
        copy.write_text(with_secrets(original, secrets) if settings.options or settings.certificates else original)
        options = [f"--secret=id={name},src={path}" for name, path in sources.items()]
        command = [*builder.command, "--progress=plain", "--tag", tag, "--file", str(copy), *options, str(context)]
        _run(command, {**os.environ, **builder.variables}, log)


def _run(command: list[str], variables: Mapping[str, str], log: Callable[[str], None]) -> None:
    """Run a build and hand on its lines; raises EngineError with the line that says why it failed."""
    lines: list[str] = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=variables, text=True,
        errors="replace",
    ) as build:  # fmt: skip
        for line in build.stdout or ():
            lines.append(line.rstrip())
            log(line.rstrip())
        code = build.wait(timeout=BUILD_SECONDS)
    if code != 0:
        why = next((line for line in reversed(lines) if "ERROR" in line.upper()), lines[-1] if lines else "")
        raise EngineError(" ".join(why.split()) or f"exit code {code}")


def _said(command: list[str]) -> str | None:
    """What a command prints, None when it fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def _harmless_arguments(settings: PipSettings) -> dict[str, str]:
    """Build arguments end up in the image's history: none with a password in it."""
    return {f"PIP_{name.upper().replace('-', '_')}": value for name, value in settings.options.items() if "@" not in value}


def _digest(context: Path, dockerfile: Path) -> str:
    """A hash of the Dockerfile and of every file of the context that .dockerignore lets through."""
    from docker.utils import build

    ignore = context / ".dockerignore"
    patterns = ignore.read_text(encoding="utf-8").splitlines() if ignore.is_file() else []
    patterns = [line.strip() for line in patterns if line.strip() and not line.startswith("#")]
    name = os.path.relpath(dockerfile, context)
    files = sorted(cast("set[str]", cast("Any", build).exclude_paths(str(context), patterns, dockerfile=name)))
    total = hashlib.sha256(dockerfile.read_bytes())
    for file in files:
        path = context / file
        total.update(f"\0{file}\0".encode())
        if path.is_symlink():
            total.update(os.readlink(path).encode())
        elif path.is_file():
            with path.open("rb") as stream:
                total.update(hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()[:16]
