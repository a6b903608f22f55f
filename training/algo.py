"""The arithmetic of policy-gradient training, apart from all plumbing: pure functions of tensors."""

from __future__ import annotations

import torch
from torch import Tensor


def gae(
    rewards: Tensor, values: Tensor, mask: Tensor, gamma: float = 1.0, lam: float = 1.0, after: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Generalised advantage estimates (Schulman et al. 2016, eq. 16) and returns, both [B, T].

    rewards, values [B, T] of the steps where mask [B, T] is true. A step between them that is masked cuts the trajectory: what
    comes after it counts by the value of the next step. `after` [B]: the value after the last step, 0 unless it was cut off.
    A step-wise batch has T = 1: the advantage is then r - V(s).
    """
    advantages = torch.zeros_like(rewards)
    running = torch.zeros_like(rewards[:, 0])
    following = torch.zeros_like(rewards[:, 0]) if after is None else after
    for step in reversed(range(rewards.shape[1])):
        delta = rewards[:, step] + gamma * following - values[:, step]
        running = torch.where(mask[:, step], delta + gamma * lam * running, torch.zeros_like(running))
        following = torch.where(mask[:, step], values[:, step], following)
        advantages[:, step] = running
    return advantages, torch.where(mask, advantages + values, torch.zeros_like(values))


def group_advantages(rewards: Tensor, mask: Tensor) -> Tensor:
    """Rewards [S, K] of K actions in each of S states, less the mean of the state's. Unscored actions (mask false) get 0.

    It is GRPO's baseline without its division by the group's deviation, which blows up states in which all actions do the same.
    """
    count = mask.sum(1, keepdim=True).clamp(min=1)
    mean = (rewards * mask).sum(1, keepdim=True) / count
    return torch.where(mask, rewards - mean, torch.zeros_like(rewards))


def normalise(advantages: Tensor, mask: Tensor) -> Tensor:
    """Zero mean and unit deviation over the scored actions; left as it is when there are fewer than two."""
    chosen = advantages[mask]
    if chosen.numel() < 2:
        return advantages
    return torch.where(mask, (advantages - chosen.mean()) / (chosen.std() + 1e-6), torch.zeros_like(advantages))


def clipped_policy_loss(new: Tensor, old: Tensor, advantages: Tensor, mask: Tensor, clip: float) -> Tensor:
    """PPO's clipped surrogate (Schulman et al. 2017, eq. 7; the paper's eq. 5), a scalar to be minimised.

    new, old: log-probabilities of the actions taken, any shape; the mean is over the scored ones.
    """
    ratio = (new - old).exp()
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1.0 - clip, 1.0 + clip) * advantages)
    return -masked_mean(surrogate, mask)


def value_loss(values: Tensor, returns: Tensor, mask: Tensor) -> Tensor:
    """Half the mean squared error, a scalar."""
    return 0.5 * masked_mean((values - returns) ** 2, mask)


def entropy(log_probabilities: Tensor) -> Tensor:
    """The exact entropy in nats of each distribution, [B, C] -> [B]; -inf entries count nothing."""
    probabilities = log_probabilities.exp()
    return -(probabilities * finite(log_probabilities)).sum(-1)


def kl(new: Tensor, reference: Tensor) -> Tensor:
    """The exact KL(new || reference) in nats of each pair of distributions, [B, C] -> [B]."""
    return (new.exp() * (finite(new) - finite(reference))).sum(-1)


def approximate_kl(new: Tensor, old: Tensor, mask: Tensor) -> Tensor:
    """The low-variance estimate of KL(old || new) from samples: mean of r - 1 - log r with r = new / old (Schulman 2020)."""
    difference = new - old
    return masked_mean(difference.exp() - 1.0 - difference, mask)


def clip_fraction(new: Tensor, old: Tensor, mask: Tensor, clip: float) -> Tensor:
    """The share of actions whose ratio lies outside of 1 +- clip."""
    return masked_mean((((new - old).exp() - 1.0).abs() > clip).float(), mask)


def explained_variance(values: Tensor, returns: Tensor, mask: Tensor) -> float:
    """1 - Var(returns - values) / Var(returns): 1 is perfect, 0 no better than a constant, nan where returns do not vary."""
    wanted, got = returns[mask], values[mask]
    spread = wanted.var() if wanted.numel() > 1 else torch.tensor(0.0)
    return float("nan") if float(spread) == 0.0 else float(1.0 - (wanted - got).var() / spread)


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """The mean where mask is true; 0 where it is nowhere true."""
    return torch.where(mask, values, torch.zeros_like(values)).sum() / mask.sum().clamp(min=1)


def finite(log_probabilities: Tensor) -> Tensor:
    """-inf replaced by 0: such entries are multiplied by a probability of 0."""
    return torch.where(torch.isfinite(log_probabilities), log_probabilities, torch.zeros_like(log_probabilities))
