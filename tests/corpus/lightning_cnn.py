"""Lightning 2 with callbacks, a schedule in configure_optimizers, and a data module."""
import lightning as L
import torch
from lightning.pytorch.callbacks import EarlyStopping, LearningRateMonitor, ModelCheckpoint
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics.classification import MulticlassAccuracy


class Data(L.LightningDataModule):
    def __init__(self, batch_size: int = 64):
        super().__init__()
        self.batch_size = batch_size

    def setup(self, stage=None):
        gen = torch.Generator().manual_seed(0)
        y = torch.randint(0, 4, (1200,), generator=gen)
        x = torch.randn(1200, 1, 16, 16, generator=gen) + y[:, None, None, None] * 0.1
        self.train, self.val, self.test = (TensorDataset(x[a:b], y[a:b]) for a, b in ((0, 800), (800, 1000), (1000, 1200)))

    def train_dataloader(self):
        return DataLoader(self.train, batch_size=self.batch_size, shuffle=True, num_workers=2)

    def val_dataloader(self):
        return DataLoader(self.val, batch_size=256)

    def test_dataloader(self):
        return DataLoader(self.test, batch_size=256)


class LitCNN(L.LightningModule):
    def __init__(self, channels: int = 16, learning_rate: float = 3e-4):
        super().__init__()
        self.save_hyperparameters()
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(),
            nn.Linear(32, 4),
        )
        self.criterion = nn.CrossEntropyLoss()
        self.acc = MulticlassAccuracy(4)

    def forward(self, x):
        return self.body(x)

    def training_step(self, batch, _):
        x, y = batch
        return self.criterion(self(x), y)

    def validation_step(self, batch, _):
        x, y = batch
        self.acc(self(x), y)
        self.log("val_acc", self.acc, on_epoch=True)

    def test_step(self, batch, _):
        x, y = batch
        self.acc(self(x), y)
        self.log("test_acc", self.acc, on_epoch=True)

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.hparams.learning_rate, weight_decay=1e-2)
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "epoch"}}


if __name__ == "__main__":
    L.seed_everything(1)
    data = Data()
    model = LitCNN()
    trainer = L.Trainer(
        max_epochs=10,
        gradient_clip_val=1.0,
        accelerator="auto",
        callbacks=[
            EarlyStopping(monitor="val_acc", mode="max", patience=3),
            ModelCheckpoint(monitor="val_acc", mode="max", save_top_k=1),
            LearningRateMonitor(),
        ],
    )
    trainer.fit(model, data)
    result = trainer.test(model, data, ckpt_path="best")
    print("test_acc:", result[0]["test_acc"])
