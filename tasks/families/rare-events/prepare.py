"""Claims of which few are false: drawn patterns of amounts, hours, changes, marks and places, among marks that mean nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.source import Index, Published
from tasks.tables import TableExamples, publish_tables

Floats = npt.NDArray[np.float64]
CHANNELS = np.array(["web", "phone", "broker", "branch"])
PRODUCTS = np.array(["car", "home", "travel", "health", "pet", "legal"])
# Columns in which values are missing.
HOLES = ("usual_amount", "customer_days", "last_change_days", "channel", "product", "documents")


def mini(size: int, noise: float, rng: np.random.Generator) -> TableExamples:
    """Claims with their marks; a drawn share of them is false."""
    numbers = 900 * rng.permutation(size) + rng.integers(0, 900, size) + 100_000
    frame = pd.DataFrame({"claim_id": [f"C{number:06x}" for number in numbers]})
    frame["usual_amount"] = np.exp(rng.normal(6, 0.9, size))
    frame["amount"] = frame["usual_amount"] * np.exp(rng.normal(0, 0.8, size))
    frame["hour"] = _hours(size, rng)
    frame["weekday"] = rng.integers(0, 7, size)
    frame["customer_days"] = rng.gamma(1.2, 900, size).round()
    frame["last_change_days"] = np.minimum(frame["customer_days"], rng.gamma(0.9, 300, size).round())
    frame["channel"] = rng.choice(CHANNELS, size, p=rng.dirichlet([4.0] * 4))
    products = rng.permutation(PRODUCTS)[: rng.integers(3, 7)]
    frame["product"] = rng.choice(products, size)
    frame["documents"] = rng.poisson(np.log(frame["amount"].to_numpy()) / 1.8)
    frame["calls"] = rng.poisson(1.5, size)
    frame["earlier_claims"] = rng.poisson(frame["customer_days"].to_numpy() / rng.uniform(600, 1500))
    frame["express"] = (rng.random(size) < rng.uniform(0.15, 0.4)).astype(int)
    frame["witness"] = (rng.random(size) < rng.uniform(0.2, 0.6)).astype(int)
    count = int(rng.integers(3, 7))
    marks = rng.normal(0, 1, (size, count))
    region = rng.choice(regions := int(rng.integers(15, 36)), size, p=rng.dirichlet([1.5] * regions))
    names = np.array([f"R{number}" for number in rng.permutation(900)[:regions] + 100])
    frame["region"] = names[region]

    odds = _plain(frame, marks, rng) + rng.normal(0, 0.55, regions)[region]
    patterns = _patterns(frame, marks, rng)
    chosen = [0, *rng.permutation(np.arange(1, len(patterns)))[: rng.integers(2, 5)]]
    for each in chosen:
        odds += rng.uniform(1.0, 1.5) * (patterns[each] - patterns[each].mean()) / patterns[each].std()
    odds = odds + rng.logistic(0, 0.75 * noise, size)
    frame["false_claim"] = (odds > np.quantile(odds, 1 - rng.uniform(0.06, 0.14))).astype(int)
    _publish_marks(frame, marks, rng)
    for name in HOLES:
        frame[name] = frame[name].astype(object).where(rng.random(size) > rng.uniform(0.01, 0.08), None)
    frame["amount"], frame["usual_amount"] = frame["amount"].round(2), frame["usual_amount"].astype(float).round(2)
    front = ["claim_id", "amount", "usual_amount", "hour", "weekday", "customer_days", "last_change_days", "channel", "region"]
    order = [*front, *(name for name in frame if name not in (*front, "false_claim")), "false_claim"]
    return TableExamples(frame[order], frame["false_claim"].to_numpy())


def _hours(size: int, rng: np.random.Generator) -> Floats:
    """Hours of a day with a drawn peak."""
    peak = rng.uniform(10, 20)
    return np.floor(np.where(rng.random(size) < 0.5, rng.uniform(0, 24, size), rng.normal(peak, 3, size)) % 24)


def _plain(frame: pd.DataFrame, marks: Floats, rng: np.random.Generator) -> Floats:
    """Small direct effects of single columns."""
    odds = marks @ rng.normal(0, 0.3, marks.shape[1])
    odds += rng.uniform(-0.3, 0.3) * np.log1p(frame["customer_days"].to_numpy())
    odds += rng.normal(0, 0.4) * frame["witness"].to_numpy()
    for name in ("channel", "product"):
        levels = sorted(frame[name].unique())
        odds += frame[name].map(dict(zip(levels, rng.normal(0, 0.45, len(levels)), strict=True))).to_numpy(np.float64)
    return odds + rng.uniform(0, 0.25) * frame["earlier_claims"].to_numpy()


def _patterns(frame: pd.DataFrame, marks: Floats, rng: np.random.Generator) -> list[Floats]:
    """The patterns that raise the odds; the first is the claim that is large for this customer."""
    ratio = np.log(frame["amount"].to_numpy() / frame["usual_amount"].to_numpy())
    turn = (frame["hour"].to_numpy() - rng.uniform(0, 24)) * np.pi / 12
    first, second, third = (marks[:, each] for each in rng.permutation(marks.shape[1])[:3])
    channel = frame["channel"].to_numpy() == rng.choice(CHANNELS)
    flag = frame[str(rng.choice(["express", "witness"]))].to_numpy() == rng.integers(2)
    soon = np.exp(-frame["last_change_days"].to_numpy() / rng.uniform(20, 80))
    thin = np.log(frame["amount"].to_numpy()) / 1.8 - frame["documents"].to_numpy()
    return [
        np.logaddexp(0, 4 * (ratio - rng.uniform(0.1, 0.7))),
        np.exp(3 * np.cos(turn)),
        soon,
        first * second,
        (channel & flag).astype(np.float64),
        np.abs(third) ** 1.5,
        np.maximum(thin, 0),
    ]


def _publish_marks(frame: pd.DataFrame, marks: Floats, rng: np.random.Generator) -> None:
    """Add the marks, noisy copies of some and empty ones, in a drawn order and on drawn scales."""
    columns = [*marks.T]
    copied = rng.integers(0, marks.shape[1], rng.integers(1, 4))
    columns += [columns[int(each)] + rng.normal(0, 0.8, len(marks)) for each in copied]
    columns += [rng.normal(0, 1, len(marks)) for _ in range(rng.integers(2, 8))]
    for place, each in enumerate(rng.permutation(len(columns))):
        values = columns[each] * 10 ** rng.uniform(-1, 1.5) + rng.uniform(-5, 20)
        frame[f"score_{place + 1}"] = np.where(rng.random(len(marks)) < rng.uniform(0, 0.05), np.nan, values.round(3))


def publish(examples: TableExamples, train: Index, hidden: Index, out: Path) -> Published:
    """train.csv, test.csv and sample_submission.csv."""
    return publish_tables(examples, train, hidden, out, key="claim_id", targets=["false_claim"], blank=0.1)
