import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_diabetes
from torch.utils.data import DataLoader, TensorDataset


def set_seed(seed):
    np.random.seed(seed)
    torch.manual_seed(seed)


def load():
    X, y = load_diabetes(return_X_y=True)
    y = (y - 150.0) / 75.0
    idx = np.random.permutation(len(X))
    cut = int(0.75 * len(X))
    tr, va = idx[:cut], idx[cut:]
    to = lambda a: torch.as_tensor(a, dtype=torch.float32)
    return to(X[tr]), to(y[tr])[:, None], to(X[va]), to(y[va])[:, None]


def build(n_in, hidden=(32, 16)):
    layers = []
    for h in hidden:
        layers += [nn.Linear(n_in, h), nn.ReLU()]
        n_in = h
    layers.append(nn.Linear(n_in, 1))
    return nn.Sequential(*layers)


if __name__ == "__main__":
    set_seed(2)
    X_train, y_train, X_valid, y_valid = load()
    dl = DataLoader(TensorDataset(X_train, y_train), batch_size=16, shuffle=True)
    model = build(X_train.shape[1])
    loss_function = nn.MSELoss()
    optimizer = torch.optim.Adam(params=model.parameters(), lr=3e-4)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="min", factor=0.5, patience=3)
    for epoch in range(1, 13):
        model.train()
        for xb, yb in dl:
            optimizer.zero_grad()
            loss = loss_function(model(xb), yb)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            valid_loss = loss_function(model(X_valid), y_valid).item()
        scheduler.step(valid_loss)
        print({"epoch": epoch, "valid_loss": round(valid_loss, 4)})
