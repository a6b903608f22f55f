import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim
from torch.utils import data as D

N_LAYERS = 3
WIDTH = 48
P_DROP = 0.2


class ResidualMLP(nn.Module):
    def __init__(self, n_features, n_classes):
        super().__init__()
        self.stem = nn.Linear(n_features, WIDTH)
        self.blocks = nn.ModuleList([nn.Linear(WIDTH, WIDTH) for _ in range(N_LAYERS)])
        self.norms = nn.ModuleList([nn.LayerNorm(WIDTH) for _ in range(N_LAYERS)])
        self.dropout = nn.Dropout(p=P_DROP)
        self.head = nn.Linear(WIDTH, n_classes)

    def forward(self, x):
        h = F.relu(self.stem(x))
        for block, norm in zip(self.blocks, self.norms):
            h = h + self.dropout(F.relu(block(norm(h))))
        return self.head(h)


def loaders(seed=0, batch_size=64):
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(1000, 10, generator=g)
    w = torch.randn(10, 4, generator=g)
    y = ((x ** 2) @ w + 0.5 * torch.randn(1000, 4, generator=g)).argmax(1)
    train = D.TensorDataset(x[:700], y[:700])
    valid = D.TensorDataset(x[700:], y[700:])
    return D.DataLoader(train, batch_size, shuffle=True), D.DataLoader(valid, 300)


torch.manual_seed(0)
train_dl, valid_dl = loaders()
model = ResidualMLP(10, 4)
opt = optim.NAdam(model.parameters(), lr=2e-3)

num_epochs = 8
for ep in range(num_epochs):
    model.train()
    for xb, yb in train_dl:
        loss = F.cross_entropy(model(xb), yb)
        loss.backward()
        opt.step()
        opt.zero_grad()
    model.eval()
    with torch.no_grad():
        accs = [(model(xb).argmax(1) == yb).float().mean() for xb, yb in valid_dl]
        valid_acc = torch.stack(accs).mean().item()
    print(f"{ep:3d}  valid_acc: {valid_acc:.4f}")
