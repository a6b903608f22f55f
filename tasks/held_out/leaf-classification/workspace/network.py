"""Name the species of a leaf with a network of one hidden layer."""

import argparse

import numpy as np
import pandas as pd
import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--hidden", type=int, default=64)
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--batch-size", type=int, default=64)
parser.add_argument("--lr", type=float, default=0.005)
parser.add_argument("--dropout", type=float, default=0.5)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()


class LeafNet(nn.Module):
    def __init__(self, inputs, classes):
        super().__init__()
        self.hidden = nn.Linear(inputs, args.hidden)
        self.activation = nn.Sigmoid()
        self.dropout = nn.Dropout(args.dropout)
        self.out = nn.Linear(args.hidden, classes)

    def forward(self, x):
        return self.out(self.dropout(self.activation(self.hidden(x))))


def fit(X, y, classes):
    torch.manual_seed(args.seed)
    model = LeafNet(X.shape[1], classes)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(args.epochs):
        model.train()
        order = torch.randperm(len(X))
        for start in range(0, len(X), args.batch_size):
            batch = order[start : start + args.batch_size]
            optimizer.zero_grad()
            loss = criterion(model(X[batch]), y[batch])
            loss.backward()
            optimizer.step()
    return model.eval()


train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
features = [name for name in test.columns if name != "id"]
mean, std = train[features].mean(), train[features].std() + 1e-9
X = torch.tensor(((train[features] - mean) / std).to_numpy(np.float32))
X_test = torch.tensor(((test[features] - mean) / std).to_numpy(np.float32))
names, labels = np.unique(train["species"], return_inverse=True)
y = torch.tensor(labels)

rng = np.random.default_rng(args.seed)
held = torch.tensor(rng.permutation(len(X)) < len(X) // 5)
model = fit(X[~held], y[~held], len(names))
with torch.no_grad():
    print(f"validation log loss: {nn.functional.cross_entropy(model(X[held]), y[held]).item():.4f}")

model = fit(X, y, len(names))
with torch.no_grad():
    probabilities = torch.softmax(model(X_test), dim=1).numpy()
submission = pd.DataFrame(probabilities, columns=names)
submission.insert(0, "id", test["id"])
submission.to_csv("submission.csv", index=False)
