"""What the end of a job's output says about why it failed."""

from __future__ import annotations

import re
import signal

LAST_LINES = 30
MESSAGE_CHARS = 300

_OUT_OF_MEMORY = re.compile(
    r"""^(?:[\w.]+\.)?_?(?:Array)?MemoryError\b
      | \bOutOfMemoryError\b
      | \bout\ of\ memory\b
      | std::bad_alloc
      | DefaultCPUAllocator:.*\bmemory
      | \[Errno\ 12\] | \bCannot\ allocate\ memory\b
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)
_DISK_FULL = re.compile(r"No space left on device|Disk quota exceeded|File too large|\[Errno (?:28|122|27)\]")
_KILLED_CHILD = re.compile(
    r"^(?:.*\s)?Killed$|killed by signal: Killed|SIGKILL|signal 9\b|exit(?:ed)? (?:code|status) -9", re.M
)
_EXCEPTION = re.compile(r"^(?:[A-Za-z_][\w.]*\.)?[A-Za-z_]\w*(?:Error|Exception|Interrupt|Exit|Warning)\b(?::.*)?$")


def last_lines(tail: str) -> str:
    """The lines in which a job says why it ended."""
    return "\n".join(tail.splitlines()[-LAST_LINES:])


def says_out_of_memory(tail: str) -> bool:
    """Whether the output ends with a failed allocation, on the host or on an accelerator."""
    return bool(_OUT_OF_MEMORY.search(last_lines(tail)))


def says_disk_full(tail: str) -> bool:
    """Whether the output ends with a write that found no space."""
    return bool(_DISK_FULL.search(last_lines(tail)))


def says_child_killed(tail: str) -> bool:
    """Whether the output ends with word of a child that SIGKILL took."""
    return bool(_KILLED_CHILD.search(last_lines(tail)))


def cause(tail: str) -> str:
    """The line that names the error: the last exception, else the last line that says anything; at most 300 characters."""
    lines = [line.strip() for line in last_lines(tail).splitlines() if line.strip()]
    if not lines:
        return ""
    named = next((line for line in reversed(lines) if _EXCEPTION.match(line)), lines[-1])
    return "".join(character if character.isprintable() else " " for character in named)[:MESSAGE_CHARS]


def describe_exit(code: int, tail: str) -> str:
    """One line for a command that ended with `code` (128 + n for signal n) and this output."""
    how = f"exit code {code}"
    if code > 128:
        try:
            how = f"{how} ({signal.Signals(code - 128).name})"
        except ValueError:
            pass
    why = cause(tail)
    return f"{how}: {why}" if why else how
