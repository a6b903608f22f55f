"""The Trainer with a model of our own and a dictionary dataset: nothing to download."""
import os

import torch
import transformers
from torch import nn
from torch.utils.data import Dataset

os.environ["WANDB_DISABLED"] = "true"


class Rows(Dataset):
    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        self.x = torch.randn(n, 16, generator=g)
        self.y = (self.x[:, :8].sum(1) > self.x[:, 8:].pow(2).sum(1) - 8).long()

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return {"x": self.x[i], "labels": self.y[i]}


class Model(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(16, 32),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Linear(32, 2),
        )
        self.loss = nn.CrossEntropyLoss()

    def forward(self, x, labels=None):
        logits = self.layers(x)
        if labels is None:
            return {"logits": logits}
        return {"loss": self.loss(logits, labels), "logits": logits}


def accuracy(pred):
    return {"accuracy": float((pred.predictions.argmax(-1) == pred.label_ids).mean())}


def main():
    transformers.set_seed(0)
    args = transformers.TrainingArguments(
        "checkpoints",
        num_train_epochs=5,
        learning_rate=1e-3,
        lr_scheduler_type="linear",
        warmup_ratio=0.0,
        max_grad_norm=1.0,
        per_device_train_batch_size=32,
        evaluation_strategy="epoch",
        save_strategy="epoch",
        metric_for_best_model="accuracy",
        disable_tqdm=True,
    )
    trainer = transformers.Trainer(
        model=Model(), args=args, train_dataset=Rows(800, 0), eval_dataset=Rows(200, 1), compute_metrics=accuracy
    )
    trainer.train()
    print("eval_accuracy = %.4f" % trainer.evaluate()["eval_accuracy"])


if __name__ == "__main__":
    main()
