"""A job's output: raw into the log file, as whole lines to whoever watches, never more than the cap."""

from __future__ import annotations

import codecs
import threading
from pathlib import Path

from sandbox.runner import OnLog

FLUSH_SECONDS = 1 / 30
LONGEST_LINE = 64 * 1024  # characters
TAIL_BYTES = 16 * 1024
KEPT_END_BYTES = 64 * 1024
MARKER_BYTES = 128


class LogPump:
    """Takes a job's output as it comes; `feed` and `close` are for one feeder thread.

    `log_path` never holds more than `cap_bytes`. When more comes, the middle is dropped at line ends, a marker line says how
    much, and the end is kept, because that is where a script prints its result and its error. `on_log` gets whole lines, in
    order, about 30 times a second at most, from a thread of the pump; lines past 64 Ki characters come in pieces; a progress
    bar drawn with carriage returns comes as its last state. Undecodable bytes come as U+FFFD; the file keeps them raw.

    `truncated` says that output was dropped. `write_error` is set when the log file could not be written (a full disk): the
    pump then goes on draining, so that the job does not hang on a full pipe.
    """

    def __init__(self, log_path: Path, cap_bytes: int, on_log: OnLog | None) -> None:
        """Opens `log_path` afresh, with its directory. Raises OSError when that is not possible."""
        log_path.parent.mkdir(parents=True, exist_ok=True)
        self._file = log_path.open("wb", buffering=0)
        self._on_log = on_log
        self._end_room = min(KEPT_END_BYTES, cap_bytes // 4)
        self._room = max(0, cap_bytes - self._end_room - MARKER_BYTES)
        self._end = bytearray()
        self._dropped = 0
        self._tail = bytearray()
        self._written = 0
        self._line_start = 0
        self._lines = _LineSplitter()
        self._pending: list[str] = []
        self._lock = threading.Lock()
        self._fresh = threading.Event()
        self._closing = threading.Event()
        self._callback_error: Exception | None = None
        self.write_error: OSError | None = None
        self._flusher = threading.Thread(target=self._flush_loop, name="log-pump", daemon=True)
        if on_log is not None:
            self._flusher.start()

    @property
    def truncated(self) -> bool:
        """Whether output was dropped."""
        return self._dropped > 0 or self.write_error is not None

    def tail(self) -> str:
        """The last 16 KiB of all that came, also of what was dropped."""
        return bytes(self._tail).decode("utf-8", errors="replace")

    def feed(self, data: bytes) -> None:
        """Take the next piece of output, cut anywhere."""
        self._tail += data[-TAIL_BYTES:]
        del self._tail[:-TAIL_BYTES]
        head = data[: self._room]
        if head:
            self._room -= len(head)
            self._keep(head)
        if len(head) < len(data):
            self._room = 0
            self._end += data[len(head) :]
            excess = len(self._end) - self._end_room
            if excess > 0:
                self._dropped += excess
                del self._end[:excess]

    def close(self) -> None:
        """Write what is left and hand out the last lines. Raises what `on_log` raised, if it did."""
        if self._closing.is_set():
            return
        if self._dropped:
            self._drop_half_lines()
        if self._end:
            self._keep(bytes(self._end))
        self._queue(self._lines.finish())
        self._closing.set()
        self._fresh.set()
        if self._on_log is not None:
            self._flusher.join()
        self._file.close()
        if self._callback_error is not None:
            raise self._callback_error

    def _drop_half_lines(self) -> None:
        """Cut both sides of the gap at line ends: half of `loss 10.95` must not be read as another number."""
        cut = self._end.find(b"\n") + 1
        self._dropped += cut + (self._written - self._line_start)
        del self._end[:cut]
        self._lines.drop_partial()
        try:
            self._file.seek(self._line_start)
            self._file.truncate()
        except OSError as error:
            self.write_error = error
        self._keep(f"[ML-Agent dropped {self._dropped} bytes of output here: over the output limit]\n".encode())

    def _keep(self, data: bytes) -> None:
        newline = data.rfind(b"\n")
        if newline >= 0:
            self._line_start = self._written + newline + 1
        self._written += len(data)
        if self.write_error is None:
            try:
                self._write(data)
            except OSError as error:
                self.write_error = error
        if self._on_log is not None:
            self._queue(self._lines.split(data))

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]

    def _queue(self, lines: list[str]) -> None:
        if lines:
            with self._lock:
                self._pending += lines
            self._fresh.set()

    def _flush_loop(self) -> None:
        while True:
            self._fresh.wait()
            self._fresh.clear()
            closing = self._closing.is_set()
            with self._lock:
                lines, self._pending = self._pending, []
            if lines and self._on_log is not None and self._callback_error is None:
                try:
                    self._on_log(lines)
                except Exception as error:  # a watcher's fault must not stop the draining; close() reports it
                    self._callback_error = error
            if closing:
                return
            self._closing.wait(FLUSH_SECONDS)


class _LineSplitter:
    """Bytes cut anywhere to whole lines of text."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._partial = ""

    def split(self, data: bytes) -> list[str]:
        """The lines that `data` completes."""
        *lines, partial = (self._partial + self._decoder.decode(data)).split("\n")
        if "\r" in partial:
            # Only the newest state of a progress bar; a "\r" at the very end may be half of "\r\n".
            partial = partial[partial.rstrip("\r").rfind("\r") + 1 :]
        whole = [piece for line in lines for piece in _pieces(_last_state(line))]
        if len(partial) > LONGEST_LINE:
            *ready, partial = _pieces(partial)
            whole += ready
        self._partial = partial
        return whole

    def drop_partial(self) -> None:
        """Forget the unfinished line."""
        self._decoder.reset()
        self._partial = ""

    def finish(self) -> list[str]:
        """The unfinished last line, if there is one."""
        last = self._partial + self._decoder.decode(b"", final=True)
        self._partial = ""
        return _pieces(_last_state(last)) if last else []


def _last_state(line: str) -> str:
    return line.rstrip("\r").rpartition("\r")[2] if "\r" in line else line


def _pieces(line: str) -> list[str]:
    if len(line) <= LONGEST_LINE:
        return [line]
    return [line[start : start + LONGEST_LINE] for start in range(0, len(line), LONGEST_LINE)]
