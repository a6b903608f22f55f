"""U-shaped segmentation on synthetic discs with a Dice score."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Discs(Dataset):
    def __init__(self, n, size=16, seed=0):
        g = torch.Generator().manual_seed(seed)
        yy, xx = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
        c = torch.randint(4, size - 4, (n, 2), generator=g)
        r = torch.randint(2, 5, (n,), generator=g)
        d2 = (yy[None] - c[:, 0, None, None]) ** 2 + (xx[None] - c[:, 1, None, None]) ** 2
        self.mask = (d2 <= (r**2)[:, None, None]).float()[:, None]
        self.image = self.mask + 0.7 * torch.randn(n, 1, size, size, generator=g)

    def __len__(self):
        return len(self.image)

    def __getitem__(self, index):
        return self.image[index], self.mask[index]


def double_conv(in_ch, out_ch):
    return nn.Sequential(
        nn.Conv2d(in_ch, out_ch, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(out_ch, out_ch, 3, padding=1),
        nn.ReLU(inplace=True),
    )


class UNet(nn.Module):
    def __init__(self, base=8):
        super().__init__()
        self.down1 = double_conv(1, base)
        self.down2 = double_conv(base, base * 2)
        self.up = nn.ConvTranspose2d(base * 2, base, 2, stride=2)
        self.dec = double_conv(base * 2, base)
        self.out = nn.Conv2d(base, 1, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        u = self.up(b)
        return self.out(self.dec(torch.cat([a, u], dim=1)))


def dice(logits, mask):
    pred = (logits > 0).float()
    return (2 * (pred * mask).sum() / (pred.sum() + mask.sum() + 1e-6)).item()


def main():
    torch.manual_seed(0)
    device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    train_loader = DataLoader(Discs(160, seed=0), batch_size=16, shuffle=True)
    val_loader = DataLoader(Discs(64, seed=1), batch_size=64)
    net = UNet().to(device)
    loss_fn = nn.BCEWithLogitsLoss()
    optim = torch.optim.RMSprop(net.parameters(), lr=1e-3, weight_decay=1e-8, momentum=0.9)
    epochs = 2
    for epoch in range(epochs):
        net.train()
        for image, mask in train_loader:
            image, mask = image.to(device), mask.to(device)
            optim.zero_grad(set_to_none=True)
            loss = loss_fn(net(image), mask)
            loss.backward()
            optim.step()
        net.eval()
        with torch.no_grad():
            scores = [dice(net(image.to(device)), mask.to(device)) for image, mask in val_loader]
        val_dice = sum(scores) / len(scores)
        print(f"Epoch {epoch + 1} / {epochs}: val_dice={val_dice:.4f}")


if __name__ == "__main__":
    main()
