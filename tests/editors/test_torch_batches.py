"""What is done to a training batch on its way into the network, and to how many networks: the very lines, and the silences."""

from __future__ import annotations

import textwrap

import pytest

from mlagent_app.editors.catalogue import Catalogue
from mlagent_app.editors.catalogue.torch_families import TORCH_FAMILIES

CATALOGUE = Catalogue(TORCH_FAMILIES, per_file=1000)
FLIP, SHIFT = "flip the training images", "shift the training images"
NOISE, MIX = "add noise of 0.1 to the training inputs", "mix the training examples"
AVERAGE = "average 3 networks"

IMAGES = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        x = torch.relu(self.conv(x)).mean(dim=(2, 3))
        return self.head(x)

def fit(X, y):
    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(5):
        model.train()
        for rows in torch.randperm(len(X)).split(8):
            optimizer.zero_grad()
            loss = criterion(model(X[rows]), y[rows])
            loss.backward()
            optimizer.step()
    return model

def predict(model, X):
    model.eval()
    with torch.no_grad():
        return model(X).argmax(1)

torch.manual_seed(0)
X, y = torch.randn(40, 1, 8, 8), torch.arange(40) % 2
model = fit(X[:30], y[:30])
print(f"accuracy: {(predict(model, X[30:]) == y[30:]).float().mean().item():.4f}")
"""


def offered(text: str) -> set[str]:
    return {edit.instruction for edit in CATALOGUE.enumerate({"train.py": textwrap.dedent(text)})}


def after(instruction: str, text: str = IMAGES) -> str:
    return CATALOGUE.resolve(instruction, {"train.py": text}).apply(text)


def lines(instruction: str, text: str = IMAGES) -> list[str]:
    """The lines that the edit adds or changes, without their margins."""
    before = text.splitlines()
    return [line.strip() for line in after(instruction, text).splitlines() if line not in before]


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        (
            FLIP,
            [
                "flipped = X[rows]",
                "flipped = torch.where("
                "torch.rand(len(flipped), 1, 1, 1, device=flipped.device) < 0.5, flipped.flip(-1), flipped)",
                "loss = criterion(model(flipped), y[rows])",
            ],
        ),
        (
            SHIFT,
            [
                "shifted = X[rows].roll(torch.randint(-2, 3, (2,)).tolist(), (-2, -1))",
                "loss = criterion(model(shifted), y[rows])",
            ],
        ),
        (
            NOISE,
            [
                "noisy = X[rows]",
                "noisy = noisy + 0.1 * noisy.std() * torch.randn_like(noisy)",
                "loss = criterion(model(noisy), y[rows])",
            ],
        ),
        (
            MIX,
            [
                "share = torch.distributions.Beta(0.2, 0.2).sample().item()",
                "mixed = share * X[rows] + (1 - share) * X[rows].flip(0)",
                "outputs_mixed = model(mixed)",
                "loss = share * criterion(outputs_mixed, y[rows]) + (1 - share) * criterion(outputs_mixed, y[rows].flip(0))",
            ],
        ),
    ],
)
def test_the_lines_of_an_edit(instruction: str, expected: list[str]) -> None:
    assert lines(instruction) == expected


@pytest.mark.parametrize("instruction", [FLIP, SHIFT, NOISE, MIX])
def test_only_the_training_loop_changes_and_once(instruction: str) -> None:
    text = after(instruction)
    assert text.partition("def predict")[2] == IMAGES.partition("def predict")[2]
    assert instruction not in offered(text)


def test_two_kinds_go_together() -> None:
    text = after(SHIFT, after(FLIP))
    assert "shifted = flipped.roll(" in text
    assert "model(shifted)" in text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("y[rows])", "X[rows])"),  # an image to be given back would have to be flipped, too
        ("x = torch.relu(self.conv(x))", "x = x.view(-1, 1, 8, 8)\n        x = torch.relu(self.conv(x))"),
        ("self.head = nn.Linear(4, 2)", "self.up = nn.ConvTranspose2d(4, 2, 2)"),
        ("X[:30]", "masks[:30]"),
        ("nn.Conv2d", "nn.Conv1d"),
        ("loss.backward()", "loss.backward()\n            print(loss.item())"),
        ("model(X[rows])", "model(X[rows], None)"),
        ("model(X[rows])", "model(X[rows]) + model(X[rows])"),
    ],
)
def test_where_images_are_not_varied(old: str, new: str) -> None:
    assert not offered(IMAGES.replace(old, new)) & {FLIP, SHIFT}


def test_tokens_get_no_noise_and_are_not_mixed() -> None:
    text = IMAGES.replace("nn.Conv2d(1, 4, 3)", "nn.Embedding(9, 4)")
    assert not offered(text) & {NOISE, MIX, FLIP}


@pytest.mark.parametrize("forward", ['self.conv(x["image"])', "self.conv(x.edge_index)"])
def test_what_is_no_tensor_is_left_alone(forward: str) -> None:
    assert not offered(IMAGES.replace("self.conv(x)", forward)) & {NOISE, MIX, FLIP, SHIFT}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("loss.backward()", "loss.backward()\n            total += loss.item()"),  # someone looks at the training loss
        ("criterion(model(X[rows]), y[rows])", "criterion(model(X[rows]).view(-1), y[rows].view(-1))"),
        ("nn.CrossEntropyLoss()", "MyLoss()"),
        ("nn.CrossEntropyLoss()", 'nn.CrossEntropyLoss(reduction="none")'),
    ],
)
def test_where_examples_are_not_mixed(old: str, new: str) -> None:
    assert MIX in offered(IMAGES)
    assert MIX not in offered(IMAGES.replace(old, new))


def test_outputs_with_a_name_are_mixed_in_their_loss() -> None:
    text = IMAGES.replace("loss = criterion(model(X[rows])", "answers = model(X[rows])\n            loss = criterion(answers")
    assert lines(MIX, text)[2:] == [
        "answers = model(mixed)",
        "loss = share * criterion(answers, y[rows]) + (1 - share) * criterion(answers, y[rows].flip(0))",
    ]


def test_networks_are_averaged_where_one_answered() -> None:
    text = after(AVERAGE)
    assert "model = AveragedNetworks([fit(X[:30], y[:30]) for _ in range(3)])" in text
    assert text.index("class AveragedNetworks(nn.Module):") < text.index("def fit(")
    assert AVERAGE not in offered(text)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    model = Net()", "    torch.manual_seed(1)\n    model = Net()"),  # all would be alike
        ("    return model\n", "    return model, loss\n"),
        ("        return self.head(x)", "        return self.head(x), x"),
        ("model.eval()", "print(model.head)"),
        ("model = fit(X[:30], y[:30])", "model = fit(X[:30], y[:30])\ntorch.save(model.state_dict(), 'net.pt')"),
        ("model = fit(X[:30], y[:30])", "model = fit(X[:30], y[:30])\nreport(model)"),
        ("        model.train()", "        print(epoch)"),  # what training prints would be printed three times
        ("model = Net()", "model = make()"),
    ],
)
def test_where_networks_are_not_averaged(old: str, new: str) -> None:
    assert AVERAGE in offered(IMAGES)
    assert AVERAGE not in offered(IMAGES.replace(old, new))


def test_one_cycle_steps_once_an_epoch_where_batches_are_cut_by_hand() -> None:
    assert lines("schedule the learning rate with OneCycleLR") == [
        "scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.03, total_steps=5)",
        "scheduler.step()",
    ]


@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.parametrize("instruction", [FLIP, SHIFT, NOISE, MIX, AVERAGE, "schedule the learning rate with OneCycleLR"])
def test_an_edited_script_runs(instruction: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    exec(compile(after(instruction), "train.py", "exec"), {"__name__": "__main__"})
    assert "accuracy: " in capsys.readouterr().out
