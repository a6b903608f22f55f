"""The trie gives the exact distribution over completions, and asks the model at the branches alone."""

from __future__ import annotations

import random
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlagent_app.policies.trie import ROOT, Floats, Trie, build, segment_log_softmax
from tests.policies.constrained import log_probabilities

# Words over four tokens, each with an end (0), so that none begins another one.
COMPLETIONS = st.lists(st.lists(st.integers(1, 4), max_size=6).map(tuple), min_size=1, max_size=14, unique=True).map(
    lambda rows: [[*row, 0] for row in rows]
)


@lru_cache(maxsize=4096)
def made_up(prefix: tuple[int, ...]) -> list[float]:
    """Logits of the five tokens after a prefix."""
    rng = random.Random(str(prefix))
    return [rng.uniform(-6, 6) for _ in range(5)]


def fed(trie: Trie, node: int) -> tuple[int, ...]:
    """The tokens from the root down to a node."""
    return () if node == ROOT else (*fed(trie, int(trie.parent[node])), int(trie.token[node]))


def edges(trie: Trie) -> Floats:
    """What a model that answers `made_up` says at each edge."""
    pairs = zip(trie.source.tolist(), trie.choice.tolist(), strict=True)
    return np.array([made_up(fed(trie, source))[choice] for source, choice in pairs], np.float64)


@given(COMPLETIONS)
def test_it_is_constrained_decoding(completions: list[list[int]]) -> None:
    trie = build(completions)
    found = trie.log_probabilities(edges(trie))
    assert found == pytest.approx(log_probabilities(completions, made_up), abs=1e-9)
    assert float(np.exp(found).sum()) == pytest.approx(1.0, abs=1e-9)


@given(COMPLETIONS, st.randoms(use_true_random=False))
def test_the_order_of_the_completions_does_not_matter(completions: list[list[int]], rng: random.Random) -> None:
    order = rng.sample(range(len(completions)), len(completions))
    trie, mixed = build(completions), build([completions[place] for place in order])
    found = trie.log_probabilities(edges(trie))
    assert mixed.log_probabilities(edges(mixed)) == pytest.approx(found[order], abs=1e-9)
    assert mixed.size == trie.size


@given(COMPLETIONS)
def test_its_nodes_are_in_order_and_see_what_leads_to_them(completions: list[list[int]]) -> None:
    trie = build(completions)
    assert all(trie.parent[node] < node for node in range(trie.size))
    starts = {tuple(ids[:size]) for ids in completions for size in range(len(ids) + 1)}
    seen = trie.ancestors()
    for node in range(trie.size):
        prefix = fed(trie, node)
        assert prefix in starts
        assert trie.depth[node] == len(prefix) - 1
        above = [fed(trie, int(other)) for other in np.flatnonzero(seen[node])]
        assert sorted(above) == [prefix[:size] for size in range(1, len(prefix) + 1)]
    # No prefix is fed twice, and every source is one that is fed.
    assert len({fed(trie, node) for node in range(trie.size)}) == trie.size
    assert set(trie.source.tolist()) <= {ROOT, *range(trie.size)}


def test_a_single_candidate_is_certain_and_costs_nothing() -> None:
    trie = build([[3, 1, 4, 0]])
    assert trie.size == 0
    assert trie.log_probabilities(np.zeros(0)).tolist() == [0.0]


def test_a_shared_prefix_is_fed_once_and_what_is_certain_is_not_fed() -> None:
    trie = build([[1, 2, 3, 3, 3, 0], [1, 2, 4, 4, 0]])
    assert trie.token.tolist() == [1, 2]
    assert trie.parent.tolist() == [ROOT, 0]
    assert trie.depth.tolist() == [0, 1]
    assert sorted(zip(trie.source.tolist(), trie.choice.tolist(), strict=True)) == [(1, 3), (1, 4)]


def test_a_branch_at_the_root_is_asked_at_the_end_of_the_prompt() -> None:
    trie = build([[1, 0], [2, 0], [3, 0]])
    assert trie.size == 0
    assert trie.source.tolist() == [ROOT] * 3
    assert trie.log_probabilities(np.log([0.2, 0.3, 0.5])) == pytest.approx(np.log([0.2, 0.3, 0.5]))


@pytest.mark.parametrize(
    ("completions", "said"),
    [
        ([[1, 2], [3], [1, 2]], "equal"),
        ([[1], [1, 2]], "begins another"),
        ([[1, 2, 3], [1, 2]], "begins another"),
        ([[1, 2], [1, 2, 3, 4]], "begins another"),
        ([], "needs completions"),
        ([[1], []], "none of them empty"),
    ],
)
def test_completions_that_are_no_trie_are_refused(completions: list[list[int]], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        build(completions)


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=12), st.data())
def test_the_softmax_is_within_runs_and_never_overflows(logits: list[float], data: st.DataObject) -> None:
    steps = data.draw(st.lists(st.booleans(), min_size=len(logits), max_size=len(logits)))
    segment = np.cumsum(steps) - 1
    found = np.exp(segment_log_softmax(np.array(logits), segment))
    assert np.isfinite(found).all()
    for number in set(segment.tolist()):
        assert float(found[segment == number].sum()) == pytest.approx(1.0)


def test_the_softmax_of_nothing_is_nothing() -> None:
    assert segment_log_softmax(np.zeros(0), np.zeros(0, np.int64)).tolist() == []
