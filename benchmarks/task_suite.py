"""How long the task suite takes: `python -m benchmarks.task_suite [--tasks ID...]`.

Draws the standard variant of every task, then runs every starter once in warm fork servers behind bubblewrap, two at a time.
Its peer is a fresh process behind bubblewrap: every eighth starter is run there as well, in the same minutes. Prints the
slowest draws, the seconds of the whole suite, and the ratio fresh/fork.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from mlagent_app.environment.trial import Trial
from mlagent_app.verify.workshop import Workshop, workshop
from tasks.building import Drawn, build
from tasks.schema import TaskSpec
from tasks.suite import find, suite
from tasks.variant import draw

DRAW_SECONDS = 0.5
SUITE_SECONDS = 60.0
EVERY = 8


def drawn(specs: Sequence[TaskSpec], shop: Workshop) -> dict[str, Drawn]:
    """The standard variants, and what drawing them took: CPU seconds of this process, generated and written."""
    variants: dict[str, Drawn] = {}
    seconds: dict[str, float] = {}
    for spec in specs:
        start = time.process_time()
        variants[spec.id] = build(spec, draw(spec), shop.store)
        seconds[spec.id] = time.process_time() - start
    slowest = sorted(seconds, key=lambda name: -seconds[name])[:3]
    print(f"{len(specs)} variants drawn in {sum(seconds.values()):.1f} CPU s; the slowest (target {DRAW_SECONDS:g} s each):")
    for name in slowest:
        print(f"  {name:<42} {seconds[name]:.2f} s")
    return variants


def run(shop: Workshop, scripts: Sequence[tuple[Drawn, str]]) -> list[Trial]:
    """Every script once in the fork servers; prints the wall time of all."""
    start = time.monotonic()
    futures = [shop.start(each, each.spec.starter_files(name), shop.quickest) for each, name in scripts]
    trials = [future.result() for future in futures]
    took = time.monotonic() - start
    failed = [f"{each.spec.id}/{name}: {t.message}" for (each, name), t in zip(scripts, trials, strict=True) if t.value is None]
    print(f"{len(scripts)} starters in {shop.quickest}: {took:.1f} s (target {SUITE_SECONDS:g} s), {len(failed)} failed")
    for line in failed:
        print(f"  {line}")
    return trials


def compare(shop: Workshop, scripts: Sequence[tuple[Drawn, str]], trials: Sequence[Trial]) -> None:
    """Some of the scripts by fresh processes, beside what the fork servers took for the same."""
    chosen = range(0, len(scripts), EVERY)
    futures = [shop.start(scripts[n][0], scripts[n][0].spec.starter_files(scripts[n][1]), "bwrap") for n in chosen]
    fresh = sum(future.result().result.seconds for future in futures)
    forked = sum(trials[n].result.seconds for n in chosen)
    both = f"fresh processes behind bwrap {fresh:.1f} s, {shop.quickest} {forked:.1f} s"
    print(f"{len(chosen)} of them: {both}: {fresh / forked:.1f} x")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tasks", nargs="*", default=[], help="only these")
    names: list[str] = parser.parse_args().tasks
    specs = [find(name) for name in names] or list(suite().values())
    with workshop(["bwrap"]) as shop:
        variants = drawn(specs, shop)
        scripts = [(variants[spec.id], starter.name) for spec in specs for starter in spec.starters]
        # A first run a server, so that all that is measured is warm.
        for future in [shop.start(*_first(scripts), shop.quickest) for _ in range(2)]:
            future.result()
        compare(shop, scripts, run(shop, scripts))


def _first(scripts: Sequence[tuple[Drawn, str]]) -> tuple[Drawn, dict[str, bytes]]:
    each, name = scripts[0]
    return each, each.spec.starter_files(name)


if __name__ == "__main__":
    main()
