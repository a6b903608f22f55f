"""Subjects of papers: a two-layer network on each paper's words, those of the papers it cites, and the year."""

import argparse

import numpy as np
import pandas as pd
import torch
import torch.nn as nn
import torch.nn.functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--hidden", type=int, default=32)
parser.add_argument("--dropout", type=float, default=0.5)
parser.add_argument("--lr", type=float, default=0.01)
parser.add_argument("--weight-decay", type=float, default=0.0)
parser.add_argument("--epochs", type=int, default=30)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()


class MLP(nn.Module):
    def __init__(self, inputs, hidden, outputs, dropout):
        super().__init__()
        self.first = nn.Linear(inputs, hidden)
        self.second = nn.Linear(hidden, outputs)
        self.dropout = dropout

    def forward(self, x):
        x = F.relu(self.first(x))
        x = F.dropout(x, p=self.dropout, training=self.training)
        return self.second(x)


def train_model(X, y, nodes, outputs):
    torch.manual_seed(args.seed)
    model = MLP(X.shape[1], args.hidden, outputs, args.dropout)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr, weight_decay=args.weight_decay)
    for epoch in range(args.epochs):
        model.train()
        optimizer.zero_grad()
        loss = F.cross_entropy(model(X[nodes]), y[nodes])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        return model(X).argmax(dim=1)


features = pd.read_csv("data/raw/node-feat.csv.gz", header=None).to_numpy()
years = pd.read_csv("data/raw/node_year.csv.gz", header=None).to_numpy()
edges = pd.read_csv("data/raw/edge.csv.gz", header=None).to_numpy()
cited = np.zeros_like(features)
np.add.at(cited, edges[:, 0], features[edges[:, 1]])
cited /= np.maximum(np.bincount(edges[:, 0], minlength=len(features)), 1)[:, None]
X = np.hstack([features, cited, (years - 2010) / 10])
X = torch.tensor(X, dtype=torch.float32)
y = torch.tensor(pd.read_csv("data/raw/node-label.csv.gz", header=None)[0].to_numpy())
train = torch.tensor(pd.read_csv("data/split/time/train.csv.gz", header=None)[0].to_numpy())
test = torch.tensor(pd.read_csv("data/split/time/test.csv.gz", header=None)[0].to_numpy())
outputs = int(y.max()) + 1

order = train[torch.randperm(len(train), generator=torch.Generator().manual_seed(args.seed))]
valid, fit = order[: len(order) // 4], order[len(order) // 4 :]
predicted = train_model(X, y, fit, outputs)
print(f"validation accuracy: {(predicted[valid] == y[valid]).float().mean().item():.4f}")

predicted = train_model(X, y, train, outputs)
pd.DataFrame({"node": test.numpy(), "label": predicted[test].numpy()}).to_csv("submission.csv", index=False)
