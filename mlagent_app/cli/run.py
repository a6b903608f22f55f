"""`mlagent run`: a session without a screen."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from rich.console import Console

from mlagent_app.agent import events as ev
from mlagent_app.agent.errors import Exit
from mlagent_app.agent.events import Event
from mlagent_app.agent.summary import summarise
from mlagent_app.agent.summary import to_json as summary_json
from mlagent_app.cli.console import TextSurface, again
from mlagent_app.session.backend import ProjectBackend, resolve_project
from mlagent_app.session.control import Controls


class Headless:
    """Runs one session and says on stdout what `--format` asks for; everything else goes to stderr."""

    def __init__(self, project: Path | None, flags: Mapping[str, object], *, resume: str, demo: bool, apply: bool) -> None:
        self._apply = apply
        self._controls = Controls()
        self._seen: list[Event] = []
        self._signalled = False
        self._hung_up = False
        self._project = resolve_project(project, resume=resume, demo=demo)
        self._backend = ProjectBackend(self._project, flags, resume=resume, demo=demo, apply=apply)

    def run(self, style: str) -> int:
        """The exit code. Raises `UserError` for what prevents the start."""
        text = TextSurface(Console(stderr=style != "text", highlight=False), str(self._project))
        plan = self._backend.open()
        text.opened(plan)
        signal.signal(signal.SIGINT, self._stop)
        signal.signal(signal.SIGTERM, self._stop)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup
            signal.signal(signal.SIGHUP, self._hang_up)

        def surface(event: Event) -> None:
            if isinstance(event, ev.TRANSIENT):
                return
            self._seen.append(event)
            self._leave_lost_terminal()
            text.show(event)
            if style == "events":
                print(json.dumps(ev.to_json(event)), flush=True)

        code = self._backend.run(plan, surface, self._controls)
        summary = summarise(self._seen)
        self._leave_lost_terminal()
        if style == "json":
            print(json.dumps(summary_json(summary), indent=2))
        elif style == "text":
            text.finish(summary)
        if self._signalled:
            return Exit.INTERRUPTED
        return code

    def _stop(self, signum: int, frame: FrameType | None) -> None:
        del signum, frame
        if self._signalled:
            # The second Ctrl-C does not wait for the sandbox to be cleaned up; its own nets catch what is left.
            # Whatever was being printed just now, this is not part of it.
            hint = f"; to go on with it: {again(self._backend.session, landing=self._apply)}" if self._backend.session else ""
            with contextlib.suppress(OSError):  # nobody may be there to read it
                os.write(2, f"\nmlagent: left at once{hint}\n".encode())
            sys.exit(Exit.INTERRUPTED)
        self._signalled = True
        self._controls.stop()

    def _hang_up(self, signum: int, frame: FrameType | None) -> None:
        """The terminal is gone. Kernel and shell may both say so: the second time asks for no more than the first."""
        del signum, frame
        self._hung_up = self._signalled = True
        self._controls.stop()

    def _leave_lost_terminal(self) -> None:
        """Write to nowhere instead of a terminal that is gone: the error would end the session before its end is recorded.

        A closed pipe (`| head`) ends the session as ever, unless its reader went with the terminal.
        """
        lost = select.POLLHUP | (select.POLLERR if self._hung_up else 0)
        for stream in (1, 2):
            poll = select.poll()
            poll.register(stream, select.POLLOUT)
            if any(state & lost for _, state in poll.poll(0)):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream)
                os.close(nowhere)
