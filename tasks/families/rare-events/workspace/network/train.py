"""Train a small network on the claims; settings in config.yaml."""

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import roc_auc_score
from torch import nn


def read_settings():
    settings = {}
    for line in open("config.yaml"):
        if line.strip() and not line.startswith("#"):
            name, value = line.split(":")
            value = value.strip()
            settings[name] = float(value) if "." in value or "e" in value else int(value)
    return settings


settings = read_settings()
torch.manual_seed(settings["seed"])


def tables():
    train, test = pd.read_csv("data/train.csv"), pd.read_csv("data/test.csv")
    y = train.pop("false_claim")
    both = pd.concat([train, test]).drop(columns=["claim_id", "region"])
    text = ["channel", "product"]
    numbers = both.drop(columns=text)
    numbers = ((numbers - numbers.mean()) / numbers.std()).fillna(0).clip(-4, 4)
    X = np.hstack([numbers.to_numpy(), pd.get_dummies(both[text]).to_numpy(float)]).astype(np.float32)
    return torch.from_numpy(X[: len(train)]), torch.tensor(y.to_numpy(), dtype=torch.float32), torch.from_numpy(X[len(train) :]), test


def build(inputs):
    hidden = settings["hidden_size"]
    return nn.Sequential(
        nn.Linear(inputs, hidden),
        nn.Tanh(),
        nn.Dropout(settings["dropout"]),
        nn.Linear(hidden, hidden),
        nn.Tanh(),
        nn.Linear(hidden, 1),
    )


def train_network(X, y):
    model = build(X.shape[1])
    optimizer = torch.optim.Adam(model.parameters(), lr=settings["lr"], weight_decay=settings["weight_decay"])
    criterion = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(settings["positive_weight"]))
    batch_size = settings["batch_size"]
    for epoch in range(settings["epochs"]):
        model.train()
        order = torch.randperm(len(X))
        for start in range(0, len(X), batch_size):
            rows = order[start : start + batch_size]
            loss = criterion(model(X[rows]).squeeze(1), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model


def chances(model, X):
    model.eval()
    with torch.no_grad():
        return torch.sigmoid(model(X)).squeeze(1).numpy()


if __name__ == "__main__":
    X, y, X_test, test = tables()
    part = len(X) * 3 // 4
    model = train_network(X[:part], y[:part])
    print(f"validation AUC: {roc_auc_score(y[part:], chances(model, X[part:])):.4f}")
    model = train_network(X, y)
    test["false_claim"] = chances(model, X_test)
    test[["claim_id", "false_claim"]].to_csv("submission.csv", index=False)
