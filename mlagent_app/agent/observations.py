"""Every named number of a run: what it printed and what it wrote, before anyone has said which one is the metric."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from mlagent_app.agent.dialects import dialect, is_progress
from mlagent_app.agent.loglines import Line, is_epoch_heading, read_lines, strip_prefix
from mlagent_app.agent.names import (
    PARTS,
    SPELLINGS,
    SPLIT_WORDS,
    is_bare_mean,
    key,
    kind_of,
    names_part,
    split_of,
    without_part,
)
from mlagent_app.agent.pairs import NUMBER, Pair, number, pairs
from mlagent_app.agent.records import Value, csv_values, json_values, parse_object
from mlagent_app.agent.sidebyside import one_by_one
from mlagent_app.agent.tables import Table, header

STDOUT = "stdout"
# Larger files are data; the runner keeps no larger ones either.
MAX_FILE = 8 * 1024 * 1024

Form = Literal["text", "json", "csv"]

_NOT_RESULTS = (
    ".py .pyc .ipynb .html .htm .svg .xml .css .js .pkl .pickle .pt .pth .ckpt .npy .npz .png .jpg .jpeg .gif .pdf .parquet .h5"
    " .joblib .bin .onnx .safetensors .zip .gz .tar .db .sqlite .lock .toml .cfg .ini .sh .ps1"
).split()
_SETTINGS = re.compile(
    r"^\W*(?:(?:hyper|model|training|run|best|experiment|command[ -]line)?[ -]*"
    r"(?:config(?:uration)?|hyper-?param(?:eter)?s|param(?:eter)?s|arg(?:ument)?s|settings|options|hparams))\W*$",
    re.IGNORECASE,
)
_BARE = re.compile(rf"({NUMBER})\s*%?")
_MEAN = re.compile(r"mean|average|avg|overall", re.IGNORECASE)
_DECORATED = re.compile(r"^\s*(?:[=\-#*_~>]{2,}|#+\s|\[|\*\*|\{)|[=\-#*~]{2,}\s*$|[:{\]]\s*$")
_OF_RESULTS = frozenset(
    "set data dataset split results result metrics metric scores score performance report error errors".split()
)
_BESIDE = frozenset("on the for of final best model and average evaluation accuracy classification regression summary".split())


@dataclass(frozen=True, slots=True)
class Observation:
    """One number and what it was called.

    `where` is `stdout` or a file. `label` is the name at the number itself; `name` adds its context on the line, in the table
    or under the heading. `path` is the key path or column in a JSON or CSV source, else empty. `counted`: one of many rounds.
    `best`: printed as a new best. `line` is 1-based, 0 where there is none.
    """

    name: str
    label: str
    value: float
    where: str
    line: int
    text: str
    counted: bool = False
    best: bool = False
    path: str = ""


def observe_text(text: str, where: str = STDOUT, *, name: str = "") -> list[Observation]:
    """The named numbers of a log, in order.

    With `name` only lines that may carry that name are taken apart (headings and tables all the same): ten times faster.
    """
    reader = _Reader(where, _spellings(name), of_parts=_MEAN.search(name) is not None)
    for line in read_lines(text):
        reader.read(line)
    return reader.found


def observe_file(path: str, content: bytes) -> list[Observation]:
    """The named numbers of a file; none for what is no text or no kind of result."""
    form = form_of(path)
    if form is None or len(content) > MAX_FILE or b"\0" in content[:8192]:
        return []
    text = content.decode("utf-8-sig", "replace")
    if form == "text":
        return observe_text(text, path) or _lone_number(path, text)
    values = json_values(text) if form == "json" else csv_values(text)
    return [_from_value(path, value) for value in values or ()]


def observe_all(stdout: str, files: Mapping[str, bytes]) -> list[Observation]:
    """Everything: first what was printed, then the files by name."""
    found = observe_text(stdout)
    for path in sorted(files):
        found += observe_file(path, files[path])
    return found


def form_of(path: str) -> Form | None:
    """How a file is read; None when it holds no results."""
    lower = path.lower()
    if lower.endswith((".json", ".jsonl", ".ndjson")):
        return "json"
    if lower.endswith((".csv", ".tsv")):
        return "csv"
    return None if lower.endswith(tuple(_NOT_RESULTS)) else "text"


def _spellings(name: str) -> tuple[str, ...]:
    """Ways to write the word of a name that stands beside its value (the data may be named in a heading)."""
    tokens = key(name).split("_")
    nouns = [token for token in tokens if token not in SPLIT_WORDS]
    word = max(nouns, key=len, default="")
    return (word, *(written for written, kept in SPELLINGS.items() if kept == word)) if word else ()


def _has_digit(text: str) -> bool:
    return any(ch.isdigit() for ch in text)


class _Reader:
    """Reads a log line by line and keeps what earlier lines say about later ones: a table's header, a heading."""

    def __init__(self, where: str, wanted: tuple[str, ...] = (), *, of_parts: bool = False) -> None:
        self.found: list[Observation] = []
        self._wanted = wanted
        self._of_parts = of_parts
        self._where = where
        self._table: Table | None = None
        # A line that is no row may stand inside a table (the accuracy in a classification report); two end it.
        self._misses = 0
        self._split = ""
        self._settings = False
        self._used = False
        self._last = 0
        self._above = ""
        # The metrics that the last parts of a whole (folds, seeds) were of, and whether their mean has been read.
        self._parts: dict[str, str] = {}
        self._averaged = False

    def read(self, line: Line) -> None:
        """Add the numbers of the next line that is not blank."""
        gap = line.number - self._last > 1
        self._last = line.number
        if gap and self._used:
            self._split, self._settings, self._used = "", False, False
        if (known := dialect(line.text)) is not None:
            for pair in known:
                self._add(line, pair.name, pair.label, pair.value, counted=is_progress(line.text))
            return
        if self._read_table(line):
            return
        if self._read_named_above(line):
            return
        if not _has_digit(line.text):
            self._read_heading(line)
        elif not self._settings:
            self._used = True
        if self._settings or not self._may_carry(line.raw):
            return
        if (record := parse_object(strip_prefix(line.raw.strip()))) is not None:
            self._add_record(line, record)
            return
        for pair in self._pairs(line):
            name = f"{self._split} {pair.name}" if self._split and not split_of(pair.name) else pair.name
            self._add(line, name, pair.label, pair.value, best=pair.best)

    def _read_named_above(self, line: Line) -> bool:
        """Whether the line is the bare value of the metric that the line before it names (`Accuracy:`)."""
        above, self._above = self._above, ""
        text = line.text.strip()
        if above and (found := _BARE.fullmatch(text)):
            self._add(line, f"{self._split} {above}" if self._split and not split_of(above) else above, above, number(found[1]))
            return True
        if text.endswith((":", "=")) and not _has_digit(text) and kind_of(text.rstrip(":= ")) == "metric":
            self._above = text.rstrip(":= ")
        return False

    def _pairs(self, line: Line) -> Iterator[Pair]:
        """The pairs of a line. `Average: 0.81` below `Fold 3 accuracy: 0.79` is the average accuracy."""
        is_part = not line.counted and names_part(line.text)
        if is_part and self._averaged:
            self._parts, self._averaged = {}, False
        for pair in pairs(one_by_one(line.text), headed=not line.counted):
            if is_part:
                self._remember_part(pair)
            elif len(self._parts) == 1 and is_bare_mean(pair.name):
                self._averaged = True
                name = f"{pair.name} {next(iter(self._parts.values()))}"
                yield replace(pair, name=name, label=name)
                continue
            yield pair

    def _remember_part(self, pair: Pair) -> None:
        """Keep which metric a part was measured by. Of two metrics a bare mean says nothing."""
        whole = without_part(pair.label)
        if whole and not split_of(whole) and (spoken := split_of(pair.name)):
            whole = f"{spoken} {whole}"
        if whole and key(whole) not in PARTS and kind_of(whole) != "setting" and not is_bare_mean(whole):
            self._parts[key(whole)] = whole

    def _may_carry(self, raw: str) -> bool:
        # A bare mean is named after the parts above it, so all of them are read for it.
        if not self._wanted or (self._of_parts and (_MEAN.search(raw) or names_part(raw))):
            return True
        lower = (raw if raw.isascii() else unicodedata.normalize("NFKC", raw)).lower()
        return any(word in lower for word in self._wanted)

    def _read_table(self, line: Line) -> bool:
        """Whether the line is part of a table, or opens one."""
        if self._table is not None:
            cells = self._table.row(line.raw)
            if cells is not None:
                self._misses = 0
                for cell in cells:
                    name = f"{self._split} {cell.name}" if self._split and not split_of(cell.name) else cell.name
                    self._add(line, name, cell.name, cell.value, counted=cell.rounds)
                self._used = self._used or bool(cells)
                return True
            self._misses += 1
            if self._misses > 1:
                self._table = None
        opened = header(line.raw)
        if opened is not None:
            self._table, self._misses = opened, 0
        return opened is not None

    def _add_record(self, line: Line, record: dict[str, object]) -> None:
        from_record = json_values(json.dumps(record, default=str)) or []
        counted = line.counted or bool({"epoch", "step", "iter", "iteration", "round"} & {str(k).lower() for k in record})
        for value in from_record:
            self._add(line, value.path, value.path.rpartition(".")[2], value.value, counted=counted)

    def _read_heading(self, line: Line) -> None:
        text = line.text.strip()
        tokens = re.findall(r"[^\W\d_]+(?:_[^\W\d_]+)*", text)
        if _SETTINGS.match(text) and _DECORATED.search(text):
            self._settings, self._used, self._split = True, True, ""
            return
        if not tokens or len(tokens) > 8 or is_epoch_heading(line.raw):
            return
        spoken = [token for token in tokens if token.lower() in SPLIT_WORDS]
        others = {token.lower() for token in tokens} - SPLIT_WORDS.keys()
        if spoken and self._is_section(text, spoken[-1], others):
            self._split, self._settings, self._used = spoken[-1], False, False
        elif _DECORATED.search(text):
            self._split, self._settings = "", False

    @staticmethod
    def _is_section(text: str, spoken: str, others: set[str]) -> bool:
        """Whether a heading says whose numbers follow. `Training` alone is a phase of the run, not a heading of results."""
        named = bool(others & _OF_RESULTS)
        if not others <= _OF_RESULTS | _BESIDE or text.endswith("..."):
            return False
        return named or (_DECORATED.search(text) is not None and spoken.lower() != "training")

    def _add(self, line: Line, name: str, label: str, value: float, *, counted: bool = False, best: bool = False) -> None:
        text = line.raw.strip()[:400]
        self.found.append(Observation(name, label, value, self._where, line.number, text, counted or line.counted, best))


def _from_value(path: str, value: Value) -> Observation:
    """A number of a file. The file's own name may say on which data it was measured (`eval_results.json`)."""
    stem = path.rpartition("/")[2].rpartition(".")[0]
    spoken = next((w for w in re.split(r"[\W_]+", stem) if w.lower() in SPLIT_WORDS), "")
    name = f"{spoken} {value.path}" if spoken and not split_of(value.path) else value.path
    label = value.path.rpartition(".")[2]
    text = value.text or f"{value.path}: {value.value!r}"
    return Observation(name, label, value.value, path, value.line, text, value.rounds, path=value.path)


def _lone_number(path: str, text: str) -> list[Observation]:
    """A file that holds one number and nothing else is named after the file."""
    stem = path.rpartition("/")[2].partition(".")[0]
    bare = text.strip()
    if not key(stem) or not re.fullmatch(rf"{NUMBER}\s*%?", bare):
        return []
    return [Observation(stem, stem, number(bare.rstrip("% ")), path, 1, bare)]
