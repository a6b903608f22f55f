"""Plain helpers for images: encode pixels, smooth noise, pictures as examples. What is drawn is each task's own business."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image

from tasks.archives import Folder
from tasks.errors import TaskError

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class PictureExamples:
    """Labelled pictures. `labels` has one row an example; `content(i)` is the file of example i, as it is published.

    Real pictures are read when they are asked for: a download may be larger than the memory.
    """

    labels: pd.DataFrame
    content: Callable[[int], bytes]
    strata: npt.NDArray[np.generic] | None = None

    def __len__(self) -> int:
        return len(self.labels)


def real_pictures(
    folder: Folder, names: Sequence[str], labels: pd.DataFrame, strata: npt.NDArray[np.generic] | None = None
) -> PictureExamples:
    """The pictures of a download, each found to be whole; `names` are their files in `folder`. Raises `TaskError`."""
    for name in names:
        check_picture(folder.read(name), folder.where(name))
    return PictureExamples(labels, lambda position: folder.read(names[position]), strata)


def write_pictures(examples: PictureExamples, positions: Sequence[int] | npt.NDArray[np.int64], paths: Sequence[Path]) -> None:
    """Write the pictures at `positions` to `paths`, which stand in one directory that need not exist yet."""
    for directory in {path.parent for path in paths}:
        directory.mkdir(parents=True, exist_ok=True)
    for position, path in zip(positions, paths, strict=True):
        path.write_bytes(examples.content(int(position)))


def quantised(values: Floats) -> Pixels:
    """Brightness 0 to 1 as bytes; what lies outside is clipped. Any shape."""
    return (np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)


def jpeg(pixels: Pixels, quality: int = 90) -> bytes:
    """A JPEG file without metadata. Shape (height, width) is grey, (height, width, 3) RGB."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def png(pixels: Pixels) -> bytes:
    """A PNG file without metadata. Shape (height, width) is grey, (height, width, 3) RGB."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def equally_long(contents: Sequence[bytes]) -> list[bytes]:
    """The image files with zeros after their end, so that the size of a file tells nothing. Decoders stop before them."""
    longest = max(map(len, contents), default=0)
    return [content.ljust(longest, b"\0") for content in contents]


def smooth_noise(rng: np.random.Generator, count: int, height: int, width: int, cells: int) -> npt.NDArray[np.float32]:
    """Fields of normal values at `cells` + 1 points along each side, interpolated between. Shape (count, height, width)."""
    points = rng.standard_normal((count, cells + 1, cells + 1), np.float32)
    return (_weights(height, cells) @ points @ _weights(width, cells).T).astype(np.float32, copy=False)


def _weights(length: int, cells: int) -> npt.NDArray[np.float32]:
    """Linear interpolation from `cells` + 1 points to `length` pixels: shape (length, cells + 1), rows sum to 1."""
    place = (np.arange(length) + 0.5) / length * cells
    return np.maximum(0, 1 - np.abs(place[:, None] - np.arange(cells + 1))).astype(np.float32)


def grid(height: int, width: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """The coordinates y and x of pixel centres, -1 to 1 along each side. Shapes (height, 1) and (1, width)."""
    y, x = (((np.arange(length) + 0.5) / length * 2 - 1).astype(np.float32) for length in (height, width))
    return y[:, None], x[None, :]


def check_picture(content: bytes, where: str) -> tuple[int, int]:
    """Width and height of an image file, whose pixels are all there. Raises `TaskError` that names `where` otherwise."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            size = image.size
            # A JPEG is decoded at an eighth of its size: enough to see that it is whole.
            image.draft("RGB", (1, 1))
            image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise TaskError("the image cannot be read", where=where, how="download it again") from None
    return size
