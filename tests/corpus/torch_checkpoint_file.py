"""Saves the best model to a file by validation accuracy and reloads it before the test."""
import logging
import os
import tempfile

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset, random_split

logging.basicConfig(level=logging.INFO, format="%(message)s")
log = logging.getLogger("train")

HPARAMS = {"batch_size": 50, "lr": 0.05, "max_epochs": 6, "num_workers": 0}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(6, 12, 3), nn.ReLU(),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(12 * 3 * 3, 40),
            nn.ReLU(),
            nn.Linear(40, 3),
        )

    def forward(self, x):
        return self.classifier(self.features(x))


def evaluate(model, loader):
    model.eval()
    n = ok = 0
    with torch.no_grad():
        for x, y in loader:
            ok += (model(x).argmax(1) == y).sum().item()
            n += y.size(0)
    return ok / n


def main():
    torch.manual_seed(77)
    y = torch.randint(0, 3, (700,))
    x = torch.randn(700, 1, 12, 12)
    x[y == 1, :, :, :6] += 0.3
    x[y == 2, :, 6:, :] += 0.3
    train_set, val_set, test_set = random_split(TensorDataset(x, y), [450, 100, 150])
    train_loader = DataLoader(train_set, batch_size=HPARAMS["batch_size"], shuffle=True)
    val_loader = DataLoader(val_set, batch_size=100)
    test_loader = DataLoader(test_set, batch_size=150)

    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=HPARAMS["lr"])
    criterion = nn.CrossEntropyLoss()
    checkpoint = os.path.join(tempfile.mkdtemp(), "best.pt")
    best_acc = -1.0
    for epoch in range(HPARAMS["max_epochs"]):
        net.train()
        for inputs, targets in train_loader:
            optimizer.zero_grad()
            loss = criterion(net(inputs), targets)
            loss.backward()
            optimizer.step()
        val_acc = evaluate(net, val_loader)
        log.info("epoch %d val_acc %.4f", epoch, val_acc)
        if val_acc > best_acc:
            best_acc = val_acc
            torch.save(net.state_dict(), checkpoint)
    net.load_state_dict(torch.load(checkpoint))
    print(f"test_acc: {evaluate(net, test_loader):.4f}")


if __name__ == "__main__":
    main()
