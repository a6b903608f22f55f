# Forecast the next value of a mixed sine series with a GRU.
import numpy as np
import torch
import torch.nn as nn

config = {
    "lr": 0.01,
    "epochs": 15,
    "window": 24,
    "hidden": 16,
    "layers": 1,
}

rng = np.random.default_rng(11)
torch.manual_seed(11)


def windows(series, size):
    xs, ys = [], []
    for i in range(len(series) - size):
        xs.append(series[i : i + size])
        ys.append(series[i + size])
    return np.stack(xs)[..., None].astype("float32"), np.array(ys, dtype="float32")[:, None]


t = np.arange(700)
series = 20 + 6 * np.sin(t / 8.0) + 3 * np.sin(t / 3.1) + rng.normal(0, 0.5, size=t.shape)
X, y = windows(series, config["window"])
X_train, X_test = torch.tensor(X[:500]), torch.tensor(X[500:])
y_train, y_test = torch.tensor(y[:500]), torch.tensor(y[500:])


class Forecaster(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(1, 16, 1, batch_first=True)
        self.fc = nn.Linear(16, 1)

    def forward(self, x):
        _, h = self.gru(x)
        return self.fc(h[-1])


model = Forecaster()
loss_fn = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=config["lr"])

for epoch in range(config["epochs"]):
    model.train()
    order = torch.randperm(X_train.shape[0])
    for start in range(0, X_train.shape[0], 100):
        batch = order[start : start + 100]
        optimizer.zero_grad()
        out = model(X_train[batch])
        loss = loss_fn(out, y_train[batch])
        loss.backward()
        optimizer.step()

model.eval()
with torch.no_grad():
    rmse = torch.sqrt(((model(X_test) - y_test) ** 2).mean()).item()
print(f"RMSE = {rmse:.4f}")
