"""Denoising dirty documents: pages of written strokes, clean and as an old sheet shows them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image
from scipy.ndimage import gaussian_filter

from tasks.archives import Folder, open_folder
from tasks.errors import TaskError
from tasks.pictures import Pixels, check_picture, png, quantised
from tasks.source import Index, Published

Floats = npt.NDArray[np.float64]

HEIGHTS, WIDTH = (26, 32), 40
MARGIN = 12
GLYPHS = 18
# From a real page this much is taken, around its middle: a submission has a line for each pixel.
REAL_CROP = (96, 192)


@dataclass(frozen=True)
class Pages:
    """`dirty[i]` and `clean[i]` are grey pictures of the same shape (rows, columns)."""

    dirty: Sequence[Pixels]
    clean: Sequence[Pixels]
    strata: npt.NDArray[np.generic] | None = None

    def __len__(self) -> int:
        return len(self.clean)


def mini(size: int, noise: float, rng: np.random.Generator) -> Pages:
    """Pages in an invented script. What covers them varies in kind and strength from page to page."""
    fonts = [_font(height, rng) for height in (7, 9, 11)]
    shape = (size, HEIGHTS[-1], WIDTH)
    ink = np.stack([_page(fonts, rng) for _ in range(size)])
    clean = 1 - ink * rng.uniform(0.8, 1.0, (size, 1, 1))
    behind = np.stack([_page(fonts, rng) for _ in range(size)])[:, :, ::-1]

    soft = rng.uniform(0, 1, (size, 1, 1))
    seen = (1 - soft) * gaussian_filter(ink, (0, 0.45, 0.45)) + soft * gaussian_filter(ink, (0, 0.95, 0.95))
    fading = np.clip(rng.uniform(0.4, 0.95, (size, 1, 1)) + 0.15 * _waves(shape, 2, rng), 0.2, 1)
    through = gaussian_filter(behind, (0, 1.0, 1.0)) * rng.choice([0.0, 0.1, 0.22], (size, 1, 1)) * noise
    dust = gaussian_filter((rng.random(shape) < 0.006 * noise).astype(float), (0, 0.6, 0.6)) * rng.uniform(0.4, 1.8, shape)

    paper = rng.uniform(0.62, 0.97, (size, 1, 1)) + 0.07 * _waves(shape, 1, rng)
    paper *= (
        (1 - _folds(shape, rng)) * (1 - _stains(shape, rng)) * (1 - rng.uniform(0, 0.1, (size, 1, 1)) * _creases(shape, rng))
    )
    dirty = paper * (1 - fading * seen) * (1 - np.clip(through, 0, 0.5)) * (1 - np.clip(dust, 0, 0.9))
    dirty += rng.normal(0, 1, shape) * rng.uniform(0.01, 0.05, (size, 1, 1)) * noise
    rows = rng.choice(HEIGHTS, size)
    return Pages(
        [quantised(page[:last]) for page, last in zip(dirty, rows, strict=True)],
        [quantised(page[:last]) for page, last in zip(clean, rows, strict=True)],
    )


def _font(height: int, rng: np.random.Generator) -> list[Floats]:
    """Glyphs of a few strokes each, as ink from 0 to 1."""
    width = round(height * 0.65)
    thick = rng.uniform(0.7, 1.15)
    y, x = np.mgrid[0:height, 0:width].astype(float)
    glyphs: list[Floats] = []
    for _ in range(GLYPHS):
        ink = np.zeros((height, width))
        for _ in range(rng.integers(2, 5)):
            (y0, x0), (y1, x1) = rng.choice([0.08, 0.5, 0.92], (2, 2)) * [height - 1, width - 1]
            if rng.random() < 0.3:
                middle, radius = ((y0 + y1) / 2, (x0 + x1) / 2), rng.uniform(0.25, 0.45) * width
                away = np.abs(np.hypot(y - middle[0], x - middle[1]) - radius)
            else:
                length = (y1 - y0) ** 2 + (x1 - x0) ** 2 + 1e-9
                along = np.clip(((y - y0) * (y1 - y0) + (x - x0) * (x1 - x0)) / length, 0, 1)
                away = np.hypot(y - y0 - along * (y1 - y0), x - x0 - along * (x1 - x0))
            ink = np.maximum(ink, np.clip(thick + 0.3 - away, 0, 1))
        glyphs.append(ink)
    return glyphs


def _page(fonts: list[list[Floats]], rng: np.random.Generator) -> Floats:
    """Lines of words in one font, cut somewhere; shape (rows, columns)."""
    font = fonts[rng.integers(len(fonts))]
    height, width = font[0].shape
    sheet = np.zeros((HEIGHTS[-1] + 2 * MARGIN, WIDTH + 2 * MARGIN))
    for top in range(int(rng.integers(0, MARGIN)), sheet.shape[0] - height, height + int(rng.integers(3, 6))):
        indent, written = int(rng.integers(0, MARGIN)), rng.random(20) < 0.85
        for place, glyph in enumerate(rng.integers(0, GLYPHS, 20)):
            left = indent + place * (width + 1)
            if written[place] and left + width <= sheet.shape[1]:
                sheet[top : top + height, left : left + width] = font[glyph]
    return sheet[MARGIN:-MARGIN, MARGIN:-MARGIN]


def _waves(shape: tuple[int, int, int], most: float, rng: np.random.Generator) -> Floats:
    """Smooth fields with values around -1 to 1 and up to about `most` waves a page."""
    size, rows, columns = shape
    y, x = np.linspace(0, 1, rows)[None, :, None], np.linspace(0, 1, columns)[None, None, :]
    field = np.zeros(shape)
    for _ in range(3):
        down, across = rng.uniform(-most, most, (2, size, 1, 1))
        field += np.cos(2 * np.pi * (down * y + across * x + rng.random((size, 1, 1)))) / 1.8
    return field


def _creases(shape: tuple[int, int, int], rng: np.random.Generator) -> Floats:
    """Thin dark lines of crumpled paper, 0 to 1."""
    return np.exp(-np.abs(_waves(shape, 3, rng)) * 9)


def _folds(shape: tuple[int, int, int], rng: np.random.Generator) -> Floats:
    """A fold across some pages: a dark line, and one side in the shade."""
    size, rows, columns = shape
    angle, offset = rng.uniform(0, np.pi, (size, 1, 1)), rng.uniform(-12, 12, (size, 1, 1))
    y, x = np.arange(rows)[None, :, None] - rows / 2, np.arange(columns)[None, None, :] - columns / 2
    away = y * np.sin(angle) + x * np.cos(angle) - offset
    present = rng.random((size, 1, 1)) < 0.5
    return present * (
        rng.uniform(0.1, 0.4, angle.shape) * np.exp(-((away / 1.3) ** 2)) + rng.uniform(0, 0.15, angle.shape) * (away > 0)
    )


def _stains(shape: tuple[int, int, int], rng: np.random.Generator) -> Floats:
    """Rings that a cup leaves, darker at the rim than inside."""
    size, rows, columns = shape
    stain = np.zeros(shape)
    for _ in range(2):
        y = np.arange(rows)[None, :, None] - rng.uniform(0, rows, (size, 1, 1))
        x = np.arange(columns)[None, None, :] - rng.uniform(0, columns, (size, 1, 1))
        radius, rim = rng.uniform(6, 18, (size, 1, 1)), rng.uniform(0.8, 1.8, (size, 1, 1))
        away = np.hypot(y, x) - radius
        ring = rng.uniform(0.1, 0.45, radius.shape) * np.exp(-((away / rim) ** 2)) + rng.uniform(0, 0.2, radius.shape) * (
            away < 0
        )
        stain += (rng.random(radius.shape) < 0.5) * ring
    return np.clip(stain, 0, 0.7)


def real(raw: Path) -> Pages:
    """The competition's pages that have a clean version; of each page a part from its middle."""
    dirty, clean = open_folder(raw, "train"), open_folder(raw, "train_cleaned")
    names = [name for name in dirty.names if name.endswith(".png")]
    if not names:
        raise TaskError("there is no page in it", where=str(dirty.place), how="unpack train.zip completely")
    pairs = [(_read(dirty, name), _read(clean, name)) for name in names]
    for name, (spoilt, original) in zip(names, pairs, strict=True):
        if spoilt.shape != original.shape:
            raise TaskError(
                "the clean page has another size than the dirty one", where=clean.where(name), how="download it again"
            )
    return Pages([_middle(pair[0]) for pair in pairs], [_middle(pair[1]) for pair in pairs])


def _read(folder: Folder, name: str) -> Pixels:
    content = folder.read(name)
    check_picture(content, folder.where(name))
    return np.asarray(Image.open(io.BytesIO(content)).convert("L"))


def _middle(page: Pixels) -> Pixels:
    top, left = (max(0, (have - want) // 2) for have, want in zip(page.shape, REAL_CROP, strict=True))
    return page[top : top + REAL_CROP[0], left : left + REAL_CROP[1]]


def publish(examples: Pages, train: Index, hidden: Index, out: Path) -> Published:
    """The folders train, train_cleaned and test with numbered pages, and a sample submission that leaves all pixels white."""
    for folder in ("train", "train_cleaned", "test"):
        (out / folder).mkdir()
    # One count through both parts, as each number names one page.
    for number, position in enumerate(train, 1):
        (out / "train" / f"{number}.png").write_bytes(png(examples.dirty[position]))
        (out / "train_cleaned" / f"{number}.png").write_bytes(png(examples.clean[position]))
    first = len(train) + 1
    for number, position in enumerate(hidden, first):
        (out / "test" / f"{number}.png").write_bytes(png(examples.dirty[position]))
    labels = _pixels([examples.clean[position] for position in hidden], first)
    lines = [f"{name},1" for name in labels["id"]]
    (out / "sample_submission.csv").write_text("\n".join(["id,value", *lines, ""]), "utf-8")
    return Published(_pixels([examples.clean[position] for position in train], 1).drop(columns="example"), labels)


def _pixels(pages: Sequence[Pixels], first: int) -> pd.DataFrame:
    """One row a pixel: its id `page_row_column`, its brightness, and the place of its page."""
    names: list[str] = []
    for number, page in enumerate(pages, first):
        columns = [f"_{column}" for column in range(1, page.shape[1] + 1)]
        names += [f"{number}_{row}{column}" for row in range(1, page.shape[0] + 1) for column in columns]
    values = np.concatenate([page.ravel() for page in pages]) / 255
    example = np.repeat(np.arange(len(pages)), [page.size for page in pages])
    return pd.DataFrame({"id": names, "value": values.round(6), "example": example})
