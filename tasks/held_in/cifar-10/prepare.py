"""CIFAR-10: things put together from parts, before skies, fields, water and roads."""

from __future__ import annotations

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
    png,
    quantised,
    real_pictures,
    smooth_noise,
    write_pictures,
)
from tasks.source import Index, Published
from tasks.tables import read_table, write_sample

EDGE = 32
COLUMNS = ("id", "label")
CLASSES = np.array(["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"])
# Per class where it is usually seen: sky, field, water, road.
PLACES = np.array(
    [
        [5, 1, 1, 2],
        [0, 2, 0, 6],
        [4, 3, 1, 1],
        [0, 4, 0, 3],
        [0, 6, 1, 1],
        [0, 4, 1, 3],
        [0, 4, 3, 1],
        [0, 6, 0, 1],
        [2, 0, 6, 0],
        [1, 2, 0, 6],
    ]
)
PARTS = 4
Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Part:
    """One part of every picture's thing, before the thing is moved: each field has shape (size,).

    `round` 2 is an ellipse, more is nearer to a box; lengths are in half picture edges.
    """

    y: npt.NDArray[np.float64]
    x: npt.NDArray[np.float64]
    height: npt.NDArray[np.float64]
    width: npt.NDArray[np.float64]
    angle: npt.NDArray[np.float64]
    round: npt.NDArray[np.float64]
    shade: npt.NDArray[np.float64]


def mini(size: int, noise: float, rng: np.random.Generator) -> PictureExamples:
    """Things of ten classes; each variant makes up their parts anew. Colours and places are shared between classes."""
    kind = rng.permutation(np.arange(size) % 10)
    picture = _backgrounds(kind, rng)
    stripes = np.where(rng.random(10) < 0.4, rng.uniform(0.08, 0.16, 10), 0.0)[kind] * rng.uniform(0.6, 1.2, size)
    direction, period = rng.uniform(0, np.pi, 10)[kind], rng.uniform(9, 15, 10)[kind]
    y, x = _moved(size, rng)
    pattern = _column(stripes) * np.cos((x * _column(np.cos(direction)) + y * _column(np.sin(direction))) * _column(period))
    pattern += 0.05 * smooth_noise(rng, size, EDGE, EDGE, 14)
    colour = _colours(kind, rng)
    for part in _parts(kind, rng):
        mask = _mask(part, y, x)
        painted = colour * _column(part.shade)[..., None] + pattern[..., None]
        picture += mask[..., None] * (painted - picture)
    _occlude(picture, rng)
    contrast, brightness = rng.uniform(0.65, 1.15, size), rng.normal(0.48, 0.07, size)
    picture = (picture - np.float32(0.47)) * _column(contrast)[..., None] + _column(brightness)[..., None]
    picture += _column(rng.uniform(0.01, 0.06, size) * noise)[..., None] * rng.standard_normal(picture.shape, np.float32)
    files = equally_long([png(pixels) for pixels in quantised(picture)])
    mistaken = rng.random(size) < 0.05 * noise
    label = CLASSES[np.where(mistaken, rng.integers(0, 10, size), kind)]
    return PictureExamples(pd.DataFrame({"label": label}), files.__getitem__, label)


def _column(values: npt.NDArray[np.generic]) -> Floats:
    """One value a picture, to be spread over its pixels."""
    return values.astype(np.float32).reshape(-1, 1, 1)


def _soft(inside: Floats) -> Floats:
    """A mask from a value that is positive inside of an outline."""
    return 1 / (1 + np.exp(np.clip(-inside, -20, 20)))


def _backgrounds(kind: npt.NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """An upper and a lower half of different colours, with clouds, grass or waves. Shape (size, EDGE, EDGE, 3)."""
    size = len(kind)
    shares = PLACES + 0.6
    place = (rng.random((size, 1)) > np.cumsum(shares / shares.sum(axis=1, keepdims=True), axis=1)[kind]).sum(axis=1)
    upper = np.array([[0.55, 0.68, 0.8], [0.55, 0.62, 0.55], [0.6, 0.68, 0.74], [0.6, 0.6, 0.6]])
    lower = np.array([[0.64, 0.72, 0.78], [0.4, 0.5, 0.26], [0.3, 0.42, 0.52], [0.42, 0.41, 0.4]])
    y, _ = grid(EDGE, EDGE)
    below = _soft(8 * (y - _column(rng.normal(0.1, 0.25, size))))[..., None]
    tint = rng.normal(0, 0.06, (2, size, 1, 1, 3)).astype(np.float32)
    top, bottom = (half.astype(np.float32)[place][:, None, None, :] + tint[n] for n, half in enumerate((upper, lower)))
    rough = _column(rng.uniform(0.02, 0.09, size)) * smooth_noise(rng, size, EDGE, EDGE, 6)
    return top + below * (bottom - top) + rough[..., None]


def _moved(size: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """The coordinates y and x of each pixel on the picture's thing, which is moved, scaled, tilted and perhaps mirrored."""
    y, x = grid(EDGE, EDGE)
    scale = _column(rng.uniform(0.75, 1.15, size))
    tilt = rng.normal(0, 0.15, size)
    dy, dx = (y - _column(rng.normal(0, 0.13, size))) / scale, (x - _column(rng.normal(0, 0.13, size))) / scale
    cosine, sine = _column(np.cos(tilt)), _column(np.sin(tilt))
    return dy * cosine - dx * sine, (dx * cosine + dy * sine) * _column(rng.choice([-1, 1], size))


def _colours(kind: npt.NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """A colour for each picture's thing: every class has three of six paints. Shape (size, 1, 1, 3)."""
    paints = rng.uniform(0.15, 0.85, (6, 3))
    worn = np.array([rng.choice(6, 3, replace=False) for _ in range(10)])
    chosen = worn[kind, rng.choice(3, len(kind), p=[0.5, 0.3, 0.2])]
    colour = paints[chosen] + rng.normal(0, 0.05, (len(kind), 3))
    return colour.astype(np.float32)[:, None, None, :]


def _parts(kind: npt.NDArray[np.int64], rng: np.random.Generator) -> list[Part]:
    """A body and three smaller parts. Neighbouring classes have the same body, so that the small parts matter."""
    size = len(kind)
    bodies = rng.permutation(np.arange(10) // 2)
    found: list[Part] = []
    for number in range(PARTS):
        body = number == 0
        near = 0.0 if body else rng.uniform(0.3, 0.55, 10)
        turn = rng.uniform(0, 2 * np.pi, 10)
        ideal = np.stack(
            [
                near * np.sin(turn),
                near * np.cos(turn),
                rng.uniform(0.22, 0.42, 10) if body else rng.uniform(0.1, 0.26, 10),
                rng.uniform(0.4, 0.65, 10) if body else rng.uniform(0.1, 0.4, 10),
                rng.uniform(-0.3, 0.3, 10) if body else rng.uniform(-0.9, 0.9, 10),
                rng.choice([2.0, 5.0], 10),
                rng.uniform(0.9, 1.1, 10) if body else rng.choice([0.35, 0.6, 1.35, 1.6], 10),
            ]
        )
        if body:
            ideal = ideal[:, bodies]
        wobble = np.array([0.04, 0.04, 0.02, 0.03, 0.1, 0.1, 0.06])[:, None] * rng.standard_normal((7, size))
        y, x, height, width, angle, rounded, shade = ideal[:, kind] + wobble
        found.append(Part(y, x, np.maximum(height, 0.05), np.maximum(width, 0.05), angle, np.maximum(rounded, 1.5), shade))
    return found


def _mask(part: Part, y: Floats, x: Floats) -> Floats:
    dy, dx = y - _column(part.y), x - _column(part.x)
    cosine, sine = _column(np.cos(part.angle)), _column(np.sin(part.angle))
    along = np.abs(dx * cosine + dy * sine) / _column(part.width)
    across = np.abs(dy * cosine - dx * sine) / _column(part.height)
    boxy = _column(part.round > 3.5)
    reach = (1 - boxy) * (along**2 + across**2) + boxy * np.maximum(along, across) ** 2
    return _soft(6 * (1 - reach))


def _occlude(picture: Floats, rng: np.random.Generator) -> None:
    """A post, a twig or a shadow across some of the pictures."""
    y, x = grid(EDGE, EDGE)
    hit = np.flatnonzero(rng.random(len(picture)) < 0.3)
    angle = rng.uniform(0, np.pi, len(hit))
    distance = x * _column(np.cos(angle)) + y * _column(np.sin(angle)) - _column(rng.uniform(-0.6, 0.6, len(hit)))
    mask = _soft(25 * (_column(rng.uniform(0.04, 0.14, len(hit))) - np.abs(distance)))[..., None]
    colour = rng.uniform(0.1, 0.7, (len(hit), 1, 1, 3)).astype(np.float32)
    picture[hit] += mask * (colour - picture[hit])


def real(raw: Path) -> PictureExamples:
    """The competition's own pictures, as many as trainLabels.csv names."""
    table = find_table(raw, "trainLabels.csv")
    frame = read_table(table, COLUMNS)
    unknown = frame.loc[~frame["label"].isin(CLASSES), "label"]
    if len(unknown):
        raise TaskError(f"{unknown.iloc[0]!r} is no class", where=str(table), how="use the file as it was downloaded")
    names = [f"{number}.png" for number in frame["id"]]
    label = frame["label"].to_numpy(str)
    return real_pictures(open_folder(raw, "train"), names, pd.DataFrame({"label": label}), label)


def publish(examples: PictureExamples, train: Index, hidden: Index, out: Path) -> Published:
    """The competition's files: trainLabels.csv, and two folders of pictures that are numbered from 1."""
    rows, kept = (
        pd.DataFrame({"id": np.arange(1, len(index) + 1), "label": examples.labels["label"].to_numpy()[index]})
        for index in (train, hidden)
    )
    write_pictures(examples, train, [out / "train" / f"{number}.png" for number in rows["id"]])
    write_pictures(examples, hidden, [out / "test" / f"{number}.png" for number in kept["id"]])
    rows.to_csv(out / "trainLabels.csv", index=False)
    write_sample(kept["id"], ["label"], "cat", out)
    return Published(rows, kept.assign(example=np.arange(len(kept))))
