"""Which of the observed numbers a metric's specification means."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping, Sequence

from mlagent_app.agent.loglines import read_lines
from mlagent_app.agent.metrics import MetricSpec, Reading
from mlagent_app.agent.names import key, split_of
from mlagent_app.agent.observations import STDOUT, Observation, form_of
from mlagent_app.agent.pairs import NUMBER, number
from mlagent_app.agent.records import wanted_path

FILE = "file:"


def select(spec: MetricSpec, observations: Sequence[Observation]) -> Reading | str:
    """The reading of `spec` among the observations of its source; else why there is none."""
    found = matching(spec, observations)
    return pick(spec, found) if found else ""


def matching(spec: MetricSpec, observations: Sequence[Observation]) -> list[Observation]:
    """The observations that the specification names: by key path or column, by full name, or else by the name at the number."""
    if spec.pattern:
        return [o for o in observations if o.path and wanted_path(o.path, spec.pattern)]
    wanted = key(spec.name)
    full = [o for o in observations if key(o.name) == wanted]
    if full or not wanted:
        return full
    bare = [o for o in observations if key(o.label) == wanted]
    held_out = [o for o in bare if split_of(o.name) != "train"]
    return held_out or bare


def pick(spec: MetricSpec, found: Sequence[Observation]) -> Reading | str:
    """The last or the best of the readings; a line when it is not a finite number.

    Lines that announce a new best count only where nothing else gives the value, or where the best is wanted.
    """
    if spec.pick == "best":
        finite = [o for o in found if math.isfinite(o.value)]
        if finite:
            choose = max if spec.direction == "max" else min
            return _reading(choose(finite, key=lambda o: o.value))
    chosen = next((o for o in reversed(found) if not o.best), found[-1])
    if math.isfinite(chosen.value):
        return _reading(chosen)
    return not_finite(spec.name, chosen.value, chosen.where, chosen.line)


def not_finite(name: str, value: float, where: str, line: int) -> str:
    """What is said of a reading that is NaN or infinite."""
    place = f"line {line} of the output" if where == STDOUT else f"{where}{f', line {line}' if line else ''}"
    return f"{name} is {'NaN' if math.isnan(value) else 'infinite'} ({place})"


def select_pattern(spec: MetricSpec, text: str, where: str) -> Reading | str:
    """The reading of a regular expression: its group `value`, else its first group, else the whole match."""
    try:
        pattern = re.compile(spec.pattern)
    except (re.error, RecursionError, OverflowError) as error:
        return f"the pattern {spec.pattern!r} is not a regular expression: {error}"
    found: list[Observation] = []
    for line in read_lines(text):
        for match in pattern.finditer(line.raw):
            group = "value" if "value" in pattern.groupindex else 1 if pattern.groups else 0
            digits = re.search(NUMBER, match[group] or "")
            if digits:
                value = number(digits[0])
                found.append(Observation(spec.name, spec.name, value, where, line.number, line.raw.strip()[:400]))
    if found:
        return pick(spec, found)
    return f"no line of {'the output' if where == STDOUT else where} matches the pattern {spec.pattern!r} with a number in it"


def source_files(spec: MetricSpec, files: Iterable[str]) -> list[str]:
    """The files that the source's glob names; of several the last one in natural order (`run_10` after `run_9`) comes last."""
    pattern = glob_pattern(spec.source.removeprefix(FILE).strip().removeprefix("./"))
    return sorted((path for path in files if pattern.fullmatch(path)), key=natural)


def natural(path: str) -> list[tuple[int, int, str]]:
    """A sort key under which numbers in names count as numbers."""
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in re.split(r"(\d{1,18})", path)]


def glob_pattern(glob: str) -> re.Pattern[str]:
    """`*` and `?` within a path component, `**` across, everything else as it stands."""
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(parts.get(p, re.escape(p)) for p in re.split(r"(\*\*/|\*\*|\*|\?)", glob)), re.DOTALL)


def missing_name(spec: MetricSpec, observations: Sequence[Observation], text: str, where: str) -> str:
    """Why no reading carries the name: no line has it, or the line that has it holds no number; with the nearest names."""
    place = "the output" if where == STDOUT else where
    if spec.pattern and form_of(where) in ("json", "csv") and where != STDOUT:
        names = list(dict.fromkeys(o.path for o in observations))
        return f"{where} has no number at {spec.pattern!r}{_nearest(spec.pattern, names)}"
    if form_of(where) == "text" and spec.name:
        whole = re.compile(rf"(?<!\w){re.escape(spec.name)}(?!\w)", re.IGNORECASE)
        for line in read_lines(text):
            if whole.search(line.raw):
                return f"line {line.number} of {place} names {spec.name!r} but holds no value of it: {line.raw.strip()[:120]}"
    names = list(dict.fromkeys(o.name for o in observations))
    what = "line" if form_of(where) == "text" else "key or column"
    return f"no {what} of {place} names {spec.name!r}{_nearest(spec.name, names)}"


def no_file(spec: MetricSpec, files: Mapping[str, bytes]) -> str:
    """What is said when the run wrote no such file."""
    written = ", ".join(sorted(files)[:5]) + (" ..." if len(files) > 5 else "")
    return f"the run wrote no file {spec.source.removeprefix(FILE)!r} (it wrote {written or 'none'})"


def _nearest(wanted: str, names: Sequence[str]) -> str:
    by_key = {key(name): name for name in names}
    close = difflib.get_close_matches(key(wanted), by_key, n=3, cutoff=0.5)
    close += [k for k in by_key if key(wanted) and key(wanted) in k and k not in close]
    if close:
        return f"; it has {', '.join(repr(by_key[k]) for k in close[:3])}"
    return f"; it has {', '.join(map(repr, names[:4]))}" if names else ""


def _reading(chosen: Observation) -> Reading:
    return Reading(chosen.value, chosen.where, chosen.line, chosen.text)
