"""Cross-validated score of a small net; the mean over the folds is the metric."""
import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_wine
from sklearn.model_selection import StratifiedKFold

X, y = load_wine(return_X_y=True)
X = X.astype(np.float32)


def make_model(in_features: int, out_features: int) -> nn.Module:
    return nn.Sequential(
        nn.Linear(in_features, 16),
        nn.ReLU(),
        nn.Linear(16, out_features),
    )


def fit_fold(X_train, y_train, X_val, y_val, epochs=15, lr=0.01, batch_size=16):
    model = make_model(X_train.shape[1], 3)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    loss_fn = nn.CrossEntropyLoss()
    X_train, y_train = torch.tensor(X_train), torch.tensor(y_train)
    X_val, y_val = torch.tensor(X_val), torch.tensor(y_val)
    for epoch in range(epochs):
        model.train()
        for idx in torch.randperm(len(X_train)).split(batch_size):
            optimizer.zero_grad()
            loss = loss_fn(model(X_train[idx]), y_train[idx])
            loss.backward()
            optimizer.step()
    model.eval()
    with torch.no_grad():
        return (model(X_val).argmax(dim=1) == y_val).float().mean().item()


if __name__ == "__main__":
    torch.manual_seed(0)
    scores = []
    folds = StratifiedKFold(n_splits=3, shuffle=True, random_state=0)
    for fold, (tr, va) in enumerate(folds.split(X, y)):
        score = fit_fold(X[tr], y[tr], X[va], y[va])
        scores.append(score)
        print(f"fold {fold}: {score:.4f}")
    print(f"cv_accuracy: {np.mean(scores):.4f}")
