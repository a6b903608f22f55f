"""Which variants of which tasks a stage works on: chosen by the recipe alone, the same on every machine."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from mlagent_app.agent.errors import UserError
from tasks.schema import TaskSpec
from tasks.suite import suite
from tasks.variant import Role, draw, first_seed
from training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Start:
    """Where an episode starts: a task, a variant's seed, a starter, and how many of its settings were moved first."""

    task: str
    variant: int
    starter: str
    detune: int = 0


def training_tasks(recipe: Recipe) -> list[TaskSpec]:
    """The tasks that train, in the suite's order. A held-out task is never among them. Raises `UserError`."""
    wanted = recipe.tasks
    _check("tasks.only", wanted.only, [spec.id for spec in suite().values() if spec.split in wanted.splits])
    chosen: list[TaskSpec] = []
    held_in = 0
    for spec in suite().values():
        if spec.split == "held_out" or spec.split not in wanted.splits or (wanted.only and spec.id not in wanted.only):
            continue
        held_in += spec.split == "held_in"
        if spec.split == "held_in" and wanted.most is not None and held_in > wanted.most:
            continue
        chosen.append(spec)
    return chosen


def evaluation_tasks(recipe: Recipe) -> list[TaskSpec]:
    """The held-out tasks that judge. Raises `UserError`."""
    _check("eval.tasks", recipe.eval.tasks, [spec.id for spec in suite().values() if spec.split == "held_out"])
    return [
        spec
        for spec in suite().values()
        if spec.split == "held_out" and (not recipe.eval.tasks or spec.id in recipe.eval.tasks)
    ]


def _check(key: str, wanted: Sequence[str], there: Sequence[str]) -> None:
    """Raises `UserError` for a name that is not there: a misspelt one would be left out without a word."""
    for name in wanted:
        if name not in there:
            near = get_close_matches(name, there, 1)
            how = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(there)}"
            raise UserError(f"no such task: {name!r}", where=f"{key} of the recipe", how=how)


def smallest(spec: TaskSpec, role: Role, count: int, draw_from: int) -> list[int]:
    """The `count` variant seeds with the least data among the first `draw_from` of a role; the standard one is left out."""
    seeds = range(first_seed(role) + 1, first_seed(role) + 1 + draw_from)
    return sorted(seeds, key=lambda seed: (draw(spec, seed).size, seed))[:count]


def quick_starters(spec: TaskSpec, seconds: float) -> list[str]:
    """The starters whose measured run takes at most that many CPU seconds; the quickest where none does."""
    measured = spec.measured.starters if spec.measured else {}
    names = [starter.name for starter in spec.starters]
    quick = [name for name in names if name not in measured or measured[name].seconds <= seconds]
    return quick or [min(names, key=lambda name: measured[name].seconds)]


def variant_of(start: Start) -> str:
    """The id of the variant that the episode plays, whatever is detuned."""
    return draw(suite()[start.task], start.variant, starter=start.starter).id


def training_starts(recipe: Recipe) -> list[Start]:
    """Every starter of every training task, with the variants and the counts of `tasks.detune` in turn."""
    starts: list[Start] = []
    for spec in training_tasks(recipe):
        seeds = smallest(spec, "train", recipe.tasks.variants, recipe.tasks.draw_from)
        for number, name in enumerate(quick_starters(spec, recipe.tasks.starter_seconds)):
            detune = recipe.tasks.detune[len(starts) % len(recipe.tasks.detune)]
            starts.append(Start(spec.id, seeds[number % len(seeds)], name, detune))
    return starts


def starts_of(recipe: Recipe, variants: Collection[str]) -> list[Start]:
    """Those of `training_starts` that are on one of these variants."""
    return [start for start in training_starts(recipe) if variant_of(start) in variants]


def next_variant(recipe: Recipe, start: Start, times: int) -> Start:
    """The same starter on the variant that comes `times` places later, detuned by what comes so many places later."""
    spec, counts = suite()[start.task], recipe.tasks.detune
    seeds = smallest(spec, "train", recipe.tasks.variants, recipe.tasks.draw_from)
    variant = seeds[(seeds.index(start.variant) + times) % len(seeds)]
    return Start(start.task, variant, start.starter, counts[(counts.index(start.detune) + times) % len(counts)])


def evaluation_starts(recipe: Recipe) -> Sequence[Start]:
    """The starts that every arm is paired on."""
    table = recipe.eval
    specs = evaluation_tasks(recipe) if table.role == "test" else training_tasks(recipe)
    starts: list[Start] = []
    for spec in specs:
        seeds = smallest(spec, table.role, table.variants, table.draw_from)
        names = quick_starters(spec, table.starter_seconds)[: table.starters]
        starts += [Start(spec.id, seed, name, count) for name in names for seed in seeds for count in table.detune]
    return starts
