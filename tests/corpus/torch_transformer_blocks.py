"""A tiny transformer encoder for token counting, built from nn.TransformerEncoderLayer."""
import argparse
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, max_len=64):
        super().__init__()
        pe = torch.zeros(max_len, d_model)
        position = torch.arange(0, max_len).unsqueeze(1).float()
        div = torch.exp(torch.arange(0, d_model, 2).float() * (-math.log(10000.0) / d_model))
        pe[:, 0::2] = torch.sin(position * div)
        pe[:, 1::2] = torch.cos(position * div)
        self.register_buffer("pe", pe.unsqueeze(0))

    def forward(self, x):
        return x + self.pe[:, : x.size(1)]


class Encoder(nn.Module):
    def __init__(self, vocab, d_model=32, nhead=4, num_layers=2, dropout=0.1):
        super().__init__()
        self.embed = nn.Embedding(vocab, d_model)
        self.pos = PositionalEncoding(d_model)
        layer = nn.TransformerEncoderLayer(
            d_model=d_model,
            nhead=nhead,
            dim_feedforward=64,
            dropout=dropout,
            activation="relu",
            batch_first=True,
        )
        self.encoder = nn.TransformerEncoder(layer, num_layers=num_layers)
        self.norm = nn.LayerNorm(d_model)
        self.fc = nn.Linear(d_model, 5)

    def forward(self, tokens):
        h = self.encoder(self.pos(self.embed(tokens)))
        return self.fc(self.norm(h.mean(dim=1)))


def get_args():
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", default=3, type=int)
    p.add_argument("--lr", default=1e-3, type=float)
    p.add_argument("--wd", default=0.01, type=float)
    p.add_argument("--warmup", default=10, type=int)
    return p.parse_args()


def data(n):
    tokens = torch.randint(0, 12, (n, 16))
    label = (tokens == 3).sum(1).clamp(max=4)
    return TensorDataset(tokens, label)


def evaluate(model, loader):
    model.eval()
    correct, count = 0, 0
    with torch.no_grad():
        for tokens, label in loader:
            correct += (model(tokens).argmax(-1) == label).sum().item()
            count += label.numel()
    return correct / count


def main():
    args = get_args()
    torch.manual_seed(5)
    train_loader = DataLoader(data(800), batch_size=50, shuffle=True)
    val_loader = DataLoader(data(300), batch_size=100)
    model = Encoder(12)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=args.wd, betas=(0.9, 0.98))
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / args.warmup))
    criterion = nn.CrossEntropyLoss()
    best = 0.0
    for epoch in range(args.epochs):
        model.train()
        for tokens, label in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(tokens), label)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
            optimizer.step()
            scheduler.step()
        acc = evaluate(model, val_loader)
        best = max(best, acc)
        print(f"epoch {epoch}: val accuracy {acc:.4f}")
    print(f"best_accuracy: {best:.4f}")


if __name__ == "__main__":
    main()
