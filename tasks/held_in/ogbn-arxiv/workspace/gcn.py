"""Subjects of papers with a graph convolutional network."""

import numpy as np
import pandas as pd
import torch
from torch import nn

HIDDEN = 32
EPOCHS = 40
LEARNING_RATE = 0.01
WEIGHT_DECAY = 5e-4
DROPOUT = 0.2
VALID_SHARE = 0.25
torch.manual_seed(4)


def load(name):
    return torch.from_numpy(pd.read_csv(f"data/{name}.csv.gz", header=None).to_numpy())


def normalised_adjacency(edges, nodes):
    """D^-1/2 (A + I) D^-1/2 of the undirected graph, sparse."""
    loops = torch.arange(nodes)
    rows = torch.cat([edges[:, 0], edges[:, 1], loops])
    columns = torch.cat([edges[:, 1], edges[:, 0], loops])
    degree = torch.bincount(rows, minlength=nodes).float()
    values = (degree[rows] * degree[columns]).rsqrt()
    return torch.sparse_coo_tensor(torch.stack([rows, columns]), values, (nodes, nodes), check_invariants=False).coalesce()


class GCN(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.layer1 = nn.Linear(inputs, HIDDEN)
        self.layer2 = nn.Linear(HIDDEN, outputs)
        self.dropout = nn.Dropout(DROPOUT)
        self.activation = nn.ReLU()

    def forward(self, x, adjacency):
        x = torch.sparse.mm(adjacency, self.layer1(x))
        x = self.dropout(self.activation(x))
        return torch.sparse.mm(adjacency, self.layer2(x))


def train_gcn(X, adjacency, y, nodes):
    model = GCN(X.shape[1], int(y.max()) + 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(EPOCHS):
        model.train()
        optimizer.zero_grad()
        loss = criterion(model(X, adjacency)[nodes], y[nodes])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        return model(X, adjacency).argmax(dim=1)


X = load("raw/node-feat").float()
y = load("raw/node-label")[:, 0]
train, test = load("split/time/train")[:, 0], load("split/time/test")[:, 0]
adjacency = normalised_adjacency(load("raw/edge"), len(X))

shuffled = train[torch.randperm(len(train))]
held = int(len(train) * VALID_SHARE)
predicted = train_gcn(X, adjacency, y, shuffled[held:])
print(f"validation accuracy: {(predicted == y)[shuffled[:held]].float().mean().item():.4f}")

predicted = train_gcn(X, adjacency, y, train)
pd.DataFrame({"node": test.numpy(), "label": predicted[test].numpy()}).to_csv("submission.csv", index=False)
