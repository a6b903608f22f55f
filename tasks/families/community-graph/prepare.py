"""Community graph: members in quarters of a town, three kinds of links with a mixing of the guilds each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from tasks.source import Index, Published
from tasks.tables import write_sample

GUILDS = np.array(["bakers", "dyers", "masons", "smiths", "weavers"])
KINDS = np.array(["loan", "trade", "lease"])

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Town:
    """`members` with their columns, `links` between them, and the guild of each member, in the order of `members`."""

    members: pd.DataFrame
    links: pd.DataFrame
    guild: Numbers

    @property
    def strata(self) -> npt.NDArray[np.generic]:
        return self.guild

    def __len__(self) -> int:
        return len(self.guild)


def mini(size: int, noise: float, rng: np.random.Generator) -> Town:
    """A town; which kind of link means what, the quarters and the telling measures are drawn."""
    true = rng.choice(5, size, p=0.08 + 0.6 * rng.dirichlet([5] * 5))
    true[:30] = np.arange(30) % 5
    quarters = int(rng.integers(3, 6))
    liking = rng.dirichlet([0.8] * quarters, 5)
    quarter = (liking[true].cumsum(axis=1) < rng.random(size)[:, None]).sum(axis=1)
    place = rng.uniform(0, 10, (quarters, 2))[quarter] + rng.normal(0, 1.6, (size, 2))

    habits = rng.permutation(
        ["same", str(rng.choice(["cross", "same", "chain"])), str(rng.choice(["cross", "random", "chain"]))]
    )
    sociable = rng.gamma(2.0, 0.5, size)
    parts = list[pd.DataFrame]()
    for kind, habit in zip(KINDS, habits, strict=True):
        ends = _links(true, quarter, sociable, _mixing(str(habit), noise, rng), int(size * rng.uniform(1.1, 2.0)), rng)
        fit = (true[ends[:, 0]] == true[ends[:, 1]]) if habit == "same" else rng.random(len(ends)) < 0.5
        weight = np.exp(rng.normal(np.where(fit, 0.5, 0.2), 0.7)).round(2)
        parts.append(pd.DataFrame({"source": ends[:, 0], "target": ends[:, 1], "kind": str(kind), "weight": weight}))
    links = pd.concat(parts, ignore_index=True)

    numbers = rng.choice(90_000, size, replace=False) + 10_000
    links["source"], links["target"] = numbers[links["source"]], numbers[links["target"]]
    links = links.iloc[rng.permutation(len(links))].reset_index(drop=True)
    members = pd.DataFrame({"member": numbers, **_profile(true, place, noise, rng)})
    changed = rng.random(size) < 0.05 * noise
    guild = np.where(changed, (true + rng.integers(1, 5, size)) % 5, true)
    return Town(members, links, guild)


def _mixing(habit: str, noise: float, rng: np.random.Generator) -> Floats:
    """How readily a member of one guild links with one of another; symmetric, shape (5, 5)."""
    flat = np.full((5, 5), 1.0)
    order = rng.permutation(5)
    if habit == "same":
        flat[np.arange(5), np.arange(5)] = rng.uniform(4.5, 9.0, 5) / noise**0.7
    elif habit == "cross":
        for a, b in ((order[0], order[1]), (order[2], order[3]), (order[4], order[0])):
            flat[a, b] = flat[b, a] = rng.uniform(6.0, 12.0) / noise**0.7
        flat[np.arange(5), np.arange(5)] = 0.5
    elif habit == "chain":
        for a, b in zip(order, np.roll(order, 1), strict=True):
            flat[a, b] = flat[b, a] = rng.uniform(5.0, 9.0) / noise**0.7
    return flat


def _links(guild: Numbers, quarter: Numbers, sociable: Floats, mixing: Floats, count: int, rng: np.random.Generator) -> Numbers:
    """About `count` different pairs, drawn by sociability and kept by the mixing and by whether they live in one quarter."""
    share = sociable / sociable.sum()
    a, b = rng.choice(len(guild), (2, count * 14), p=share)
    near = np.where(quarter[a] == quarter[b], 1.0, 0.45)
    kept = (a != b) & (rng.random(len(a)) < mixing[guild[a], guild[b]] * near / mixing.max())
    pairs = np.sort(np.stack([a[kept], b[kept]], axis=1), axis=1)
    unique, first = np.unique(pairs, axis=0, return_index=True)
    pairs = unique[np.argsort(first)][:count]
    return np.where(rng.random(len(pairs))[:, None] < 0.5, pairs, pairs[:, ::-1])


def _profile(guild: Numbers, place: Floats, noise: float, rng: np.random.Generator) -> dict[str, Floats]:
    """The columns of a member; values are missing here and there."""
    size = len(guild)
    columns: dict[str, Floats] = {
        "age": np.clip(rng.normal(40 + rng.normal(0, 2.5, 5)[guild], 12), 15, 85).round(),
        "wealth": np.exp(rng.normal(4 + rng.normal(0, 0.35, 5)[guild], 1.0)).round(1),
        "x": (place[:, 0] + rng.normal(0, 0.4 * noise, size)).round(2),
        "y": (place[:, 1] + rng.normal(0, 0.4 * noise, size)).round(2),
        "years": rng.gamma(2.0, 5.0, size).round(),
    }
    measures = rng.normal(0, 1, (size, 6))
    telling = rng.permutation(6)[: int(rng.integers(2, 4))]
    for column in telling:
        # Two guilds share a mean and differ in the spread, or stand on both sides of the others.
        centre, spread = rng.normal(0, 0.85, 5), rng.uniform(0.6, 1.3, 5)
        side = np.where(rng.random(size) < 0.5, 1.0, -1.0)
        both = np.where(np.arange(5) == rng.integers(0, 5), 1.5, 0.0)[guild]
        measures[:, column] = centre[guild] + side * both + rng.normal(0, 1, size) * spread[guild] * (0.6 + 0.6 * noise)
    measures[:, telling[0]] = np.exp(0.7 * measures[:, telling[0]])
    missing = rng.random((size, 6)) < rng.uniform(0.0, 0.12, 6)
    measures = np.where(missing, np.nan, measures.round(3))
    return columns | {f"m{number + 1}": measures[:, number] for number in range(6)}


def publish(examples: Town, train: Index, hidden: Index, out: Path) -> Published:
    """The members, the links, what is known, what is asked for, and the sample submission."""
    table = pd.DataFrame({"member": examples.members["member"], "guild": GUILDS[examples.guild]})
    # Members stand in the order of their numbers, which are drawn at random.
    examples.members.sort_values("member").to_csv(out / "members.csv", index=False)
    examples.links.to_csv(out / "links.csv", index=False)
    known, asked = (table.iloc[rows].reset_index(drop=True) for rows in (train, hidden))
    known.to_csv(out / "train.csv", index=False)
    asked[["member"]].to_csv(out / "test.csv", index=False)
    write_sample(asked["member"], ["guild"], "bakers", out)
    return Published(known, asked.assign(example=np.arange(len(hidden))))
