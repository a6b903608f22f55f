"""How long one proposal of the embedded policy takes: `python -m benchmarks.propose`.

The peer is transformers: the same weights, prompt and trie in one packed pass of PyTorch with one thread, digest and tokens
included in both; the prior is in ours alone. Prints milliseconds and the ratio peer/ours, for a session's first step on the
bundled example.
"""

from __future__ import annotations

import argparse
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from mlagent_app.agent.digest import digest
from mlagent_app.agent.metrics import MetricSpec
from mlagent_app.agent.state import State, Task
from mlagent_app.editors.catalogue import Catalogue
from mlagent_app.policies.embedded import EmbeddedPolicy, shipped
from mlagent_app.policies.trie import build
from mlagent_app.policies.writing import Writer
from training.model import load, log_probabilities, pack

TARGET_MS = 100.0


def milliseconds(call: Callable[[], object], repeats: int) -> float:
    """The median, after a call that does not count."""
    call()
    taken: list[float] = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        taken.append(1000 * (time.perf_counter() - start))
    return statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=30)
    repeats: int = parser.parse_args().repeats
    torch.set_num_threads(1)
    example = Path(__file__).resolve().parent.parent / "examples" / "digits"
    files = {path.name: path.read_text("utf-8") for path in sorted(example.glob("*.py"))}
    edits = [edit.candidate for edit in Catalogue().enumerate(files)]
    state = State(Task("digits", "python train.py", MetricSpec("accuracy", "max"), 0.84, 1.0), 0.84, "base", (), files)

    policy = EmbeddedPolicy(0)
    ours = milliseconds(lambda: policy.propose(state, edits, threading.Event()), repeats)

    model, writer = load(shipped()), Writer.load(shipped() / "tokenizer.json", 256)

    def peer_pass() -> None:
        prompt = np.array(writer.prompt(digest(state, {edit.file for edit in edits})), np.int64)
        trie = build(writer.completions([edit.instruction for edit in edits]))
        with torch.no_grad():
            log_probabilities(model, pack([prompt], [trie]))

    peer = milliseconds(peer_pass, repeats)
    print(f"{len(edits)} edits, median of {repeats}: numpy {ours:.1f} ms (target {TARGET_MS:g} ms), transformers {peer:.1f} ms")
    print(f"ratio transformers/numpy: {peer / ours:.2f}")


if __name__ == "__main__":
    main()
