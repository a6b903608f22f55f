import torch

torch.manual_seed(0)
x = torch.randn(200, 5) * torch.tensor([1.0, 10.0, 0.1, 5.0, 1.0])
y = x @ torch.tensor([[1.0], [-0.2], [3.0], [0.5], [0.0]]) + 0.3 * torch.randn(200, 1)
x_train, y_train = x[:150], y[:150]
x_test, y_test = x[150:], y[150:]

model = torch.nn.Linear(5, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for step in range(100):
    loss = torch.nn.functional.mse_loss(model(x_train), y_train)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

with torch.no_grad():
    test_loss = torch.nn.functional.mse_loss(model(x_test), y_test)
print("test_mse", test_loss.item())
