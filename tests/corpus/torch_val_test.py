"""Train / validation / test split with a validation accuracy per epoch and one test number at the end."""
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

HIDDEN1 = 48
NUM_EPOCHS = 6
LEARNING_RATE = 0.02

torch.manual_seed(2024)

X, y = load_digits(return_X_y=True)
X_train, X_rest, y_train, y_rest = train_test_split(X, y, test_size=0.4, random_state=1)
X_val, X_test, y_val, y_test = train_test_split(X_rest, y_rest, test_size=0.5, random_state=1)

X_train = torch.tensor(X_train, dtype=torch.float32)
X_val = torch.tensor(X_val, dtype=torch.float32)
X_test = torch.tensor(X_test, dtype=torch.float32)
y_train, y_val, y_test = map(torch.tensor, (y_train, y_val, y_test))

train_dl = DataLoader(TensorDataset(X_train, y_train), batch_size=32, shuffle=True)
val_dl = DataLoader(TensorDataset(X_val, y_val), batch_size=128)


class DigitNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, HIDDEN1)
        self.fc2 = nn.Linear(HIDDEN1, 24)
        self.fc3 = nn.Linear(24, 10)
        self.relu = nn.ReLU()

    def forward(self, x):
        x = self.relu(self.fc1(x))
        x = self.relu(self.fc2(x))
        return self.fc3(x)


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


model = DigitNet()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)

for epoch in range(NUM_EPOCHS):
    model.train()
    for xb, yb in train_dl:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
    val_acc = accuracy(model, X_val, y_val)
    print(f"Epoch {epoch + 1}: val_acc = {val_acc:.4f}")

test_acc = accuracy(model, X_test, y_test)
print(f"Test accuracy: {test_acc:.4f}")
