"""Real downloads of the held-in tables, texts and graph: tiny folders in the competitions' layouts, whole and broken."""

from __future__ import annotations

import gzip
import shutil
import zipfile
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from tasks.building import Drawn, build
from tasks.errors import TaskError
from tasks.source import prepare_of
from tasks.suite import find
from tasks.variant import draw

COUNT = 60
NOMAD, ARXIV = "nomad2018-predict-transparent-conductors", "ogbn-arxiv"
TABLES = ("spaceship-titanic", "home-data-for-ml-course", "feedback-prize-english-language-learning")


def examples(task: str) -> Any:  # noqa: ANN401 - every task has a form of its own
    """A few examples with all columns; what is tested is how they are read back from the layout of the real files."""
    return prepare_of(find(task)).mini(COUNT, 1.0, np.random.default_rng(3))


def table(task: str) -> pd.DataFrame:
    return cast("pd.DataFrame", examples(task).frame)


def prepared(task: str, raw: Path, tmp_path: Path) -> Drawn:
    spec = find(task)
    return build(spec, draw(spec, data="real"), tmp_path / "store", raw=raw)


def download_nomad(raw: Path) -> pd.DataFrame:
    """`train.csv` and a folder with a geometry for each crystal."""
    crystals = examples(NOMAD)
    crystals.frame.to_csv(raw / "train.csv", index=False)
    for name, text in zip(crystals.frame["id"], crystals.geometries, strict=True):
        folder = raw / "train" / str(name)
        folder.mkdir(parents=True)
        (folder / "geometry.xyz").write_text(text, "utf-8")
    return crystals.frame


def zip_nomad(raw: Path) -> None:
    """Put both into the zip files that the competition ships, in place of the unpacked ones."""
    with zipfile.ZipFile(raw / "train.csv.zip", "w") as archive:
        archive.write(raw / "train.csv", "train.csv")
    with zipfile.ZipFile(raw / "train.zip", "w") as archive:
        for path in sorted((raw / "train").rglob("*.xyz")):
            archive.write(path, path.relative_to(raw))
    (raw / "train.csv").unlink()
    shutil.rmtree(raw / "train")


def download_arxiv(raw: Path) -> Any:  # noqa: ANN401
    """The folder that OGB's archive unpacks to, every label in it."""
    graph = examples(ARXIV)
    folder = raw / "arxiv" / "raw"
    folder.mkdir(parents=True)
    for name, rows in (
        ("edge", graph.edges),
        ("node-feat", graph.features),
        ("node-label", graph.labels[:, None]),
        ("node_year", graph.years[:, None]),
    ):
        text = "".join(",".join(f"{value:g}" for value in row) + "\n" for row in rows.tolist())
        (folder / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode()))
    return graph


@pytest.mark.parametrize("task", TABLES)
def test_a_table_is_split_into_three_parts_without_showing_the_hidden_targets(task: str, tmp_path: Path) -> None:
    frame = table(task)
    frame.to_csv(tmp_path / "train.csv", index=False, na_rep="NA")
    drawn = prepared(task, tmp_path, tmp_path)
    key, targets = drawn.spec.submission.id, list(drawn.spec.submission.targets)
    train, test = pd.read_csv(drawn.data / "train.csv"), pd.read_csv(drawn.data / "test.csv")
    assert list(train.columns) == list(frame.columns)
    assert list(test.columns) == [name for name in frame.columns if name not in targets]
    assert set(train[key]) | set(test[key]) == set(frame[key])
    parts = [drawn.truth(part) for part in ("train", "dev", "test")]
    assert sum(len(part) for part in parts) == COUNT
    right = frame.set_index(key)[targets]
    for part in parts:
        assert len(part) > 0
        assert (part[targets].to_numpy() == right.loc[part[key], targets].to_numpy()).all()


@pytest.mark.parametrize("task", TABLES)
def test_a_table_without_a_column_is_refused_by_name(task: str, tmp_path: Path) -> None:
    frame = table(task)
    gone = frame.columns[2]
    frame.drop(columns=gone).to_csv(tmp_path / "train.csv", index=False)
    with pytest.raises(TaskError, match=f"{gone}.*train.csv"):
        prepared(task, tmp_path, tmp_path)


@pytest.mark.parametrize("task", (*TABLES, NOMAD))
def test_a_folder_without_the_table_is_refused(task: str, tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"train\.csv"):
        prepared(task, tmp_path, tmp_path)


@pytest.mark.parametrize("packed", [False, True], ids=["folders", "zips"])
def test_crystals_keep_their_geometries_under_new_numbers(packed: bool, tmp_path: Path) -> None:
    frame = download_nomad(tmp_path)
    texts = {(tmp_path / "train" / str(name) / "geometry.xyz").read_text("utf-8"): at for at, name in enumerate(frame["id"])}
    if packed:
        zip_nomad(tmp_path)
    drawn = prepared(NOMAD, tmp_path, tmp_path)
    columns = [name for name in frame.columns if name.startswith("lattice_")]
    seen: list[int] = []
    for part in ("train", "test"):
        rows = pd.read_csv(drawn.data / f"{part}.csv")
        assert list(rows["id"]) == list(range(1, len(rows) + 1))
        for number, row in enumerate(rows[columns].to_numpy(), 1):
            at = texts[(drawn.data / part / str(number) / "geometry.xyz").read_text("utf-8")]
            assert np.array_equal(row, frame[columns].to_numpy()[at])
            seen.append(at)
    assert sorted(seen) == list(range(COUNT))
    assert "bandgap_energy_ev" not in pd.read_csv(drawn.data / "test.csv").columns


def test_a_crystal_without_geometry_is_refused_by_its_path(tmp_path: Path) -> None:
    download_nomad(tmp_path)
    (tmp_path / "train" / "7" / "geometry.xyz").unlink()
    with pytest.raises(TaskError, match=r"train/7/geometry\.xyz"):
        prepared(NOMAD, tmp_path, tmp_path)


def test_an_archive_of_geometries_that_lacks_one_is_refused(tmp_path: Path) -> None:
    download_nomad(tmp_path)
    (tmp_path / "train" / "7" / "geometry.xyz").unlink()
    zip_nomad(tmp_path)
    with pytest.raises(TaskError, match=r"7/geometry\.xyz.*train\.zip"):
        prepared(NOMAD, tmp_path, tmp_path)


def read_published(drawn: Drawn, name: str) -> np.ndarray:
    return pd.read_csv(drawn.data / f"{name}.csv.gz", header=None).to_numpy()


def test_a_graph_keeps_its_edges_under_new_numbers_and_shows_the_training_labels_alone(tmp_path: Path) -> None:
    graph = download_arxiv(tmp_path)
    drawn = prepared(ARXIV, tmp_path, tmp_path)
    features, labels = read_published(drawn, "raw/node-feat"), read_published(drawn, "raw/node-label")[:, 0]
    train, test = read_published(drawn, "split/time/train")[:, 0], read_published(drawn, "split/time/test")[:, 0]
    assert sorted([*train, *test]) == list(range(COUNT))
    assert (labels[test] == -1).all()
    assert (labels[train] >= 0).all()
    # The features tell which old node each new one is.
    old = np.array([np.abs(graph.features - row).sum(axis=1).argmin() for row in features])
    assert sorted(old) == list(range(COUNT))
    assert (labels[train] == graph.labels[old[train]]).all()
    assert (read_published(drawn, "raw/node_year")[:, 0] == graph.years[old]).all()
    published = {tuple(pair) for pair in old[read_published(drawn, "raw/edge")].tolist()}
    assert published == {tuple(pair) for pair in graph.edges.tolist()}
    hidden = pd.concat([drawn.truth("dev"), drawn.truth("test")])
    assert list(hidden["label"].astype(int)) == list(graph.labels[old[hidden["node"]]])


def test_a_graph_without_its_years_is_refused(tmp_path: Path) -> None:
    download_arxiv(tmp_path)
    (tmp_path / "arxiv" / "raw" / "node_year.csv.gz").unlink()
    with pytest.raises(TaskError, match=r"node_year\.csv\.gz"):
        prepared(ARXIV, tmp_path, tmp_path)


def test_a_graph_with_too_few_features_is_refused(tmp_path: Path) -> None:
    graph = download_arxiv(tmp_path)
    text = "1,2\n" * len(graph)
    (tmp_path / "arxiv" / "raw" / "node-feat.csv.gz").write_bytes(gzip.compress(text.encode()))
    with pytest.raises(TaskError, match=r"2 columns, not 128.*node-feat\.csv\.gz"):
        prepared(ARXIV, tmp_path, tmp_path)


def test_a_folder_without_a_graph_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"raw/edge\.csv\.gz"):
        prepared(ARXIV, tmp_path, tmp_path)
