"""The network: a GRU over the last day, and a small head for every hour that is asked for."""

import torch
from torch import nn


class Forecaster(nn.Module):
    def __init__(self, steps, context, hidden_size, dropout):
        super().__init__()
        self.gru = nn.GRU(2, hidden_size, batch_first=True)
        self.head = nn.Sequential(
            nn.Linear(hidden_size + context, 32),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(32, steps),
        )

    def forward(self, past, context):
        _, state = self.gru(past)
        return self.head(torch.cat([state[-1], context], dim=1))
