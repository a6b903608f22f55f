"""Predict the forest cover with a small network in PyTorch."""

import pandas as pd
import torch
from torch import nn

HIDDEN = 16
EPOCHS = 15
BATCH_SIZE = 64
LEARNING_RATE = 0.001

torch.manual_seed(0)


class Net(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(inputs, HIDDEN),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(HIDDEN, outputs),
        )

    def forward(self, x):
        return self.layers(x)


def fit(X, y):
    model = Net(X.shape[1], 7)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(EPOCHS):
        model.train()
        order = torch.randperm(len(X))
        for start in range(0, len(X), BATCH_SIZE):
            batch = order[start : start + BATCH_SIZE]
            optimizer.zero_grad()
            loss = criterion(model(X[batch]), y[batch])
            loss.backward()
            optimizer.step()
    return model


def predict(model, X):
    model.eval()
    with torch.no_grad():
        return model(X).argmax(dim=1)


train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
columns = [name for name in test.columns if name != "Id"]
mean, spread = train[columns].mean(), train[columns].std() + 1
X = torch.tensor(((train[columns] - mean) / spread).to_numpy(), dtype=torch.float32)
X_test = torch.tensor(((test[columns] - mean) / spread).to_numpy(), dtype=torch.float32)
y = torch.tensor(train["Cover_Type"].to_numpy() - 1)

cut = int(0.75 * len(X))
model = fit(X[:cut], y[:cut])
accuracy = (predict(model, X[cut:]) == y[cut:]).float().mean().item()
print(f"validation accuracy: {accuracy:.4f}")

model = fit(X, y)
submission = pd.DataFrame({"Id": test["Id"], "Cover_Type": predict(model, X_test).numpy() + 1})
submission.to_csv("submission.csv", index=False)
