"""Ideas: many a task, of which the most diverse are kept."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlagent_app.agent.errors import UserError
from mlagent_app.editors.catalogue import Catalogue
from tasks.suite import suite
from training import ideas
from training.ideas import Vectors, diversity, embed, from_catalogue, select
from training.recipe import checked
from training.telling import silent

TASKS = ("spaceship-titanic", "sensor-regression")


def at(*degrees: float) -> Vectors:
    """Unit vectors in the plane."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_farthest_points_of_hand_made_vectors() -> None:
    # Three bunches; 90 degrees is farthest from all, then the other ends, and no bunch is taken twice before all were.
    vectors = at(0, 1, 2, 44, 45, 46, 90)
    assert select(vectors, 1) == [6]
    assert select(vectors, 2) == [6, 0]
    assert set(select(vectors, 3)) in ({6, 0, 4}, {6, 0, 5}, {6, 0, 3})
    assert sorted(select(vectors, 7)) == list(range(7))


def test_the_largest_mean_distances_may_stand_together() -> None:
    vectors = at(0, 1, 2, 3, 4, 60, 61)
    assert select(vectors, 2, "mean-distance") == [6, 5]
    assert 6 in select(vectors, 2) and 5 not in select(vectors, 2)
    means = (1 - vectors @ vectors.T).mean(axis=1)
    assert select(vectors, 3, "mean-distance") == list(np.argsort(-means, kind="stable")[:3])


UNIT = st.lists(st.floats(0, 90), min_size=1, max_size=12, unique_by=lambda angle: round(angle, 1)).map(lambda row: at(*row))


@given(UNIT, st.integers(1, 14), st.sampled_from(["farthest", "mean-distance"]))
def test_a_choice_has_no_idea_twice_and_none_too_few(vectors: Vectors, keep: int, rule: str) -> None:
    chosen = select(vectors, keep, rule)
    assert len(chosen) == min(keep, len(vectors))
    assert len(set(chosen)) == len(chosen)
    assert set(chosen) <= set(range(len(vectors)))
    assert chosen == select(vectors, keep, rule)


@given(UNIT, st.integers(2, 8))
def test_every_point_is_the_farthest_from_those_before(vectors: Vectors, keep: int) -> None:
    if len(vectors) <= keep:
        return
    chosen = select(vectors, keep)
    gaps = 1 - vectors @ vectors.T
    for number in range(1, keep):
        nearest = gaps[:, chosen[:number]].min(axis=1)
        assert nearest[chosen[number]] == pytest.approx(nearest.max(), abs=1e-9)


def test_diversity_is_the_mean_distance_of_pairs() -> None:
    assert diversity(at(0, 90)) == pytest.approx(1.0)
    assert diversity(at(0, 0, 90)) == pytest.approx(2 / 3)
    assert diversity(at(30)) == 0.0
    assert diversity(np.zeros((0, 2))) == 0.0
    vectors = at(*range(0, 90, 3))
    assert diversity(vectors[select(vectors, 5)]) > diversity(vectors)


def test_texts_become_unit_vectors_that_tell_likeness() -> None:
    texts = ["set C of SVC to 1", "set C of SVC to 10", "add PCA before the model", "vote with RandomForestClassifier"]
    vectors = embed(texts)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(4))
    likeness = vectors @ vectors.T
    assert likeness[0, 1] > likeness[0, 2] and likeness[0, 1] > likeness[0, 3]
    assert np.array_equal(vectors, embed(texts))


def test_an_embedder_that_is_not_to_be_had_is_named() -> None:
    with pytest.raises(UserError) as caught:
        embed(["a"], "/nowhere/model")
    assert caught.value.where == "ideas.embedder"


@pytest.mark.parametrize("name", TASKS)
def test_the_catalogue_has_a_hundred_ideas_for_a_task(name: str) -> None:
    found = from_catalogue(suite()[name], 100, random.Random(0))
    assert len(found) == len(set(found)) >= 100
    assert found == from_catalogue(suite()[name], 100, random.Random(0))
    # Where more are wanted, edited starters are looked at, too; what applies to the starters comes first.
    more = from_catalogue(suite()[name], 10_000, random.Random(0))
    assert more[: len(found)] == found and len(more) > len(found)
    spec = suite()[name]
    script = spec.starter_files(spec.starters[0].name)["train.py"].decode()
    applies = [edit.instruction for edit in Catalogue().enumerate({"train.py": script})]
    assert found[: len(applies)] == applies


def test_the_stage_keeps_the_diverse_ones_of_every_task(tmp_path: Path) -> None:
    recipe = checked({"name": "tiny", "tasks": {"only": list(TASKS)}, "ideas": {"keep": 6}}, "here")
    stage = ideas.stage_of(tmp_path, recipe)
    progress = stage.begin()
    results = ideas.make(stage, silent)
    stage.finish(progress, results=results)
    kept = ideas.read(stage)
    assert set(kept) == set(TASKS)
    assert all(len(set(found)) == 6 for found in kept.values())
    assert results["tasks"] == 2
    assert results["diversity_after"] > results["diversity_before"] > 0
    again = ideas.stage_of(tmp_path / "again", recipe)
    again.begin()
    ideas.make(again, silent)
    assert ideas.read(again) == kept
    path = stage.place / ideas.FILE
    assert json.loads(path.read_text("utf-8")) == kept
    for content in (path.read_text("utf-8")[:-20], "[1, 2]", '{"a task": 3}'):
        path.write_text(content, "utf-8")
        with pytest.raises(UserError, match=r"the ideas cannot be read: .*ideas\.json.* - remove it and run: mlagent-train"):
            ideas.read(stage)
