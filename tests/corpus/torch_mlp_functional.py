"""A two-layer classifier on synthetic blobs, written as a flat script."""
import torch
import torch.nn as nn
import torch.optim as optim

SEED = 0
BATCH = 64
EPOCHS = 12
LR = 0.05
HIDDEN = 32

torch.manual_seed(SEED)

# three noisy classes in 20 dimensions
centres = torch.randn(3, 20) * 1.2
y = torch.randint(0, 3, (900,))
X = centres[y] + torch.randn(900, 20) * 2.0

X_train, y_train = X[:600], y[:600]
X_test, y_test = X[600:], y[600:]

model = nn.Sequential(
    nn.Linear(20, HIDDEN),
    nn.ReLU(),
    nn.Linear(HIDDEN, 3),
)

criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(model.parameters(), lr=LR, momentum=0.9)  # plain SGD to begin with

for epoch in range(EPOCHS):
    model.train()
    perm = torch.randperm(len(X_train))
    total = 0.0
    for i in range(0, len(X_train), BATCH):
        idx = perm[i : i + BATCH]
        optimizer.zero_grad()
        loss = criterion(model(X_train[idx]), y_train[idx])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx)
    print(f"epoch {epoch + 1}: train_loss={total / len(X_train):.4f}")

model.eval()
with torch.no_grad():
    acc = (model(X_test).argmax(dim=1) == y_test).float().mean().item()
print(f"accuracy: {acc:.4f}")
