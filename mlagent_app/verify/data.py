"""The data of a task: drawn the same each time, quickly, other for each role, and without the labels of what is asked."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pandas as pd

from mlagent_app.verify.findings import Finding, finding
from tasks.building import PARTS, Drawn, build
from tasks.schema import TaskSpec
from tasks.variant import ROLES, SEEDS_PER_ROLE, draw, first_seed, role_of

SAMPLE = "sample_submission.csv"
DRAW_SECONDS = 0.5
BYTES = 3_000_000
# A table that has this share of the labels right, of so many rows at least, has them from somewhere.
SURE = 0.9
FEW = 10


def check_data(spec: TaskSpec, store: Path) -> Finding:
    """Draw variants below `store` and look at them. Raises `TaskError` when the task cannot be drawn."""
    problems: list[str] = []
    seconds: list[float] = []
    draws: list[Drawn] = []
    for copy in ("first", "second"):
        start = time.process_time()
        draws.append(build(spec, draw(spec), store / copy))
        seconds.append(time.process_time() - start)
    first = draws[0]
    if contents(first.data) != contents(draws[1].data):
        problems.append("two draws of one variant have different public files")
    if any(not first.truth(part).equals(draws[1].truth(part)) for part in ("train", *PARTS)):
        problems.append("two draws of one variant have different labels")
    problems += _roles(spec, first, store / "first")
    problems += leaks(first)
    size = sum(path.stat().st_size for path in first.data.rglob("*") if path.is_file())
    counts = " + ".join(str(len(first.truth(part))) for part in ("train", *PARTS))
    slow = "" if min(seconds) <= DRAW_SECONDS else f", slower than {DRAW_SECONDS:g} s"
    large = "" if size <= BYTES else f", more than {BYTES / 1e6:g} MB"
    return finding("data", problems, f"{counts} rows, {size / 1e6:.2f} MB{large}, drawn in {min(seconds):.2f} CPU s{slow}")


def _roles(spec: TaskSpec, first: Drawn, store: Path) -> list[str]:
    edges = [(start, start + SEEDS_PER_ROLE - 1) for start in map(first_seed, ROLES)]
    problems = [
        f"the seeds of {role} meet others" for role, edge in zip(ROLES, edges, strict=True) if {*map(role_of, edge)} != {role}
    ]
    seen = {first.variant.role: contents(first.data)}
    for role in ROLES[1:]:
        drawn = contents(build(spec, draw(spec, first_seed(role)), store).data)
        problems += [
            f"the data of the roles {role} and {other} are the same" for other, known in seen.items() if known == drawn
        ]
        seen[role] = drawn
    return problems


def leaks(drawn: Drawn) -> list[str]:
    """The public tables that give the labels of hidden rows, by their ids or, without ids, in their order.

    That an id and a target stand in one table says nothing: some competitions number training and test rows from 1 each.
    """
    submission = drawn.spec.submission
    targets = list(submission.targets)
    hidden = pd.concat([drawn.truth(part) for part in PARTS]).astype(str).set_index(submission.id)
    problems: list[str] = []
    for path in sorted(drawn.data.rglob("*.csv")):
        table = _table(path)
        if not set(targets) <= set(table.columns):
            continue
        if submission.id in table.columns:
            table = table[table[submission.id].isin(hidden.index)].drop_duplicates(submission.id)
            truth = hidden.loc[table[submission.id], targets]
        else:
            truth = hidden.loc[pd.read_csv(drawn.data / SAMPLE, dtype=str)[submission.id], targets]
        if len(table) == len(truth) >= FEW and _tells(table[targets], truth):
            problems.append(f"{path.relative_to(drawn.data)} has the labels of hidden rows")
    return problems


def _tells(given: pd.DataFrame, truth: pd.DataFrame) -> bool:
    """Whether the given labels are the true ones, and more often so than the most frequent label would be."""
    right = float((given.to_numpy() == truth.to_numpy()).all(axis=1).mean())
    return right > SURE and right > float(truth.value_counts(normalize=True).iloc[0])


def _table(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False)
    except (ValueError, pd.errors.ParserError):
        return pd.DataFrame()


def contents(directory: Path) -> dict[str, str]:
    """Relative path to digest of every file, compiled Python left out."""
    paths = (path for path in sorted(directory.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
