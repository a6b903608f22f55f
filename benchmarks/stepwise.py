"""Step-wise RL beside RL on whole episodes: `python -m benchmarks.stepwise --run DIR`.

DIR is a run in which both were trained from the same SFT policy: `mlagent-train rl --recipe nano`, then `mlagent-train rl
--recipe nano --arm episode`. Printed for each seed: updates; samples an update (a state with one action step by step, else an
episode) and actions an update; the share of the actions that was executed, not remembered; seconds an update, and those that
execution took of them. The last lines are the ratios of updates an hour, at as many samples an update and at as many actions.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

from mlagent_app.agent.errors import UserError
from training.loop import read_log
from training.results import MODES, Speed, hourly, speeds
from training.stage import made, read_manifest


def trained(run: Path) -> dict[str, dict[str, Any]]:
    """The manifests of the policies that RL made in this run, by stage."""
    read = {place.name: read_manifest(place) for place in made(run) if place.parent == run}
    return {name: manifest for name, manifest in read.items() if "rl" in manifest["recipe"]}


def report(run: Path) -> list[str]:
    """The table and the ratios. Raises `UserError` unless both were trained."""
    manifests = trained(run)
    found = {mode: speeds(manifests, mode) for mode in MODES}
    lacking = [mode for mode in MODES if not found[mode]]
    if lacking:
        how = f"mlagent-train rl --recipe nano --out {run}{' --arm episode' if lacking == ['episode'] else ''}"
        raise UserError(f"no seed was trained by {lacking[0]}", where=str(run), how=how)
    (samples, actions), (episodes, moves) = (hourly(found[mode]) for mode in MODES)
    return [
        f"{'':10s} updates  samples  actions  executed  seconds  execution",
        *(_row(run, name, manifests[name]["results"], one) for mode in MODES for name, one in found[mode].items()),
        f"samples an hour: {samples:,.0f} and {episodes:,.0f}; updates an hour at as many: {samples / episodes:.1f} times",
        f"actions an hour: {actions:,.0f} and {moves:,.0f}; updates an hour at as many: {actions / moves:.1f} times",
    ]


def _row(run: Path, name: str, told: Mapping[str, Any], speed: Speed) -> str:
    """`told`: the results of its manifest."""
    rows = [row for row in read_log(run / name) if "reward" in row]
    seconds, execution = (fmean(row[key] for row in rows) for key in ("seconds", "execution_seconds"))
    share = told["executions"] / (told["executions"] + told["cache_hits"])
    return (
        f"{name:10s} {told['updates']:7d} {speed.samples:8d} {speed.actions:8.1f} {share:9.0%} {seconds:8.1f} {execution:10.1f}"
    )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, metavar="DIR")
    try:
        print("\n".join(report(parser.parse_args().run)))
    except UserError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
