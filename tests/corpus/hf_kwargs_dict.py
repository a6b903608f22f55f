"""Training arguments collected in a dictionary first; a small GPT-2 from scratch."""
from dataclasses import dataclass

import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments


@dataclass
class Setup:
    steps: int = 200
    lr: float = 6e-4
    layers: int = 4


class Blocks(torch.utils.data.Dataset):
    def __init__(self, ids, size):
        self.ids, self.size = ids, size

    def __len__(self):
        return len(self.ids) // self.size - 1

    def __getitem__(self, i):
        x = self.ids[i * self.size : (i + 1) * self.size]
        return {"input_ids": x, "labels": x}


setup = Setup()
torch.manual_seed(0)
corpus = torch.randint(0, 300, (40_000,)).cumsum(0) % 300
train, valid = Blocks(corpus[:36_000], 64), Blocks(corpus[36_000:], 64)

config = GPT2Config(vocab_size=300, n_positions=64, n_embd=64, n_layer=setup.layers, n_head=4, resid_pdrop=0.1)
model = GPT2LMHeadModel(config)

args = TrainingArguments(
    output_dir="gpt",
    max_steps=setup.steps,
    learning_rate=setup.lr,
    per_device_train_batch_size=16,
    per_device_eval_batch_size=16,
    lr_scheduler_type="cosine",
    optim="adamw_torch",
    adam_beta2=0.98,
    gradient_accumulation_steps=1,
    save_strategy="no",
    report_to=[],
)
trainer = Trainer(model=model, args=args, train_dataset=train, eval_dataset=valid)
trainer.train()
metrics = trainer.evaluate()
print(f"eval_loss: {metrics['eval_loss']:.4f}")
