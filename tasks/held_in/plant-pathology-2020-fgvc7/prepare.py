"""Plant pathology: apple leaves with rust (small bright spots), scab (dark blotches), both, or neither."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.archives import find_table, open_folder
from tasks.errors import TaskError
from tasks.pictures import (
    PictureExamples,
    equally_long,
    grid,
    jpeg,
    quantised,
    real_pictures,
    smooth_noise,
    write_pictures,
)
from tasks.source import Index, Published
from tasks.tables import read_table, write_sample

HEIGHT, WIDTH = 32, 48
TARGETS = ("healthy", "multiple_diseases", "rust", "scab")
COLUMNS = ("image_id", *TARGETS)
HEALTHY, BOTH, RUST, SCAB = range(4)
Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Marks:
    """A kind of mark on leaves: how many there are, how large (in half heights), how ragged, which colour, how strong."""

    most: int
    smallest: float
    largest: float
    ragged: float
    colour: tuple[float, float, float]
    strength: tuple[float, float]


@dataclass(frozen=True)
class Leaves:
    """The pictures under way. `inside` is the leaf's mask, `y` and `x` are coordinates in half heights."""

    picture: Floats
    inside: Floats
    y: Floats
    x: Floats


def mini(size: int, noise: float, rng: np.random.Generator) -> PictureExamples:
    """Leaves with marks. Dirt and shine, which any leaf may have, look like the marks in some colour or in size."""
    shares = np.array([0.28, 0.08, 0.34, 0.3]) + rng.uniform(-0.015, 0.015, 4)
    state = rng.choice(4, size, p=shares / shares.sum())
    leaves = _leaves(size, rng)
    orange = rng.normal([0.74, 0.52, 0.16], 0.03)
    olive = rng.normal([0.21, 0.25, 0.13], 0.02)
    faint = rng.uniform(0.45, 0.6)
    rust = Marks(6, 0.09, 0.18, 0.2, (orange[0], orange[1], orange[2]), (faint, 0.95))
    scab = Marks(3, 0.2, 0.4, 0.9, (olive[0], olive[1], olive[2]), (0.8 * faint, 0.75))
    dirt = Marks(2, 0.06, 0.16, 0.3, (0.27, 0.2, 0.13), (0.3, 0.8))
    shine = Marks(2, 0.06, 0.2, 0.5, (0.85, 0.87, 0.72), (0.3, 0.8))
    everyone = np.ones(size, bool)
    for marks, having, least in (
        (dirt, rng.random(size) < 0.5, 1),
        (scab, (state == SCAB) | (state == BOTH), 1),
        (rust, (state == RUST) | (state == BOTH), 1),
        (shine, everyone, 0),
    ):
        _mark(leaves, marks, np.where(having, rng.integers(least, marks.most + 1, size), 0), rng)
    picture = leaves.picture
    contrast, brightness = rng.uniform(0.75, 1.2, size), rng.normal(0.47, 0.06, size)
    picture = (picture - np.float32(0.42)) * _column(contrast)[..., None] + _column(brightness)[..., None]
    picture += _column(rng.uniform(0.015, 0.045, size) * noise)[..., None] * rng.standard_normal(picture.shape, np.float32)
    upright = rng.random(size) < 0.05
    pixels = [each.swapaxes(0, 1) if turned else each for each, turned in zip(quantised(picture), upright, strict=True)]
    files = equally_long([jpeg(np.ascontiguousarray(each)) for each in pixels])
    mistaken = rng.random(size) < 0.03 * noise
    state = np.where(mistaken, rng.choice(4, size, p=shares / shares.sum()), state)
    labels = pd.DataFrame(np.eye(4, dtype=int)[state], columns=list(TARGETS))
    return PictureExamples(labels, files.__getitem__, state)


def _column(values: npt.NDArray[np.generic]) -> Floats:
    """One value a picture, to be spread over its pixels."""
    return values.astype(np.float32).reshape(-1, 1, 1)


def _soft(inside: Floats) -> Floats:
    """A mask from a value that is positive inside of an outline."""
    return 1 / (1 + np.exp(np.clip(-inside, -20, 20)))


def _leaves(size: int, rng: np.random.Generator) -> Leaves:
    """A leaf with veins before blurred greenery."""
    y, x = grid(HEIGHT, WIDTH)
    x = x * np.float32(WIDTH / HEIGHT)
    dy, dx = y - _column(rng.normal(0, 0.15, size)), x - _column(rng.normal(0, 0.2, size))
    angle = rng.uniform(-0.7, 0.7, size)
    along = dx * _column(np.cos(angle)) + dy * _column(np.sin(angle))
    across = dy * _column(np.cos(angle)) - dx * _column(np.sin(angle))
    length, narrow = rng.uniform(1.1, 1.5, size), rng.uniform(1.5, 2.1, size)
    outline = 1 - (along / _column(length)) ** 2 - (across / _column(length / narrow)) ** 2
    inside = _soft(9 * outline)
    veins = np.exp(-((across / 0.05) ** 2)) + 0.35 * np.maximum(0, np.cos(14 * (np.abs(across) - 0.8 * along)))
    leaf = np.array([0.33, 0.47, 0.2]) + rng.normal(0, 0.03, 3)
    green = leaf + rng.normal(0, 0.02, (size, 3)) + rng.uniform(0, 0.09, (size, 1)) * np.array([1, 0.6, 0.0])
    uneven = 0.03 * smooth_noise(rng, size, HEIGHT, WIDTH, 5)
    surface = green.astype(np.float32)[:, None, None, :] + (uneven + _column(rng.uniform(0.02, 0.08, size)) * veins)[..., None]
    behind = rng.normal([0.3, 0.36, 0.2], [0.09, 0.07, 0.06], (size, 3)).astype(np.float32)
    blur = 0.08 * smooth_noise(rng, size, HEIGHT, WIDTH, 3)
    picture = behind[:, None, None, :] + blur[..., None]
    # Fallen leaves and soil behind have the colours of rust and scab.
    warm = _soft(6 * (smooth_noise(rng, size, HEIGHT, WIDTH, 4) - _column(rng.uniform(0.8, 2.5, size))))
    picture += (0.7 * warm)[..., None] * (np.array([0.55, 0.4, 0.2], np.float32) - picture)
    picture += inside[..., None] * (surface - picture)
    return Leaves(picture, inside, along / _column(length), across / _column(length / narrow))


def _mark(leaves: Leaves, marks: Marks, count: npt.NDArray[np.int64], rng: np.random.Generator) -> None:
    """Put `count` marks of a kind on each leaf."""
    rough = np.float32(marks.ragged) * smooth_noise(rng, len(count), HEIGHT, WIDTH, 9)
    colour = np.array(marks.colour, np.float32)
    strength = rng.uniform(*marks.strength, len(count))
    for number in range(marks.most):
        rows = np.flatnonzero(count > number)
        place, turn = np.sqrt(rng.uniform(0, 0.75, len(rows))), rng.uniform(0, 2 * math.pi, len(rows))
        radius = rng.uniform(marks.smallest, marks.largest, len(rows))
        dy = (leaves.y[rows] - _column(place * np.cos(turn))) * np.float32(1.3)
        dx = (leaves.x[rows] - _column(place * np.sin(turn))) * np.float32(0.75)
        mask = _soft(4 * (1 - (dy**2 + dx**2) / _column(radius**2) + rough[rows]))
        mask *= leaves.inside[rows] * _column(strength[rows])
        leaves.picture[rows] += mask[..., None] * (colour - leaves.picture[rows])


def real(raw: Path) -> PictureExamples:
    """The competition's own leaves."""
    table = find_table(raw, "train.csv")
    frame = read_table(table, COLUMNS)
    labels = frame[list(TARGETS)]
    wrong = np.flatnonzero((labels.sum(axis=1) != 1) | ~labels.isin([0, 1]).all(axis=1))
    if len(wrong):
        what = f"{frame['image_id'].iloc[wrong[0]]} has not exactly one state"
        raise TaskError(what, where=str(table), how="use the file as it was downloaded")
    names = [f"{name}.jpg" for name in frame["image_id"]]
    return real_pictures(open_folder(raw, "images"), names, labels, labels.to_numpy(np.int64).argmax(axis=1))


def publish(examples: PictureExamples, train: Index, hidden: Index, out: Path) -> Published:
    """The competition's files: three tables, and the pictures all in one folder."""
    rows, kept = (examples.labels.iloc[index].reset_index(drop=True) for index in (train, hidden))
    rows.insert(0, "image_id", [f"Train_{number}" for number in range(len(rows))])
    kept.insert(0, "image_id", [f"Test_{number}" for number in range(len(kept))])
    write_pictures(examples, train, [out / "images" / f"{name}.jpg" for name in rows["image_id"]])
    write_pictures(examples, hidden, [out / "images" / f"{name}.jpg" for name in kept["image_id"]])
    rows.to_csv(out / "train.csv", index=False)
    kept[["image_id"]].to_csv(out / "test.csv", index=False)
    write_sample(kept["image_id"], TARGETS, 0.25, out)
    return Published(rows, kept.assign(example=np.arange(len(kept))))
