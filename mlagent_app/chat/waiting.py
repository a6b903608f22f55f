"""Waiting for something slow in a way that can be given up at any moment."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from mlagent_app.agent.chat import Cancelled

Item = TypeVar("Item")
# How often whoever waits looks whether it is still wanted.
POLL_SECONDS = 0.05


class Line:
    """The connection of one request, as far as it has been made, so that another thread can cut it.

    Closing a socket does not wake a thread that reads from it; shutting it down does, and tells the server to stop.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._cut = False

    def trace(self, name: str, info: dict[str, Any]) -> None:
        """Takes the events that the HTTP library traces; those that bring a connection are remembered."""
        del name
        find: Callable[[str], object] | None = getattr(info.get("return_value"), "get_extra_info", None)
        found = find("socket") if find is not None else None
        if isinstance(found, socket.socket):
            with self._lock:
                self._sockets.append(found)
            if self._cut:
                self.cut()

    @property
    def is_cut(self) -> bool:
        """Whether nobody listens any more."""
        return self._cut

    def cut(self) -> None:
        """End the request, now or as soon as it is connected."""
        self._cut = True
        with self._lock:
            for connection in self._sockets:
                # Of the plain socket also under TLS: the other thread may be in the middle of a record.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)


def pieces(produce: Callable[[Line, Callable[[Item], None]], None], cancel: threading.Event) -> Generator[Item]:
    """What `produce` puts, as it comes; it works in a thread of its own and its exceptions are raised here.

    Raises `Cancelled` within a tenth of a second after `cancel` is set; the connection is cut then, and also when the
    consumer stops early.
    """
    line, box = Line(), queue.SimpleQueue[tuple[str, Any]]()

    def work() -> None:
        try:
            produce(line, lambda item: box.put(("item", item)))
        except BaseException as error:  # whatever it is, whoever waits must hear of it
            box.put(("error", error))
        else:
            box.put(("end", None))

    threading.Thread(target=work, name="request", daemon=True).start()
    try:
        while True:
            if cancel.is_set():
                raise Cancelled
            try:
                kind, value = box.get(timeout=POLL_SECONDS)
            except queue.Empty:
                continue
            if kind == "end":
                return
            if kind == "error":
                raise value
            yield value
    finally:
        line.cut()


def waited(call: Callable[[], Item], cancel: threading.Event) -> Item:
    """What `call` returns. Raises `Cancelled` soon after `cancel` is set; the call then ends unheard."""

    def produce(line: Line, put: Callable[[Item], None]) -> None:
        del line
        put(call())

    return next(pieces(produce, cancel))
