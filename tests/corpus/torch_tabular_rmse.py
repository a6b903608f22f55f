#!/usr/bin/env python
"""House-price style table: categorical embeddings + unscaled numbers, RMSE on a held-out part."""
import json

import numpy as np
import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

PARAMS = dict(lr=1e-3, epochs=8, batch_size=64, emb=4, hidden=[64, 32], dropout=0.1)


def make_table(n=1200, seed=0):
    rng = np.random.default_rng(seed)
    area = rng.uniform(30, 250, n)
    year = rng.integers(1900, 2020, n).astype(float)
    rooms = rng.integers(1, 8, n).astype(float)
    town = rng.integers(0, 12, n)
    base = rng.normal(0, 1, 12)
    price = 1.5 * area + 0.6 * (year - 1900) + 12 * rooms + 40 * base[town] + rng.normal(0, 15, n)
    num = np.stack([area, year, rooms], 1).astype(np.float32)
    return num, town, (price / 100).astype(np.float32)


class TabularModel(nn.Module):
    def __init__(self, n_num: int, n_cat: int, emb: int, hidden: list[int], dropout: float) -> None:
        super().__init__()
        self.emb = nn.Embedding(n_cat, emb)
        dims = [n_num + emb, *hidden]
        blocks: list[nn.Module] = []
        for a, b in zip(dims[:-1], dims[1:]):
            blocks.extend([nn.Linear(a, b), nn.ReLU(), nn.Dropout(dropout)])
        self.mlp = nn.Sequential(*blocks, nn.Linear(dims[-1], 1))

    def forward(self, num: torch.Tensor, cat: torch.Tensor) -> torch.Tensor:
        return self.mlp(torch.cat([num, self.emb(cat)], dim=1)).squeeze(1)


def rmse(model: nn.Module, num, cat, y) -> float:
    model.eval()
    with torch.no_grad():
        return float(torch.sqrt(torch.mean((model(num, cat) - y) ** 2)))


def main() -> None:
    torch.manual_seed(0)
    num, cat, y = make_table()
    num_train, num_test = num[:900], num[900:]
    cat_train, cat_test = cat[:900], cat[900:]
    y_train, y_test = y[:900], y[900:]
    train_ds = TensorDataset(torch.from_numpy(num_train), torch.from_numpy(cat_train), torch.from_numpy(y_train))
    loader = DataLoader(train_ds, batch_size=PARAMS["batch_size"], shuffle=True)
    model = TabularModel(3, 12, PARAMS["emb"], PARAMS["hidden"], PARAMS["dropout"])
    loss_fn = nn.MSELoss()
    optimizer = optim.AdamW(model.parameters(), lr=PARAMS["lr"])
    for epoch in range(PARAMS["epochs"]):
        model.train()
        for num_b, cat_b, y_b in loader:
            loss = loss_fn(model(num_b, cat_b), y_b)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    value = rmse(model, torch.from_numpy(num_test), torch.from_numpy(cat_test), torch.from_numpy(y_test))
    with open("metrics.json", "w") as handle:
        json.dump({"rmse": value}, handle)
    print(f"rmse: {value:.4f}")


if __name__ == "__main__":
    main()
