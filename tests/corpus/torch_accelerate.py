"""Accelerate training loop with gradient accumulation and a warm-up schedule from transformers."""
import argparse
import logging

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from transformers import get_linear_schedule_with_warmup

logger = logging.getLogger(__name__)


def parse_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--learning_rate", type=float, default=5e-5)
    parser.add_argument("--num_train_epochs", type=int, default=3)
    parser.add_argument("--per_device_train_batch_size", type=int, default=8)
    parser.add_argument("--gradient_accumulation_steps", type=int, default=1)
    parser.add_argument("--num_warmup_steps", type=int, default=0)
    parser.add_argument("--weight_decay", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=None)
    return parser.parse_args()


class Head(nn.Module):
    def __init__(self, dim: int = 128, classes: int = 2):
        super().__init__()
        self.dropout = nn.Dropout(0.1)
        self.dense = nn.Linear(dim, dim)
        self.out_proj = nn.Linear(dim, classes)

    def forward(self, features):
        x = self.dropout(features)
        x = torch.tanh(self.dense(x))
        x = self.dropout(x)
        return self.out_proj(x)


def main():
    args = parse_args()
    accelerator = Accelerator(gradient_accumulation_steps=args.gradient_accumulation_steps)
    if args.seed is not None:
        set_seed(args.seed)

    x = torch.randn(2000, 128)
    y = (x.sum(1) > 0).long()
    train_dataset = TensorDataset(x[:1600], y[:1600])
    eval_dataset = TensorDataset(x[1600:], y[1600:])
    train_dataloader = DataLoader(train_dataset, shuffle=True, batch_size=args.per_device_train_batch_size)
    eval_dataloader = DataLoader(eval_dataset, batch_size=64)

    model = Head()
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.learning_rate, weight_decay=args.weight_decay)
    lr_scheduler = get_linear_schedule_with_warmup(
        optimizer,
        num_warmup_steps=args.num_warmup_steps,
        num_training_steps=args.num_train_epochs * len(train_dataloader),
    )
    model, optimizer, train_dataloader, eval_dataloader, lr_scheduler = accelerator.prepare(
        model, optimizer, train_dataloader, eval_dataloader, lr_scheduler
    )
    loss_fct = nn.CrossEntropyLoss()

    for epoch in range(args.num_train_epochs):
        model.train()
        for step, (features, target) in enumerate(train_dataloader):
            with accelerator.accumulate(model):
                loss = loss_fct(model(features), target)
                accelerator.backward(loss)
                optimizer.step()
                lr_scheduler.step()
                optimizer.zero_grad()

        model.eval()
        hits, total = 0, 0
        for features, target in eval_dataloader:
            with torch.no_grad():
                logits = model(features)
            preds, refs = accelerator.gather_for_metrics((logits.argmax(-1), target))
            hits += (preds == refs).sum().item()
            total += refs.numel()
        accelerator.print(f"epoch {epoch}: accuracy {hits / total:.4f}")


if __name__ == "__main__":
    main()
