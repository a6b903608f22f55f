"""What the fork server saves: `python -m benchmarks.fork_server`.

A script such as people write for a table (pandas, a random forest, 600 rows) is run by a fresh process, by a fresh process
behind bubblewrap, and by the fork server, in turns, so that a busy machine slows all of them alike; and an empty script by the
fork server, which is what a run costs at the least. Prints median seconds (with what the sandbox itself takes) and CPU seconds
(of the run's processes), the ratio fresh/fork, and whether that meets its target.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.bwrap import BwrapRunner
from sandbox.fork import ForkRunner
from sandbox.local import LocalRunner
from sandbox.runner import Job, Limits, Runner, SandboxError

TARGET = 10.0
PYTHON = Path(sys.executable)
ROWS = 600
PRELOAD = ("numpy", "pandas", "sklearn.ensemble", "sklearn.linear_model", "sklearn.model_selection", "sklearn.metrics")
# A fit on a DataFrame: scikit-learn imports a part of itself only then.
WARM = """
import io
import pandas
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
table = pandas.read_csv(io.StringIO("a,b\\n" + "1,x\\n2,y\\n" * 8))
x, _, y, _ = train_test_split(pandas.get_dummies(table, columns=["b"]), table["a"])
RandomForestClassifier(2).fit(x, y).predict(x)
table.to_csv(io.StringIO())
"""
SCRIPT = """
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split

table = pd.read_csv("train.csv")
table["age"] = table["age"].fillna(table["age"].median())
features = pd.get_dummies(table.drop(columns="target"), columns=["town"])
train_x, test_x, train_y, test_y = train_test_split(features, table["target"], test_size=0.25, random_state=0)
model = RandomForestClassifier(n_estimators=40, max_depth=8, random_state=0)
model.fit(train_x, train_y)
predicted = model.predict(test_x)
pd.DataFrame({"id": test_x.index, "target": predicted}).to_csv("submission.csv", index=False)
print("accuracy:", round(accuracy_score(test_y, predicted), 3))
"""


@dataclass(slots=True)
class Times:
    """Seconds and CPU seconds of each measured run."""

    wall: list[float] = field(default_factory=list[float])
    cpu: list[float] = field(default_factory=list[float])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=10)
    repeats: int = parser.parse_args().repeats
    with tempfile.TemporaryDirectory(prefix="mlagent-bench-") as directory:
        root = Path(directory)
        workspace = _workspace(root)
        with ForkRunner(PYTHON, workspace, preload=PRELOAD, warm=WARM) as fork:
            fork.preflight()
            steps: dict[str, tuple[Runner, str]] = {"fresh": (LocalRunner(), "train.py")}
            try:
                steps["bwrap"] = (BwrapRunner.connect(), "train.py")
            except SandboxError as error:
                print(f"bwrap    not available: {error.what}")
            steps |= {"fork": (fork, "train.py"), "empty": (fork, "empty.py")}
            print(f"fork: {fork.notes[0]}")
            _report(_measure(steps, workspace, repeats), repeats)


def _workspace(root: Path) -> Path:
    workspace = root / "workspace"
    workspace.mkdir()
    (workspace / "train.py").write_text(SCRIPT)
    (workspace / "empty.py").write_text("")
    draw = random.Random(0)
    rows = ["age,fare,size,town,target"]
    for _ in range(ROWS):
        age, fare, size, town = draw.gauss(40, 12), draw.expovariate(0.03), draw.randint(1, 6), draw.choice("ABCD")
        target = int(age / 20 + (fare > 25) * size / 2 + (town == "A") + draw.gauss(0, 0.7) > 3.6)
        rows.append(f"{'' if draw.random() < 0.1 else round(age, 1)},{fare:.2f},{size},{town},{target}")
    (workspace / "train.csv").write_text("\n".join(rows) + "\n")
    return workspace


def _measure(steps: Mapping[str, tuple[Runner, str]], workspace: Path, repeats: int) -> dict[str, Times]:
    """One unmeasured round first; the same result each time is part of the measurement."""
    times = {name: Times() for name in steps}
    said: set[str] = set()
    for round_number in range(repeats + 1):
        for name, (runner, script) in steps.items():
            # One thread everywhere, as the fork server has it.
            job = Job(f"python {script}", workspace, workspace.parent / "log.txt", python=PYTHON, env={"OMP_NUM_THREADS": "1"})
            started = time.perf_counter()
            result = runner.run(job, Limits(cpus=1))
            seconds = time.perf_counter() - started
            if result.outcome != "ok":
                raise SystemExit(f"{name}: {result.outcome}: {result.message}")
            if script == "train.py":
                said.add(result.log_path.read_text())
            if round_number > 0:
                times[name].wall.append(seconds)
                times[name].cpu.append(result.cpu_seconds or 0.0)
    if len(said) != 1:
        raise SystemExit(f"the results differ: {sorted(said)}")
    return times


def _report(times: Mapping[str, Times], repeats: int) -> None:
    print(f"median of {repeats} runs: seconds, CPU seconds")
    fresh = times["fresh"]
    for name, each in times.items():
        wall, cpu = statistics.median(each.wall), statistics.median(each.cpu)
        ratio = f"  fresh/{name} {statistics.median(fresh.wall) / wall:6.1f}" if name != "fresh" else ""
        print(f"{name:<8}{wall:8.3f}{cpu:8.3f}{ratio}")
    ratio = statistics.median(fresh.wall) / statistics.median(times["fork"].wall)
    print(f"target fresh/fork {TARGET:.0f}: {'ok' if ratio >= TARGET else 'under'}")


if __name__ == "__main__":
    main()
