"""Fine-tuning a frozen body; Trainer in a config-driven function with callbacks in a list variable."""
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor, nn, optim
from torch.utils.data import DataLoader, TensorDataset

MAX_EPOCHS = 8
BATCH_SIZE = 128


class FineTuner(LightningModule):
    def __init__(self, body: nn.Module, num_classes: int) -> None:
        super().__init__()
        self.body = body
        self.dropout = nn.Dropout(p=0.5)
        self.head = nn.Linear(32, num_classes)
        self.loss_fn = nn.CrossEntropyLoss()

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.dropout(torch.relu(self.body(x))))

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        x, y = batch
        loss = self.loss_fn(self(x), y)
        self.log("train/loss", loss)
        return loss

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        x, y = batch
        self.log("val/acc", (self(x).argmax(-1) == y).float().mean())

    def configure_optimizers(self):
        params = [p for p in self.parameters() if p.requires_grad]
        return optim.Adam(params, lr=0.001, betas=(0.9, 0.95))


def main() -> None:
    torch.manual_seed(0)
    body = nn.Sequential(nn.Linear(10, 32), nn.Tanh(), nn.Linear(32, 32))
    for p in body[0].parameters():
        p.requires_grad = False
    x = torch.randn(2000, 10)
    y = (x[:, 0] * x[:, 1] > 0).long()
    train_loader = DataLoader(TensorDataset(x[:1500], y[:1500]), batch_size=BATCH_SIZE, shuffle=True)
    val_loader = DataLoader(TensorDataset(x[1500:], y[1500:]), batch_size=BATCH_SIZE)

    checkpoint = ModelCheckpoint(monitor="val/acc", mode="max", save_top_k=1, filename="best")
    callbacks = [checkpoint]
    trainer = Trainer(max_epochs=MAX_EPOCHS, callbacks=callbacks, log_every_n_steps=5)
    trainer.fit(FineTuner(body, 2), train_loader, val_loader)
    print(f"best val accuracy: {checkpoint.best_model_score:.4f}")


if __name__ == "__main__":
    main()
