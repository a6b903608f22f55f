"""The one error type that reaches a person, and what to say of others."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of `mlagent` and `mlagent-tui`."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    NO_METRIC = 3
    NO_POLICY = 4
    NO_SANDBOX = 5
    INTERRUPTED = 130


def first_line(error: BaseException) -> str:
    """What another library's error says, in one line of at most 200 characters; the name of its class where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip()[:200]


class UserError(Exception):
    """Something a person can mend, said in one line: what happened, where, and how to mend it.

    `what` and `where` state the fact; `how` is an instruction. `code` is the exit code of the process.
    """

    def __init__(self, what: str, *, where: str = "", how: str = "", code: Exit = Exit.USAGE) -> None:
        self.what = what
        self.where = where
        self.how = how
        self.code = code
        super().__init__(self.line())

    def line(self) -> str:
        """The whole message on one line."""
        place = f" ({self.where})" if self.where else ""
        cure = f" - {self.how}" if self.how else ""
        return " ".join(f"{self.what}{place}{cure}".split())
