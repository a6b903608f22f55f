"""RL for `benchmarks.gpu`: an update of our step-wise PPO in its parts, and one of TRL's GRPOTrainer on as many answers."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from benchmarks.gpu import Row, Setting, model, timed
from benchmarks.gpu_sft import words
from training import grpo
from training.answers import Speech
from training.big import lora_config
from training.budget import flops_of_pass, training_flops
from training.corpus import Corpus, Situation
from training.episodes import ReplyJob, Step
from training.outcomes import Outcomes
from training.recipe import Recipe
from training.textual import TextLearner, TextRollout

PAUSE_SECONDS = 0.05


class Pause:
    """Workers whose every run takes the same time, and comes to the same."""

    def imap(self, jobs: Iterable[ReplyJob]) -> Iterator[tuple[int, Step]]:
        """An outcome for each."""
        for index, job in enumerate(jobs):
            time.sleep(PAUSE_SECONDS)
            yield index, Step(
                state=job.state, next_state="", task="toy", variant="toy/0", index=0, instruction="", file="", family="",
                case="edit", outcome="ok", before=0.5, value=0.6, scale=0.01, kept=True, seconds=PAUSE_SECONDS, cached=False,
                logp=None, candidates=1, reply=job.reply,
            )  # fmt: skip

    def close(self) -> None:
        """Nothing to end."""


def rows(setting: Setting, place: Path) -> list[Row]:
    """The parts of an update of PPO, the whole of it, and one of GRPO."""
    start = place / "start"
    base = place / "base"
    net = model(setting.sizes, tiny=setting.tiny)
    net.save_pretrained(base)
    recipe = setting.recipe()
    recipe = recipe.model_copy(update={"model": recipe.model.model_copy(update={"base": str(base)})})
    from peft import get_peft_model

    get_peft_model(net, lora_config(recipe.model)).save_pretrained(str(start))
    del net
    draw = random.Random(0)
    states = [_state(number, setting, draw) for number in range(setting.states)]
    read = cast("Corpus", SimpleNamespace())
    with _speech(setting):
        parts, whole, peak = _ppo(recipe, read, start, states, place)
        theirs, theirs_peak = _grpo(recipe, read, start, states, place)
    answers, length = 2 * setting.states, setting.prompt + setting.answer
    tokens = answers * length
    flops = answers * (4 * flops_of_pass(setting.sizes, length) + 2 * training_flops(setting.sizes, length, adapters=True))
    # GRPO has no critic: it reads once to draw, twice to score, and learns one model.
    fewer = answers * (2 * flops_of_pass(setting.sizes, length) + training_flops(setting.sizes, length, adapters=True))
    what = f"RL, {answers} answers"
    split = [Row(f"{what}: {name}", "ML-Agent PPO", seconds, 0, 0.0, peak, 0.0) for name, seconds in parts.items()]
    return [
        *split,
        Row(what, "ML-Agent PPO", whole, tokens, flops, peak, theirs / whole),
        Row(what, "TRL GRPOTrainer", theirs, tokens, fewer, theirs_peak, 1.0),
    ]


def _state(number: int, setting: Setting, draw: random.Random) -> Situation:
    prompt = np.array([draw.randrange(2, setting.sizes.vocabulary) for _ in range(setting.prompt)], np.int64)
    return Situation(f"s{number}", "toy", "toy/0", f"files-{number}", 0, "tabular", prompt, (("edit", "train.py", ""),), ((),))


@contextlib.contextmanager
def _speech(setting: Setting) -> Generator[None]:
    """Answers of full length, which no token ends, so that every run draws as many tokens."""
    chat = words(setting)
    before = Speech.of

    def fixed(recipe: Recipe, read: Corpus) -> Speech:
        del read
        return Speech(chat, (setting.sizes.vocabulary - 1,), 0, setting.answer, recipe.rl.temperature)

    Speech.of = fixed
    try:
        yield
    finally:
        Speech.of = before


def _ppo(
    recipe: Recipe, read: Corpus, start: Path, states: list[Situation], place: Path
) -> tuple[dict[str, float], float, int]:
    learner = TextLearner(recipe, read, start, 0)
    rollout = TextRollout(recipe, states, states[:1], cast("Any", Pause()), Outcomes(place / "none"), 0)
    spent: dict[str, float] = {}

    def update() -> None:
        batch = rollout.collect(learner, 0)
        since = time.perf_counter()
        learner.advantage(batch)
        learner.update(batch, random.Random(0))
        spent["update"] = time.perf_counter() - since

    update()
    whole, peak = timed(update)
    told = {"generation": learner.spent["generation_seconds"], "execution": learner.spent["execution_seconds"]}
    return {**told, "update": spent["update"]}, whole, peak


def _grpo(recipe: Recipe, read: Corpus, start: Path, states: list[Situation], place: Path) -> tuple[float, int]:
    changed = recipe.model_copy(update={"rl": recipe.rl.model_copy(update={"algorithm": "grpo"})})

    def made() -> Any:  # noqa: ANN401
        found: Any = grpo.trainer(
            changed, read, start, states, cast("Any", Pause()), Outcomes(place / "none"), 0, place / "grpo"
        )
        found.args.save_strategy = "no"
        return found

    with contextlib.redirect_stdout(None):
        trainer = made()
        return timed(trainer.train)
