"""Exploration-enriched ideas (paper, section 3.2): many candidate ideas a task, of which the most diverse few are kept."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter

from mlagent_app.agent.errors import UserError, first_line
from mlagent_app.editors.catalogue import Catalogue
from mlagent_app.repo.relevance import matches
from tasks.schema import TaskSpec
from training.draws import training_tasks
from training.recipe import Recipe
from training.stage import Stage, catalogue_digest, write_json
from training.telling import Tell

T = TypeVar("T")
Vectors = npt.NDArray[np.float64]
# All ideas of a task are kept in a file of this directory.
CANDIDATES = "candidates"
FILE = "ideas.json"
# Edits of edited scripts: the catalogue offers more once something was changed.
DEPTH = 3


def stage_of(run: Path, recipe: Recipe) -> Stage:
    return Stage(run, "ideas", recipe, ("tasks", "ideas", "endpoint"), extra=catalogue_digest())


def make(stage: Stage, tell: Tell) -> dict[str, Any]:
    """Write `ideas.json`: for every training task the kept ideas. Returns the results for the manifest."""
    recipe = stage.recipe
    kept: dict[str, list[str]] = {}
    before: list[float] = []
    after: list[float] = []
    for spec in training_tasks(recipe):
        ideas = _asked(stage.place / CANDIDATES / f"{spec.id}.json", spec, recipe)
        vectors = embed(ideas, recipe.ideas.embedder)
        chosen = select(vectors, recipe.ideas.keep, recipe.ideas.rule)
        kept[spec.id] = [ideas[index] for index in chosen]
        before.append(diversity(vectors))
        after.append(diversity(vectors[chosen]))
        tell(f"{spec.id}: {len(ideas)} ideas, diversity {before[-1]:.3f}; {len(chosen)} kept, diversity {after[-1]:.3f}")
    write_json(stage.place / FILE, kept)
    return {"tasks": len(kept), "diversity_before": float(np.mean(before)), "diversity_after": float(np.mean(after))}


def _asked(path: Path, spec: TaskSpec, recipe: Recipe) -> list[str]:
    """The candidates of a task, kept in a file: what an endpoint was paid for is not asked for again after a kill."""
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        write_json(path, candidates_of(spec, recipe))
    return _texts(path, list[str])


def candidates_of(spec: TaskSpec, recipe: Recipe) -> list[str]:
    """At least `per_task` different ideas, if there are as many. Raises `UserError` when the endpoint fails."""
    if recipe.ideas.source == "endpoint":
        from training.endpoint import ask_for_ideas

        return ask_for_ideas(spec, recipe)
    return from_catalogue(spec, recipe.ideas.per_task, random.Random(f"{recipe.seed}:{spec.id}"))


def from_catalogue(spec: TaskSpec, wanted: int, rng: random.Random) -> list[str]:
    """Instructions that apply to the task's starters, and to what those become after a few edits."""
    catalogue = Catalogue()
    found: dict[str, None] = {}
    scripts = [_editable(spec, starter.name) for starter in spec.starters]
    for depth in range(DEPTH):
        for files in list(scripts):
            edits = catalogue.enumerate(files)
            found.update(dict.fromkeys(edit.instruction for edit in edits))
            if edits and depth < DEPTH - 1:
                edit = rng.choice(edits)
                scripts.append({**files, edit.file: edit.apply(files[edit.file])})
        if len(found) >= wanted:
            break
    return list(found)


def _editable(spec: TaskSpec, starter: str) -> dict[str, str]:
    files = spec.starter_files(starter)
    return {path: content.decode("utf-8") for path, content in files.items() if matches(path, spec.files.editable)}


def embed(texts: Sequence[str], embedder: str = "ngrams") -> Vectors:
    """Unit vectors, shape [len(texts), d]. Raises `UserError` when the named model is not to be had."""
    if embedder != "ngrams":
        return _sentence_embeddings(texts, embedder)
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_union  # pyright: ignore[reportUnknownVariableType]

    union = make_union(
        TfidfVectorizer(token_pattern=r"[A-Za-z]+|\d[\d.e-]*", ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True),
    )
    rows = np.asarray(union.fit_transform(list(texts)).todense(), dtype=np.float64)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def _sentence_embeddings(texts: Sequence[str], model: str) -> Vectors:
    try:
        from sentence_transformers import SentenceTransformer  # pyright: ignore[reportMissingImports, reportUnknownVariableType]

        rows: Any = SentenceTransformer(model).encode(list(texts), normalize_embeddings=True)  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    except ImportError:
        how = "pip install sentence-transformers, or set ideas.embedder = 'ngrams'"
        raise UserError("sentence embeddings need sentence-transformers", where="ideas.embedder", how=how) from None
    except Exception as error:  # the hub's and the model's own errors are of many kinds
        raise UserError(
            f"the embedder {model!r} cannot be loaded: {error}", where="ideas.embedder", how="name a model directory"
        ) from None
    return np.asarray(rows, dtype=np.float64)


def select(vectors: Vectors, keep: int, rule: str = "farthest") -> list[int]:
    """The indices of the most diverse `keep` rows, in the order in which they were chosen. [n, d] -> at most `keep`.

    `farthest`: the row that is farthest from all, then again and again the row whose nearest chosen one is farthest away
    (farthest-point selection, Gonzalez 1985). `mean-distance`: those with the largest mean distance to all others, as the paper
    describes its choice.
    """
    count = len(vectors)
    distances = _distances(vectors)
    by_mean = np.argsort(-distances.mean(axis=1), kind="stable")
    if rule == "mean-distance" or count <= keep:
        return [int(index) for index in by_mean[:keep]]
    chosen = [int(by_mean[0])]
    nearest = distances[chosen[0]].copy()
    while len(chosen) < keep:
        nearest[chosen] = -1.0  # none twice, also where ideas coincide
        chosen.append(int(np.argmax(nearest)))
        nearest = np.minimum(nearest, distances[chosen[-1]])
    return chosen


def diversity(vectors: Vectors) -> float:
    """The mean cosine distance between two different rows, 0 to 2."""
    count = len(vectors)
    return 0.0 if count < 2 else float(_distances(vectors).sum() / (count * (count - 1)))


def _distances(vectors: Vectors) -> Vectors:
    """Cosine distances of unit rows, [n, d] -> [n, n]."""
    distances = np.maximum(0.0, 1.0 - vectors @ vectors.T)
    np.fill_diagonal(distances, 0.0)
    return distances


def read(stage: Stage) -> dict[str, list[str]]:
    """The kept ideas by task. Raises `UserError` when they cannot be read."""
    return _texts(stage.place / FILE, dict[str, list[str]])


def _texts(path: Path, form: type[T]) -> T:
    """Ideas as they were written. Raises `UserError` when they cannot be read."""
    try:
        return TypeAdapter(form).validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        how = "remove it and run: mlagent-train ideas"
        raise UserError(f"the ideas cannot be read: {first_line(error)}", where=str(path), how=how) from None


if __name__ == "__main__":
    from training.cli import stage_main

    stage_main("ideas")
