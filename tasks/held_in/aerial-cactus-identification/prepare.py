"""Aerial cactus identification: desert ground, ribbed columns, and shrubs and rocks that look like them from afar."""

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

EDGE = 32
COLUMNS = ("id", "has_cactus")
NOTHING, SHRUB, ROCK, CACTUS = range(4)
Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Look:
    """How one variant's things look: colours (RGB 0 to 1), ribs of the cactus, direction of the light."""

    sand: Floats
    growth: Floats
    colours: Floats
    spread: Floats
    ribs: float
    light: float


def mini(size: int, noise: float, rng: np.random.Generator) -> PictureExamples:
    """Pictures with up to three things on the ground; a cactus is known by its ribs and its long shape, hardly by colour."""
    look = _look(rng)
    shown = rng.random(size) < rng.uniform(0.64, 0.76)
    things = rng.choice([NOTHING, SHRUB, ROCK], (size, 3), p=[0.4, 0.4, 0.2])
    things[shown, rng.integers(0, 3, shown.sum())] = CACTUS
    picture = _ground(size, look, rng)
    for kinds in things.T:
        _draw(picture, kinds, look, rng)
    contrast, brightness = rng.uniform(0.75, 1.2, size), rng.normal(0.5, 0.06, size)
    grain = rng.uniform(0.01, 0.05, size) * noise
    picture = (picture - np.float32(0.5)) * _column(contrast)[..., None] + _column(brightness)[..., None]
    picture += _column(grain)[..., None] * rng.standard_normal(picture.shape, np.float32)
    mistaken = rng.random(size) < 0.025 * noise
    labels = pd.DataFrame({"id": _names(size, rng), "has_cactus": (shown ^ mistaken).astype(int)})
    files = equally_long([jpeg(pixels) for pixels in quantised(picture)])
    return PictureExamples(labels, files.__getitem__, labels["has_cactus"].to_numpy())


def _look(rng: np.random.Generator) -> Look:
    green = np.array([0.36, 0.44, 0.28]) + rng.normal(0, 0.02, 3)
    colours = np.stack([green, green + rng.normal(0, 0.035, 3), np.array([0.5, 0.45, 0.4]), green])
    return Look(
        sand=(np.array([0.7, 0.6, 0.47]) + rng.normal(0, 0.03, 3)).astype(np.float32),
        growth=(np.array([0.5, 0.5, 0.34]) + rng.normal(0, 0.03, 3)).astype(np.float32),
        colours=colours.astype(np.float32),
        spread=np.array([0.0, 0.05, 0.06, 0.035], np.float32),
        ribs=float(rng.uniform(0.13, 0.2)),
        light=float(rng.uniform(0, 2 * np.pi)),
    )


def _ground(size: int, look: Look, rng: np.random.Generator) -> Floats:
    """Sand with patches of low growth. Shape (size, EDGE, EDGE, 3)."""
    patches = smooth_noise(rng, size, EDGE, EDGE, 4) + 0.7 * smooth_noise(rng, size, EDGE, EDGE, 11)
    level = _column(rng.normal(-0.3, 0.7, size))
    share = 1 / (1 + np.exp(-2.5 * (patches + level)))[..., None]
    ground = look.sand * (1 - share) + look.growth * share
    return ground + 0.03 * smooth_noise(rng, size, EDGE, EDGE, 16)[..., None]


def _column(values: npt.NDArray[np.generic]) -> Floats:
    """One value a picture, to be spread over its pixels. Shape (size, 1, 1)."""
    return values.astype(np.float32).reshape(-1, 1, 1)


def _draw(picture: Floats, kinds: npt.NDArray[np.int64], look: Look, rng: np.random.Generator) -> None:
    """Draw one thing (or nothing) into each picture."""
    size = len(kinds)
    y, x = grid(EDGE, EDGE)

    centre = rng.uniform(-0.75, 0.75, (2, size))
    angle = rng.uniform(0, np.pi, size)
    length = np.select([kinds == CACTUS, kinds == SHRUB], [rng.uniform(0.4, 0.7, size), rng.uniform(0.25, 0.55, size)], 0.3)
    narrow = np.where(kinds == CACTUS, rng.uniform(1.8, 3.2, size), rng.uniform(1.0, 2.5, size))
    dy, dx = y - _column(centre[0]), x - _column(centre[1])
    cosine, sine = _column(np.cos(angle)), _column(np.sin(angle))
    along = (dx * cosine + dy * sine) / _column(length)
    across = (dy * cosine - dx * sine) / _column(length / narrow)
    ragged = np.where(kinds == SHRUB, 0.3, 0.1)
    rough = smooth_noise(rng, size, EDGE, EDGE, 8)
    outline = along**2 + across**2 + _column(ragged) * rough
    mask = _column(kinds != NOTHING) / (1 + np.exp(np.clip(9 * (outline - 1), -30, 30)))

    shade_y, shade_x = dy - 0.12 * math.sin(look.light), dx - 0.12 * math.cos(look.light)
    reach = ((shade_x * cosine + shade_y * sine) / _column(length)) ** 2
    reach += ((shade_y * cosine - shade_x * sine) / _column(length / narrow)) ** 2
    shadow = _column(kinds != NOTHING) * _column(rng.uniform(0.1, 0.4, size)) / (1 + np.exp(np.clip(6 * (reach - 1), -30, 30)))

    stripes = np.cos(across * _column(rng.uniform(4.5, 6.5, size)) + _column(rng.uniform(-0.6, 0.6, size)))
    strength = look.ribs * rng.uniform(0.5, 1.3, size)
    texture = np.where(_column(kinds == CACTUS) > 0, _column(strength) * stripes, 0.07 * rough)
    colour = look.colours[kinds] + look.spread[kinds, None] * rng.standard_normal((size, 3), np.float32)
    picture *= (1 - shadow)[..., None]
    picture += mask[..., None] * (colour[:, None, None, :] + texture[..., None] - picture)


def _names(size: int, rng: np.random.Generator) -> list[str]:
    return [f"{digits.hex()}.jpg" for digits in (rng.bytes(16) for _ in range(size))]


def real(raw: Path) -> PictureExamples:
    """The competition's own pictures."""
    table = find_table(raw, "train.csv")
    labels = read_table(table, COLUMNS)
    if not labels["has_cactus"].isin([0, 1]).all():
        raise TaskError("has_cactus is neither 0 nor 1 in a row", where=str(table), how="use the file as it was downloaded")
    return real_pictures(open_folder(raw, "train"), labels["id"].tolist(), labels, labels["has_cactus"].to_numpy())


def publish(examples: PictureExamples, train: Index, hidden: Index, out: Path) -> Published:
    """The competition's files: two tables and two folders of pictures."""
    rows, kept = (examples.labels.iloc[index].reset_index(drop=True) for index in (train, hidden))
    write_pictures(examples, train, [out / "train" / name for name in rows["id"]])
    write_pictures(examples, hidden, [out / "test" / name for name in kept["id"]])
    rows.to_csv(out / "train.csv", index=False)
    write_sample(kept["id"], ["has_cactus"], 0.5, out)
    return Published(rows, kept.assign(example=np.arange(len(kept))))
