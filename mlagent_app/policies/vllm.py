"""A language model behind a vLLM server that is started here, or runs already."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlagent_app.agent.chat import Message, OnText, Reply
from mlagent_app.agent.edits import Candidate
from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.agent.state import State
from mlagent_app.chat import constrained, vllm_http
from mlagent_app.chat.checkpoint import adapter_rank, read_checkpoint
from mlagent_app.chat.client import EndpointModel
from mlagent_app.chat.machine import require_vllm, this_machine
from mlagent_app.chat.target import Target
from mlagent_app.chat.tokens import estimate
from mlagent_app.chat.vllm_http import Address
from mlagent_app.chat.vllm_plan import Quantization, ServerPlan, Wanted, plan_server
from mlagent_app.chat.vllm_server import DEFAULT_PORT, Server, ServerSpec, Tell, open_server
from mlagent_app.policies.base import Policy, Proposal
from mlagent_app.policies.random import untried

LOCALHOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Serving:
    """What to serve and how: `[policy]` of the settings. `state`: the app's state directory, for locks and logs.

    `python` is the Python that has vLLM, this one when empty; `context` in tokens, 0 for what is of use and fits.
    """

    model: str
    state: Path
    adapter: str = ""
    quantization: Quantization = ""
    python: str = ""
    host: str = LOCALHOST
    port: int = DEFAULT_PORT
    context: int = 0

    def plan(self) -> ServerPlan:
        """What the memory of this machine allows. Raises `UserError` (exit 4)."""
        return plan_server(read_checkpoint(self.model), this_machine(), self.wanted())

    def wanted(self) -> Wanted:
        """What is asked of a plan. Raises `UserError` (exit 4) for what is no adapter."""
        rank = adapter_rank(Path(self.adapter).expanduser()) if self.adapter else 0
        return Wanted(self.context, self.quantization, rank)

    def spec(self) -> ServerSpec:
        """Raises `UserError` (exit 4) where no vLLM is installed that can serve here, unless a server runs already."""
        if not self.model:
            how = "set policy.model, or give --model, to a directory or a hub's model such as Qwen/Qwen2.5-7B-Instruct"
            raise UserError("vLLM needs a model to serve", where="policy.model", how=how, code=Exit.NO_POLICY)
        address = Address(self.host, self.port)
        python = self.python if _listens(address) else require_vllm(self.python, this_machine()).python
        adapter = str(Path(self.adapter).expanduser().resolve()) if self.adapter else ""
        path = Path(self.model).expanduser()
        return ServerSpec(str(path.resolve()) if path.is_dir() else self.model, adapter, python, address, self.state / "vllm")


def _listens(address: Address) -> bool:
    try:
        vllm_http.get(address, "/health")
    except ConnectionRefusedError:
        return False
    except OSError:
        return True
    return True


class VllmModel:
    """A `ChatModel`. The server is started, or adopted, with the first reply; `close` ends it if nobody else uses it.

    Raises `UserError` (exit 4) at once for what can be known before: no vLLM, no GPU, no model, too little memory.
    """

    def __init__(self, serving: Serving) -> None:
        self._spec = serving.spec()
        self._serving = serving
        if not _listens(self._spec.address):
            serving.plan()
        self._server: Server | None = None
        self._client: EndpointModel | None = None
        self._opening = threading.Lock()
        self._pattern = ""

    @property
    def name(self) -> str:
        wanted = self._spec.adapter or self._spec.model
        return Path(wanted).name if Path(wanted).is_dir() else wanted

    @property
    def context_tokens(self) -> int:
        """As the server was started, or less where it found a prompt too long; before, as it would be started.

        Of a server that somebody else started no more is used than was asked for.
        """
        client, server = self._client, self._server
        if client is not None:
            return client.context_tokens
        return _used(server, self._serving) if server is not None and server.context else self._serving.plan().context

    @property
    def log(self) -> Path:
        """What the server prints, where it was started here."""
        return self._spec.state / f"{self._spec.address.port}.log"

    def count(self, text: str) -> int:
        """The tokens of a text, estimated; corrected by what the server has counted so far."""
        client = self._client
        return client.count(text) if client is not None else estimate(text) + 1

    def reply(self, messages: Sequence[Message], cancel: threading.Event, on_text: OnText | None = None) -> Reply:
        """The reply. The first one starts the server and tells `on_text` how that goes; one that has died is started again.

        So is one that dies while it answers, once a reply: what kills it twice would do so for ever.
        """

        def tell(line: str) -> None:
            if on_text is not None:
                on_text(f"[{line}]\n")

        client = self._connect(cancel, tell)
        try:
            return client.reply(messages, cancel, on_text)
        except UserError:
            if not self._has_died():
                raise
        return self._connect(cancel, tell).reply(messages, cancel, on_text)

    def constrain(self, pattern: str) -> None:
        """Hold the replies from here on to a regular expression; free again when it is empty."""
        with self._opening:
            self._pattern = pattern
            self._client = None

    def close(self) -> None:
        """Stop using the server."""
        with self._opening:
            if self._server is not None:
                self._server.close()
            self._server = self._client = None

    def _has_died(self) -> bool:
        """Whether a server of ours is gone; one that somebody else started is theirs to start again."""
        server = self._server
        return server is not None and not server.adopted and not _listens(server.address)

    def _connect(self, cancel: threading.Event, tell: Tell) -> EndpointModel:
        with self._opening:
            if self._server is not None and not _listens(self._server.address):
                tell("the vLLM server has ended")
                self._server.close()
                self._server = self._client = None
            if self._server is None:
                self._server = open_server(self._spec, self._serving.plan, cancel, tell)
            if self._client is None:
                version = vllm_http.version(self._server.address) if self._pattern else ""
                extra = constrained.extra_body(self._pattern, version) if self._pattern else {}
                self._client = _client(self._server, self._serving, extra)
            return self._client


def _used(server: Server, serving: Serving) -> int:
    """Tokens, 0 where nobody says."""
    return min(filter(None, (server.context, serving.context)), default=0)


def _client(server: Server, serving: Serving, extra: Mapping[str, Any]) -> EndpointModel:
    """What talks to the server. `extra` goes into the body of each request."""
    key = os.environ.get(vllm_http.KEY, "")
    target = Target(server.url, server.name, vllm_http.KEY, key, context_tokens=_used(server, serving) or None, extra=extra)
    return EndpointModel(target)


class ConstrainedPolicy:
    """A policy whose model can only write edits that the catalogue can apply, and when none is left, its final answer.

    With `free_edits` it may take any action, on the files that candidates are in, and writes its edits itself.
    """

    def __init__(self, inner: Policy, model: VllmModel, *, free_edits: bool = False) -> None:
        self._inner = inner
        self._model = model
        self._free = free_edits

    @property
    def name(self) -> str:
        return self._inner.name

    def propose(
        self, state: State, candidates: Sequence[Candidate], cancel: threading.Event, on_text: OnText | None = None
    ) -> Proposal:
        """What the policy proposes, held to the pattern of this step."""
        if self._free:
            pattern = constrained.action_pattern(sorted({item.file for item in candidates}))
        else:
            left = [(item.file, item.instruction) for item in untried(state, candidates)]
            pattern = constrained.action_pattern(edits=left, only_edits=True)
        self._model.constrain(pattern)
        return self._inner.propose(state, candidates, cancel, on_text)
