"""Lines of libraries that are not written as `name: value`, each read by its own rule.

LightGBM tells of its own work, scikit-learn's searches print every fold of every candidate, pycocotools puts the settings of a
value before it, and Optuna prints a trial's value and the best one so far without a metric's name.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from mlagent_app.agent.pairs import NUMBER, Pair, number

_LIGHTGBM = re.compile(r"\s*\[LightGBM\] \[(?:Info|Warning|Debug|Fatal)\]")
_COCO = re.compile(
    r"\s*Average (?:Precision|Recall)\s+\((?P<kind>AP|AR)\)\s*@\[\s*IoU=(?P<iou>[\d.]+(?::[\d.]+)?)\s*"
    rf"\|\s*area=\s*(?P<area>\w+)\s*\|\s*maxDets=\s*(?P<detections>\d+)\s*\]\s*=\s*(?P<value>{NUMBER})"
)
_SEARCH = re.compile(r"\s*\[CV(?: \d+/\d+)?(?:; \d+/\d+)?\]")
_SEARCH_SCORE = re.compile(rf"[\s,](?P<name>\w+)(?:=|: )(?:\((?:train={NUMBER}, )?test=)?(?P<value>{NUMBER})(?=\)|,? total)")
_TRIAL = re.compile(rf"\s*Trial \d+ finished with value: (?:\{{'(?P<name>[^']+)': )?(?P<value>{NUMBER})")
_BEST_TRIAL = re.compile(rf"\. Best is trial \d+ with value: (?P<value>{NUMBER})")


def dialect(text: str) -> list[Pair] | None:
    """The named numbers of a line of such a library, which may be none; None for every other line."""
    for pattern, read in _RULES:
        if found := pattern.match(text):
            return read(found, text)
    return None


def is_progress(text: str) -> bool:
    """Whether the line is one step of a search: one fold of one candidate, or one trial."""
    return _SEARCH.match(text) is not None or _TRIAL.match(text) is not None


def _nothing(_found: re.Match[str], _text: str) -> list[Pair]:
    return []


def _coco(found: re.Match[str], _text: str) -> list[Pair]:
    """`AP` and `recall`, followed by what differs from the value that detectors are compared by."""
    average = found["kind"] == "AP"
    name = "AP" if average else f"recall with maxDets={found['detections']}"
    if found["iou"] != "0.50:0.95":
        name += f" at {found['iou']}"
    if found["area"] != "all":
        name += f" of {found['area']}"
    return [Pair(name, name, number(found["value"]))]


def _search(found: re.Match[str], text: str) -> list[Pair]:
    scores = list(_SEARCH_SCORE.finditer(text, found.end()))
    # Only a line that says how long the fit took has results; before the last `;` stand the candidate's settings.
    settled = text.rfind(";") if re.search(r"\btotal(?: time)?=", text) else len(text)
    return [
        Pair(f"search fold {score['name']}", score["name"], number(score["value"]))
        for score in scores
        if score.start() >= settled
    ]


def _trial(found: re.Match[str], text: str) -> list[Pair]:
    name = f"trial {found['name'] or 'value'}"
    pairs = [Pair(name, name, number(found["value"]))]
    if best := _BEST_TRIAL.search(text, found.end()):
        pairs.append(Pair(f"best {name}", f"best {name}", number(best["value"])))
    return pairs


_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str], list[Pair]]], ...] = (
    (_LIGHTGBM, _nothing),
    (_COCO, _coco),
    (_SEARCH, _search),
    (_TRIAL, _trial),
)
