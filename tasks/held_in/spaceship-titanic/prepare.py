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
SYLLABLES = np.array(["al", "be", "cor", "dra", "el", "fin", "gol", "hes", "il", "jur", "ka", "lon", "mir", "no", "os", "pel"])
# The cabins of a deck are numbered from bow to stern; so many sections share a fate.
CABINS, SECTIONS = 1800, 6


def mini(size: int, noise: float, rng: np.random.Generator) -> TableExamples:
    """Passengers whose fate hangs on sleep, the balance of their bills, deck x side, ship section and planet x destination."""
    group, place = _groups(size, rng)
    count = group.max() + 1
    planet = rng.choice(3, count, p=rng.dirichlet([8, 4, 4]))[group]
    destination = np.where(
        rng.random(size) < 0.8, rng.choice(3, count, p=rng.dirichlet([9, 3, 2]))[group], rng.integers(0, 3, size)
    )
    deck, side, number = (
        rng.integers(0, 7, count)[group],
        rng.integers(0, 2, count)[group],
        rng.integers(0, CABINS, count)[group],
    )
    asleep = rng.random(size) < rng.uniform(0.25, 0.4)
    age = np.clip(rng.gamma(4.0, 7.5, size), 0, 79).round()
    rich = rng.normal(0, 1, size) + (planet == 1)
    zero = rng.random((size, 5)) < 0.4
    bills = np.expm1(np.clip(rng.normal(4.4 + 0.9 * rich[:, None], 1.6, (size, 5)), 0, 10)).round()
    bills = np.where(zero | asleep[:, None] | (age < 13)[:, None], 0.0, bills)

    score = _score(bills, asleep, age, rng) + rng.normal(0, 0.6, count)[group]
    score += rng.normal(0, 1.3, (7, 2))[deck, side] + rng.normal(0, 1.1, (3, 3))[planet, destination]
    section = (number * SECTIONS) // CABINS
    score += rng.permutation(np.linspace(-1.3, 1.3, SECTIONS))[section]
    score = score - np.median(score) + rng.logistic(0, 0.6 * noise, size)

    frame = pd.DataFrame({"PassengerId": [f"{g + 1:04d}_{p:02d}" for g, p in zip(group, place, strict=True)]})
    frame["HomePlanet"] = PLANETS[planet]
    frame["CryoSleep"] = asleep
    frame["Cabin"] = [f"{'ABCDEFG'[d]}/{n}/{'PS'[s]}" for d, n, s in zip(deck, number, side, strict=True)]
    frame["Destination"] = DESTINATIONS[destination]
    frame["Age"] = age
    frame["VIP"] = rng.random(size) < 0.02
    frame[list(BILLS)] = bills
    names = SYLLABLES[rng.integers(0, len(SYLLABLES), (size, 5))]
    frame["Name"] = [f"{a}{b}".title() + " " + f"{c}{d}{e}".title() for a, b, c, d, e in names]
    for column in COLUMNS[1:-1]:
        frame[column] = frame[column].astype(object).where(rng.random(size) > rng.uniform(0.02, 0.04), None)
    frame["Transported"] = score > 0
    return TableExamples(frame[list(COLUMNS)], frame["Transported"].to_numpy())


def _score(bills: np.ndarray, asleep: np.ndarray, age: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What the passengers' own columns say: luxuries against needs, in logarithms of their sums; sleep; childhood."""
    luxury = np.log1p(bills[:, [0, 3, 4]].sum(axis=1))
    needs = np.log1p(bills[:, [1, 2]].sum(axis=1))
    balance = rng.uniform(0.5, 0.7) * needs - rng.uniform(0.6, 0.8) * luxury
    steady = rng.uniform(0.4, 0.8) * np.sin(age / rng.uniform(7.0, 11.0)) * (age >= 13)
    return balance + 1.2 * asleep + 0.8 * (age < 13) + steady


def _groups(size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The group of each passenger and the number within it, counted from 1."""
    sizes = rng.choice([1, 2, 3, 4, 5], size, p=[0.6, 0.2, 0.1, 0.06, 0.04])
    group = np.repeat(np.arange(size), sizes)[:size]
    first = np.searchsorted(group, group)
    return group, np.arange(size) - first + 1


def real(raw: Path) -> TableExamples:
    """The competition's own passengers."""
    frame = read_table(raw / "train.csv", COLUMNS)
    return TableExamples(frame, frame["Transported"].to_numpy())


def publish(examples: TableExamples, train: Index, hidden: Index, out: Path) -> Published:
    """The three files of the competition."""
    return publish_tables(examples, train, hidden, out, key="PassengerId", targets=["Transported"], blank=False)
