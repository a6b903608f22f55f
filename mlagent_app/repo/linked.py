"""What linked data was when the snapshot was taken, to tell later whether a run still sees the same."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mlagent_app.repo.scan import CACHES, ReadOnlyLink, is_environment

# Of one link. Looking costs a stat for each file, twice a run; on a network file system that is what bounds it.
MOST_FILES = 10_000

# For the target of each link its files (relative to it; the link's own is "") with their stamps.
Stamps = Mapping[str, Mapping[str, str]]


def stamps(links: Sequence[ReadOnlyLink]) -> Stamps:
    """The files behind each link as they are now, of a directory the first `MOST_FILES`."""
    return {link.target: _look(link.source) for link in links}


def changed(links: Sequence[ReadOnlyLink], before: Stamps) -> str:
    """Which linked file is no longer what it was and how many more, in a few words; empty when all are."""
    found: list[str] = []
    for link in links:
        if link.target in before:
            found += _differences(link.target, before[link.target], _look(link.source))
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{found[0]}{more}" if found else ""


def _differences(target: str, then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for path in sorted(then.keys() | now.keys()):
        if then.get(path) != now.get(path):
            what = "is new" if path not in then else "is gone" if path not in now else "has changed"
            yield f"{target}/{path} {what}" if path else f"{target} {what}"


def _look(source: str) -> dict[str, str]:
    """The stamp of the file `source`, or of the files below it: upper directories first, names in order."""
    try:
        state = os.stat(source)
    except OSError:
        return {}
    if not stat.S_ISDIR(state.st_mode):
        return {"": _stamp(state)}
    found: dict[str, str] = {}
    seen = {(state.st_dev, state.st_ino)}  # a link may lead back up
    pending = deque([""])
    while pending:
        directory = pending.popleft()
        for name, state in _entries(os.path.join(source, directory)):
            path = f"{directory}/{name}" if directory else name
            if not stat.S_ISDIR(state.st_mode):
                found[path] = _stamp(state)
                if len(found) == MOST_FILES:
                    return found
            elif (state.st_dev, state.st_ino) not in seen:
                seen.add((state.st_dev, state.st_ino))
                pending.append(path)
    return found


def _entries(directory: str) -> Iterator[tuple[str, os.stat_result]]:
    """What a directory holds, without caches and environments, links as what they lead to."""
    try:
        with os.scandir(directory) as entries:
            names = sorted(entry.name for entry in entries if entry.name not in CACHES)
    except OSError:
        return
    for name in names:
        place = os.path.join(directory, name)
        try:
            state = os.stat(place)
        except OSError:  # a link that leads nowhere
            continue
        if not (stat.S_ISDIR(state.st_mode) and is_environment(Path(place))):
            yield name, state


def _stamp(state: os.stat_result) -> str:
    """The inode too: what is unpacked or copied again can have the size and the time of what was there."""
    return f"{state.st_size} {state.st_mtime_ns} {state.st_ino}"
