"""The one error of the task suite."""

from __future__ import annotations


class TaskError(Exception):
    """A task, a variant or data that cannot be used: what is wrong, where, and how to mend it, on one line."""

    def __init__(self, what: str, *, where: str = "", how: str = "") -> None:
        self.what = what
        self.where = where
        self.how = how
        place = f" ({where})" if where else ""
        cure = f" - {how}" if how else ""
        super().__init__(" ".join(f"{what}{place}{cure}".split()))
