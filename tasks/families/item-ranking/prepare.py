"""Item ranking: visitors who choose among 36 items by a sum of tastes, each drawn for the variant."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.source import Index, Published
from tasks.tables import write_sample

ITEMS, REGIONS = 36, 8
NAMES = np.array([f"item{number + 1:02d}" for number in range(ITEMS)])
CATEGORIES = np.array(["books", "games", "garden", "kitchen", "sports", "tools"])
COLOURS = np.array(["black", "blue", "green", "red", "white"])
PLACES = np.array(["bay", "city", "dale", "fen", "heath", "hills", "isle", "moor"])

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Shop:
    """`visits` with the item that was taken, and the `items` as they are described."""

    visits: pd.DataFrame
    items: pd.DataFrame

    @property
    def strata(self) -> None:
        return None

    def __len__(self) -> int:
        return len(self.visits)


@dataclass(frozen=True)
class Goods:
    """Per item: number of its category and colour, logarithm of its price, popularity."""

    category: Numbers
    colour: Numbers
    price: Floats
    popularity: Floats


def mini(size: int, noise: float, rng: np.random.Generator) -> Shop:
    """Visits; the items, the tastes and how much each of them counts are drawn."""
    goods = Goods(
        rng.permutation(np.arange(ITEMS) % len(CATEGORIES)),
        rng.integers(0, len(COLOURS), ITEMS),
        rng.normal(3.0, 0.8, ITEMS),
        rng.normal(0, 0.6, ITEMS),
    )
    region, hour = rng.choice(REGIONS, size, p=rng.dirichlet([3] * REGIONS)), rng.integers(7, 24, size)
    budget = rng.normal(3.0, 0.7, size) + rng.normal(0, 0.3, REGIONS)[region]
    age = np.clip(rng.gamma(6.0, 6.5, size), 16, 90).round()

    tastes = _tastes(goods, region, hour, budget, rng)
    wanted = tastes + rng.gumbel(0, 1.0, tastes.shape)
    sought = goods.category[wanted.argmax(axis=1)]
    search = np.where(rng.random(size) < 0.75, sought, rng.integers(0, len(CATEGORIES), size))
    seen = _seen(goods, tastes + 1.2 * (goods.category == search[:, None]), rng)
    worth = tastes + rng.uniform(0.8, 1.8) * (goods.category == search[:, None]) + _afterwards(goods, seen, rng)
    taken = (worth + rng.gumbel(0, 0.75 * noise, worth.shape)).argmax(axis=1)

    visits = pd.DataFrame({"visit": [f"v{number:06d}" for number in rng.choice(1_000_000, size, replace=False)]})
    visits["region"], visits["hour"], visits["weekday"] = PLACES[region], hour, rng.integers(1, 8, size)
    visits["device"] = rng.choice(["desk", "phone", "tablet"], size, p=[0.4, 0.5, 0.1])
    visits["age"] = np.where(rng.random(size) < 0.2, np.nan, age)
    told = np.exp(budget + rng.normal(0, 0.15, size)).round()
    visits["budget"] = np.where(rng.random(size) < rng.uniform(0.1, 0.4), np.nan, told)
    visits["search"] = pd.Series(CATEGORIES[search]).where(rng.random(size) > rng.uniform(0.2, 0.5), None)
    visits["seen"] = [" ".join(NAMES[row[row >= 0]]) for row in seen]
    visits["item"] = NAMES[taken]
    items = pd.DataFrame({"item": NAMES, "category": CATEGORIES[goods.category], "price": np.exp(goods.price).round(2)})
    items["colour"], items["weight"] = COLOURS[goods.colour], rng.gamma(2.0, 1.5, ITEMS).round(1)
    return Shop(visits, items)


def _tastes(goods: Goods, region: Numbers, hour: Numbers, budget: Floats, rng: np.random.Generator) -> Floats:
    """What each item is worth to each visitor before the visit. Shape (visits, items)."""
    regional = rng.normal(0, rng.uniform(0.4, 1.1), (REGIONS, len(CATEGORIES)))
    coloured = rng.normal(0, rng.uniform(0.1, 0.5), (REGIONS, len(COLOURS)))
    phase, swing = rng.uniform(0, 2 * np.pi, len(CATEGORIES)), rng.uniform(0.2, 1.0)
    daily = swing * np.cos(2 * np.pi * hour[:, None] / 17 + phase)
    thrift = rng.uniform(0.5, 1.4)
    total = goods.popularity + regional[region][:, goods.category] + coloured[region][:, goods.colour]
    return total + daily[:, goods.category] - thrift * (goods.price - budget[:, None]) ** 2


def _seen(goods: Goods, tastes: Floats, rng: np.random.Generator) -> Numbers:
    """One to five different items that were looked at, -1 where there are fewer. Shape (visits, 5)."""
    size = len(tastes)
    order = np.argsort(-(0.6 * tastes + rng.gumbel(0, 1.0, tastes.shape) + 0.3 * goods.popularity), axis=1)[:, :5]
    shuffled = np.take_along_axis(order, rng.random(order.shape).argsort(axis=1), axis=1)
    return np.where(np.arange(5) < rng.integers(1, 6, size)[:, None], shuffled, -1)


def _afterwards(goods: Goods, seen: Numbers, rng: np.random.Generator) -> Floats:
    """What the items seen add to the worth of each item. Shape (visits, items)."""
    follow = rng.normal(0, rng.uniform(0.2, 0.7), (len(CATEGORIES), len(CATEGORIES)))
    pull = follow[goods.category][:, goods.category] + rng.uniform(0.0, 0.5) * (goods.colour[:, None] == goods.colour)
    partner = rng.permutation(ITEMS)
    paired = rng.random(ITEMS) < rng.uniform(0.2, 0.7)
    pull[np.flatnonzero(paired), partner[paired]] += rng.uniform(1.5, 3.0)
    pull[np.arange(ITEMS), np.arange(ITEMS)] += rng.uniform(-1.0, 1.8)
    there = seen >= 0
    last = there.sum(axis=1) - 1
    weight = np.where(np.arange(5) == last[:, None], rng.uniform(1.0, 1.6), 0.5) * there
    return np.einsum("vk,vki->vi", weight, pull[np.maximum(seen, 0)])


def publish(examples: Shop, train: Index, hidden: Index, out: Path) -> Published:
    """The visits, the items, and the sample submission."""
    known, asked = (examples.visits.iloc[rows].reset_index(drop=True) for rows in (train, hidden))
    known.to_csv(out / "visits_train.csv", index=False)
    asked.drop(columns="item").to_csv(out / "visits_test.csv", index=False)
    examples.items.to_csv(out / "items.csv", index=False)
    write_sample(asked["visit"], ["item"], " ".join(NAMES[:5]), out)
    wanted = ["visit", "item"]
    return Published(known[wanted], asked[wanted].assign(example=np.arange(len(hidden))))
