"""The lines of a log as a reader sees them: without colours, overwritten text, time stamps, levels and counters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# A longer line is data, not a report; its two ends are looked at.
MAX_LINE = 4000

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_OVERWRITE = re.compile(r"\r+|\x08{3,}")
_PROGRESS = re.compile(r"\d%\s*\||\d+/\d+ \[|\[=*[=>.]+\]|[━█▏▎▍▌▋▊▉]{3}|it/s\b|s/it\b|ms/step|s/step|us/sample|ms/sample")

_STAMP = (
    r"[\[(]?(?:\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|\s?[+-]\d\d:?\d\d)?"
    r"|\d\d[-/]\d\d[-/]\d{2,4}[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?: ?[AP]M)?|\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?[AP]M)?"
    r"|\d\d/\d\d \d\d:\d\d(?::\d\d)?|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? .{6,14}\d\d:\d\d:\d\d(?: \d{4})?)[\])]?"
)
_LEVEL = r"[\[(<|]?\s*(?:DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL|SUCCESS|TRACE|NOTICE|METRIC|debug|info|warning)\s*[\])>|]?"
_LOGGER = r"[\[(]?[\w.<>/-]+(?::[\w<>.]+)?(?::\d+)?[\])]?"
_GAP = r"[\s:|,-]*"
_ABSL = re.compile(r"\s*[IWEF]\d{4} \d\d:\d\d:\d\d\.\d+\s+\d+ [\w./-]+:\d+\]\s*")
_OPTUNA = re.compile(r"\s*\[[IWE] \d{4}-\d\d-\d\d [\d:,.]+\]\s*")
# LightGBM's command line program prints what it measured as a message.
_LIGHTGBM = re.compile(r"\[LightGBM\] \[Info\] (?=Iteration:\d)")
_RANK = re.compile(r"\s*(?:\[(?:rank|Rank|RANK|GPU|gpu|worker|proc)[\s_:]*\d+\]:?|\(\w+ pid=\d+[^)]*\)|wandb:)\s*")
# `stamp - logger - LEVEL - `, `LEVEL:logger:`, `[stamp][logger][LEVEL] - ` and their kin. A logger only goes with a level.
_PREFIX = re.compile(
    rf"\s*(?:{_STAMP}{_GAP}(?:{_LOGGER}{_GAP}{_LEVEL}(?=[\s:|,-]|\S){_GAP}|{_LEVEL}{_GAP}(?:{_LOGGER}(?:\s+-\s+|\s*\|\s*|:\s+))?)?"
    rf"|{_LEVEL}\s*(?::[\w.]+:|[:|-]\s*|\s+)(?:[\w.]+\s+-\s+)?"
    rf"|[\w.]+\s+-\s+(?:DEBUG|INFO|WARNING|ERROR)\s+-\s+)"
)

_OF = r"(?:\s*(?:/|of)\s*~?\d+)?"
_COUNTER = re.compile(
    r"(?<![\w-])['\"]?(?:epochs?|ep|steps?|iter(?:ation)?s?|batch|round|global_step|generation|gen|episode)['\"]?"
    rf"(?![\w-])\s*[:=#|]*\s*[\[(]?\s*['\"]?\d+(?:\.\d+)?(?![\d.%]*[\w%]){_OF}['\"]?\s*[\])]?\s*:?(?=[\s,;|)\]}}:\[-]|$)",
    re.IGNORECASE,
)
# `accuracy after 3 epochs: 0.91` tells how long, and then the value.
_HOW_LONG = re.compile(
    r"\s+(?:after|in|over|for|with)\s+\d[\d,]*\s+(?:epochs?|steps?|iter(?:ation)?s?|batch(?:es)?|rounds?|generations?|episodes?)"
    r"(?=\s*[:=]\s*[\d.+-])",
    re.IGNORECASE,
)
_BARE_COUNTER = re.compile(
    r"^\s*\[\s*\d+\s*\](?=\s)|^\s*\[?\d+\s*/\s*\d+\]?(?=\s|:)|[\[(]\s*\d+\s*/\s*\d+(?:\s*\(\d+(?:\.\d+)?%\))?\s*[\])]"
    r"|^\s*\d+:(?=\s+\w+:)|(?<=\s)\d+/\d+(?=\s+\[|\s+[━█])"
)
_EPOCH_HEADING = re.compile(r"^\W*epoch\W*\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `number` is 1-based; `raw` is what was printed, without colours; `text` is what may hold names and values.

    `counted` says that the line belongs to one of many rounds: it has an epoch, a step, or a progress bar.
    """

    number: int
    raw: str
    text: str
    counted: bool


def read_lines(output: str) -> Iterator[Line]:
    """The lines of `output` that are not blank. Of an overwritten line (progress bars) the last state counts."""
    for number, whole in enumerate(output.replace("\r\n", "\n").split("\n"), 1):
        raw = _last_state(_ESCAPE.sub("", whole) if "\x1b" in whole else whole)
        if raw.strip():
            yield _line(number, raw)


def strip_prefix(text: str) -> str:
    """`text` without the time, level, logger and rank that logging libraries put before a message."""
    for pattern in (_RANK, _ABSL, _OPTUNA, _PREFIX, _LIGHTGBM):
        found = pattern.match(text)
        if found and found.end() < len(text):
            text = text[found.end() :]
    return text


def is_epoch_heading(text: str) -> bool:
    """Whether the line opens the report of one epoch."""
    return _EPOCH_HEADING.match(text) is not None


def _line(number: int, raw: str) -> Line:
    text = raw if len(raw) <= MAX_LINE else f"{raw[: MAX_LINE // 2]} ; {raw[-MAX_LINE // 2 :]}"
    indent = text[: len(text) - len(text.lstrip())]
    text = _HOW_LONG.sub("", indent + strip_prefix(text.lstrip()))
    plain = _BARE_COUNTER.sub(_blank, _COUNTER.sub(_blank, text))
    return Line(number, raw, plain, plain != text or _PROGRESS.search(raw) is not None)


def _blank(found: re.Match[str]) -> str:
    """A counter's place is kept free, with a boundary in it, so that names on its two sides do not join."""
    return " ; " if len(found[0]) > 2 else " "


def _last_state(whole: str) -> str:
    if "\r" not in whole and "\x08" not in whole:
        return whole
    states = [state for state in _OVERWRITE.split(whole) if state.strip()]
    return states[-1] if states else ""
