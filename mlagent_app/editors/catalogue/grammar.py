"""The instruction grammar: one table from which instructions are both written and read.

A form is a template; `{field}` stands for one word without spaces, `{value...}` for a value (number, word, quoted text,
tuple). Two suffixes may follow any form when the same words fit several places of the given files:
` #N` (the N-th such place in the file, from 1) and ` in FILE`, in this order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

# Forms are tried in this order when an instruction is read, so a longer form stands before its own beginning.
FORMS: dict[str, str] = {
    "pair": "set {name} of {owner} to {value} and {name2} to {value2}",
    "argument": "set {name} of {owner} to {value}",
    "value": "set {name} to {value}",
    "replace-lr": "replace {old} with {new} using lr {value}",
    "replace": "replace {old} with {new}",
    "tune-two": "tune {name} and {name2} of {owner}",
    "tune": "tune {name} of {owner}",
    "add-before": "add {what} before the model",
    "add-after": "add {what} after {where}",
    "remove": "remove {what}",
    "vote": "vote with {what}",
    "stack": "stack with {what}",
    "bag": "bag the model",
    "calibrate": "calibrate the model",
    "log-target": "fit the logarithm of the target",
    "standardise-target": "standardise the target",
    "clip": "clip gradients at {value}",
    "schedule": "schedule the learning rate with {what}",
    "callback": "train with the callback {what}",
    "deepen": "add a hidden layer",
    "standardise": "standardise the inputs",
    "keep-best": "keep the best checkpoint",
    "average": "average the last epochs",
    "characters": "add character n-grams",
}

_FIELD = re.compile(r"\{(\w+)\}")
_ATOM = r"[^\s]+"
_VALUE = r"""(?:"[^"]*"|'[^']*'|\((?:[^()]|\([^()]*\))*\)|[^\s]+)"""
_NUMBER = re.compile(r" #(\d+)$")


@dataclass(frozen=True, slots=True)
class Phrase:
    """An instruction taken apart: the name of its form and the texts of its fields, in the template's order."""

    form: str
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        texts = iter(self.fields)
        return _FIELD.sub(lambda _: next(texts), FORMS[self.form])

    def get(self, field: str) -> str:
        """The text of the named field, empty when the form has none of this name."""
        names: list[str] = _FIELD.findall(FORMS[self.form])
        return dict(zip(names, self.fields, strict=True)).get(field, "")


@dataclass(frozen=True, slots=True)
class Instruction:
    """A phrase and where it applies: `number` counts from 1 within a file (0: not said), `file` is empty when not said."""

    phrase: Phrase
    number: int = 0
    file: str = ""

    def __str__(self) -> str:
        number = f" #{self.number}" if self.number else ""
        return f"{self.phrase}{number}{f' in {self.file}' if self.file else ''}"


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    found: list[tuple[str, re.Pattern[str]]] = []
    for name, template in FORMS.items():
        parts = [
            part if index % 2 == 0 else f"({_VALUE if part.startswith('value') else _ATOM})"
            for index, part in enumerate(_FIELD.split(template))
        ]
        found.append((name, re.compile("".join(parts))))
    return tuple(found)


def parse(text: str, files: Iterable[str] = ()) -> Instruction | None:
    """The instruction taken apart, None when no form fits. `files` are the names that ` in FILE` may carry."""
    text = text.strip()
    named = max((f for f in files if text.endswith(f" in {f}")), key=len, default="")
    if named:
        text = text[: -len(f" in {named}")]
    match = _NUMBER.search(text)
    number = int(match[1]) if match else 0
    text = text[: match.start()] if match else text
    for form, pattern in _patterns():
        if whole := pattern.fullmatch(text):
            return Instruction(Phrase(form, whole.groups()), number, named)
    return None
