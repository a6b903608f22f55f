"""What a family offers: a `Setting` (one value that can be set) or a `Change` (a fixed phrase with its replacements).

Neither carries the final instruction text: the catalogue adds ` #N` and ` in FILE` where the words fit several places.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mlagent_app.editors.base import Replacement
from mlagent_app.editors.catalogue.grammar import Phrase
from mlagent_app.editors.catalogue.source import Source
from mlagent_app.editors.catalogue.values import Domain, Style, Value, code, spoken


@dataclass(frozen=True, slots=True)
class Setting:
    """A value that stands at `start:end` of the text, or that an insertion there would give a name.

    `name` is the parameter, constant, option or key, `owner` the class it belongs to (empty: none). `present` is the value
    now, the default when it is not written. What is written is `prefix` + value + `suffix`. `anchor` is the offset of the
    call or statement, which numbers places with the same words. `also` are further replacements that any change needs
    (an import, say). `quote` and `style` say how a value is written.
    """

    name: str
    family: str
    domain: Domain
    present: Value
    start: int
    end: int
    anchor: int
    owner: str = ""
    prefix: str = ""
    suffix: str = ""
    quote: str = '"'
    style: Style = "python"
    also: tuple[Replacement, ...] = ()

    @property
    def noun(self) -> str:
        """What is counted when the words fit several places."""
        return self.owner or self.name

    def phrase(self, value: Value) -> Phrase:
        """The words of setting this value."""
        if self.owner:
            return Phrase("argument", (self.name, self.owner, spoken(value)))
        return Phrase("value", (self.name, spoken(value)))

    def replacements(self, value: Value) -> tuple[Replacement, ...]:
        """The edit of setting this value."""
        text = f"{self.prefix}{code(value, quote=self.quote, style=self.style)}{self.suffix}"
        return (*self.also, Replacement(self.start, self.end, text))


@dataclass(frozen=True, slots=True)
class Change:
    """An edit with fixed words. `noun` and `anchor` are what is counted, as in `Setting` (a class name and its call)."""

    phrase: Phrase
    family: str
    replacements: tuple[Replacement, ...]
    anchor: int
    noun: str


Offer = Setting | Change
FamilyFunction = Callable[[Source], Iterator[Offer]]
