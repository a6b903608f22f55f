"""Windows line endings: keep them as they are."""
import torch
import torch.nn as nn

# hyperparameters
learning_rate = 0.1
num_epochs = 20
batch_size = 50
hidden_dim = 20

torch.manual_seed(99)
features = torch.randn(500, 8)
targets = (features[:, :4].sum(1) * features[:, 4] > 0).long()
train_features, test_features = features[:400], features[400:]
train_targets, test_targets = targets[:400], targets[400:]


class Classifier(nn.Module):
    def __init__(self, input_dim, hidden_dim, output_dim):
        super(Classifier, self).__init__()
        self.fc1 = nn.Linear(input_dim, hidden_dim)
        self.sigmoid = nn.Sigmoid()
        self.fc2 = nn.Linear(hidden_dim, output_dim)

    def forward(self, x):
        out = self.fc1(x)
        out = self.sigmoid(out)
        return self.fc2(out)


model = Classifier(8, hidden_dim, 2)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)

n_total_steps = len(train_features) // batch_size
for epoch in range(num_epochs):
    for i in range(n_total_steps):
        xb = train_features[i * batch_size:(i + 1) * batch_size]
        yb = train_targets[i * batch_size:(i + 1) * batch_size]

        # forward pass
        outputs = model(xb)
        loss = criterion(outputs, yb)

        # backward pass
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

        if (i + 1) % 4 == 0:
            print(f'Epoch [{epoch+1}/{num_epochs}], Step [{i+1}/{n_total_steps}], Loss: {loss.item():.4f}')

with torch.no_grad():
    n_correct = (model(test_features).argmax(1) == test_targets).sum().item()
    acc = 100.0 * n_correct / len(test_features)
    print(f'Accuracy of the network: {acc} %')
