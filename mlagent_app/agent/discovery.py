"""Finding the metric of a project in the output of a first run.

Every named number is a candidate; candidates are ranked by the sum of what speaks for them (`_score`):

    data        validation 30, test 22, not said 15, training -25
    place       printed once outside the rounds 25, in a results file 22, a value per round 0
    words       `best`, `final`, `overall` 6; `mean`, `cv` 4; a part (fold 3, class 1) -25; a baseline or chance level -30;
                one fold or trial of a search -100
    which       accuracy 10, other scores about 9, plain losses -10 (see `names.headline`); an unknown name -25
    position    up to 5 towards the end of the output; all of the last 15 lines count as the end

So a final summary beats epoch logs, validation beats training, and a score beats the loss printed beside it. Where test and
validation of the same metric exist, validation is chosen: whoever chooses edits by the test data has no test data left.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mlagent_app.agent.dialects import is_progress
from mlagent_app.agent.directions import aim, direction_in, told
from mlagent_app.agent.extraction import extract
from mlagent_app.agent.loglines import strip_prefix
from mlagent_app.agent.metrics import Direction, MetricSpec, Reading, words
from mlagent_app.agent.names import (
    BEST_WORDS,
    MEAN_WORDS,
    headline,
    is_part,
    is_reference,
    key,
    kind_of,
    split_of,
    without_split,
)
from mlagent_app.agent.observations import STDOUT, Observation, form_of, observe_all
from mlagent_app.agent.pairs import NUMBER
from mlagent_app.agent.selection import FILE, not_finite, select, source_files

TAIL = 15
_LONE = rf"^\s*(?P<value>{NUMBER})\s*%?\s*$"
_SPLIT_SCORE = {"validation": 30.0, "test": 22.0, "": 15.0, "train": -25.0}
_KEEPS_BEST = re.compile(
    r"(?i)early[\s_-]?stop|best[\s_](?:model|checkpoint|weights|epoch|iteration|val|so far)|new best|improved"
    r"|restor\w+ .{0,30}best"
)
_RESULTS_FILE = re.compile(r"metric|result|score|eval|summary|report|perf|stats|history|log", re.IGNORECASE)
_RUN_PART = re.compile(
    r"\d{4}-?\d\d-?\d\d|\d\d-\d\d-\d\d|(?:version|run|exp|experiment|trial|job|checkpoint)[_-]?\d+$|^\d+$|[0-9a-f]{8,}"
)


@dataclass(frozen=True, slots=True)
class Found:
    """A candidate for the metric: what would be read, its value now, and in words why it stands where it stands.

    `score` is the rank's sum; `rank` counts from 1. `assumed` is set when the name does not tell the direction.
    """

    spec: MetricSpec
    reading: Reading
    reason: str
    score: float = 0.0
    rank: int = 0
    assumed: bool = False


def discover(stdout: str, files: Mapping[str, bytes]) -> list[Found]:
    """All candidates for the metric, best first. Numbers that are settings, sizes, times or not finite are no candidates."""
    observations = observe_all(stdout, files)
    keeps_best = _KEEPS_BEST.search(stdout) is not None
    lines = stdout.count("\n") + 1
    directions = told(observations)
    found: list[Found] = []
    for group in _groups(observations, files):
        candidate = _candidate(group, keeps_best, lines, files, direction_in(group, directions))
        if candidate is not None:
            found.append(candidate)
    found = _with_all_digits(_validation_first(_ranked(found))) or _lone_number(stdout)
    return [replace(candidate, rank=rank) for rank, candidate in enumerate(found, 1)]


def settle(spec: MetricSpec, stdout: str, files: Mapping[str, bytes]) -> Found | str:
    """The metric that a person named, at the first run: the name may be a part of what is printed.

    `accuracy` finds `Validation accuracy`, the best-ranked of the candidates that contain all its words. The specification that
    comes back reads exactly that one from then on. A string says why nothing fits.
    """
    exact = extract(spec, stdout, files)
    if isinstance(exact, Reading):
        return Found(spec, exact, "named in the configuration")
    if spec.pattern:
        return exact
    wanted = set(key(spec.name).split("_"))
    for found in discover(stdout, files):
        same_source = spec.source == STDOUT or found.reading.where in source_files(spec, files)
        if same_source and wanted <= set(key(found.spec.name).split("_")) and split_of(found.spec.name) != "train":
            settled = directed(found, spec.direction, stdout, files)
            aimed = replace(settled.spec, target=spec.target)
            return replace(settled, spec=aimed, reason=f"{spec.name!r} names it; {settled.reason}")
    return exact


def directed(found: Found, direction: Direction, stdout: str, files: Mapping[str, bytes]) -> Found:
    """The candidate with the direction that a person has set, read again: the best of a series may be another value."""
    spec = replace(found.spec, direction=direction)
    reading = extract(spec, stdout, files)
    old, new = aim(found.spec.direction, assumed=found.assumed), aim(direction, assumed=False)
    return replace(
        found,
        spec=spec,
        reading=reading if isinstance(reading, Reading) else found.reading,
        reason=found.reason.replace(old, new),
        assumed=False,
    )


def why_none(stdout: str, files: Mapping[str, bytes]) -> str:
    """One line on a run in which no metric was found: what was searched, and which metrics are not finite."""
    observations = observe_all(stdout, files)
    broken = [o for o in observations if not math.isfinite(o.value) and kind_of(o.name) == "metric"]
    if broken:
        return not_finite(broken[-1].name, broken[-1].value, broken[-1].where, broken[-1].line)
    count = sum(bool(line.strip()) for line in stdout.splitlines())
    read = [path for path in sorted(files) if form_of(path)]
    written = f"{len(files)} written files" + (f" ({', '.join(read[:3])}{' ...' if len(read) > 3 else ''})" if read else "")
    passed = [o.name for o in observations if kind_of(o.name) != "metric"]
    seen = f"; the numbers there are no metrics: {', '.join(list(dict.fromkeys(passed))[:5])}" if passed else ""
    return f"searched {count} lines of output and {written} for name: value, epoch logs, tables, JSON and CSV{seen}"


def _lone_number(stdout: str) -> list[Found]:
    """The last resort: a program whose last line is a number and nothing else."""
    lines = [line for line in stdout.splitlines() if line.strip()]
    if not lines or not re.fullmatch(_LONE, lines[-1]) or not re.search(r"[.%]", lines[-1]):
        return []
    spec = MetricSpec("printed number", "max", pattern=_LONE)
    reading = extract(spec, stdout, {})
    if not isinstance(reading, Reading):
        return []
    reason = f"the last line is a number without a name, {aim('max', assumed=True)}"
    return [Found(spec, reading, reason, -50.0, assumed=True)]


def _ranked(found: list[Found]) -> list[Found]:
    """Best first. Of equals the one named first; of one metric for several models the best value."""
    first: dict[str, int] = {}
    for index, candidate in enumerate(found):
        first.setdefault(_noun(candidate), index)
    return sorted(found, key=lambda f: (-round(f.score, 3), first[_noun(f)], -f.spec.gain(f.reading.value, 0.0)))


def _noun(found: Found) -> str:
    return key(found.spec.name).rpartition("_")[2]


def _groups(observations: Iterable[Observation], files: Mapping[str, bytes]) -> list[list[Observation]]:
    """Observations that one specification would name: same source, same name."""
    groups: dict[tuple[str, str], list[Observation]] = {}
    for observation in observations:
        name = observation.path or key(observation.name)
        if name and key(observation.name):
            groups.setdefault((_source(observation.where, files), name), []).append(observation)
    return list(groups.values())


def _candidate(
    group: Sequence[Observation], keeps_best: bool, lines: int, files: Mapping[str, bytes], aimed: tuple[Direction, bool]
) -> Found | None:
    last = group[-1]
    kind = kind_of(last.path.rpartition(".")[2] if last.path else last.name)
    if last.path and kind == "plain":
        kind = kind_of(last.name)
    if kind == "setting" or not all(_plausible(o, kind) for o in group) or (kind == "plain" and not _placed(last, lines)):
        return None
    direction, assumed = aimed
    series = len(group) > 1
    best = series and split_of(last.name) != "train" and (keeps_best or any(o.best for o in group) or _is_comparison(group))
    spec = MetricSpec(last.name, direction, _source(last.where, files), pattern=last.path, pick="best" if best else "last")
    observed = [o for o in group if o.where == last.where]
    reading = select(spec, observed)
    if not isinstance(reading, Reading):
        return None
    score, reasons = _score(last, kind, len(observed), lines)
    if series:
        reasons.append(f"the {'best' if best else 'last'} of {len(observed)} values")
    reasons.append(aim(direction, assumed=assumed))
    found = Found(spec, reading, ", ".join(reasons), score, assumed=assumed)
    again = extract(spec, "", {last.where: files[last.where]}) if last.where != STDOUT else reading
    return found if again == reading else None


def _plausible(observation: Observation, kind: str) -> bool:
    """Whether the value can be a metric's: whole numbers are counts unless the name says otherwise."""
    value = observation.value
    if not math.isfinite(value):
        return True
    whole = value == int(value) and abs(value) > 1
    if kind == "metric":
        noun = key(observation.label).rpartition("_")[2]
        return not (whole and noun in ("precision", "error", "return", "map", "hits", "success"))
    return not whole and "(" not in observation.label and len(words(observation.name)) <= 12


def _placed(observation: Observation, lines: int) -> bool:
    """Whether a number of unknown name stands where results do: at the end, with `val` or `best`, in a file of results."""
    if observation.where != STDOUT:
        return _RESULTS_FILE.search(observation.where.rpartition("/")[2]) is not None
    spoken = set(words(observation.name)) & (BEST_WORDS | MEAN_WORDS)
    return bool(spoken) or split_of(observation.name) != "" or observation.line >= lines - TAIL


def _is_comparison(group: Sequence[Observation]) -> bool:
    """Whether the values are of models side by side in a file: then the best of them is the project's."""
    return bool(group[-1].path) and not any(o.counted for o in group) and form_of(group[-1].where) == "csv"


def _score(last: Observation, kind: str, count: int, lines: int) -> tuple[float, list[str]]:
    split = split_of(last.name)
    parts = set(words(last.name))
    reasons = [{"validation": "validation", "test": "test", "train": "training", "": "no data named"}[split]]
    score = _SPLIT_SCORE[split] + headline(last.name)
    single = count == 1 or not last.counted
    if last.path:
        score += 22.0 if single or form_of(last.where) == "csv" else 8.0
        score -= 0.0 if _RESULTS_FILE.search(last.where) else 8.0
        reasons.append(f"in {last.where}")
    elif single and (not last.counted or parts & BEST_WORDS):
        score += 25.0
        reasons.append("a summary line")
    else:
        reasons.append("a value per round")
    if parts & BEST_WORDS:
        score += 6.0
    elif parts & MEAN_WORDS and not parts & {"macro", "micro", "weighted", "samples"}:
        score += 4.0
    if is_part(last.name):
        score -= 25.0
        reasons.append("one part of several")
    if is_reference(last.name):
        score -= 30.0
        reasons.append("a level to compare with")
    if kind == "plain":
        score -= 25.0
        reasons.append("a name that is not known")
    if last.where == STDOUT and is_progress(strip_prefix(last.text)):
        score -= 100.0
        reasons.append("one step of a search")
    if last.where == STDOUT:
        score += 5.0 if last.line >= lines - TAIL else 5.0 * last.line / lines
    return score + _eval_set(last.name), reasons


def _eval_set(name: str) -> float:
    """XGBoost and LightGBM number their evaluation sets; the last one is what they stop by."""
    numbered = re.match(r"(?:validation|valid|eval)_(\d)", name)
    return 0.5 * int(numbered[1]) if numbered else 0.0


def _validation_first(found: list[Found]) -> list[Found]:
    """Move the validation value of the same metric before the test value that ranks first."""
    if not found or split_of(found[0].spec.name) != "test":
        return found
    same = without_split(found[0].spec.name)
    for index, candidate in enumerate(found[1:], 1):
        plain = [t for t in without_split(candidate.spec.name).split("_") if t not in BEST_WORDS | MEAN_WORDS]
        wanted = [t for t in same.split("_") if t not in BEST_WORDS | MEAN_WORDS]
        if split_of(candidate.spec.name) == "validation" and plain == wanted and not is_part(candidate.spec.name):
            reason = f"{candidate.reason}, so that the test data stays unseen"
            return [replace(candidate, reason=reason), *found[:index], *found[index + 1 :]]
    return found


def _with_all_digits(found: list[Found]) -> list[Found]:
    """Prefer a results file to the printed line when both say the same and the file has more digits."""
    if not found or found[0].reading.where != STDOUT:
        return found
    printed = found[0].reading
    for index, candidate in enumerate(found[1:], 1):
        if not candidate.spec.source.startswith(FILE) or form_of(candidate.reading.where) != "json":
            continue
        value = candidate.reading.value
        same_name = without_split(candidate.spec.name).endswith(without_split(found[0].spec.name).rpartition("_")[2])
        digits = _decimals(printed)
        if same_name and candidate.spec.pick == "last" and digits < 7 and value != printed.value:
            if round(value, digits) == printed.value and split_of(candidate.spec.name) in (split_of(found[0].spec.name), ""):
                reason = f"{candidate.reason}, the printed {printed.value:g} with all its digits"
                return [replace(candidate, reason=reason), *found[:index], *found[index + 1 :]]
    return found


def _decimals(reading: Reading) -> int:
    return len(repr(reading.value).partition(".")[2]) if "e" not in repr(reading.value) else 15


def _source(where: str, files: Mapping[str, bytes]) -> str:
    """The source of a specification. Parts of a path that differ from run to run (dates, counters) become `*`."""
    if where == STDOUT:
        return STDOUT
    *parents, name = where.split("/")
    stem, dot, suffix = name.rpartition(".")
    general = "/".join(["*" if _RUN_PART.search(part) else part for part in parents])
    named = f"*{dot}{suffix}" if dot and _RUN_PART.search(stem) else name
    source = f"{FILE}{general}/{named}" if parents else f"{FILE}{named}"
    # A glob that also names another file that was written would be ambiguous.
    same = source_files(MetricSpec("", "max", source), files)
    return source if same[-1:] == [where] else f"{FILE}{where}"
