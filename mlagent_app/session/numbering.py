"""Numbered directories, for the projects that the app makes itself: each session that wants one gets its own."""

from __future__ import annotations

import contextlib
from pathlib import Path

from mlagent_app.agent.errors import UserError


def newest(home: Path) -> Path | None:
    """The directory of `home` with the highest number that holds anything: one may have been made and never filled."""
    for number in sorted(_numbers(home), reverse=True):
        if any((home / str(number)).iterdir()):
            return home / str(number)
    return None


def another(home: Path, what: str) -> Path:
    """A directory after the newest one, made: two sessions that start at the same moment each get one.

    `what` is to be in it, for the error. Raises `UserError` where none can be made.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
        number = max(_numbers(home), default=0) + 1
        while True:
            with contextlib.suppress(FileExistsError):
                (home / str(number)).mkdir()
                return home / str(number)
            number += 1
    except OSError as error:
        how = "make room there, or set MLAGENT_STATE_DIR to another directory"
        raise UserError(f"{what} cannot be made", where=f"{home}: {error.strerror}", how=how) from None


def _numbers(home: Path) -> list[int]:
    return [int(entry.name) for entry in home.iterdir() if entry.name.isdecimal()] if home.is_dir() else []
