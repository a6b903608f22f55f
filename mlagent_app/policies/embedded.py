"""The embedded policy: a small language model, made by `training/` and shipped. Offline, on any CPU, without PyTorch."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from mlagent_app.agent.chat import Cancelled, OnText
from mlagent_app.agent.cookbook import Cookbook
from mlagent_app.agent.digest import digest, task_kind
from mlagent_app.agent.edits import Candidate
from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.agent.state import State
from mlagent_app.policies.base import Proposal
from mlagent_app.policies.prior import NEUTRAL, Prior, features, tries
from mlagent_app.policies.qwen2 import Qwen2
from mlagent_app.policies.random import edit, nothing_left, untried
from mlagent_app.policies.trie import Floats, build
from mlagent_app.policies.writing import Writer

SETTINGS, BOOK = "policy.json", "cookbook.json"
SHOWN = 6
# The pass is quadratic in the size of the trie. Where more edits apply, so many are drawn for this step.
MOST_EDITS = 400
# Version of what the policy reads: weights that were trained on another form of digest are refused.
FORM = 2


@dataclass(frozen=True, slots=True)
class Settings:
    """`policy.json`: the form of digest, most tokens of a prompt, sampling temperature, who made the weights, and the prior."""

    form: int
    prompt_tokens: int
    temperature: float
    name: str
    prior: Prior = NEUTRAL

    @classmethod
    def of(cls, data: dict[str, Any]) -> Settings:
        """Raises KeyError, TypeError and ValueError for what is missing or damaged, and for another form of digest."""
        prior = Prior.from_json(data["prior"]) if "prior" in data else NEUTRAL
        found = cls(int(data["form"]), int(data["prompt_tokens"]), float(data["temperature"]), str(data["name"]), prior)
        if found.form != FORM:
            raise ValueError(f"made for form {found.form} of the digest, this version writes form {FORM}")
        return found


class EmbeddedModel:
    """The weights with their tokenizer: the exact distribution over the edits that apply. Safe to use from several threads."""

    def __init__(self, model: Qwen2, writer: Writer, settings: Settings, book: Cookbook) -> None:
        self.settings = settings
        self._model = model
        self._writer = writer
        self.book = book

    @classmethod
    def load(cls, directory: Path) -> EmbeddedModel:
        """Read a directory with config.json, model.safetensors, tokenizer.json and policy.json, and with a prior cookbook.json.

        Raises `UserError` (exit 4).
        """
        try:
            settings = Settings.of(json.loads((directory / SETTINGS).read_text("utf-8")))
            writer = Writer.load(directory / "tokenizer.json", settings.prompt_tokens)
            book = Cookbook() if settings.prior.neutral else Cookbook.from_json((directory / BOOK).read_text("utf-8"))
            return cls(Qwen2.load(directory), writer, settings, book)
        except (OSError, ValueError, KeyError, TypeError, ArithmeticError) as error:
            why = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise UserError(
                f"the weights cannot be read: {why}",
                where=str(directory),
                how="install the package again, or name a directory that mlagent-train publish wrote",
                code=Exit.NO_POLICY,
            ) from None

    def reading(self, book: Cookbook | None) -> EmbeddedModel:
        """The same model with another cookbook, if there is one."""
        return self if book is None else EmbeddedModel(self._model, self._writer, self.settings, book)

    def alone(self) -> EmbeddedModel:
        """The same model without its prior."""
        return EmbeddedModel(self._model, self._writer, replace(self.settings, prior=NEUTRAL), self.book)

    def log_probabilities(self, state: State, candidates: Sequence[Candidate]) -> Floats:
        """log pi(edit | state) of each candidate, at temperature 1."""
        prompt = self._writer.prompt(digest(state, {item.file for item in candidates}))
        trie = build(self._writer.completions([item.instruction for item in candidates]))
        logp = self._model.log_probabilities(np.array(prompt, np.int64), trie)
        if self.settings.prior.neutral:
            return logp
        edits = [(item.instruction, item.family) for item in candidates]
        return self.settings.prior.mixed(logp, features(self.book, task_kind(state), tries(state), edits, state.room))


def shipped() -> Path:
    """The directory of the weights in the package."""
    return Path(str(files("mlagent_app.policies"))) / "weights"


@lru_cache(maxsize=4)
def loaded(directory: Path) -> EmbeddedModel:
    """`EmbeddedModel.load`, once a directory."""
    return EmbeddedModel.load(directory)


def sharpened(logp: Floats, temperature: float) -> Floats:
    """Probabilities p^(1/T), normalised; all on the most probable one at temperature 0."""
    if temperature <= 0:
        best = np.zeros_like(logp)
        best[int(np.argmax(logp))] = 1.0
        return best
    scaled = np.exp((logp - logp.max()) / temperature)
    return scaled / scaled.sum()


class EmbeddedPolicy:
    """Draws from the model's distribution over the untried edits. The draw depends on the seed and the step's number alone."""

    name = "embedded"

    def __init__(self, seed: int = 0, directory: Path | None = None) -> None:
        self._seed = seed
        self._model = loaded(directory or shipped())

    def propose(
        self, state: State, candidates: Sequence[Candidate], cancel: threading.Event, on_text: OnText | None = None
    ) -> Proposal:
        """One draw, with its probability and what else was likely."""
        del on_text
        left = untried(state, candidates)
        if not left:
            return nothing_left(candidates)
        rng = random.Random(f"{self._seed}:{len(state.history)}")
        if len(left) > MOST_EDITS:
            left = [left[place] for place in sorted(rng.sample(range(len(left)), MOST_EDITS))]
        shares = sharpened(self._model.log_probabilities(state, left), self._model.settings.temperature)
        if cancel.is_set():
            raise Cancelled
        chosen = rng.choices(range(len(left)), shares.tolist())[0]
        order = [chosen, *(int(place) for place in np.argsort(-shares, kind="stable") if place != chosen)][:SHOWN]
        order.sort(key=lambda place: -shares[place])
        alternatives = tuple((left[place].instruction, float(shares[place])) for place in order)
        return Proposal(edit(left[chosen]), left[chosen].family, float(shares[chosen]), alternatives)
