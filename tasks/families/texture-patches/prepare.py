"""Texture patches: filtered noise whose band, directions and tone curve are the material."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image

from tasks.source import Index, Published
from tasks.tables import write_sample

MATERIALS = ("bark", "cloth", "gravel", "reed", "water")
SIDE = 24
CURVES = 4

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Patches:
    """Grey images, shape (rows, SIDE, SIDE), with the number of their material and a file name each."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    names: npt.NDArray[np.str_]

    @property
    def strata(self) -> npt.NDArray[np.generic]:
        return self.labels

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Traits:
    """What makes a material: one value each. `radius` in cycles a pixel, `angle` in radians, `lobes` 0 has no direction."""

    radius: Floats
    width: Floats
    angle: Floats
    sharpness: Floats
    lobes: npt.NDArray[np.int64]
    curve: npt.NDArray[np.int64]


def mini(size: int, noise: float, rng: np.random.Generator) -> Patches:
    """Patches of five materials under changing light, some with a corner of another one."""
    traits = _materials(rng)
    labels = rng.choice(5, size, p=0.1 + 0.5 * rng.dirichlet([6] * 5))
    labels[:25] = np.arange(25) % 5
    texture = _textures(traits, labels, noise, rng)
    mixed = np.flatnonzero(rng.random(size) < 0.4 * noise)
    other = (labels[mixed] + rng.integers(1, 5, len(mixed))) % 5
    texture[mixed] = np.where(_corners(len(mixed), rng), _textures(traits, other, noise, rng), texture[mixed])

    light = (rng.normal(0, 9, 5)[labels] + rng.normal(0, 22, size))[:, None, None]
    contrast = np.exp(rng.normal(0, 0.12, 5)[labels] + rng.normal(0, 0.35, size))[:, None, None]
    direction, slope = rng.uniform(0, 2 * np.pi, size), rng.gamma(2.0, 0.5, size)
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    gradient = slope[:, None, None] * (np.cos(direction)[:, None, None] * x + np.sin(direction)[:, None, None] * y)
    grain = rng.normal(0, 1, texture.shape) * (19 * noise * np.exp(rng.normal(0, 0.3, size)))[:, None, None]
    images = np.clip(128 + light + gradient + 30 * contrast * texture + grain, 0, 255).astype(np.uint8)
    names = np.array([f"p{number:05d}" for number in rng.choice(100_000, size, replace=False)])
    return Patches(images, labels, names)


def _materials(rng: np.random.Generator) -> Traits:
    """Three bases; two materials are like a base but for one trait. Which name gets which is drawn too."""
    radius = np.exp(rng.uniform(np.log(0.08), np.log(0.3), 5))
    width = rng.uniform(0.2, 0.5, 5)
    angle = rng.uniform(0, np.pi, 5)
    sharpness = rng.uniform(1.5, 5.0, 5)
    lobes = rng.choice([0, 1, 1, 2], 5)
    curve = rng.integers(0, CURVES, 5)
    for copy, base in ((3, 0), (4, int(rng.integers(0, 3)))):
        for values in (radius, width, angle, sharpness, lobes, curve):
            values[copy] = values[base]
        trait = int(rng.integers(0, 3))
        if trait == 0:
            radius[copy] *= float(rng.choice([0.68, 1.45]))
        elif trait == 1 and lobes[base]:
            angle[copy] += rng.uniform(0.25, 0.5) * np.pi / lobes[base]
        else:
            curve[copy] = (curve[base] + rng.integers(1, CURVES)) % CURVES
    order = rng.permutation(5)
    return Traits(radius[order], width[order], angle[order], sharpness[order], lobes[order], curve[order])


def _textures(traits: Traits, labels: npt.NDArray[np.int64], noise: float, rng: np.random.Generator) -> Floats:
    """One texture a label, mean 0 and deviation 1 over its pixels, turned and rescaled a little."""
    size = len(labels)
    fy, fx = np.meshgrid(np.fft.fftfreq(SIDE), np.fft.rfftfreq(SIDE), indexing="ij")
    distance, direction = np.hypot(fy, fx) + 1e-6, np.arctan2(fy, fx)

    def column(values: Floats) -> Floats:
        return values[:, None, None]

    radius = traits.radius[labels] * np.exp(rng.normal(0, 0.15 * noise, size))
    angle = traits.angle[labels] + rng.normal(0, 0.2 * noise, size)
    lobes = traits.lobes[labels]
    band = np.exp(-((np.log(distance) - column(np.log(radius))) ** 2) / (2 * column(traits.width[labels]) ** 2))
    turned = np.where(lobes > 0, traits.sharpness[labels], 0.0)
    aligned = np.cos(2 * np.maximum(column(lobes.astype(np.float64)), 1) * (direction - column(angle))) - 1
    amplitude = band * np.exp(column(turned) * aligned / 2)
    spectrum = amplitude * (rng.normal(0, 1, amplitude.shape) + 1j * rng.normal(0, 1, amplitude.shape))
    field = _standardised(np.fft.irfft2(spectrum, s=(SIDE, SIDE)))
    curve = column(traits.curve[labels].astype(np.float64))
    shaped = np.select(
        [curve == 1, curve == 2, curve == 3], [np.tanh(4 * field), np.exp(0.8 * field), -np.abs(field)], default=field
    )
    return _standardised(shaped)


def _standardised(images: Floats) -> Floats:
    middle = images - images.mean(axis=(1, 2), keepdims=True)
    return middle / (middle.std(axis=(1, 2), keepdims=True) + 1e-9)


def _corners(size: int, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Where another material shows: behind a line, never more than about half of a patch."""
    y, x = np.mgrid[:SIDE, :SIDE] / (SIDE - 1) - 0.5
    angle = rng.uniform(0, 2 * np.pi, size)[:, None, None]
    offset = rng.uniform(0.0, 0.45, size)[:, None, None]
    return np.cos(angle) * x + np.sin(angle) * y > offset


def publish(examples: Patches, train: Index, hidden: Index, out: Path) -> Published:
    """Two folders of images, the labels of one of them, and the sample submission."""
    for folder, rows in (("train", train), ("test", hidden)):
        (out / folder).mkdir()
        for row in rows:
            # Uncompressed, so that a file's size does not tell how rough its texture is.
            Image.fromarray(examples.images[row]).save(out / folder / f"{examples.names[row]}.png", compress_level=0)
    materials = np.array(MATERIALS)[examples.labels[train]]
    pd.DataFrame({"patch": examples.names[train], "material": materials}).to_csv(out / "train_labels.csv", index=False)
    labels = _table(examples, hidden)
    write_sample(labels["patch"], MATERIALS, 0.2, out)
    return Published(_table(examples, train), labels.assign(example=np.arange(len(hidden))))


def _table(examples: Patches, rows: Index) -> pd.DataFrame:
    """The labels in the submission's columns."""
    shown = pd.DataFrame(np.eye(5)[examples.labels[rows]], columns=list(MATERIALS))
    shown.insert(0, "patch", examples.names[rows])
    return shown
