"""Names and numbers on one line: `name: value`, `name = value`, `name value`, `93.2% accuracy` and what people mix of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mlagent_app.agent.names import MEAN_WORDS, QUALIFIERS, SPLIT_WORDS, kind_of, split_of, without_part

MAX_NAME = 90

NUMBER = (
    r"(?:[-+\u2212]?(?:[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?(?![\d,])|\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
    r"|[-+]?(?:[nN]a[nN]|NAN|[iI]nf(?:inity)?|INF)(?![A-Za-z]))"
)
_FOUND = re.compile(rf"(?<![\w.])(?<!\d[-+])(?<![A-Za-z][-+])(?P<number>{NUMBER})(?!\w|\.\w|[-:]\d)(?P<percent>\s?%(?!\w))?")
# 0.93s, 12ms, 5GB, 1.2M: a number with a unit right behind it.
_UNIT = re.compile(
    rf"(?<![\w.])(?<!\d[-+])(?P<number>{NUMBER})(?=(?:ms|us|s|sec|secs|min|mins|m|h|hrs?|k|K|M|B|[kKMG]i?B|it/s|x|d)\b)(?P<percent>)\w+"
)
_OPENER = r"(?:(?:(?:np|numpy|jnp|torch|tf)\.)?(?:float\d*|tensor|Tensor|array|Array)\()?[\[(]*[\"'~≈$€£<]{0,2}"
_EXPLICIT = re.compile(
    rf"(?P<sep>[\s=>│┃→\"'*`_]*(?:[:=|│┃→\t]|-+>|=>|\.{{2,}}|≈|~)(?:[\s:=|│┃→>~≈.*`]|-+>)*)(?P<opener>{_OPENER})$"
)
_IMPLICIT = re.compile(
    r"(?P<link>(?:\s+(?:is|was|of|at|to|now|equals|reached|reaches|improved|increased|decreased|dropped|rose|fell|about|score|[-\u2212\u2013]))*)"
    rf"\s+(?P<opener>{_OPENER})$"
)
_BOUNDARY = re.compile(r"[,;|│┃{}\t\[\]]|\s[-\u2013—•·*/>#+&]+\s|\.\s|!|\s(?:and|with)\s|\s\(|—|→")
_MEASURED = re.compile(
    r"\s?(?:[mu]?s|secs?|seconds?|mins?|minutes?|h|hrs?|hours?|days?|[kKMGT]i?B?|B|it/s|FLOPs?|fps|%/s)\b(?!\s*[:=])"
)
_TAIL = re.compile(
    rf"\s*(?:[±∓]|\+/-|\+-|\\pm)\s*{NUMBER}\s*%?|\s*\(\s*(?:[±]|\+/-|\+-|std\w*[:=]?\s*|sd[:=]?\s*)?\s*{NUMBER}\s*%?\s*(?:std\w*)?\s*\)"
    rf"|\s*\[\s*{NUMBER}\s*[-,\u2013]\s*{NUMBER}\s*\]"
)
_RANGE = re.compile(r"(?<![\w@.])(\d+(?:\.\d+)?):$")
_RATIO = re.compile(r"\s*/\s*(\d[\d,]*)(?![\d./])")
_LISTED = re.compile(rf"\s*%?\s*[,\s]\s*(?:{NUMBER}|\.\.\.)")
_IMPROVED = re.compile(
    r"(?P<label>[\w/@.'\" -]{1,60}?)['\"]?\s+(?:has\s+)?(?:improved|decreased|increased|reduced|went|dropped|rose)"
    rf"\s*(?:from|by)?\s*[:(]*\s*{NUMBER}\s*%?\s*(?:to|-+>|=>|→)\s*(?P<number>{NUMBER})(?P<percent>\s?%)?\s*\)?"
)
_UNIMPROVED = re.compile(rf"did(?:n't| not) (?:improve|decrease|increase)[^,;]*?{NUMBER}|improved by {NUMBER}", re.IGNORECASE)
_CALL = re.compile(
    r"(?<![\w.])(?!(?:np|numpy|jnp|torch|tf)\.|tensor\(|Tensor\(|[aA]rray\()(?P<name>[A-Za-z_][\w.]*)\((?=[^()]*\w\s*=)"
)
_REPORTING = re.compile(r"metric|result|score|eval|report|stats|summary|perf|output", re.IGNORECASE)
_ECHO = re.compile(
    r"(?:using|with|param\w*|config\w*|args|arguments|hparams|settings|options|kwargs)['\"]?\s*[:=]?\s*\{", re.IGNORECASE
)
_DECORATION = " \t\"'`*#=~-\u2013—>•·│┃|_.:!✓✔→()⏱📊📈🎯✅🏆"


@dataclass(frozen=True, slots=True)
class Pair:
    """A name and its value. `label` is what stands at the number, `name` adds what the rest of the line says about it.

    `best` marks a line that says that a new best was reached.
    """

    name: str
    label: str
    value: float
    best: bool = False


@dataclass(frozen=True, slots=True)
class _Hit:
    label: str
    before: str
    value: float
    number: str


def number(text: str) -> float:
    """The value of a number as NUMBER matches it."""
    return float(text.replace(",", "").replace("\u2212", "-"))


def pairs(text: str, *, headed: bool = True) -> list[Pair]:
    """The named numbers of one line, in order. Never raises.

    `headed`: what the line says first may name a model or method (it does not in a progress bar).
    """
    if not _has_number(text):
        return []
    text = _without_echoes(text)
    best: list[Pair] = []
    while found := _IMPROVED.search(text):
        label = _clean(found["label"])
        if label:
            best.append(Pair(label, label, number(found["number"]), best=True))
        text = f"{text[: found.start()]} ; {text[found.end() :]}"
    text = _UNIMPROVED.sub(" ; ", text)
    return best + _in_context(list(_hits(text)), headed)


def _has_number(text: str) -> bool:
    lower = text.lower()
    return any(ch.isdigit() for ch in text) or "nan" in lower or "inf" in lower


def _without_echoes(text: str) -> str:
    """`text` without the arguments in estimator reprs and the settings in `params: {...}`."""
    for pattern in (_CALL, _ECHO):
        position = 0
        while found := pattern.search(text, position):
            position = found.end()
            reporting = pattern is _CALL and _REPORTING.search(found["name"])
            end = found.end() if reporting else _closing(text, found.end() - 1)
            text = f"{text[: found.start()]} ; {text[end:]}"
            position = found.start() + 3
    return text


def _closing(text: str, opening: int) -> int:
    """The position after the bracket that closes the one at `opening`; the end of the text when none does."""
    depth = 0
    for position in range(opening, len(text)):
        if text[position] in "([{":
            depth += 1
        elif text[position] in ")]}":
            depth -= 1
            if depth == 0:
                return position + 1
    return len(text)


def _hits(text: str) -> Iterator[_Hit]:
    """The claimed numbers: those that a name stands at. An unclaimed one may be part of the next name."""
    claimed = 0
    for found in _numbers(text):
        if found.start() < claimed:
            continue
        before = text[claimed : found.start()]
        window = before[-160:]
        after = text[found.end() :]
        explicit = _EXPLICIT.search(window)
        implicit = None if explicit else _IMPLICIT.search(window)
        opener = explicit["opener"] if explicit else implicit["opener"] if implicit else ""
        if opener.endswith(("[", "(")) and _LISTED.match(after):
            end = text.find("]" if opener.endswith("[") else ")", found.end())
            claimed = end if end > 0 else found.end()
            continue
        label = _label(window, explicit, implicit)
        end = found.end()
        if not label:
            label, end = _label_behind(found, text)
        if label:
            value, end = _value(found, text, end)
            claimed = end
            # A share of correct answers is an accuracy; a mere count of them is not.
            if label.lower().endswith("correct") and (found["percent"] or value != number(found["number"])):
                label += " rate"
            # A time or a size, unless a metric is measured in that unit (`MAE: 3.2 days`).
            if _MEASURED.match(text, found.end("number")) and kind_of(label) != "metric":
                continue
            yield _Hit(label, before, value, found["number"])


def _numbers(text: str) -> Iterator[re.Match[str]]:
    plain = [found for found in _FOUND.finditer(text) if not _ends_range(found, text)]
    united = list(_UNIT.finditer(text))
    yield from sorted(plain + united, key=lambda found: found.start())


def _ends_range(found: re.Match[str], text: str) -> bool:
    """Whether the number is the second of two (`0.50:0.95`, `12:30`). A counter before a value is none (`Fold 1:0.81`)."""
    before = _RANGE.search(text, max(0, found.start() - 20), found.start())
    return before is not None and ("." in before[1] or found["number"].isdigit())


def _label(window: str, explicit: re.Match[str] | None, implicit: re.Match[str] | None) -> str:
    if explicit:
        return _explicit_label(window[: explicit.start()])
    if implicit:
        return _implicit_label(window[: implicit.start()])
    return ""


def _explicit_label(before: str) -> str:
    """The words before a separator, back to the next boundary."""
    flat = re.sub(r"\([^()]*\d[^()]*\)", "", before)
    flat = re.sub(r"\((\w[\w\s-]*)\)\s*[\"'*`]*$", r" \1 ", flat)
    ends = [found.end() for found in _BOUNDARY.finditer(flat)]
    label = flat[ends[-1] :] if ends else flat
    label = re.split(r":\s+|:$", label.rstrip(" :"))[-1]
    cleaned = re.sub(r"\s+(?:is|was|are|of|equals)$", "", _clean(label))
    if not cleaned and ends and flat.rstrip().endswith((")", "]")):
        cleaned = _clean(flat[ends[-2] if len(ends) > 1 else 0 : ends[-1]])
    return cleaned if any(ch.isalpha() for ch in cleaned) and len(cleaned) <= MAX_NAME else ""


def _implicit_label(before: str) -> str:
    """The longest run of words of the metric vocabulary that ends right before the number."""
    kept: list[str] = []
    for token in reversed(before.split()[-6:]):
        bare = token.strip("\"'`*()[]|-:;,")
        # A comma or colon ends a phrase: it may follow a word that is not the first of the run, never stand inside it.
        if (kept and token[-1] in ",;:|.)]") or not _is_vocabulary(bare):
            break
        kept.insert(0, bare)
        if token[0] in "([|-":
            break
    label = " ".join(kept)
    return label if kind_of(label) == "metric" or (_all_qualifiers(label) and label) else ""


def _is_vocabulary(token: str) -> bool:
    lower = token.lower()
    return bool(lower) and (lower in QUALIFIERS or lower in MEAN_WORDS or lower in SPLIT_WORDS or kind_of(token) == "metric")


def _all_qualifiers(label: str) -> bool:
    return bool(label) and all(word in ("best", "mean", "avg", "average", "final") for word in label.lower().split())


def _label_behind(found: re.Match[str], text: str) -> tuple[str, int]:
    """`93.2% accuracy`: the metric's name right after its value."""
    if not (found["percent"] or "." in found["number"]) or found.end() >= len(text):
        return "", found.end()
    if found["percent"] and (correct := re.match(r"\s+correct\b", text[found.end() :])):
        return "correct", found.end() + correct.end()
    kept: list[str] = []
    position = found.end()
    for token in re.finditer(r"\S+", text[found.end() : found.end() + 80]):
        bare = token[0].strip("\"'`*()[],.;!")
        if not _is_vocabulary(bare):
            if re.match(rf"[:=]|{NUMBER}$", token[0]):
                return "", found.end()
            break
        if token[0].endswith((":", "=")):
            return "", found.end()
        kept.append(bare)
        position = found.end() + token.end()
        if token[0][-1] in ",.;)!":
            break
    label = " ".join(kept)
    return (label, position) if label and kind_of(label) == "metric" else ("", found.end())


def _value(found: re.Match[str], text: str, end: int) -> tuple[float, int]:
    """The number, or `correct/all` as a fraction; and where what belongs to it (spread, bracketed repeat) ends."""
    value = number(found["number"])
    if (ratio := _RATIO.match(text, end)) and found["number"].isdigit():
        whole = number(ratio[1])
        if whole >= value >= 0 and whole > 1:
            value, end = value / whole, ratio.end()
    while tail := _TAIL.match(text, end):
        end = tail.end()
    return value, end


def _in_context(hits: list[_Hit], headed: bool) -> list[Pair]:
    """Give every label what the line says around it: a heading (`XGBoost - acc: 0.9`) and the data (`Train: loss 1 acc 2`)."""
    found: list[Pair] = []
    head, split, previous = "", "", ""
    for index, hit in enumerate(hits):
        rest = hit.before[: max(0, hit.before.rfind(hit.label[:20]))]
        if index == 0 and headed:
            head = _heading(rest)
        split = _spoken_split(rest) or split
        label = hit.label
        if _all_qualifiers(label) and previous:
            label = f"{without_part(previous)} {label}".strip()
        elif not _all_qualifiers(label):
            previous = label
        name = label
        if not split_of(name) and split:
            name = f"{split} {name}"
        if head and not set(head.lower().split()) & set(name.lower().split()):
            name = f"{head} {name}"
        split = _spoken_split(hit.label) or split
        found.append(Pair(name[:MAX_NAME], label, hit.value))
    return found


def _spoken_split(text: str) -> str:
    """The last word of `text` that names data and stands alone (`Val`, not `val_loss`)."""
    for token in reversed(text.split()):
        bare = token.strip("\"'`*()[]|-:;,=>#")
        if bare.lower() in SPLIT_WORDS:
            return bare
    return ""


_FILLER = frozenset(
    "result results metric metrics score scores set data dataset split performance summary final the on for of report output"
    " statistics stats evaluation end done finished completed complete finally after average log achieved got obtained reached"
    " with using a an new now model we is was has and in".split()
)


def _heading(text: str) -> str:
    """What a line says before its first name, when it is short enough to be a name of its own (a model, a method)."""
    tokens = [t for t in re.findall(r"(?<![\d.])\b[^\W\d_][\w.+'-]*", _BOUNDARY.sub(" ", text)) if t.lower() not in _FILLER]
    tokens = [t for t in tokens if t.lower() not in SPLIT_WORDS]
    return " ".join(tokens) if 0 < len(tokens) <= 3 else ""


def _clean(label: str) -> str:
    return " ".join(label.strip(_DECORATION).split())
