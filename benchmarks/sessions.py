"""What whole sessions come to by policy: `python -m benchmarks.sessions [--seeds N] [--steps N] [--policies NAME...]`.

Plays `mlagent run` on the bundled example and on the projects of the end-to-end tests, which no stage of training has seen,
with the embedded policy and its peers, by default the bandit; every session in a sandbox of its own from the same commit.
Prints the relative gain of each project and policy, mean of the seeds, and the ratio of the means, embedded/peer. An accepted
edit has to beat the noise of the baseline, so that a session's gain is what a user would get.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.projects.build import commit, makefile_regression, torch_epochs, yaml_package

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "digits"


def digits(directory: Path) -> Path:
    """The bundled example as a repository."""
    shutil.copytree(EXAMPLE, directory)
    commit(directory, "Start")
    return directory


PROJECTS: tuple[Callable[[Path], Path], ...] = (digits, yaml_package, torch_epochs, makefile_regression)


def gain(project: Path, policy: str, seed: int, steps: int, sandbox: str, state: Path) -> float:
    """The relative gain of one session, positive when better; 0 where nothing was accepted."""
    words = ["run", str(project), "--policy", policy, "--seed", str(seed), "--steps", str(steps), "--sandbox", sandbox]
    done = subprocess.run(
        [str(Path(sys.executable).with_name("mlagent")), *words, "--format", "json"],
        capture_output=True,
        text=True,
        env=os.environ | {"MLAGENT_STATE_DIR": str(state)},
    )
    if not done.stdout.strip():
        sys.exit(f"mlagent {' '.join(words)} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result["best"]["relative_gain"] if result["best"] else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--sandbox", default="bwrap")
    parser.add_argument("--policies", nargs="+", default=["bandit"], help="the peers of the embedded policy")
    chosen = parser.parse_args()
    policies: Sequence[str] = ["embedded", *chosen.policies]
    found: dict[str, list[float]] = {policy: [] for policy in policies}
    print(f"relative gain after {chosen.steps} steps, mean of {chosen.seeds} seeds")
    print(f"{'':<22}" + "".join(f"{policy:>12}" for policy in policies))
    with tempfile.TemporaryDirectory() as scratch:
        for make in PROJECTS:
            project = make(Path(scratch) / make.__name__)
            for policy in policies:
                runs = [
                    gain(project, policy, seed, chosen.steps, chosen.sandbox, Path(scratch) / "state")
                    for seed in range(chosen.seeds)
                ]
                found[policy].append(statistics.mean(runs))
            print(f"{make.__name__:<22}" + "".join(f"{found[policy][-1]:>12.1%}" for policy in policies), flush=True)
    for peer in policies[1:]:
        print(f"ratio embedded/{peer}: {statistics.mean(found['embedded']) / statistics.mean(found[peer]):.2f}")


if __name__ == "__main__":
    main()
