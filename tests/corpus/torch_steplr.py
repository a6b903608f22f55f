"""Existing StepLR schedule; classification of two spirals."""
import math

import torch
from torch import nn, optim
from torch.optim import lr_scheduler

torch.manual_seed(42)


def spirals(n, noise=0.25):
    theta = torch.sqrt(torch.rand(n)) * 3 * math.pi
    label = torch.randint(0, 2, (n,))
    sign = label.float() * 2 - 1
    r = theta / 3
    pts = torch.stack([sign * r * torch.cos(theta), sign * r * torch.sin(theta)], 1)
    return pts + noise * torch.randn(n, 2), label


train_x, train_y = spirals(600)
val_x, val_y = spirals(300)

net = nn.Sequential(
    nn.Linear(2, 32), nn.ReLU(),
    nn.Linear(32, 32), nn.ReLU(),
    nn.Dropout(0.1),
    nn.Linear(32, 2),
)
optimizer = optim.Adam(net.parameters(), lr=0.01, weight_decay=1e-4)
scheduler = lr_scheduler.StepLR(optimizer, step_size=10, gamma=0.5)
loss_fn = nn.CrossEntropyLoss()

best_val = 0.0
for epoch in range(30):
    net.train()
    for chunk in torch.randperm(600).split(60):
        optimizer.zero_grad()
        loss = loss_fn(net(train_x[chunk]), train_y[chunk])
        loss.backward()
        optimizer.step()
    scheduler.step()

    net.eval()
    with torch.no_grad():
        val_acc = (net(val_x).argmax(1) == val_y).float().mean().item()
    best_val = max(best_val, val_acc)
    if epoch % 5 == 0:
        print(f"epoch {epoch:3d} | lr {scheduler.get_last_lr()[0]:.5f} | val_acc {val_acc:.4f}")

print(f"best_val_acc={best_val:.4f}")
