"""Verification: a good task passes and is measured; a task that breaks a promise is found out, and which it broke is said."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mlagent_app.environment.taskjudge import open_variant, real_data
from mlagent_app.verify.findings import TaskReport
from mlagent_app.verify.realdata import take_in
from mlagent_app.verify.record import record
from mlagent_app.verify.verification import Scope, verify
from mlagent_app.verify.workshop import Workshop, workshop
from sandbox.runner import SandboxError
from tasks.building import build
from tasks.errors import TaskError
from tasks.schema import TaskSpec, load
from tasks.variant import draw
from tests.tasks.tiny import PREPARE, SCRIPT, TOML, tiny

QUICK = Scope("mlagent tasks verify tiny", quick=True, seeds=1)
HEADER = "id,x,y"


@pytest.fixture(scope="module")
def shop() -> Iterator[Workshop]:
    try:
        with workshop(["bwrap"]) as opened:
            yield opened
    except SandboxError as error:
        pytest.skip(str(error))


@pytest.fixture
def fresh(shop: Workshop) -> Workshop:
    """Tasks of different tests have the same name: their variants must not be taken for each other's."""
    for directory in shop.store.glob("*/*"):  # the directories above are what the fork servers show
        shutil.rmtree(directory)
    return shop


def failed(report: TaskReport) -> dict[str, str]:
    return {each.check: " ".join(each.problems) for each in report.findings if not each.ok}


@pytest.mark.bwrap
def test_a_good_task_passes_and_is_measured(fresh: Workshop, tmp_path: Path) -> None:
    spec = tiny(tmp_path)
    report = verify(spec, fresh, replace(QUICK, seeds=3, attacked={"tiny": ["bwrap"]}))
    assert failed(report) == {}
    assert {each.check for each in report.findings} == {"schema", "data", "starters", "repeat", "attacks", "reference", "noise"}
    measured = report.measured
    assert measured is not None
    assert measured.baseline == measured.starters["mean"]
    assert measured.reference.n == 3
    assert measured.reference.mean < measured.starters["most"].mean < measured.starters["half"].mean < measured.constant
    assert 0 < measured.noise < measured.baseline.mean / 5
    path = record(spec, measured)
    assert load(spec.directory).measured == measured
    text = path.read_text("utf-8")
    assert text.startswith(TOML)
    record(load(spec.directory), measured)
    assert path.read_text("utf-8") == text
    assert [entry.name for entry in spec.directory.iterdir() if entry.name.startswith(".")] == []


@pytest.mark.bwrap
@pytest.mark.parametrize(
    ("changes", "check", "said"),
    [
        ({"reference_py": SCRIPT.format(slope=1.5)}, "reference", "the reference does not beat most"),
        ({"reference_py": "raise SystemExit(3)"}, "reference", "reference on variant 0"),
        ({"workspace__half_py": SCRIPT.format(slope=1).replace("validation rmse", "done")}, "starters", "printed no rmse"),
        (
            {"workspace__half_py": SCRIPT.format(slope=1).replace("** 0.5", "** 0.5 / 3")},
            "starters",
            "half in bwrap printed rmse",
        ),
        ({"workspace__half_py": "import time\nprint(1 / 0)"}, "starters", "half in bwrap"),
        (
            {"workspace__half_py": SCRIPT.format(slope="1 + __import__('time').time_ns() % 1000 / 1e5")},
            "repeat",
            "half: ",
        ),
        ({"prepare_py": PREPARE.replace("rng.normal(0, 1, size)\n", "np.random.rand(size)\n", 1)}, "data", "two draws"),
        ({"prepare_py": PREPARE.replace("blank=0.0", 'blank=examples.frame["y"].iloc[hidden].to_numpy()')}, "data", "labels"),
        (
            {
                "prepare_py": PREPARE.replace(
                    "    return publish", '    examples.frame.to_csv(out / "all.csv")\n    return publish'
                )
            },
            "data",
            "all.csv has the labels of hidden rows",
        ),
        ({"prepare_py": PREPARE.replace("2 * x", "no_such_name * x")}, "data", "its code raised NameError"),
        ({"workspace__mean_py": SCRIPT.format(slope=-1)}, "noise", "mean is no better than a constant"),
    ],
)
def test_a_broken_promise_is_found(fresh: Workshop, tmp_path: Path, changes: dict[str, str], check: str, said: str) -> None:
    report = verify(tiny(tmp_path, **changes), fresh, QUICK)
    assert said in failed(report).get(check, ""), failed(report)
    assert not report.ok


@pytest.mark.bwrap
def test_an_attack_that_succeeds_is_found(fresh: Workshop, tmp_path: Path) -> None:
    spec = tiny(tmp_path, attacks__by_id_py=SCRIPT.format(slope=2))
    report = verify(spec, fresh, replace(QUICK, attacked={"tiny": ["bwrap"]}))
    assert list(failed(report)) == ["attacks"]
    assert failed(report)["attacks"].startswith("by_id scores")


def test_measurements_that_make_a_task_invalid_are_not_written(tmp_path: Path) -> None:
    score = "{mean = 1.0, sd = 0.1, n = 6, seconds = 0.1, test = 1.0}"
    better = score.replace("mean = 1.0", "mean = 0.5")
    fixed = '[measured]\ncommand = "x"\nconstant = 2.0\nnoise = 0.1\nstarters = {}'
    spec = tiny(tmp_path, task_toml=f"{TOML}\n{fixed}\nbaseline = {score}\nreference = {better}\n")
    assert spec.measured is not None
    with pytest.raises(TaskError, match="the reference is not better"):
        record(spec, spec.measured.model_copy(update={"reference": spec.measured.baseline}))
    assert load(spec.directory) == spec


def download(directory: Path, header: str = HEADER, rows: int = 60) -> Path:
    directory.mkdir()
    lines = [header, *(f"r{number},{number / 7},{number / 3}" for number in range(rows))]
    (directory / "train.csv").write_text("\n".join(lines) + "\n", "utf-8")
    (directory / "notes.txt").write_text("not asked for", "utf-8")
    return directory


def test_real_data_is_checked_kept_and_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = tiny(tmp_path)
    kept, examples = take_in(spec, download(tmp_path / "raw"))
    assert (kept, examples) == (real_data("tiny"), 60)
    assert [path.name for path in kept.iterdir()] == ["train.csv"]
    shutil.rmtree(tmp_path / "raw")
    drawn = build(spec, draw(spec, data="real"), tmp_path / "store", raw=kept)
    assert sum(len(drawn.truth(part)) for part in ("train", "dev", "test")) == 60
    take_in(spec, download(tmp_path / "raw"))
    assert [path.name for path in kept.parent.iterdir()] == ["tiny"]
    monkeypatch.chdir(spec.directory.parent)
    with pytest.raises(Exception, match="there is no task"):
        open_variant("nothing@0.mean.real")


@pytest.mark.parametrize(
    ("header", "rows", "said"),
    [
        ("id,x", 60, "the column 'y' is missing"),
        ("id,x,y,z", 60, "it has other columns"),
        ("x,id,y", 60, "it has other columns"),
        (HEADER, 59, "it has 59 rows, not 60"),
    ],
)
def test_real_data_that_is_not_right_is_not_kept(tmp_path: Path, header: str, rows: int, said: str) -> None:
    with pytest.raises(TaskError, match=said) as caught:
        take_in(tiny(tmp_path), download(tmp_path / "raw", header, rows))
    assert str(tmp_path / "raw" / "train.csv") in str(caught.value)
    assert not real_data("tiny").exists()


def test_checksums_missing_files_and_archives(tmp_path: Path) -> None:
    raw = download(tmp_path / "raw")
    sums = TOML.replace("rows = 60", f'md5 = "{"0" * 32}"')
    with pytest.raises(TaskError, match=r"its MD5 checksum is [0-9a-f]{32}, not 0{32}"):
        take_in(tiny(tmp_path, task_toml=sums), raw)
    shutil.make_archive(str(raw / "train.csv"), "zip", raw, "train.csv")
    (raw / "train.csv").unlink()
    take_in(tiny(tmp_path, prepare_py=PREPARE.replace('"train.csv"', '"train.csv.zip"')), raw)
    assert [path.name for path in real_data("tiny").iterdir()] == ["train.csv.zip"]
    (raw / "train.csv.zip").write_bytes(b"PK damaged")
    with pytest.raises(TaskError, match="the file cannot be read"):
        take_in(tiny(tmp_path), raw)
    (raw / "train.csv.zip").unlink()
    with pytest.raises(TaskError, match=r"train.csv is missing"):
        take_in(tiny(tmp_path), raw)
    with pytest.raises(TaskError, match="there is no such directory"):
        take_in(tiny(tmp_path), tmp_path / "nowhere")
    assert [path.name for path in real_data("tiny").iterdir()] == ["train.csv.zip"]


def test_a_family_has_no_real_data(tmp_path: Path) -> None:
    spec: TaskSpec = tiny(tmp_path).model_copy(update={"split": "family", "real": None})
    with pytest.raises(TaskError, match="tiny is a family"):
        take_in(spec, tmp_path)
