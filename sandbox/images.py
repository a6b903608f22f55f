"""What a container's file system is made of: the host itself, a named image, a Dockerfile, or the project's requirements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sandbox.docker_engine import Engine, EngineError
from sandbox.hostruntime import skeleton_image
from sandbox.images_dockerfile import build_dockerfile
from sandbox.images_requirements import build_requirements
from sandbox.requirements import collect_requirements, python_version
from sandbox.runner import SandboxError

RuntimeKind = Literal["host", "image", "dockerfile", "requirements"]


@dataclass(frozen=True, slots=True)
class RuntimeSpec:
    """Which runtime is wanted.

    `image` is for kind `image`; `dockerfile` for kind `dockerfile` (its context is the project when it lies in it);
    `requirements` (a requirements file or a pyproject.toml; None: looked for in the project, else the packages of the chosen
    Python) and `base` (an image with Python and pip; empty: `python:X.Y-slim`) for kind `requirements`.
    """

    kind: RuntimeKind = "host"
    image: str = ""
    dockerfile: Path | None = None
    requirements: Path | None = None
    base: str = ""


def resolve(
    engine: Engine, spec: RuntimeSpec, *, project: Path | None, python: Path | None, progress: Callable[[str], None]
) -> str:
    """The tag of the image that `spec` asks for, made or fetched when the engine does not have it.

    `progress` gets the lines of a download or a build. Raises SandboxError.
    """
    if spec.kind == "host":
        return skeleton_image(engine)
    if spec.kind == "image":
        return _present(engine, spec.image, progress)
    if spec.kind == "dockerfile":
        if spec.dockerfile is None or not spec.dockerfile.is_file():
            raise SandboxError(f"there is no Dockerfile at {spec.dockerfile}", how="set [sandbox] dockerfile")
        return build_dockerfile(engine, spec.dockerfile, project, progress)
    requirements = collect_requirements(spec.requirements, project, python)
    base = _present(engine, spec.base or f"python:{python_version(python)}-slim", progress)
    return build_requirements(engine, requirements, base, progress)


def _present(engine: Engine, tag: str, progress: Callable[[str], None]) -> str:
    """`tag`, fetched when the engine does not have it."""
    if not tag:
        raise SandboxError("no image is named", how="set [sandbox] image")
    try:
        if engine.image_id(tag) is None:
            progress(f"Fetching {tag}")
            engine.pull(tag, progress)
    except EngineError as error:
        raise SandboxError(
            f"the image {tag} cannot be had: {error}", how="check its name and the network, or build it"
        ) from error
    return tag
