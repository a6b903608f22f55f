"""The benchmark of what carries over: weights are fitted to other tasks than their own, and rewards are those of the policy."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch

from benchmarks.transfer import Known, fitted, row
from mlagent_app.policies.prior import FEATURES

pytestmark = pytest.mark.torch


def state(task: str, phi: list[float], rewards: list[float]) -> Known:
    """A state whose edits differ in the first feature alone."""
    full = torch.zeros(len(phi), len(FEATURES))
    full[:, 0] = torch.tensor(phi)
    return Known(task, torch.zeros(len(phi)), full, torch.tensor(rewards))


def test_weights_follow_what_pays_on_the_other_tasks_alone() -> None:
    paying = [state("one", [0.0, 1.0, 2.0], [0.0, 0.1, 0.5]), state("two", [2.0, 0.0], [0.4, 0.0])]
    against = state("three", [0.0, 1.0, 2.0], [0.9, 0.1, 0.0])
    assert fitted([*paying, against], "three")[0] > 0.5
    assert fitted([against, paying[0]], "one")[0] < -0.5
    assert torch.equal(fitted(paying, "three")[1:], torch.zeros(len(FEATURES) - 1))


def test_a_sharper_policy_is_nearer_to_its_best_edit() -> None:
    known = state("one", [0.0, 0.0, 0.0], [0.0, 0.3, 0.6])
    assert row([known], [torch.zeros(3)])[:2] == pytest.approx((0.3, 0.3))
    drawn, half, best = row([known], [torch.tensor([0.0, 0.0, 2.0])])
    assert 0.3 < drawn < half < best == pytest.approx(0.6)
