"""What each PyTorch family writes, on small scripts: the very lines, and where it keeps silent."""

from __future__ import annotations

import textwrap

import pytest

from mlagent_app.editors.base import NoSuchEdit
from mlagent_app.editors.catalogue import Catalogue
from mlagent_app.editors.catalogue.torch_families import TORCH_FAMILIES

CATALOGUE = Catalogue(TORCH_FAMILIES, per_file=1000)

TRAINING = """
import torch
from torch import nn
from torch.utils.data import DataLoader

EPOCHS = 10
X_train, X_test = X[:80], X[80:]
loader = DataLoader(data, batch_size=32, shuffle=True)
model = nn.Sequential(
    nn.Linear(20, 64),  # in
    nn.ReLU(),
    nn.Linear(64, 3),
)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
for epoch in range(EPOCHS):
    model.train()
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
    val_acc = accuracy(model, X_val)
model.eval()
with torch.no_grad():
    test_acc = accuracy(model, X_test)
print(f"accuracy: {test_acc}")
"""


def offered(text: str) -> set[str]:
    return {edit.instruction for edit in CATALOGUE.enumerate({"train.py": textwrap.dedent(text)})}


def after(instruction: str, text: str = TRAINING) -> str:
    text = textwrap.dedent(text)
    return CATALOGUE.resolve(instruction, {"train.py": text}).apply(text)


def lines(instruction: str, text: str = TRAINING) -> list[str]:
    """The lines that the edit adds or changes."""
    before = textwrap.dedent(text).splitlines()
    return [line for line in after(instruction, text).splitlines() if line not in before]


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        (
            "set lr of SGD to 0.03",
            ["optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9, weight_decay=5e-4)"],
        ),
        (
            "replace SGD with AdamW using lr 0.001",
            ["optimizer = torch.optim.AdamW(model.parameters(), lr=0.001, weight_decay=5e-4)"],
        ),
        (
            "replace SGD with RMSprop using lr 0.001",
            ["optimizer = torch.optim.RMSprop(model.parameters(), lr=0.001, momentum=0.9, weight_decay=5e-4)"],
        ),
        ("set epochs to 20", ["EPOCHS = 20"]),
        ("set batch_size of DataLoader to 64", ["loader = DataLoader(data, batch_size=64, shuffle=True)"]),
        ("clip gradients at 1.0", ["        nn.utils.clip_grad_norm_(model.parameters(), 1.0)"]),
        ("set label_smoothing of CrossEntropyLoss to 0.1", ["criterion = nn.CrossEntropyLoss(label_smoothing=0.1)"]),
        ("set width of Linear to 128", ["    nn.Linear(20, 128),  # in", "    nn.Linear(128, 3),"]),
        ("replace ReLU with GELU", ["    nn.GELU(),"]),
        ("add BatchNorm1d after Linear", ["    nn.BatchNorm1d(64),"]),
        ("add Dropout(0.3) after ReLU", ["    nn.Dropout(0.3),"]),
        ("add a hidden layer", ["    nn.Linear(64, 64),"]),
        (
            "schedule the learning rate with CosineAnnealingLR",
            [
                "scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)",
                "    scheduler.step()",
            ],
        ),
        (
            "schedule the learning rate with OneCycleLR",
            [
                "scheduler = torch.optim.lr_scheduler.OneCycleLR"
                "(optimizer, max_lr=0.3, epochs=EPOCHS, steps_per_epoch=len(loader))",
                "        scheduler.step()",
            ],
        ),
        (
            "standardise the inputs",
            [
                "X_train_mean, X_train_std = X_train.mean(0), X_train.std(0)",
                "X_train_std = X_train_std + (X_train_std == 0)",
                "X_train = (X_train - X_train_mean) / X_train_std",
                "X_test = (X_test - X_train_mean) / X_train_std",
            ],
        ),
        (
            "average the last epochs",
            [
                "averaged = torch.optim.swa_utils.AveragedModel(model, use_buffers=True)",
                "    if 2 * epoch + 2 > EPOCHS:",
                "        averaged.update_parameters(model)",
                "model.load_state_dict(averaged.module.state_dict())",
            ],
        ),
        (
            "keep the best checkpoint",
            [
                'best_metric, best_state = float("-inf"), model.state_dict()',
                "    if val_acc > best_metric:",
                "        best_metric, best_state = val_acc, {k: v.detach().clone() for k, v in model.state_dict().items()}",
                "model.load_state_dict(best_state)",
            ],
        ),
    ],
)
def test_the_lines_of_an_edit(instruction: str, expected: list[str]) -> None:
    assert lines(instruction) == expected


def test_the_scheduler_steps_after_the_optimiser_and_once_an_epoch() -> None:
    text = after("schedule the learning rate with CosineAnnealingLR")
    assert text.index("scheduler = ") < text.index("for epoch") < text.index("val_acc =") < text.index("    scheduler.step()")
    assert text.index("    scheduler.step()") < text.index("model.eval()")


def test_a_value_off_the_grid_is_taken() -> None:
    assert lines("set width of Linear to 100") == ["    nn.Linear(20, 100),  # in", "    nn.Linear(100, 3),"]
    assert lines("set lr of SGD to 0.07")[0].count("lr=0.07") == 1


def test_a_value_out_of_range_is_refused() -> None:
    with pytest.raises(NoSuchEdit, match="expected"):
        after("set lr of SGD to 50")


def test_a_multi_line_call_loses_only_the_lines_of_dropped_arguments() -> None:
    text = """
    import torch
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=0.1,  # found by hand
        momentum=0.9,
        nesterov=True,
        weight_decay=1e-4,
    )
    """
    assert after("replace SGD with Adam using lr 0.003", text) == textwrap.dedent(
        """
        import torch
        optimizer = torch.optim.Adam(
            model.parameters(),
            lr=0.003,  # found by hand
            weight_decay=1e-4,
        )
        """
    )


def test_leading_commas_survive_a_dropped_argument() -> None:
    text = "import torch\nopt = torch.optim.SGD(\n    params\n  , lr=0.1\n  , momentum=0.9\n  , weight_decay=0.1\n)\n"
    assert after("replace SGD with Adam using lr 0.001", text) == (
        "import torch\nopt = torch.optim.Adam(\n    params\n  , lr=0.001\n  , weight_decay=0.1\n)\n"
    )


def test_nesterov_comes_with_a_momentum() -> None:
    bare = "import torch\nopt = torch.optim.SGD(params, lr=0.1)\n"
    assert "set nesterov of SGD to True" not in offered(bare)
    assert lines("set momentum of SGD to 0.9 and nesterov to True", bare) == [
        "opt = torch.optim.SGD(params, lr=0.1, momentum=0.9, nesterov=True)"
    ]
    nesterov = "import torch\nopt = torch.optim.SGD(params, lr=0.1, momentum=0.9, nesterov=True)\n"
    assert "set momentum of SGD to 0.0" not in offered(nesterov)


def test_arguments_that_are_set_together_go_below_a_comment() -> None:
    text = """
    import torch
    opt = torch.optim.SGD(
        net.parameters(),
        lr=0.1,  # Karpathy constant
    )
    """
    found = lines("set momentum of SGD to 0.9 and nesterov to True", text)
    assert found == ["    momentum=0.9,", "    nesterov=True"]


def test_a_gradient_scaler_unscales_before_clipping() -> None:
    text = """
    import torch
    model.train()
    for epoch in range(3):
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
    """
    assert lines("clip gradients at 1.0", text) == [
        "    scaler.unscale_(optimizer)",
        '    torch.nn.utils.clip_grad_norm_([p for g in optimizer.param_groups for p in g["params"]], 1.0)',
    ]


ALL_OF_OPT = '[p for g in opt.param_groups for p in g["params"]]'


@pytest.mark.parametrize(
    ("before", "clipped"),
    [
        ("model = net()\nopt = torch.optim.SGD(model.parameters(), lr=1)\n", "model.parameters()"),
        ("model = net()\nopt = torch.optim.SGD(params=model.parameters())\nmodel = model.to(device)\n", "model.parameters()"),
        (
            "model = net()\nopt = torch.optim.SGD(model.parameters())\nmodel, opt = accelerator.prepare(model, opt)\n",
            "model.parameters()",
        ),
        (
            "model = a()\nif b: opt = torch.optim.SGD(model.parameters())\nelse: opt = torch.optim.Adam(model.parameters())\n",
            "model.parameters()",
        ),
        # One optimiser over two networks, over a part, over one among several that are trained, or over groups.
        ("opt = torch.optim.SGD(list(model.parameters()) + list(head.parameters()))\n", ALL_OF_OPT),
        ("opt = torch.optim.SGD(model.head.parameters())\n", ALL_OF_OPT),
        ("model, D = net(), net()\nopt = torch.optim.SGD(D.parameters())\n", "D.parameters()"),
        ("opt = torch.optim.SGD([{'params': model.parameters()}])\n", ALL_OF_OPT),
        ("opt = torch.optim.SGD(filter(wanted, model.parameters()))\n", ALL_OF_OPT),
        # Not certain to be the same model, the same optimiser, or all of it.
        ("model = a()\nopt = torch.optim.SGD(model.parameters())\nmodel = b()\n", ALL_OF_OPT),
        ("model = a()\nopt = torch.optim.SGD(model.parameters())\nmodel = model.head\n", ALL_OF_OPT),
        ("model = a()\nopt = torch.optim.SGD(model.parameters())\nopt = other()\n", ALL_OF_OPT),
        (
            "model = a()\nif fast: opt = torch.optim.SGD(model.parameters())\nelse: opt = torch.optim.Adam(D.parameters())\n",
            ALL_OF_OPT,
        ),
        ("model = a()\nopt = torch.optim.SGD(model.parameters())\nopt.add_param_group({'params': b})\n", ALL_OF_OPT),
        ("def make(model):\n    opt = torch.optim.SGD(model.parameters())\n    return opt\nopt = make(model)\n", ALL_OF_OPT),
    ],
)
def test_what_is_clipped_is_what_the_optimiser_updates(before: str, clipped: str) -> None:
    text = f"import torch\n{before}for epoch in range(3):\n    model.train()\n    loss.backward()\n    opt.step()\n"
    assert lines("clip gradients at 1.0", text) == [f"    torch.nn.utils.clip_grad_norm_({clipped}, 1.0)"]


def test_each_step_of_a_gan_clips_its_own_network() -> None:
    text = """
    import torch
    class Trainer:
        def __init__(self, G, D):
            self.G, self.D = G, D
            self.g_opt = torch.optim.Adam(self.G.parameters())
            self.d_opt = torch.optim.Adam(self.D.parameters())

        def fit(self):
            for epoch in range(10):
                self.G.train(); self.D.train()
                self.d_loss().backward()
                self.d_opt.step()
                self.g_loss().backward()
                self.g_opt.step()
    """
    assert lines("clip gradients at 1.0 #1", text) == ["            torch.nn.utils.clip_grad_norm_(self.D.parameters(), 1.0)"]
    assert lines("clip gradients at 1.0 #2", text) == ["            torch.nn.utils.clip_grad_norm_(self.G.parameters(), 1.0)"]


def test_existing_clipping_is_changed_and_not_doubled() -> None:
    text = """
    import torch
    for epoch in range(3):
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        optimizer.step()
    """
    found = offered(text)
    assert "set max_norm of clip_grad_norm_ to 0.5" in found
    assert not any(item.startswith("clip gradients") for item in found)


@pytest.mark.parametrize(
    "evaluation",
    [
        "with torch.no_grad():\n    val_loss = criterion(model(X_val), y_val)",
        "with torch.set_grad_enabled(phase == 'train'):\n    loss = criterion(model(X_val), y_val)",
        "model.eval()\nval_loss = criterion(model(X_val), y_val)",
        "print(f'{criterion(model(X_val), y_val)}')",
        "def evaluate(loader):\n    return criterion(model(X_val), y_val)",
    ],
)
def test_a_loss_that_measures_is_left_alone(evaluation: str) -> None:
    text = f"{TRAINING}\n{evaluation}\n"
    assert not any("label_smoothing" in item for item in offered(text))
    assert not any("Loss" in item for item in offered(text.replace("CrossEntropyLoss", "MSELoss")))


def test_a_loss_inside_forward_is_left_alone() -> None:
    text = """
    import torch
    import torch.nn.functional as F
    class Net(torch.nn.Module):
        def forward(self, x, y):
            return F.cross_entropy(self.fc(x), y)
    @torch.no_grad()
    def evaluate(): ...
    """
    assert not any("label_smoothing" in item for item in offered(text))


def test_a_robust_loss_replaces_the_training_loss() -> None:
    text = TRAINING.replace("CrossEntropyLoss", "MSELoss")
    assert lines("replace MSELoss with HuberLoss", text) == ["criterion = nn.HuberLoss()"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("val_acc = accuracy(model, X_val)", "test_acc = accuracy(model, X_test)"),  # chosen by the test part
        ("val_acc = accuracy(model, X_val)", "val_acc = accuracy(model, X_test)"),  # a test part by another name
        ("    test_acc = accuracy(model, X_test)", "    acc = 1.0"),  # nothing measured afterwards
    ],
)
def test_no_checkpoint_is_chosen_by_what_is_reported(old: str, new: str) -> None:
    assert "keep the best checkpoint" in offered(TRAINING)
    assert "keep the best checkpoint" not in offered(TRAINING.replace(old, new))


@pytest.mark.parametrize("early", ["    if val_acc > 0.9:\n        break", "    if epoch % 2:\n        continue"])
def test_epochs_are_not_averaged_where_none_may_reach_the_average(early: str) -> None:
    line = "    val_acc = accuracy(model, X_val)"
    assert "average the last epochs" in offered(TRAINING)
    assert "average the last epochs" not in offered(TRAINING.replace(line, f"{line}\n{early}"))


def test_inputs_that_are_scaled_or_used_already_are_left_alone() -> None:
    assert "standardise the inputs" not in offered("from sklearn.preprocessing import StandardScaler\n" + TRAINING)
    used = TRAINING.replace("X_train, X_test = X[:80], X[80:]", "X_train = X[:80]\nfit(X_train)\nX_test = X[80:]")
    assert "standardise the inputs" not in offered(used)


def test_networks_that_make_labels_are_left_alone() -> None:
    text = """
    import torch
    from torch import nn
    teacher = nn.Sequential(nn.Linear(5, 9), nn.Tanh(), nn.Linear(9, 2))
    y = teacher(x).argmax(1)
    frozen = nn.Sequential(nn.Linear(5, 9), nn.Tanh(), nn.Linear(9, 2)).requires_grad_(False)
    plain = nn.Sequential(nn.Linear(5, 9), nn.Tanh(), nn.Linear(9, 2))
    z = plain(x)
    model = nn.Linear(5, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    """
    assert not {item for item in offered(text) if "Linear" in item or "Tanh" in item or "hidden" in item}


def test_dropout_needs_a_script_that_switches_to_evaluation() -> None:
    assert not any(item.startswith("add Dropout") for item in offered(TRAINING.replace("model.eval()\n", "")))


def test_a_file_of_networks_alone_takes_dropout_and_norms() -> None:
    text = "from torch import nn\nnet = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))\n"
    assert {"add Dropout(0.1) after ReLU", "add BatchNorm1d after Linear"} <= offered(text)


def test_a_cycle_leaves_the_rate_of_the_optimiser_alone() -> None:
    text = TRAINING + "schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=10)\n"
    assert "set max_lr of OneCycleLR to 0.3" in offered(text)
    assert not any(item.startswith("set lr of") for item in offered(text))


def test_grouped_convolutions_keep_their_channels() -> None:
    text = "from torch import nn\nnet = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 16, 3))\n"
    assert "set width of Conv2d to 16" in offered(text)
    assert not any("width" in item for item in offered(text.replace("16, 3)", "16, 3, groups=2)")))


def test_widths_of_a_class_change_at_both_ends_or_not_at_all() -> None:
    text = """
    from torch import nn
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(7, 40)
            self.norm = nn.LayerNorm(40)
            self.b = nn.Linear(40, 3)
    """
    assert lines("set width of Linear to 64", text) == [
        "        self.a = nn.Linear(7, 64)",
        "        self.norm = nn.LayerNorm(64)",
        "        self.b = nn.Linear(64, 3)",
    ]
    other = text + "    def forward(self, x):\n            return self.b(self.a(x).view(-1, 40))\n"
    assert not any("width" in item for item in offered(other))


def test_recurrent_sizes_change_with_the_layer_that_reads_them() -> None:
    text = """
    from torch import nn
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.LSTM(3, 32, batch_first=True)
            self.fc = nn.Linear(32, 2)
    """
    assert lines("set hidden_size of LSTM to 64", text) == [
        "        self.rnn = nn.LSTM(3, 64, batch_first=True)",
        "        self.fc = nn.Linear(64, 2)",
    ]
    assert lines("set num_layers of LSTM to 2", text) == ["        self.rnn = nn.LSTM(3, 32, batch_first=True, num_layers=2)"]
    assert not any("hidden_size" in item for item in offered(text.replace("batch_first", "bidirectional")))


def test_functional_activations_keep_their_tensor_and_lose_old_arguments() -> None:
    text = "import torch.nn.functional as F\ny = F.leaky_relu(conv(x), 0.2, inplace=True)\n"
    assert lines("replace leaky_relu with gelu", text) == ["y = F.gelu(conv(x))"]


def test_names_follow_the_imports_of_the_file() -> None:
    text = "from torch.nn import Linear, ReLU, Sequential\nm = Sequential(Linear(4, 8), ReLU(), Linear(8, 1))\n"
    assert lines("replace ReLU with GELU", text) == [
        "from torch.nn import GELU",
        "m = Sequential(Linear(4, 8), GELU(), Linear(8, 1))",
    ]


def test_batches_cut_by_hand_change_in_step_and_slice() -> None:
    text = """
    import torch
    for epoch in range(5):
        for i in range(0, 500, 50):
            loss = f(x[i : i + 50], y[i : i + 50])
            loss.backward()
            optimizer.step()
    """
    assert lines("set batch_size to 64", text) == [
        "    for i in range(0, 500, 64):",
        "        loss = f(x[i : i + 64], y[i : i + 64])",
    ]
    assert not any("batch_size" in item for item in offered(text.replace("y[i : i + 50]", "y[i : i + 49]")))


def test_a_schedule_can_be_replaced_and_removed() -> None:
    text = """
    import torch
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=5)
    for epoch in range(12):
        loss.backward()
        optimizer.step()
        scheduler.step()
    """
    assert lines("replace StepLR with CosineAnnealingLR", text) == [
        "scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=12)"
    ]
    assert "scheduler" not in after("remove StepLR", text)
    assert not any(item.startswith("schedule") for item in offered(text))
    for use in ("scheduler.get_last_lr()", "f'{scheduler.get_last_lr()}'"):
        assert "remove StepLR" not in offered(f"{textwrap.dedent(text)}print({use})\n")


def test_an_epoch_loop_over_a_named_progress_bar_is_found() -> None:
    text = """
    import torch
    bar = tqdm(range(30))
    for epoch in bar:
        loss.backward()
        optimizer.step()
    """
    assert lines("set epochs to 50", text) == ["bar = tqdm(range(50))"]


def test_values_behind_attributes_of_self_are_found() -> None:
    text = """
    import torch
    class Trainer:
        def __init__(self, lr=0.01, epochs=7):
            self.lr = lr
            self.epochs = epochs
            self.opt = torch.optim.Adam(net.parameters(), lr=self.lr)
        def fit(self):
            for epoch in range(self.epochs):
                loss.backward()
                self.opt.step()
    Trainer().fit()
    """
    assert lines("set lr of Adam to 0.003", text) == ["    def __init__(self, lr=0.003, epochs=7):"]
    assert lines("set epochs to 12", text) == ["    def __init__(self, lr=0.01, epochs=12):"]


@pytest.mark.parametrize("text", ["", "import numpy as np\nx = 1\n", "def broken(:\n", "import torch\n"])
def test_files_without_training_code_offer_nothing(text: str) -> None:
    assert offered(text) == set()
