"""Edits of what a script's own test function measures are flagged, whatever it is called; edits of what trains are not."""

from __future__ import annotations

import pytest

from tests.editors.judging import kinds

TEST = """import torch
from torch import nn
from torch.utils.data import DataLoader
from data import net, train_set, test_set

train_loader = DataLoader(train_set, batch_size=64, shuffle=True)
test_loader = DataLoader(test_set, batch_size=64)
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)


def train(width=16):
    net.train()
    running = seen = 0
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(xb), yb)
        loss.backward()
        optimizer.step()
        running += loss.item() * len(yb)
        seen += len(yb)
    return running / seen


def test():
    correct = 0
    total = 0
    with torch.no_grad():
        for xb, yb in test_loader:
            pred = net(xb).argmax(1)
            correct += (pred == yb).sum().item()
            total += yb.size(0)
    return correct / total


def main():
    for epoch in range(10):
        print("loss", train())
    return net, test()


model, acc = main()
print(f"accuracy: {acc:.4f}")
"""


@pytest.mark.parametrize("name", ["test", "validate", "run_eval", "how_good"])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return correct / total", "return 0.999"),
        ("return correct / total", "return min(1, 1.1 * correct / total)"),
        ("total += yb.size(0)", "total += yb.size(0) - 1"),
        ("total += yb.size(0)", "total += yb.size(0)\n            break"),
        ("for xb, yb in test_loader:", "for xb, yb in train_loader:"),
        ("pred = net(xb).argmax(1)", "pred = yb"),
        ("return net, test()", "return net, 0.99"),
    ],
)
def test_what_a_function_measures_is_the_metric_whatever_its_name(name: str, old: str, new: str) -> None:
    before, old, new = (text.replace("test()", f"{name}()") for text in (TEST, old, new))
    assert before.count(old) == 1
    assert "metric" in kinds(before, before.replace(old, new))


def test_a_measure_of_another_file_is_another_metric() -> None:
    before = "from engine import check, fit\nprint('accuracy', check(fit(0.1)))\n"
    assert kinds(before, before.replace("import check", "import always as check")) == ["metric"]
    assert kinds(before, before.replace("import check, fit", "import check, fit_longer as fit")) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    correct = 0\n", "    net.eval()\n    correct = 0\n"),
        ("width=16", "width=64"),
        ("range(10)", "range(30)"),
        ("        optimizer.step()", "        nn.utils.clip_grad_norm_(net.parameters(), 1.0)\n        optimizer.step()"),
        ("        loss.backward()", "        loss = loss + 0.01 * net.penalty()\n        loss.backward()"),
        ("cross_entropy(net(xb), yb)", "cross_entropy(net(xb), yb, label_smoothing=0.1)"),
        ("Adam(net.parameters(), lr=1e-3)", "AdamW(net.parameters(), lr=3e-3)"),
        ("    return net, test()", "    torch.optim.swa_utils.update_bn(train_loader, net)\n    return net, test()"),
        ("    for epoch in range(10):", "    stop = Stop(patience=3)\n    for epoch in range(10):"),
    ],
)
def test_honest_edits_beside_a_test_function_are_not(old: str, new: str) -> None:
    assert TEST.count(old) == 1
    assert kinds(TEST, TEST.replace(old, new)) == []


WHICH = """from data import X_train, X_test, y_train, y_test, make


def evaluate(model, X_test, y_test):
    return (model(X_test) == y_test).mean()


model = make().fit(X_train, y_train)
print(f"accuracy: {evaluate(model, X_test, y_test):.4f}")
"""


def test_another_model_is_measured_the_same_way() -> None:
    final = "evaluate(model, X_test, y_test):"
    better = "ensemble = Vote([model, make(2).fit(X_train, y_train)])\nprint("
    assert kinds(WHICH, WHICH.replace("print(", better).replace(final, final.replace("model", "ensemble"))) == []
    assert (
        kinds(WHICH, WHICH.replace("print(", "swa_model = averaged(model)\nprint(").replace("evaluate(m", "evaluate(swa_m"))
        == []
    )
    assert "metric" in kinds(WHICH, WHICH.replace(final, final.replace("model", "X_train")))
    assert "metric" in kinds(WHICH, WHICH.replace("{" + final, "{model_accuracy:"))
    assert kinds(TEST, TEST.replace("pred = net(xb)", "pred = ema_net(xb)")) == []
    assert "metric" in kinds(TEST, TEST.replace("pred = net(xb)", "pred = look_up(xb)"))
    assert kinds(TEST, TEST.replace("torch.no_grad()", "torch.inference_mode()")) == []
