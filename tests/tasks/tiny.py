"""A whole task that takes no time: y is 2 x, or a class by the sign of x, and scripts that need nothing but Python."""

from __future__ import annotations

from pathlib import Path

from tasks.schema import TaskSpec, load

TOML = """# A comment that stays.
id = "tiny"
title = "A line"
split = "held_in"
kind = "tabular"
problem = "regression"

[metric]
name = "rmse"
direction = "min"

[submission]
id = "id"
targets = ["y"]
values = "number"

[size]
standard = 300
smallest = 200
largest = 400

[[starters]]
name = "mean"
make = "constant"
quality = "weak"

[[starters]]
name = "half"
make = "linear"
quality = "ordinary"

[[starters]]
name = "most"
make = "linear"
quality = "good"

[real]
page = "https://example.com/tiny"
licence = "none"

[[real.files]]
path = "train.csv"
columns = ["id", "x", "y"]
rows = 60
"""
PREPARE = """
import numpy as np
import pandas as pd
from tasks.tables import TableExamples, publish_tables, read_table

def mini(size, noise, rng):
    x = rng.normal(0, 1, size)
    y = 2 * x + 0.2 * noise * rng.normal(0, 1, size)
    return TableExamples(pd.DataFrame({"id": [f"r{n}" for n in rng.permutation(size)], "x": x, "y": y}))

def real(raw):
    return TableExamples(read_table(raw / "train.csv", ["id", "x", "y"]))

def publish(examples, train, hidden, out):
    return publish_tables(examples, train, hidden, out, key="id", targets=["y"], blank=0.0)
"""
GRADER = """
from tasks.scores import rmse

def grade(predicted, truth):
    return rmse(truth["y"].to_numpy(float), predicted["y"].to_numpy(float))
"""
SCRIPT = """
import csv
SLOPE = {slope}
with open("data/train.csv", newline="") as file:
    train = list(csv.DictReader(file))
with open("data/test.csv", newline="") as file:
    test = list(csv.DictReader(file))
errors = [(float(row["y"]) - SLOPE * float(row["x"])) ** 2 for row in train]
print(f"validation rmse: {{(sum(errors) / len(errors)) ** 0.5:.4f}}")
with open("submission.csv", "w", newline="") as file:
    csv.writer(file).writerows([["id", "y"], *([row["id"], SLOPE * float(row["x"])] for row in test)])
"""
ATTACK = """
import csv
with open("data/test.csv", newline="") as file:
    rows = list(csv.DictReader(file))
with open("submission.csv", "w", newline="") as file:
    csv.writer(file).writerows([["id", "y"], *([row["id"], float(row["id"][1:]) / len(rows)] for row in rows)])
"""
FILES = {
    "task.toml": TOML,
    "description.md": "# A line\n\nPredict y.\n",
    "card.md": "Ours.\n",
    "prepare.py": PREPARE,
    "grader.py": GRADER,
    "reference.py": SCRIPT.format(slope=2),
    "workspace/mean.py": SCRIPT.format(slope=0.2),
    "workspace/half.py": SCRIPT.format(slope=1),
    "workspace/most.py": SCRIPT.format(slope=1.6),
    "attacks/by_id.py": ATTACK,
}


def write_tiny(base: Path, folder: str = "held_in", name: str = "tiny", **changes: str) -> Path:
    """Write the task into `base/folder/name`; `changes` replace files (`reference_py="..."`), an empty text leaves one out."""
    directory = base / folder / name
    for path, text in {**FILES, **{_path(key): value for key, value in changes.items()}}.items():
        if text:
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_text(text, "utf-8")
    return directory


def tiny(base: Path, **changes: str) -> TaskSpec:
    """The task, loaded."""
    return load(write_tiny(base, **changes))


def _path(key: str) -> str:
    stem, _, suffix = key.rpartition("_")
    return f"{stem.replace('__', '/')}.{suffix}"
