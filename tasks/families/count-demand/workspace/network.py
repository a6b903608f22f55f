"""A network with an embedding for the station that predicts log(1 + demand)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import nn


@dataclass
class Config:
    epochs: int = 15
    batch_size: int = 64
    lr: float = 0.003
    weight_decay: float = 0.01
    hidden: int = 32
    embedding: int = 4
    dropout: float = 0.3
    seed: int = 0


cfg = Config()
torch.manual_seed(cfg.seed)
NUMBERS = ["hours_open", "price", "competitor_price", "promotion", "holiday", "temperature", "rain", "wind", "web_visits"]


class Hires(nn.Module):
    def __init__(self, sites, inputs):
        super().__init__()
        self.embed = nn.Embedding(sites, cfg.embedding)
        self.hidden = nn.Linear(inputs + cfg.embedding, cfg.hidden)
        self.dropout = nn.Dropout(cfg.dropout)
        self.out = nn.Linear(cfg.hidden, 1)

    def forward(self, site, numbers):
        x = torch.cat([self.embed(site), numbers], dim=1)
        x = torch.sigmoid(self.hidden(x))
        return self.out(self.dropout(x)).squeeze(1)


def prepare(frame, sites, mean, std):
    numbers = ((frame[NUMBERS] - mean) / std).fillna(0)
    numbers["weekday"] = pd.to_datetime(frame["date"]).dt.day_of_week / 6
    numbers["month"] = pd.to_datetime(frame["date"]).dt.month / 12
    codes = [sites.index(name) for name in frame["site"]]
    return torch.tensor(codes), torch.tensor(numbers.to_numpy(np.float32))


def fit(site, numbers, y, n_sites):
    model = Hires(n_sites, numbers.shape[1])
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=cfg.weight_decay)
    loss_fn = nn.MSELoss()
    for epoch in range(cfg.epochs):
        model.train()
        for batch in torch.randperm(len(y)).split(cfg.batch_size):
            optimizer.zero_grad()
            loss = loss_fn(model(site[batch], numbers[batch]), y[batch])
            loss.backward()
            optimizer.step()
    model.eval()
    return model


train, test = pd.read_csv("data/train.csv"), pd.read_csv("data/test.csv")
sites = sorted(set(train["site"]) | set(test["site"]))
mean, std = train[NUMBERS].mean(), train[NUMBERS].std()
site, numbers = prepare(train, sites, mean, std)
y = torch.tensor(np.log1p(train["demand"].to_numpy(np.float32)))

held = len(y) // 5
model = fit(site[held:], numbers[held:], y[held:], len(sites))
with torch.no_grad():
    predicted = model(site[:held], numbers[:held]).clamp(min=0)
print(f"validation RMSLE: {torch.sqrt(torch.mean((predicted - y[:held]) ** 2)).item():.4f}")

model = fit(site, numbers, y, len(sites))
with torch.no_grad():
    predicted = model(*prepare(test, sites, mean, std)).clamp(min=0)
test["demand"] = np.expm1(predicted.numpy())
test[["entry", "demand"]].to_csv("submission.csv", index=False)
