"""Autoencoder: reconstruction error on held-out samples."""
import argparse
import json
import os

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.utils.data import DataLoader


class AutoEncoder(nn.Module):
    def __init__(self, input_dim=40, latent_dim=4):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(input_dim, 32),
            nn.ReLU(True),
            nn.Linear(32, latent_dim),
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent_dim, 32),
            nn.ReLU(True),
            nn.Linear(32, input_dim),
        )

    def encode(self, x):
        return self.encoder(x)

    def forward(self, x):
        return self.decoder(self.encode(x))


def manifold(n, dim, seed):
    gen = torch.Generator().manual_seed(seed)
    z = torch.rand(n, 3, generator=gen) * 2 - 1
    mix = torch.randn(9, dim, generator=torch.Generator().manual_seed(0))
    feats = torch.cat([z, z**2, torch.sin(3 * z)], dim=1)
    return feats @ mix + 0.05 * torch.randn(n, dim, generator=gen)


def train_epoch(model, loader, optimizer, criterion):
    model.train()
    total_loss = 0
    for x in loader:
        recon = model(x)
        loss = criterion(recon, x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total_loss += loss.item() * x.size(0)
    return total_loss / len(loader.dataset)


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    total = 0.0
    for x in loader:
        total += F.mse_loss(model(x), x, reduction="sum").item()
    return total / (len(loader.dataset) * 40)


def main(opts):
    torch.manual_seed(opts.seed)
    train_loader = DataLoader(manifold(800, 40, 1), batch_size=opts.bs, shuffle=True)
    val_loader = DataLoader(manifold(200, 40, 2), batch_size=opts.bs)
    model = AutoEncoder(latent_dim=opts.latent)
    optimizer = optim.Adam(model.parameters(), lr=opts.lr, betas=(0.9, 0.999), eps=1e-8)
    criterion = nn.MSELoss()
    history = []
    for epoch in range(opts.epochs):
        train_loss = train_epoch(model, train_loader, optimizer, criterion)
        val_mse = evaluate(model, val_loader)
        history.append({"epoch": epoch, "train_loss": train_loss, "val_mse": val_mse})
        print(f"epoch {epoch} train_loss {train_loss:.5f} val_mse {val_mse:.5f}")
    if opts.out:
        with open(os.path.join(opts.out, "history.json"), "w") as fh:
            json.dump(history, fh)
    print(f"val_mse: {val_mse:.5f}")


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--lr", type=float, default=1e-3)
    ap.add_argument("--bs", type=int, default=64)
    ap.add_argument("--epochs", type=int, default=6)
    ap.add_argument("--latent", type=int, default=4)
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--out", default="")
    main(ap.parse_args())
