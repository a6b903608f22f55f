"""Trainer class with fit / evaluate, as in many in-house code bases."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


@dataclass
class Config:
    lr: float = 1e-3
    batch_size: int = 32
    epochs: int = 6
    hidden: int = 64
    dropout: float = 0.0
    weight_decay: float = 0.0
    seed: int = 7


class Net(nn.Module):
    def __init__(self, n_in: int, n_out: int, cfg: Config):
        super().__init__()
        self.fc1 = nn.Linear(n_in, cfg.hidden)
        self.fc2 = nn.Linear(cfg.hidden, cfg.hidden)
        self.drop = nn.Dropout(cfg.dropout)
        self.act = nn.ReLU()
        self.out = nn.Linear(cfg.hidden, n_out)

    def forward(self, x):
        x = self.act(self.fc1(x))
        x = self.drop(x)
        x = self.act(self.fc2(x))
        return self.out(x)


class Trainer:
    def __init__(self, model: nn.Module, cfg: Config):
        self.model = model
        self.cfg = cfg
        self.loss_fn = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(
            self.model.parameters(),
            lr=cfg.lr,
            weight_decay=cfg.weight_decay,
        )

    def train_epoch(self, loader: DataLoader) -> float:
        self.model.train()
        running = 0.0
        for xb, yb in loader:
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.loss_fn(self.model(xb), yb)
            loss.backward()
            self.optimizer.step()
            running += loss.item()
        return running / max(1, len(loader))

    @torch.no_grad()
    def evaluate(self, loader: DataLoader) -> float:
        self.model.eval()
        hit = seen = 0
        for xb, yb in loader:
            hit += (self.model(xb).argmax(1) == yb).sum().item()
            seen += len(yb)
        return hit / seen

    def fit(self, train_loader: DataLoader, val_loader: DataLoader) -> float:
        val_acc = 0.0
        for epoch in range(self.cfg.epochs):
            loss = self.train_epoch(train_loader)
            val_acc = self.evaluate(val_loader)
            print(f"[{epoch:02d}] loss {loss:.4f} val_acc {val_acc:.4f}")
        return val_acc


def make_data(n: int = 800, d: int = 16) -> TensorDataset:
    x = torch.randn(n, d)
    y = ((x[:, 0] * x[:, 1] + x[:, 2]) > 0).long() + (x[:, 3] > 0.5).long()
    return TensorDataset(x, y)


def main() -> None:
    cfg = Config()
    torch.manual_seed(cfg.seed)
    data = make_data()
    train, val = random_split(data, [600, 200])
    train_loader = DataLoader(train, batch_size=cfg.batch_size, shuffle=True)
    val_loader = DataLoader(val, batch_size=256)
    trainer = Trainer(Net(16, 3, cfg), cfg)
    final = trainer.fit(train_loader, val_loader)
    print(f"final val_acc: {final:.4f}")


if __name__ == "__main__":
    main()
