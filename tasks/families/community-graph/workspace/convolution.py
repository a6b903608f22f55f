"""A graph convolutional network in PyTorch, one channel of messages for each kind of link."""

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import nn

HIDDEN = 16
EPOCHS = 40
LEARNING_RATE = 0.01
WEIGHT_DECAY = 0.0
DROPOUT = 0.2
SEED = 0


def load():
    members = pd.read_csv("data/members.csv")
    links = pd.read_csv("data/links.csv")
    place = pd.Series(np.arange(len(members)), index=members["member"])
    profile = members.drop(columns="member")
    profile = profile.fillna(profile.mean())
    profile = (profile - profile.mean()) / profile.std()
    spreads = []
    for kind in sorted(links["kind"].unique()):
        some = links[links["kind"] == kind]
        a = torch.tensor(place[some["source"]].to_numpy())
        b = torch.tensor(place[some["target"]].to_numpy())
        rows, columns = torch.cat([a, b]), torch.cat([b, a])
        degree = torch.bincount(rows, minlength=len(members)).clamp(min=1).float()
        spreads.append((rows, columns, 1 / degree[rows]))
    return place, torch.tensor(profile.to_numpy(), dtype=torch.float32), spreads


class GraphNet(nn.Module):
    def __init__(self, inputs, hidden, classes, kinds):
        super().__init__()
        self.first = nn.Linear(inputs * (kinds + 1), hidden)
        self.second = nn.Linear(hidden * (kinds + 1), classes)
        self.dropout = nn.Dropout(DROPOUT)

    def gather(self, x, spreads):
        parts = [x]
        for rows, columns, weight in spreads:
            parts.append(torch.zeros_like(x).index_add_(0, rows, x[columns] * weight[:, None]))
        return torch.cat(parts, dim=1)

    def forward(self, x, spreads):
        x = F.relu(self.first(self.gather(x, spreads)))
        x = self.dropout(x)
        return self.second(self.gather(x, spreads))


def with_labels(profile, rows, labels, classes):
    """The profile and, for members whose guild is known, the guild itself."""
    known = torch.zeros(len(profile), classes)
    known[rows, labels] = 1
    return torch.cat([profile, known], dim=1)


def fit(profile, spreads, rows, labels, classes):
    torch.manual_seed(SEED)
    model = GraphNet(profile.shape[1] + classes, HIDDEN, classes, len(spreads))
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    for epoch in range(EPOCHS):
        model.train()
        # Half of the known guilds are shown, the other half is to be found.
        shown = torch.rand(len(rows)) < 0.5
        x = with_labels(profile, rows[shown], labels[shown], classes)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x, spreads)[rows[~shown]], labels[~shown])
        loss.backward()
        optimizer.step()
    return model


@torch.no_grad()
def predict(model, profile, spreads, rows, labels, classes):
    model.eval()
    return model(with_labels(profile, rows, labels, classes), spreads).argmax(dim=1)


place, profile, spreads = load()
train, test = pd.read_csv("data/train.csv"), pd.read_csv("data/test.csv")
names = sorted(train["guild"].unique())
rows = torch.tensor(place[train["member"]].to_numpy())
labels = torch.tensor([names.index(guild) for guild in train["guild"]])
cut = int(0.75 * len(rows))

model = fit(profile, spreads, rows[:cut], labels[:cut], len(names))
found = predict(model, profile, spreads, rows[:cut], labels[:cut], len(names))
print(f"validation accuracy: {(found[rows[cut:]] == labels[cut:]).float().mean().item():.4f}")

model = fit(profile, spreads, rows, labels, len(names))
found = predict(model, profile, spreads, rows, labels, len(names))
test["guild"] = [names[found[number]] for number in place[test["member"]]]
test.to_csv("submission.csv", index=False)
