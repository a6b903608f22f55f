"""Find insults with hashed words and a small network in PyTorch."""

import re
import zlib

import numpy as np
import pandas as pd
import torch
from torch import nn

config = {
    "buckets": 2048,
    "hidden": 16,
    "dropout": 0.4,
    "epochs": 5,
    "batch_size": 32,
    "learning_rate": 0.001,
    "seed": 0,
}
torch.manual_seed(config["seed"])


def hashed(comments):
    rows = np.zeros((len(comments), config["buckets"]), dtype=np.float32)
    for place, comment in enumerate(comments):
        for word in re.findall(r"[\w$]+", comment.lower()):
            rows[place, zlib.crc32(word.encode()) % config["buckets"]] = 1
    return torch.from_numpy(rows)


def fit(X, y):
    model = nn.Sequential(
        nn.Linear(config["buckets"], config["hidden"]),
        nn.ReLU(),
        nn.Dropout(config["dropout"]),
        nn.Linear(config["hidden"], 1),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=config["learning_rate"])
    loss_function = nn.BCEWithLogitsLoss()
    for epoch in range(config["epochs"]):
        model.train()
        order = torch.randperm(len(X))
        for start in range(0, len(X), config["batch_size"]):
            batch = order[start : start + config["batch_size"]]
            optimizer.zero_grad()
            loss = loss_function(model(X[batch]).squeeze(1), y[batch])
            loss.backward()
            optimizer.step()
    return model


def predict(model, X):
    model.eval()
    with torch.no_grad():
        return (model(X).squeeze(1) > 0).long()


train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
X, y = hashed(train["Comment"]), torch.tensor(train["Insult"].to_numpy(), dtype=torch.float32)
cut = int(0.75 * len(X))

model = fit(X[:cut], y[:cut])
accuracy = (predict(model, X[cut:]) == y[cut:]).float().mean().item()
print(f"validation accuracy: {accuracy:.4f}")

model = fit(X, y)
predicted = predict(model, hashed(test["Comment"])).numpy()
pd.DataFrame({"Id": test["Id"], "Insult": predicted}).to_csv("submission.csv", index=False)
