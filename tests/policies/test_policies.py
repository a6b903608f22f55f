"""The baseline policies: seeded, never twice the same edit on the same files, and the bandit learns."""

import threading
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlagent_app.agent.actions import EditScript, FinalAnswer
from mlagent_app.agent.edits import Candidate
from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.agent.metrics import MetricSpec
from mlagent_app.agent.state import State, Task, Turn
from mlagent_app.policies.registry import make_policy

NEVER = threading.Event()
FAMILIES = ("estimator-argument", "constant", "insert")
CANDIDATES = [Candidate(f"set P{i} of C to {v}", "train.py", FAMILIES[i % 3]) for i in range(9) for v in (1, 2)]
TASK = Task("digits", "python train.py", MetricSpec("accuracy", "max"), 0.8, 1.0)
START = State(TASK, 0.8, base="base")


def turn(candidate: Candidate, index: int, reward: float, base: str = "base") -> Turn:
    return Turn(
        index, "Edit Script", candidate.instruction, candidate.file, candidate.family, "ok", 0.8, reward, 0.0, False, base=base
    )


@pytest.mark.parametrize("kind", ["random", "bandit"])
@given(seed=st.integers(min_value=0, max_value=1000))
def test_every_edit_is_proposed_once_then_the_session_ends(kind: str, seed: int) -> None:
    policy, state, seen = make_policy(kind, seed=seed), START, list[str]()
    for index in range(len(CANDIDATES)):
        proposal = policy.propose(state, CANDIDATES, NEVER)
        assert isinstance(proposal.action, EditScript)
        assert proposal == make_policy(kind, seed=seed).propose(state, CANDIDATES, NEVER)
        assert proposal.alternatives[0][0] == proposal.action.edit_instruction
        seen.append(proposal.action.edit_instruction)
        chosen = next(item for item in CANDIDATES if item.instruction == seen[-1])
        state = replace(state, history=(*state.history, turn(chosen, index, 0.5)))
    assert sorted(seen) == sorted(item.instruction for item in CANDIDATES)
    assert isinstance(policy.propose(state, CANDIDATES, NEVER).action, FinalAnswer)


def test_an_edit_tried_on_other_files_may_be_tried_again() -> None:
    only = CANDIDATES[:1]
    state = replace(START, history=(turn(only[0], 1, 0.0, base="other files"),))
    assert isinstance(make_policy("random", seed=0).propose(state, only, NEVER).action, EditScript)


@pytest.mark.parametrize("kind", ["random", "bandit", "cookbook"])
def test_what_the_session_has_not_tried_comes_first(kind: str) -> None:
    tried, fresh = CANDIDATES[:4], CANDIDATES[4:6]
    history = tuple(turn(item, index, 0.9, base="other files") for index, item in enumerate(tried, start=1))
    state = replace(START, history=history)
    for seed in range(10):
        action = make_policy(kind, seed=seed).propose(state, [*tried, *fresh], NEVER).action
        assert isinstance(action, EditScript)
        assert action.edit_instruction in [item.instruction for item in fresh]


def test_the_bandit_prefers_the_family_that_paid() -> None:
    history = tuple(
        turn(item, index, 1.0 if item.family == "insert" else 0.0)
        for index, item in enumerate([*CANDIDATES[:6], *CANDIDATES[:6]], start=1)
    )
    state = replace(START, base="new files", history=history)
    families = Counter(make_policy("bandit", seed=seed).propose(state, CANDIDATES, NEVER).family for seed in range(20))
    assert families == {"insert": 20}


def test_a_policy_that_does_not_exist_is_named() -> None:
    with pytest.raises(UserError, match="no policy 'gpt'") as caught:
        make_policy("gpt", seed=0)
    assert caught.value.code == Exit.USAGE
