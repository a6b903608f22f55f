"""Constants of a script: `LR = 0.1` in the module, `epochs = 20` in its functions, and the entries of its settings tables."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from mlagent_app.editors.catalogue.following import Follower, Literal, read_literal
from mlagent_app.editors.catalogue.offers import Offer, Setting
from mlagent_app.editors.catalogue.protected import (
    compared_names,
    is_never,
    judging_names,
    name_words,
    protected_names,
)
from mlagent_app.editors.catalogue.semantics import VAGUE, domain_of
from mlagent_app.editors.catalogue.sklearn_models import tuned_names
from mlagent_app.editors.catalogue.source import Scope, Source, is_function

_TABLES = frozenset(
    (word,) for word in "config cfg conf params param hparams hyperparameters hyperparams settings options opts args hp".split()
)


def constants(source: Source) -> Iterator[Offer]:
    """Names that are bound once to a plain number or switch, and table entries, whose name says what they are.

    Upper-case names of the module are offered also when their name says nothing: halved and doubled.
    """
    if source.tree is None:
        return
    follower = Follower(source)
    left_out, judging = protected_names(source) | _overridden(source), judging_names(source) | compared_names(source)
    for scope in source.scopes.values():
        if not isinstance(scope.node, ast.Module) and not is_function(scope.node):
            continue
        for name, bindings in scope.bindings.items():
            if len(bindings) != 1 or bindings[0].kind != "assign" or bindings[0].value is None or name in left_out:
                continue
            for offer in _named(source, follower, scope, name, bindings[0].value):
                if not (offer.family in VAGUE and offer.name.rpartition(".")[2] in judging):
                    yield offer


def _overridden(source: Source) -> frozenset[str]:
    """The names that are read for nothing but arguments that a grid search chooses."""
    chosen = Counter(
        word.value.id
        for call in source.calls
        for word in call.node.keywords
        if isinstance(word.value, ast.Name) and word.arg in tuned_names(source, call)
    )
    return frozenset(name for name, count in chosen.items() if count == source.loads[name])


def _named(source: Source, follower: Follower, scope: Scope, name: str, value: ast.expr) -> Iterator[Setting]:
    literal = read_literal(source, value)
    if literal is not None:
        generic = name.isupper() and len(name) > 1 and isinstance(scope.node, ast.Module)
        if offer := setting(name, literal, generic=generic):
            yield offer
    elif not is_never(name) or name_words(name)[-1:] in _TABLES:
        yield from _entries(source, follower, name, value)


def _entries(source: Source, follower: Follower, path: str, table: ast.expr) -> Iterator[Setting]:
    """The entries of a dictionary bound to a name, nested ones by their dotted path."""
    if follower.is_written(path):
        return
    pairs = follower.entries(table) or ()
    keys = [key for key, _ in pairs]
    for key, value in pairs:
        if keys.count(key) > 1 or not key.isidentifier():
            continue
        literal = read_literal(source, value)
        if literal is not None:
            if offer := setting(f"{path}.{key}", literal, generic=False):
                yield offer
        elif not is_never(key):
            yield from _entries(source, follower, f"{path}.{key}", value)


def setting(name: str, literal: Literal, *, generic: bool) -> Setting | None:
    """The setting of a named literal, None when it is not to be proposed."""
    found = domain_of(name, literal.value, generic=generic)
    if found is None:
        return None
    family, domain = found
    return Setting(
        name=name,
        family=family,
        domain=domain,
        present=literal.value,
        start=literal.start,
        end=literal.end,
        anchor=literal.start,
    )
