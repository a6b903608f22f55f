# regression with lightning, arguments from the command line
from argparse import ArgumentParser

import torch
import torch.nn as nn
from pytorch_lightning import LightningModule, Trainer, seed_everything
from torch.utils.data import DataLoader, TensorDataset


class Regressor(LightningModule):

    def __init__(self, hparams):
        super().__init__()
        self.h = hparams
        self.lstm = nn.LSTM(4, 32, num_layers=2, dropout=0.2, batch_first=True)
        self.fc = nn.Linear(32, 1)
        self.loss = nn.MSELoss()

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(out[:, -1]).squeeze(-1)

    def training_step(self, batch, batch_nb):
        x, y = batch
        return {'loss': self.loss(self(x), y)}

    def test_step(self, batch, batch_nb):
        x, y = batch
        mae = (self(x) - y).abs().mean()
        self.log('test_mae', mae)

    def configure_optimizers(self):
        opt = torch.optim.SGD(self.parameters(), lr=self.h.lr, momentum=0.9)
        sch = torch.optim.lr_scheduler.StepLR(opt, step_size=5, gamma=0.5)
        return [opt], [sch]


if __name__ == '__main__':
    parser = ArgumentParser()
    parser.add_argument('--lr', type=float, default=0.01)
    parser.add_argument('--batch_size', type=int, default=32)
    parser.add_argument('--max_epochs', type=int, default=20)
    args = parser.parse_args()

    seed_everything(42)
    x = torch.randn(600, 12, 4)
    y = x[:, -3:, 0].sum(1) + 0.1 * torch.randn(600)
    train_dl = DataLoader(TensorDataset(x[:500], y[:500]), batch_size=args.batch_size, shuffle=True)
    test_dl = DataLoader(TensorDataset(x[500:], y[500:]), batch_size=100)
    model = Regressor(args)
    trainer = Trainer(max_epochs=args.max_epochs, accelerator='cpu', logger=False)
    trainer.fit(model, train_dl)
    out = trainer.test(model, test_dl, verbose=False)
    print('test_mae: %.4f' % out[0]['test_mae'])
