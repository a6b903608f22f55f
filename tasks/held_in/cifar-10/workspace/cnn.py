"""Ten classes of small pictures: a convolutional network in PyTorch."""

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import nn, optim

IMAGE_SIZE = 32
EPOCHS = 10
BATCH_SIZE = 32
LEARNING_RATE = 0.006
DROPOUT = 0.1

torch.manual_seed(0)


class CNN(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 12, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(12, 24, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(4),
            nn.Flatten(),
            nn.Dropout(DROPOUT),
            nn.Linear(24 * 16, classes),
        )

    def forward(self, x):
        return self.layers(x)


def load_images(folder, ids):
    images = []
    for number in ids:
        image = Image.open(f"data/{folder}/{number}.png").convert("RGB").resize((IMAGE_SIZE, IMAGE_SIZE))
        images.append(np.asarray(image, dtype=np.float32).transpose(2, 0, 1) / 255)
    return torch.tensor(np.array(images))


def train(X, y, classes):
    model = CNN(classes)
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=LEARNING_RATE)
    for epoch in range(EPOCHS):
        model.train()
        permutation = torch.randperm(len(X))
        for i in range(0, len(X), BATCH_SIZE):
            rows = permutation[i : i + BATCH_SIZE]
            optimizer.zero_grad()
            loss = criterion(model(X[rows]), y[rows])
            loss.backward()
            optimizer.step()
    model.eval()
    return model


labels = pd.read_csv("data/trainLabels.csv")
classes = sorted(labels["label"].unique())
X = load_images("train", labels["id"])
y = torch.tensor([classes.index(name) for name in labels["label"]])
n_valid = len(X) // 4

model = train(X[n_valid:], y[n_valid:], len(classes))
with torch.no_grad():
    accuracy = (model(X[:n_valid]).argmax(1) == y[:n_valid]).float().mean().item()
print(f"validation accuracy: {accuracy:.4f}")

model = train(X, y, len(classes))
submission = pd.read_csv("data/sample_submission.csv")
with torch.no_grad():
    predicted = model(load_images("test", submission["id"])).argmax(1)
submission["label"] = [classes[k] for k in predicted]
submission.to_csv("submission.csv", index=False)
