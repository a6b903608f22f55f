"""Which of the expert's states RL is trained on, in what order, and which ones it is judged on."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from mlagent_app.agent.errors import UserError
from training.corpus import Situation

# This share of the tasks is kept from RL, to see what carries over; of the starts where there are fewer tasks than these.
TASKS, STARTS, FEWEST = 0.2, 0.1, 4
# So many of the states that are kept apart are looked at, at most.
JUDGED = 160


def balanced(situations: Sequence[Situation], seed: int, *, fewest: int = 2) -> Iterator[Situation]:
    """States without end: tasks in turn, and of a task's states a depth first, so that late ones are as frequent as early ones.

    States with fewer than `fewest` edits are left out: the exact policy learns nothing where it has no choice.
    """
    rng = random.Random(f"states:{seed}")
    tasks: dict[str, dict[int, list[Situation]]] = defaultdict(lambda: defaultdict(list))
    for situation in situations:
        if len(situation.edits) >= fewest:
            tasks[situation.task][situation.depth].append(situation)
    names = sorted(tasks)
    if not names:
        raise UserError("there is no state to learn from", where="tasks", how="take more variants, starters or tasks")
    while True:
        for name in rng.sample(names, len(names)):
            depth = rng.choice(sorted(tasks[name]))
            yield rng.choice(tasks[name][depth])


def parted(situations: Iterable[Situation], allowed: set[str], draw: int, turn: int) -> tuple[list[Situation], list[Situation]]:
    """(for RL, kept apart), both of the allowed tasks. Whole tasks are kept apart: it matters what carries over to others.

    `draw` orders the tasks, and `turn`, a training seed, says whose turn it is: seeds that follow one another have different
    ones. Where there are fewer than `FEWEST` tasks none can be spared, and whole starts are kept apart.
    """
    known = [situation for situation in situations if situation.task in allowed]
    rng, tasks = random.Random(f"unseen:{draw}"), sorted({situation.task for situation in known})
    if len(tasks) < FEWEST:
        starts = sorted({situation.variant for situation in known})
        apart = set(rng.sample(starts, max(1, int(STARTS * len(starts)))))
        return _divided(known, lambda situation: situation.variant in apart)
    order, count = rng.sample(tasks, len(tasks)), max(1, int(TASKS * len(tasks)))
    theirs = {order[(turn * count + place) % len(order)] for place in range(count)}
    return _divided(known, lambda situation: situation.task in theirs)


def judged(situations: Sequence[Situation], draw: int, most: int = JUDGED) -> list[Situation]:
    """Up to `most` different states with a choice, of all tasks and depths; always the same ones."""
    if not any(len(situation.edits) > 1 for situation in situations):
        return []
    drawn = islice(balanced(situations, draw), 20 * most)
    return list({situation.id: situation for situation in drawn}.values())[:most]


def _divided(situations: list[Situation], apart: Callable[[Situation], bool]) -> tuple[list[Situation], list[Situation]]:
    parts: tuple[list[Situation], list[Situation]] = ([], [])
    for situation in situations:
        parts[apart(situation)].append(situation)
    return parts
