"""Containers that outlived the process that started them: found by a label that names that process, and removed."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress
from pathlib import Path

from sandbox.docker_engine import Engine, EngineError

OWNER_LABEL = "org.ml-agent.owner"


def owner() -> str:
    """This process, as no other process ever is: `host:boot:namespace:pid:start time`."""
    return ":".join([*_place(), str(os.getpid()), _start_time(os.getpid())])


def reap_orphans(engine: Engine) -> int:
    """Remove every container of ours whose owner is gone, running or not; returns how many.

    Containers of other machines or process namespaces are left alone: whether their owner lives cannot be seen from here.
    """
    removed = 0
    for container, label in engine.labelled(OWNER_LABEL):
        if _owner_is_gone(label):
            with suppress(EngineError):
                engine.remove(container)
                removed += 1
    return removed


def _owner_is_gone(label: str) -> bool:
    fields = label.split(":")
    if len(fields) != 5:
        return False
    host, boot, namespace, pid, start = fields
    here, this_boot, this_namespace = _place()
    if host != here:
        return False
    if boot != this_boot:
        return True
    if namespace != this_namespace or not pid.isdigit():
        return False
    return _start_time(int(pid)) != start


def _place() -> tuple[str, str, str]:
    """Host name, boot and process namespace. The machine's name must not hold the separator."""
    if sys.platform == "linux":
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = os.readlink("/proc/self/ns/pid").partition("[")[2].rstrip("]")
    else:
        import psutil

        boot, namespace = str(int(psutil.boot_time())), "0"
    return socket.gethostname().replace(":", "-"), boot, namespace


def _start_time(pid: int) -> str:
    """When a process began, empty when there is none: a pid alone may belong to another process by now."""
    if sys.platform != "linux":
        import psutil

        try:
            return str(int(psutil.Process(pid).create_time()))
        except psutil.Error:
            return ""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return ""
    fields = status.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]
