"""The benchmark of what is left of a gain by the end, on steps whose gains are made up."""

from __future__ import annotations

import random

import pytest

pytest.importorskip("numpy")

from benchmarks.horizon import BASE, Tried, merged, table

STEPS = 4


def episodes(starts: int, each: int) -> list[Tried]:
    """Steps of two families that gain 0.1 at once: what `early` gains is gained by the end in any case, `lasting` is kept."""
    drawn = random.Random(0)
    rows: list[Tried] = []
    for start in range(starts):
        for number in range(each):
            families = [drawn.choice([BASE, "early", "lasting"]) for _ in range(STEPS)]
            level, end = start / starts, start / starts + 0.3 + 0.1 * families.count("lasting")
            for index, family in enumerate(families):
                now = 0.0 if family == BASE else 0.1
                rows.append(Tried((str(start),), f"{start}/{number}", family, index, level, now, now, end - level))
                level += now
    return rows


def cells(printed: str, name: str) -> list[float]:
    """The two means of a row."""
    line = next(line for line in printed.splitlines() if line.startswith(name))
    return [float(word) for word in line.replace("[", " ").split() if word[0] in "+-" and not word.endswith((",", "]"))]


def test_what_comes_anyhow_is_worth_nothing_by_the_end() -> None:
    printed = table(merged(episodes(40, 6)), STEPS)
    early, lasting = cells(printed, "early"), cells(printed, "lasting")
    assert early[0] == pytest.approx(0.1, abs=0.01) and lasting[0] == pytest.approx(0.1, abs=0.01)
    assert lasting[1] - early[1] == pytest.approx(0.1, abs=0.02)
    assert cells(printed, "slope on what is expected")[0] == pytest.approx(1.0, abs=0.05)


def test_rare_families_are_one() -> None:
    rows = episodes(10, 2)
    rare = [Tried(row.start, row.episode, "rare", row.index, row.level, 0.0, 0.0, 0.1) for row in rows[:5]]
    assert {name for _, name in merged([*rows, *rare])} <= {BASE, "early", "lasting", "other"}
