"""Tables whose label hangs on interactions: drawn terms over drawn columns, among redundant and misleading ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.source import Index, Published
from tasks.tables import TableExamples, publish_tables

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
TERMS = ("product", "agreement", "ring", "gate", "slope", "ridge")


def mini(size: int, noise: float, rng: np.random.Generator) -> TableExamples:
    """Items with measurements and codes; the grade with the highest noisy score is given."""
    count, classes = int(rng.integers(4, 8)), int(rng.integers(2, 5))
    latent = rng.normal(0, 1, (size, count))
    codes = [rng.choice(levels, size, p=rng.dirichlet([4.0] * levels)) for levels in rng.integers(2, 6, rng.integers(1, 4))]
    scores = latent @ rng.normal(0, 0.38, (count, classes))
    kinds = rng.choice(len(TERMS), int(rng.integers(3, 6)))
    for kind in kinds:
        term = _term(TERMS[kind], latent, codes, rng)
        weights = rng.normal(0, 1, classes)
        weights -= weights.mean()
        scores += 1.7 * np.outer((term - term.mean()) / term.std(), weights / np.linalg.norm(weights))
    scores += _bias(scores, rng.dirichlet([9.0] * classes) * 0.8 + 0.2 / classes)
    grade = np.array(list("ABCD"))[np.argmax(scores + rng.gumbel(0, 0.45 * noise, scores.shape), axis=1)]

    columns = [_shaped(latent[:, each], rng) for each in range(count)]
    columns += _redundant(latent, rng) + _misleading(columns, size, rng)
    frame = pd.DataFrame({"row_id": rng.permutation(90_000)[:size] + 10_000})
    for place, each in enumerate(rng.permutation(len(columns))):
        values = columns[each].round(4)
        frame[f"v{place + 1:02d}"] = np.where(rng.random(size) < rng.uniform(0.0, 0.06), np.nan, values)
    texts = [_text(code, rng) for code in codes]
    texts.append(_text(rng.integers(0, int(rng.integers(25, 60)), size), rng))
    for place, each in enumerate(rng.permutation(len(texts))):
        frame[f"k{place + 1:02d}"] = texts[each]
    frame["grade"] = grade
    return TableExamples(frame, grade)


def _term(kind: str, latent: Floats, codes: list[Codes], rng: np.random.Generator) -> Floats:
    """One term of the score over columns that it draws."""
    first, second, third = (latent[:, each] for each in rng.permutation(latent.shape[1])[:3])
    if kind == "product":
        return first * second
    if kind == "agreement":
        return np.sign(first - rng.normal(0, 0.3)) * np.sign(second - rng.normal(0, 0.3))
    if kind == "ring":
        return -np.abs(np.hypot(first, second) - rng.uniform(0.8, 1.5))
    if kind == "gate":
        return np.where(first > rng.normal(0, 0.4), second, -third)
    if kind == "ridge":
        return np.cos(rng.uniform(1.4, 2.2) * (first + rng.choice([-1, 1]) * second))
    code = codes[int(rng.integers(len(codes)))]
    slopes = rng.permutation(np.linspace(-1.5, 1.5, code.max() + 1))
    return slopes[code] * first


def _bias(scores: Floats, shares: Floats) -> Floats:
    """What must be added to each class's score so that the classes come about in these shares."""
    bias = np.zeros(scores.shape[1])
    for _ in range(30):
        raised = np.exp(scores + bias - (scores + bias).max(axis=1, keepdims=True))
        bias += np.log(shares) - np.log((raised / raised.sum(axis=1, keepdims=True)).mean(axis=0))
    return bias


def _shaped(values: Floats, rng: np.random.Generator) -> Floats:
    """The column as it is published: another marginal distribution, scale and sign."""
    shape = rng.integers(4)
    if shape == 0:
        values = np.tanh(values / 1.3) * 3
    elif shape == 1:
        values = np.exp(0.7 * values)
    elif shape == 2:
        values = np.sign(values) * np.abs(values) ** 1.6
    return (rng.uniform(-5, 5) + values * 10 ** rng.uniform(-0.7, 1.2)) * rng.choice([-1, 1])


def _redundant(latent: Floats, rng: np.random.Generator) -> list[Floats]:
    """Noisy copies of single columns and mixtures of two."""
    found: list[Floats] = []
    for _ in range(rng.integers(1, 5)):
        first, second = rng.permutation(latent.shape[1])[:2]
        mixed = latent[:, first] + rng.choice([0.0, 0.7]) * latent[:, second]
        found.append(_shaped(mixed + rng.normal(0, rng.uniform(0.3, 0.8), len(latent)), rng))
    return found


def _misleading(columns: list[Floats], size: int, rng: np.random.Generator) -> list[Floats]:
    """Shuffled copies of informative columns, and noise of several shapes."""
    shuffled = [rng.permutation(columns[int(each)]) for each in rng.integers(0, len(columns), rng.integers(1, 4))]
    return shuffled + [_shaped(rng.normal(0, 1, size), rng) for _ in range(rng.integers(2, 8))]


def _text(codes: Codes, rng: np.random.Generator) -> npt.NDArray[np.str_]:
    """Each code as a name that does not tell its number."""
    numbers = rng.permutation(900)[: codes.max() + 1] + 100
    letter = "PQRSTUVWXYZ"[int(rng.integers(11))]
    return np.array([f"{letter}{number}" for number in numbers])[codes]


def publish(examples: TableExamples, train: Index, hidden: Index, out: Path) -> Published:
    """train.csv, test.csv and sample_submission.csv."""
    blank = str(examples.frame["grade"].iloc[train].mode().iloc[0])
    return publish_tables(examples, train, hidden, out, key="row_id", targets=["grade"], blank=blank)
