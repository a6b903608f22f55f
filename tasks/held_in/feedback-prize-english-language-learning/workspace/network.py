"""Score essays with a bag of hashed words and a small network."""

import re
import zlib

import numpy as np
import pandas as pd
import torch
from torch import nn

TRAITS = ["cohesion", "syntax", "vocabulary", "phraseology", "grammar", "conventions"]
BUCKETS = 512
HIDDEN = 32
EPOCHS = 12
BATCH_SIZE = 32
LEARNING_RATE = 0.001
DROPOUT = 0.3

torch.manual_seed(1)


def encode(texts):
    bags = np.zeros((len(texts), BUCKETS), dtype=np.float32)
    for row, text in enumerate(texts):
        for token in re.findall(r"\w+|[^\w ]", text):
            bags[row, zlib.crc32(token.encode()) % BUCKETS] += 1
    return torch.from_numpy(np.sqrt(bags))


class Scorer(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(BUCKETS, HIDDEN)
        self.dropout = nn.Dropout(DROPOUT)
        self.out = nn.Linear(HIDDEN, len(TRAITS))

    def forward(self, x):
        x = torch.relu(self.hidden(x))
        return 3 + self.out(self.dropout(x))


def fit(X, y):
    model = Scorer()
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    criterion = nn.MSELoss()
    for epoch in range(EPOCHS):
        model.train()
        order = torch.randperm(len(X))
        for start in range(0, len(X), BATCH_SIZE):
            batch = order[start : start + BATCH_SIZE]
            optimizer.zero_grad()
            loss = criterion(model(X[batch]), y[batch])
            loss.backward()
            optimizer.step()
    return model


@torch.no_grad()
def predict(model, X):
    model.eval()
    return model(X)


def main():
    train = pd.read_csv("data/train.csv")
    test = pd.read_csv("data/test.csv")
    X, X_test = encode(train["full_text"]), encode(test["full_text"])
    y = torch.tensor(train[TRAITS].to_numpy(), dtype=torch.float32)
    cut = int(len(X) * 0.75)

    model = fit(X[:cut], y[:cut])
    error = predict(model, X[cut:]) - y[cut:]
    print(f"validation mcrmse: {(error ** 2).mean(dim=0).sqrt().mean().item():.4f}")

    model = fit(X, y)
    submission = pd.DataFrame(predict(model, X_test).numpy(), columns=TRAITS)
    submission.insert(0, "text_id", test["text_id"])
    submission.to_csv("submission.csv", index=False)


if __name__ == "__main__":
    main()
