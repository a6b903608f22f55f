"""A small fully connected network in PyTorch."""

import argparse

import pandas as pd
import torch
import torch.nn as nn
import torch.nn.functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--lr", type=float, default=0.2)
parser.add_argument("--batch-size", type=int, default=128)
parser.add_argument("--hidden", type=int, default=24)
parser.add_argument("--dropout", type=float, default=0.4)
parser.add_argument("--weight-decay", type=float, default=0.0)
parser.add_argument("--seed", type=int, default=7)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Net(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.fc1 = nn.Linear(inputs, args.hidden)
        self.drop = nn.Dropout(args.dropout)
        self.fc2 = nn.Linear(args.hidden, outputs)

    def forward(self, x):
        return self.fc2(self.drop(torch.tanh(self.fc1(x))))


def fit(X, y, classes):
    net = Net(X.shape[1], classes)
    optimizer = torch.optim.SGD(net.parameters(), lr=args.lr, weight_decay=args.weight_decay)
    for epoch in range(args.epochs):
        net.train()
        for rows in torch.randperm(len(X)).split(args.batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(X[rows]), y[rows])
            loss.backward()
            optimizer.step()
    net.eval()
    return net


train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
grades = sorted(train["grade"].unique())
y = torch.tensor([grades.index(g) for g in train["grade"]])

both = pd.concat([train.drop(columns="grade"), test])
numbers = both.filter(regex="^v")
numbers = ((numbers - numbers.mean()) / numbers.std()).fillna(0).clip(-4, 4)
codes = pd.get_dummies(both[[c for c in both if c.startswith("k") and both[c].nunique() < 20]], dtype=float)
inputs = torch.tensor(pd.concat([numbers, codes], axis=1).to_numpy(), dtype=torch.float32)
X, X_test = inputs[: len(train)], inputs[len(train) :]

cut = len(X) * 3 // 4
net = fit(X[:cut], y[:cut], len(grades))
with torch.no_grad():
    accuracy = (net(X[cut:]).argmax(1) == y[cut:]).float().mean().item()
print(f"validation accuracy: {accuracy:.4f}")

net = fit(X, y, len(grades))
with torch.no_grad():
    predicted = [grades[i] for i in net(X_test).argmax(1).tolist()]
pd.DataFrame({"row_id": test["row_id"], "grade": predicted}).to_csv("submission.csv", index=False)
