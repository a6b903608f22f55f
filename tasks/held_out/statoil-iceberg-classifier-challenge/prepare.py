"""Ships and icebergs: two radar channels of a patch of sea with one object in it, and the angle they were taken at."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.errors import TaskError
from tasks.source import Index, Published
from tasks.tables import write_sample

Floats = npt.NDArray[np.float64]

KEYS = ("id", "band_1", "band_2", "inc_angle", "is_iceberg")
EDGE = 16
MISSING = "na"


@dataclass(frozen=True)
class Objects:
    """`records` are those of train.json, `labels` their classes (0 or 1)."""

    records: list[dict[str, Any]]
    labels: npt.NDArray[np.int64]

    @property
    def strata(self) -> npt.NDArray[np.generic]:
        return self.labels

    def __len__(self) -> int:
        return len(self.records)


def mini(size: int, noise: float, rng: np.random.Generator) -> Objects:
    """Objects that differ in form, in the contrast of the two channels, and in how their echo changes with the angle."""
    labels = (rng.permutation(size) < rng.uniform(0.44, 0.5) * size).astype(np.int64)
    ice = labels[:, None, None]
    angle = np.clip(rng.normal(39, 3.8, size), 24, 46)
    tilt = (angle[:, None, None] - 39) / 4
    # Rough sea is brighter in both channels, and steep angles darken it; neither tells what floats on it.
    rough = rng.normal(0, 1.6, (size, 1, 1))

    body, points = _bodies(labels, noise, rng)
    strength = rng.normal(13, 3.0 * noise**0.5, (size, 1, 1))
    # Ice scatters from within, steel from its corners: the second channel keeps more of the echo of ice.
    loss = np.where(ice, rng.uniform(4.0, 5.5), rng.uniform(6.5, 8.5)) + rng.normal(0, 2.6 * noise, (size, 1, 1))
    swing = np.where(ice, rng.uniform(-2.5, -1.0), rng.uniform(0.5, 1.5)) * tilt
    bands: list[Floats] = []
    for sea, fall, echo in ((-22.0, 1.6, strength + swing), (-28.0, 0.7, strength - loss + 4.0)):
        clutter = 10 ** ((sea + rough - fall * tilt + rng.normal(0, 0.5, (size, 1, 1))) / 10)
        signal = 10 ** ((sea + echo) / 10) * (body + points * (1 if sea > -25 else rng.uniform(0.3, 0.7)))
        looks = 3.0 / noise
        bands.append(10 * np.log10((clutter + signal) * rng.gamma(looks, 1 / looks, body.shape) + 1e-5))
    return Objects(_records(np.stack(bands), angle, labels, rng), labels)


def _bodies(labels: Index, noise: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """The extended echo of each object and its bright points, about 0 to 1; shapes (objects, EDGE, EDGE)."""
    shape = (len(labels), 1, 1)
    ice = labels[:, None, None]
    y = np.arange(EDGE)[None, :, None] - (EDGE - 1) / 2 - rng.normal(0, 1.3, shape)
    x = np.arange(EDGE)[None, None, :] - (EDGE - 1) / 2 - rng.normal(0, 1.3, shape)
    turn = rng.uniform(0, np.pi, shape)
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)

    # Small ships and long icebergs exist; only most ships are slender.
    length = rng.gamma(9, 0.27, shape)
    slender = np.exp(np.where(ice, rng.normal(0.22, 0.22, shape), rng.normal(0.75, 0.33, shape)))
    wide = np.maximum(length / slender, 0.6)
    bearing = np.arctan2(across, along)
    ragged = 1 + np.where(ice, 0.3, 0.1) * np.cos(3 * bearing + rng.uniform(0, 6.28, shape)) * rng.random(shape)
    away = np.hypot(along / length, across / wide) / ragged
    soft = np.where(ice, rng.uniform(1.6, 2.4, shape), rng.uniform(2.2, 3.4, shape))
    body = np.exp(-(away**soft)) * np.where(ice, 1.0, 0.55)

    # Corners of a ship, in a row along its deck, sometimes with the cross that a strong echo leaves; some ice has facets.
    points = np.zeros(body.shape)
    for _ in range(3):
        place = rng.uniform(-0.8, 0.8, shape) * length
        bright = rng.gamma(1.2, 0.9, shape) * np.where(ice, rng.random(shape) < 0.2 * noise, rng.random(shape) < 0.6)
        points += bright * np.exp(-((along - place) ** 2 + across**2) / 0.8)
    lobes = (rng.random(shape) < np.where(ice, 0.04 * noise, 0.25)) * 0.2
    points += lobes * (np.exp(-(y**2) * 2) + np.exp(-(x**2) * 2))
    return body, points


def _records(bands: Floats, angle: Floats, labels: Index, rng: np.random.Generator) -> list[dict[str, Any]]:
    """The records of the competition's file, decibels with one decimal."""
    size = len(labels)
    numbers = rng.choice(2**32, size, replace=False)
    unknown = rng.random(size) < 0.05
    decibels = (bands.reshape(2, size, -1) * 10).round() / 10
    return [
        {
            "id": f"{numbers[place]:08x}",
            "band_1": decibels[0, place].tolist(),
            "band_2": decibels[1, place].tolist(),
            "inc_angle": MISSING if unknown[place] else round(float(angle[place]), 4),
            "is_iceberg": int(labels[place]),
        }
        for place in range(size)
    ]


def real(raw: Path) -> Objects:
    """The competition's labelled objects. Those without an angle are left out: all of them are ships."""
    path = raw / "train.json"
    if not path.is_file():
        raise TaskError("train.json is missing", where=str(raw), how="unpack train.json.7z and put train.json there")
    try:
        records = cast("list[dict[str, Any]]", json.loads(path.read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise TaskError(f"the file cannot be read: {error}", where=str(path), how="unpack train.json.7z again") from None
    for number, record in enumerate(records, 1):
        _check(record, f"{path}, record {number}")
    records = [record for record in records if record["inc_angle"] != MISSING]
    return Objects(records, np.array([record["is_iceberg"] for record in records], np.int64))


def _check(record: dict[str, Any], where: str) -> None:
    how = "use the file as it was downloaded"
    missing = [key for key in KEYS if key not in record]
    if missing:
        raise TaskError(f"the record has no {missing[0]!r}", where=where, how=how)
    pixels = len(record["band_1"])
    if round(pixels**0.5) ** 2 != pixels or len(record["band_2"]) != pixels:
        raise TaskError("the two bands are not squares of the same size", where=where, how=how)
    if record["is_iceberg"] not in (0, 1):
        raise TaskError(f"is_iceberg is {record['is_iceberg']!r}, not 0 or 1", where=where, how=how)


def publish(examples: Objects, train: Index, hidden: Index, out: Path) -> Published:
    """train.json, test.json without the class, and a sample submission."""
    rows = [examples.records[place] for place in train]
    kept = [{key: examples.records[place][key] for key in KEYS[:-1]} for place in hidden]
    for name, records in (("train", rows), ("test", kept)):
        (out / f"{name}.json").write_text(json.dumps(records, separators=(",", ":")), "utf-8")
    labels = pd.DataFrame({"id": [record["id"] for record in examples.records], "is_iceberg": examples.labels})
    asked = labels.iloc[hidden].reset_index(drop=True)
    write_sample(asked["id"], ["is_iceberg"], 0.5, out)
    return Published(labels.iloc[train].reset_index(drop=True), asked.assign(example=np.arange(len(asked))))
