"""Collinear sensors of a few hidden quantities, with outliers and missing blocks, and an output that is not linear in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.source import Index, Published
from tasks.tables import TableExamples, write_sample

Floats = npt.NDArray[np.float64]


def mini(size: int, noise: float, rng: np.random.Generator) -> TableExamples:
    """Readings of all sensors, and the output."""
    hidden = _quantities(size, rng)
    units = int(rng.integers(2, 6))
    unit = rng.choice(units, size, p=rng.dirichlet([5.0] * units))
    output = _output(hidden, rng)
    output += 0.35 * rng.normal(0, 1, units)[unit]
    output = output / output.std() + rng.normal(0, 0.22 * noise, size)

    sensors = _sensors(hidden, rng)
    values = np.column_stack([sensors[int(each)] for each in rng.permutation(len(sensors))])
    values = _broken(values, rng)
    buses = np.sort(rng.integers(0, rng.integers(3, 6), values.shape[1]))
    for bus in range(buses.max() + 1):
        failed = rng.random(size) < rng.uniform(0.03, 0.12)
        values[np.ix_(failed, buses == bus)] = np.nan

    names = [f"{'abcdef'[bus]}{1 + int(np.sum(buses[:place] == bus))}" for place, bus in enumerate(buses)]
    frame = pd.DataFrame({"reading": rng.permutation(9 * size) + 1}).head(size).reset_index(drop=True)
    frame["unit"] = np.array([f"U{number}" for number in rng.permutation(90)[:units] + 10])[unit]
    frame[names] = [[float(f"{value:.5g}") for value in row] for row in values]
    frame["output"] = (rng.uniform(40, 80) + 10 * output).round(3)
    return TableExamples(frame)


def _quantities(size: int, rng: np.random.Generator) -> Floats:
    """The hidden quantities, slightly correlated, each of unit variance."""
    count = int(rng.integers(3, 7))
    mixing = np.eye(count) + rng.normal(0, 0.25, (count, count))
    hidden = rng.normal(0, 1, (size, count)) @ mixing
    uniform = rng.random(count) < 0.4
    hidden = np.where(uniform, np.tanh(hidden), hidden)
    return (hidden - hidden.mean(axis=0)) / hidden.std(axis=0)


def _output(hidden: Floats, rng: np.random.Generator) -> Floats:
    """A sum of terms: each kind at most twice, and a straight part."""
    count = hidden.shape[1]
    straight = hidden @ rng.normal(0, 1, count)
    total = rng.uniform(0.5, 0.9) * straight / straight.std()
    for kind in rng.permutation(np.repeat(np.arange(6), 2))[: rng.integers(3, 6)]:
        first, second = (hidden[:, each] for each in rng.permutation(count)[:2])
        place, sharpness = rng.normal(0, 0.5), rng.uniform(1.2, 2.2)
        term = (
            first * second,
            np.tanh(2 * sharpness * (first - place)),
            np.maximum(first - place, 0) * sharpness,
            np.sin(sharpness * first + place),
            (first - place) ** 2,
            np.where(second > place, first, -0.3 * first),
        )[int(kind)]
        total = total + rng.choice([-1, 1]) * rng.uniform(0.5, 1.0) * (term - term.mean()) / term.std()
    return total - total.mean()


def _sensors(hidden: Floats, rng: np.random.Generator) -> list[Floats]:
    """Several sensors for each hidden quantity, and some that see nothing of use."""
    size, count = hidden.shape
    seen = [hidden[:, each] for each in range(count) for _ in range(rng.integers(2, 5))]
    for _ in range(rng.integers(0, 4)):
        first, second = rng.permutation(count)[:2]
        seen.append((hidden[:, first] + hidden[:, second]) / np.sqrt(2))
    seen = [values + rng.normal(0, rng.uniform(0.1, 0.55), size) for values in seen]
    seen += [rng.normal(0, 1, size) for _ in range(rng.integers(2, 7))]
    return [_curve(values, rng) for values in seen]


def _curve(values: Floats, rng: np.random.Generator) -> Floats:
    """What the sensor shows: a rising or falling curve of the quantity, in its own unit."""
    kind = rng.integers(4)
    if kind == 1:
        values = np.log(np.logaddexp(0, 2 * values) + 0.1)
    elif kind == 2:
        values = np.exp(0.8 * values)
    elif kind == 3:
        values = np.tanh(0.7 * values)
    return (values * rng.choice([-1, 1]) + rng.uniform(-3, 6)) * 10 ** rng.uniform(-2, 3)


def _broken(values: Floats, rng: np.random.Generator) -> Floats:
    """Gross outliers and single missing values."""
    shape = values.shape
    far = values.mean(axis=0) + values.std(axis=0) * rng.choice([-1, 1], shape) * rng.uniform(6, 25, shape)
    values = np.where(rng.random(shape) < rng.uniform(0.01, 0.04, shape[1]), far, values)
    return np.where(rng.random(shape) < rng.uniform(0.0, 0.03, shape[1]), np.nan, values)


def publish(examples: TableExamples, train: Index, hidden: Index, out: Path) -> Published:
    """readings.csv, new_readings.csv and sample_submission.csv."""
    rows = examples.frame.iloc[train].reset_index(drop=True)
    kept = examples.frame.iloc[hidden].reset_index(drop=True)
    rows.to_csv(out / "readings.csv", index=False)
    kept.drop(columns="output").to_csv(out / "new_readings.csv", index=False)
    write_sample(kept["reading"], ["output"], 0.0, out)
    wanted = ["reading", "output"]
    return Published(rows[wanted], kept[wanted].assign(example=np.arange(len(kept))))
