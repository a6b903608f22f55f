"""An image with a project's requirements installed, cached by their content.

pip runs in a container of the base image, and what it left is committed. Its configuration and certificates go in through
stdin into a memory file system, so that they are in no layer and in no history.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import tarfile
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from sandbox.docker_engine import Engine, EngineError, Json
from sandbox.docker_orphans import OWNER_LABEL, owner
from sandbox.hostruntime import Mount
from sandbox.requirements import PipSettings, Requirements, pip_settings
from sandbox.runner import SandboxError

RECIPE = "1"  # changes when the same requirements would give another image
BUILD_SECONDS = 3600.0
HIDDEN = "/run/mlagent"
INSTALL = f"""
python3 -c "import sys, tarfile; tarfile.open(fileobj=sys.stdin.buffer, mode='r|').extractall('{HIDDEN}')" || exit 3
python3 -m pip --version || exit 3
export PIP_CONFIG_FILE={HIDDEN}/pip.conf PIP_ROOT_USER_ACTION=ignore
exec python3 -m pip install --no-input --no-cache-dir --disable-pip-version-check --progress-bar off \
    -c {HIDDEN}/constraints.txt -r {HIDDEN}/requirements.txt </dev/null 2>&1
"""
NO_PIP = 3


def build_requirements(engine: Engine, requirements: Requirements, base: str, log: Callable[[str], None]) -> str:
    """The tag of an image of `base` with `requirements`; installed now unless the engine has it. Raises SandboxError."""
    try:
        content = "\0".join([RECIPE, engine.image_id(base) or base, *requirements.lines, "-c", *requirements.constraints])
        tag = f"mlagent-env:{hashlib.sha256(content.encode()).hexdigest()[:16]}"
        if engine.image_id(tag) is not None:
            return tag
        log(f"Installing the requirements of {requirements.source} into {base}")
        for line in requirements.left_out:
            log(f"Left out, because it means a path of this machine: {line}")
        _install(engine, requirements, base, tag, log)
        return tag
    except EngineError as error:
        raise SandboxError(f"the requirements could not be installed into {base}: {error}") from error


def _install(engine: Engine, requirements: Requirements, base: str, tag: str, log: Callable[[str], None]) -> None:
    settings = pip_settings(os.environ, Path.home())
    container = engine.create(_configuration(base, settings))
    try:
        attachment = engine.attach(container)
        lines: list[str] = []

        def take(line: str) -> None:
            lines.append(line)
            log(line)

        reader = threading.Thread(target=_read_lines, args=(attachment.frames(), take), daemon=True)
        reader.start()
        engine.start(container)
        with suppress(EngineError):  # it ended before it read everything; its exit code says why
            attachment.send(_hidden_files(requirements, settings))
        code = engine.wait(container, BUILD_SECONDS)
        attachment.close()
        reader.join(timeout=10)
        if code != 0:
            raise _failure(base, code, lines)
        # The label would make everything that is ever started from the image look like a container of this process.
        engine.commit(container, tag, ["ENTRYPOINT []", 'CMD ["python3"]', f"LABEL {OWNER_LABEL}="])
    finally:
        engine.remove(container)


def _configuration(base: str, settings: PipSettings) -> Json:
    directories = [Mount(os.path.realpath(path), str(path)) for path in settings.directories]
    return {
        "Image": base,
        "Entrypoint": ["/bin/sh", "-c"],
        "Cmd": [INSTALL],
        "User": "0:0",
        "OpenStdin": True,
        "StdinOnce": True,
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "Labels": {OWNER_LABEL: owner()},
        "HostConfig": {
            "Mounts": [mount.to_json() for mount in directories],
            "Tmpfs": {HIDDEN: "mode=0700"},
            "CapDrop": ["ALL"],
            "CapAdd": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETUID", "SETGID"],
            "SecurityOpt": ["no-new-privileges"],
            "Init": True,
            "LogConfig": {"Type": "none"},
        },
    }


def _hidden_files(requirements: Requirements, settings: PipSettings) -> bytes:
    files = {
        "pip.conf": settings.configuration(f"{HIDDEN}/certificates.pem").encode(),
        "requirements.txt": "\n".join([*requirements.lines, ""]).encode(),
        "constraints.txt": "\n".join([*requirements.constraints, ""]).encode(),
    }
    if settings.certificates is not None:
        files["certificates.pem"] = settings.certificates.read_bytes()
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o600
            archive.addfile(entry, io.BytesIO(data))
    return stream.getvalue()


def _read_lines(frames: Iterable[tuple[int, bytes]], log: Callable[[str], None]) -> None:
    """Hand on whole lines, whatever the stream they come from."""
    partial = b""
    for _, data in frames:
        *whole, partial = (partial + data).split(b"\n")
        for line in whole:
            log(_without_password(line.decode(errors="replace").rstrip()))
    if partial:
        log(_without_password(partial.decode(errors="replace").rstrip()))


def _failure(base: str, code: int | None, lines: list[str]) -> SandboxError:
    if code is None:
        return SandboxError(f"installing the requirements took longer than {BUILD_SECONDS / 60:.0f} minutes")
    if code in (NO_PIP, 127):
        return SandboxError(f"the image {base} has no Python with pip", how="name another base image")
    said = next((line for line in reversed(lines) if line.startswith("ERROR")), lines[-1] if lines else f"exit code {code}")
    return SandboxError(f"pip could not install the requirements: {said}", how="check them and pip's index")


def _without_password(text: str) -> str:
    return re.sub(r"//[^/@\s]+@", "//***@", text)
