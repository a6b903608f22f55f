"""How long `mlagent-tui` takes to its first frame, against an empty Textual app, both from a cold interpreter.

Run it with the environment's Python: `python benchmarks/tui_first_frame.py`. Prints the medians and their ratio, and fails
above the budget. The two are started in turns, so that whatever else the machine does falls on both.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from typing import Literal, NoReturn

ROUNDS = 15
BUDGET = 1.3


def empty() -> None:
    """An app with nothing in it, up to its first frame."""
    from textual.app import App

    class Empty(App[None]):
        def on_ready(self) -> None:
            self.call_after_refresh(self.exit)

    Empty().run(headless=True)


def ours() -> None:
    """`mlagent-tui` up to its first frame; the project is still being looked at, as it is for a user."""
    from mlagent_app.tui.app import MLAgentApp
    from mlagent_app.tui.entry import parser
    from mlagent_app.tui.link import DeferredBackend

    class Timed(MLAgentApp):
        def on_ready(self) -> None:
            self.call_after_refresh(self.exit)

    def never() -> NoReturn:
        while True:
            time.sleep(60)

    parser().parse_args(["."])
    app = Timed(DeferredBackend(never), "project")
    app.run(headless=True)
    sys.exit(app.return_code)


def seconds(what: Literal["empty", "ours"]) -> float:
    """The wall time of a Python process that shows one of the two."""
    began = time.perf_counter()
    subprocess.run([sys.executable, __file__, what], check=True)
    return time.perf_counter() - began


def main() -> None:
    """Measure in turns and say the ratio."""
    seconds("empty")
    seconds("ours")
    pairs = [(seconds("empty"), seconds("ours")) for _ in range(ROUNDS)]
    theirs, mine = (statistics.median(values) for values in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for other, one in pairs)
    print(f"empty Textual app {theirs:.3f} s, mlagent-tui {mine:.3f} s, ratio {ratio:.2f} (budget {BUDGET})")
    if ratio > BUDGET:
        sys.exit(1)


if __name__ == "__main__":
    {"empty": empty, "ours": ours, "": main}[sys.argv[1] if len(sys.argv) > 1 else ""]()
