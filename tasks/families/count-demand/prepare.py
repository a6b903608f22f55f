"""Counts of hires per station and day: a product of exposure, seasons, weather and price, with more scatter than Poisson's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.source import Index, Published
from tasks.tables import TableExamples, publish_tables

Floats = npt.NDArray[np.float64]
HOLES = ("competitor_price", "temperature", "rain", "web_visits", "bicycles")


def mini(size: int, noise: float, rng: np.random.Generator) -> TableExamples:
    """Station days drawn from two to three years, no day of a station twice."""
    sites, days = int(rng.integers(4, 12)), int(rng.integers(730, 1096))
    drawn = rng.permutation(sites * days)[:size]
    site, day = drawn % sites, drawn // sites
    date = pd.Timestamp(2018, 1, 1) + pd.to_timedelta(rng.integers(0, 1400) + day, unit="D")
    weekday, place = date.day_of_week.to_numpy(), date.day_of_year.to_numpy() / 365.25 * 2 * np.pi
    holiday = (rng.random(days) < 0.035)[day]
    like_sunday = np.where(holiday, 6, weekday)

    season = -np.cos(place - rng.normal(0.35, 0.15))
    temperature = 12 + 9 * season + rng.normal(0, 3.5, days)[day] + rng.normal(0, 0.8, size)
    rain = np.where(rng.random(days) < 0.4, rng.gamma(0.9, 6, days), 0)[day]
    hours = np.clip(rng.normal(rng.uniform(7, 12, sites)[site], 2.2), 2, 16).round()
    promotion = rng.random(size) < rng.uniform(0.1, 0.3)
    price = rng.uniform(2.0, 4.5, sites)[site] * np.exp(rng.normal(0, 0.14, size)) * np.where(promotion, 0.85, 1)
    rival = rng.uniform(2.0, 4.5, sites)[site] * np.exp(rng.normal(0, 0.15, size))

    rate = rng.uniform(0.5, 1.0) * np.log(hours / 9) + rng.normal(0, 0.45, sites)[site]
    rate += _calendar(like_sunday, place, day / days, site, rng)
    best, width = rng.uniform(15, 22), rng.uniform(8, 13)
    rate -= rng.uniform(0.3, 0.8) * ((temperature - best) / width) ** 2
    weekend = like_sunday >= 5
    rate -= rng.uniform(0.1, 0.3) * np.log1p(rain) * np.where(weekend, rng.uniform(1.2, 2.2), 0.6)
    rate -= rng.uniform(0.5, 1.8) * np.log(price / rival)
    works = (rng.random(7) < 0.5)[weekday]
    rate += rng.uniform(0.4, 0.8) * (promotion & works)
    rate = rate - rate.mean() + np.log(np.exp(rng.uniform(np.log(5), np.log(60))))
    demand = rng.poisson(np.exp(rate + rng.normal(0, 0.24 * noise, size)))
    ready = np.maximum(rng.poisson(np.exp(rate).mean() * rng.uniform(0.9, 1.6, sites)[site]), 1)
    if rng.random() < 0.5:
        demand = np.minimum(demand, ready)

    frame = pd.DataFrame({"entry": rng.permutation(7 * size)[:size] + 1, "date": date.strftime("%Y-%m-%d")})
    frame["site"] = np.array([f"S{number}" for number in rng.permutation(90)[:sites] + 10])[site]
    frame["hours_open"] = hours
    frame["bicycles"] = ready
    frame["price"], frame["competitor_price"] = price.round(2), rival.round(2)
    frame["promotion"], frame["holiday"] = promotion.astype(int), holiday.astype(int)
    frame["temperature"], frame["rain"] = temperature.round(1), rain.round(1)
    frame["wind"] = rng.gamma(3, 1.5, size).round(1)
    frame["web_visits"] = rng.poisson(np.exp(2.5 + 0.25 * (rate - rate.mean()) + rng.normal(0, 0.6, size)))
    for name in HOLES:
        frame[name] = np.where(rng.random(size) < rng.uniform(0.02, 0.1), np.nan, frame[name].to_numpy(np.float64))
    frame["demand"] = demand
    return TableExamples(frame)


def _calendar(
    weekday: npt.NDArray[np.int64], place: Floats, share: Floats, site: npt.NDArray[np.int64], rng: np.random.Generator
) -> Floats:
    """Weeks (of two groups of stations), waves over the year and a trend, on the logarithmic scale."""
    weeks = rng.normal(0, 0.15, (2, 7))
    weeks[:, 5:] += rng.choice([-1, 1], (2, 1)) * rng.uniform(0.25, 0.7, (2, 1))
    group = rng.integers(0, 2, site.max() + 1)[site]
    effect = weeks[group, weekday]
    for wave in range(1, int(rng.integers(2, 5))):
        effect = effect + rng.uniform(0.1, 0.5) / wave**0.5 * np.cos(wave * (place - rng.uniform(0, 2 * np.pi)))
    return effect + rng.uniform(-0.6, 0.8) * share


def publish(examples: TableExamples, train: Index, hidden: Index, out: Path) -> Published:
    """train.csv, test.csv and sample_submission.csv."""
    return publish_tables(examples, train, hidden, out, key="entry", targets=["demand"], blank=0.0)
