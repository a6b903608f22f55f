"""The Docker engine: the few calls the sandbox makes, typed, with errors a person can read.

All calls to the engine go through this file; the Docker SDK is imported when an engine is wanted.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from sandbox.runner import SandboxError

CALL_SECONDS = 60
CONNECT_SECONDS = 10
STDOUT, STDERR = 1, 2

Json = dict[str, Any]


class EngineError(Exception):
    """The engine refused a call; the message is its reason on one line."""


class ContainerMissing(EngineError):
    """There is no such container (or image)."""


class EngineGone(EngineError):
    """The engine does not answer any more."""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What the engine says of itself. `security` holds names such as `rootless`, `userns`, `selinux`."""

    name: str
    system: str
    api_version: tuple[int, ...]
    security: frozenset[str]

    @property
    def is_desktop(self) -> bool:
        """Whether it runs in a virtual machine of Docker Desktop, which shares only some of the host's directories."""
        return "Docker Desktop" in self.system


@dataclass(frozen=True, slots=True)
class ContainerState:
    """A container as the engine sees it. `pid` is that of its first process on the engine's machine, 0 when it has none."""

    running: bool
    exit_code: int
    oom_killed: bool
    error: str
    pid: int


class Attachment:
    """The hijacked connection to a container's stdin and output. Closing it (or dying) is end-of-file on the stdin."""

    def __init__(self, raw: object) -> None:
        self._raw = cast("Any", raw)
        self._socket: socket.socket = getattr(self._raw, "_sock", self._raw)
        self._socket.settimeout(None)

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """(STDOUT or STDERR, data) in the order of arrival, until the container ends or the connection breaks."""
        buffer = bytearray()
        while True:
            while len(buffer) >= 8:
                stream, length = struct.unpack(">BxxxL", buffer[:8])
                if len(buffer) < 8 + length:
                    break
                yield stream, bytes(buffer[8 : 8 + length])
                del buffer[: 8 + length]
            try:
                data = self._socket.recv(256 * 1024)
            except OSError:
                return
            if not data:
                return
            buffer += data

    def send(self, data: bytes) -> None:
        """Write all of `data` to the container's stdin, then end it. Raises EngineGone."""
        try:
            self._socket.sendall(data)
            self._socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise EngineGone(str(error)) from error

    def close(self) -> None:
        """End the connection; a reader blocked in `frames` returns."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the other side was faster
        self._raw.close()


class Engine:
    """A connected engine. Safe to use from several threads. Every method raises EngineError."""

    def __init__(self, api: object) -> None:
        self._api = cast("Any", api)
        with _readable_errors():
            raw: Json = self._api.info()
        options: list[str] = raw.get("SecurityOptions") or []
        self.info = EngineInfo(
            name=str(raw.get("Name", "")),
            system=str(raw.get("OperatingSystem", "")),
            api_version=tuple(int(part) for part in str(self._api.api_version).split(".")),
            security=frozenset(option.removeprefix("name=").split(",")[0] for option in options),
        )

    # Containers

    def create(self, config: Json) -> str:
        """Create a container from the engine's own JSON configuration and return its id."""
        with _readable_errors():
            return str(self._api.create_container_from_config(config)["Id"])

    def attach(self, container: str) -> Attachment:
        """Connect to stdin, stdout and stderr; to be done before `start`, so that nothing is lost."""
        params = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        with _readable_errors():
            return Attachment(self._api.attach_socket(container, params=params))

    def start(self, container: str) -> None:
        with _readable_errors():
            self._api.start(container)

    def wait(self, container: str, seconds: float) -> int | None:
        """The exit code, or None when the container still runs after `seconds`."""
        try:
            with _readable_errors():
                return int(self._api.wait(container, timeout=seconds)["StatusCode"])
        except EngineGone as error:
            # The SDK reports its own time-out as a broken connection.
            if "timed out" in str(error):
                return None
            raise

    def state(self, container: str) -> ContainerState:
        with _readable_errors():
            raw: Json = self._api.inspect_container(container)["State"]
        return ContainerState(
            running=bool(raw["Running"]),
            exit_code=int(raw["ExitCode"]),
            oom_killed=bool(raw["OOMKilled"]),
            error=str(raw.get("Error", "")),
            pid=int(raw.get("Pid", 0)),
        )

    def stats(self, container: str) -> Json:
        """One reading of the container's use, at once (API 1.41 and newer)."""
        with _readable_errors():
            return self._api.stats(container, stream=False, one_shot=True)

    def kill(self, container: str, signal: str) -> None:
        """Send a signal; a container that has ended is no error."""
        try:
            with _readable_errors():
                self._api.kill(container, signal=signal)
        except EngineError as error:
            if "is not running" not in str(error):
                raise

    def remove(self, container: str) -> None:
        """Kill and remove, with its volumes; one that is gone already is no error."""
        try:
            with _readable_errors():
                self._api.remove_container(container, force=True, v=True)
        except ContainerMissing:
            return
        except EngineError as error:
            if "already in progress" not in str(error):
                raise

    def labelled(self, label: str) -> list[tuple[str, str]]:
        """(id, value of the label) of every container that has the label, stopped ones too."""
        with _readable_errors():
            found: list[Json] = self._api.containers(all=True, filters={"label": label})
        return [(str(item["Id"]), str(item["Labels"][label])) for item in found]

    def commit(self, container: str, tag: str, changes: list[str]) -> None:
        """Make an image `tag` of a container's file system."""
        repository, _, version = tag.rpartition(":")
        with _readable_errors():
            self._api.commit(container, repository=repository, tag=version, changes=changes)

    # Images

    def image_id(self, tag: str) -> str | None:
        """The content id of a local image, or None."""
        try:
            with _readable_errors():
                return str(self._api.inspect_image(tag)["Id"])
        except ContainerMissing:
            return None

    def import_tar(self, data: bytes, tag: str) -> None:
        """Make an image `tag` whose only layer is the tar archive `data`."""
        repository, _, version = tag.rpartition(":")
        with _readable_errors():
            self._api.import_image_from_data(data, repository=repository, tag=version)

    def pull(self, tag: str, progress: Callable[[str], None]) -> None:
        """Fetch an image from its registry."""
        name, version = _split_tag(tag)
        with _readable_errors():
            _follow(self._api.pull(name, tag=version, stream=True, decode=True), progress)

    def build(self, context: str, dockerfile: str, tag: str, args: Mapping[str, str], log: Callable[[str], None]) -> None:
        """Build a Dockerfile with the engine's classic builder."""
        with _readable_errors():
            stream = self._api.build(
                path=context, dockerfile=dockerfile, tag=tag, buildargs=dict(args), rm=True, forcerm=True, decode=True
            )
            _follow(stream, log)

    def close(self) -> None:
        self._api.close()


def connect() -> Engine:
    """The engine that `docker` would use here (DOCKER_HOST, the current context, or the usual socket).

    Raises SandboxError that says which of the usual causes it is when none answers.
    """
    import docker
    from docker.errors import DockerException

    try:
        api: Any = docker.from_env(timeout=CONNECT_SECONDS).api
        engine = Engine(api)
    except (DockerException, EngineError) as error:
        raise _why_not(error) from error
    api.timeout = CALL_SECONDS
    return engine


def _why_not(error: BaseException) -> SandboxError:
    causes = list(_causes(error))
    if any(isinstance(cause, FileNotFoundError) for cause in causes):
        return SandboxError("Docker is not installed or not running", how="install and start Docker, or use --sandbox bwrap")
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return SandboxError("Docker is installed but stopped", how="start it (sudo systemctl start docker)")
    if any(isinstance(cause, PermissionError) for cause in causes):
        return SandboxError(
            "your user may not use Docker",
            how="join the docker group (sudo usermod -aG docker $USER, then log in again)",
        )
    if any(isinstance(cause, TimeoutError) for cause in causes) or "timed out" in str(error):
        return SandboxError("the Docker engine is not answering", how="restart it (sudo systemctl restart docker)")
    return SandboxError(f"Docker cannot be used: {one_line(error)}", how="check that `docker version` works")


def _causes(error: object) -> Iterator[BaseException]:
    """The error, what caused it, and the errors that requests and urllib3 wrap as arguments."""
    seen: list[BaseException] = []
    queue: list[object] = [error]
    while queue:
        cause = queue.pop()
        if isinstance(cause, BaseException) and not any(cause is other for other in seen):
            seen.append(cause)
            queue += [cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args]
            yield cause


@contextmanager
def _readable_errors() -> Generator[None]:
    """The SDK's errors as ours."""
    from docker.errors import APIError, DockerException, NotFound
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except NotFound as error:
        raise ContainerMissing(one_line(error.explanation or error)) from error
    except APIError as error:
        raise EngineError(one_line(error.explanation or error)) from error
    except (RequestException, HTTPError, ConnectionError) as error:
        raise EngineGone(one_line(error)) from error
    except (DockerException, json.JSONDecodeError) as error:
        raise EngineError(one_line(error)) from error


def _follow(stream: object, log: Callable[[str], None]) -> None:
    """Hand on the messages of a pull or build; raises EngineError with the engine's reason when it failed."""
    for message in cast("Iterator[Json]", stream):
        if "error" in message:
            raise EngineError(one_line(message["error"]))
        text = str(message.get("stream") or message.get("status") or "").rstrip()
        if text and "progress" not in message:
            for line in text.splitlines():
                log(line)


def _split_tag(tag: str) -> tuple[str, str | None]:
    name, colon, version = tag.rpartition(":")
    if "@" in tag or not colon or "/" in version:
        return tag, None if "@" in tag else "latest"
    return name, version


def one_line(error: object) -> str:
    """An error's text on one line."""
    return " ".join(str(error).split())
