import torch
import torch.nn as nn
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader, TensorDataset

EPOCHS = 5
MAX_LR = 0.02
BATCH_SIZE = 64


def get_data():
    g = torch.Generator().manual_seed(1234)
    X = torch.randn(1200, 30, generator=g)
    beta = torch.randn(30, generator=g)
    logits = torch.tanh(X[:, :15]) @ beta[:15] + X[:, 15:].abs() @ beta[15:]
    y = (logits > logits.median()).float()
    return X, y


class BinaryNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(30, 64),
            nn.BatchNorm1d(64),
            nn.LeakyReLU(0.1),
            nn.Dropout(0.3),
            nn.Linear(64, 32),
            nn.BatchNorm1d(32),
            nn.LeakyReLU(0.1),
            nn.Linear(32, 1),
        )

    def forward(self, x):
        return self.layers(x).squeeze(-1)


def main():
    torch.manual_seed(0)
    X, y = get_data()
    train_ds = TensorDataset(X[:900], y[:900])
    test_ds = TensorDataset(X[900:], y[900:])
    train_loader = DataLoader(train_ds, batch_size=BATCH_SIZE, shuffle=True, drop_last=True)
    test_loader = DataLoader(test_ds, batch_size=BATCH_SIZE)

    model = BinaryNet()
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    scheduler = OneCycleLR(optimizer, max_lr=MAX_LR, epochs=EPOCHS, steps_per_epoch=len(train_loader))

    for epoch in range(EPOCHS):
        model.train()
        for xb, yb in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            scheduler.step()

    model.eval()
    correct = 0
    with torch.no_grad():
        for xb, yb in test_loader:
            correct += ((model(xb) > 0).float() == yb).sum().item()
    print("test acc: %.4f" % (correct / len(test_ds)))


main()
