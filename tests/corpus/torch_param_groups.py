"""Backbone and head with their own learning rates; a warm-up written by hand."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(30)


class TwoPart(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Linear(12, 48),
            nn.GELU(),
            nn.Linear(48, 24),
            nn.GELU(),
        )
        self.head = nn.Linear(24, 5)

    def forward(self, x):
        return self.head(self.backbone(x))


def adjust_learning_rate(optimizer, epoch, base_lr, warmup_epochs=2):
    scale = min(1.0, (epoch + 1) / warmup_epochs)
    for group in optimizer.param_groups:
        group["lr"] = base_lr * scale * group.get("lr_mult", 1.0)


x = torch.randn(1000, 12)
teacher = nn.Sequential(nn.Linear(12, 30), nn.Tanh(), nn.Linear(30, 5)).requires_grad_(False)
y = (teacher(x) * 4).argmax(1)
train_loader = DataLoader(TensorDataset(x[:800], y[:800]), batch_size=80, shuffle=True)
x_val, y_val = x[800:], y[800:]

model = TwoPart()
optimizer = torch.optim.AdamW(
    [
        {"params": model.backbone.parameters(), "lr_mult": 0.5},
        {"params": model.head.parameters()},
    ],
    lr=0.002,
    weight_decay=0.05,
)
criterion = nn.CrossEntropyLoss(label_smoothing=0.05)

for epoch in range(10):
    adjust_learning_rate(optimizer, epoch, 0.002)
    model.train()
    for xb, yb in train_loader:
        loss = criterion(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    model.eval()
    with torch.no_grad():
        acc = (model(x_val).argmax(1) == y_val).float().mean().item()
    print(f"epoch {epoch} accuracy {acc:.4f}")
