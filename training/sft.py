"""Exploration-enriched fine-tuning (paper, section 3.2, eq. 3): TRL's SFTTrainer on expert steps, loss on answers alone."""

from __future__ import annotations

import contextlib
import math
import os
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlagent_app.agent.errors import UserError
from mlagent_app.agent.reward import CONSTANT, Version
from training import corpus, experts
from training.corpus import Corpus
from training.draws import training_tasks
from training.episodes import Step
from training.ranks import ranks
from training.recipe import Recipe
from training.recipe import Sft as SftTable
from training.stage import LOGS, Stage, last_checkpoint
from training.telling import Tell
from training.weights import complete

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerControl, TrainerState, TrainingArguments
    from trl import SFTConfig  # pyright: ignore[reportPrivateImportUsage]

MODEL = "model"
# Of a weight: whatever is more has the most copies in any case, and the exponential of much more overflows.
MOST_EXPONENT = 50.0
# As in fsdp2.yaml, for a launch by torchrun.
FSDP = {
    "version": 2,
    "auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
    "transformer_layer_cls_to_wrap": ["Qwen2DecoderLayer"],
    "reshard_after_forward": True,
    "state_dict_type": "FULL_STATE_DICT",
    "activation_checkpointing": True,
}


def stage_of(run: Path, recipe: Recipe, arm: str = "rl") -> Stage:
    extra = recipe.arms[arm].model_dump_json(exclude={"rl", "prior"}) if stage_name(recipe, arm) != "sft" else ""
    sections, inputs = (
        (("model", "sft", "prior"), ("experts", "corpus")) if has_prior(recipe) else (("model", "sft"), ("corpus",))
    )
    return Stage(run, stage_name(recipe, arm), recipe, sections, inputs, extra)


def has_prior(recipe: Recipe) -> bool:
    """Whether the policy is the small model's, which a prior is mixed with."""
    return recipe.model.base == "scratch"


def stage_name(recipe: Recipe, arm: str) -> str:
    """The SFT stage that an arm starts from."""
    return f"sft-{arm}" if arm != "rl" and recipe.arms[arm].own_sft else "sft"


def allowed_tasks(recipe: Recipe, arm: str) -> set[str]:
    """The tasks that an arm may learn from."""
    specs = training_tasks(recipe)
    if arm != "rl":
        wanted = recipe.arms[arm]
        held_in = [spec for spec in specs if spec.split == "held_in"]
        specs = held_in[: wanted.held_in] + [spec for spec in specs if spec.split == "family" and wanted.families]
    return {spec.id for spec in specs}


def make(stage: Stage, arm: str, tell: Tell) -> dict[str, Any]:
    """Train on the corpus of this run. Returns the results for the manifest."""
    recipe = stage.recipe
    read = corpus.read(stage.run / "corpus", recipe.model.context)
    allowed, explore = allowed_tasks(recipe, arm), arm == "rl" or recipe.arms[arm].explore
    steps = [(s, at) for s, at in read.steps if s.task in allowed and (explore or is_greedy(s))]
    rows = examples(read, steps, recipe)
    tell(f"{len(rows)} examples of {len(steps)} steps")
    if not rows:
        raise UserError(
            f"none of the {len(steps)} expert steps gained anything, so that there is nothing to imitate",
            where=f"the experts of {stage.run}",
            how='play more of them (experts.rounds, tasks), or set sft.weighting="uniform"',
        )
    model, tokenizer = opening_model(recipe, read)
    results = train(recipe, rows, model, tokenizer, stage.place, tell)
    if recipe.model.base == "scratch" and ranks().first:
        from training.priors import Priors, start_of

        complete(
            stage.place / MODEL,
            read.tokenizer,
            prompt_tokens=read.writer.most,
            temperature=recipe.publish.temperature,
            name=f"{recipe.name} sft",
            prior=start_of(recipe),
            book=Priors(experts.stage_of(stage.run, recipe), allowed).book,
        )
    return results


def is_greedy(step: Step) -> bool:
    """Whether the search took it with more than three times the probability of a uniform draw, not to explore."""
    return step.logp is not None and math.exp(step.logp) * step.candidates > 3.0


def copies(step: Step, recipe: Recipe, rng: random.Random) -> int:
    """How often a step is shown, in expectation its `weight`.

    Reward-weighted regression (Peters and Schaal 2007) by repetition, which any trainer can do. What did not help is not shown.
    """
    table = recipe.sft
    reward = step.reward(table.reward)
    if reward is None:
        return 0
    if table.weighting != "reward":
        return int(table.weighting == "uniform" or step.kept)
    times = weight(reward, table.reward, table)
    return int(times) + (rng.random() < times - int(times))


def weight(reward: float, version: Version, table: SftTable) -> float:
    """exp((reward - r0) / beta) - 1, at least 0 and at most `most_copies`; r0: the reward of no change in this version."""
    gained = (reward - CONSTANT[version]["no_edit"]) / table.beta
    return max(0.0, min(float(table.most_copies), math.expm1(min(gained, MOST_EXPONENT))))


def examples(read: Corpus, steps: Sequence[tuple[Step, int]], recipe: Recipe) -> list[dict[str, list[int]]]:
    """Token ids and the mask of the answer, in a random order that the seed fixes."""
    rng = random.Random(f"sft:{recipe.seed}")
    rows: list[dict[str, list[int]]] = []
    for step, place in steps:
        situation = read.situations[step.state]
        prompt, answer = [int(token) for token in situation.prompt], list(situation.completions[place])
        row = {"input_ids": prompt + answer, "completion_mask": [0] * len(prompt) + [1] * len(answer)}
        rows += [row] * copies(step, recipe, rng)
    rng.shuffle(rows)
    return rows


def opening_model(recipe: Recipe, read: Corpus) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model that training starts from, and its tokenizer. Raises `UserError` when the base cannot be loaded."""
    if recipe.model.base != "scratch":
        from training.big import load_base

        return load_base(recipe.model)
    from transformers import PreTrainedTokenizerFast

    from mlagent_app.policies.writing import END, PAD
    from training.model import from_scratch

    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(read.tokenizer), pad_token=PAD, eos_token=END)
    return from_scratch(recipe.model, read.writer.tokenizer.get_vocab_size(), recipe.seed), tokenizer


def configuration(recipe: Recipe, examples: int, checkpoints: Path) -> SFTConfig:
    """The recipe's values in TRL's words. An update sees `batch * accumulate` examples, whatever the number of processes.

    What is trained whole by several processes on GPUs is sharded, unless `accelerate launch` has said how already. TRL makes
    the loss in chunks: the logits of 15,000 tokens would take more than the model.
    """
    import torch
    from trl import SFTConfig  # pyright: ignore[reportPrivateImportUsage]

    from training.memory import Layout, per_pass

    table, cuda, world = recipe.sft, torch.cuda.is_available(), ranks().world
    batch, passes = per_pass(recipe, world)
    fsdp = cuda and Layout.of(recipe, world).sharded and not os.environ.get("ACCELERATE_USE_FSDP")
    return SFTConfig(
        output_dir=str(checkpoints),
        num_train_epochs=table.epochs,
        per_device_train_batch_size=batch,
        gradient_accumulation_steps=passes,
        learning_rate=table.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=max(1, int(table.warmup * table.epochs * examples / (table.batch * table.accumulate))),
        weight_decay=table.weight_decay,
        max_length=table.max_length,
        completion_only_loss=True,
        packing=False,
        seed=recipe.seed,
        data_seed=recipe.seed,
        bf16=cuda and recipe.model.dtype == "bfloat16",
        use_cpu=not cuda,
        gradient_checkpointing=recipe.model.base != "scratch" and not (fsdp or os.environ.get("ACCELERATE_USE_FSDP")),
        ddp_find_unused_parameters=False if world > 1 else None,
        fsdp="full_shard" if fsdp else None,
        fsdp_config=dict(FSDP) if fsdp else None,
        dataloader_pin_memory=cuda,
        logging_steps=20,
        logging_strategy="steps",
        save_steps=200,
        save_total_limit=1,
        report_to="none",
        disable_tqdm=True,
    )


def train(
    recipe: Recipe,
    rows: Sequence[dict[str, list[int]]],
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    place: Path,
    tell: Tell,
) -> dict[str, Any]:
    """Run TRL's SFTTrainer, from its last checkpoint if there is one, and save the model below `place`.

    Several processes (`training.ranks`) share every batch, and see the loss of the whole.
    """
    from datasets import Dataset, disable_progress_bars
    from torch.utils.tensorboard import SummaryWriter
    from transformers import TrainerCallback
    from transformers.integrations import TensorBoardCallback  # pyright: ignore[reportPrivateImportUsage]
    from trl import SFTTrainer  # pyright: ignore[reportPrivateImportUsage]

    class Bar(TrainerCallback):
        """Passes the trainer's progress on."""

        def on_log(
            self,
            args: TrainingArguments,
            state: TrainerState,
            control: TrainerControl,
            logs: Mapping[str, float] | None = None,
            **more: object,
        ) -> None:
            del args, control, more
            loss = (logs or {}).get("loss")
            if loss is not None:
                tell(f"updates, loss {float(loss):.3f}", state.global_step, state.max_steps)

    from training.big import lora_config

    disable_progress_bars()  # there is one bar, ours
    checkpoints = place / LOGS / "checkpoints"
    config = configuration(recipe, len(rows), checkpoints)
    trainer = SFTTrainer(
        model=model,
        args=config,
        train_dataset=Dataset.from_list(list(rows)),
        processing_class=tokenizer,
        peft_config=lora_config(recipe.model) if recipe.model.adapter == "lora" else None,
        callbacks=[Bar(), TensorBoardCallback(SummaryWriter(str(place / LOGS / "tensorboard")))] if ranks().first else [],
    )
    with contextlib.redirect_stdout(None):  # the trainer prints its logs as dictionaries
        done = trainer.train(resume_from_checkpoint=last_checkpoint(checkpoints))
    trainer.save_model(str(place / MODEL))
    losses = ranks().gathered([float(done.training_loss)])  # each tells of its own share
    return {"examples": len(rows), "updates": done.global_step, "loss": sum(losses) / len(losses)}


if __name__ == "__main__":
    from training.cli import stage_main

    stage_main("sft")
