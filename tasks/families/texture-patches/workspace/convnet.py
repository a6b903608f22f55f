"""A small convolutional network for the materials."""

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import nn

EPOCHS = 8
BATCH_SIZE = 64
LEARNING_RATE = 0.005
CHANNELS = 8
SEED = 3

torch.manual_seed(SEED)


def load(folder, names):
    images = [np.asarray(Image.open(f"data/{folder}/{name}.png").convert("L"), dtype=np.float32) for name in names]
    return torch.tensor((np.stack(images) - 128) / 64).unsqueeze(1)


class ConvNet(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(1, CHANNELS, 5, stride=2)
        self.conv2 = nn.Conv2d(CHANNELS, 2 * CHANNELS, 3)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.relu = nn.ReLU()
        self.head = nn.Linear(2 * CHANNELS, classes)

    def forward(self, x):
        x = self.relu(self.conv1(x))
        x = self.relu(self.conv2(x))
        return self.head(self.pool(x).flatten(1))


def fit(images, targets, classes):
    model = ConvNet(classes)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(EPOCHS):
        model.train()
        for batch in torch.randperm(len(images)).split(BATCH_SIZE):
            optimizer.zero_grad()
            loss = criterion(model(images[batch]), targets[batch])
            loss.backward()
            optimizer.step()
    return model


@torch.no_grad()
def predict(model, images):
    model.eval()
    return torch.softmax(model(images), dim=1).numpy()


labels = pd.read_csv("data/train_labels.csv")
sample = pd.read_csv("data/sample_submission.csv")
classes = list(sample.columns[1:])
X = load("train", labels["patch"])
y = torch.tensor([classes.index(name) for name in labels["material"]])
cut = int(0.8 * len(X))

model = fit(X[:cut], y[:cut], len(classes))
guesses = predict(model, X[cut:])
score = -np.log(np.clip(guesses[np.arange(len(guesses)), y[cut:].numpy()], 1e-15, 1)).mean()
print(f"validation log loss: {score:.4f}")

model = fit(X, y, len(classes))
sample[classes] = predict(model, load("test", sample["patch"]))
sample.to_csv("submission.csv", index=False)
