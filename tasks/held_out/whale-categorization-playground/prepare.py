"""Humpback whales: photographs of flukes, a few of each whale, and of whales that have no name yet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.archives import find_table, open_folder
from tasks.errors import TaskError
from tasks.pictures import PictureExamples, check_picture, equally_long, jpeg, quantised, write_pictures
from tasks.source import Index, Published
from tasks.tables import read_table

Floats = npt.NDArray[np.float64]

NEW = "new_whale"
HEIGHT, WIDTH = 20, 32
CELLS = (7, 11)
NOTCHES = 7
DEPTH = 5


def mini(size: int, noise: float, rng: np.random.Generator) -> PictureExamples:
    """Flukes with the marks of their whale, seen at many angles and in all weathers."""
    whale, named = _whales(size, rng)
    marks, edges, spread = _coats(int(whale.max()) + 1, rng)
    y, x = _view(size, noise, rng)

    # Half a fluke is a wing: its front edge falls from the middle to the tip, its rear edge carries the notches.
    side = np.abs(x)
    front = 0.55 - spread[whale, 0, None, None] * side**1.5
    place = np.clip((x + 1) / 2 * (edges.shape[1] - 1), 0, edges.shape[1] - 1.001)
    low = place.astype(int)
    row = np.arange(size)[:, None, None]
    bumps = edges[whale[row], low] * (1 - place % 1) + edges[whale[row], low + 1] * (place % 1)
    back = -0.35 - 0.25 * np.sin(np.pi * np.clip(side, 0, 1)) * spread[whale, 1, None, None] + bumps
    inside = _soft((front - y) * 9) * _soft((y - back) * 9) * _soft((1 - side) * 14)

    coat = marks[whale[row], *_cells(y, x)]
    lit = rng.uniform(0.35, 0.65, (size, 1, 1)) + rng.uniform(-0.15, 0.15, (size, 1, 1)) * x
    contrast = rng.uniform(0.12, 0.35, (size, 1, 1))
    sea = rng.uniform(0.3, 0.85, (size, 1, 1)) + 0.08 * _ripples(size, rng)
    picture = inside * (lit + contrast * coat) + (1 - inside) * sea
    spray = _soft((_ripples(size, rng) - rng.uniform(1.0, 2.2, (size, 1, 1))) * 4)
    picture += spray * (0.95 - picture) * 0.8 + rng.normal(0, 0.05 * noise, picture.shape)

    labels = np.array([f"w_{number:07x}" for number in rng.choice(16**7, int(whale.max()) + 1, replace=False)], object)
    files = [f"{number:08x}.jpg" for number in rng.choice(2**32, size, replace=False)]
    frame = pd.DataFrame({"Image": files, "Id": np.where(named, labels[whale], NEW)})
    contents = equally_long([jpeg(pixels, 70) for pixels in quantised(picture)])
    return PictureExamples(frame, contents.__getitem__, frame["Id"].to_numpy(str))


def _whales(size: int, rng: np.random.Generator) -> tuple[Index, npt.NDArray[np.bool_]]:
    """The whale in each picture, and whether it has a name: some whales are met often, most a few times, the new ones once."""
    fresh = round(size * rng.uniform(0.08, 0.14))
    counts: list[int] = []
    while sum(counts) < size - fresh:
        counts.append(int(min(5 + rng.geometric(0.16), 24)))
    known = np.repeat(np.arange(len(counts)), counts)[: size - fresh]
    # A whale cut down to a picture or two joins the one before.
    known[known == known[-1]] -= int((known == known[-1]).sum() < 5)
    whale = np.concatenate([known, known.max() + 1 + np.arange(fresh)])
    order = rng.permutation(size)
    return whale[order], (np.arange(size) < len(known))[order]


def _coats(count: int, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Of each whale: dark and light patches over a grid on the fluke, notches of the rear edge, and its spread."""
    field = rng.normal(0, 1, (count, *CELLS))
    # Neighbouring cells agree, and the two halves resemble each other; a common coat makes all whales alike.
    for axis in (1, 2):
        field += 0.7 * np.roll(field, 1, axis)
    field += 0.8 * field[:, :, ::-1] + 1.2 * rng.normal(0, 1, CELLS)
    marks = np.tanh(field * 0.7)
    notches = rng.normal(0, 0.07, (count, 2 * NOTCHES + 1))
    return marks, notches, rng.uniform(0.5, 0.8, (count, 2))


def _view(size: int, noise: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Coordinates on the fluke of each pixel: shifted, turned, scaled and slanted as a photographer finds it."""
    shape = (size, 1, 1)
    loose = noise**0.5
    y = (np.arange(HEIGHT)[None, :, None] - (HEIGHT - 1) / 2 - rng.normal(0, 0.7 * loose, shape)) / (HEIGHT / 2)
    x = (np.arange(WIDTH)[None, None, :] - (WIDTH - 1) / 2 - rng.normal(0, 1.1 * loose, shape)) / (WIDTH / 2)
    turn, zoom = rng.normal(0, 0.07 * loose, shape), rng.uniform(0.9, 1.15, shape)
    up, right = y * HEIGHT / WIDTH, x
    across = (right * np.cos(turn) + up * np.sin(turn)) * zoom
    down = (up * np.cos(turn) - right * np.sin(turn)) * zoom * WIDTH / HEIGHT * rng.uniform(0.9, 1.15, shape)
    return down + rng.normal(0, 0.05 * loose, shape) * across, across


def _cells(y: Floats, x: Floats) -> tuple[Index, Index]:
    """The cell of the coat that lies under each pixel."""
    rows = np.clip((y + 1) / 2 * CELLS[0], 0, CELLS[0] - 1).astype(np.int64)
    return rows, np.clip((x + 1) / 2 * CELLS[1], 0, CELLS[1] - 1).astype(np.int64)


def _ripples(size: int, rng: np.random.Generator) -> Floats:
    """Waves of the sea, about -2 to 2."""
    field = np.zeros((size, HEIGHT, WIDTH))
    for _ in range(2):
        down = rng.uniform(0.2, 1.2, (size, 1, 1)) * np.arange(HEIGHT)[None, :, None] + rng.uniform(0, 2 * np.pi, (size, 1, 1))
        across = rng.uniform(-0.4, 0.4, (size, 1, 1)) * np.arange(WIDTH)[None, None, :]
        # The sine of the sum, with few sines.
        field += np.sin(down) * np.cos(across) + np.cos(down) * np.sin(across)
    return field


def _soft(value: Floats) -> Floats:
    return np.clip(0.5 + value / 2, 0, 1)


def real(raw: Path) -> PictureExamples:
    """The competition's labelled photographs."""
    frame = read_table(find_table(raw, "train.csv"), ["Image", "Id"])
    wrong = frame.loc[~frame["Id"].astype(str).str.fullmatch(r"w_[0-9a-f]{7}|new_whale"), "Id"]
    if len(wrong):
        what = f"row {wrong.index[0] + 2}: {wrong.iloc[0]!r} is not the name of a whale"
        raise TaskError(what, where=str(raw / "train.csv"), how="use the file as it was downloaded")
    folder = open_folder(raw, "train")
    names = frame["Image"].astype(str).tolist()
    for name in names:
        check_picture(folder.read(name), folder.where(name))
    return PictureExamples(frame, lambda position: folder.read(names[position]), frame["Id"].to_numpy(str))


def publish(examples: PictureExamples, train: Index, hidden: Index, out: Path) -> Published:
    """The folders train and test, train.csv, and a sample submission. A whale that is only in the hidden part is new there."""
    labels = examples.labels[["Image", "Id"]]
    rows, kept = labels.iloc[train].reset_index(drop=True), labels.iloc[hidden].reset_index(drop=True)
    kept["Id"] = kept["Id"].where(kept["Id"].isin(rows["Id"]), NEW)
    write_pictures(examples, train, [out / "train" / name for name in rows["Image"]])
    write_pictures(examples, hidden, [out / "test" / name for name in kept["Image"]])
    rows.to_csv(out / "train.csv", index=False)
    known = sorted(set(rows["Id"]) - {NEW})
    sample = kept[["Image"]].assign(Id=" ".join([NEW, *known[: DEPTH - 1]]))
    sample.to_csv(out / "sample_submission.csv", index=False)
    return Published(rows, kept.assign(example=np.arange(len(kept))))
