"""Sequence classification with an LSTM: which of two patterns is hidden in a noisy series?"""
from dataclasses import dataclass, field

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class TrainConfig:
    hidden_size: int = 24
    num_layers: int = 1
    learning_rate: float = 5e-3
    n_epochs: int = 4
    betas: tuple = field(default=(0.9, 0.999))


class SeqModel(nn.Module):
    def __init__(self, hidden_size, num_layers):
        super().__init__()
        self.lstm = nn.LSTM(input_size=3, hidden_size=hidden_size, num_layers=num_layers, batch_first=True)
        self.head = nn.Sequential(
            nn.Linear(hidden_size, 16),
            nn.Tanh(),
            nn.Linear(16, 2),
        )

    def forward(self, x):
        out, (h, c) = self.lstm(x)
        return self.head(out[:, -1])


def series(n):
    t = torch.linspace(0, 6.28, 20)
    y = torch.randint(0, 2, (n,))
    phase = torch.rand(n, 1) * 6.28
    freq = 1.0 + y.float()[:, None]
    wave = torch.sin(freq * t[None] + phase)
    x = torch.stack([wave, wave.roll(1, 1), torch.zeros_like(wave)], dim=-1)
    return x + 0.8 * torch.randn(n, 20, 3), y


def run(cfg: TrainConfig):
    torch.manual_seed(3)
    x_tr, y_tr = series(400)
    x_va, y_va = series(200)
    loader = DataLoader(TensorDataset(x_tr, y_tr), batch_size=40, shuffle=True)
    net = SeqModel(cfg.hidden_size, cfg.num_layers)
    opt = torch.optim.RMSprop(net.parameters(), lr=cfg.learning_rate)
    loss_func = nn.CrossEntropyLoss()

    for epoch in range(cfg.n_epochs):
        net.train()
        for xb, yb in loader:
            pred = net(xb)
            loss = loss_func(pred, yb)
            opt.zero_grad()
            loss.backward()
            opt.step()

        net.eval()
        with torch.inference_mode():
            val_acc = (net(x_va).argmax(-1) == y_va).float().mean().item()
        print(f"epoch={epoch} val_acc={val_acc:.4f}")
    print("val_accuracy:", round(val_acc, 4))


if __name__ == "__main__":
    run(TrainConfig())
