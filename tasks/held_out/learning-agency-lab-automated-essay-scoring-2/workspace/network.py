"""Score essays with hashed words and a small network in PyTorch."""

import re
import zlib

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import cohen_kappa_score
from torch import nn

BUCKETS = 512
HIDDEN = 32
DROPOUT = 0.3
EPOCHS = 12
BATCH_SIZE = 32
LEARNING_RATE = 0.001
SEED = 0

torch.manual_seed(SEED)


def hashed(texts):
    rows = np.zeros((len(texts), BUCKETS), dtype=np.float32)
    for place, text in enumerate(texts):
        for word in re.findall(r"\w+|[.,]", text.lower()):
            rows[place, zlib.crc32(word.encode()) % BUCKETS] += 1
    return torch.from_numpy(np.log1p(rows))


class Scorer(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(BUCKETS, HIDDEN),
            nn.ReLU(),
            nn.Dropout(DROPOUT),
            nn.Linear(HIDDEN, 1),
        )

    def forward(self, x):
        return 3 + self.layers(x).squeeze(1)


def fit(X, y):
    model = Scorer()
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    loss_function = nn.MSELoss()
    for epoch in range(EPOCHS):
        model.train()
        order = torch.randperm(len(X))
        for start in range(0, len(X), BATCH_SIZE):
            batch = order[start : start + BATCH_SIZE]
            optimizer.zero_grad()
            loss = loss_function(model(X[batch]), y[batch])
            loss.backward()
            optimizer.step()
    return model


def predict(model, X):
    model.eval()
    with torch.no_grad():
        return model(X).round().clamp(1, 6).int().numpy()


train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
X = hashed(train["full_text"])
y = torch.tensor(train["score"].to_numpy(), dtype=torch.float32)
cut = int(0.75 * len(X))

model = fit(X[:cut], y[:cut])
kappa = cohen_kappa_score(train["score"][cut:], predict(model, X[cut:]), weights="quadratic")
print(f"validation quadratic weighted kappa: {kappa:.4f}")

model = fit(X, y)
submission = pd.DataFrame({"essay_id": test["essay_id"], "score": predict(model, hashed(test["full_text"]))})
submission.to_csv("submission.csv", index=False)
