"""Train the network of model.py on all windows; settings in config.yaml."""

import numpy as np
import pandas as pd
import torch
from model import Forecaster
from torch import nn


def read_config(path="config.yaml"):
    config, section = {}, {}
    for line in open(path):
        line = line.split("#")[0].rstrip()
        if not line:
            continue
        name, value = (part.strip() for part in line.split(":"))
        if not value:
            section = config[name] = {}
        else:
            number = float(value) if "." in value or "e" in value else int(value)
            (section if line.startswith(" ") else config)[name] = number
    return config


config = read_config()
torch.manual_seed(config["seed"])
history = pd.read_csv("data/history.csv")
loads = history.pivot(index="window", columns="hour", values="load").ffill(axis=1).bfill(axis=1)
warmth = history.pivot(index="window", columns="hour", values="temperature")


def tensors(frame):
    """One row a window: its last day, its context, its level; and the rows of the frame in that order."""
    frame = frame.sort_values(["window", "hour"])
    first = frame.groupby("window").first()
    last_day = loads.loc[first.index].to_numpy()[:, -24:]
    level = last_day.mean(axis=1, keepdims=True)
    past = np.stack([last_day / level - 1, warmth.loc[first.index].to_numpy()[:, -24:] / 20], axis=2)
    forecast = frame.pivot(index="window", columns="hour", values="temperature").to_numpy() / 20
    days = np.eye(7)[first["weekday"]]
    context = np.hstack([forecast, days, first[["holiday"]].to_numpy()])
    make = lambda values: torch.tensor(np.asarray(values), dtype=torch.float32)
    target = make(frame.pivot(index="window", columns="hour", values="load").to_numpy() / level - 1) if "load" in frame else None
    return make(past), make(context), make(level), target, frame["row_id"].to_numpy()


def fit(past, context, target):
    settings = config["training"]
    model = Forecaster(target.shape[1], context.shape[1], **config["model"])
    optimizer = torch.optim.Adam(model.parameters(), lr=settings["lr"], weight_decay=settings["weight_decay"])
    criterion = nn.L1Loss()
    for epoch in range(settings["epochs"]):
        model.train()
        for rows in torch.randperm(len(past)).split(settings["batch_size"]):
            optimizer.zero_grad()
            loss = criterion(model(past[rows], context[rows]), target[rows])
            loss.backward()
            optimizer.step()
    return model.eval()


train, test = pd.read_csv("data/train.csv"), pd.read_csv("data/test.csv")
past, context, level, target, _ = tensors(train)
held = len(past) // 4
model = fit(past[held:], context[held:], target[held:])
with torch.no_grad():
    error = (model(past[:held], context[:held]) - target[:held]).abs() * level[:held]
print(f"validation MAE: {error.mean().item():.4f}")

model = fit(past, context, target)
past, context, level, _, ids = tensors(test)
with torch.no_grad():
    predicted = (model(past, context) + 1) * level
answer = pd.Series(predicted.numpy().ravel(), index=ids, name="load")
answer.loc[test["row_id"]].rename_axis("row_id").to_csv("submission.csv")
