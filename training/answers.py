"""Answers in free text: drawing them from a language model, and what they come to when they are executed."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from mlagent_app.agent.actions import Action, EditScript, InvalidAction, format_answer, parse
from mlagent_app.policies.trie import Ints
from mlagent_app.policies.writing import END, PAD
from training.corpus import Corpus, Situation
from training.episodes import ReplyJob
from training.outcomes import Outcome, Outcomes
from training.pool import Lost, WorkerPool
from training.ranks import ALONE, Ranks
from training.recipe import Model, Recipe

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

# Prompt and answer tokens that one pass may hold at a time: with gradients, and when answers are drawn.
TRAINED_TOKENS = 16_384
DRAWN_TOKENS = 65_536
# Tokens whose logits over the vocabulary exist at a time: those of 152,000 words take 0.6 MB a token in float32.
LOGIT_TOKENS = 1024


@dataclass(frozen=True, slots=True)
class Speech:
    """How answers are drawn: `ends` are the tokens that end one, `most` its length, `tokenizer` reads it back."""

    tokenizer: PreTrainedTokenizerBase
    ends: tuple[int, ...]
    pad: int
    most: int
    temperature: float

    @classmethod
    def of(cls, recipe: Recipe, read: Corpus) -> Speech:
        """For the corpus's base, or for the model from scratch, whose completions are bare instructions."""
        from training.big import ChatWriter

        writer = read.writer
        tokenizer: Any
        if isinstance(writer, ChatWriter):
            tokenizer, end = writer.chat, writer.end
        else:
            from transformers import PreTrainedTokenizerFast

            tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(read.tokenizer), pad_token=PAD, eos_token=END)
            end = tokenizer.eos_token_id
        most = min(recipe.rl.max_new_tokens, recipe.model.context - writer.most)
        ends = tuple(dict.fromkeys((int(end), int(tokenizer.eos_token_id))))
        return cls(tokenizer, ends, int(tokenizer.pad_token_id), most, recipe.rl.temperature)

    def text(self, answer: Sequence[int]) -> str:
        """An answer's text, without the token that ends it."""
        found: str = self.tokenizer.decode(list(answer), skip_special_tokens=True, clean_up_tokenization_spaces=False)  # pyright: ignore[reportAssignmentType]
        return found


@dataclass(frozen=True, slots=True)
class Laid:
    """b prompts with answers as one tensor: prompts end, and answers begin, at column P. T is the longest answer.

    tokens, attention, positions [b, P + T]; answered [b, T] is true for the tokens of the answers.
    """

    tokens: Tensor
    attention: Tensor
    positions: Tensor
    answered: Tensor

    @property
    def chosen(self) -> Tensor:
        """The answers' tokens [b, T]."""
        return self.tokens[:, self.tokens.shape[1] - self.answered.shape[1] :]


def lay(prompts: Sequence[Ints | Sequence[int]], answers: Sequence[Sequence[int]], pad: int, device: torch.device) -> Laid:
    """Pad the prompts on the left and the answers on the right; see `Laid`."""
    before = max(len(prompt) for prompt in prompts)
    behind = max(len(answer) for answer in answers)
    tokens = torch.full((len(prompts), before + behind), pad, dtype=torch.int64)
    attention = torch.zeros_like(tokens)
    for row, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
        first, last = before - len(prompt), before + len(answer)
        tokens[row, first:last] = torch.tensor([*map(int, prompt), *answer])
        attention[row, first:last] = 1
    positions = (attention.cumsum(1) - 1).clamp(min=0)
    return Laid(*(tensor.to(device) for tensor in (tokens, attention, positions, attention[:, before:].bool())))


def chunks(lengths: Sequence[int], most: int) -> list[list[int]]:
    """Neighbouring rows that, padded to the longest of them, take at most `most` tokens; one row at the least."""
    found: list[list[int]] = []
    longest = 0
    for row, length in enumerate(lengths):
        longest = max(longest, length)
        if not found or longest * (len(found[-1]) + 1) > most:
            found.append([])
            longest = length
        found[-1].append(row)
    return found


def precision(table: Model, device: torch.device) -> AbstractContextManager[object]:
    """Computes in the table's dtype: autocast for bfloat16, nothing for float32."""
    return torch.autocast(device.type, torch.bfloat16) if table.dtype == "bfloat16" else nullcontext()


@contextmanager
def settled(model: torch.nn.Module) -> Generator[None]:
    """Without dropout and gradient checkpointing, which switches the cache off."""
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)


@torch.no_grad()
def draw(
    model: PreTrainedModel, prompts: Sequence[Ints], speech: Speech, table: Model, seed: int, ranks: Ranks = ALONE
) -> tuple[list[list[int]], list[list[float]]]:
    """An answer to each prompt from softmax(logits / temperature), and the log-probability of each of its tokens there.

    The token that ends an answer belongs to it; one that reaches `speech.most` tokens has none. Nothing else shapes the
    distribution (no top-k, no penalties), so that a forward pass gives the same numbers. The processes of `ranks` draw in step,
    as the weights that they share have to be gathered by all for every token.
    """
    from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList

    config = GenerationConfig(
        do_sample=True, temperature=speech.temperature, top_k=0, top_p=1.0, repetition_penalty=1.0, max_new_tokens=speech.most,
        eos_token_id=list(speech.ends), pad_token_id=speech.pad, return_dict_in_generate=True,
    )  # fmt: skip
    answers: list[list[int]] = []
    logp: list[list[float]] = []
    generate: Any = model.generate
    devices = [model.device] if model.device.type == "cuda" else []
    with settled(model), precision(table, model.device), torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        parts = chunks([len(prompt) + speech.most for prompt in prompts], DRAWN_TOKENS)
        more = [[0]] * (ranks.most(len(parts)) - len(parts))
        for rows in [*parts, *more]:
            watch = _Watch(speech.temperature)
            laid = lay([prompts[row] for row in rows], [()] * len(rows), speech.pad, model.device)
            out: Any = generate(
                input_ids=laid.tokens, attention_mask=laid.attention, generation_config=config,
                logits_processor=LogitsProcessorList([watch.see]), stopping_criteria=StoppingCriteriaList([watch.take]),
                synced_gpus=ranks.world > 1,
            )  # fmt: skip
            tokens: Tensor = out.sequences[:, laid.tokens.shape[1] :]  # [b, T]
            drawn = cast("list[list[int]]", tokens.tolist())
            taken = cast("list[list[float]]", torch.cat(watch.taken, 1).tolist())
            for answer, row in zip(drawn, taken, strict=True):
                length = next((at + 1 for at, token in enumerate(answer) if token in speech.ends), len(answer))
                answers.append(answer[:length])
                logp.append(row[:length])
    return answers[: len(prompts)], logp[: len(prompts)]


class _Watch:
    """Keeps the log-probability of each token as it is drawn: the scores of a whole answer would take gigabytes."""

    def __init__(self, temperature: float) -> None:
        self._temperature = temperature
        self._seen = torch.zeros(0)
        self.taken: list[Tensor] = []

    def see(self, tokens: Tensor, logits: Tensor) -> Tensor:
        """Before a draw: the logits [b, V], still without the temperature."""
        del tokens
        self._seen = (logits.float() / self._temperature).log_softmax(-1)
        return logits

    def take(self, tokens: Tensor, scores: object, **more: object) -> Tensor:
        """Behind a draw: the token is the last one of [b, P + t]. It never stops anything."""
        del scores, more
        self.taken.append(self._seen.gather(1, tokens[:, -1:]))
        return torch.zeros(len(tokens), dtype=torch.bool, device=tokens.device)


class Execution:
    """Executes answers in the states that they were given in. What was executed on the same files before is remembered."""

    def __init__(self, recipe: Recipe, pool: WorkerPool, outcomes: Outcomes) -> None:
        self._recipe = recipe
        self._pool = pool
        self._counts = outcomes
        self._known: dict[tuple[str, str, Action], Outcome] = {}
        self.spent = 0.0

    def outcomes(self, pairs: Sequence[tuple[Situation, str]]) -> list[Outcome]:
        """What each answer comes to, with the reward of eq. 6 in it; what the infrastructure failed is `infrastructure`.

        An answer that is no action is invalid: nothing is executed for it.
        """
        start = time.monotonic()
        actions = [self.action(situation, text) for situation, text in pairs]
        jobs: dict[tuple[str, str, Action], ReplyJob] = {}
        for (situation, text), action in zip(pairs, actions, strict=True):
            if isinstance(action, InvalidAction):
                continue
            key = (situation.variant, situation.base, action)
            if key in self._known or key in jobs:
                self._counts.hits += 1
            else:
                self._counts.misses += 1
                reply = text if self._whole else format_answer(action)
                jobs[key] = ReplyJob(situation.id, reply, self._recipe.tasks.run_seconds)
        fresh = self._execute(jobs)
        self._known |= {key: Outcome(found.case, found.scale) for key, found in fresh.items() if found.case != "infrastructure"}
        self.spent = time.monotonic() - start
        return [
            Outcome("invalid", None) if isinstance(action, InvalidAction) else self._now(fresh, (s.variant, s.base, action))
            for (s, _), action in zip(pairs, actions, strict=True)
        ]

    def action(self, situation: Situation, text: str) -> Action | InvalidAction:
        """What an answer says: in the grammar of a reply, or the bare instruction that the model from scratch writes."""
        if self._whole:
            return parse(text)[1]
        if not text.strip():
            return InvalidAction("expected an instruction")
        files = {instruction: file for instruction, file, _ in situation.edits}
        return EditScript(files.get(text) or next(iter(files.values()), ""), text)

    @property
    def _whole(self) -> bool:
        return self._recipe.model.base != "scratch"

    def _execute(self, jobs: dict[tuple[str, str, Action], ReplyJob]) -> dict[tuple[str, str, Action], Outcome]:
        keys = list(jobs)
        steps: Iterable[tuple[int, Any]] = self._pool.imap(jobs.values())
        return {
            keys[index]: Outcome(step.case, step.scale, step.seconds, executed=not step.cached)
            for index, step in steps
            if not isinstance(step, Lost)
        }

    def _now(self, fresh: dict[tuple[str, str, Action], Outcome], key: tuple[str, str, Action]) -> Outcome:
        return fresh.get(key) or self._known.get(key) or Outcome("infrastructure", None)
