"""Lightning's trainers: what is reported may not be learned from, nor decide, nor be another part of the data than before."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.editors.judging import kinds

WATCHING = """import lightning as L
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from torch.utils.data import DataLoader, random_split
from data import load
from model import Net

L.seed_everything(0)
train_set, val_set, test_set = random_split(load(), [700, 100, 200])
train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
val_loader = DataLoader(val_set, batch_size=32)
test_loader = DataLoader(test_set, batch_size=32)
model = Net(lr=1e-3)
trainer = L.Trainer(max_epochs=5, callbacks=[])
trainer.fit(model, train_loader, test_loader)
result = trainer.test(model, test_loader)
print(f"accuracy: {result[0]['test_acc']:.4f}")
"""
FIT, TEST = "trainer.fit(model, train_loader, test_loader)", "trainer.test(model, test_loader)"
# A validation part is watched, and the test part measured at the end.
APART = WATCHING.replace(FIT, "trainer.fit(model, train_loader, val_loader)")
# What is watched is what is measured at the end.
VALIDATED = APART.replace(TEST, "trainer.validate(model, val_loader)").replace("test_acc", "val_acc")
# A data module has the parts.
MODULE = (Path(__file__).parents[1] / "corpus" / "lightning_cnn.py").read_text("utf-8")
STOPS = 'EarlyStopping(monitor="val_loss", patience=3)'
KEEPS = 'ModelCheckpoint(monitor="val_acc", mode="max")'


@pytest.mark.parametrize(
    "before",
    [
        WATCHING,
        WATCHING.replace(FIT, "trainer.fit(model, train_loader, val_dataloaders=test_loader)"),
        WATCHING.replace(FIT, "trainer.fit(model, train_loader, DataLoader(test_set, batch_size=500))"),
        WATCHING.replace(TEST, "trainer.test(model, dataloaders=test_loader)"),
        VALIDATED,
    ],
)
def test_choosing_by_what_is_reported_is_flagged(before: str) -> None:
    assert kinds(before, before.replace("callbacks=[]", f"callbacks=[{STOPS}]")) == ["leak"]
    assert kinds(before, before.replace("callbacks=[]", "callbacks=[EarlyStopping('val_loss')]")) == ["leak"]
    keeping = before.replace("callbacks=[]", f"callbacks=[{KEEPS}]")
    assert kinds(before, keeping) == [], "the last weights are measured"
    assert "leak" in kinds(keeping, keeping.replace("_loader)\nprint", '_loader, ckpt_path="best")\nprint'))
    assert "leak" in kinds(
        keeping, keeping.replace("result =", "model = Net.load_from_checkpoint(kept.best_model_path)\nresult =")
    )
    stopping = before.replace("callbacks=[]", f"callbacks=[{STOPS}]")
    assert kinds(stopping, stopping.replace("patience=3", "patience=5")) == []


@pytest.mark.parametrize(
    "after",
    [
        APART.replace("callbacks=[]", f"callbacks=[{STOPS}, {KEEPS}]").replace(
            TEST, 'trainer.test(model, test_loader, "best")'
        ),
        APART.replace("callbacks=[]", f"callbacks=[{KEEPS}]").replace(
            "test_loader)\nprint", 'test_loader, ckpt_path="best")\nprint'
        ),
        APART.replace("max_epochs=5", "max_epochs=20, limit_val_batches=0.5, limit_train_batches=0.5, limit_test_batches=1.0"),
        APART.replace("DataLoader(test_set, batch_size=32)", "DataLoader(test_set, batch_size=256)"),
    ],
)
def test_choosing_by_a_validation_part_is_not(after: str) -> None:
    assert after != APART
    assert kinds(APART, after) == []


@pytest.mark.parametrize("monitored", ['monitor="train_loss"', '"train_loss"'])
def test_stopping_by_the_training_is_not(monitored: str) -> None:
    assert kinds(WATCHING, WATCHING.replace("callbacks=[]", f"callbacks=[EarlyStopping({monitored})]")) == []


@pytest.mark.parametrize(
    ("before", "old", "new"),
    [
        (APART, "fit(model, train_loader,", "fit(model, test_loader,"),
        (APART, "DataLoader(train_set,", "DataLoader(ConcatDataset([train_set, test_set]),"),
        (VALIDATED, "DataLoader(train_set,", "DataLoader(val_set,"),
        (MODULE, "DataLoader(self.train,", "DataLoader(self.test,"),
        (MODULE, "DataLoader(self.train,", "DataLoader(ConcatDataset([self.train, self.test]),"),
        (MODULE, "DataLoader(self.val,", "DataLoader(self.test,"),
        (MODULE, "trainer.fit(model, data)", "trainer.fit(model, data.test_dataloader(), data.test_dataloader())"),
    ],
)
def test_learning_from_what_is_reported_is_flagged(before: str, old: str, new: str) -> None:
    assert before.count(old) == 1
    assert "leak" in kinds(before, before.replace(old, new))


@pytest.mark.parametrize(
    ("before", "old", "new"),
    [
        (APART, TEST, "trainer.test(model, val_loader)"),
        (APART, TEST, "trainer.test(model, train_loader)"),
        (APART, "DataLoader(test_set,", "DataLoader(test_set[:50],"),
        (APART, "max_epochs=5", "max_epochs=5, limit_test_batches=1"),
        (APART, "max_epochs=5", "max_epochs=5, limit_test_batches=0.1"),
        (APART, "max_epochs=5", "fast_dev_run=True"),
        (VALIDATED, "max_epochs=5", "max_epochs=5, limit_val_batches=0.1"),
        (MODULE, "DataLoader(self.test,", "DataLoader(self.train,"),
        (MODULE, "trainer.test(model, data,", "trainer.validate(model, data,"),
        (MODULE, "max_epochs=10", "max_epochs=10, limit_test_batches=0.1"),
    ],
)
def test_a_score_on_other_data_is_flagged(before: str, old: str, new: str) -> None:
    assert before.count(old) == 1
    assert "metric" in kinds(before, before.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("DataLoader(self.test, batch_size=256)", "DataLoader(self.test, batch_size=64, num_workers=2)"),
        ("DataLoader(self.train, batch_size=self.batch_size, shuffle=True", "DataLoader(self.train, 32, shuffle=True"),
        ("patience=3", "patience=5"),
        ("max_epochs=10", "max_epochs=20"),
        ("DataLoader(self.train,", "DataLoader(ConcatDataset([self.train, self.val]),"),
    ],
)
def test_other_edits_of_a_data_module_are_not(old: str, new: str) -> None:
    assert MODULE.count(old) == 1
    assert kinds(MODULE, MODULE.replace(old, new)) == []


DIGITS = """import pytorch_lightning as pl
from pytorch_lightning.callbacks import EarlyStopping
from torch.utils.data import DataLoader, Subset, random_split
from torchvision import transforms
from torchvision.datasets import MNIST
from model import Net


class Digits(pl.LightningDataModule):
    def setup(self, stage=None):
        full = MNIST("data", train=True, transform=transforms.ToTensor())
        self.mnist_train, self.mnist_val = random_split(full, [55000, 5000])
        self.mnist_test = MNIST("data", train=False, transform=transforms.ToTensor())

    def train_dataloader(self):
        return DataLoader(self.mnist_train, batch_size=64, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.mnist_val, batch_size=64)

    def test_dataloader(self):
        return DataLoader(dataset=self.mnist_test, batch_size=64)


pl.seed_everything(1)
trainer = pl.Trainer(max_epochs=3)
digits = Digits()
trainer.fit(Net(), datamodule=digits)
trainer.test(datamodule=digits)
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("train=False", "train=True", ["metric"]),
        ("dataset=self.mnist_test", "Subset(self.mnist_test, range(100))", ["metric"]),
        ("dataset=self.mnist_test", "self.mnist_train", ["metric", "leak"]),
        ("DataLoader(self.mnist_train", "DataLoader(self.mnist_test", ["leak"]),
        ("DataLoader(self.mnist_train", "DataLoader(ConcatDataset([self.mnist_train, self.mnist_test])", ["leak"]),
        ("dataset=self.mnist_test, batch_size=64", "self.mnist_test, batch_size=256, num_workers=2", []),
        ("transforms.ToTensor()", "transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.13,), (0.3,))])", []),
        ("max_epochs=3", "max_epochs=30, callbacks=[EarlyStopping(monitor='val_loss')]", []),
        ("max_epochs=3", "max_epochs=3, precision=16, gradient_clip_val=1.0", []),
        ("shuffle=True", "shuffle=True, drop_last=True", []),
    ],
)
def test_parts_of_a_known_data_set_are_told_apart(old: str, new: str, expected: list[str]) -> None:
    assert old in DIGITS
    assert kinds(DIGITS, DIGITS.replace(old, new)) == expected
