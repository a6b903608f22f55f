"""Find the pictures with a cactus: a small convolutional network, settings in config.toml."""

import tomllib

import numpy as np
import pandas as pd
import torch
from PIL import Image
from sklearn.metrics import roc_auc_score
from torch import nn

with open("config.toml", "rb") as file:
    config = tomllib.load(file)


class Net(nn.Module):
    def __init__(self, filters, dropout):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, filters, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(filters, 2 * filters, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(4),
        )
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(dropout), nn.LazyLinear(1))

    def forward(self, x):
        return self.head(self.features(x)).squeeze(1)


def load(folder, names):
    size = config["size"]
    pictures = np.zeros((len(names), 3, size, size), dtype=np.float32)
    for i, name in enumerate(names):
        image = Image.open(f"data/{folder}/{name}").convert("RGB").resize((size, size))
        pictures[i] = np.asarray(image).transpose(2, 0, 1) / 255.0 - 0.5
    return torch.from_numpy(pictures)


def fit(x, y):
    torch.manual_seed(config["seed"])
    settings = config["training"]
    model = Net(config["model"]["filters"], config["model"]["dropout"])
    model(x[:2])
    optimizer = torch.optim.Adam(model.parameters(), lr=settings["learning_rate"], weight_decay=settings["weight_decay"])
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(settings["epochs"]):
        model.train()
        for batch in torch.randperm(len(x)).split(settings["batch_size"]):
            optimizer.zero_grad()
            loss = criterion(model(x[batch]), y[batch])
            loss.backward()
            optimizer.step()
    return model


@torch.no_grad()
def predict(model, x):
    model.eval()
    return torch.sigmoid(model(x)).numpy()


train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/sample_submission.csv")
x = load("train", train["id"])
y = torch.tensor(train["has_cactus"].to_numpy(), dtype=torch.float32)
held_out = len(x) // 4

model = fit(x[held_out:], y[held_out:])
score = roc_auc_score(y[:held_out].numpy(), predict(model, x[:held_out]))
print(f"validation AUC: {score:.4f}")

model = fit(x, y)
test["has_cactus"] = predict(model, load("test", test["id"]))
test.to_csv("submission.csv", index=False)
