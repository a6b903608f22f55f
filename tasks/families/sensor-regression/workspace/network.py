"""Two-layer network with dropout and a step schedule."""

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

EPOCHS = 15
BATCH_SIZE = 64
LR = 0.004
WEIGHT_DECAY = 0.001

torch.manual_seed(1)

train = pd.read_csv("data/readings.csv")
test = pd.read_csv("data/new_readings.csv")
sensors = list(train.columns[2:-1])
mean, std = train[sensors].mean(), train[sensors].std()
units = sorted(train["unit"].unique())
y_mean, y_std = train["output"].mean(), train["output"].std()


def to_tensor(frame):
    X = ((frame[sensors] - mean) / std).fillna(0).clip(-5, 5)
    for unit in units:
        X["unit_" + unit] = (frame["unit"] == unit).astype(float)
    return torch.tensor(X.to_numpy(np.float32))


class Regressor(nn.Module):
    def __init__(self, n_inputs):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(n_inputs, 32),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(32, 16),
            nn.ReLU(),
            nn.Linear(16, 1),
        )

    def forward(self, x):
        return self.net(x).squeeze(-1)


def fit(X, y):
    model = Regressor(X.shape[1])
    optimizer = torch.optim.Adam(model.parameters(), lr=LR, weight_decay=WEIGHT_DECAY)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=5, gamma=0.5)
    criterion = nn.MSELoss()
    loader = DataLoader(TensorDataset(X, y), batch_size=BATCH_SIZE, shuffle=True)
    for epoch in range(EPOCHS):
        model.train()
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
        scheduler.step()
    return model.eval()


X = to_tensor(train)
y = torch.tensor(((train["output"] - y_mean) / y_std).to_numpy(np.float32))
n_valid = len(X) // 4

model = fit(X[n_valid:], y[n_valid:])
with torch.no_grad():
    rmse = torch.sqrt(torch.mean((model(X[:n_valid]) - y[:n_valid]) ** 2)).item() * y_std
print(f"validation RMSE: {rmse:.4f}")

model = fit(X, y)
with torch.no_grad():
    test["output"] = model(to_tensor(test)).numpy() * y_std + y_mean
test[["reading", "output"]].to_csv("submission.csv", index=False)
