"""The families, in the order in which they claim values: when two name the same place of the text, the first one keeps it."""

from __future__ import annotations

from mlagent_app.editors.catalogue.offers import FamilyFunction

FAMILIES: tuple[FamilyFunction, ...] = ()
