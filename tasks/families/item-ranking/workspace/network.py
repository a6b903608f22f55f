"""A network in PyTorch: the visit becomes a vector, and an item's score is the product with the item's own vector."""

import numpy as np
import pandas as pd
import torch
from torch import nn

DIMENSIONS = 16
HIDDEN = 32
EPOCHS = 20
BATCH_SIZE = 64
LEARNING_RATE = 0.01
WEIGHT_DECAY = 0.0
SEED = 0

torch.manual_seed(SEED)
items = pd.read_csv("data/items.csv")
names = items["item"].tolist()
regions = ["bay", "city", "dale", "fen", "heath", "hills", "isle", "moor"]
categories = sorted(items["category"].unique())


def encode(visits):
    rows = []
    for visit in visits.itertuples():
        row = [float(visit.region == name) for name in regions]
        row += [float(visit.search == name) for name in categories]
        row += [(visit.hour - 15) / 5, np.log(visit.budget) - 3 if visit.budget == visit.budget else 0.0]
        seen = visit.seen.split(" ")
        row += [float(name in seen) for name in names]
        rows.append(row)
    return torch.tensor(rows, dtype=torch.float32)


def describe_items():
    table = pd.get_dummies(items[["category", "colour"]]).astype(float)
    table["price"] = np.log(items["price"]) - 3
    return torch.tensor(table.to_numpy(), dtype=torch.float32)


class Ranker(nn.Module):
    def __init__(self, inputs, item_features):
        super().__init__()
        self.register_buffer("item_features", item_features)
        self.visit = nn.Sequential(
            nn.Linear(inputs, HIDDEN),
            nn.Tanh(),
            nn.Linear(HIDDEN, DIMENSIONS),
        )
        self.item = nn.Linear(item_features.shape[1], DIMENSIONS)
        self.bias = nn.Parameter(torch.zeros(len(item_features)))

    def forward(self, x):
        return self.visit(x) @ self.item(self.item_features).T + self.bias


def train(X, y):
    model = Ranker(X.shape[1], describe_items())
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(EPOCHS):
        model.train()
        for batch in torch.randperm(len(X)).split(BATCH_SIZE):
            loss = criterion(model(X[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model


def rank(model, X):
    model.eval()
    with torch.no_grad():
        return model(X).topk(5, dim=1).indices


visits = pd.read_csv("data/visits_train.csv")
test = pd.read_csv("data/visits_test.csv")
X, y = encode(visits), torch.tensor([names.index(item) for item in visits["item"]])
cut = int(0.75 * len(X))
ranked = rank(train(X[:cut], y[:cut]), X[cut:])
score = ((ranked == y[cut:, None]).float() / torch.arange(1, 6)).sum(dim=1).mean().item()
print(f"validation MAP@5: {score:.4f}")

ranked = rank(train(X, y), encode(test))
test["item"] = [" ".join(names[number] for number in row) for row in ranked]
test[["visit", "item"]].to_csv("submission.csv", index=False)
