"""The host runtime: an almost empty image into which the host's system and the chosen Python are mounted read-only.

What the user has installed is what runs, and there is nothing to download or to build.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.docker_engine import Engine, Json
from sandbox.docker_workspace import SANDBOX_ID
from sandbox.jobenv import python_variables
from sandbox.runner import SandboxError

WORKSPACE = "/workspace"
HOME = "/tmp"
USER = "sandbox"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# `sbin` is a real directory below, because the engine puts its init there.
SYSTEM_DIRECTORIES = ("/bin", "/lib", "/lib32", "/lib64", "/libx32")
# Whole directories and files that programs and libraries of the host need, without anything secret in them.
SYSTEM_PATHS = (
    "/usr",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/alternatives",
    "/etc/localtime",
    "/etc/ssl/certs",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust",
    "/nix/store",
)
# An environment that claims one of these as its own would open the whole machine to the job.
NEVER_MOUNTED = ("/", "/home", "/root", "/etc", "/var", "/tmp", "/proc", "/sys", "/dev", "/run", "/opt", "/mnt", "/media")
WAYS_OUT = "name an image ([sandbox] image) or a Dockerfile ([sandbox] dockerfile), or use --sandbox bwrap"

# Asked of the chosen interpreter itself: where its files are, and what editable installs add.
PROBE = """
import json, os, site, sys
user = site.getusersitepackages() if sys.prefix == sys.base_prefix else ""
if user and os.path.isdir(user):
    site.addsitedir(user)
else:
    user = ""
added = []
for name, module in list(sys.modules.items()):
    if name.startswith("__editable__") or name.startswith("_editable"):
        added += [os.path.dirname(str(path)) for path in getattr(module, "MAPPING", {}).values()]
for finder in sys.meta_path:
    redirections = getattr(finder, "_redirections", None)
    if isinstance(redirections, dict):
        added += [os.path.dirname(str(path)) for path in redirections.values()]
print(json.dumps({
    "prefixes": [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix],
    "paths": [path for path in sys.path if path] + added,
    "user_base": site.getuserbase() if user else "",
}))
"""


@dataclass(frozen=True, slots=True)
class Mount:
    """`source` of the host at `target` in the container."""

    source: str
    target: str
    read_only: bool = True

    def to_json(self) -> Json:
        """As the engine takes it. Not recursive: what is mounted below a read-only mount would stay writable."""
        return {
            "Type": "bind",
            "Source": self.source,
            "Target": self.target,
            "ReadOnly": self.read_only,
            "BindOptions": {"NonRecursive": True, "Propagation": "rprivate"},
        }


@dataclass(frozen=True, slots=True)
class HostEnvironment:
    """What a job needs of the host: mounts, and variables that make the chosen Python the one that runs.

    `own` are the directories of the project that the environment imports from (an editable install of the project itself),
    relative to the project: a job must import from its workspace instead, or an edit would change nothing.
    """

    mounts: tuple[Mount, ...]
    variables: dict[str, str]
    own: tuple[str, ...] = ()


def skeleton_image(engine: Engine) -> str:
    """The tag of the skeleton image; made in memory and imported when the engine does not have it (0.1 s)."""
    archive = _skeleton_tar()
    tag = f"mlagent-host:{hashlib.sha256(archive).hexdigest()[:16]}"
    if engine.image_id(tag) is None:
        engine.import_tar(archive, tag)
    return tag


def environment_key(python: Path) -> tuple[str, int]:
    """Changes when packages were installed into or removed from the environment of `python`."""
    newest = 0
    for directory in python.parent.parent.glob("lib/python*/site-packages"):
        newest = max(newest, directory.stat().st_mtime_ns)
    return str(python), newest


def host_environment(python: Path | None, project: Path | None = None) -> HostEnvironment:
    """The host's system directories and the environment of the interpreter `python`, for jobs on copies of `project`.

    Raises SandboxError when the interpreter does not answer, or when its environment cannot be mounted safely.
    """
    if sys.platform != "linux":
        raise SandboxError("the host's Python can run in Docker only on Linux", how=WAYS_OUT)
    system = [path for path in SYSTEM_PATHS if os.path.exists(path)]
    system += [path for path in SYSTEM_DIRECTORIES if os.path.isdir(path) and not os.path.islink(path)]
    variables = python_variables(python, SYSTEM_PATH)
    if python is None:
        return HostEnvironment(_mounts(system), variables)
    found = _ask(python)
    prefixes = [str(path) for path in found["prefixes"]]
    for path in prefixes:
        if _is_too_wide(path):
            raise SandboxError(f"the environment of {python} is all of {path}, which a job must not see", how=WAYS_OUT)
    if found["user_base"]:
        variables["PYTHONUSERBASE"] = str(found["user_base"])
    outside = [path for path in found["paths"] if not _is_below(path, [*prefixes, *system]) and not _is_too_wide(path)]
    own = [path for path in outside if project is not None and _is_below(path, [str(project)])]
    others = [path for path in outside if path not in own]
    import_paths = sorted({os.path.relpath(path, project) for path in own})
    return HostEnvironment(_mounts([*system, *prefixes, *_link_hops(python), *others]), variables, tuple(import_paths))


def _skeleton_tar() -> bytes:
    """A tar archive of directories, the host's own links such as /lib -> usr/lib, and three small files."""
    passwd = f"root:x:0:0:root:{HOME}:/bin/sh\n{USER}:x:{SANDBOX_ID}:{SANDBOX_ID}:{USER}:{HOME}:/bin/sh\n"
    group = f"root:x:0:\n{USER}:x:{SANDBOX_ID}:\n"
    uid, gid = os.getuid(), os.getgid()
    if uid not in (0, SANDBOX_ID):
        passwd += f"user:x:{uid}:{gid}:user:{HOME}:/bin/sh\n"
        group += f"user:x:{gid}:\n" if gid not in (0, SANDBOX_ID) else ""
    files = {"etc/passwd": passwd, "etc/group": group, "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n"}
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in ("etc", "sbin", "usr", "tmp", "proc", "sys", "dev", "run", "var", "workspace"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            archive.addfile(entry)
        for path in SYSTEM_DIRECTORIES:
            if os.path.islink(path):
                entry = tarfile.TarInfo(path.lstrip("/"))
                entry.type, entry.linkname = tarfile.SYMTYPE, os.readlink(path)
                archive.addfile(entry)
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text.encode()), 0o644
            archive.addfile(entry, io.BytesIO(text.encode()))
    return stream.getvalue()


def _ask(python: Path) -> dict[str, Any]:
    wrong = f"the interpreter {python} does not work"
    try:
        answer = subprocess.run(
            [str(python), "-I", "-c", PROBE], capture_output=True, timeout=60, check=True, cwd="/", stdin=subprocess.DEVNULL
        )
        return json.loads(answer.stdout)
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode(errors="replace").strip().splitlines()
        raise SandboxError(f"{wrong}: {lines[-1] if lines else error}", how="choose another ([sandbox] python)") from error
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise SandboxError(f"{wrong}: {error}", how="choose another ([sandbox] python)") from error


def _link_hops(python: Path) -> list[str]:
    """Every path between `python` and the real file: an environment's python is often a link to a link."""
    hops: list[str] = []
    path = str(python)
    while os.path.islink(path) and len(hops) < 40:
        path = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(path)))
        hops.append(path)
    return hops


def _is_too_wide(path: str) -> bool:
    real = os.path.realpath(path)
    return real in NEVER_MOUNTED or real == os.path.realpath(Path.home())


def _is_below(path: str, roots: Iterable[str]) -> bool:
    return any(path == root or path.startswith(root.rstrip("/") + "/") for root in roots)


def _mounts(paths: Sequence[str]) -> tuple[Mount, ...]:
    """One mount for each path that no other one shows already, and for each file system mounted below one."""
    spelled = {os.path.normpath(path) for path in paths if os.path.exists(path)}
    wanted = spelled | {os.path.realpath(path) for path in spelled}
    shown: dict[str, str] = {}
    for target in sorted(wanted):
        source = os.path.realpath(target)
        above = next((root for root in shown if _is_below(target, [root])), None)
        if above is None or os.path.join(shown[above], os.path.relpath(target, above)) != source:
            # Below another mount a place exists already, unless it is a link there: then that link shows the way.
            if above is None or not os.path.islink(target):
                shown[target] = source
    for point in _mount_points():
        above = next((target for target, source in shown.items() if _is_below(point, [source])), None)
        if above is not None and point not in shown.values():
            shown[os.path.join(above, os.path.relpath(point, shown[above]))] = point
    return tuple(Mount(source, target) for target, source in sorted(shown.items()))


def _mount_points() -> list[str]:
    """Where file systems are mounted on this machine, outermost first."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as table:
        points = {line.split()[4].replace("\\040", " ") for line in table}
    return sorted(point for point in points if point != "/")
