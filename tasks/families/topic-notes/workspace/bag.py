"""A bag of learnt word vectors in PyTorch."""

from collections import Counter

import pandas as pd
import torch
from torch import nn

EMBEDDING_DIM = 16
HIDDEN = 32
EPOCHS = 8
BATCH_SIZE = 64
LR = 0.01
MIN_COUNT = 2

torch.manual_seed(0)


class Vocabulary:
    def __init__(self, texts):
        counts = Counter(word for text in texts for word in text.split())
        kept = sorted(word for word, count in counts.items() if count >= MIN_COUNT)
        self.index = {word: place + 1 for place, word in enumerate(kept)}

    def __len__(self):
        return len(self.index) + 1

    def encode(self, texts):
        rows = [[self.index.get(word, 0) for word in text.split()] for text in texts]
        longest = max(len(row) for row in rows)
        return torch.tensor([row + [0] * (longest - len(row)) for row in rows])


class BagOfWords(nn.Module):
    def __init__(self, words, classes):
        super().__init__()
        self.embedding = nn.Embedding(words, EMBEDDING_DIM, padding_idx=0)
        self.layers = nn.Sequential(
            nn.Linear(EMBEDDING_DIM, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, classes),
        )

    def forward(self, tokens):
        known = (tokens > 0).sum(dim=1, keepdim=True).clamp(min=1)
        return self.layers(self.embedding(tokens).sum(dim=1) / known.sqrt())


def train_model(tokens, labels, words, classes):
    model = BagOfWords(words, classes)
    optimizer = torch.optim.Adam(model.parameters(), lr=LR)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(EPOCHS):
        model.train()
        order = torch.randperm(len(tokens))
        for start in range(0, len(tokens), BATCH_SIZE):
            batch = order[start : start + BATCH_SIZE]
            optimizer.zero_grad()
            loss = criterion(model(tokens[batch]), labels[batch])
            loss.backward()
            optimizer.step()
    return model


def predict(model, tokens):
    model.eval()
    with torch.no_grad():
        return model(tokens).argmax(dim=1)


train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
texts = [f"{subject} {body}" for subject, body in zip(train["subject"].fillna(""), train["body"])]
asked = [f"{subject} {body}" for subject, body in zip(test["subject"].fillna(""), test["body"])]
desks = sorted(train["desk"].unique())
labels = torch.tensor([desks.index(desk) for desk in train["desk"]])
cut = int(0.8 * len(texts))

vocabulary = Vocabulary(texts[:cut])
model = train_model(vocabulary.encode(texts[:cut]), labels[:cut], len(vocabulary), len(desks))
right = (predict(model, vocabulary.encode(texts[cut:])) == labels[cut:]).float().mean().item()
print(f"validation accuracy: {right:.4f}")

vocabulary = Vocabulary(texts)
model = train_model(vocabulary.encode(texts), labels, len(vocabulary), len(desks))
test["desk"] = [desks[place] for place in predict(model, vocabulary.encode(asked))]
test[["note", "desk"]].to_csv("submission.csv", index=False)
