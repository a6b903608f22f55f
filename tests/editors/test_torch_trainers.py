"""Lightning and the Hugging Face trainer: the very lines of their edits."""

from __future__ import annotations

import textwrap

from tests.editors.test_torch_families import after, lines, offered

LIGHTNING = """
import pytorch_lightning as pl
import torch
class Net(pl.LightningModule):
    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=0.001)
trainer = pl.Trainer(max_epochs=10)
"""

ARGUMENTS = """
from transformers import Trainer, TrainingArguments
args = TrainingArguments(
    output_dir="out",
    num_train_epochs=3,
    eval_strategy="epoch",
    save_strategy="no",
)
trainer = Trainer(model=model, args=args, compute_metrics=accuracy)
print(trainer.evaluate()["eval_accuracy"])
"""


def test_lightning_trainer_arguments() -> None:
    assert lines("set max_epochs of Trainer to 20", LIGHTNING) == ["trainer = pl.Trainer(max_epochs=20)"]
    assert lines("set gradient_clip_val of Trainer to 1.0", LIGHTNING) == [
        "trainer = pl.Trainer(max_epochs=10, gradient_clip_val=1.0)"
    ]


def test_lightning_weight_averaging_is_a_callback() -> None:
    instruction = "train with the callback StochasticWeightAveraging"
    assert lines(instruction, LIGHTNING) == [
        "trainer = pl.Trainer(max_epochs=10, callbacks=[pl.callbacks.StochasticWeightAveraging(swa_lrs=0.01)])"
    ]
    listed = LIGHTNING.replace("max_epochs=10", "max_epochs=10, callbacks=[first]")
    assert "callbacks=[first, pl.callbacks.StochasticWeightAveraging(swa_lrs=0.01)]" in after(instruction, listed)
    assert instruction not in offered(after(instruction, LIGHTNING))


def test_lightning_schedule_is_returned_beside_the_optimiser() -> None:
    assert lines("schedule the learning rate with CosineAnnealingLR", LIGHTNING) == [
        "        optimizer = torch.optim.Adam(self.parameters(), lr=0.001)",
        "        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=self.trainer.max_epochs)",
        "        return [optimizer], [scheduler]",
    ]


def test_training_arguments_are_set_and_added() -> None:
    assert lines("set num_train_epochs of TrainingArguments to 5", ARGUMENTS) == ["    num_train_epochs=5,"]
    added = after("set warmup_ratio of TrainingArguments to 0.1", ARGUMENTS)
    assert '    save_strategy="no",\n    warmup_ratio=0.1,\n)' in added
    assert lines("set lr_scheduler_type of TrainingArguments to cosine", ARGUMENTS) == ['    lr_scheduler_type="cosine",']


def test_the_best_checkpoint_saves_in_the_rhythm_of_the_evaluation() -> None:
    assert lines("keep the best checkpoint", ARGUMENTS) == ['    save_strategy="epoch",', "    load_best_model_at_end=True,"]
    assert "keep the best checkpoint" not in offered(ARGUMENTS.replace('"epoch"', '"no"'))
    assert "keep the best checkpoint" not in offered(after("keep the best checkpoint", ARGUMENTS))


def test_smoothing_is_not_offered_where_the_loss_measures() -> None:
    assert "set label_smoothing_factor of TrainingArguments to 0.1" in offered(ARGUMENTS)
    assert "set label_smoothing_factor of TrainingArguments to 0.1" not in offered(ARGUMENTS.replace("accuracy", "loss"))


def test_a_step_budget_leaves_the_epochs_alone() -> None:
    text = textwrap.dedent(ARGUMENTS).replace("num_train_epochs=3", "max_steps=100")
    assert not any("num_train_epochs" in item for item in offered(text))
