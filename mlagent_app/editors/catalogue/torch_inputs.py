"""Standardised inputs: training, validation and test inputs scaled by the mean and deviation of the training inputs alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from mlagent_app.editors.catalogue.grammar import Phrase
from mlagent_app.editors.catalogue.offers import Change, Offer
from mlagent_app.editors.catalogue.source import Scope, Source
from mlagent_app.editors.catalogue.torch_script import TorchScript, torch_script

_TRAIN = re.compile(
    r"(x|xs|features?|feats|inputs?|num|x_num)_?(train|tr|trn)|(train|tr|trn)_?(x|xs|features?|inputs?)", re.IGNORECASE
)
_OTHER = r"(test|te|tst|val|va|valid|validation|dev|eval)"
# Whatever scales already; and tokens, which are no numbers.
_SCALED = re.compile(r"scaler|standardi[sz]e|normali[sz]e\(|fit_transform|\.std\(|zscore|Vectorizer|tokeniz", re.IGNORECASE)
_INTEGER = re.compile(r"long|int64|int32|tokens?|\.int\(|LongTensor")
_PART = re.compile(r"train|trn|tr", re.IGNORECASE)


def standardisation(source: Source) -> Iterator[Offer]:
    """`standardise the inputs` where the inputs of the training and the test part have names of their own."""
    if not source.imported("torch") or _SCALED.search(source.text):
        return
    script = torch_script(source)
    for scope in source.scopes.values():
        for name in [item for item in scope.bindings if _TRAIN.fullmatch(item) and _is_numeric(item, source)]:
            names = [name, *_partners(name, scope)]
            change = _standardising(script, scope, names) if len(names) > 1 else None
            if change is not None:
                yield change


def _is_numeric(name: str, source: Source) -> bool:
    """Beside an embedding, only what is called numeric is."""
    return "Embedding" not in source.text or name.lower().startswith(("num", "x_num"))


def _partners(name: str, scope: Scope) -> list[str]:
    """The names of the other parts: `X_test` and `X_val` for `X_train`."""
    marks = list(_PART.finditer(name))
    pattern = re.compile(re.escape(name[: marks[-1].start()]) + _OTHER + re.escape(name[marks[-1].end() :]), re.IGNORECASE)
    return [other for other in scope.bindings if pattern.fullmatch(other)]


def _standardising(script: TorchScript, scope: Scope, names: list[str]) -> Change | None:
    last = _last_binding(script, scope, names)
    if last is None:
        return None
    train = names[0]
    mean, deviation = f"{train}_mean", f"{train}_std"
    if not script.free(mean, deviation):
        return None
    lines = [
        f"{mean}, {deviation} = {train}.mean(0), {train}.std(0)",
        f"{deviation} = {deviation} + ({deviation} == 0)",
        *(f"{name} = ({name} - {mean}) / {deviation}" for name in names),
    ]
    made = script.after(last, *lines)
    if made is None:
        return None
    return Change(Phrase("standardise"), "standardisation", (made,), script.source.span(last)[0], "inputs")


def _last_binding(script: TorchScript, scope: Scope, names: list[str]) -> ast.stmt | None:
    """The last statement that gives one of the names its value, when nothing has used them by then."""
    statements: list[ast.stmt] = []
    for name in names:
        # A parameter that is assigned again afterwards counts from there.
        bindings = [binding for binding in scope.bindings[name] if binding.kind != "parameter"]
        if not bindings:
            return None
        for binding in bindings:
            statement = _statement(script, binding.node)
            if statement is None or _INTEGER.search(script.source.segment(statement)):
                return None
            statements.append(statement)
    block = script.block(statements[0])
    if any(statement not in block for statement in statements):
        return None
    last = max(statements, key=block.index)
    for statement in block[: block.index(last)]:
        if statement not in statements and _reads(script, statement, names):
            return None
    return last


def _statement(script: TorchScript, binding: ast.AST) -> ast.Assign | None:
    """The plain assignment around what binds a name; parameters, loops and the like are none."""
    statement = script.statement(binding)
    return statement if isinstance(statement, ast.Assign) else None


def _reads(script: TorchScript, statement: ast.stmt, names: list[str]) -> bool:
    """Whether the statement reads the values of one of the names, and not just its shape."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and node.id in names and isinstance(node.ctx, ast.Load):
            parent = script.source.parents.get(node)
            shaped = isinstance(parent, ast.Attribute) and parent.attr in ("shape", "size", "ndim", "dtype")
            if not shaped and not (isinstance(parent, ast.Call) and ast.unparse(parent.func) == "len"):
                return True
    return False
