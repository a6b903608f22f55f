"""Competitions that are two CSV files: `train.csv` with the targets, `test.csv` without, `sample_submission.csv`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.errors import TaskError
from tasks.source import Index, Published


@dataclass(frozen=True)
class TableExamples:
    """`frame` has the columns of the competition's train.csv, one row an example; `strata` as in `Examples`."""

    frame: pd.DataFrame
    strata: npt.NDArray[np.generic] | None = None

    def __len__(self) -> int:
        return len(self.frame)


def publish_tables(
    examples: TableExamples, train: Index, hidden: Index, out: Path, *, key: str, targets: Sequence[str], blank: object
) -> Published:
    """Write the three files into `out`. `key` is the id column, `blank` the value that the sample submission carries."""
    wanted = [key, *targets]
    rows, kept = examples.frame.iloc[train], examples.frame.iloc[hidden].reset_index(drop=True)
    rows.to_csv(out / "train.csv", index=False)
    kept.drop(columns=list(targets)).to_csv(out / "test.csv", index=False)
    write_sample(kept[key], targets, blank, out)
    return Published(rows[wanted].reset_index(drop=True), kept[wanted].assign(example=np.arange(len(kept))))


def write_sample(ids: pd.Series, targets: Sequence[str], blank: object, out: Path) -> None:
    """Write `sample_submission.csv`: every hidden id with `blank` for each target."""
    pd.DataFrame({str(ids.name): ids, **dict.fromkeys(targets, blank)}).to_csv(out / "sample_submission.csv", index=False)


def read_table(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """The CSV file of a real download, with exactly these columns. Raises `TaskError`."""
    try:
        frame = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise TaskError(
            f"the file cannot be read: {str(error).splitlines()[0]}", where=str(path), how="download it again"
        ) from None
    if list(frame.columns) != list(columns):
        missing = [name for name in columns if name not in frame.columns]
        what = f"the column {missing[0]!r} is missing" if missing else "it has other columns than the competition's file"
        raise TaskError(what, where=str(path), how="use the file as it was downloaded")
    return frame
