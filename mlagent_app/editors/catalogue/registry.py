"""The families, in the order in which they claim values: when two name the same place of the text, the first one keeps it.

Families that know a library come before those that go by a setting's name.
"""

from __future__ import annotations

from mlagent_app.editors.catalogue.arguments import arguments
from mlagent_app.editors.catalogue.configs import configs
from mlagent_app.editors.catalogue.constants import constants
from mlagent_app.editors.catalogue.estimators import estimators
from mlagent_app.editors.catalogue.insert import insertions
from mlagent_app.editors.catalogue.offers import FamilyFunction
from mlagent_app.editors.catalogue.replace import replacements
from mlagent_app.editors.catalogue.text import character_ngrams
from mlagent_app.editors.catalogue.torch_families import TORCH_FAMILIES
from mlagent_app.editors.catalogue.tuning import tunings

FAMILIES: tuple[FamilyFunction, ...] = (
    estimators,
    replacements,
    insertions,
    tunings,
    character_ngrams,
    *TORCH_FAMILIES,
    arguments,
    constants,
    configs,
)
