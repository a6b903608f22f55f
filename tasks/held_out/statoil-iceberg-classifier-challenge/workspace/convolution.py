"""Ship or iceberg: a small convolutional network on both bands."""

import argparse
import json

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--channels", type=int, default=8)
parser.add_argument("--epochs", type=int, default=6)
parser.add_argument("--batch-size", type=int, default=32)
parser.add_argument("--learning-rate", type=float, default=0.003)
parser.add_argument("--weight-decay", type=float, default=0.0)
parser.add_argument("--dropout", type=float, default=0.5)
parser.add_argument("--size", type=int, default=16)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(2, args.channels, 3, padding=1)
        self.conv2 = nn.Conv2d(args.channels, 2 * args.channels, 3, padding=1)
        self.dropout = nn.Dropout(args.dropout)
        self.fc1 = nn.Linear(2 * args.channels * (args.size // 4) ** 2, 32)
        self.fc2 = nn.Linear(32, 1)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = self.dropout(F.relu(self.fc1(x.flatten(1))))
        return self.fc2(x).squeeze(1)


def load(path):
    with open(path) as file:
        records = json.load(file)
    edge = int(len(records[0]["band_1"]) ** 0.5)
    bands = np.array([[r["band_1"], r["band_2"]] for r in records], dtype=np.float32).reshape(-1, 2, edge, edge)
    images = (torch.from_numpy(bands) + 25) / 10
    if edge != args.size:
        images = F.interpolate(images, size=(args.size, args.size), mode="bilinear", align_corners=False)
    return records, images


def train_model(X, y):
    torch.manual_seed(args.seed)
    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=args.learning_rate, weight_decay=args.weight_decay)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(args.epochs):
        model.train()
        order = torch.randperm(len(X))
        for i in range(0, len(X), args.batch_size):
            batch = order[i : i + args.batch_size]
            optimizer.zero_grad()
            loss = criterion(model(X[batch]), y[batch])
            loss.backward()
            optimizer.step()
    model.eval()
    return model


records, X = load("data/train.json")
test, X_test = load("data/test.json")
y = torch.tensor([float(r["is_iceberg"]) for r in records])
held = len(X) // 4

model = train_model(X[held:], y[held:])
with torch.no_grad():
    print(f"validation log loss: {F.binary_cross_entropy_with_logits(model(X[:held]), y[:held]).item():.4f}")

model = train_model(X, y)
with torch.no_grad():
    probability = torch.sigmoid(model(X_test)).tolist()
with open("submission.csv", "w") as out:
    print("id,is_iceberg", file=out)
    for record, p in zip(test, probability):
        print(f"{record['id']},{p:.5f}", file=out)
