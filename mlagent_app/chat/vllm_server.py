"""A vLLM server of our own: adopted where the right one runs already, else started, watched, shared and ended.

Three files a port lie in the state directory: PORT.start is locked while somebody starts a server there, PORT.users is held by
everybody who uses the one that was started (see `vllm_keeper.py`), PORT.log is what the server printed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from mlagent_app.agent.chat import Cancelled
from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.chat import vllm_http, vllm_keeper
from mlagent_app.chat.vllm_http import Address, Served
from mlagent_app.chat.vllm_log import LogReader, failure
from mlagent_app.chat.vllm_plan import ServerPlan

DEFAULT_PORT = 8000
# Until it answers: a large model from a slow disk, its graphs captured.
START_SECONDS = 1800.0
LOOK_SECONDS = 0.25
# A server that was left goes within this; see `vllm_keeper.STOP_SECONDS`.
GONE_SECONDS = 15.0

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """What is to be served, by which Python, where; `state` is the directory for locks and logs."""

    model: str
    adapter: str
    python: str
    address: Address
    state: Path

    def command(self, plan: ServerPlan) -> list[str]:
        """The command line of the server."""
        arguments = ["--model", self.model, "--host", self.address.host, "--port", str(self.address.port), *plan.arguments]
        if self.adapter:
            arguments += ["--lora-modules", f"{Path(self.adapter).name}={self.adapter}"]
        return [self.python, "-m", "vllm.entrypoints.openai.api_server", *arguments, "--disable-uvicorn-access-log"]

    def environment(self, plan: ServerPlan) -> dict[str, str]:
        """What the server's environment has beyond this process's: nothing is reported home, a directory needs no network."""
        quiet = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "PYTHONUNBUFFERED": "1", "VLLM_LOGGING_COLOR": "0"}
        offline = {"HF_HUB_OFFLINE": "1"} if Path(self.model).is_dir() else {}
        return {**quiet, **offline, **dict(plan.environment)}

    def line(self, plan: ServerPlan) -> str:
        """The command line with its environment, to be pasted into a shell."""
        before = [f"{name}={value}" for name, value in self.environment(plan).items()]
        return shlex.join(["env", *before, *self.command(plan)])


class Server:
    """A server that answers. It is there until `close`, and ends then if nobody else uses it. A context manager."""

    def __init__(self, address: Address, served: Served, log: Path | None, hold: int | None) -> None:
        self.url = address.url
        self.address = address
        self.name = served.name
        self.context = served.context
        # None: the server was started by somebody else, and is left alone.
        self.log = log
        self._hold = hold

    @property
    def adopted(self) -> bool:
        """Whether it ran already, started by something other than ML-Agent."""
        return self.log is None

    def close(self) -> None:
        """Stop using it. A second call does nothing."""
        if self._hold is not None:
            os.close(self._hold)
            self._hold = None

    def __enter__(self) -> Server:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def open_server(spec: ServerSpec, plan: Callable[[], ServerPlan], cancel: threading.Event, tell: Tell) -> Server:
    """The server of `spec`: the one that runs already, or a new one with the plan that `plan` makes then.

    `tell` gets a short line for every stage. Raises `Cancelled` soon after `cancel` is set, and `UserError` (exit 4) where the
    port is taken by something else, or the server does not come up: with the end of its log.
    """
    spec.state.mkdir(parents=True, exist_ok=True)
    port = spec.address.port
    with _locked(spec.state / f"{port}.start", fcntl.LOCK_EX, cancel, tell, "waiting for another session that starts it"):
        hold = _take(spec.state / f"{port}.users", fcntl.LOCK_SH, cancel, tell, "waiting for the last server to end")
        try:
            served = _running(spec)
            ours = _started_here(spec.state / f"{port}.users")
            if served is not None:
                tell(f"using the vLLM server at {spec.address.url}, which runs already")
                return Server(spec.address, served, spec.state / f"{port}.log" if ours else None, hold)
            return _start(spec, plan(), hold, cancel, tell)
        except BaseException:
            os.close(hold)
            raise


def _running(spec: ServerSpec) -> Served | None:
    """The wanted model on the port; None where nobody listens. Raises `UserError` where something else does."""
    where = {"where": spec.address.url, "how": "stop it, or choose another port: policy.port, or serve --port"}
    try:
        found = vllm_http.models(spec.address)
    except ConnectionRefusedError:
        return None
    except OSError as error:
        raise UserError(f"what listens on the port is no vLLM server: {error}", **where, code=Exit.NO_POLICY) from None
    except ValueError as error:
        raise UserError(f"what listens on the port cannot be used: {error}", **where, code=Exit.NO_POLICY) from None
    served = vllm_http.chosen(found, spec.model, spec.adapter)
    if served is None:
        names = ", ".join(item.name for item in found) or "nothing"
        raise UserError(f"the server there serves {names}, not {spec.adapter or spec.model}", **where, code=Exit.NO_POLICY)
    return served


def _start(spec: ServerSpec, plan: ServerPlan, hold: int, cancel: threading.Event, tell: Tell) -> Server:
    log, users = spec.state / f"{spec.address.port}.log", spec.state / f"{spec.address.port}.users"
    log.write_text(f"$ {spec.line(plan)}\n", "utf-8")
    keeper = [sys.executable, "-I", "-S", vllm_keeper.__file__, str(users), str(log), *spec.command(plan)]
    tell(f"starting vLLM on {plan.device}; log: {log}")
    process = subprocess.Popen(
        keeper,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C in this terminal is not for a server that others may share
        env=os.environ | spec.environment(plan),
    )
    users.write_text(f"{process.pid}\n", "utf-8")
    try:
        served = _wait(spec, process, LogReader(log, tell), cancel)
    except BaseException:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GONE_SECONDS)
        raise
    tell(f"vLLM is ready at {spec.address.url}")
    # Nobody waits for the keeper from here on; a thread takes its exit status so that no zombie is left.
    threading.Thread(target=process.wait, name="vllm-keeper", daemon=True).start()
    return Server(spec.address, served, log, hold)


def _wait(spec: ServerSpec, process: subprocess.Popen[bytes], reader: LogReader, cancel: threading.Event) -> Served:
    """Wait until the server answers."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if cancel.wait(LOOK_SECONDS):
            raise Cancelled
        reader.read()
        code = process.poll()
        if code is not None:
            reader.read()
            raise failure(f"vLLM ended with exit code {code} before it was ready", reader)
        with contextlib.suppress(OSError, ValueError):
            served = vllm_http.chosen(vllm_http.models(spec.address), spec.model, spec.adapter)
            if served is not None:
                return served
    raise failure(f"vLLM was not ready after {START_SECONDS / 60:.0f} minutes", reader)


def _started_here(users: Path) -> bool:
    """Whether the server of the port has a keeper of ours."""
    try:
        os.kill(int(users.read_text("utf-8")), 0)
    except (OSError, ValueError):
        return False
    return True


def _take(path: Path, kind: int, cancel: threading.Event, tell: Tell, waiting: str) -> int:
    """The descriptor of a locked file. Raises `Cancelled`."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    told = False
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if not told:
                tell(waiting)
                told = True
            if cancel.wait(LOOK_SECONDS):
                os.close(descriptor)
                raise Cancelled from None
        else:
            return descriptor


@contextlib.contextmanager
def _locked(path: Path, kind: int, cancel: threading.Event, tell: Tell, waiting: str) -> Generator[None]:
    descriptor = _take(path, kind, cancel, tell, waiting)
    try:
        yield
    finally:
        os.close(descriptor)
