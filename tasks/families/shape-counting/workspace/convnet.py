"""Worth of a picture with a small convolutional network in PyTorch."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Config:
    epochs: int = 8
    batch_size: int = 64
    lr: float = 0.02
    weight_decay: float = 0.0
    channels: int = 6
    seed: int = 0


class CountNet(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.first = nn.Conv2d(1, channels, kernel_size=3, padding=1, stride=2)
        self.second = nn.Conv2d(channels, 2 * channels, kernel_size=3, padding=1, stride=2)
        self.hidden = nn.Linear(2 * channels, 16)
        self.out = nn.Linear(16, 1)

    def forward(self, x):
        x = F.relu(self.first(x))
        x = F.relu(self.second(x))
        x = x.mean(dim=(2, 3))
        x = F.relu(self.hidden(x))
        return self.out(x).squeeze(1)


def load(name):
    images = np.load(f"data/{name}_images.npy").astype(np.float32)
    images -= np.median(images, axis=(1, 2), keepdims=True)
    return torch.tensor(images / 50).unsqueeze(1)


def train_network(X, y, config):
    torch.manual_seed(config.seed)
    model = CountNet(config.channels)
    nn.init.constant_(model.out.bias, float(y.mean()))
    optimizer = torch.optim.Adam(model.parameters(), lr=config.lr, weight_decay=config.weight_decay)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, y), batch_size=config.batch_size, shuffle=True)
    for epoch in range(config.epochs):
        model.train()
        for images, worth in loader:
            optimizer.zero_grad()
            loss = F.mse_loss(model(images), worth)
            loss.backward()
            optimizer.step()
    return model


def predict(model, X):
    model.eval()
    with torch.no_grad():
        return model(X).numpy()


def main():
    config = Config()
    X = load("train")
    y = torch.tensor(pd.read_csv("data/train.csv")["worth"].to_numpy(), dtype=torch.float32)
    cut = int(0.8 * len(X))
    model = train_network(X[:cut], y[:cut], config)
    error = np.sqrt(np.mean((predict(model, X[cut:]) - y[cut:].numpy()) ** 2))
    print(f"validation rmse: {error:.4f}")

    model = train_network(X, y, config)
    submission = pd.read_csv("data/sample_submission.csv")
    submission["worth"] = predict(model, load("test"))
    submission.to_csv("submission.csv", index=False)


if __name__ == "__main__":
    main()
