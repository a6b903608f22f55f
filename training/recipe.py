"""Recipes: one TOML file says everything that a training run depends on. The code is the same from a laptop to a cluster."""

from __future__ import annotations

import difflib
import hashlib
import json
import tomllib
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mlagent_app.agent.errors import UserError
from mlagent_app.agent.reward import Version

PoolKind = Literal["fork", "process", "docker", "ray", "serial"]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[int, Field(gt=0)]
Counts = Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]


class Section(BaseModel):
    """A table of a recipe. Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Tasks(Section):
    """Which tasks train, and on what draws of them.

    `splits` and `only` choose the tasks; `most` keeps just the first so many held-in tasks (an ablation). `variants` draws a
    task are taken, the smallest of `draw_from`, so that a run is cheap. A starter whose measured CPU seconds exceed
    `starter_seconds` is left out. `detune`: how many settings of a starter are moved before it is played (see
    `mlagent_app.environment.detuning`); the counts are taken in turn.
    """

    splits: tuple[Literal["held_in", "family"], ...] = ("held_in", "family")
    only: tuple[str, ...] = ()
    most: int | None = None
    variants: Positive = 4
    draw_from: Positive = 32
    starter_seconds: float = 1.0
    run_seconds: float = Field(default=5.0, gt=0)
    detune: Counts = (0,)


class Pool(Section):
    """Where edits are executed; what comes out does not depend on this table.

    `kind`: `fork` servers, a fresh `process` behind bubblewrap, `docker`, or `ray` actors with fork servers. `address`: of a
    Ray cluster.
    """

    kind: PoolKind = "fork"
    workers: Positive = 2
    address: str = ""
    cache_mb: Positive = 4096


class Ideas(Section):
    """Paper, section 3.2: at least `per_task` candidate ideas, of which the `keep` most diverse are kept.

    `source`: the catalogue, or an OpenAI-compatible endpoint. `rule`: farthest-point selection, or the largest mean distance.
    `embedder`: character n-grams (nothing to download), or the name of a sentence-transformers model.
    """

    source: Literal["catalogue", "endpoint"] = "catalogue"
    per_task: Positive = 100
    keep: Positive = 10
    rule: Literal["farthest", "mean-distance"] = "farthest"
    embedder: str = "ngrams"


class Endpoint(Section):
    """An OpenAI-compatible chat endpoint, for ideas and expert trajectories. The key is read from the named variable only.

    What answers is `model` at `temperature`: no stage is made anew for another address, key or patience.
    """

    url: str = ""
    model: str = ""
    api_key_env: str = ""
    temperature: float = 1.0
    timeout_seconds: float = 120.0


class Experts(Section):
    """Expert trajectories: `rounds` passes over all starters, `episodes` each, of `steps` executed steps.

    The search softmaxes what earlier rounds found per kind of task and instruction over `temperature`, adds `idea_bonus` for
    the 1 to `ideas` ideas in the first prompt, and takes a uniform edit with probability `wander`. `reward`: what its table
    means; `book_reward`: what the cookbook that is published means.
    """

    source: Literal["search", "endpoint"] = "search"
    rounds: Positive = 3
    episodes: Positive = 1
    steps: Annotated[int, Field(gt=0, le=15)] = 10
    ideas: Annotated[int, Field(ge=0, le=3)] = 3
    idea_bonus: float = 0.1
    temperature: float = 0.06
    wander: Fraction = 0.25
    reward: Version = "v1"
    book_reward: Version = "kept"
    shard_size: Positive = 64


class Model(Section):
    """`scratch`: a small Qwen2 of these sizes. Otherwise `base` names a model directory or hub id; `adapter`: LoRA or full."""

    base: str = "scratch"
    vocabulary: Positive = 1200
    hidden: Positive = 96
    layers: Positive = 4
    heads: Positive = 4
    kv_heads: Positive = 2
    intermediate: Positive = 288
    context: Positive = 512
    adapter: Literal["none", "lora"] = "none"
    lora_rank: Positive = 16
    dtype: Literal["float32", "bfloat16"] = "float32"


class Sft(Section):
    """TRL's SFTTrainer on the assistant's tokens.

    `weighting`: `reward` shows a step exp(gain / `beta`) - 1 times; `filter` keeps the steps that were kept; `uniform` takes
    all.
    """

    epochs: float = 2.0
    learning_rate: float = 1e-3
    batch: Positive = 32
    accumulate: Positive = 1
    warmup: Fraction = 0.05
    weight_decay: float = 0.01
    max_length: Positive = 512
    weighting: Literal["reward", "filter", "uniform"] = "reward"
    reward: Version = "kept"
    beta: float = Field(default=0.1, gt=0)
    most_copies: Positive = 6


class Prior(Section):
    """The small model's prior: the share m of the `model`, and the weights w of the features (`mlagent_app.policies.prior`).

    RL starts from these weights and learns them with the rate `lr`.
    """

    model: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    expected: Finite = 0.0
    family_helped: Finite = 0.0
    family_failed: Finite = 0.0
    target_helped: Finite = 0.0
    target_failed: Finite = 0.0
    in_time: Finite = 0.0
    lr: float = Field(default=0.0, ge=0, allow_inf_nan=False)


class Rl(Section):
    """Step-wise PPO (paper, section 3.3, eq. 4 and 5): `states` expert states a batch, `rollouts_per_state` actions each.

    `keep`: the last policy, or the best on tasks kept apart. `without`: a part of the reward that is left out, to see what
    it is for: the `metric` (every edit that runs counts as one that reaches the reference) or the `corner` case (what runs out
    of time, memory or disk counts as an error). After each update `replays` steps of `replay_states` states are made on
    remembered outcomes.
    """

    algorithm: Literal["ppo", "grpo"] = "ppo"
    mode: Literal["step", "episode"] = "step"
    actor: Literal["exact", "text"] = "exact"
    advantage: Literal["critic", "group"] = "critic"
    updates: Positive = 60
    states: Positive = 8
    rollouts_per_state: Positive = 8
    epochs: Positive = 2
    minibatch: Positive = 32
    actor_lr: float = 3e-4
    critic_lr: float = 1e-3
    clip: float = 0.2
    kl: float = 0.05
    entropy: float = 0.005
    gamma: float = 1.0
    lam: float = 1.0
    max_grad_norm: float = 1.0
    replays: Annotated[int, Field(ge=0)] = 0
    replay_states: Positive = 16
    reward: Version = "v1"
    without: Literal["", "metric", "corner"] = ""
    seeds: tuple[int, ...] = (0,)
    save_every: Positive = 10
    keep: Literal["last", "best"] = "last"
    minutes: float | None = None
    max_new_tokens: Positive = 256
    temperature: float = 1.0


class Eval(Section):
    """Executed steps from the starters of the held-out tasks, the same for every arm.

    `trajectories` replicates a start; `draw_from`, `variants` and `starter_seconds` as in `tasks`, from the test seeds. Every
    starter is played with each count of `detune`.
    `role = "validation"` plays on the training tasks' validation variants instead: that is where settings are chosen.
    `temperature`: of the trained arms.
    """

    role: Literal["test", "validation"] = "test"
    tasks: tuple[str, ...] = ()
    steps: Positive = 10
    trajectories: Positive = 4
    variants: Positive = 1
    draw_from: Positive = 32
    starters: Positive = 4
    starter_seconds: float = 1.0
    detune: Counts = (0,)
    temperature: float = Field(default=1.0, ge=0)
    shard_size: Positive = 8


class Arm(Section):
    """A policy trained in another way, for comparison: what differs from the main one.

    `start`: from the SFT policy or from random weights. `held_in`, `families`: SFT and RL see only so many held-in tasks, or no
    families. `explore = false`: SFT sees only what the search took for the best. `rl`, `prior`: other values of these tables.
    """

    start: Literal["sft", "scratch"] = "sft"
    held_in: int | None = None
    families: bool = True
    explore: bool = True
    rl: dict[str, Any] = {}
    prior: dict[str, Any] = {}

    @property
    def own_sft(self) -> bool:
        """Whether it needs an SFT of its own."""
        return self.start == "sft" and (self.held_in is not None or not self.families or not self.explore)


class Compare(Section):
    """Which arms are evaluated: `random`, `bandit`, `cookbook`, `optuna`, `sft`, `sft-alone` (without its prior), `rl`,
    `shipped` (the weights that the package has, which nothing of the run is needed for), or a name of `arms`.

    `pairs` are the ratios shown. `few`: arms that play one trajectory a start, to save time.
    """

    arms: tuple[str, ...] = ("random", "cookbook", "sft", "rl")
    few: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = (("rl", "random"), ("rl", "sft"))
    resamples: Positive = 2000


class Publish(Section):
    """What goes into the package: which seed's weights, how large they may be, and the temperature that they act with."""

    seed: int = 0
    temperature: float = Field(default=1.0, ge=0)
    max_mb: float = 5.0
    dtype: Literal["float32", "float16"] = "float16"


class Distributed(Section):
    """How training is spread over processes (`torchrun`), and what a plan assumes; no stage is made anew for this table.

    `device`: what `--dry-run` plans for, such as `h200` or `a100-80g:8`; empty: this machine. `sharding`: `auto` shards what is
    trained whole (FSDP2) and copies a base that is frozen below adapters. For the hours of a plan: `mfu`, the share of the
    device's peak that training reaches, and `tokens`, the mean length of a prompt with its answer until a corpus tells it.
    """

    device: str = ""
    sharding: Literal["auto", "shard", "copy"] = "auto"
    mfu: float = Field(default=0.4, gt=0, le=1)
    tokens: Positive = 4096


class Recipe(Section):
    """A whole training run. `seed` fixes everything that is drawn."""

    name: str
    seed: int = 0
    tasks: Tasks = Tasks()
    pool: Pool = Pool()
    endpoint: Endpoint = Endpoint()
    ideas: Ideas = Ideas()
    experts: Experts = Experts()
    model: Model = Model()
    sft: Sft = Sft()
    prior: Prior = Prior()
    rl: Rl = Rl()
    eval: Eval = Eval()
    arms: dict[str, Arm] = {}
    compare: Compare = Compare()
    publish: Publish = Publish()
    distributed: Distributed = Distributed()

    def for_arm(self, name: str) -> Recipe:
        """The recipe with the `rl` and `prior` tables of an arm. Raises `UserError` for a name or a key that is not known."""
        if name == "rl":
            return self
        if name not in self.arms:
            near = difflib.get_close_matches(name, self.arms, n=1, cutoff=0.4)
            raise UserError(
                f"there is no arm {name!r}", where="recipe", how=f"did you mean {near[0]}?" if near else "add it under [arms]"
            )
        data = self.model_dump()
        for table in ("rl", "prior"):
            data[table] |= getattr(self.arms[name], table)
        return checked(data, f"arms.{name}")

    def digest(self, *sections: str) -> str:
        """A hash of the seed and of these tables: what a stage depends on. Each of `rl.seeds` is a stage of its own."""
        answers = Endpoint(model=self.endpoint.model, temperature=self.endpoint.temperature)
        made = self.model_copy(update={"endpoint": answers})
        data = made.model_dump(mode="json", include={"seed", *sections}, exclude={"rl": {"seeds"}})
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]


def names() -> list[str]:
    """The recipes that the package carries."""
    return sorted(
        Path(entry.name).stem for entry in files("training").joinpath("recipes").iterdir() if entry.name.endswith(".toml")
    )


def load(name: str, changes: Iterable[str] = ()) -> Recipe:
    """The recipe of that name, or in that file, with `section.key=value` changes (TOML values). Raises `UserError`."""
    path = Path(name)
    if path.suffix != ".toml":
        path = Path(str(files("training"))) / "recipes" / f"{name}.toml"
        if not path.is_file():
            near = difflib.get_close_matches(name, names(), n=1, cutoff=0.4)
            hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(names())}"
            raise UserError(f"there is no recipe {name!r}", how=hint)
    try:
        data = tomllib.loads(path.read_text("utf-8"))
        for change in changes:
            _merge(data, change)
    except FileNotFoundError:
        raise UserError("there is no such recipe", where=str(path), how="name a recipe file that exists") from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"the recipe cannot be read: {error}", where=str(path), how="correct it") from None
    return checked(data, str(path))


def checked(data: dict[str, Any], where: str) -> Recipe:
    """The recipe with these values. Raises `UserError` that names the key, with the nearest known one."""
    try:
        return Recipe(**data)
    except ValidationError as error:
        first = error.errors()[0]
        *tables, name = [str(part) for part in first["loc"]] or [""]
        key = ".".join([*tables, name])
        how = "correct it"
        if first["type"] == "extra_forbidden":
            known = _known_keys(tables)
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
            how = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(known)}"
            raise UserError(f"unknown recipe key {key!r}", where=where, how=how) from None
        raise UserError(f"recipe key {key}: {first['msg'].lower()}", where=where, how=how) from None


def _known_keys(tables: list[str]) -> list[str]:
    """The keys of a table of the recipe; the tables of [arms] have names of their own."""
    if tables[:1] == ["arms"]:
        return list(Arm.model_fields)
    section = Recipe.model_fields[tables[0]].annotation if tables else Recipe
    return list(getattr(section, "model_fields", {}))


def _merge(data: dict[str, Any], change: str) -> None:
    """Apply `a.b=value`. Raises `UserError`."""
    key, found, value = change.partition("=")
    try:
        parsed = tomllib.loads(f"x = {value}")["x"] if found else None
    except tomllib.TOMLDecodeError:
        parsed = value  # a bare word
    if not found or not key.strip():
        raise UserError(f"{change!r} changes nothing", where="--set", how="write it as section.key=value")
    table: dict[str, Any] = data
    *parents, last = key.strip().split(".")
    for parent in parents:
        inner: object = table.setdefault(parent, {})
        if not isinstance(inner, dict):
            raise UserError(f"{parent!r} is no table of the recipe", where="--set", how="write it as section.key=value")
        table = cast("dict[str, Any]", inner)
    table[last] = parsed
