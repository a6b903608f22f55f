import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SEED = 1
EPOCHS = 12
BATCH_SIZE = 128
LR = 0.002
HIDDEN = 12


class Net(nn.Module):
    def __init__(self, hidden=HIDDEN):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(2, hidden),
            nn.Tanh(),
            nn.Linear(hidden, hidden),
            nn.Tanh(),
            nn.Linear(hidden, 3),
        )

    def forward(self, x):
        return self.layers(x)


def spirals(count, generator):
    labels = torch.randint(0, 3, (count,), generator=generator)
    radius = torch.rand(count, generator=generator) * 3 + 0.3
    angle = radius * 1.3 + labels * (2 * math.pi / 3)
    points = torch.stack([radius * torch.cos(angle), radius * torch.sin(angle)], dim=1)
    return TensorDataset(points + 0.2 * torch.randn(count, 2, generator=generator), labels)


def evaluate(model, loader, criterion):
    model.eval()
    loss, right, count = 0.0, 0, 0
    with torch.no_grad():
        for points, labels in loader:
            scores = model(points)
            loss += criterion(scores, labels).item() * len(labels)
            right += (scores.argmax(dim=1) == labels).sum().item()
            count += len(labels)
    return loss / count, right / count


def main():
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    train = DataLoader(spirals(1500, generator), batch_size=BATCH_SIZE, shuffle=True)
    valid = DataLoader(spirals(1000, generator), batch_size=500)

    model = Net()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=LR)

    for epoch in range(1, EPOCHS + 1):
        model.train()
        total, count = 0.0, 0
        for points, labels in train:
            optimizer.zero_grad()
            loss = criterion(model(points), labels)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
            count += len(labels)
        val_loss, val_acc = evaluate(model, valid, criterion)
        print(f"epoch {epoch} train_loss {total / count:.4f} val_loss {val_loss:.4f} val_acc {val_acc:.4f}")


if __name__ == "__main__":
    main()
