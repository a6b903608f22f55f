"""A language model in this process: transformers on a CPU, an NVIDIA GPU or an Apple one. Nothing heavy before it is asked."""

from __future__ import annotations

import contextlib
import hashlib
import queue
import threading
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from mlagent_app.agent.chat import Cancelled, Message, OnText, Reply, Usage
from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.chat import loading, turns
from mlagent_app.chat.checkpoint import read_checkpoint, require_context
from mlagent_app.chat.loading import Loaded, Source
from mlagent_app.chat.thinking import without_thinking

# A reply has at most so many tokens, and at most half of a small context.
REPLY_TOKENS = 4096
POLL_SECONDS = 0.05
T = TypeVar("T")


class TransformersModel:
    """A `ChatModel`. Threads may share it; one reply is written at a time.

    What it draws depends on `seed` and the conversation alone, on the same machine. `context`: no more of the model's own than
    so many tokens, 0 for all of it. Raises `UserError` (exit 4) at once where a package or the model is missing, or its context
    is known to be shorter.
    """

    def __init__(self, source: Source, *, seed: int = 0, reply_tokens: int = REPLY_TOKENS, context: int = 0) -> None:
        loading.check(source)
        require_context(read_checkpoint(source.model), context)
        self._source = source
        self._seed = seed
        self._reply_tokens = reply_tokens
        self._context = context
        self._loaded: Loaded | None = None
        self._tokenizer: Any = None
        self._last: _Writer | None = None
        self._loading = threading.Lock()
        self._writing = threading.Lock()

    @property
    def name(self) -> str:
        wanted = self._source.adapter or self._source.model
        return Path(wanted).expanduser().name if Path(wanted).expanduser().is_dir() else wanted

    @property
    def context_tokens(self) -> int:
        """As the model's configuration says, or as few as were asked for."""
        known = self._context or read_checkpoint(self._source.model).context
        return known or int(self._load().model.config.max_position_embeddings)

    def count(self, text: str) -> int:
        """The tokens of a text."""
        if self._tokenizer is None:
            self._tokenizer = loading.load_tokenizer(self._source)
        return len(self._tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True))

    def reply(self, messages: Sequence[Message], cancel: threading.Event, on_text: OnText | None = None) -> Reply:
        """The reply. The first one loads the model.

        Raises `Cancelled` within a tenth of a second after `cancel` is set: the token that is being computed then is thrown
        away. Raises `UserError` (exit 4) where the model cannot be loaded, or the conversation leaves no room for a reply.
        """
        with _held(self._writing, cancel):
            loaded = self._load_while(cancel)
            if self._last is not None:
                self._last.wait(cancel)
            prompt = turns.encode(loaded.tokenizer, messages)
            room = min(self._reply_tokens, self.context_tokens - len(prompt))
            if room < 1:
                raise UserError(
                    f"the conversation takes {len(prompt):,} tokens, the model's context has {self.context_tokens:,}",
                    where=self.name,
                    how="choose a model with a longer context" if not self._context else "let policy.context_tokens be more",
                    code=Exit.NO_POLICY,
                )
            self._last = _Writer(loaded, prompt, room, self._seed)
            self._last.start()
            return self._last.follow(cancel, on_text)

    def _load(self) -> Loaded:
        with self._loading:
            if self._loaded is None:
                self._loaded = loading.load(self._source)
                self._tokenizer = self._loaded.tokenizer
            return self._loaded

    def _load_while(self, cancel: threading.Event) -> Loaded:
        """Load, and stop waiting for it when `cancel` is set."""
        if self._loaded is not None:
            return self._loaded
        answer: queue.Queue[Loaded | BaseException] = queue.Queue()

        def work() -> None:
            try:
                answer.put(self._load())
            except BaseException as error:  # handed over
                answer.put(error)

        threading.Thread(target=work, name="load-model", daemon=True).start()
        found = _next(answer, cancel)
        if isinstance(found, BaseException):
            raise found
        return found


class _Writer:
    """Writes one reply in a thread of its own, so that a slow token does not hold up who waits."""

    def __init__(self, loaded: Loaded, prompt: list[int], room: int, seed: int) -> None:
        self._loaded = loaded
        self._prompt = prompt
        self._room = room
        self._seed = seed
        self._stop = threading.Event()
        # Pieces of text, then the token ids of the whole reply or what went wrong.
        self._said: queue.Queue[str | list[int] | BaseException] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name="write-reply", daemon=True)
        self._ends = turns.ends(loaded.tokenizer, loaded.model.generation_config)

    def start(self) -> None:
        self._thread.start()

    def wait(self, cancel: threading.Event) -> None:
        """Wait for the last token of a reply that was cancelled. Raises `Cancelled`."""
        while self._thread.is_alive():
            self._thread.join(POLL_SECONDS)
            if cancel.is_set():
                raise Cancelled

    def follow(self, cancel: threading.Event, on_text: OnText | None) -> Reply:
        """Pass the reply on as it comes, to its end."""
        try:
            while True:
                said = _next(self._said, cancel)
                if isinstance(said, BaseException):
                    raise self._explained(said)
                if isinstance(said, list):
                    return self._reply(said)
                if said and on_text is not None:
                    on_text(said)
        finally:
            self._stop.set()

    def _reply(self, ids: list[int]) -> Reply:
        text = str(self._loaded.tokenizer.decode(ids, skip_special_tokens=True))
        finish = "stop" if ids and ids[-1] in self._ends else "length"
        return Reply(without_thinking(text), Usage(len(self._prompt), len(ids)), finish)

    def _work(self) -> None:
        try:
            self._said.put(self._generate())
        except BaseException as error:  # handed over
            self._said.put(error)

    def _generate(self) -> list[int]:
        import torch
        import transformers

        stop = self._stop

        class Stopped(transformers.StoppingCriteria):
            def __call__(self, input_ids: Any, scores: Any, **options: Any) -> Any:  # noqa: ANN401
                del scores, options
                return torch.full((input_ids.shape[0],), stop.is_set(), dtype=torch.bool, device=input_ids.device)

        tokenizer, model = self._loaded.tokenizer, self._loaded.model
        prompt = torch.tensor([self._prompt], device=model.device)
        padding = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else self._ends[0] if self._ends else None
        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(_drawn(self._seed, self._prompt))
            written = model.generate(
                input_ids=prompt,
                attention_mask=torch.ones_like(prompt),
                max_new_tokens=self._room,
                eos_token_id=self._ends or None,
                pad_token_id=padding,
                streamer=_Words(tokenizer, self._said.put),
                stopping_criteria=transformers.StoppingCriteriaList([Stopped()]),
            )
        return written[0, len(self._prompt) :].tolist()

    def _explained(self, error: BaseException) -> BaseException:
        if "out of memory" not in str(error).lower():
            return error
        how = "set policy.quantization to 8bit or 4bit, choose a smaller model, or stop what else uses the memory"
        what = f"the {self._loaded.device} ran out of memory while the model wrote"
        return UserError(what, how=how, code=Exit.NO_POLICY)


class _Words:
    """Says what tokens come to as they come; half a character waits for its rest. What `generate` knows as a streamer."""

    def __init__(self, tokenizer: Any, say: Callable[[str], object]) -> None:  # noqa: ANN401  # a tokenizer of transformers
        self._tokenizer = tokenizer
        self._say = say
        self._prompt = True
        # Of the line that is being written.
        self._ids: list[int] = []
        self._said = ""

    def put(self, value: Any) -> None:  # noqa: ANN401  # a tensor of token ids; the prompt comes first
        if self._prompt:
            self._prompt = False
            return
        self._ids += value.reshape(-1).tolist()
        text = str(self._tokenizer.decode(self._ids, skip_special_tokens=True))
        if not text.endswith("\ufffd"):
            self._tell(text)
            if text.endswith("\n"):
                self._ids, self._said = [], ""

    def end(self) -> None:
        self._tell(str(self._tokenizer.decode(self._ids, skip_special_tokens=True)))

    def _tell(self, text: str) -> None:
        if len(text) > len(self._said):
            self._say(text[len(self._said) :])
            self._said = text


def _drawn(seed: int, prompt: Sequence[int]) -> int:
    """The seed of one reply."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{list(prompt)}".encode()).digest()[:7], "big")


def _next(line: queue.Queue[T], cancel: threading.Event) -> T:
    """The next item. Raises `Cancelled`."""
    while True:
        if cancel.is_set():
            raise Cancelled
        try:
            return line.get(timeout=POLL_SECONDS)
        except queue.Empty:
            continue


@contextlib.contextmanager
def _held(lock: threading.Lock, cancel: threading.Event) -> Generator[None]:
    """The lock, waited for. Raises `Cancelled`."""
    while not lock.acquire(timeout=POLL_SECONDS):
        if cancel.is_set():
            raise Cancelled
    try:
        yield
    finally:
        lock.release()
