"""The state of a leaf: a convolutional network in PyTorch, with a validation part."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from PIL import Image
from sklearn.metrics import roc_auc_score
from torch import nn

CLASSES = ["healthy", "multiple_diseases", "rust", "scab"]


@dataclass
class Config:
    width: int = 48
    height: int = 32
    channels: int = 8
    hidden: int = 32
    epochs: int = 12
    batch_size: int = 32
    lr: float = 0.005
    weight_decay: float = 0.0
    dropout: float = 0.1


config = Config()


def load(ids):
    pictures = []
    for name in ids:
        image = Image.open(f"data/images/{name}.jpg")
        image.draft("RGB", (2 * config.width, 2 * config.height))
        pixels = np.asarray(image.convert("RGB").resize((config.width, config.height)), dtype=np.float32)
        pictures.append(torch.from_numpy(pixels / 255).permute(2, 0, 1))
    return torch.stack(pictures)


def build():
    return nn.Sequential(
        nn.Conv2d(3, config.channels, 3, stride=2, padding=1),
        nn.BatchNorm2d(config.channels),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(config.channels, 2 * config.channels, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveMaxPool2d(1),
        nn.Flatten(),
        nn.Linear(2 * config.channels, config.hidden),
        nn.ReLU(),
        nn.Dropout(config.dropout),
        nn.Linear(config.hidden, len(CLASSES)),
    )


def train_model(x, y):
    torch.manual_seed(0)
    model = build()
    optimizer = torch.optim.Adam(model.parameters(), lr=config.lr, weight_decay=config.weight_decay)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(config.epochs):
        model.train()
        order = torch.randperm(len(x))
        for start in range(0, len(x), config.batch_size):
            rows = order[start : start + config.batch_size]
            loss = criterion(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model


def evaluate(model, x):
    model.eval()
    with torch.no_grad():
        return torch.softmax(model(x), dim=1).numpy()


table = pd.read_csv("data/train.csv")
x = load(table["image_id"])
y = torch.tensor(table[CLASSES].to_numpy().argmax(axis=1))
valid = torch.arange(len(x)) % 4 == 0

model = train_model(x[~valid], y[~valid])
score = roc_auc_score(np.eye(4)[y[valid].numpy()], evaluate(model, x[valid]))
print(f"validation AUC: {score:.4f}")

model = train_model(x, y)
test = pd.read_csv("data/test.csv")
test[CLASSES] = evaluate(model, load(test["image_id"]))
test.to_csv("submission.csv", index=False)
