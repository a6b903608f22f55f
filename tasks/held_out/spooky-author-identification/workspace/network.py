"""Tell the authors apart with a mean of word vectors and a small network in PyTorch."""

import re
import zlib

import pandas as pd
import torch
from torch import nn

BUCKETS = 4096
DIMENSION = 16
HIDDEN = 16
EPOCHS = 6
BATCH_SIZE = 32
LEARNING_RATE = 0.003
AUTHORS = ["EAP", "HPL", "MWS"]

torch.manual_seed(0)


def encode(texts):
    """Word numbers of all texts in one row, and where each text begins."""
    numbers, starts = [], []
    for text in texts:
        starts.append(len(numbers))
        numbers += [zlib.crc32(word.encode()) % BUCKETS for word in re.findall(r"\w+|[^\w\s]", text.lower())]
    return torch.tensor(numbers), torch.tensor(starts)


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.EmbeddingBag(BUCKETS, DIMENSION, mode="mean")
        self.layers = nn.Sequential(nn.Linear(DIMENSION, HIDDEN), nn.ReLU(), nn.Dropout(0.2), nn.Linear(HIDDEN, 3))

    def forward(self, numbers, starts):
        return self.layers(self.words(numbers, starts))


def fit(texts, y):
    model = Reader()
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(EPOCHS):
        model.train()
        order = torch.randperm(len(texts)).tolist()
        for start in range(0, len(order), BATCH_SIZE):
            batch = order[start : start + BATCH_SIZE]
            optimizer.zero_grad()
            loss = criterion(model(*encode([texts[i] for i in batch])), y[batch])
            loss.backward()
            optimizer.step()
    return model


def predict(model, texts):
    model.eval()
    with torch.no_grad():
        return model(*encode(texts))


train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
texts = train["text"].tolist()
y = torch.tensor([AUTHORS.index(name) for name in train["author"]])
cut = int(0.75 * len(texts))

model = fit(texts[:cut], y[:cut])
loss = nn.functional.cross_entropy(predict(model, texts[cut:]), y[cut:]).item()
print(f"validation log loss: {loss:.4f}")

model = fit(texts, y)
chances = predict(model, test["text"].tolist()).softmax(dim=1).numpy()
submission = pd.DataFrame(chances, columns=AUTHORS)
submission.insert(0, "id", test["id"])
submission.to_csv("submission.csv", index=False)
