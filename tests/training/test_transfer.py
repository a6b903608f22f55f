"""The benchmark of what carries over: weights are fitted to other tasks than their own, and rewards are those of the policy."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("torch")

import torch

from benchmarks.transfer import Known, acquainted, fitted, row
from mlagent_app.policies.prior import FEATURES

pytestmark = pytest.mark.torch


def state(task: str, phi: list[float], rewards: list[float]) -> Known:
    """A state whose edits differ in the first feature alone. Its start has the task's name."""
    full = torch.zeros(len(phi), len(FEATURES))
    full[:, 0] = torch.tensor(phi)
    edits = [(f"use {place}", "choice") for place in range(len(phi))]
    return Known(task, f"{task}@1.plain", "table clf", edits, torch.zeros(len(phi)), full, torch.tensor(rewards))


def test_what_other_parts_measured_is_known_and_the_own_is_not() -> None:
    states = [state("one", [0.0, 0.0], [0.5, 0.0]), state("two", [0.0, 0.0], [0.0, 0.5])]
    states += [replace(states[0], start="one@2.plain")]
    by_task = acquainted(states, lambda known: known.task)
    by_start = acquainted(states, lambda known: known.start)
    assert by_task[0][0, 0] < by_task[0][1, 0], "task two alone says that the second edit pays"
    assert by_start[0][0, 0] == by_start[0][1, 0], "the other start of task one says the contrary, as often"
    assert by_task[1][0, 0] > by_task[1][1, 0] and torch.equal(by_task[1], by_start[1])


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
