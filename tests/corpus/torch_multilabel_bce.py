import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--hidden", type=int, default=32)
parser.add_argument("--lr", type=float, default=0.01)
parser.add_argument("--epochs", type=int, default=8)
parser.add_argument("--dropout", type=float, default=0.2)
args = parser.parse_args()

torch.manual_seed(12)
N, D, K = 900, 25, 6
X = torch.randn(N, D)
W = torch.randn(D, K)
Y = ((X @ W + torch.randn(N, K)) > 1.0).float()
Xtr, Ytr, Xte, Yte = X[:700], Y[:700], X[700:], Y[700:]


class Tagger(nn.Module):
    def __init__(self, d, h, k, p):
        super().__init__()
        self.l1 = nn.Linear(d, h)
        self.l2 = nn.Linear(h, h)
        self.l3 = nn.Linear(h, k)
        self.p = p

    def forward(self, x):
        x = F.dropout(F.relu(self.l1(x)), self.p, self.training)
        x = F.dropout(F.relu(self.l2(x)), self.p, self.training)
        return self.l3(x)


model = Tagger(D, args.hidden, K, args.dropout)
opt = torch.optim.Adamax(model.parameters(), lr=args.lr)

for epoch in range(args.epochs):
    model.train()
    for i in torch.randperm(len(Xtr)).split(70):
        loss = F.binary_cross_entropy_with_logits(model(Xtr[i]), Ytr[i])
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        model.eval()
        pred = (model(Xte) > 0).float()
        tp = (pred * Yte).sum()
        f1 = 2 * tp / (pred.sum() + Yte.sum() + 1e-9)
    print(f"epoch {epoch}: micro_f1 {f1:.4f}")
