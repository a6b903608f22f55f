"""Mixed precision where there is a GPU; the scaler is a pass-through on the CPU."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

device = "cuda" if torch.cuda.is_available() else "cpu"
use_amp = device == "cuda"

torch.manual_seed(17)
torch.backends.cudnn.benchmark = False

inputs = torch.rand(1000, 3, 12, 12)
labels = (inputs[:, 0].mean((1, 2)) > inputs[:, 1].mean((1, 2))).long()
train_set = TensorDataset(inputs[:800], labels[:800])
test_set = TensorDataset(inputs[800:], labels[800:])
train_loader = DataLoader(train_set, batch_size=100, shuffle=True, num_workers=0)
test_loader = DataLoader(test_set, batch_size=200)

model = nn.Sequential(
    nn.Conv2d(3, 16, 3, padding=1),
    nn.ReLU(inplace=True),
    nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1),
    nn.ReLU(inplace=True),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(32, 2),
).to(device)

criterion = nn.CrossEntropyLoss().to(device)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
scaler = torch.amp.GradScaler(device, enabled=use_amp)

for epoch in range(3):
    model.train()
    for images, target in train_loader:
        images, target = images.to(device), target.to(device)
        with torch.autocast(device_type=device, enabled=use_amp):
            output = model(images)
            loss = criterion(output, target)
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()

    model.eval()
    good = 0
    with torch.no_grad():
        for images, target in test_loader:
            good += (model(images.to(device)).argmax(1).cpu() == target).sum().item()
    print(f"Epoch {epoch + 1}/3  accuracy: {good / len(test_set):.4f}")
