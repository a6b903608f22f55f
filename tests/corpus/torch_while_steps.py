"""A while loop over global steps with a manual learning-rate decay and numpy inputs."""
import numpy as np
import torch

np.random.seed(3)
torch.manual_seed(3)

n_samples, n_dim, n_hidden = 500, 14, 25
data = np.random.lognormal(size=(n_samples, n_dim)).astype(np.float32) * 5
target = (np.log(data[:, 0] * data[:, 1]) > np.log(data[:, 2]) + 3.2).astype(np.int64)
x_train, x_test = data[:350], data[350:]
y_train, y_test = target[:350], target[350:]

x_train = torch.from_numpy(x_train)
x_test = torch.from_numpy(x_test)
y_train = torch.from_numpy(y_train)
y_test = torch.from_numpy(y_test)

model = torch.nn.Sequential(
    torch.nn.Linear(n_dim, n_hidden),
    torch.nn.ELU(),
    torch.nn.Linear(n_hidden, n_hidden),
    torch.nn.ELU(),
    torch.nn.Linear(n_hidden, 2),
)
criterion = torch.nn.NLLLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.003, weight_decay=0.0)

step = 0
max_steps = 250
while step < max_steps:
    pick = torch.randint(0, len(x_train), (35,))
    log_p = torch.log_softmax(model(x_train[pick]), dim=-1)
    loss = criterion(log_p, y_train[pick])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    step += 1
    if step == 200:
        for g in optimizer.param_groups:
            g["lr"] *= 0.1

with torch.no_grad():
    error = (model(x_test).argmax(1) != y_test).float().mean().item()
print("test error: {:.3f}".format(error))
