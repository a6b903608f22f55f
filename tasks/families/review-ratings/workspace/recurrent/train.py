"""A recurrent network that reads a review word by word. Settings are in settings.yaml."""

import numpy as np
import pandas as pd
import torch
from torch import nn

from data import encode, vocabulary


def read_settings(path):
    settings = {}
    for line in open(path):
        if ":" in line and not line.startswith("#"):
            name, value = line.split(":")
            settings[name.strip()] = float(value)
    return settings


class Reader(nn.Module):
    def __init__(self, words, settings):
        super().__init__()
        self.embedding = nn.Embedding(words, int(settings["embedding_dim"]), padding_idx=0)
        self.dropout = nn.Dropout(settings["dropout"])
        self.gru = nn.GRU(int(settings["embedding_dim"]), int(settings["hidden_size"]), batch_first=True)
        self.out = nn.Linear(int(settings["hidden_size"]), 1)

    def forward(self, tokens):
        states, _ = self.gru(self.dropout(self.embedding(tokens)))
        return self.out(states.mean(dim=1)).squeeze(1)


def train(tokens, ratings, words, settings):
    torch.manual_seed(0)
    model = Reader(words, settings)
    optimizer = torch.optim.Adam(model.parameters(), lr=settings["learning_rate"], weight_decay=settings["weight_decay"])
    loss_function = nn.MSELoss()
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.3)
    for epoch in range(int(settings["epochs"])):
        model.train()
        for batch in torch.randperm(len(tokens)).split(int(settings["batch_size"])):
            optimizer.zero_grad()
            loss = loss_function(model(tokens[batch]), ratings[batch])
            loss.backward()
            optimizer.step()
        scheduler.step()
    return model


def predict(model, tokens):
    model.eval()
    with torch.no_grad():
        return model(tokens).numpy()


settings = read_settings("settings.yaml")
reviews = pd.read_csv("data/reviews.csv")
unrated = pd.read_csv("data/unrated.csv")
length = int(settings["max_tokens"])
ratings = torch.tensor((reviews["rating"].to_numpy() - 5) / 2.5, dtype=torch.float32)
cut = int(0.8 * len(reviews))

index = vocabulary(reviews["text"][:cut], settings["min_count"])
tokens = encode(reviews["text"], index, length)
model = train(tokens[:cut], ratings[:cut], len(index) + 2, settings)
print(f"validation pearson: {np.corrcoef(predict(model, tokens[cut:]), ratings[cut:].numpy())[0, 1]:.4f}")

index = vocabulary(reviews["text"], settings["min_count"])
model = train(encode(reviews["text"], index, length), ratings, len(index) + 2, settings)
unrated["rating"] = 5 + 2.5 * predict(model, encode(unrated["text"], index, length))
unrated[["review", "rating"]].to_csv("submission.csv", index=False)
