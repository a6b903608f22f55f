"""Where a step stands in a scikit-learn pipeline or union."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from mlagent_app.editors.catalogue.source import Source

UNIONS = frozenset({"make_union", "FeatureUnion"})


@dataclass(frozen=True, slots=True)
class Place:
    """A step among its siblings. `element` is the step itself, or the pair of its `label` and it.

    `opening` is the offset of the bracket before the first sibling; in a union the steps stand side by side.
    """

    element: ast.expr
    siblings: list[ast.expr]
    opening: int
    in_union: bool
    label: ast.expr | None = None

    @property
    def is_last(self) -> bool:
        return self.siblings[-1] is self.element


def place_of(source: Source, node: ast.expr) -> Place | None:
    """The place of an argument of `make_pipeline` or `make_union`, or of a pair listed in `Pipeline` or `FeatureUnion`."""
    parent = source.parents.get(node)
    if isinstance(parent, ast.Call) and node in parent.args:
        name = source.qualified(parent.func)
        if not name.endswith(("make_pipeline", "make_union")):
            return None
        opening = source.text.index("(", source.span(parent.func)[1])
        return Place(node, parent.args, opening, name.endswith("make_union"))
    listed = source.parents.get(parent) if isinstance(parent, ast.Tuple) else None
    if not isinstance(parent, ast.Tuple) or len(parent.elts) != 2 or not isinstance(listed, ast.List):
        return None
    outer = source.parents.get(listed)
    outer = source.parents.get(outer) if isinstance(outer, ast.keyword) else outer
    name = source.qualified(outer.func) if isinstance(outer, ast.Call) else ""
    if not name.endswith((".Pipeline", ".FeatureUnion")):
        return None
    return Place(parent, listed.elts, source.span(listed)[0], name.endswith(".FeatureUnion"), parent.elts[0])
