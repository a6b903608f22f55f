"""Score pairs of phrases with word vectors: the means of both phrases, their difference and product, in PyTorch."""

import numpy as np
import pandas as pd
import torch
from torch import nn

DIMENSION = 16
HIDDEN = 32
EPOCHS = 15
BATCH_SIZE = 64
LEARNING_RATE = 0.003

torch.manual_seed(0)
train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")

words = sorted({word for phrase in pd.concat([train["anchor"], train["target"]]) for word in phrase.split()})
numbers = {word: number for number, word in enumerate(words)}


def bag(phrases):
    """Shares of the words in each phrase."""
    rows = torch.zeros(len(phrases), len(words))
    for place, phrase in enumerate(phrases):
        for word in phrase.split():
            if word in numbers:
                rows[place, numbers[word]] += 1 / len(phrase.split())
    return rows


class Matcher(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Linear(len(words), DIMENSION, bias=False)
        self.layers = nn.Sequential(
            nn.Linear(4 * DIMENSION, HIDDEN),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.Linear(HIDDEN, 1),
        )

    def forward(self, anchor, target):
        a, b = self.words(anchor), self.words(target)
        return self.layers(torch.cat([a, b, (a - b).abs(), a * b], dim=1)).squeeze(1)


def fit(anchor, target, y):
    model = Matcher()
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    loss_function = nn.MSELoss()
    for epoch in range(EPOCHS):
        model.train()
        order = torch.randperm(len(y))
        for start in range(0, len(y), BATCH_SIZE):
            batch = order[start : start + BATCH_SIZE]
            optimizer.zero_grad()
            loss = loss_function(model(anchor[batch], target[batch]), y[batch])
            loss.backward()
            optimizer.step()
    return model


def predict(model, anchor, target):
    model.eval()
    with torch.no_grad():
        return model(anchor, target).clamp(0, 1).numpy()


anchor, target = bag(train["anchor"]), bag(train["target"])
y = torch.tensor(train["score"].to_numpy(), dtype=torch.float32)
cut = int(0.75 * len(y))
model = fit(anchor[:cut], target[:cut], y[:cut])
correlation = np.corrcoef(y[cut:].numpy(), predict(model, anchor[cut:], target[cut:]))[0, 1]
print(f"validation Pearson correlation: {correlation:.4f}")

model = fit(anchor, target, y)
submission = pd.DataFrame({"id": test["id"], "score": predict(model, bag(test["anchor"]), bag(test["target"]))})
submission.to_csv("submission.csv", index=False)
