"""Hourly loads of buildings: level, daily profile, weather and slow deviations; each building has one window of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.source import Index, Published
from tasks.tables import write_sample

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
ASKED = np.arange(2, 24, 3)
KINDS = np.array(["office", "school", "shop", "flats", "plant", "clinic"])
COLUMNS = ("row_id", "window", "hour", "kind", "weekday", "month", "holiday", "temperature", "load")


@dataclass(frozen=True)
class LoadExamples:
    """One example a building: `past` and `asked` have a column `example` with its position."""

    past: pd.DataFrame
    asked: pd.DataFrame
    count: int

    @property
    def strata(self) -> None:
        return None

    def __len__(self) -> int:
        return self.count


def mini(size: int, noise: float, rng: np.random.Generator) -> LoadExamples:
    """`size` buildings, each with its past and eight hours of the next day."""
    days = int(rng.integers(3, 6))
    hours = np.arange(-24 * days, 24)
    place = rng.integers(0, 365, size)
    weekday, holiday = rng.integers(0, 7, size), rng.random(size) < 0.06
    day = np.floor_divide(hours, 24)
    free = (weekday[:, None] + day[None, :]) % 7 >= 5
    free = free | (holiday[:, None] & (day == 0)[None, :])
    temperature = _weather(place, hours, rng)

    kinds = int(rng.integers(2, 6))
    kind = rng.choice(kinds, size, p=rng.dirichlet([5.0] * kinds))
    profiles = np.stack([_profile(rng) for _ in range(2 * kinds)]).reshape(kinds, 2, 24)
    profiles[:, 1] = profiles[:, 0] * rng.uniform(0.3, 0.8, (kinds, 1)) + profiles[:, 1] * rng.uniform(0.0, 0.5, (kinds, 1))
    lean = np.exp(rng.normal(0, 0.25, (size, 1)))
    shape = profiles[kind[:, None], free.astype(np.int64), (hours % 24)[None, :]] ** lean
    cold, warm = rng.uniform(10, 17), rng.uniform(19, 24)
    heats = (rng.uniform(0, 0.06, kinds)[kind] * np.exp(rng.normal(0, 0.4, size)))[:, None]
    cools = (rng.uniform(0, 0.09, kinds)[kind] * np.exp(rng.normal(0, 0.4, size)))[:, None]
    whole = shape + heats * np.maximum(cold - temperature, 0) + cools * np.maximum(temperature - warm, 0)
    level = rng.uniform(10, 40) * np.exp(rng.normal(0, rng.uniform(0.25, 0.5), (size, 1)))
    load = level * whole * np.exp(_deviations(size, len(hours), rng) * noise)

    names = np.array([f"W{number}" for number in rng.permutation(9000)[:size] + 1000])
    asked = pd.DataFrame({"example": np.repeat(np.arange(size), len(ASKED)), "hour": np.tile(ASKED, size)})
    owner = asked["example"].to_numpy()
    asked["row_id"] = rng.permutation(5 * len(asked))[: len(asked)] + 1
    asked["window"] = names[owner]
    asked["kind"] = rng.permutation(KINDS)[kind][owner]
    asked["weekday"], asked["holiday"] = weekday[owner], holiday[owner].astype(int)
    asked["month"] = (place[owner] // 30.5).astype(int) + 1
    forecast = temperature[:, 24 * days + ASKED] + rng.normal(0, 0.6, (size, len(ASKED)))
    asked["temperature"] = forecast.ravel().round(1)
    asked["load"] = load[:, 24 * days + ASKED].ravel().round(2)

    known = load[:, : 24 * days]
    known = np.where(rng.random(known.shape) < rng.uniform(0.01, 0.04), np.nan, known)
    past = pd.DataFrame({"example": np.repeat(np.arange(size), 24 * days), "hour": np.tile(hours[: 24 * days], size)})
    past["window"] = names[past["example"].to_numpy()]
    past["load"] = known.ravel().round(2)
    past["temperature"] = temperature[:, : 24 * days].ravel().round(1)
    return LoadExamples(past, asked, size)


def _profile(rng: np.random.Generator) -> Floats:
    """The shape of a day: a ground load, and one or two smooth humps."""
    hour = np.arange(24)
    shape = np.full(24, rng.uniform(0.3, 0.6))
    for _ in range(rng.integers(1, 3)):
        distance = np.abs((hour - rng.uniform(6, 21) + 12) % 24 - 12)
        shape = shape + rng.uniform(0.5, 1.2) * np.exp(-((distance / rng.uniform(2, 5)) ** 2))
    return shape / shape.mean()


def _weather(place: Codes, hours: Codes, rng: np.random.Generator) -> Floats:
    """Temperatures of each building over its window: the season, the hour and slow changes. Shape (buildings, hours)."""
    season = 11 - rng.uniform(8, 12) * np.cos((place - 20) / 365 * 2 * np.pi)
    daily = -rng.uniform(2, 5) * np.cos((hours - 3) % 24 / 24 * 2 * np.pi)
    slow = np.cumsum(rng.normal(0, 0.55, (len(place), len(hours))), axis=1)
    return season[:, None] + daily[None, :] + slow - slow.mean(axis=1, keepdims=True) + rng.normal(0, 3, (len(place), 1))


def _deviations(size: int, length: int, rng: np.random.Generator) -> Floats:
    """Relative deviations of the load: hourly scatter, and an autoregressive part. Shape (buildings, hours)."""
    keeps, fast, slow = rng.uniform(0.85, 0.97), rng.uniform(0.03, 0.07), rng.uniform(0.06, 0.14)
    drift = rng.normal(0, slow, (size, length))
    for hour in range(1, length):
        drift[:, hour] = keeps * drift[:, hour - 1] + np.sqrt(1 - keeps**2) * drift[:, hour]
    return drift + rng.normal(0, fast, (size, length))


def publish(examples: LoadExamples, train: Index, hidden: Index, out: Path) -> Published:
    """history.csv, train.csv, test.csv and sample_submission.csv."""
    known, asked = _rows(examples.asked, train), _rows(examples.asked, hidden)
    # The order of the buildings in the history tells nothing: by name.
    past = examples.past.sort_values(["window", "hour"])[["window", "hour", "load", "temperature"]]
    past.to_csv(out / "history.csv", index=False)
    known[list(COLUMNS)].to_csv(out / "train.csv", index=False)
    asked[list(COLUMNS[:-1])].to_csv(out / "test.csv", index=False)
    write_sample(asked["row_id"], ["load"], 0.0, out)
    return Published(known[["row_id", "load"]], asked[["row_id", "load", "example"]])


def _rows(asked: pd.DataFrame, index: Index) -> pd.DataFrame:
    """The rows of these examples in their order; `example` becomes the position in the index."""
    place = np.full(int(asked["example"].max()) + 1, -1)
    place[index] = np.arange(len(index))
    rows = asked[np.isin(asked["example"].to_numpy(), index)].assign(example=lambda frame: place[frame["example"].to_numpy()])
    return rows.sort_values(["example", "hour"]).reset_index(drop=True)
