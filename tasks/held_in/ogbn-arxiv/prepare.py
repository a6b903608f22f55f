"""ogbn-arxiv: papers, what they cite, and the subject of each."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.errors import TaskError
from tasks.source import Index, Published
from tasks.tables import write_sample

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FEATURES, SUBJECTS = 128, 40
# The mini graph has so many of the forty subjects, in so many fields.
CLASSES, FIELDS = 12, 4
PAIRS = 4
YEARS = (2005, 2021)
# Features are written with this many decimals, and never leave this range.
DECIMALS, RANGE = 4, 4.0
HOW = "point at the directory that holds raw/ of OGB's download"


@dataclass(frozen=True)
class Graph:
    """Papers in the order of their node numbers. `edges`: citing and cited node in a row; `labels`: 0 to 39."""

    features: Floats
    edges: Ints
    years: Ints
    labels: Ints

    @property
    def strata(self) -> npt.NDArray[np.generic]:
        return self.labels

    def __len__(self) -> int:
        return len(self.labels)


def mini(size: int, noise: float, rng: np.random.Generator) -> Graph:
    """A degree-corrected block model: subjects in fields, prototypes that drift over the years, citations into the past."""
    subjects = np.sort(rng.choice(SUBJECTS, CLASSES, replace=False))
    # Every subject is common enough to be in each part.
    shares = 0.4 / CLASSES + 0.6 * rng.dirichlet(np.full(CLASSES, 2.0))
    classes = rng.choice(CLASSES, size, p=shares)
    field = rng.permutation(np.arange(CLASSES) % FIELDS)
    years = np.minimum(YEARS[0] + (rng.beta(2.2, 1.1, size) * (YEARS[1] - YEARS[0])).astype(np.int64), YEARS[1] - 1)
    features = _features(classes, field, years, noise, rng)
    edges = _citations(classes, field, years, noise, rng)
    return Graph(features, edges, years, subjects[classes])


def _features(classes: Ints, field: Ints, years: Ints, noise: float, rng: np.random.Generator) -> Floats:
    """Word averages: field and subject in few directions, the year's fashion, a writer's style, and noise. Shape (n, 128)."""
    age = (years - YEARS[0])[:, None] / (YEARS[1] - YEARS[0])
    start = rng.normal(0, 1, (CLASSES, FEATURES))
    drift = rng.normal(0, 0.6, (CLASSES, FEATURES))
    fields = rng.normal(0, 1, (FIELDS, FEATURES))
    mean = 0.05 * fields[field[classes]] + 0.03 * (start[classes] + age * drift[classes])
    style = rng.normal(0, 1, (len(classes), 10)) @ rng.normal(0, 0.075, (10, FEATURES))
    fashion = 0.15 * age * rng.normal(0, 1, FEATURES)
    rows = mean + style + fashion + rng.normal(0, 0.24 * noise, (len(classes), FEATURES))
    # Pairs of words whose product, and neither by itself, tells one half of the subjects from the other.
    half = rng.permuted(np.tile(np.arange(CLASSES) % 2 * 2.0 - 1, (PAIRS, 1)), axis=1)[:, classes].T
    sign = rng.choice([-1.0, 1.0], half.shape)
    rows[:, :PAIRS] += 0.3 * noise * sign
    rows[:, PAIRS : 2 * PAIRS] += 0.3 * noise * sign * half
    return np.clip(rows, -RANGE, RANGE)


def _citations(classes: Ints, field: Ints, years: Ints, noise: float, rng: np.random.Generator) -> Ints:
    """Pairs of a citing paper and one that is not younger. Shape (edges, 2), every pair once, no paper citing itself."""
    size = len(classes)
    # How readily each subject cites each: itself most, its field often, a favourite elsewhere.
    habit = np.full((CLASSES, CLASSES), 0.25 + 0.1 * noise)
    habit[field[:, None] == field[None, :]] = 1.2
    habit[np.arange(CLASSES), rng.permutation(CLASSES)] = 2.5
    habit[np.arange(CLASSES), np.arange(CLASSES)] = rng.uniform(4.0, 14.0, CLASSES)
    fame = rng.pareto(2.2, size) + 0.3
    number = np.minimum(rng.poisson(rng.gamma(1.2, 3.2, size)), 25)
    citing = np.repeat(np.arange(size), number * 3)
    mass = habit * np.bincount(classes, weights=fame, minlength=CLASSES)
    mass = np.cumsum(mass / mass.sum(axis=1, keepdims=True), axis=1)
    wanted = (rng.random(len(citing))[:, None] > mass[classes[citing]]).sum(axis=1).clip(max=CLASSES - 1)
    # A cited paper of the wanted subject, by fame: a position in the running sum of that subject.
    order = np.argsort(classes, kind="stable")
    running = np.cumsum(fame[order])
    ends = np.searchsorted(classes[order], np.arange(CLASSES), side="right")
    starts = np.searchsorted(classes[order], np.arange(CLASSES))
    low = np.where(starts > 0, running[np.maximum(starts - 1, 0)], 0.0)
    high = np.where(ends > starts, running[np.maximum(ends - 1, 0)], low)
    at = low[wanted] + rng.random(len(citing)) * (high - low)[wanted]
    cited = order[np.searchsorted(running, at).clip(max=size - 1)]
    pairs = np.stack([citing, cited], axis=1)
    pairs = pairs[(years[cited] <= years[citing]) & (citing != cited)]
    # About a third is older; of those each paper keeps no more than it has references.
    place = np.arange(len(pairs)) - np.searchsorted(pairs[:, 0], pairs[:, 0])
    pairs = pairs[place < number[pairs[:, 0]]]
    return np.unique(pairs, axis=0).astype(np.int64)


def real(raw: Path) -> Graph:
    """OGB's own graph, from its folder `arxiv/`, `ogbn_arxiv/`, or the `raw/` in there."""
    places = [raw / inner for inner in ("raw", "arxiv/raw", "ogbn_arxiv/raw", ".") if (raw / inner / "edge.csv.gz").is_file()]
    if not places:
        raise TaskError("raw/edge.csv.gz is missing", where=str(raw), how=HOW)
    folder = places[0]
    labels = _read(folder / "node-label.csv.gz", 1).astype(np.int64)[:, 0]
    features = _read(folder / "node-feat.csv.gz", FEATURES)
    years = _read(folder / "node_year.csv.gz", 1).astype(np.int64)[:, 0]
    edges = _read(folder / "edge.csv.gz", 2).astype(np.int64)
    for name, rows in (("node-feat.csv.gz", len(features)), ("node_year.csv.gz", len(years))):
        if rows != len(labels):
            what = f"it has {rows:,} rows, and node-label.csv.gz has {len(labels):,}"
            raise TaskError(what, where=str(folder / name), how="download it again")
    if labels.size == 0 or labels.min() < 0 or labels.max() >= SUBJECTS:
        raise TaskError(f"a label is not one of 0 to {SUBJECTS - 1}", where=str(folder / "node-label.csv.gz"), how=HOW)
    if edges.size and (edges.min() < 0 or edges.max() >= len(labels)):
        raise TaskError("an edge names a node that does not exist", where=str(folder / "edge.csv.gz"), how="download it again")
    return Graph(features, edges, years, labels)


def _read(path: Path, columns: int) -> Floats:
    """The rows of a CSV file without a header. Raises `TaskError`."""
    try:
        frame = pd.read_csv(path, header=None)
        values = frame.to_numpy(np.float64)
    except (OSError, ValueError, EOFError) as error:
        reason = str(error).splitlines()[0]
        raise TaskError(f"the file cannot be read: {reason}", where=str(path), how="download it again") from None
    if values.shape[1] != columns:
        raise TaskError(f"it has {values.shape[1]} columns, not {columns}", where=str(path), how=HOW)
    return values


def publish(examples: Graph, train: Index, hidden: Index, out: Path) -> Published:
    """OGB's layout, all nodes and edges; the labels of hidden nodes are -1. The nodes get new numbers, in random order."""
    size = len(examples)
    # Old node of each new one. Mixing both parts by their random orders keeps a number from telling the part or the label.
    order = np.concatenate([train, hidden])[np.argsort(_spread(size), kind="stable")]
    new = np.empty(size, np.int64)
    new[order] = np.arange(size)
    known = np.zeros(size, bool)
    known[new[train]] = True
    labels = examples.labels[order]
    edges = new[examples.edges]
    edges = edges[np.lexsort((edges[:, 1], edges[:, 0]))]

    raw, split = out / "raw", out / "split" / "time"
    raw.mkdir()
    split.mkdir(parents=True)
    _write(raw / "edge.csv.gz", _lines(edges))
    _write(raw / "node-feat.csv.gz", _feature_lines(examples.features[order]))
    _write(raw / "node-label.csv.gz", _lines(np.where(known, labels, -1)[:, None]))
    _write(raw / "node_year.csv.gz", _lines(examples.years[order][:, None]))
    _write(raw / "num-node-list.csv.gz", f"{size}\n")
    _write(raw / "num-edge-list.csv.gz", f"{len(edges)}\n")
    shown, asked = new[train], new[hidden]
    _write(split / "train.csv.gz", _lines(np.sort(shown)[:, None]))
    _write(split / "test.csv.gz", _lines(asked[:, None]))
    truth = pd.DataFrame({"node": asked, "label": labels[asked].astype(str)})
    write_sample(truth["node"], ["label"], int(np.bincount(labels[shown]).argmax()), out)
    return Published(
        pd.DataFrame({"node": shown, "label": labels[shown].astype(str)}), truth.assign(example=np.arange(len(hidden)))
    )


def _spread(size: int) -> Floats:
    """Numbers evenly strewn over the unit interval, in an order that has no period."""
    return (np.arange(size) * ((np.sqrt(5) - 1) / 2)) % 1.0


def _lines(table: Ints) -> str:
    return "".join(",".join(map(str, row)) + "\n" for row in table.tolist())


def _feature_lines(features: Floats) -> str:
    """CSV rows; real features are rounded as well. Each number's text is looked up, which is far faster than formatting."""
    scale = 10**DECIMALS
    texts = np.array(
        [f"{number / scale:.{DECIMALS}f}" for number in range(int(-RANGE * scale), int(RANGE * scale) + 1)], object
    )
    codes = np.rint(np.clip(features, -RANGE, RANGE) * scale).astype(np.int64) + int(RANGE * scale)
    return "".join(",".join(row) + "\n" for row in texts[codes].tolist())


def _write(path: Path, text: str) -> None:
    """A gzip file that carries no time and no name."""
    path.write_bytes(gzip.compress(text.encode(), compresslevel=3, mtime=0))
