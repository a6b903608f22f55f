"""Dogs against cats: heads with ears, a muzzle and eyes, of several breeds each, in pictures of all sizes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.archives import open_folder
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
from tasks.tables import write_sample

EDGE = 40
SMALLEST = 30
SPECIES = np.array(["cat", "dog"])
BREEDS = 4
Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Animals:
    """What is drawn, one value a picture, each of shape (size, 1, 1); `coat` has shape (size, 1, 1, 3).

    Lengths are in half picture edges. `pointed` 1 is a triangle of an ear, 0 a hanging oval.
    """

    pointed: Floats
    ear_length: Floats
    ear_width: Floats
    apart: Floats
    muzzle: Floats
    eyes: Floats
    stripes: Floats
    wide: Floats
    coat: Floats


def mini(size: int, noise: float, rng: np.random.Generator) -> PictureExamples:
    """Heads of four breeds of cats and four of dogs; no one trait tells the species, their combination nearly does."""
    dog = rng.integers(0, 2, size)
    picture = _pictures(_animals(dog, rng), rng)
    contrast, brightness = rng.uniform(0.6, 1.15, size), rng.normal(0.5, 0.08, size)
    picture = (picture - np.float32(0.5)) * _column(contrast)[..., None] + _column(brightness)[..., None]
    picture += _column(rng.uniform(0.01, 0.05, size) * noise)[..., None] * rng.standard_normal(picture.shape, np.float32)
    heights, widths = rng.integers(SMALLEST, EDGE + 1, (2, size))
    top, left = rng.integers(0, EDGE - heights + 1), rng.integers(0, EDGE - widths + 1)
    boxes = zip(quantised(picture), top, left, heights, widths, strict=True)
    files = equally_long([jpeg(pixels[t : t + h, x : x + w]) for pixels, t, x, h, w in boxes])
    label = dog ^ (rng.random(size) < 0.04 * noise)
    return PictureExamples(pd.DataFrame({"label": label}), files.__getitem__, label)


def _column(values: npt.NDArray[np.generic]) -> Floats:
    """One value a picture, to be spread over its pixels."""
    return values.astype(np.float32).reshape(-1, 1, 1)


def _animals(dog: npt.NDArray[np.int64], rng: np.random.Generator) -> Animals:
    """Draw the traits of each picture's animal around those of its breed, and the breeds around the species."""
    size, shape = len(dog), (2, BREEDS)
    species = np.array([[0.0], [1.0]])
    # The first breed of each species has the other's ears, so that ears alone deceive.
    pointed = np.clip(1 - species + rng.normal(0, 0.12, shape), 0, 1)
    pointed[:, 0] = 1 - pointed[:, 0]
    traits = {
        "pointed": (pointed, 0.08),
        "ear_length": (0.40 + 0.05 * species + rng.normal(0, 0.05, shape), 0.05),
        "ear_width": (0.22 + rng.normal(0, 0.02, shape), 0.02),
        "apart": (0.42 + rng.normal(0, 0.05, shape), 0.04),
        "muzzle": (0.22 + 0.11 * species + rng.normal(0, 0.03, shape), 0.04),
        "eyes": (0.13 - 0.035 * species + rng.normal(0, 0.01, shape), 0.015),
        "stripes": (np.maximum(0, 0.09 - 0.06 * species + rng.normal(0, 0.05, shape)), 0.02),
        "wide": (1.0 + 0.03 * species + rng.normal(0, 0.06, shape), 0.06),
    }
    breed = rng.choice(BREEDS, size, p=[0.16, 0.3, 0.28, 0.26])
    drawn = {name: _column(mean[dog, breed] + rng.normal(0, spread, size)) for name, (mean, spread) in traits.items()}
    coats = np.array([0.55, 0.45, 0.36]) + rng.normal(0, 0.11, (2, BREEDS, 1)) + rng.normal(0, 0.04, (2, BREEDS, 3))
    coat = coats[dog, breed] + rng.normal(0, 0.09, (size, 1)) + rng.normal(0, 0.02, (size, 3))
    return Animals(**drawn, coat=np.clip(coat, 0.12, 0.9).astype(np.float32)[:, None, None, :])


def _pictures(animals: Animals, rng: np.random.Generator) -> Floats:
    """Shape (size, EDGE, EDGE, 3), brightness about 0 to 1."""
    size = len(animals.coat)
    y, x = grid(EDGE, EDGE)
    scale = _column(rng.uniform(0.5, 0.75, size))
    tilt = rng.normal(0, 0.18, size)
    cosine, sine = _column(np.cos(tilt)), _column(np.sin(tilt))
    dy, dx = (y - _column(rng.normal(0.15, 0.1, size))) / scale, (x - _column(rng.normal(0, 0.13, size))) / scale
    up, side = dy * cosine - dx * sine, dx * cosine + dy * sine
    across = np.abs(side)

    background = rng.uniform(0.2, 0.8, (size, 1, 1, 1)) + rng.normal(0, 0.08, (size, 1, 1, 3))
    clutter = rng.uniform(0.03, 0.12, (2, size))
    scenery = _column(clutter[0]) * smooth_noise(rng, size, EDGE, EDGE, 5)
    scenery += _column(clutter[1]) * (smooth_noise(rng, size, EDGE, EDGE, 9) > 0.9)
    picture = background.astype(np.float32) + scenery[..., None]

    length, width, apart = animals.ear_length, animals.ear_width, animals.apart
    height = -0.55 - up
    triangle = np.minimum(height + 0.3, (1 - height / (2.4 * length)) * 1.5 * width - np.abs(across - apart)) / 0.06
    hanging = (1 - ((across - 1.0) / width) ** 2 - ((up + 0.1) / (1.35 * length)) ** 2) * 4
    ear = np.maximum(_soft(triangle) * animals.pointed, _soft(hanging) * (1 - animals.pointed))
    fur = 0.04 * smooth_noise(rng, size, EDGE, EDGE, 18)
    fur += animals.stripes * np.cos(up * 9 + 2 * across)
    coat = animals.coat + fur[..., None]
    _paint(picture, ear, coat * np.float32(0.72))
    _paint(picture, _soft((1 - up**2 - (side / animals.wide) ** 2) * 5), coat)
    _paint(
        picture,
        _soft((1 - ((up - 0.42) / (0.9 * animals.muzzle)) ** 2 - (side / (1.3 * animals.muzzle)) ** 2) * 4),
        coat * np.float32(1.22),
    )
    dark = np.full((1, 1, 1, 3), 0.08, np.float32)
    _paint(picture, _soft((1 - ((up + 0.12) ** 2 + (across - 0.38) ** 2) / animals.eyes**2) * 4), dark)
    _paint(picture, _soft((1 - ((up - 0.34) ** 2 + side**2) / (0.4 * animals.muzzle) ** 2) * 4), dark)
    return picture


def _soft(inside: Floats) -> Floats:
    """A mask from a value that is positive inside of an outline."""
    return 1 / (1 + np.exp(np.clip(-inside, -20, 20)))


def _paint(picture: Floats, mask: Floats, colour: Floats) -> None:
    picture += mask[..., None] * (colour - picture)


def real(raw: Path) -> PictureExamples:
    """The competition's own pictures; the label is in the file's name."""
    folder = open_folder(raw, "train")
    names = [name for name in folder.names if name.endswith(".jpg")]
    species = [re.fullmatch(r"(cat|dog)\.\d+\.jpg", name) for name in names]
    for name, found in zip(names, species, strict=True):
        if found is None:
            raise TaskError("the file is called neither cat.N.jpg nor dog.N.jpg", where=folder.where(name), how="remove it")
    label = np.array([int(found[1] == "dog") for found in species if found is not None], np.int64)
    if len(set(label.tolist())) < 2:
        raise TaskError("there are not pictures of both cats and dogs", where=str(folder.place), how="unpack it completely")
    return real_pictures(folder, names, pd.DataFrame({"label": label}), label)


def publish(examples: PictureExamples, train: Index, hidden: Index, out: Path) -> Published:
    """The competition's files: `train/cat.0.jpg` and so on, `test/1.jpg` and so on, the sample submission."""
    label, kept = (examples.labels["label"].to_numpy()[index] for index in (train, hidden))
    number = np.where(label == 1, np.cumsum(label == 1), np.cumsum(label == 0)) - 1
    names = [f"{SPECIES[one]}.{n}" for one, n in zip(label, number, strict=True)]
    write_pictures(examples, train, [out / "train" / f"{name}.jpg" for name in names])
    asked = pd.Series(np.arange(1, len(kept) + 1), name="id")
    write_pictures(examples, hidden, [out / "test" / f"{name}.jpg" for name in asked])
    write_sample(asked, ["label"], 0.5, out)
    return Published(
        pd.DataFrame({"id": names, "label": label}),
        pd.DataFrame({"id": asked, "label": kept, "example": np.arange(len(kept))}),
    )
