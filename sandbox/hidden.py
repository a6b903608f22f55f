"""What a job must not read although it lies inside something that the job sees: where it shows, and what is put over it."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.docker_engine import Json
from sandbox.hostruntime import Mount

# Nothing comes out of it, and it is on every machine.
NOTHING = "/dev/null"


@dataclass(frozen=True, slots=True)
class Mask:
    """Something empty at `target` inside the sandbox."""

    target: str
    is_directory: bool

    def to_json(self) -> Json:
        """As Docker's engine takes it."""
        if self.is_directory:
            options = {"SizeBytes": 4096, "Mode": 0o555}
            return {"Type": "tmpfs", "Target": self.target, "ReadOnly": True, "TmpfsOptions": options}
        return Mount(NOTHING, self.target).to_json()


def without_hidden(mounts: Sequence[Mount], hidden: Iterable[Path]) -> tuple[list[Mount], list[Mask]]:
    """The mounts that are left, and the masks to put over them, so that no path of `hidden` can be read through `mounts`.

    A path that does not exist or that no mount shows needs no mask. A hidden `module.py` takes its compiled files with it.
    """
    found: dict[str, Mask] = {}
    for path in _all_of(hidden):
        for mount in mounts:
            if _is_below(mount.source, path):
                found[mount.target] = Mask(mount.target, os.path.isdir(mount.source))
    left = [mount for mount in mounts if not any(_is_below(mount.target, mask) for mask in found)]
    return left, _outermost([*found.values(), *masks_below(left, hidden)])


def masks_below(mounts: Sequence[Mount], hidden: Iterable[Path]) -> list[Mask]:
    """The masks for what is hidden strictly inside `mounts`: what was given by name, such as a workspace, stays itself."""
    found: list[Mask] = []
    for path in _all_of(hidden):
        for mount in mounts:
            if not _is_below(path, mount.source) or path == mount.source:
                continue
            target = os.path.join(mount.target, os.path.relpath(path, mount.source))
            if _topmost(mounts, target) == mount:
                found.append(Mask(target, os.path.isdir(path)))
    return _outermost(found)


def is_shown(environment: Sequence[Mount], given: Sequence[Mount], hidden: Iterable[Path], path: Path) -> bool:
    """Whether anything of `path` can be read in a sandbox that hides only `hidden`."""
    left, masks = without_hidden(environment, hidden)
    over = [*masks, *masks_below(given, hidden)]
    wanted = [*without_hidden(left, [path])[1], *masks_below(given, [path])]
    return any(not any(_is_below(mask.target, above.target) for above in over) for mask in wanted)


def exists(hidden: Iterable[Path]) -> bool:
    """Whether there is anything to hide."""
    return bool(_all_of(hidden))


def _all_of(hidden: Iterable[Path]) -> list[str]:
    """The real paths of what exists, since that is where a link leads to in the end."""
    paths = [path for given in hidden for path in (given, *_compiled(given))]
    return [real for real in map(os.path.realpath, paths) if os.path.exists(real)]


def _compiled(path: Path) -> list[Path]:
    return list(path.parent.glob(f"__pycache__/{glob.escape(path.stem)}.*.pyc")) if path.suffix == ".py" else []


def _topmost(mounts: Sequence[Mount], target: str) -> Mount:
    """The mount whose file is seen at `target`."""
    return max((mount for mount in mounts if _is_below(target, mount.target)), key=lambda mount: len(mount.target))


def _outermost(masks: Sequence[Mask]) -> list[Mask]:
    """Without those that lie behind another, and none twice."""
    shortest_first = sorted(set(masks), key=lambda mask: len(mask.target))
    kept: list[Mask] = []
    for mask in shortest_first:
        if not any(_is_below(mask.target, above.target) for above in kept):
            kept.append(mask)
    return kept


def _is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")
