"""Real downloads of the held-out image tasks and of the leaves: tiny folders in the competitions' layouts, whole and broken."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tasks.building import Drawn, build
from tasks.errors import TaskError
from tasks.grading import grade
from tasks.pictures import jpeg, png
from tasks.suite import find
from tasks.variant import draw

PAGES, LEAVES, RADAR, WHALES = TASKS = (
    "denoising-dirty-documents",
    "leaf-classification",
    "statoil-iceberg-classifier-challenge",
    "whale-categorization-playground",
)
EDGE = 5


def grey(number: int) -> np.ndarray:
    """A picture that no other number has."""
    return np.full((8, 12), (7 * number) % 250, np.uint8)


def download(task: str, raw: Path) -> None:
    """The unpacked download of the labelled part."""
    raw.mkdir()
    if task == PAGES:
        for folder, brighter in (("train", 0), ("train_cleaned", 3)):
            (raw / folder).mkdir()
            for number in range(20):
                (raw / folder / f"{3 * number + 2}.png").write_bytes(png(grey(number) + brighter))
    elif task == LEAVES:
        species = find(LEAVES).submission.targets
        real = find(LEAVES).real
        assert real is not None
        ids = np.arange(1, 10 * len(species), 3)
        frame = pd.DataFrame(np.outer(ids, np.ones(192)) / 1000, columns=list(real.files[0].columns[2:]))
        frame.insert(0, "species", [species[number % len(species)] for number in range(len(ids))])
        frame.insert(0, "id", ids)
        frame.to_csv(raw / "train.csv", index=False)
        (raw / "images").mkdir()
        for number in ids:
            (raw / "images" / f"{number}.jpg").write_bytes(jpeg(grey(int(number))))
    elif task == RADAR:
        (raw / "train.json").write_text(json.dumps([record(number) for number in range(60)]))
    else:
        names = [f"w_{number // 5:07x}" if number < 50 else "new_whale" for number in range(60)]
        frame = pd.DataFrame({"Image": [f"{number:08x}.jpg" for number in range(60)], "Id": names})
        frame.to_csv(raw / "train.csv", index=False)
        (raw / "train").mkdir()
        for number, name in enumerate(frame["Image"]):
            (raw / "train" / name).write_bytes(jpeg(grey(int(number))))


def record(number: int) -> dict[str, object]:
    """An object of the radar data; every sixth has no angle."""
    band = [float(-number)] * EDGE**2
    angle = 38.5 if number % 6 else "na"
    return {
        "id": f"{number:08x}",
        "band_1": band,
        "band_2": band,
        "inc_angle": angle,
        "is_iceberg": number % 2 * (number % 6 > 0),
    }


def drawn(task: str, raw: Path, store: Path) -> Drawn:
    spec = find(task)
    return build(spec, draw(spec, data="real"), store, raw=raw)


@pytest.mark.parametrize("task", TASKS)
def test_every_example_of_the_download_is_in_one_part_and_the_right_answers_score_best(task: str, tmp_path: Path) -> None:
    download(task, tmp_path / "raw")
    made = drawn(task, tmp_path / "raw", tmp_path / "store")

    key, targets = made.spec.submission.id, list(made.spec.submission.targets)
    parts = [made.truth(part) for part in ("train", "dev", "test")]
    ids = [set(part[key].astype(str)) for part in parts]
    expected = {PAGES: 20 * 8 * 12, LEAVES: 330, RADAR: 50, WHALES: 60}[task]
    assert sum(map(len, parts)) == expected == len(ids[0] | ids[1] | ids[2])
    right = pd.concat(parts[1:])[[key, *targets]].to_csv(index=False).encode()
    best = 1.0 if task == WHALES else 0.0
    assert grade(made, right, "dev").value == pytest.approx(best, abs=1e-5)
    assert grade(made, (made.data / "sample_submission.csv").read_bytes(), "test").value != pytest.approx(best, abs=0.1)


@pytest.mark.parametrize(("task", "folders"), [(PAGES, ["train", "train_cleaned"]), (LEAVES, ["images"]), (WHALES, ["train"])])
def test_inner_zip_files_are_read_as_the_folders_they_hold(task: str, folders: list[str], tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    download(task, raw)
    plain = drawn(task, raw, tmp_path / "plain")
    for folder in folders:
        with zipfile.ZipFile(raw / f"{folder}.zip", "w") as archive:
            for path in (raw / folder).iterdir():
                archive.write(path, f"{folder}/{path.name}")
        shutil.rmtree(raw / folder)
    zipped = drawn(task, raw, tmp_path / "zipped")

    def contents(made: Drawn) -> dict[str, bytes]:
        return {str(path.relative_to(made.data)): path.read_bytes() for path in made.data.rglob("*") if path.is_file()}

    assert contents(zipped) == contents(plain)


def test_objects_without_an_angle_are_left_out_as_they_are_all_ships(tmp_path: Path) -> None:
    download(RADAR, tmp_path / "raw")
    made = drawn(RADAR, tmp_path / "raw", tmp_path / "store")
    records = [each for name in ("train", "test") for each in json.loads((made.data / f"{name}.json").read_text())]
    assert len(records) == 50
    assert all(each["inc_angle"] != "na" for each in records)
    assert all("is_iceberg" not in each for each in json.loads((made.data / "test.json").read_text()))


def test_a_large_page_is_cut_to_a_part_of_its_middle(tmp_path: Path) -> None:
    rows, columns = np.mgrid[0:258, 0:540]
    for folder in ("train", "train_cleaned"):
        (tmp_path / "raw" / folder).mkdir(parents=True)
        for number in range(5):
            (tmp_path / "raw" / folder / f"{number}.png").write_bytes(png(((rows + columns) % 251).astype(np.uint8)))
    made = drawn(PAGES, tmp_path / "raw", tmp_path / "store")
    assert len(made.truth("train")) % (96 * 192) == 0
    assert made.truth("dev")["value"].between(0, 1).all()


def test_a_whale_that_only_hidden_photographs_show_is_new(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    download(WHALES, raw)
    frame = pd.read_csv(raw / "train.csv")
    frame["Id"] = [f"w_{number:07x}" if number < 40 else "w_fffffff" for number in range(len(frame))]
    frame.to_csv(raw / "train.csv", index=False)
    made = drawn(WHALES, raw, tmp_path / "store")
    known = set(made.truth("train")["Id"])
    hidden = pd.concat([made.truth("dev"), made.truth("test")])["Id"]
    assert set(hidden) - known == {"new_whale"}


def break_page(raw: Path) -> None:
    (raw / "train_cleaned" / "5.png").unlink()


def shrink_page(raw: Path) -> None:
    (raw / "train_cleaned" / "5.png").write_bytes(png(grey(1)[:4]))


def drop_column(raw: Path) -> None:
    pd.read_csv(raw / "train.csv").drop(columns="shape64").to_csv(raw / "train.csv", index=False)


def rename_species(raw: Path) -> None:
    frame = pd.read_csv(raw / "train.csv")
    frame.loc[3, "species"] = "Acer_Unknown"
    frame.to_csv(raw / "train.csv", index=False)


def spoil_leaf(raw: Path) -> None:
    (raw / "images" / "4.jpg").write_bytes(b"not a picture")


def cut_band(raw: Path) -> None:
    records = json.loads((raw / "train.json").read_text())
    records[6]["band_2"] = records[6]["band_2"][:-1]
    (raw / "train.json").write_text(json.dumps(records))


def drop_key(raw: Path) -> None:
    records = json.loads((raw / "train.json").read_text())
    del records[6]["inc_angle"]
    (raw / "train.json").write_text(json.dumps(records))


def cut_json(raw: Path) -> None:
    (raw / "train.json").write_text((raw / "train.json").read_text()[:-40])


def rename_whale(raw: Path) -> None:
    frame = pd.read_csv(raw / "train.csv")
    frame.loc[3, "Id"] = "moby dick"
    frame.to_csv(raw / "train.csv", index=False)


@pytest.mark.parametrize(
    ("task", "damage", "said"),
    [
        (PAGES, break_page, r"the file is missing .*train_cleaned/5\.png"),
        (PAGES, shrink_page, r"another size .*train_cleaned/5\.png"),
        (LEAVES, drop_column, r"the column 'shape64' is missing .*train\.csv"),
        (LEAVES, rename_species, r"row 5: 'Acer_Unknown' is not one of the 99 species .*train\.csv"),
        (LEAVES, spoil_leaf, r"the image cannot be read .*images/4\.jpg"),
        (RADAR, cut_band, r"two bands are not squares .*train\.json, record 7"),
        (RADAR, drop_key, r"no 'inc_angle' .*train\.json, record 7"),
        (RADAR, cut_json, r"the file cannot be read.*train\.json"),
        (WHALES, rename_whale, r"row 5: 'moby dick' is not the name of a whale .*train\.csv"),
    ],
)
def test_a_damaged_download_is_refused_in_one_line(
    task: str, damage: Callable[[Path], None], said: str, tmp_path: Path
) -> None:
    download(task, tmp_path / "raw")
    damage(tmp_path / "raw")
    with pytest.raises(TaskError, match=said) as caught:
        drawn(task, tmp_path / "raw", tmp_path / "store")
    assert "\n" not in str(caught.value)
