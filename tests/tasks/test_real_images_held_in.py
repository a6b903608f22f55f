"""Real downloads of the held-in image tasks: tiny folders in the competitions' layouts, whole and with something wrong."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tasks.building import Drawn, build
from tasks.errors import TaskError
from tasks.pictures import jpeg, png
from tasks.suite import find
from tasks.variant import draw

COUNT = 24
CIFAR, CACTUS, DOGS, PLANT = (
    "cifar-10",
    "aerial-cactus-identification",
    "dogs-vs-cats-redux-kernels-edition",
    "plant-pathology-2020-fgvc7",
)
STATES = ["healthy", "multiple_diseases", "rust", "scab"]


def picture(number: int, encode: Callable[[np.ndarray], bytes] = jpeg) -> bytes:
    """A picture that no other number has."""
    return encode(np.full((8, 12, 3), 10 * number + 5, np.uint8))


def download(task: str, raw: Path) -> None:
    """The unpacked download of `COUNT` labelled pictures."""
    for folder in ("train", "images", "test"):
        (raw / folder).mkdir(parents=True)
    numbers = np.arange(COUNT)
    if task == CIFAR:
        table = pd.DataFrame({"id": numbers + 1, "label": np.where(numbers % 2, "cat", "ship")})
        table.to_csv(raw / "trainLabels.csv", index=False)
        for number in range(COUNT):
            (raw / "train" / f"{number + 1}.png").write_bytes(picture(number, png))
    elif task == CACTUS:
        table = pd.DataFrame({"id": [f"{number:032x}.jpg" for number in numbers], "has_cactus": numbers % 2})
        table.to_csv(raw / "train.csv", index=False)
        for number, name in enumerate(table["id"]):
            (raw / "train" / name).write_bytes(picture(number))
    elif task == DOGS:
        for number in range(COUNT):
            (raw / "train" / f"{'cat dog'.split()[number % 2]}.{number // 2}.jpg").write_bytes(picture(number))
    else:
        table = pd.DataFrame(np.eye(4, dtype=int)[numbers % 4], columns=STATES)
        table.insert(0, "image_id", [f"Train_{number}" for number in numbers])
        table.to_csv(raw / "train.csv", index=False)
        for number in range(COUNT):
            (raw / "images" / f"Train_{number}.jpg").write_bytes(picture(number))


def prepared(task: str, tmp_path: Path) -> Drawn:
    spec = find(task)
    return build(spec, draw(spec, data="real"), tmp_path / "store", raw=tmp_path / "raw")


def shades(folder: Path) -> dict[str, int]:
    """For each published picture its number, read off its brightness."""
    found: dict[str, int] = {}
    for path in folder.iterdir():
        with Image.open(path) as image:
            assert image.size == (12, 8)
            found[path.name] = round((float(np.asarray(image).mean()) - 5) / 10)
    return found


@pytest.mark.parametrize(
    ("task", "train", "test", "suffix"),
    [
        (CIFAR, "train", "test", ".png"),
        (CACTUS, "train", "test", ""),
        (DOGS, "train", "test", ".jpg"),
        (PLANT, "images", "images", ".jpg"),
    ],
)
def test_a_download_is_split_with_every_picture_under_its_own_label(
    task: str, train: str, test: str, suffix: str, tmp_path: Path
) -> None:
    download(task, tmp_path / "raw")
    drawn = prepared(task, tmp_path)
    key, *targets = (drawn.spec.submission.id, *drawn.spec.submission.targets)
    hidden = pd.concat([drawn.truth("dev"), drawn.truth("test")])
    public = drawn.truth("train")
    assert len(public) + len(hidden) == COUNT
    assert min(len(drawn.truth("dev")), len(drawn.truth("test"))) >= COUNT // 5
    shown: list[int] = []
    for rows, folder in ((public, train), (hidden, test)):
        numbers = shades(drawn.data / folder)
        for name, *label in rows[[key, *targets]].itertuples(index=False):
            number = numbers[f"{name}{suffix}"]
            shown.append(number)
            expected = {
                CIFAR: ["cat" if number % 2 else "ship"],
                PLANT: list(np.eye(4, dtype=int)[number % 4]),
            }.get(task, [number % 2])
            assert label == expected
    assert sorted(shown) == list(range(COUNT))


@pytest.mark.parametrize(("task", "folder"), [(CIFAR, "train"), (CACTUS, "train"), (DOGS, "train"), (PLANT, "images")])
def test_pictures_are_read_from_an_inner_zip_as_well(task: str, folder: str, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    download(task, raw)
    plain = prepared(task, tmp_path)
    with zipfile.ZipFile(raw / f"{folder}.zip", "w") as archive:
        for path in (raw / folder).iterdir():
            archive.write(path, f"{folder}/{path.name}")
    shutil.rmtree(raw / folder)
    shutil.rmtree(tmp_path / "store")
    zipped = prepared(task, tmp_path)
    assert zipped.truth("train").equals(plain.truth("train"))
    assert len(list((zipped.data / folder).iterdir())) > COUNT // 4


def no_column(raw: Path) -> None:
    (raw / "train.csv").write_text("id,cactus\na.jpg,1\n")


def no_folder(raw: Path) -> None:
    shutil.rmtree(raw / "train")
    (raw / "train.7z").touch()


def no_picture(raw: Path) -> None:
    (raw / "images" / "Train_3.jpg").unlink()


def cut_picture(raw: Path) -> None:
    path = raw / "train" / "cat.4.jpg"
    path.write_bytes(path.read_bytes()[:-60])


def strange_name(raw: Path) -> None:
    (raw / "train" / "wolf.1.jpg").write_bytes(picture(1))


def strange_class(raw: Path) -> None:
    (raw / "trainLabels.csv").write_text("id,label\n1,cat\n2,wolf\n")


def two_states(raw: Path) -> None:
    (raw / "train.csv").write_text("image_id,healthy,multiple_diseases,rust,scab\nTrain_0,1,0,0,0\nTrain_1,1,0,1,0\n")


def broken_zip(raw: Path) -> None:
    shutil.rmtree(raw / "train")
    (raw / "train.zip").write_bytes(b"PK and so on")


@pytest.mark.parametrize(
    ("task", "harm", "said"),
    [
        (CACTUS, no_column, r"the column 'has_cactus' is missing \(.*train.csv\)"),
        (CIFAR, no_folder, r"neither a folder train nor train.zip .* unpack train.7z"),
        (PLANT, no_picture, r"the file is missing \(.*Train_3.jpg\)"),
        (DOGS, cut_picture, r"the image cannot be read \(.*cat.4.jpg\) - download it again"),
        (DOGS, strange_name, r"neither cat.N.jpg nor dog.N.jpg \(.*wolf.1.jpg\)"),
        (CIFAR, strange_class, r"'wolf' is no class \(.*trainLabels.csv\)"),
        (PLANT, two_states, r"Train_1 has not exactly one state \(.*train.csv\)"),
        (CACTUS, broken_zip, r"the archive cannot be read.*train.zip"),
    ],
)
def test_what_is_wrong_with_a_download_is_said_in_one_line(
    task: str, harm: Callable[[Path], None], said: str, tmp_path: Path
) -> None:
    download(task, tmp_path / "raw")
    harm(tmp_path / "raw")
    with pytest.raises(TaskError, match=said) as caught:
        prepared(task, tmp_path)
    assert "\n" not in str(caught.value)
    assert not [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
