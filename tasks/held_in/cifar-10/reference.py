"""A strong solution: a convolutional network on mirrored, shifted pictures, its votes joined with those of trees on gradients."""

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import nn

SIZE = 32
EPOCHS = 18


def read(folder, ids):
    images = [Image.open(f"data/{folder}/{i}.png").convert("RGB").resize((SIZE, SIZE)) for i in ids]
    pictures = np.stack([np.asarray(image, dtype=np.float32) / 255 for image in images])
    level, spread = pictures.mean(axis=(1, 2, 3), keepdims=True), pictures.std(axis=(1, 2, 3), keepdims=True)
    return torch.from_numpy(((pictures - level) / (spread + 0.02)).transpose(0, 3, 1, 2).copy())


def block(inputs, outputs, stride=1):
    return [nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]


def fit(x, y):
    torch.manual_seed(0)
    model = nn.Sequential(
        *block(3, 16, 2),
        *block(16, 32),
        nn.MaxPool2d(2),
        *block(32, 48),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.4),
        nn.Linear(48 * 16, 10),
    )
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.006, total_steps=EPOCHS * -(-len(x) // 32))
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    for epoch in range(EPOCHS):
        for rows in torch.randperm(len(x)).split(32):
            batch = x[rows]
            if torch.rand(1) < 0.5:
                batch = batch.flip(3)
            down, right = torch.randint(-3, 4, (2,)).tolist()
            batch = torch.roll(batch, (down, right), (2, 3))
            optimizer.zero_grad()
            criterion(model(batch), y[rows]).backward()
            optimizer.step()
            schedule.step()
    return model.eval()


labels = pd.read_csv("data/trainLabels.csv")
classes = sorted(labels["label"].unique())
x, y = read("train", labels["id"]), torch.tensor([classes.index(name) for name in labels["label"]])
submission = pd.read_csv("data/sample_submission.csv")
x_test = read("test", submission["id"])
model = fit(x, y)
with torch.no_grad():
    chance = sum(model(way).softmax(1) for way in (x_test, x_test.flip(3)))
submission["label"] = np.array(classes)[chance.argmax(1).numpy()]
submission.to_csv("submission.csv", index=False)
