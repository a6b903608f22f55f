"""SFT for `benchmarks.gpu`: the trainer as `training.sft` sets it up, and TRL's as it comes."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.gpu import Row, Setting, model, timed
from mlagent_app.chat.grammar import catalogue_rules
from training import sft
from training.big import lora_config
from training.budget import training_flops

if TYPE_CHECKING:
    from trl import SFTConfig  # pyright: ignore[reportPrivateImportUsage]


def rows(setting: Setting, place: Path) -> list[Row]:
    """Ours and TRL's, on the same examples."""
    from trl import SFTConfig  # pyright: ignore[reportPrivateImportUsage]

    recipe = setting.recipe()
    ours = sft.configuration(recipe, setting.examples, place / "ours")
    plain = SFTConfig(
        output_dir=str(place / "trl"), num_train_epochs=1, per_device_train_batch_size=setting.batch, learning_rate=1e-4,
        max_length=setting.length, completion_only_loss=True, bf16=not setting.tiny, use_cpu=setting.tiny, report_to="none",
        save_strategy="no", disable_tqdm=True,
    )  # fmt: skip
    theirs, mine = (_seconds(setting, config) for config in (plain, ours))
    tokens = setting.examples * setting.length
    flops = setting.examples * training_flops(setting.sizes, setting.length, adapters=True)
    what = f"SFT, {setting.length:,} tokens, LoRA"
    return [
        Row(what, "ML-Agent", mine[0], tokens, flops, mine[1], theirs[0] / mine[0]),
        Row(what, "TRL SFTTrainer", theirs[0], tokens, flops, theirs[1], 1.0),
    ]


def _seconds(setting: Setting, config: SFTConfig) -> tuple[float, int]:
    """Of one pass over the examples; a first one, which compiles and fills caches, does not count."""
    from datasets import Dataset
    from trl import SFTTrainer  # pyright: ignore[reportPrivateImportUsage]

    draw = random.Random(0)
    half = setting.length // 2
    mask = [0] * half + [1] * (setting.length - half)
    examples = [
        {"input_ids": [draw.randrange(2, setting.sizes.vocabulary) for _ in mask], "completion_mask": mask}
        for _ in range(setting.examples)
    ]
    config.save_strategy = "no"  # pyright: ignore[reportAttributeAccessIssue]
    trainer: Any = SFTTrainer(
        model=model(setting.sizes, tiny=setting.tiny),
        args=config,
        train_dataset=Dataset.from_list(examples),
        processing_class=words(setting),
        peft_config=lora_config(setting.recipe().model),
    )
    trainer.train()
    return timed(trainer.train)


def words(setting: Setting) -> Any:  # noqa: ANN401
    """A tokenizer of our own making: the trainers ask for one, though all texts are numbers already."""
    from transformers import PreTrainedTokenizerFast

    from mlagent_app.policies.writing import END, PAD
    from training import tokens

    most = min(500, setting.sizes.vocabulary)
    return PreTrainedTokenizerFast(tokenizer_object=tokens.train([catalogue_rules()], most), pad_token=PAD, eos_token=END)
