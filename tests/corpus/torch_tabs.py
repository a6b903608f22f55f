# tab-indented, as the lab's editor does it
import torch
import torch.nn as nn
import torch.nn.functional as F

class Net(nn.Module):
	def __init__(self):
		super().__init__()
		self.conv1 = nn.Conv1d(1, 8, 5, padding=2)
		self.bn1 = nn.BatchNorm1d(8)
		self.conv2 = nn.Conv1d(8, 16, 5, padding=2)
		self.fc = nn.Linear(16, 3)
		self.dropout = nn.Dropout(0.25)

	def forward(self, x):
		x = F.max_pool1d(F.relu(self.bn1(self.conv1(x))), 2)
		x = F.relu(self.conv2(x))
		x = self.dropout(x.mean(-1))
		return self.fc(x)


def batches(x, y, bs):
	order = torch.randperm(len(x))
	for i in range(0, len(x), bs):
		sel = order[i:i + bs]
		yield x[sel], y[sel]


def main():
	torch.manual_seed(8)
	n = 600
	y = torch.randint(0, 3, (n,))
	t = torch.arange(40).float()
	x = torch.sin(t[None] * (0.2 + 0.25 * y[:, None])) + torch.randn(n, 40)
	x = x[:, None]
	x_train, x_val = x[:450], x[450:]
	y_train, y_val = y[:450], y[450:]

	model = Net()
	opt = torch.optim.Adagrad(model.parameters(), lr=0.01)
	for epoch in range(6):
		model.train()
		for xb, yb in batches(x_train, y_train, 30):
			opt.zero_grad()
			loss = F.cross_entropy(model(xb), yb)
			loss.backward()
			opt.step()
		model.eval()
		with torch.no_grad():
			acc = (model(x_val).argmax(1) == y_val).float().mean()
		print("epoch", epoch, "val_acc", round(acc.item(), 4))

if __name__ == '__main__':
	main()
