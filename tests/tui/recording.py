"""A recorded session of a small classifier, in the parts that screens are tested with."""

from __future__ import annotations

from pathlib import Path

from mlagent_app.agent.events import (
    ActionProposed,
    BaselineMeasured,
    Decided,
    DecisionKind,
    DecisionNeeded,
    Landed,
    LogLines,
    MetricChosen,
    Notice,
    ResourceSample,
    RunStarted,
    SessionEnded,
    SessionStarted,
    SnapshotTaken,
)
from mlagent_app.plan import Plan
from tests.tui.scripted import Item, log_lines, rewarded, run_finished

METRIC = {"name": "val_accuracy", "direction": "max", "source": "stdout", "pattern": "", "pick": "last", "target": None}

DIFF_C = """\
--- a/train.py
+++ b/train.py
@@ -14,7 +14,7 @@ def build_model(seed: int) -> Pipeline:
     return Pipeline(
         [
             ("scale", StandardScaler()),
-            ("model", LogisticRegression(C=1.0, max_iter=200, random_state=seed)),
+            ("model", LogisticRegression(C=10, max_iter=200, random_state=seed)),
         ]
     )
 
"""

DIFF_SVC = """\
--- a/train.py
+++ b/train.py
@@ -2,6 +2,6 @@
 
 from sklearn.datasets import load_digits
-from sklearn.linear_model import LogisticRegression
+from sklearn.svm import SVC
 from sklearn.model_selection import train_test_split
 from sklearn.pipeline import Pipeline
 
@@ -14,7 +14,7 @@ def build_model(seed: int) -> Pipeline:
     \"\"\"The model under test.\"\"\"
     return Pipeline(
         [
             ("scale", StandardScaler()),
-            ("model", LogisticRegression(C=10, max_iter=200, random_state=seed)),
+            ("model", SVC(kernel="rbf", C=10, random_state=seed)),
         ]
     )
"""

ALTERNATIVES = (
    ("replace LogisticRegression by SVC with an RBF kernel", 0.41),
    ("set C of LogisticRegression to 0.1", 0.22),
    ("insert PolynomialFeatures before LogisticRegression", 0.14),
    ("set max_iter of LogisticRegression to 1000", 0.09),
    ("replace StandardScaler by MinMaxScaler", 0.05),
)


PLAN = Plan(
    project=Path("/home/ada/digits"),
    command="python train.py",
    command_source="README.md, line 12",
    python=Path("/home/ada/digits/.venv/bin/python"),
    python_source=".venv in the project",
    apply=True,
    approve="ask",
    command_candidates=(
        ("python train.py", "README.md, line 12"),
        ("make train", "Makefile"),
        ("python -m digits.train", "the module's argparse main"),
    ),
)


STARTED = SessionStarted(
    session="20260714-1203-4f1c",
    project="/home/ada/digits",
    command="python train.py",
    command_source="README.md, line 12",
    python="/home/ada/digits/.venv/bin/python",
    policy="bandit",
    sandbox="docker",
    sandbox_notes=("host runtime: the system and the chosen Python environment, read-only; no network",),
    metric=None,
    approve="ask",
    steps=10,
    minutes=None,
    seed=0,
    reward="v1",
    apply=True,
    commit=True,
)


def proposed(step: int, instruction: str, diff: str, *, file: str = "train.py", flags: tuple[str, ...] = ()) -> ActionProposed:
    """An edit."""
    return ActionProposed(
        step=step,
        action="Edit Script",
        instruction=instruction,
        file=file,
        family="estimator-argument",
        probability=None,
        alternatives=((instruction, 0.41), *ALTERNATIVES[1:]),
        diff=diff,
        base="a" * 40,
        commit="b" * 40,
        flags=flags,
    )


def run_began(step: int, repeat: int = 0) -> RunStarted:
    """The beginning of a run."""
    return RunStarted(step=step, repeat=repeat, command="python train.py", log_path=f"/state/runs/{step}-{repeat}.log")


def snapshot() -> SnapshotTaken:
    """The private copy."""
    return SnapshotTaken(
        commit="a" * 40,
        files=14,
        size=48_200,
        editable=("train.py", "digits/model.py"),
        protected=("evaluate.py",),
        left_out=((".env", "looks like a secret"),),
    )


BEGINNING: list[Item] = [STARTED, snapshot(), run_began(0), LogLines(step=0, lines=tuple(log_lines(0, 30)))]

BASELINE: list[Item] = [
    *BEGINNING,
    run_finished(0, 0.9416),
    MetricChosen(
        metric=METRIC,
        line="epoch  29  loss 0.0633  val_accuracy 0.9416",
        where="stdout",
        reason="the last value of 30, a validation metric",
        others=("loss",),
    ),
    BaselineMeasured(
        values=(0.9416, 0.9389, 0.9443),
        value=0.9416,
        noise=0.0021,
        seconds=10.4,
        m_best=1.0,
        m_best_source="natural bound",
        line="epoch  29  loss 0.0633  val_accuracy 0.9416",
    ),
]


def step(index: int, instruction: str, before: float, value: float | None, scalar: float, diff: str = DIFF_C) -> list[Item]:
    """A step up to its reward."""
    outcome = "ok" if value is not None else "error"
    message = "" if value is not None else "ValueError: Solver lbfgs supports only 'l2' or None penalties, got l1 penalty."
    return [
        proposed(index, instruction, diff),
        run_began(index),
        LogLines(step=index, lines=tuple(log_lines(0, 24))),
        run_finished(index, value, outcome=outcome, message=message),
        rewarded(index, before, value, scalar, outcome=outcome),
    ]


def decided(index: int, decision: DecisionKind, by: str = "user", reason: str = "") -> Decided:
    """A decision."""
    return Decided(step=index, decision=decision, by=by, reason=reason, commit="c" * 40)


def landed(index: int) -> Landed:
    """An accepted step is in the project."""
    return Landed(step=index, files=("train.py",), commit="4f1c2d9a77" + "0" * 30, note="")


STEPS: list[Item] = [
    *BASELINE,
    *step(1, "set C of LogisticRegression to 10", 0.9416, 0.9500, 1.0),
    decided(1, "accept"),
    landed(1),
    *step(2, "set penalty of LogisticRegression to 'l1'", 0.9500, None, 0.0),
    decided(2, "refuse", "auto", "the run failed"),
    *step(3, "replace StandardScaler by RobustScaler(quantile_range=(5, 95))", 0.9500, 0.9472, 0.008),
    decided(3, "refuse", reason="worse, and slower to fit"),
]

RUNNING: list[Item] = [
    *STEPS,
    proposed(4, "replace LogisticRegression by SVC with an RBF kernel", DIFF_SVC),
    run_began(4),
    LogLines(step=4, lines=tuple(log_lines(0, 18))),
    ResourceSample(step=4, seconds=2.0, memory=212_000_000, cpu=1.9),
]

QUESTION: list[Item] = [
    *RUNNING,
    run_finished(4, 0.9722),
    rewarded(4, 0.9500, 0.9722, 1.0),
    DecisionNeeded(step=4, question="accept", suggestion="accept", why="the gain is 10.6 times the noise of the baseline"),
]

RUN_QUESTION: list[Item] = [
    *STEPS,
    proposed(
        4, "replace LogisticRegression by SVC with an RBF kernel", DIFF_SVC, flags=("the edit changes the seed of the split",)
    ),
    DecisionNeeded(step=4, question="run", suggestion="run", why="it has not been tried on these files"),
]

ENDED: list[Item] = [
    *QUESTION[:-1],
    decided(4, "accept"),
    landed(4),
    Notice(text="2 edits were left out because they had been tried before"),
    SessionEnded(reason="steps", steps=4, best=0.9722, best_step=4, seconds=73.0),
]
