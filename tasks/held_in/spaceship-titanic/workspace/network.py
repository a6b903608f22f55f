"""Predict who was transported with a small network in PyTorch."""

import numpy as np
import pandas as pd
import torch
from torch import nn

HIDDEN = 16
EPOCHS = 15
BATCH_SIZE = 64
LEARNING_RATE = 0.003
SEED = 0

torch.manual_seed(SEED)
np.random.seed(SEED)


def features(frame):
    bills = frame[["RoomService", "FoodCourt", "ShoppingMall", "Spa", "VRDeck"]].fillna(0)
    out = pd.DataFrame({"Age": frame["Age"].fillna(27) / 80})
    for name in bills:
        out[name] = bills[name] / 1000
    out["Asleep"] = (frame["CryoSleep"].astype(str) == "True").astype(float)
    for planet in ["Earth", "Europa", "Mars"]:
        out[planet] = (frame["HomePlanet"] == planet).astype(float)
    deck = frame["Cabin"].fillna("?").str[0]
    for letter in "ABCDEFG":
        out["Deck" + letter] = (deck == letter).astype(float)
    return torch.tensor(out.to_numpy(), dtype=torch.float32)


class Net(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(inputs, HIDDEN),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(HIDDEN, 1),
        )

    def forward(self, x):
        return self.layers(x).squeeze(1)


def train_model(X, y):
    model = Net(X.shape[1])
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    loss_function = nn.BCEWithLogitsLoss()
    for epoch in range(EPOCHS):
        model.train()
        order = torch.randperm(len(X))
        for start in range(0, len(X), BATCH_SIZE):
            batch = order[start : start + BATCH_SIZE]
            optimizer.zero_grad()
            loss = loss_function(model(X[batch]), y[batch])
            loss.backward()
            optimizer.step()
    return model


def predict(model, X):
    model.eval()
    with torch.no_grad():
        return (model(X) > 0).numpy()


train = pd.read_csv("data/train.csv")
test = pd.read_csv("data/test.csv")
X = features(train)
y = torch.tensor(train["Transported"].astype(int).to_numpy(), dtype=torch.float32)
cut = int(0.75 * len(X))

model = train_model(X[:cut], y[:cut])
correct = (predict(model, X[cut:]) == (y[cut:] > 0.5).numpy()).mean()
print(f"validation accuracy: {correct:.4f}")

model = train_model(X, y)
submission = pd.DataFrame({"PassengerId": test["PassengerId"], "Transported": predict(model, features(test))})
submission.to_csv("submission.csv", index=False)
