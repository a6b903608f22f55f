"""Spaceship Titanic: passengers in groups, cabins and bills."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tasks.source import Index, Published
from tasks.tables import TableExamples, publish_tables, read_table

BILLS = ("RoomService", "FoodCourt", "ShoppingMall", "Spa", "VRDeck")
COLUMNS = ("PassengerId", "HomePlanet", "CryoSleep", "Cabin", "Destination", "Age", "VIP", *BILLS, "Name", "Transported")
PLANETS = np.array(["Earth", "Europa", "Mars"])
DESTINATIONS = np.array(["TRAPPIST-1e", "55 Cancri e", "PSO J318.5-22"])
DECKS = np.array(list("ABCDEFG"))
SYLLABLES = np.array(["al", "be", "cor", "dra", "el", "fin", "gol", "hes", "il", "jur", "ka", "lon", "mir", "no", "os", "pel"])


def mini(size: int, noise: float, rng: np.random.Generator) -> TableExamples:
    """Passengers whose fate hangs on sleep, bills (in logarithms), deck x side and planet x destination."""
    group, place = _groups(size, rng)
    count = group.max() + 1
    planet = rng.choice(3, count, p=rng.dirichlet([8, 4, 4]))[group]
    destination = np.where(
        rng.random(size) < 0.8, rng.choice(3, count, p=rng.dirichlet([9, 3, 2]))[group], rng.integers(0, 3, size)
    )
    deck, side = rng.integers(0, 7, count)[group], rng.integers(0, 2, count)[group]
    asleep = rng.random(size) < rng.uniform(0.25, 0.4)
    age = np.clip(rng.gamma(4.0, 7.5, size), 0, 79).round()
    rich = rng.normal(0, 1, size) + (planet == 1)
    zero = rng.random((size, 5)) < 0.45
    bills = np.expm1(np.clip(rng.normal(4.2 + 0.8 * rich[:, None], 1.6, (size, 5)), 0, 10)).round()
    bills = np.where(zero | asleep[:, None] | (age < 13)[:, None], 0.0, bills)

    weights = np.array([-0.36, 0.16, 0.12, -0.34, -0.32]) * rng.uniform(0.7, 1.3, 5)
    deck_side = rng.normal(0, 1.1, (7, 2))
    score = 1.9 * asleep + np.log1p(bills) @ weights + 0.7 * (age < 13) + 0.5 * rng.normal(0, 1, count)[group]
    score += deck_side[deck, side] + rng.normal(0, 0.9, (3, 3))[planet, destination]
    score = score - np.median(score) + rng.logistic(0, 0.55 * noise, size)

    frame = pd.DataFrame({"PassengerId": [f"{g + 1:04d}_{p:02d}" for g, p in zip(group, place, strict=True)]})
    frame["HomePlanet"] = PLANETS[planet]
    frame["CryoSleep"] = asleep
    numbers = rng.integers(0, 1500, count)[group]
    frame["Cabin"] = [f"{DECKS[d]}/{n}/{'PS'[s]}" for d, n, s in zip(deck, numbers, side, strict=True)]
    frame["Destination"] = DESTINATIONS[destination]
    frame["Age"] = age
    frame["VIP"] = rng.random(size) < 0.02
    frame[list(BILLS)] = bills
    frame["Name"] = [_name(rng) for _ in range(size)]
    for column in COLUMNS[1:-1]:
        frame[column] = frame[column].astype(object).where(rng.random(size) > rng.uniform(0.02, 0.04), None)
    frame["Transported"] = score > 0
    return TableExamples(frame[list(COLUMNS)], frame["Transported"].to_numpy())


def _groups(size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The group of each passenger and the number within it, counted from 1."""
    sizes = rng.choice([1, 2, 3, 4, 5], size, p=[0.6, 0.2, 0.1, 0.06, 0.04])
    group = np.repeat(np.arange(size), sizes)[:size]
    first = np.searchsorted(group, group)
    return group, np.arange(size) - first + 1


def _name(rng: np.random.Generator) -> str:
    return f"{''.join(rng.choice(SYLLABLES, 2)).title()} {''.join(rng.choice(SYLLABLES, 3)).title()}"


def real(raw: Path) -> TableExamples:
    """The competition's own passengers."""
    frame = read_table(raw / "train.csv", COLUMNS)
    return TableExamples(frame, frame["Transported"].to_numpy())


def publish(examples: TableExamples, train: Index, hidden: Index, out: Path) -> Published:
    """The three files of the competition."""
    return publish_tables(examples, train, hidden, out, key="PassengerId", targets=["Transported"], blank=False)
