"""What a sandbox adds to a command: `python -m benchmarks.step_overhead`.

One run measures the bare command and every sandbox that works here, in turns, so that a busy machine slows all of them alike.
Prints the medians, the overhead over the bare command, the ratio, and whether the overhead is within its target. The targets
are for an idle machine; on a busy one compare the ratios.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sandbox.choose import SandboxKind, Wanted, choose
from sandbox.runner import Job, Limits, Runner, SandboxError

# Seconds over the bare command.
TARGETS: dict[SandboxKind, float] = {"local": 0.1, "bwrap": 0.2, "docker": 0.5}
PYTHON = Path(sys.executable)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=10)
    repeats: int = parser.parse_args().repeats
    with tempfile.TemporaryDirectory(prefix="mlagent-bench-") as directory:
        root = Path(directory)
        (root / "workspace").mkdir()
        steps: dict[str, Callable[[], None]] = {"bare": _bare}
        for name in TARGETS:
            try:
                runner = choose(name, wanted=Wanted(python=PYTHON))
            except SandboxError as error:
                print(f"{name:<8} not available: {error.what}")
                continue
            steps[name] = _step(runner, root)
        _report(_measure(steps, repeats), repeats)


def _bare() -> None:
    subprocess.run(["/bin/sh", "-c", f"'{PYTHON}' -c pass"], check=True)


def _step(runner: Runner, root: Path) -> Callable[[], None]:
    def step() -> None:
        result = runner.run(Job("python -c pass", root / "workspace", root / "log.txt", python=PYTHON), Limits())
        if result.outcome != "ok":
            raise SystemExit(f"{runner.name}: {result.outcome}: {result.message}")

    return step


def _measure(steps: dict[str, Callable[[], None]], repeats: int) -> dict[str, float]:
    """Median seconds by name; one unmeasured round first."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for round_number in range(repeats + 1):
        for name, step in steps.items():
            started = time.perf_counter()
            step()
            if round_number > 0:
                seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in seconds.items()}


def _report(medians: dict[str, float], repeats: int) -> None:
    bare = medians["bare"]
    print(f"median seconds of {repeats} runs of `python -c pass`")
    print(f"{'bare':<8}{bare:8.3f}")
    for name, target in TARGETS.items():
        if name in medians:
            overhead = medians[name] - bare
            verdict = "over" if overhead > target else "ok"
            ratio = medians[name] / bare
            print(
                f"{name:<8}{medians[name]:8.3f}  overhead {overhead:6.3f}  ratio {ratio:6.1f}  target {target:.1f}  {verdict}"
            )


if __name__ == "__main__":
    main()
