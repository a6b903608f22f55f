"""TRL's GRPOTrainer as the second algorithm (`rl.algorithm = "grpo"`): no critic, a state's mean reward is the baseline.

States, prompts, the draw of answers and their execution are those of `training.textual`; TRL gets the state's id as a prompt,
and the answers as token ids, so that nothing is tokenised twice. It works for every model that writes text.
"""

from __future__ import annotations

import contextlib
import math
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch

from training.answers import TRAINED_TOKENS, Execution, Speech, draw
from training.big import load_policy
from training.corpus import Corpus, Situation
from training.loop import MODEL, Log, Unscored
from training.outcomes import Outcomes
from training.pool import WorkerPool
from training.recipe import Recipe
from training.stage import LOGS, Stage, last_checkpoint, write_json
from training.states import balanced
from training.telling import Tell

if TYPE_CHECKING:
    from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
    from trl.trainer.grpo_config import GRPOConfig
    from trl.trainer.grpo_trainer import GRPOTrainer

# How TRL calls a reward function: keyword lists, a row of the batch each.
RewardFunction = Callable[..., list[float | None]]
# What TRL logs, under the names of `training.ppo`; its ratios are clipped at either side.
NAMES = {"kl": "kl_token", "entropy": "entropy", "loss": "policy_loss", "clip_ratio/region_mean": "clip_fraction"}


def train(
    stage: Stage,
    read: Corpus,
    start: Path,
    situations: Sequence[Situation],
    pool: WorkerPool,
    outcomes: Outcomes,
    seed: int,
    tell: Tell,
) -> dict[str, Any]:
    """Train one seed from the weights in `start`; the last policy is kept. Returns the results for the manifest."""
    recipe, place = stage.recipe, stage.place
    (place / LOGS).mkdir(parents=True, exist_ok=True)
    checkpoints = place / LOGS / "checkpoints"
    checkpoint = last_checkpoint(checkpoints)
    first = int(checkpoint.rpartition("-")[2]) // _steps(recipe) if checkpoint else 0
    made = trainer(recipe, read, start, situations, pool, outcomes, seed, checkpoints)
    log = Log(place, first)
    made.add_callback(_telling(recipe, log, outcomes, tell))
    with contextlib.redirect_stdout(None):  # the trainer prints its logs as dictionaries
        made.train(resume_from_checkpoint=checkpoint)
    made.save_model(str(place / MODEL))
    write_json(place / "last.json", {"updates": made.state.global_step // _steps(recipe)})
    return log.results(math.nan)


def trainer(
    recipe: Recipe,
    read: Corpus,
    start: Path,
    situations: Sequence[Situation],
    pool: WorkerPool,
    outcomes: Outcomes,
    seed: int,
    checkpoints: Path,
) -> GRPOTrainer:
    """The trainer, ready to run: `rl.updates` batches of `rl.states` states with `rl.rollouts_per_state` answers each."""
    from datasets import Dataset
    from trl.trainer.grpo_trainer import GRPOTrainer

    known = {situation.id: situation for situation in situations}
    draws = balanced(situations, seed, fewest=0)
    drawn = [next(draws).id for _ in range(recipe.rl.updates * recipe.rl.states)]
    speech = Speech.of(recipe, read)
    policy: Any = load_policy(recipe.model, start, trained=True)
    policy.generation_config.eos_token_id = list(speech.ends)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*rollout_func.*")  # experimental, and just what is needed
        return GRPOTrainer(
            model=policy,
            reward_funcs=reward_function(recipe, known, Execution(recipe, pool, outcomes)),
            args=configuration(recipe, seed, checkpoints),
            train_dataset=Dataset.from_dict({"prompt": drawn, "state": drawn}),
            processing_class=speech.tokenizer,
            rollout_func=_rollout(recipe, known, speech, seed),
        )


def reward_function(recipe: Recipe, known: dict[str, Situation], execution: Execution) -> RewardFunction:
    """Eq. 6 for TRL: every completion is read, and executed in the state that the column `state` names.

    None where the infrastructure failed: TRL keeps it out of the baseline, and gives it no advantage.
    """

    def eq6(
        completions: list[str], state: list[str], log_metric: Callable[[str, float], None] | None = None, **more: object
    ) -> list[float | None]:
        del more
        found = execution.outcomes([(known[name], text) for name, text in zip(state, completions, strict=True)])
        if log_metric is not None:
            note = log_metric
            for case in ("edit", "error", "corner", "invalid", "infrastructure"):
                note(f"case/{case}", sum(outcome.case == case for outcome in found) / len(found))
            note("better", sum(1 for o in found if o.scale is not None and o.scale > 0) / len(found))
            note("executed", sum(outcome.executed for outcome in found) / len(found))
            note("execution_seconds", execution.spent)
        return [outcome.reward(recipe) for outcome in found]

    return eq6


def configuration(recipe: Recipe, seed: int, checkpoints: Path) -> GRPOConfig:
    """The recipe's values in TRL's words; one optimizer step is a minibatch of answers, taken in parts that fit."""
    from trl.trainer.grpo_config import GRPOConfig

    table = recipe.rl
    answers = table.states * table.rollouts_per_state
    minibatch = _divisor(answers, table.minibatch)
    part = _divisor(minibatch, max(1, TRAINED_TOKENS // recipe.model.context))
    cuda = torch.cuda.is_available()
    return GRPOConfig(
        output_dir=str(checkpoints),
        max_steps=table.updates * _steps(recipe),
        per_device_train_batch_size=part,
        gradient_accumulation_steps=minibatch // part,
        steps_per_generation=answers // part,
        num_generations=table.rollouts_per_state,
        num_iterations=table.epochs,
        max_completion_length=table.max_new_tokens,
        temperature=table.temperature,
        learning_rate=table.actor_lr,
        lr_scheduler_type="constant",
        weight_decay=0.0,
        max_grad_norm=table.max_grad_norm,
        epsilon=table.clip,
        beta=table.kl,
        # A state's mean is taken away; dividing by its own deviation blows up states in which all answers do the same.
        scale_rewards="batch",
        shuffle_dataset=False,
        seed=seed,
        bf16=recipe.model.dtype == "bfloat16" and cuda,
        fp16=False,
        use_cpu=not cuda,
        gradient_checkpointing=recipe.model.base != "scratch" and cuda,
        dataloader_pin_memory=cuda,
        logging_steps=_steps(recipe),
        save_steps=table.save_every * _steps(recipe),
        save_total_limit=1,
        report_to="none",
        disable_tqdm=True,
    )


def _steps(recipe: Recipe) -> int:
    """Optimizer steps an update."""
    answers = recipe.rl.states * recipe.rl.rollouts_per_state
    return recipe.rl.epochs * (answers // _divisor(answers, recipe.rl.minibatch))


def _divisor(number: int, most: int) -> int:
    """The largest divisor of `number` that is at most `most`: TRL takes no batches of different sizes."""
    return next(size for size in range(min(number, most), 0, -1) if number % size == 0)


def _rollout(
    recipe: Recipe, known: dict[str, Situation], speech: Speech, seed: int
) -> Callable[[list[str], GRPOTrainer], dict[str, Any]]:
    """TRL's `rollout_func`: the answers to states, of which each comes as often as it is to be answered."""

    def answers(states: list[str], made: GRPOTrainer) -> dict[str, Any]:
        prompts = [known[state].prompt for state in states]
        model = cast("Any", made.accelerator).unwrap_model(made.model)
        drawn, logp = draw(model, prompts, speech, recipe.model, seed * 1_000_003 + made.state.global_step)
        return {"prompt_ids": [prompt.tolist() for prompt in prompts], "completion_ids": drawn, "logprobs": logp}

    return answers


def _telling(recipe: Recipe, log: Log, outcomes: Outcomes, tell: Tell) -> TrainerCallback:
    """A callback that writes the trainer's numbers where `training.ppo` writes its own."""
    from transformers import TrainerCallback

    class Telling(TrainerCallback):
        """Passes the trainer's progress on."""

        def __init__(self) -> None:
            self._since, self._counted = time.monotonic(), outcomes.counted
            self._unscored = Unscored(log.place)

        def on_log(
            self,
            args: TrainingArguments,
            state: TrainerState,
            control: TrainerControl,
            logs: dict[str, Any] | None = None,
            **more: object,
        ) -> None:
            del args, control, more
            if not logs or "reward" not in logs:  # the summary at the end
                return
            now = time.monotonic()
            # None: of all that the value is of, the infrastructure failed every one.
            found = {name: math.nan if value is None else float(value) for name, value in logs.items()}
            row = {"reward": found["reward"], **{name: found[theirs] for theirs, name in NAMES.items() if theirs in found}}
            row |= {name: value for name, value in found.items() if name.startswith("case/")}
            row |= {name: found[name] for name in ("better", "executed", "execution_seconds") if name in found}
            row["kl_sft"] = row.get("kl_token", 0.0) * found.get("completions/mean_length", 0.0)
            row |= {"seconds": now - self._since, **outcomes.since(self._counted)}
            self._since, self._counted = now, outcomes.counted
            update = state.global_step // _steps(recipe)
            log.write(update, row)
            self._unscored.see(scored=not math.isnan(row["reward"]))
            tell(f"updates, reward {row['reward']:.3f}, KL {row['kl_sft']:.2f}", update, recipe.rl.updates)

    return Telling()
