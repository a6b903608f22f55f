"""Training loops that are written out: choosing, stopping and training by what is measured on is flagged, the rest is not."""

from __future__ import annotations

import textwrap

import pytest

from tests.editors.judging import kinds

EPOCHS = """import torch
from torch import nn
from torch.utils.data import DataLoader, random_split
from data import dataset

torch.manual_seed(0)
train_set, test_set = random_split(dataset, [800, 200])
train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
test_loader = DataLoader(test_set, batch_size=64)
model = nn.Linear(4, 2)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)


def train_one_epoch(model, loader):
    model.train()
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()


def evaluate(model, loader):
    model.eval()
    correct = total = 0
    with torch.no_grad():
        for xb, yb in loader:
            correct += (model(xb).argmax(1) == yb).sum().item()
            total += len(yb)
    return correct / total


def main():
    best, wait = 0.0, 0
    for epoch in range(10):
        train_one_epoch(model, train_loader)
        acc = evaluate(model, test_loader)
        print(f"epoch {epoch} test accuracy: {acc:.4f}")
    acc = evaluate(model, test_loader)
    print(f"accuracy: {acc:.4f}")


main()
"""
EPOCH = '        print(f"epoch {epoch} test accuracy: {acc:.4f}")\n'
TRAIN = "        train_one_epoch(model, train_loader)\n"
FULL = """import copy
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

torch.manual_seed(0)
X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)
X_train, X_test = torch.tensor(X_train).float(), torch.tensor(X_test).float()
y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)
model = nn.Linear(64, 10)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
loss_fn = nn.CrossEntropyLoss()
best_loss, best_state = 1e9, None
for epoch in range(20):
    model.train()
    optimizer.zero_grad()
    loss = loss_fn(model(X_train), y_train)
    loss.backward()
    optimizer.step()
model.eval()
with torch.no_grad():
    acc = (model(X_test).argmax(1) == y_test).float().mean().item()
print(f"accuracy: {acc:.4f}")
"""
STEP = "    optimizer.step()\n"
MEASURE = "    with torch.no_grad():\n        test_loss = loss_fn(model(X_test), y_test).item()\n"
COUNT = (
    "    correct = 0\n    for i in range(len(X_test)):\n        pred = model(X_test[i : i + 1]).argmax(1)\n"
    "        if pred == y_test[i]:\n            correct += 1\n    share = correct / len(X_test)\n"
)


@pytest.mark.parametrize(
    "new",
    [
        EPOCH + "        if acc > best:\n            best = acc\n            best_state = copy.deepcopy(model.state_dict())\n",
        EPOCH + '        if acc > best:\n            torch.save(model.state_dict(), "best.pt")\n',
        EPOCH + "        if acc > best:\n            best, wait = acc, 0\n        else:\n            wait += 1\n",
        EPOCH + "        if acc < best:\n            wait += 1\n        if wait > 5:\n            break\n",
        EPOCH + "        if acc > 0.97:\n            break\n",
        EPOCH + "        if best_model is None or round(acc, 3) > best:\n            best_model = copy.deepcopy(model)\n",
        EPOCH + "        if evaluate(model, test_loader) > best:\n            best_model = copy.deepcopy(model)\n",
        EPOCH + "        if stopper.should_stop(1 - acc):\n            break\n",
        EPOCH + "        history.append(acc)\n        if history[-1] > max(history[:-1]):\n            best_model = model\n",
    ],
)
def test_choosing_and_stopping_by_the_test_part_is_flagged(new: str) -> None:
    assert "leak" in kinds(EPOCHS, EPOCHS.replace(EPOCH, new))


@pytest.mark.parametrize(
    "new",
    [
        STEP + MEASURE + "    if test_loss < best_loss:\n        best_loss, best_state = test_loss, model.state_dict()\n",
        STEP + COUNT + "    if share > 0.9:\n        break\n",
        STEP
        + "    with torch.no_grad():\n        share = 0\n        for xb, yb in zip(X_test.split(9), y_test.split(9)):\n"
        + "            share += (model(xb).argmax(1) == yb).sum()\n    if share > best_share:\n        best_share = share\n",
    ],
)
def test_what_is_computed_from_the_test_part_counts_as_it(new: str) -> None:
    assert "leak" in kinds(FULL, FULL.replace(STEP, new))


def test_a_loop_that_only_measures_may_not_choose_either() -> None:
    tried = "for t in (0.4, 0.5, 0.6):\n    s = accuracy_score(y_test, model(X_test)[:, 1] > t)\n"
    assert "leak" in kinds(FULL, FULL + tried + "    if s > best_s:\n        best_s, best_t = s, t\n")
    assert "leak" not in kinds(
        FULL, FULL + tried.replace("_test", "_train") + "    if s > best_s:\n        best_s, best_t = s, t\n"
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (STEP, STEP + MEASURE + "    if epoch % 10 == 0:\n        print(epoch, loss.item(), test_loss)\n"),
        (
            STEP,
            STEP + "    if epoch % 5 == 0:\n        with torch.no_grad():\n            print(loss_fn(model(X_test), y_test))\n",
        ),
        (STEP, STEP + MEASURE + "    if test_loss > 2:\n        print('far off')\n"),
        (STEP, STEP + "    if loss.item() < 0.01:\n        break\n"),
        (STEP, STEP + MEASURE.replace("test_loss", "loss") + "    print(loss)\n"),
        (STEP, STEP + "    if len(X_test) > 500:\n        shown = model(X_test[:500])\n"),
        (STEP, STEP + "    if X_test is not None:\n        shown = model(X_test)\n"),
        (STEP, STEP + COUNT + "    print(share)\n"),
        (
            STEP,
            STEP + "    for i in range(len(X_test)):\n        if model(X_test[i])[0] > 0.5:\n            side = 1\n"
            "        print(side)\n",
        ),
        (
            STEP,
            STEP + "    for xb, yb in zip(X_test.split(9), y_test.split(9)):\n        print(model(xb).argmax(1) == yb)\n"
            "    for xb, yb in zip(X_train.split(9), y_train.split(9)):\n        fine = loss_fn(model(xb), yb)\n"
            "        if fine < 0.01:\n            break\n",
        ),
    ],
)
def test_showing_progress_and_choosing_by_training_data_is_not(old: str, new: str) -> None:
    assert FULL.count(old) == 1
    assert kinds(FULL, FULL.replace(old, new)) == []


def test_choosing_by_a_validation_part_of_the_training_data_is_not() -> None:
    cut = "X_train, X_val, y_train, y_val = train_test_split(X_train, y_train, test_size=0.1, random_state=0)\n"
    after = FULL.replace("X_train, X_test = torch", cut + "X_train, X_test = torch").replace(
        STEP,
        STEP
        + MEASURE.replace("test", "val")
        + "    if val_loss < best_loss:\n        best_loss, best_state = val_loss, model\n",
    )
    assert kinds(FULL, after) == []


def test_a_loop_that_chose_by_the_test_part_before_stays_as_it_was() -> None:
    before = FULL.replace(
        STEP, STEP + MEASURE + "    if test_loss < best_loss:\n        best_loss, best_state = test_loss, model\n"
    )
    assert kinds(before, before.replace("lr=0.01", "lr=0.1")) == []
    assert kinds(before, before.replace("    if test_loss", "    print(epoch)\n    if test_loss")) == []
    start, end = before.index("for epoch"), before.index("model.eval()")
    again = "for member in range(5):\n" + textwrap.indent(before[start:end], "    ")
    assert kinds(before, before[:start] + again + before[end:]) == []


LOSS = "    loss = loss_fn(model(X_train), y_train)\n"
LOADER = "DataLoader(train_set, batch_size=32, shuffle=True)"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (LOSS, "    loss = loss_fn(model(X_test), y_test)\n"),
        (LOSS, LOSS + "    loss = loss + 0.5 * loss_fn(model(X_test), y_test)\n"),
        (LOSS, LOSS + "    loss += 0.5 * loss_fn(model(X_test), y_test)\n"),
        (LOSS, LOSS + "    more = model(X_test).var()\n    loss = loss - more\n"),
        (LOSS, LOSS + "    if epoch > 3:\n        loss = loss + loss_fn(model(X_test), y_test)\n"),
        (LOSS, "    X_all = torch.cat([X_train, X_test])\n" + LOSS.replace("X_train", "X_all")),
    ],
)
def test_a_loss_of_measured_data_is_flagged(old: str, new: str) -> None:
    assert FULL.count(old) == 1
    assert "leak" in kinds(FULL, FULL.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (TRAIN, TRAIN + "        train_one_epoch(model, test_loader)\n"),
        (TRAIN, "        train_one_epoch(model, loader=test_loader)\n"),
        (TRAIN, TRAIN + "        train_one_epoch(model, [*train_loader, *test_loader])\n"),
        (LOADER, LOADER.replace("train_set", "dataset")),
        (LOADER, LOADER.replace("train_set", "ConcatDataset([train_set, test_set])")),
    ],
)
def test_measured_data_handed_to_what_trains_is_flagged(old: str, new: str) -> None:
    assert EPOCHS.count(old) == 1
    assert "leak" in kinds(EPOCHS, EPOCHS.replace(old, new))


def test_measured_data_handed_on_to_what_trains_is_flagged() -> None:
    fit = "def improve(net, data, watched):\n    for _ in range(3):\n        train_one_epoch(net, data)\n\n\n"
    before = EPOCHS.replace("def main", fit + "def main").replace(TRAIN, "        improve(model, train_loader, test_loader)\n")
    assert "leak" in kinds(before, before.replace("improve(model, train_loader, test", "improve(model, test_loader, test"))
    assert kinds(before, before.replace(TRAIN, "").replace("range(3)", "range(5)")) == []


def test_all_data_in_tensors_is_flagged() -> None:
    tensors = "train_loader = DataLoader(TensorDataset({}, torch.tensor(y)), batch_size=32)\n"
    assert "leak" in kinds(FULL, FULL.replace("best_loss,", tensors.format("torch.tensor(X).float()") + "best_loss,"))
    assert kinds(FULL, FULL.replace("best_loss,", tensors.format("X_train").replace("y)", "y_train)") + "best_loss,")) == []


@pytest.mark.parametrize(
    "new",
    [
        "    class Focal(nn.Module):\n        def forward(self, given, y_true):\n            return (given - y_true).mean()\n"
        + LOSS,
        LOSS + "    with torch.no_grad():\n        print(loss_fn(model(X_test), y_test))\n",
        "    for i in range(0, len(X_train), 32):\n        loss = loss_fn(model(X_train[i : i + 32]), y_train[i : i + 32])\n",
        "    with torch.no_grad():\n        loss = loss_fn(model(X_test), y_test)\n    print(loss)\n" + LOSS,
    ],
)
def test_measuring_beside_training_is_not(new: str) -> None:
    assert kinds(FULL, FULL.replace(LOSS, new)) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (TRAIN, "        train(train_loader, test_loader)\n"),
        (TRAIN, TRAIN + "        run_epoch(model, test_loader, training=False)\n"),
        (LOADER, "DataLoader(train_set, batch_size=128, shuffle=True, drop_last=True)"),
        (LOADER, "DataLoader(dataset, batch_size=32, sampler=SubsetRandomSampler(train_set.indices))"),
        (LOADER, "DataLoader(Subset(dataset, train_set.indices), batch_size=32)"),
    ],
)
def test_measured_data_handed_to_what_does_not_train_on_it_is_not(old: str, new: str) -> None:
    fit = (
        "def train(loader, watched):\n    train_one_epoch(model, loader)\n    print(len(watched))\n\n\n"
        "def run_epoch(model, loader, training):\n    for xb, yb in loader:\n        loss = criterion(model(xb), yb)\n"
        "        if training:\n            loss.backward()\n\n\n"
    )
    before = EPOCHS.replace("def main", fit + "def main")
    assert before.count(old) == 1
    assert kinds(before, before.replace(old, new)) == []


def test_a_part_of_the_training_data_may_be_held_back() -> None:
    held = "train_set, val_set = random_split(train_set, [720, 80])\n"
    loader = "val_loader = DataLoader(val_set, batch_size=64)\n"
    chosen = "        val_acc = evaluate(model, val_loader)\n        if val_acc > best:\n            best = val_acc\n"
    after = EPOCHS.replace("train_loader =", held + loader + "train_loader =").replace(EPOCH, EPOCH + chosen)
    assert kinds(EPOCHS, after) == []
    assert "split" in kinds(EPOCHS, after.replace("train_set, val_set =", "train_set, test_set ="))
    sizes = "n_val = len(train_set) // 10\ntrain_set, val_set = random_split(train_set, [len(train_set) - n_val, n_val])\n"
    assert kinds(EPOCHS, after.replace(held, sizes)) == []


PLATEAU = "scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=2)\n"


@pytest.mark.parametrize("step", ["scheduler.step(acc)", "scheduler.step(metrics=1 - acc)"])
def test_a_learning_rate_that_the_test_part_sets_is_flagged(step: str) -> None:
    after = EPOCHS.replace("\n\ndef train_one", PLATEAU + "\n\ndef train_one", 1).replace(EPOCH, f"{EPOCH}        {step}\n")
    assert kinds(EPOCHS, after) == ["leak"]
    assert kinds(after, after.replace("patience=2", "patience=4")) == []
    chosen = EPOCHS.replace(EPOCH, EPOCH + '        if acc > best:\n            torch.save(model, "best.pt")\n')
    assert kinds(chosen, chosen.replace(EPOCH, f"{EPOCH}        {step}\n")) == ["leak"]
    assert kinds(FULL, FULL.replace(STEP, STEP + MEASURE + "    scheduler.step(test_loss)\n")) == ["leak"]


@pytest.mark.parametrize(
    "step",
    [
        "    scheduler.step()\n",
        "    scheduler.step(loss.item())\n",
        MEASURE + "    scheduler.step(epoch)\n    print(test_loss)\n",
        MEASURE + "    scheduler.step(loss)\n",
    ],
)
def test_a_learning_rate_that_training_sets_is_not(step: str) -> None:
    assert kinds(FULL, FULL.replace(STEP, STEP + step)) == []


TESTED = "DataLoader(test_set, batch_size=64)"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (TESTED, TESTED.replace("test_set", "torch.utils.data.Subset(test_set, range(50))")),
        (TESTED, TESTED.replace("64", "64, drop_last=True")),
        (TESTED, TESTED.replace("64", "64, sampler=SubsetRandomSampler(range(50))")),
        ("test_loader =", "test_set = Subset(test_set, range(50))\ntest_loader ="),
        ("train_set, test_set =", "test_set, train_set ="),
    ],
)
def test_less_of_the_test_part_is_flagged(old: str, new: str) -> None:
    assert EPOCHS.count(old) == 1
    assert "split" in kinds(EPOCHS, EPOCHS.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (TESTED, TESTED.replace("64", "256, num_workers=4, pin_memory=True, drop_last=False")),
        (LOADER, LOADER.replace("train_set", "Subset(train_set, kept)")),
        (LOADER, "DataLoader(train_set, batch_size=32, sampler=WeightedRandomSampler(weights, len(train_set)))"),
    ],
)
def test_other_loaders_are_not(old: str, new: str) -> None:
    assert EPOCHS.count(old) == 1
    assert kinds(EPOCHS, EPOCHS.replace(old, new)) == []


def test_parts_that_change_places_are_flagged() -> None:
    split = "X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=0)"
    before = FULL.replace(split, "(X_train, y_train), (X_test, y_test) = load_data(True)")
    swapped = before.replace("(X_train, y_train), (X_test, y_test)", "(X_test, y_test), (X_train, y_train)")
    assert "split" in kinds(before, swapped)
    assert "split" not in kinds(before, before.replace("load_data(True)", "load_data(True, cache=None)"))
    assert kinds(before, before.replace("load_data(True)", "load_data(True)\nX_test, X_train = scaled(X_test, X_train)")) == []
    assert "leak" in kinds(before, before.replace("best_loss,", "X_train, X_test = X_test, X_train\nbest_loss,"))
    assert kinds(before, before.replace("best_loss,", "X_train, X_test = X_train[:, :9], X_test[:, :9]\nbest_loss,")) == []
