"""One container from its creation to its removal: what it is made of, and how its end is found out and brought about."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sandbox.docker_engine import STDOUT, Attachment, ContainerState, Engine, EngineError, EngineGone, Json
from sandbox.docker_orphans import OWNER_LABEL, owner
from sandbox.docker_usage import UsageMeter
from sandbox.hidden import Mask
from sandbox.hostruntime import WORKSPACE, Mount
from sandbox.runner import Limits, OnSample, SandboxError
from sandbox.stream import LogPump
from sandbox.usage import MIB

TICK_SECONDS = 0.05
END_SECONDS = 10.0
TIMEOUT_GRACE_SECONDS = 3.0
CANCEL_GRACE_SECONDS = 0.4
# After this the job ends by itself even if nothing outside is left to end it.
INNER_TIMEOUT_MARGIN = 60
NOTES_BYTES = 4096
# init, the wrapper, and its two watchers with their children.
OWN_PROCESSES = 6

# Runs the command given as $1 for at most $2 seconds. Its stdin is the lifeline: when the client dies, the engine closes it
# and everything dies. The job's stderr goes into its stdout, because only one stream keeps the order; what the wrapper itself
# has to say goes to the container's stderr. SIGTERM reaches every process of the job. Only shell built-ins (but for `sleep`,
# which it can do without): an image may have nothing else, and a job that used up its processes cannot keep it from ending.
WRAPPER = """
exec 3<&0 </dev/null
(trap '' TERM; while read -r line; do :; done; kill -9 $$) <&3 >/dev/null 2>&1 &
(trap '' TERM; sleep "$2" && kill -9 $$) >/dev/null 2>&1 3<&- &
trap 'kill -TERM -1' TERM
/bin/sh -c "$1" 2>&1 3<&- &
job=$!
wait $job; code=$?
while kill -0 $job 2>/dev/null; do wait $job; code=$?; done
for file in /sys/fs/cgroup/cpuacct/cpuacct.usage /sys/fs/cgroup/cpu.stat; do
    [ -r $file ] && read -r line <$file && echo "cpu $line" >&2
done
for file in /sys/fs/cgroup/memory/memory.max_usage_in_bytes /sys/fs/cgroup/memory.peak; do
    [ -r $file ] && read -r line <$file && echo "peak $line" >&2
done
for file in /sys/fs/cgroup/memory/memory.oom_control /sys/fs/cgroup/memory.events; do
    [ -r $file ] && while read -r name count; do [ "$name" = oom_kill ] && echo "oom $count" >&2; done <$file
done
echo "ended" >&2
exit $code
"""

Reason = Literal["", "timeout", "killed"]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a container ended. `stopped` says whether we made it end, `orderly` whether the job ended and not its container.

    Memory in bytes, None where unknown.
    """

    exit_code: int
    orderly: bool
    oom_killed: bool
    error: str
    stopped: Reason
    seconds: float
    peak_memory: int | None
    cpu_seconds: float | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What runs, as whom, and what it sees."""

    image: str
    command: str
    user: str
    mounts: Sequence[Mount | Mask]
    variables: Mapping[str, str]


def configuration(plan: Plan, limits: Limits, security: frozenset[str]) -> Json:
    """The engine's configuration of a container that is walled off and limited."""
    memory = limits.memory_mb * MIB
    security_options = ["no-new-privileges"]
    if "selinux" in security:
        security_options.append("label=disable")
    host: Json = {
        "Mounts": [mount.to_json() for mount in plan.mounts],
        "NetworkMode": "bridge" if limits.network else "none",
        "ReadonlyRootfs": True,
        "Tmpfs": {"/tmp": f"size={limits.scratch_mb}m,mode=1777,exec,nosuid,nodev"},
        "CapDrop": ["ALL"],
        "SecurityOpt": security_options,
        "Memory": memory,
        "MemorySwap": memory,
        # It counts as memory of the job, so that is its bound; the usual 64 MB is too little for DataLoader workers.
        "ShmSize": memory,
        "NanoCpus": int(limits.cpus * 1e9),
        "PidsLimit": limits.pids + OWN_PROCESSES,
        "OomScoreAdj": 500,
        "Init": True,
        "Ulimits": [{"Name": "fsize", "Soft": limits.file_mb * MIB, "Hard": limits.file_mb * MIB}],
        "LogConfig": {"Type": "none"},
    }
    if "userns" in security:
        host["UsernsMode"] = "host"
    if limits.gpus:
        host["DeviceRequests"] = [{"Driver": "", "Count": limits.gpus, "Capabilities": [["gpu"]]}]
    return {
        "Image": plan.image,
        "Entrypoint": ["/bin/sh", "-c", WRAPPER, "ml-agent"],
        "Cmd": [plan.command, str(math.ceil(limits.seconds) + INNER_TIMEOUT_MARGIN)],
        "Env": [f"{name}={value}" for name, value in plan.variables.items()],
        "User": plan.user,
        "WorkingDir": WORKSPACE,
        "NetworkDisabled": False,
        "OpenStdin": True,
        "StdinOnce": True,
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "Tty": False,
        "Labels": {OWNER_LABEL: owner()},
        "HostConfig": host,
    }


class Container:
    """A created container. `run` it once, then `remove` it."""

    def __init__(self, engine: Engine, config: Json) -> None:
        self._engine = engine
        self.id = engine.create(config)
        self._attachment: Attachment | None = None
        self._reader: threading.Thread | None = None
        self._notes = bytearray()
        self._drained = threading.Event()

    def run(self, pump: LogPump, seconds: float, cancel: threading.Event | None, on_sample: OnSample | None) -> Ending:
        """Start it, feed `pump`, and return how it ended, by itself or after `seconds` or because of `cancel`.

        Raises EngineError when the engine refuses to start it or goes away.
        """
        self._attachment = self._engine.attach(self.id)
        self._reader = threading.Thread(target=self._drain, args=(self._attachment, pump), name="docker-output", daemon=True)
        self._reader.start()
        self._engine.start(self.id)
        started = time.monotonic()
        meter = UsageMeter(self._engine, self.id, on_sample)
        try:
            stopped = self._follow(started + seconds, cancel)
            state = self._end()
        finally:
            elapsed = time.monotonic() - started
            meter.stop()
        self._reader.join(timeout=END_SECONDS)
        peak, cpu, oom = self._said("peak"), self._said("cpu"), self._said("oom")
        return Ending(
            exit_code=state.exit_code,
            orderly=self._said("ended") is not None,
            # The engine hears of a kill apart from the end, and may hear of it later.
            oom_killed=state.oom_killed or bool(oom and int(oom[0])),
            error=state.error,
            stopped=stopped,
            seconds=elapsed,
            peak_memory=meter.peak_memory or (int(peak[0]) if peak else None),
            cpu_seconds=_seconds(cpu) if cpu else meter.cpu_seconds,
        )

    def remove(self) -> None:
        """Kill whatever still runs and remove it. Raises EngineError when the engine cannot."""
        try:
            self._engine.remove(self.id)
        finally:
            if self._attachment is not None:
                self._attachment.close()
            if self._reader is not None:
                self._reader.join(timeout=END_SECONDS)

    def _drain(self, attachment: Attachment, pump: LogPump) -> None:
        """The output goes on being read whatever happens, or the engine would block on a full pipe."""
        try:
            for stream, data in attachment.frames():
                if stream == STDOUT:
                    pump.feed(data)
                else:
                    self._notes = (self._notes + data)[-NOTES_BYTES:]
        finally:
            self._drained.set()

    def _follow(self, deadline: float, cancel: threading.Event | None) -> Reason:
        """Wait for the end of the output; stop the job at its deadline or when it is cancelled."""
        while not self._drained.wait(TICK_SECONDS):
            if cancel is not None and cancel.is_set():
                self._stop(CANCEL_GRACE_SECONDS)
                return "killed"
            if time.monotonic() >= deadline:
                self._stop(TIMEOUT_GRACE_SECONDS)
                return "timeout"
        return ""

    def _stop(self, grace: float) -> None:
        """Ask every process to end, then make them."""
        self._engine.kill(self.id, "SIGTERM")
        if not self._drained.wait(grace):
            self._engine.kill(self.id, "SIGKILL")

    def _end(self) -> ContainerState:
        """Its final state. The output ends with the container; if it does not, the connection to the engine broke."""
        if self._engine.wait(self.id, END_SECONDS) is None:
            raise EngineGone("the connection to the running container broke")
        return self._engine.state(self.id)

    def _said(self, word: str) -> list[str] | None:
        """What follows `word` in what the wrapper said at the very end; None when it said nothing of the kind."""
        for line in bytes(self._notes).decode(errors="replace").splitlines():
            first, *rest = line.split() or [""]
            if first == word and all(part.isdigit() or part == "usage_usec" for part in rest):
                return rest
        return None


def _seconds(cpu: Sequence[str]) -> float:
    """Processor time as the first or the second version of control groups counts it: nanoseconds, or named microseconds."""
    return int(cpu[-1]) / (1e6 if cpu[0] == "usage_usec" else 1e9)


def create_failure(error: EngineError, limits: Limits) -> SandboxError:
    """Why a container could not be made or started, in words that help."""
    text = str(error)
    if "could not select device driver" in text or "nvidia-container-cli" in text:
        return SandboxError(
            f"this Docker engine offers no GPU and the run asks for {limits.gpus}",
            how="set [limits] gpus = 0, or install the NVIDIA Container Toolkit",
        )
    if isinstance(error, EngineGone):
        return SandboxError(f"the Docker engine went away: {text}", how="check that Docker runs and continue the session")
    return SandboxError(f"Docker could not run the container: {text}", how="see the engine's own log")
