"""A convolutional network over the raw windows."""

import numpy as np
import pandas as pd
import torch
from torch import nn

torch.manual_seed(0)

EPOCHS = 12
BATCH_SIZE = 64
LEARNING_RATE = 0.008
DROPOUT = 0.2


def scaled(windows):
    windows = windows - windows.mean(axis=2, keepdims=True)
    return torch.tensor(windows / windows.std(axis=(1, 2), keepdims=True))


class ConvNet(nn.Module):
    def __init__(self, sensors):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(sensors, 16, 7, padding=3),
            nn.ReLU(),
            nn.MaxPool1d(2),
            nn.Conv1d(16, 24, 5, padding=2),
            nn.ReLU(),
            nn.AdaptiveAvgPool1d(1),
            nn.Flatten(),
            nn.Dropout(DROPOUT),
        )
        self.head = nn.Linear(24, 5)

    def forward(self, x):
        return self.head(self.body(x))


def train(X, y):
    model = ConvNet(X.shape[1])
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(EPOCHS):
        model.train()
        order = torch.randperm(len(X))
        for i in range(0, len(X), BATCH_SIZE):
            rows = order[i : i + BATCH_SIZE]
            optimizer.zero_grad()
            loss = criterion(model(X[rows]), y[rows])
            loss.backward()
            optimizer.step()
        scheduler.step()
    return model


X = scaled(np.load("data/train_windows.npy"))
X_test = scaled(np.load("data/test_windows.npy"))
y = torch.tensor(pd.read_csv("data/train.csv")["state"].to_numpy() - 1)
n_valid = len(X) // 4

model = train(X[n_valid:], y[n_valid:])
model.eval()
with torch.no_grad():
    print(f"validation log loss: {nn.functional.cross_entropy(model(X[:n_valid]), y[:n_valid]).item():.4f}")

model = train(X, y)
model.eval()
with torch.no_grad():
    chances = torch.softmax(model(X_test), dim=1).numpy()
submission = pd.read_csv("data/test.csv")
for state in range(5):
    submission[f"state_{state + 1}"] = chances[:, state]
submission.to_csv("submission.csv", index=False)
