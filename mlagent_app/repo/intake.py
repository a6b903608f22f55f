"""Reads a project's files into the stream that makes a private repository's first commit."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator

from mlagent_app.agent.errors import UserError
from mlagent_app.repo.listing import SMALLER, Listing
from mlagent_app.repo.scan import MIB, ReadOnlyLink

BASE = "refs/mlagent/base"
HEAD = "refs/mlagent/head"


class ProjectReader:
    """Streams the files of a listing in the format of `git fast-import`.

    `copied` counts files; `links` are the large ones, which are not copied; `left_out` are (path, why) pairs of those that
    vanished or could not be read: people go on working while a snapshot is taken.
    """

    def __init__(self, listing: Listing, on_progress: Callable[[int, int], None] | None) -> None:
        self.copied = 0
        self.links: list[ReadOnlyLink] = []
        self.left_out: list[tuple[str, str]] = []
        self._size = 0
        self._listing = listing
        self._on_progress = on_progress

    def stream(self) -> Iterator[bytes]:
        """One commit with all files, named by both refs. Git moves the refs only when the stream is complete."""
        yield f"commit {BASE}\nmark :1\ncommitter ML-Agent <ml-agent@localhost> 0 +0000\n".encode()
        yield _data(b"The project as it stood")
        total = len(self._listing.paths)
        for number, path in enumerate(self._listing.paths, 1):
            found = self._read(path)
            if found is not None:
                mode, content = found
                yield b"M %s inline %s\n" % (mode, _quoted(path))
                yield _data(content)
                self.copied += 1
            if self._on_progress and (number % 200 == 0 or number == total):
                self._on_progress(number, total)
        yield f"\nreset {HEAD}\nfrom :1\n\ndone\n".encode()

    def _read(self, path: str) -> tuple[bytes, bytes] | None:
        target = self._listing.symlinks.get(path)
        if target is not None:
            return b"120000", os.fsencode(target)
        place = os.path.join(self._listing.root, path)
        try:
            # O_NONBLOCK: a file that has become a pipe since it was listed must not hold us up.
            descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with open(descriptor, "rb") as file:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode):
                    self.left_out.append((path, "it changed into something else just now"))
                    return None
                if self._is_large(path, status.st_size):
                    return None
                return b"100755" if status.st_mode & stat.S_IXUSR else b"100644", file.read()
        except OSError as error:
            gone = isinstance(error, (FileNotFoundError, NotADirectoryError))
            self.left_out.append((path, "it vanished just now" if gone else f"not readable: {error.strerror}"))
            return None

    def _is_large(self, path: str, size: int) -> bool:
        bounds = self._listing.bounds
        if size > bounds.large:
            why = f"{size / MIB:.0f} MiB, over {bounds.large / MIB:g} MiB"
            self.links.append(ReadOnlyLink(os.path.join(self._listing.root, path), path, why))
            return True
        self._size += size
        if self._size > bounds.total:
            what = f"the project is too big to copy: over {bounds.total / MIB:g} MiB"
            raise UserError(what, where=os.fspath(self._listing.root), how=SMALLER)
        return False


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def _quoted(path: str) -> bytes:
    raw = os.fsencode(path).replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"' + raw + b'"'
