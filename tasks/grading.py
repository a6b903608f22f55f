"""Grading on the host: a submission is untrusted text; what is not exactly right is refused, never repaired."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tasks.building import Drawn
from tasks.schema import Submission
from tasks.source import grader_of

# A submission may be this many times as long as an honest one could be.
SLACK = 8
BYTES_PER_CELL = 64


@dataclass(frozen=True, slots=True)
class Grade:
    """The metric on one hidden part; None when the submission was refused, and why in one line."""

    value: float | None
    refusal: str = ""


class Refused(Exception):
    """A submission that is not graded: why, in one line."""


def grade(drawn: Drawn, content: bytes | None, part: str) -> Grade:
    """Grade the submission file's `content` (None: it was not written) on `dev` or `test`."""
    submission = drawn.spec.submission
    if content is None:
        return Grade(None, f"the run wrote no {submission.file}")
    try:
        predicted = predictions(drawn, content, part)
    except Refused as refusal:
        return Grade(None, f"{submission.file} was refused: {refusal}")
    with np.errstate(all="ignore"):  # what overflows comes out as infinite, and is refused
        value = float(grader_of(drawn.spec).grade(predicted, drawn.truth(part)))
    if not np.isfinite(value):
        return Grade(None, f"{submission.file} was refused: the {drawn.spec.metric.name} of these predictions is not defined")
    return Grade(value)


def predictions(drawn: Drawn, content: bytes, part: str) -> pd.DataFrame:
    """The rows of a submission for one part, as the task's grader takes them. Raises `Refused`, for any row of any part."""
    submission = drawn.spec.submission
    whole = _read(content, submission, sum(len(drawn.truth(each)) for each in ("dev", "test")))
    classes = submission.classes or tuple(drawn.truth("train")[submission.targets[0]].astype(str).unique())
    for target in submission.targets:
        whole[target] = _checked(whole[target], target, submission, frozenset(classes))
    return _align(whole, drawn, part)


def _read(content: bytes, submission: Submission, rows: int) -> pd.DataFrame:
    wanted = [submission.id, *submission.targets]
    bound = SLACK * BYTES_PER_CELL * (rows + 1) * len(wanted) * max(1, submission.depth)
    if len(content) > bound:
        raise Refused(f"it has {len(content):,} bytes; {rows} rows were expected")
    try:
        # Not told of a header, the parser refuses rows that are longer than the first instead of cutting or shifting them.
        table = pd.read_csv(io.BytesIO(content), header=None, dtype=str, keep_default_na=False, on_bad_lines="error")
    except (ValueError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise Refused(f"it is not a CSV file: {str(error).splitlines()[0][:120]}") from None
    if list(table.iloc[0]) != wanted:
        raise Refused(f"its header is {_short(table.iloc[0])}, not {_short(wanted)}")
    frame = table.iloc[1:].set_axis(wanted, axis=1).reset_index(drop=True)
    if len(frame) != rows:
        raise Refused(f"it has {len(frame):,} rows, not {rows:,}")
    return frame


def _align(frame: pd.DataFrame, drawn: Drawn, part: str) -> pd.DataFrame:
    """The rows of one part in the order of the truth. Every hidden id must be there, whichever part is graded."""
    key = drawn.spec.submission.id
    given = pd.Index(frame[key])
    if not given.is_unique:
        raise Refused(f"the {key} {given[given.duplicated()][0]!r} stands in it twice")
    for each in ("dev", "test"):
        ids = drawn.truth(each)[key].astype(str)
        known = ids.isin(given)
        if not known.all():
            raise Refused(f"there is no row for the {key} {ids[~known].iloc[0]!r}")
    positions = given.get_indexer(pd.Index(drawn.truth(part)[key].astype(str)))
    return frame.iloc[positions].reset_index(drop=True)


def _checked(column: pd.Series, name: str, submission: Submission, classes: frozenset[str]) -> pd.Series:
    """The values of a target as the grader gets them: text for classes and rankings, floats otherwise."""
    if submission.values == "class":
        wrong = column[~column.isin(classes)]
        if len(wrong):
            raise Refused(f"{name}: {wrong.iloc[0]!r} is not a known class")
        return column
    if submission.values == "ranking":
        rows = [str(row).split(" ") for row in column]
        if any(len(row) > submission.depth for row in rows):
            raise Refused(f"{name}: more than {submission.depth} classes in one row")
        if any(not set(row) <= classes for row in rows):
            raise Refused(f"{name}: a row names an unknown class")
        return column
    numbers = pd.to_numeric(column, errors="coerce")
    if not np.isfinite(numbers.to_numpy(np.float64)).all():
        raise Refused(f"{name}: {column[~np.isfinite(numbers)].iloc[0]!r} is not a finite number")
    low, high = (0.0, 1.0) if submission.values == "probability" else (submission.minimum, submission.maximum)
    if (low is not None and (numbers < low).any()) or (high is not None and (numbers > high).any()):
        raise Refused(
            f"{name}: a value is outside of {low:g} to {high:g}" if None not in (low, high) else f"{name}: out of range"
        )
    return numbers


def _short(names: Iterable[object]) -> str:
    text = ",".join(map(str, names))
    return text if len(text) <= 60 else f"{text[:57]}..."
