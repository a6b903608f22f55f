"""The environment variables of a job that runs as processes of this machine."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from sandbox.runner import Job, Limits, SandboxError

NVIDIA_CONTROL = Path("/dev/nvidiactl")


def environment(job: Job, limits: Limits, place: Mapping[str, str]) -> dict[str, str]:
    """The whole environment: defaults, what the sandbox sets for this `place`, then `job.env` over both.

    Nothing of our own environment is in it unless `place` names it: an API key never reaches a job.
    Raises SandboxError when GPUs are asked for and there are none.
    """
    return {
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": str(max(1, math.floor(limits.cpus))),
        "CUDA_VISIBLE_DEVICES": _visible_gpus(limits.gpus),
        **place,
        **job.env,
    }


def with_import_paths(variables: Mapping[str, str], root: str, own: Sequence[str]) -> dict[str, str]:
    """`variables` with the project's own import directories, relative to `root`, ahead of those of the environment.

    An editable install of the project would otherwise import the original files, and an edit would change nothing.
    """
    if not own:
        return dict(variables)
    given = variables.get("PYTHONPATH")
    paths = [*([given] if given else []), *(os.path.normpath(os.path.join(root, path)) for path in own)]
    return {**variables, "PYTHONPATH": ":".join(paths)}


def python_variables(python: Path | None, path: str) -> dict[str, str]:
    """PATH with the directory of `python` before `path`, and what activating its environment would set."""
    if python is None:
        return {"PATH": path}
    variables = {"PATH": f"{python.parent}:{path}"}
    prefix = python.parent.parent
    if (prefix / "pyvenv.cfg").is_file():
        variables["VIRTUAL_ENV"] = str(prefix)
    elif (prefix / "conda-meta").is_dir():
        variables["CONDA_PREFIX"] = str(prefix)
    return variables


def _visible_gpus(wanted: int) -> str:
    """The first `wanted` of the NVIDIA devices that we may use ourselves, as CUDA reads them."""
    if wanted <= 0:
        return ""
    if not NVIDIA_CONTROL.exists():
        raise SandboxError("the run asks for a GPU and this machine has no NVIDIA driver", how="set [limits] gpus = 0")
    ours = os.environ.get("CUDA_VISIBLE_DEVICES")
    devices = ours.split(",") if ours else [str(number) for number in range(wanted)]
    return ",".join(devices[:wanted])
