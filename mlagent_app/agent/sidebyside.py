"""One metric of several data on a line: `Accuracy: train 0.99, test 0.91` and `accuracy train/test: 0.99/0.91`."""

from __future__ import annotations

import re

from mlagent_app.agent.names import SPLIT_WORDS, kind_of
from mlagent_app.agent.pairs import NUMBER

_DATA = rf"(?<!\w)(?:{'|'.join(sorted(SPLIT_WORDS, key=len, reverse=True))})(?!\w)"
_VALUE = rf"{NUMBER}\s?%?"
_EACH = re.compile(rf"(?P<data>{_DATA})\s+(?P<value>{_VALUE})", re.IGNORECASE)
_LISTED = re.compile(
    rf"(?P<metric>[^\W\d][\w@ -]{{0,40}}?)\s*[:=]\s*(?P<all>{_EACH.pattern}(?:\s*[,;/|]?\s*{_DATA}\s+{_VALUE})+)", re.I
)
_TWO = re.compile(rf"{_DATA}\s*[/,|]\s*{_DATA}", re.IGNORECASE)
_JOINED = re.compile(
    rf"(?P<metric>[^\W\d][\w@ -]{{0,40}}?)?\s*\(?(?P<data>{_DATA}(?:\s*[/,|]\s*{_DATA})+)\)?(?P<behind>[\w@ -]{{0,40}}?)"
    rf"\s*[:=]\s*\(?(?P<values>{_VALUE}(?:\s*[/,|]\s*{_VALUE})+)\)?",
    re.IGNORECASE,
)


def one_by_one(text: str) -> str:
    """`text` with every such list written as `train accuracy: 0.99 ; test accuracy: 0.91`."""
    # Most lines have neither, and to see that is much cheaper.
    if _EACH.search(text):
        text = _LISTED.sub(_listed, text)
    return _JOINED.sub(_joined, text) if _TWO.search(text) else text


def _listed(found: re.Match[str]) -> str:
    metric = found["metric"].strip()
    if kind_of(metric) != "metric":
        return found[0]
    return _written(metric, [(each["data"], each["value"]) for each in _EACH.finditer(found["all"])])


def _joined(found: re.Match[str]) -> str:
    metric = f"{found['metric'] or ''} {found['behind']}".strip()
    data, values = (re.split(r"\s*[/,|]\s*", found[group].strip()) for group in ("data", "values"))
    if kind_of(metric) != "metric" or len(data) != len(values):
        return found[0]
    return _written(metric, list(zip(data, values, strict=True)))


def _written(metric: str, values: list[tuple[str, str]]) -> str:
    return f" {' ; '.join(f'{data} {metric}: {value}' for data, value in values)} "
