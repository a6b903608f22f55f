"""What a value's distance from the library's default says of an edit: `python -m benchmarks.defaults --run DIR`.

DIR is a run of `mlagent-train experts`. Of all edits that set a number of a scikit-learn class, printed by how many octaves the
new value is nearer to the class's default than the one that it replaces (3: eight times as near): how many were tried, the
share that gained more than a hundredth of the way to the reference, and the mean reward `kept`. Below them stand all other
edits of the catalogue. Neither the cookbook nor the prior knows which value an edit replaces.
"""

from __future__ import annotations

import argparse
import inspect
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from sklearn.utils import all_estimators  # pyright: ignore[reportUnknownVariableType]

from mlagent_app.editors.catalogue import Catalogue
from mlagent_app.editors.catalogue.grammar import parse
from mlagent_app.editors.catalogue.values import heard
from training import experts
from training.recipe import Recipe, load
from training.workbench import Site

# Octaves, from and below; the last row is of those without a number and a default.
BOUNDS = (-math.inf, -3.0, -1.0, 0.0, 1.0, 3.0, math.inf)
CLEAR = 0.01


@cache
def defaults() -> Mapping[tuple[str, str], float]:
    """(class, parameter) -> default, of all of scikit-learn's whose default is a positive number."""
    found: dict[tuple[str, str], float] = {}
    for name, kind in cast("list[tuple[str, type[Any]]]", all_estimators()):
        for parameter in inspect.signature(kind.__init__).parameters.values():
            value = parameter.default
            if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
                found[name, parameter.name] = float(value)
    return found


def nearer(instruction: str, undo: str, files: Mapping[str, str]) -> float | None:
    """By how many octaves the value of `instruction` is nearer to the default than that of `undo`; None where there is none."""
    now, then = parse(instruction, files), parse(undo, files) if undo else None
    if now is None or then is None or now.phrase.form != "argument":
        return None
    default = defaults().get((now.phrase.get("owner"), now.phrase.get("name")))
    values = [heard(asked.phrase.get("value")) for asked in (then, now)]
    if default is None or not all(isinstance(v, int | float) and not isinstance(v, bool) and v > 0 for v in values):
        return None
    before, after = (abs(math.log2(cast("float", value) / default)) for value in values)
    return before - after


def tried(run: Path, recipe: Recipe) -> Iterator[tuple[float | None, float]]:
    """(octaves nearer, reward) of every edit that the experts tried."""
    store, catalogue = Site.of(recipe, run / "home").states, Catalogue()
    for _, step, reward in experts.rewarded_edits(experts.played(experts.stage_of(run, recipe)), "kept"):
        contents = store.load(step.state).files.items()
        files = {path: content.decode("utf-8", "replace") for path, content in contents}
        undo = next(
            (e.undo for e in catalogue.enumerate(files) if (e.instruction, e.file) == (step.instruction, step.file)), ""
        )
        yield nearer(step.instruction, undo, files), reward


def table(rows: Sequence[tuple[float | None, float]]) -> str:
    """The module's table."""
    lines = [f"{'octaves nearer':>16s} {'edits':>6s} {'helped':>7s} {'reward':>7s}"]
    for low, high in pairwise(BOUNDS):
        name = f"below {high:g}" if low == -math.inf else f"{low:g} and more" if high == math.inf else f"{low:g} to {high:g}"
        lines.append(_line(name, [reward for octaves, reward in rows if octaves is not None and low <= octaves < high]))
    return "\n".join([*lines, _line("other edits", [reward for octaves, reward in rows if octaves is None])])


def _line(name: str, rewards: Sequence[float]) -> str:
    count = len(rewards)
    told = (sum(reward > CLEAR for reward in rewards) / count, sum(rewards) / count) if count else (math.nan, math.nan)
    return f"{name:>16s} {count:6d} {told[0]:7.0%} {told[1]:7.3f}"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, metavar="DIR")
    parser.add_argument("--recipe", default="nano")
    given = parser.parse_args()
    rows = list(tried(given.run, load(given.recipe)))
    if not rows:
        parser.error(f"{given.run} has no expert trajectories: run mlagent-train experts --out {given.run}")
    print(table(rows))


if __name__ == "__main__":
    main()
