"""Numbers and switches of YAML, TOML and JSON configuration files; comments, quotes and layout stay as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlagent_app.editors.catalogue.offers import Offer, Setting
from mlagent_app.editors.catalogue.protected import name_words
from mlagent_app.editors.catalogue.scalars import scalars
from mlagent_app.editors.catalogue.semantics import domain_of
from mlagent_app.editors.catalogue.source import Source
from mlagent_app.editors.catalogue.values import Style

# More text than this is data, not configuration.
MAX_CHARACTERS = 65_536

_STYLES: dict[str, Style] = {".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".json": "json"}
# Files of tools and what runs write: never configuration of the model.
_OTHERS = re.compile(
    r"pyproject|mlagent|package|tsconfig|composer|poetry|uv|pipfile|cargo|environment|conda|mkdocs|docker|compose|codecov|renovate|"
    r"dependabot|azure|gitlab|travis|appveyor|readthedocs|pre-commit|tokenizer|vocab|dvc"
)
_OUTPUTS = frozenset(
    "metrics metric results result scores score report reports history log logs summary output outputs lock".split()
)
_CONFIGURATION = frozenset(
    "config configs conf cfg params param parameters hparams hyperparameters settings train training experiment experiments "
    "model default defaults base".split()
)


def configs(source: Source) -> Iterator[Offer]:
    """The values of a configuration file whose name is telling; in files that are called so, also the other numbers."""
    style = _STYLES.get(source.suffix)
    if style is None or len(source.text) > MAX_CHARACTERS or not _may_configure(source.path):
        return
    generic = any(word in _CONFIGURATION for word in name_words(source.path.rpartition(".")[0]))
    for item in scalars(source.text, style):
        if any(isinstance(part, str) and not re.fullmatch(r"[\w-]+", part) for part in item.path) or isinstance(
            item.path[-1], int
        ):
            continue
        found = domain_of(item.name, item.value, generic=generic)
        if found is not None:
            family, domain = found
            yield Setting(item.name, family, domain, item.value, item.start, item.end, item.start, style=style)


def _may_configure(path: str) -> bool:
    *folders, name = path.lower().split("/")
    stem = name.rpartition(".")[0].lstrip(".")
    hidden = any(part.startswith(".") for part in (*folders, name))
    return not hidden and not _OTHERS.match(stem) and not any(word in _OUTPUTS for word in name_words(stem))
