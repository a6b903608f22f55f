"""Dogs against cats: a small convolutional network in PyTorch."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

IMAGE_SIZE = 32
CHANNELS = 8
BATCH_SIZE = 32
EPOCHS = 7
LR = 2e-3


class SmallNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, CHANNELS, kernel_size=5, stride=2, padding=2)
        self.conv2 = nn.Conv2d(CHANNELS, 2 * CHANNELS, kernel_size=3, padding=1)
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(2 * CHANNELS * 4 * 4, 2)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc(self.dropout(x.flatten(1)))


def load_image(path):
    image = Image.open(path)
    image.draft("RGB", (2 * IMAGE_SIZE, 2 * IMAGE_SIZE))
    pixels = np.asarray(image.convert("RGB").resize((IMAGE_SIZE, IMAGE_SIZE)), dtype=np.float32)
    return torch.from_numpy(pixels / 255 - 0.5).permute(2, 0, 1)


def train(images, labels):
    torch.manual_seed(0)
    net = SmallNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=LR)
    loader = DataLoader(TensorDataset(images, labels), batch_size=BATCH_SIZE, shuffle=True)
    for epoch in range(EPOCHS):
        for batch, target in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(batch), target)
            loss.backward()
            optimizer.step()
    return net.eval()


def predict(net, images):
    with torch.no_grad():
        return F.softmax(net(images), dim=1)[:, 1]


def main():
    files = sorted(Path("data/train").iterdir())
    images = torch.stack([load_image(file) for file in files])
    labels = torch.tensor([int(file.name.startswith("dog")) for file in files])
    order = torch.randperm(len(files), generator=torch.Generator().manual_seed(0))
    valid, rest = order[: len(files) // 4], order[len(files) // 4 :]

    net = train(images[rest], labels[rest])
    score = F.binary_cross_entropy(predict(net, images[valid]), labels[valid].float())
    print(f"validation log loss: {score.item():.4f}")

    net = train(images, labels)
    sample = pd.read_csv("data/sample_submission.csv")
    tests = torch.stack([load_image(f"data/test/{number}.jpg") for number in sample["id"]])
    sample["label"] = predict(net, tests).numpy()
    sample.to_csv("submission.csv", index=False)


if __name__ == "__main__":
    main()
