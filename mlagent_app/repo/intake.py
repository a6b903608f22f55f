"""Reads a project's files into the stream that makes a private repository's first commit."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from mlagent_app.repo.listing import Listing

BASE = "refs/mlagent/base"
HEAD = "refs/mlagent/head"


class ProjectReader:
    """Streams the files of a listing in the format of `git fast-import`.

    `copied` counts files; `left_out` are (path, why) pairs of those that vanished or could not be read: people go on working
    while a snapshot is taken.
    """

    def __init__(self, root: Path, listing: Listing, on_progress: Callable[[int, int], None] | None) -> None:
        self.copied = 0
        self.left_out: list[tuple[str, str]] = []
        self._root = root
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
        place = self._root / path
        try:
            # O_NONBLOCK: a file that has become a pipe since it was listed must not hold us up.
            descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with open(descriptor, "rb") as file:
                mode = os.fstat(descriptor).st_mode
                if not stat.S_ISREG(mode):
                    self.left_out.append((path, "it changed into something else just now"))
                    return None
                return b"100755" if mode & stat.S_IXUSR else b"100644", file.read()
        except OSError as error:
            gone = isinstance(error, (FileNotFoundError, NotADirectoryError))
            self.left_out.append((path, "it vanished just now" if gone else f"not readable: {error.strerror}"))
            return None


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def _quoted(path: str) -> bytes:
    raw = os.fsencode(path).replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"' + raw + b'"'
