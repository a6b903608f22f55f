"""Clean pages with a small convolutional network."""

import tomllib
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

config = tomllib.loads(Path("config.toml").read_text())


class Cleaner(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, 1, 3, padding=1),
        )

    def forward(self, x):
        return torch.sigmoid(self.layers(x))


def read(path):
    page = np.asarray(Image.open(path).convert("L"), dtype=np.float32) / 255
    return torch.from_numpy(page)[None]


def fit(dirty, clean):
    torch.manual_seed(config["seed"])
    rng = np.random.default_rng(config["seed"])
    size = config["crop"]
    model = Cleaner(config["channels"])
    optimizer = torch.optim.Adam(model.parameters(), lr=config["lr"], weight_decay=config["weight_decay"])
    criterion = nn.MSELoss()
    for epoch in range(config["epochs"]):
        model.train()
        order = rng.permutation(np.repeat(np.arange(len(dirty)), 4))
        for start in range(0, len(order), config["batch_size"]):
            inputs, targets = [], []
            for i in order[start : start + config["batch_size"]]:
                top = rng.integers(0, dirty[i].shape[1] - size + 1)
                left = rng.integers(0, dirty[i].shape[2] - size + 1)
                inputs.append(dirty[i][:, top : top + size, left : left + size])
                targets.append(clean[i][:, top : top + size, left : left + size])
            optimizer.zero_grad()
            loss = criterion(model(torch.stack(inputs)), torch.stack(targets))
            loss.backward()
            optimizer.step()
    return model.eval()


paths = sorted(Path("data/train").glob("*.png"))
dirty = [read(path) for path in paths]
clean = [read(Path("data/train_cleaned") / path.name) for path in paths]
held = len(paths) // 5

model = fit(dirty[held:], clean[held:])
with torch.no_grad():
    errors = torch.cat([(model(x[None])[0] - y).flatten() for x, y in zip(dirty[:held], clean[:held])])
print(f"validation RMSE: {errors.pow(2).mean().sqrt().item():.4f}")

model = fit(dirty, clean)
rows = ["id,value"]
with torch.no_grad():
    for path in sorted(Path("data/test").glob("*.png")):
        for (row, column), value in np.ndenumerate(model(read(path)[None])[0, 0].numpy()):
            rows.append(f"{path.stem}_{row + 1}_{column + 1},{value:.4f}")
Path("submission.csv").write_text("\n".join(rows) + "\n")
