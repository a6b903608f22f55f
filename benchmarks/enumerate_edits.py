"""How long the catalogue takes to enumerate the edits of a 500-line script, beside a parser in the same run.

The bound is 50 ms; the ratio is what can be compared between machines. The peer is `libcst` with positions where it is
installed (what a codemod library would need before its first edit), else `ast.parse` of the same text.

    python benchmarks/enumerate_edits.py [--json]
"""

from __future__ import annotations

import ast
import importlib.util
import json
import statistics
import sys
import time
from collections.abc import Callable

from mlagent_app.editors.catalogue import Catalogue

LINES = 500
BOUND_MS = 50.0
REPEATS = 15

_HEAD = '''"""A generated experiment."""
import argparse

import numpy as np
from sklearn.ensemble import RandomForestClassifier, GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

LEARNING_RATE = 0.1
EPOCHS = 20
HIDDEN = 64
SEED = 0


def parse_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--c", type=float, default=1.0)
    parser.add_argument("--depth", type=int, default=5)
    return parser.parse_args()


def build(args):
    forest = RandomForestClassifier(n_estimators=100, max_depth=args.depth, random_state=SEED)
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=args.c))
    return forest, linear, GradientBoostingClassifier(learning_rate=LEARNING_RATE)
'''
_BLOCK = '''

def stage_{n}(X, y, scale=1.0, repeats=3):
    """Stage {n} of the experiment: nothing in it can be edited, as in most lines of a real script."""
    rows = np.asarray(X)[:: {n} + 1]
    total = 0.0
    for index, row in enumerate(rows):
        if index % 2 == 0 and row.sum() > 0:
            total += float(np.dot(row, row)) * scale / (index + 1)
        else:
            total -= abs(row.mean()) if len(row) else 0.0
    table = {{"stage": {n}, "total": total, "mean": total / max(len(rows), 1)}}
    print(f"stage {n}: {{table['total']:.4f}} over {{len(rows)}} rows")
    return [table for _ in range(repeats)], sorted(table, key=lambda key: str(key))
'''


def script(lines: int = LINES) -> str:
    """A script of about this many lines: the head with models, then functions without."""
    text, block = _HEAD, 0
    while text.count("\n") < lines:
        text += _BLOCK.format(n=block)
        block += 1
    return "\n".join(text.split("\n")[:lines]) if text.count("\n") > lines + 20 else text


def milliseconds(work: Callable[[], object]) -> float:
    """The median CPU time of one call: waiting for a busy machine is not counted."""
    times: list[float] = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        times.append(1000 * (time.process_time() - start))
    return statistics.median(times)


def peer(text: str) -> tuple[str, Callable[[], object]]:
    """The parser to compare with, and one parse by it."""
    if importlib.util.find_spec("libcst") is None:
        return "ast.parse", lambda: ast.parse(text)
    cst = importlib.import_module("libcst")
    metadata = importlib.import_module("libcst.metadata")

    def positions() -> object:
        wrapper = metadata.MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True)
        return wrapper.resolve(metadata.PositionProvider)

    return "libcst with positions", positions


def main() -> int:
    """Print the times; 1 when the bound is exceeded."""
    text = script()
    edits = len(Catalogue().enumerate({"train.py": text}))
    # A fresh catalogue each time: the memo of parsed files would hide the work.
    ours = milliseconds(lambda: Catalogue().enumerate({"train.py": text}))
    name, parse = peer(text)
    theirs = milliseconds(parse)
    result = {
        "lines": text.count("\n"),
        "edits": edits,
        "enumerate_ms": round(ours, 2),
        "peer": name,
        "peer_ms": round(theirs, 2),
        "ratio": round(ours / theirs, 2),
        "bound_ms": BOUND_MS,
    }
    if "--json" in sys.argv[1:]:
        print(json.dumps(result))
    else:
        print(f"{result['lines']} lines, {edits} edits: {ours:.1f} ms (bound {BOUND_MS:.0f} ms)")
        print(f"{name}: {theirs:.1f} ms; ratio {ours / theirs:.2f}")
    return 0 if ours < BOUND_MS else 1


if __name__ == "__main__":
    sys.exit(main())
