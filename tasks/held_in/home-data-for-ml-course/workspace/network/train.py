"""House prices with a small network; the settings stand in config.toml."""

import tomllib

import numpy as np
import pandas as pd
import torch
from torch import nn

with open("config.toml", "rb") as file:
    config = tomllib.load(file)
torch.manual_seed(config["seed"])

train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")

both = pd.concat([train.drop(columns="SalePrice"), test], ignore_index=True).drop(columns="Id")
numbers = both.select_dtypes("number")
numbers = numbers.fillna(numbers.median()).fillna(0)
numbers = (numbers - numbers.mean()) / (numbers.std() + 1e-6)
words = pd.get_dummies(both[["Neighborhood", "KitchenQual", "ExterQual", "BsmtQual", "GarageFinish", "SaleCondition"]], dtype=float)
table = torch.tensor(np.hstack([numbers.to_numpy(), words.to_numpy()]), dtype=torch.float32)
X, X_test = table[: len(train)], table[len(train) :]
prices = train["SalePrice"].to_numpy() / 100000
y = torch.tensor(prices, dtype=torch.float32)


class PriceNet(nn.Module):
    def __init__(self, inputs, hidden, dropout):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(inputs, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1)
        )

    def forward(self, x):
        return self.layers(x)[:, 0]


def fit(X, y):
    model = PriceNet(X.shape[1], config["hidden"], config["dropout"])
    optimizer = torch.optim.Adam(model.parameters(), lr=config["learning_rate"], weight_decay=config["weight_decay"])
    criterion = nn.MSELoss()
    model.train()
    for epoch in range(config["epochs"]):
        for batch in torch.randperm(len(X)).split(config["batch_size"]):
            optimizer.zero_grad()
            loss = criterion(model(X[batch]), y[batch])
            loss.backward()
            optimizer.step()
    return model.eval()


cut = round(len(X) * (1 - config["validation_share"]))
model = fit(X[:cut], y[:cut])
with torch.no_grad():
    error = (model(X[cut:]) - y[cut:]).abs().mean().item()
print(f"validation mae: {error * 100000:.1f}")

model = fit(X, y)
with torch.no_grad():
    predicted = model(X_test).numpy() * 100000
pd.DataFrame({"Id": test["Id"], "SalePrice": predicted}).to_csv("submission.csv", index=False)
