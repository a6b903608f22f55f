# -*- coding: utf-8 -*-
"""Klassifikation von „Ziffern“ – 数字分类 – классификация цифр."""
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split
from torch import nn

LERNRATE = 0.003  # η, größer wird instabil
EPOCHEN = 10      # Überanpassung ab ≈ 40
größe = 64        # Stapelgröße

torch.manual_seed(0)
X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=0, stratify=y)
X_train = torch.from_numpy(X_train).float()   # 训练集
X_test = torch.from_numpy(X_test).float()     # 测试集
y_train = torch.from_numpy(y_train)
y_test = torch.from_numpy(y_test)

modell = nn.Sequential(
    nn.Linear(64, 100),   # Eingang → verdeckt
    nn.ReLU(),            # σ(x) = max(0, x)
    nn.Linear(100, 10),
)
verlust = nn.CrossEntropyLoss()
optimierer = torch.optim.Adam(modell.parameters(), lr=LERNRATE)

for epoche in range(EPOCHEN):
    modell.train()
    for teil in torch.randperm(len(X_train)).split(größe):
        optimierer.zero_grad()
        fehler = verlust(modell(X_train[teil]), y_train[teil])
        fehler.backward()   # ∂L/∂θ
        optimierer.step()

modell.eval()
with torch.no_grad():
    vorhersage = modell(X_test).argmax(1)
print(f"macro-F1: {f1_score(y_test.numpy(), vorhersage.numpy(), average='macro'):.4f}")
