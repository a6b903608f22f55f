"""Starts with badly chosen settings: a script that was written with care leaves little to find, and people's scripts vary."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from mlagent_app.editors.catalogue import Catalogue
from mlagent_app.editors.catalogue.grammar import parse
from mlagent_app.editors.catalogue.values import heard


class Named(Protocol):
    """An edit, whole or as a policy sees it."""

    @property
    def instruction(self) -> str: ...

    @property
    def file(self) -> str: ...


E = TypeVar("E", bound=Named)
_SETTING_FORMS = ("argument", "value", "pair")
# So many times a number is moved to the farthest value offered on the same side.
STRIDES = 3
_CATALOGUE = Catalogue()


def settings(edits: Sequence[E], files: Mapping[str, str]) -> dict[str, list[E]]:
    """The edits that set a value, by the place that they set, in the catalogue's order."""
    found: dict[str, list[E]] = {}
    for edit in edits:
        asked = parse(edit.instruction, files)
        if asked is not None and asked.phrase.form in _SETTING_FORMS:
            place = f"{asked.phrase.get('name')} of {asked.phrase.get('owner')} #{asked.number} in {edit.file}"
            found.setdefault(place, []).append(edit)
    return found


def detuned(files: Mapping[str, str], count: int, rng: random.Random) -> dict[str, str]:
    """The files (name -> text) with `count` of their settings moved: a number towards an end of its grid, a word to another.

    Nothing is run: whether the script became worse, or runs at all, is not known. Fewer are moved where there are not as many.
    """
    texts, moved = dict(files), set[str]()
    for _ in range(count):
        names = sorted(settings(_CATALOGUE.enumerate(texts), texts).keys() - moved)
        if not names:
            break
        place = rng.choice(names)
        moved.add(place)
        texts = _moved(texts, place, rng)
    return texts


def _moved(texts: dict[str, str], place: str, rng: random.Random) -> dict[str, str]:
    """The files with one setting moved. Only a number's neighbours are offered, so that it takes several strides."""
    sign = rng.choice((-1.0, 1.0))
    for stride in range(STRIDES):
        edits = settings(_CATALOGUE.enumerate(texts), texts).get(place, [])
        now = next((value for edit in edits if (value := _value(edit.undo, texts)) is not None), None)
        numbers = {value: edit for edit in edits if (value := _value(edit.instruction, texts)) is not None}
        if now is not None and not stride and not any(sign * value > sign * now for value in numbers):
            sign = -sign  # it stands at this end already
        ahead = {value: edit for value, edit in numbers.items() if now is None or sign * value > sign * now}
        if ahead:
            edit = ahead[max(ahead, key=lambda value: sign * value)]
        elif edits and not stride:
            edit = rng.choice(edits)
        else:
            break
        texts = {**texts, edit.file: edit.apply(texts[edit.file])}
        if now is None:
            break
    return texts


def _value(instruction: str, texts: Mapping[str, str]) -> float | None:
    """The number that an instruction sets; None where it is a word, or two at once."""
    asked = parse(instruction, texts)
    value = heard(asked.phrase.get("value")) if asked is not None and asked.phrase.form != "pair" else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
