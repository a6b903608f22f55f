"""Shape counting: stamps of several kinds and sizes on an uneven ground, each kind with its own worth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.source import Index, Published
from tasks.tables import write_sample

SIDE = 32
KINDS = ("disc", "ring", "square", "frame", "cross", "triangle", "bar", "diamond")
SIZES = (5, 6, 7, 8)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pictures:
    """Grey pictures, shape (rows, SIDE, SIDE), and the columns `picture` and `worth`."""

    images: npt.NDArray[np.uint8]
    frame: pd.DataFrame

    @property
    def strata(self) -> None:
        return None

    def __len__(self) -> int:
        return len(self.frame)


def mini(size: int, noise: float, rng: np.random.Generator) -> Pictures:
    """Pictures of up to about nine shapes; the kinds, their worth, sizes and polarity are drawn for the whole set."""
    kinds = rng.choice(len(KINDS), int(rng.integers(3, 5)), replace=False)
    worth = rng.permutation(np.linspace(0.1, 3.0, len(kinds)) * rng.uniform(0.8, 1.2, len(kinds)))
    sizes = np.sort(rng.choice(SIZES, int(rng.integers(2, 4)), replace=False))
    stamps = [[_stamp(KINDS[kind], side) for side in sizes] for kind in kinds]
    polarity = float(rng.choice([-1.0, 1.0, 0.0]))
    mean = rng.uniform(0.9, 2.0, len(kinds))
    # Some pictures are full and others almost empty, whatever the kind; so the ink says something, and not all.
    counts = np.minimum(rng.poisson(mean * rng.gamma(5.0, 0.2, (size, 1))), 4)

    ink = np.zeros((size, SIDE, SIDE))
    for picture, kind in zip(*np.nonzero(counts), strict=True):
        for _ in range(counts[picture, kind]):
            stamp = stamps[kind][rng.integers(len(sizes))]
            side = len(stamp)
            y, x = rng.integers(0, SIDE - side + 1, 2)
            sign = polarity or rng.choice([-1.0, 1.0])
            place = ink[picture, y : y + side, x : x + side]
            place[stamp > 0] = (sign * rng.uniform(0.75, 1.25) * stamp)[stamp > 0]
    images = _photographed(ink, noise, rng)
    total = counts @ worth
    value = total + rng.normal(0, 0.09 * noise * total.std(), size) + rng.normal(0, 0.15 * noise, size) * np.sqrt(total / 4)
    names = [f"img_{number:06d}" for number in rng.choice(1_000_000, size, replace=False)]
    return Pictures(images, pd.DataFrame({"picture": names, "worth": value.round(2)}))


def _stamp(kind: str, side: int) -> Floats:
    """The ink of a shape in a square of that many pixels."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    half = side / 2
    radius, box = np.hypot(y, x), np.maximum(abs(y), abs(x))
    inside = {
        "disc": radius <= half - 0.2,
        "ring": (radius <= half - 0.1) & (radius > half - 1.6),
        "square": box <= half - 0.9,
        "frame": (box <= half) & (box > half - 1.3),
        "cross": (np.minimum(abs(y), abs(x)) <= 0.6) & (box <= half),
        "triangle": abs(x) <= (y + half) / 2,
        "bar": (abs(y) <= 1.1) & (abs(x) <= half),
        "diamond": abs(y) + abs(x) <= half - 0.1,
    }[kind]
    return inside.astype(np.float64)


def _photographed(ink: Floats, noise: float, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Uneven light, contrast, scratches and grain."""
    size = len(ink)
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2

    def column(values: Floats) -> Floats:
        return values[:, None, None]

    light = column(rng.normal(128, 14, size)) + column(rng.normal(0, 1.0, size)) * x + column(rng.normal(0, 1.0, size)) * y
    contrast = column(52 * np.exp(rng.normal(0, 0.22, size)))
    angle, offset = rng.uniform(0, np.pi, (2, size)), rng.uniform(-14, 14, (2, size))
    shown = rng.random((2, size)) < 0.3 * noise
    scratched = np.zeros_like(ink)
    for turn, shift, there in zip(angle, offset, shown, strict=True):
        line = abs(np.cos(column(turn)) * x + np.sin(column(turn)) * y - column(shift)) < 0.5
        scratched += line * column(np.where(there, rng.normal(0, 22, size), 0.0))
    grain = rng.normal(0, 9 * noise, ink.shape)
    return np.clip(light + contrast * ink + scratched + grain, 0, 255).astype(np.uint8)


def publish(examples: Pictures, train: Index, hidden: Index, out: Path) -> Published:
    """Two arrays of pictures, their tables, and the sample submission."""
    np.save(out / "train_images.npy", examples.images[train])
    np.save(out / "test_images.npy", examples.images[hidden])
    known, asked = (examples.frame.iloc[rows].reset_index(drop=True) for rows in (train, hidden))
    known.to_csv(out / "train.csv", index=False)
    asked[["picture"]].to_csv(out / "test.csv", index=False)
    write_sample(asked["picture"], ["worth"], 0.0, out)
    return Published(known, asked.assign(example=np.arange(len(hidden))))
