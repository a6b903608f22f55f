"""Variants: one task, thousands of data sets and starting points, each fixed by a seed."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tasks.errors import TaskError
from tasks.schema import TaskSpec

Role = Literal["train", "validation", "test"]
Data = Literal["mini", "real"]

# A seed belongs to one role for ever, so that what is trained on is never evaluated on.
SEEDS_PER_ROLE = 1_000_000
ROLES: tuple[Role, ...] = ("train", "validation", "test")
# Whoever knows a generator by heart could draw a variant again, labels included, if its random numbers followed from its seed
# alone. Part of the data: a new value makes other data of every seed.
_SALT = bytes.fromhex("e23dac539825f4d5deb83163c8352b3261908b97c7663851695aa537d218319e")
# The first seed of a role draws the standard variant: standard size, noise 1, the first starter.
NOISE = (0.6, 1.5)


@dataclass(frozen=True, slots=True)
class Variant:
    """One draw of a task. `noise` multiplies the generator's noise; `size` is the number of labelled examples."""

    task: str
    seed: int
    size: int
    noise: float
    starter: str
    data: Data = "mini"

    @property
    def id(self) -> str:
        """Names the draw among all others; a file name."""
        return f"{self.task}@{self.seed}.{self.starter}" + ("" if self.data == "mini" else f".{self.data}")

    @property
    def role(self) -> Role:
        return role_of(self.seed)

    def rng(self, purpose: str) -> np.random.Generator:
        """Random numbers of this draw for one purpose; they do not depend on the starter."""
        return np.random.default_rng(np.frombuffer(salted(f"{self.task}/{self.seed}/{self.data}/{purpose}"), np.uint32))


def salted(text: str) -> bytes:
    """A digest of 32 bytes that cannot be had without this file, which no graded script can read."""
    return hashlib.sha256(_SALT + text.encode()).digest()


def role_of(seed: int) -> Role:
    """The role that a variant seed belongs to. Raises `TaskError` for a seed outside of all."""
    if not 0 <= seed < SEEDS_PER_ROLE * len(ROLES):
        raise TaskError(
            f"{seed} is no variant seed",
            how=f"training has 0 to {SEEDS_PER_ROLE - 1:,}, validation and test the next two ranges of that length",
        )
    return ROLES[seed // SEEDS_PER_ROLE]


def first_seed(role: Role) -> int:
    """The first variant seed of a role."""
    return ROLES.index(role) * SEEDS_PER_ROLE


def draw(spec: TaskSpec, seed: int = 0, *, starter: str = "", data: Data = "mini") -> Variant:
    """The variant of a task for a seed. `starter` overrides the drawn one. Raises `TaskError`."""
    role = role_of(seed)
    if starter:
        spec.starter(starter)
    if seed == first_seed(role) or data == "real":
        return Variant(spec.id, seed, spec.size.standard, 1.0, starter or spec.starters[0].name, data)
    rng = Variant(spec.id, seed, 0, 0.0, "", data).rng("knobs")
    size = round(float(np.exp(rng.uniform(np.log(spec.size.smallest), np.log(spec.size.largest)))))
    noise = round(float(rng.uniform(*NOISE)), 3)
    drawn = spec.starters[int(rng.integers(len(spec.starters)))].name
    return Variant(spec.id, seed, size, noise, starter or drawn, data)


_ID = re.compile(r"(?P<task>[a-z0-9-]+)@(?P<seed>\d+)\.(?P<starter>[a-z0-9_]+)(?P<real>\.real)?")


def parse(spec: TaskSpec, name: str) -> Variant:
    """The variant of a task whose `id` is `name`. Raises `TaskError`."""
    found = _ID.fullmatch(name)
    if found is None or found["task"] != spec.id:
        raise TaskError(f"{name!r} is no variant of {spec.id}", how=f"write it as {draw(spec).id}")
    data: Data = "real" if found["real"] else "mini"
    return draw(spec, int(found["seed"]), starter=found["starter"], data=data)
