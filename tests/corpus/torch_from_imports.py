from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from torch import manual_seed, no_grad, randperm, sigmoid, tensor
from torch import float32 as f32
from torch.nn import BCEWithLogitsLoss, Dropout, Linear, ReLU, Sequential
from torch.optim import Adam

manual_seed(6)

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=6)
X_train, X_test = tensor(X_train, dtype=f32), tensor(X_test, dtype=f32)
y_train, y_test = tensor(y_train, dtype=f32), tensor(y_test, dtype=f32)

model = Sequential(
    Linear(30, 24),
    ReLU(),
    Dropout(0.5),
    Linear(24, 12),
    ReLU(),
    Linear(12, 1),
)

optimizer = Adam(model.parameters(), lr=0.001)
bce = BCEWithLogitsLoss()

for epoch in range(20):
    model.train()
    order = randperm(X_train.size(0))
    for b in range(0, X_train.size(0), 32):
        pick = order[b:b + 32]
        optimizer.zero_grad()
        loss = bce(model(X_train[pick]).flatten(), y_train[pick])
        loss.backward()
        optimizer.step()

model.eval()
with no_grad():
    score = sigmoid(model(X_test).flatten()).numpy()
print("ROC AUC:", round(roc_auc_score(y_test.numpy(), score), 4))
