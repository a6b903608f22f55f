"""Six kinds of toxicity with one small network in PyTorch over the mean of word vectors."""

import re

import pandas as pd
import torch
from sklearn.metrics import roc_auc_score
from torch import nn

KINDS = ["toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate"]
VOCABULARY_SIZE = 400
LENGTH = 30
DIMENSION = 24
HIDDEN = 24
DROPOUT = 0.3
EPOCHS = 12
BATCH_SIZE = 64
LEARNING_RATE = 0.005
SEED = 0


class Words:
    """Numbers for the most frequent words; 0 stands for nothing, 1 for any other word."""

    def __init__(self, texts):
        counts = pd.Series(self.split(" ".join(texts))).value_counts()
        self.numbers = {word: number for number, word in enumerate(counts.index[: VOCABULARY_SIZE - 2], start=2)}

    def split(self, text):
        return re.findall(r"[\w*]+|[!?]", text.lower())

    def encode(self, texts):
        rows = torch.zeros(len(texts), LENGTH, dtype=torch.long)
        for place, text in enumerate(texts):
            found = [self.numbers.get(word, 1) for word in self.split(text)[:LENGTH]]
            rows[place, : len(found)] = torch.tensor(found)
        return rows


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY_SIZE, DIMENSION, padding_idx=0)
        self.layers = nn.Sequential(
            nn.Linear(DIMENSION, HIDDEN),
            nn.ReLU(),
            nn.Dropout(DROPOUT),
            nn.Linear(HIDDEN, len(KINDS)),
        )

    def forward(self, x):
        return self.layers(self.embedding(x).mean(dim=1))


def fit(X, y):
    model = Reader()
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    loss_function = nn.BCEWithLogitsLoss()
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
        return torch.sigmoid(model(X)).numpy()


torch.manual_seed(SEED)
train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
words = Words(train["comment_text"])
X = words.encode(train["comment_text"])
y = torch.tensor(train[KINDS].to_numpy(), dtype=torch.float32)
cut = int(0.75 * len(X))

model = fit(X[:cut], y[:cut])
print(f"validation mean column AUC: {roc_auc_score(y[cut:].numpy(), predict(model, X[cut:])):.4f}")

model = fit(X, y)
submission = pd.DataFrame(predict(model, words.encode(test["comment_text"])), columns=KINDS)
submission.insert(0, "id", test["id"])
submission.to_csv("submission.csv", index=False)
