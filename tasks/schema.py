"""What a task is: `task.toml`, read and checked. A task with an error in it cannot be loaded."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mlagent_app.agent.metrics import Direction, MetricSpec
from tasks.errors import TaskError

Split = Literal["held_in", "held_out", "family"]
Kind = Literal["tabular", "image", "text", "graph", "series"]
Problem = Literal["classification", "regression", "ranking"]
Values = Literal["class", "probability", "number", "ranking"]
Quality = Literal["weak", "ordinary", "good"]

# What every task directory holds besides task.toml.
REQUIRED = ("description.md", "card.md", "prepare.py", "grader.py", "reference.py", "workspace", "attacks")
MIN_STARTERS = 3


class Table(BaseModel):
    """A table of task.toml. Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Metric(Table):
    """The metric's name and direction."""

    name: str
    direction: Direction

    def spec(self, target: float | None = None) -> MetricSpec:
        """As the app knows it; it is read by the host's grader, never from what a script prints."""
        return MetricSpec(self.name, self.direction, source="grader", target=target)


class Submission(Table):
    """What a script writes: `file`, with the column `id` and the columns `targets`, one row a hidden example.

    `values`: `class` (one of `classes`; when empty, a value seen in training), `probability` (0 to 1), `number` (finite,
    between `minimum` and `maximum` where given) or `ranking` (up to `depth` classes, separated by spaces).
    """

    id: str
    targets: tuple[str, ...] = Field(min_length=1)
    values: Values
    classes: tuple[str, ...] = ()
    depth: int = 1
    minimum: float | None = None
    maximum: float | None = None
    file: str = "submission.csv"


class RunLimits(Table):
    """What one run may take: seconds of wall time, mebibytes of memory."""

    seconds: float = 60.0
    memory_mb: int = 2048


class Files(Table):
    """Globs of the workspace: what may be edited, and what may not change."""

    editable: tuple[str, ...] = ("*.py", "*.yaml")
    protected: tuple[str, ...] = ("data/**", "description.md")


class Size(Table):
    """Labelled examples of the mini data: the standard number, the range of the variants, and the shares kept back.

    `dev` and `test` are shares of all examples; what remains is the public training part.
    """

    standard: int = Field(gt=0)
    smallest: int = Field(gt=0)
    largest: int = Field(gt=0)
    dev: float = Field(default=0.3, gt=0, lt=0.5)
    test: float = Field(default=0.3, gt=0, lt=0.5)


class Starter(Table):
    """One starter script: `workspace/<name>.py`, or the directory `workspace/<name>/` with a `train.py`."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    make: str
    quality: Quality
    needs: tuple[str, ...] = ()


class RealFile(Table):
    """A file of the real download that must be there, with what is checked of it."""

    path: str
    columns: tuple[str, ...] = ()
    rows: int | None = None
    md5: str = ""


class Real(Table):
    """Where the real data comes from, on which terms, and the files that are expected."""

    page: str
    licence: str
    files: tuple[RealFile, ...] = Field(min_length=1)
    archive: str = ""
    archive_md5: str = ""


class Score(Table):
    """A score over `n` variants: mean and standard deviation on dev, mean on test, mean seconds a run."""

    mean: float
    sd: float
    n: int
    seconds: float
    test: float


class Measured(Table):
    """What `command` measured: the scores of the starters, the reference and the best constant, and the noise floor.

    `noise` is the standard deviation of the standard starter's score on one variant when the dev examples are redrawn
    (bootstrap), in the metric's unit.
    """

    command: str
    baseline: Score
    reference: Score
    constant: float
    noise: float
    starters: dict[str, Score]


class TaskSpec(Table):
    """One task. `directory` is where it was loaded from; `limits` hold for the mini data, `real_limits` for the real."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    title: str
    split: Split
    kind: Kind
    problem: Problem
    metric: Metric
    submission: Submission
    size: Size
    starters: tuple[Starter, ...] = Field(min_length=MIN_STARTERS)
    limits: RunLimits = RunLimits()
    real_limits: RunLimits = RunLimits(seconds=3600.0, memory_mb=16384)
    files: Files = Files()
    real: Real | None = None
    measured: Measured | None = None
    directory: Path

    @model_validator(mode="after")
    def _consistent(self) -> TaskSpec:
        if not self.size.smallest <= self.size.standard <= self.size.largest:
            raise ValueError("size: smallest <= standard <= largest does not hold")
        names = [starter.name for starter in self.starters]
        if len(set(names)) < len(names):
            raise ValueError("starters: two have the same name")
        if (self.real is None) != (self.split == "family"):
            raise ValueError("real: a task of the paper names its real data, and a family has none")
        measured = self.measured
        if measured and not self.metric.spec().better(measured.reference.mean, measured.baseline.mean):
            sides = f"the reference {measured.reference.mean:g}, the baseline {measured.baseline.mean:g}"
            raise ValueError(f"measured: the reference is on the wrong side of the baseline: {sides}")
        return self

    def starter(self, name: str) -> Starter:
        """The starter of that name. Raises `TaskError`."""
        for starter in self.starters:
            if starter.name == name:
                return starter
        known = ", ".join(starter.name for starter in self.starters)
        raise TaskError(f"{self.id} has no starter {name!r}", how=f"choose one of: {known}")

    def starter_files(self, name: str) -> dict[str, bytes]:
        """The files of a starter as they stand in a workspace, relative path to content. The script is `train.py`."""
        script = self.directory / "workspace" / f"{self.starter(name).name}.py"
        if script.is_file():
            return {"train.py": script.read_bytes()}
        folder = script.with_suffix("")
        paths = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def load(directory: Path) -> TaskSpec:
    """The task in `directory`. Raises `TaskError` that names the file and the key."""
    path = directory / "task.toml"
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise TaskError("there is no task.toml", where=str(directory), how="name the directory of a task") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TaskError(f"task.toml cannot be read: {error}", where=str(path), how="correct it") from None
    try:
        spec = TaskSpec(**data, directory=directory)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise TaskError(f"{f'{key}: ' if key else ''}{message}", where=str(path), how="correct it") from None
    _check_files(spec)
    return spec


def _check_files(spec: TaskSpec) -> None:
    missing = [name for name in REQUIRED if not (spec.directory / name).exists()]
    missing += [f"workspace/{item.name}" for item in spec.starters if "train.py" not in spec.starter_files(item.name)]
    if missing:
        raise TaskError(f"the task lacks {', '.join(missing)}", where=str(spec.directory), how="add what is missing")
    if spec.id != spec.directory.name:
        raise TaskError(
            f"the id {spec.id!r} is not the name of the directory", where=str(spec.directory), how="make them equal"
        )
    folder = {"held_in": "held_in", "held_out": "held_out", "family": "families"}[spec.split]
    if spec.directory.parent.name != folder:
        raise TaskError(f"a task of the split {spec.split} stands in {folder}/", where=str(spec.directory), how="move it")
