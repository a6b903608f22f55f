"""Defaults: argparse options, dataclass and pydantic fields, click and typer options, parameters that no call passes."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from mlagent_app.editors.catalogue.following import Follower, Literal, keyword, option_names, read_literal, typer_default
from mlagent_app.editors.catalogue.offers import Offer, Setting
from mlagent_app.editors.catalogue.protected import (
    compared_names,
    is_never,
    judging_names,
    name_words,
    protected_names,
)
from mlagent_app.editors.catalogue.semantics import VAGUE, Hint, domain_of
from mlagent_app.editors.catalogue.source import Scope, Source, is_function
from mlagent_app.editors.catalogue.values import Value, words

# Options whose listed choices say how the model learns, not what it is given or how it is judged.
_CHOICES = frozenset(
    "model optimizer optimiser kernel solver activation scheduler estimator classifier regressor algo algorithm method arch "
    "architecture penalty criterion norm init strategy booster schedule nonlinearity act pooling pool".split()
)
_FIELDS = frozenset({"dataclasses.dataclass", "attrs.define", "attr.s", "attrs.frozen", "attr.dataclass"})
_FIELD_BASES = frozenset({"BaseModel", "BaseSettings", "NamedTuple", "Struct", "Protocol"})
_SETTINGS_CLASS = frozenset("config cfg conf settings args arguments params hparams hyperparameters options hyper hp".split())


def arguments(source: Source) -> Iterator[Offer]:
    """The defaults of options, fields and parameters."""
    if source.tree is None:
        return
    protected, judging = protected_names(source), judging_names(source) | compared_names(source)
    for offer in (*_options(source), *_fields(source), *_parameters(source)):
        if offer.name not in protected and not (offer.family in VAGUE and offer.name in judging):
            yield offer


def _options(source: Source) -> Iterator[Setting]:
    """`add_argument(..., default=V)` and `click.option(..., default=V)`."""
    for call in source.calls:
        if call.short != "add_argument" and call.name != "click.option":
            continue
        default = keyword(call.node, "default")
        for name in option_names(call.node):
            literal = read_literal(source, default) if default is not None else None
            if literal is None:
                continue
            if choices := _listed(source, call.node):
                yield from _choice(name, literal, choices, source.span(call.node)[0])
            else:
                yield from _setting(name, literal, source.span(call.node)[0], _hint(keyword(call.node, "type")))


def _listed(source: Source, call: ast.Call) -> tuple[Value, ...]:
    listed = keyword(call, "choices")
    found = read_literal(source, listed) if isinstance(listed, (ast.List, ast.Tuple)) else None
    return found.value if found is not None and isinstance(found.value, tuple) else ()


def _choice(name: str, literal: Literal, choices: tuple[Value, ...], anchor: int) -> Iterator[Setting]:
    """An option with a list of choices can take each of them."""
    allowed = any(word in _CHOICES for word in name_words(name)) and not is_never(name)
    if (
        not allowed
        or literal.value not in choices
        or not all(isinstance(item, str) and item.isidentifier() for item in choices)
    ):
        return
    yield Setting(
        name, "choice", words(*choices), literal.value, literal.start, literal.end, anchor, quote=literal.quote or '"'
    )


def _hint(annotation: ast.expr | None) -> Hint:
    """`int` or `float` where the declared type is just that."""
    if isinstance(annotation, ast.Name) and annotation.id == "int":
        return "int"
    return "float" if isinstance(annotation, ast.Name) and annotation.id == "float" else ""


def _fields(source: Source) -> Iterator[Setting]:
    """Fields with a default of dataclasses, pydantic models and plain settings classes."""
    for node, scope in source.scopes.items():
        if not isinstance(node, ast.ClassDef) or not _has_settings(source, node):
            continue
        for name, bindings in scope.bindings.items():
            if len(bindings) != 1 or bindings[0].kind != "assign" or bindings[0].value is None:
                continue
            statement = bindings[0].node
            value = typer_default(source, bindings[0].value) if isinstance(bindings[0].value, ast.Call) else bindings[0].value
            literal = read_literal(source, value) if value is not None else None
            if literal is not None:
                hint = _hint(statement.annotation) if isinstance(statement, ast.AnnAssign) else ""
                yield from _setting(name, literal, literal.start, hint)


def _has_settings(source: Source, node: ast.ClassDef) -> bool:
    decorators = [item.func if isinstance(item, ast.Call) else item for item in node.decorator_list]
    if any(source.qualified(item) in _FIELDS for item in decorators):
        return True
    if any(source.qualified(base).rpartition(".")[2] in _FIELD_BASES for base in node.bases):
        return True
    return bool(_SETTINGS_CLASS & set(name_words(node.name)[-1:]))


def _parameters(source: Source) -> Iterator[Setting]:
    """Defaults of parameters that no call in the file passes, typer's and click's included, when their name is telling."""
    follower = Follower(source)
    for node, scope in source.scopes.items():
        if not is_function(node):
            continue
        for name, bindings in scope.bindings.items():
            if len(bindings) != 1 or bindings[0].kind != "parameter":
                continue
            literal = _default(source, follower, name, scope)
            argument = bindings[0].node
            if literal is not None and isinstance(argument, ast.arg):
                yield from _setting(name, literal, literal.start, _hint(argument.annotation), generic=False)


def _default(source: Source, follower: Follower, name: str, scope: Scope) -> Literal | None:
    default = follower.default(name, scope)
    return read_literal(source, default) if default is not None else None


def _setting(name: str, literal: Literal, anchor: int, hint: Hint, *, generic: bool = True) -> Iterator[Setting]:
    found = domain_of(name, literal.value, generic=generic, hint=hint)
    if found is not None:
        family, domain = found
        yield Setting(name, family, domain, literal.value, literal.start, literal.end, anchor)
