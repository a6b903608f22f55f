"""Real downloads of the held-out text and table tasks: tiny files in the competitions' layouts, whole and broken."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tasks.building import Drawn, build
from tasks.errors import TaskError
from tasks.suite import find
from tasks.variant import draw

COUNT = 40
ESSAYS, INSULTS, SPOOKY, TOXIC, PATENTS, COVERS = TASKS = (
    "learning-agency-lab-automated-essay-scoring-2",
    "detecting-insults-in-social-commentary",
    "spooky-author-identification",
    "jigsaw-toxic-comment-classification-challenge",
    "us-patent-phrase-to-phrase-matching",
    "tabular-playground-series-dec-2021",
)


def columns(task: str) -> tuple[str, ...]:
    """The columns of the download's train.csv, as the task names them."""
    real = find(task).real
    assert real is not None
    return real.files[0].columns


def table(task: str) -> pd.DataFrame:
    """`COUNT` labelled examples with the columns of the competition's train.csv; each has text or numbers of its own."""
    numbers = np.arange(COUNT)
    texts = [f"text number {number}, and\na second line" for number in numbers]
    if task == ESSAYS:
        return pd.DataFrame({"essay_id": [f"{n:07x}" for n in numbers], "full_text": texts, "score": 1 + numbers % 6})
    if task == INSULTS:
        quoted = [f'"comment {number}\\\\n"' for number in numbers]
        return pd.DataFrame({"Insult": numbers % 2, "Date": [None, "20120618192155Z"] * (COUNT // 2), "Comment": quoted})
    if task == SPOOKY:
        authors = np.array(["EAP", "HPL", "MWS"])[numbers % 3]
        return pd.DataFrame({"id": [f"id{n:05d}" for n in numbers], "text": texts, "author": authors})
    if task == TOXIC:
        labels = pd.DataFrame({kind: (numbers % (place + 2) == 0) * 1 for place, kind in enumerate(columns(TOXIC)[2:])})
        return pd.concat([pd.DataFrame({"id": [f"{n:016x}" for n in numbers], "comment_text": texts}), labels], axis=1)
    if task == PATENTS:
        phrases = pd.DataFrame({"id": [f"{n:016x}" for n in numbers], "anchor": "abatement", "target": texts, "context": "A47"})
        return phrases.assign(score=numbers % 5 / 4)
    cells = np.zeros((COUNT, len(columns(COVERS))), np.int64)
    frame = pd.DataFrame(cells, columns=list(columns(COVERS)))
    return frame.assign(Id=numbers, Elevation=3000 + numbers, Cover_Type=1 + numbers % 7)


def download(task: str, raw: Path) -> pd.DataFrame:
    """Write the unpacked download; all its labelled examples."""
    whole = table(task)
    if task != INSULTS:
        whole.to_csv(raw / "train.csv", index=False)
        return whole
    whole[:30].to_csv(raw / "train.csv", index=False)
    # The first comment stands in both files.
    again = pd.concat([whole[:1], whole[30:]])
    again.assign(Usage="PrivateTest").to_csv(raw / "test_with_solutions.csv", index=False)
    return whole


def drawn(task: str, raw: Path, store: Path) -> Drawn:
    spec = find(task)
    return build(spec, draw(spec, data="real"), store, raw=raw)


@pytest.mark.parametrize("task", TASKS)
def test_each_real_example_is_in_one_part_with_its_label(task: str, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    whole = download(task, raw)
    made = drawn(task, raw, tmp_path / "store")
    train, test = (pd.read_csv(made.data / name) for name in ("train.csv", "test.csv"))
    own = {INSULTS: "Comment", COVERS: "Elevation"}.get(task, str(whole.columns[0]))
    assert list(train.columns) == list(columns(task))
    assert sorted([*train[own], *test[own]]) == sorted(whole[own])
    assert not set(test.columns) & ({*find(task).submission.targets, "author", "Insult"})

    key, targets = find(task).submission.id, list(find(task).submission.targets)
    hidden = pd.concat([made.truth("dev"), made.truth("test")]).set_index(key)
    if task == SPOOKY:
        whole = whole.assign(**{name: (whole["author"] == name) * 1.0 for name in targets})
    given = whole.set_index(own).loc[test[own], targets]
    assert np.array_equal(hidden.loc[test[key], targets].to_numpy(np.float64), given.to_numpy(np.float64))


@pytest.mark.parametrize(("task", "packed"), [(SPOOKY, "train.zip"), (TOXIC, "train.csv.zip")])
def test_a_table_may_still_be_packed(task: str, packed: str, tmp_path: Path) -> None:
    whole = download(task, tmp_path)
    with zipfile.ZipFile(tmp_path / packed, "w") as archive:
        archive.write(tmp_path / "train.csv", "train.csv")
    (tmp_path / "train.csv").unlink()
    made = drawn(task, tmp_path, tmp_path / "store")
    assert sum(len(made.truth(part)) for part in ("train", "dev", "test")) == len(whole)


@pytest.mark.parametrize("task", TASKS)
def test_a_missing_column_is_named(task: str, tmp_path: Path) -> None:
    download(task, tmp_path)
    frame = pd.read_csv(tmp_path / "train.csv")
    lost = str(frame.columns[2])
    frame.drop(columns=lost).to_csv(tmp_path / "train.csv", index=False)
    with pytest.raises(TaskError, match=rf"the column '{lost}' is missing.*train\.csv"):
        drawn(task, tmp_path, tmp_path / "store")


@pytest.mark.parametrize(("task", "name"), [(ESSAYS, "train.csv"), (INSULTS, "test_with_solutions.csv")])
def test_a_missing_file_is_named(task: str, name: str, tmp_path: Path) -> None:
    download(task, tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(TaskError, match=rf"cannot be read.*{name}"):
        drawn(task, tmp_path, tmp_path / "store")
