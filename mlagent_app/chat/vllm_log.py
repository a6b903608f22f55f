"""What a vLLM server prints while it starts: the stages for a person, and the cause where it fails."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from pathlib import Path

from mlagent_app.agent.errors import Exit, UserError

TAIL_LINES = 12
# A line of the log that a stage begins with, and how it is told. Each is told once.
STAGES: tuple[tuple[str, str], ...] = (
    ("Resolved architecture", "reading the model's configuration"),
    ("Starting to load model", "loading the weights"),
    ("Loading weights took", "the weights are loaded"),
    ("torch.compile takes", "compiled"),
    ("KV cache size", "the cache of keys and values is made"),
    ("Graph capturing finished", "the graphs are captured"),
    ("Starting vLLM server", "opening the port"),
    ("Starting vLLM API server", "opening the port"),
)
_PREFIX = re.compile(r"^(?:\([^)]*pid=\d+\) )?(?:[A-Z]+ \d\d-\d\d \d\d:\d\d:\d\d \[[^\]]*\] ?)?")
# The line of a traceback that says what went wrong; the last one of its kind is the engine's "see above".
_CAUSE = re.compile(r"^(?:[\w.]*(?:Error|Exception|Interrupt)\b: ?|.*error: )(?P<what>.+)$")
_SEE_ABOVE = ("Engine core initialization failed", "See root cause above", "WorkerProc initialization failed")


class LogReader:
    """Reads a growing log: tells stages, keeps the last lines."""

    def __init__(self, path: Path, tell: Callable[[str], None]) -> None:
        self.path = path
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self.cause = ""
        self._tell = tell
        self._told: set[str] = set()
        self._offset = 0
        self._rest = ""

    def read(self) -> None:
        """Take in what was written since the last call."""
        with self.path.open("rb") as log:
            log.seek(self._offset)
            new = log.read()
        self._offset += len(new)
        *lines, self._rest = (self._rest + new.decode("utf-8", "replace")).split("\n")
        for line in lines:
            self._line(plain(line))

    def _line(self, line: str) -> None:
        if not line:
            return
        self.tail.append(line)
        for mark, stage in STAGES:
            if mark in line and stage not in self._told:
                self._told.add(stage)
                self._tell(f"vLLM: {stage}")
        found = _CAUSE.match(line)
        if found and not any(words in line for words in _SEE_ABOVE):
            self.cause = line


def plain(line: str) -> str:
    """A line of the log without process, time and place."""
    return _PREFIX.sub("", line.rpartition("\r")[2]).strip()


def failure(what: str, reader: LogReader) -> UserError:
    """The error for a server that did not come up, with the cause where the log has one, else with its last lines."""
    said = reader.cause or " | ".join(list(reader.tail)[-3:]) or "it printed nothing"
    return UserError(f"{what}: {said[:400]}", where=f"log: {reader.path}", how=_cure(said), code=Exit.NO_POLICY)


def _cure(said: str) -> str:
    low = said.lower()
    if "out of memory" in low or "free memory on device" in low or "kv cache" in low:
        return "stop what else uses the GPU, or set policy.quantization to 8bit or 4bit"
    if "address already in use" in low:
        return "choose another port: policy.port, or serve --port"
    return "read the log's end; mlagent serve --dry-run prints the command to try by hand"
