"""`mlagent serve`: a vLLM server in the foreground, which sessions on this machine adopt."""

from __future__ import annotations

import contextlib
import shlex
import signal
import threading
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from rich.console import Console
from rich.markup import escape

from mlagent_app.agent.chat import Cancelled
from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.chat import vllm_http
from mlagent_app.chat.checkpoint import read_checkpoint
from mlagent_app.chat.machine import find_vllm, this_machine
from mlagent_app.chat.vllm_log import LogReader, failure
from mlagent_app.chat.vllm_plan import Gpu, Machine, Quantization, ServerPlan, plan_server
from mlagent_app.chat.vllm_server import Server, ServerSpec, open_server
from mlagent_app.config import load, memory_mb
from mlagent_app.policies.vllm import LOCALHOST, Serving
from mlagent_app.repo.locks import state_dir

# The base of the full agent.
DEFAULT_MODEL = "Qwen/Qwen2.5-7B-Instruct"
LOOK_SECONDS = 1.0
# So long it waits, after Ctrl-C, to say whether the server has ended.
PARTING_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Order:
    """What `serve` was asked for. `gpus`: memory such as `24g`, to plan for a machine that is not this one."""

    flags: Mapping[str, object]
    host: str = LOCALHOST
    context: int = 0
    gpus: tuple[str, ...] = ()
    dry_run: bool = False


def serve(order: Order) -> int:
    """Serve until Ctrl-C; the exit code. Raises `UserError`."""
    serving = _serving(order)
    console = Console(highlight=False)
    if order.dry_run:
        for line in planned(serving, order.gpus):
            console.print(escape(line), soft_wrap=True)
        return Exit.OK
    if order.gpus:
        raise UserError("--gpu plans for another machine, and serves nothing", how="add --dry-run, or leave --gpu out")
    if serving.host not in (LOCALHOST, "localhost", "::1"):
        note = f"{serving.host} can be reached from other machines: set {vllm_http.KEY}, which clients then need too"
        console.print(f"[yellow]i[/] {escape(note)}", soft_wrap=True)
    cancel = threading.Event()
    with _stopped_by_signals(cancel):
        try:
            return _until_stopped(console, serving, cancel)
        except Cancelled:
            console.print("stopped before it was ready")
            return Exit.OK


def _serving(order: Order) -> Serving:
    settings, _ = load(Path.cwd(), order.flags)
    policy = settings.policy
    # A directory of weights of the embedded policy, say, is not for this server.
    named = policy.model if "policy.model" in order.flags or policy.kind == "vllm" else ""
    quantization = cast("Quantization", policy.quantization)
    # Nor is an endpoint's context.
    context = order.context or (policy.context_tokens if policy.kind == "vllm" else None) or 0
    return Serving(
        named or DEFAULT_MODEL, state_dir(), policy.adapter, quantization, policy.python, order.host, policy.port, context
    )


def planned(serving: Serving, gpus: tuple[str, ...] = ()) -> list[str]:
    """What `--dry-run` prints: the plan and the command line, whether or not vLLM is here. Raises `UserError`."""
    machine = Machine(tuple(_gpu(text) for text in gpus), 0) if gpus else this_machine()
    plan = plan_server(read_checkpoint(serving.model), machine, serving.wanted())
    found = None if gpus else find_vllm(serving.python)
    python = found.python if found is not None else "python"
    spec = ServerSpec(serving.model, serving.adapter, python, vllm_http.Address(serving.host, serving.port), serving.state)
    adapter = f" with the adapter {serving.adapter}" if serving.adapter else ""
    lines = [f"model    {serving.model}{adapter}", *plan.lines(), "command", *(f"  {line}" for line in _wrapped(spec, plan))]
    if found is None and not gpus:
        lines.append("vLLM is not installed here: pip install 'ml-agent[vllm]', or name the Python that has it with --python")
    return lines


def _wrapped(spec: ServerSpec, plan: ServerPlan) -> list[str]:
    """The command line, an option a line, as a shell takes it."""
    environment = [f"{name}={value}" for name, value in spec.environment(plan).items()]
    lines = [shlex.join(["env", *environment])]
    for word in spec.command(plan):
        if word.startswith("--") or len(lines) == 1:
            lines.append(shlex.quote(word))
        else:
            lines[-1] += f" {shlex.quote(word)}"
    return [*(f"{line} \\" for line in lines[:-1]), lines[-1]]


def _gpu(text: str) -> Gpu:
    try:
        size = memory_mb(text) * 2**20
    except ValueError as error:
        raise UserError(f"{text!r} is no amount of memory: {error}", where="--gpu") from None
    return Gpu(f"GPU of {size / 2**30:g} GiB", size, size)


def _until_stopped(console: Console, serving: Serving, cancel: threading.Event) -> int:
    started = time.monotonic()

    def tell(line: str) -> None:
        console.print(f"{time.monotonic() - started:6.1f} s  {escape(line)}", soft_wrap=True)

    with open_server(serving.spec(), serving.plan, cancel, tell) as server:
        console.print(f"[bold]{escape(server.url)}[/] serves {escape(server.name)}, {server.context:,} tokens", soft_wrap=True)
        port = f" with policy.port = {serving.port}" if serving.port != 8000 else ""
        console.print(escape(f"use it: mlagent run PROJECT --policy vllm --model {serving.model}{port}"), soft_wrap=True)
        if server.adopted:
            console.print("it was started by something else, which is what ends it")
            return Exit.OK
        console.print("Ctrl-C stops it")
        while not cancel.wait(LOOK_SECONDS):
            _require_alive(server)
    _part(console, server)
    return Exit.OK


def _require_alive(server: Server) -> None:
    try:
        vllm_http.get(server.address, "/health")
    except ConnectionRefusedError:
        assert server.log is not None
        reader = LogReader(server.log, lambda _: None)
        reader.read()
        raise failure("the vLLM server has ended", reader) from None
    except OSError:
        return  # busy


def _part(console: Console, server: Server) -> None:
    """Say whether the server ends, or goes on for another session."""
    deadline = time.monotonic() + PARTING_SECONDS
    while time.monotonic() < deadline:
        try:
            vllm_http.get(server.address, "/health")
        except ConnectionRefusedError:
            console.print("stopped")
            return
        except OSError:
            pass
        time.sleep(LOOK_SECONDS / 4)
    console.print("another session uses the server; it ends with that")


@contextlib.contextmanager
def _stopped_by_signals(cancel: threading.Event) -> Generator[None]:
    """Ctrl-C and a termination request set the event while this holds."""

    def stop(number: int, frame: object) -> None:
        del number, frame
        cancel.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
