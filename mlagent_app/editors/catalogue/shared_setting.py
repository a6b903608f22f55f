"""A setting whose value stands at several places of the text, which only make sense together."""

from __future__ import annotations

from dataclasses import dataclass

from mlagent_app.editors.base import Replacement
from mlagent_app.editors.catalogue.offers import Setting
from mlagent_app.editors.catalogue.values import Value, code


@dataclass(frozen=True, slots=True)
class SharedSetting(Setting):
    """The same literal at `start:end` and at all `twins`: a layer's outputs and the next one's inputs, say."""

    twins: tuple[tuple[int, int], ...] = ()

    def replacements(self, value: Value) -> tuple[Replacement, ...]:
        """One replacement for each place."""
        text = code(value, quote=self.quote, style=self.style)
        return (*self.also, *(Replacement(start, end, text) for start, end in ((self.start, self.end), *self.twins)))
