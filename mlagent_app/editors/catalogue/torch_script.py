"""What a PyTorch script looks like: its optimisers, its evaluation code, where values stand, names and places for new code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from mlagent_app.editors.base import Replacement
from mlagent_app.editors.catalogue.following import Argument, Follower, Literal
from mlagent_app.editors.catalogue.imports import Naming, naming
from mlagent_app.editors.catalogue.offers import Setting
from mlagent_app.editors.catalogue.source import Call, Function, Scope, Source, is_function
from mlagent_app.editors.catalogue.values import Domain, Value

_EVALUATION = re.compile(r"(\A|_)(eval\w*|val|valid\w*|test\w*|infer\w*|predict\w*|score|metrics?|estimate|forecast)(\Z|_)")
# `set_grad_enabled(phase == "train")` runs evaluation through the same lines.
_NO_GRADIENT = frozenset({"torch.no_grad", "torch.inference_mode", "torch.set_grad_enabled", "torch.autograd.no_grad"})


@dataclass(frozen=True, slots=True)
class Optimiser:
    """A call of a `torch.optim` class. `target` is the text it is assigned to (`optimizer`, `self.opt`), empty when none."""

    call: Call
    target: str
    statement: ast.stmt


class TorchScript:
    """The analysis of one file. Everything is found by shape, and what is not certain is left out."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.follower = Follower(source)

    # -- names ---------------------------------------------------------------------------------------------------

    def naming(self, qualified: str) -> Naming | None:
        """A name for something of torch: through an imported module (`optim.lr_scheduler.StepLR`), else imported anew."""
        head, rest = qualified, ""
        while head:
            local = self.source.local_name(head)
            if local is not None:
                return Naming(local + rest)
            head, _, last = head.rpartition(".")
            rest = f".{last}{rest}"
        return naming(self.source, qualified)

    def renamed(self, call: Call, qualified: str) -> tuple[Replacement, ...] | None:
        """The replacements that call another class or function of the same module; arguments stay. None: no name for it."""
        func = call.node.func
        start, end = self.source.span(func)
        short = qualified.rpartition(".")[2]
        if isinstance(func, ast.Attribute) and call.name.rpartition(".")[0] == qualified.rpartition(".")[0]:
            return (Replacement(end - len(func.attr), end, short),)
        named = self.naming(qualified)
        return (*named.replacements, Replacement(start, end, named.name)) if named else None

    def free(self, *wanted: str) -> bool:
        """Whether none of these names is bound anywhere in the file."""
        return not any(name in scope.bindings for scope in self.source.scopes.values() for name in wanted)

    @cached_property
    def _reads(self) -> dict[str, list[ast.Name | ast.Attribute]]:
        """Every place that reads a name or an attribute, by its last part."""
        found: dict[str, list[ast.Name | ast.Attribute]] = {}
        for node in self.source.parents:
            if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
                found.setdefault(node.id if isinstance(node, ast.Name) else node.attr, []).append(node)
        return found

    def reads(self, target: str) -> list[ast.Name | ast.Attribute]:
        """Where the file reads exactly this dotted name, such as `criterion` or `self.loss`."""
        found = self._reads.get(target.rpartition(".")[2], [])
        return [node for node in found if ast.unparse(node) == target]

    def is_formatted(self, target: str) -> bool:
        """Whether the last part of a dotted name may stand inside an f-string, which `reads` does not see."""
        name = re.escape(target.rpartition(".")[2])
        return re.search(rf"\{{[^{{}}\n]*\b{name}\b", self.source.text) is not None

    # -- places --------------------------------------------------------------------------------------------------

    def statement(self, node: ast.AST) -> ast.stmt | None:
        """The innermost statement around a node."""
        while not isinstance(node, ast.stmt):
            if node not in self.source.parents:
                return None
            node = self.source.parents[node]
        return node

    def block(self, statement: ast.stmt) -> list[ast.stmt]:
        """The list of statements that this one is in."""
        parent = self.source.parents.get(statement)
        for name in ("body", "orelse", "finalbody"):
            items: object = getattr(parent, name, None)
            if isinstance(items, list) and statement in items:
                return items  # pyright: ignore[reportUnknownVariableType]
        return [statement]

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes around this one, innermost first."""
        while node in self.source.parents:
            node = self.source.parents[node]
            yield node

    def function(self, node: ast.AST) -> Function | None:
        """The function that the node is in."""
        return next((item for item in self.ancestors(node) if is_function(item)), None)

    def owner_class(self, node: ast.AST) -> ast.ClassDef | None:
        """The class that the node is in."""
        return next((item for item in self.ancestors(node) if isinstance(item, ast.ClassDef)), None)

    def scope(self, node: ast.AST) -> Scope:
        """The scope that code at this node runs in."""
        for item in self.ancestors(node):
            if item in self.source.scopes:
                return self.source.scopes[item]
        return self.source.module

    def before(self, statement: ast.stmt, *lines: str) -> Replacement:
        """Inserts lines before a statement, with its margin; on its own line where the statement shares one."""
        start = self.source.span(statement)[0]
        line = self.source.line_start(start)
        if self.source.text[line:start].strip():
            return Replacement(start, start, "".join(f"{code}; " for code in lines))
        joint = self.source.newline + self.source.text[line:start]
        return Replacement(start, start, "".join(code + joint for code in lines))

    def after(self, statement: ast.stmt, *lines: str) -> Replacement | None:
        """Inserts whole lines after a statement, with the margin of its block; None where another statement shares its line."""
        source = self.source
        end = source.span(statement)[1]
        stop = source.line_end(end)
        rest = source.text[end:stop].strip()
        start = source.span(statement)[0]
        margin = source.text[source.line_start(start) : start]
        if margin.strip() or (rest and not rest.startswith("#")):
            return None
        newline = "" if source.text[:stop].endswith("\n") else source.newline
        return Replacement(stop, stop, newline + "".join(f"{margin}{code}{source.newline}" for code in lines))

    # -- evaluation ----------------------------------------------------------------------------------------------

    def evaluates(self, node: ast.AST) -> bool:
        """Whether the node is evaluation code: without gradients, or in a function whose name says so."""
        for item in self.ancestors(node):
            if isinstance(item, (ast.With, ast.AsyncWith)) and any(self._stops_gradients(w.context_expr) for w in item.items):
                return True
            if is_function(item):
                decorated = any(self._stops_gradients(decorator) for decorator in item.decorator_list)
                if decorated or _EVALUATION.search(item.name):
                    return True
        return False

    def _stops_gradients(self, node: ast.expr) -> bool:
        return self.source.qualified(node.func if isinstance(node, ast.Call) else node) in _NO_GRADIENT

    @cached_property
    def has_evaluation(self) -> bool:
        """Whether the file evaluates anything without gradients: then the metric is not the training loss."""
        return any(call.name in _NO_GRADIENT or self.evaluates(call.node) for call in self.source.calls)

    # -- optimisers ----------------------------------------------------------------------------------------------

    @cached_property
    def optimisers(self) -> list[Optimiser]:
        """The calls of optimiser classes."""
        found: list[Optimiser] = []
        for call in self.source.calls:
            if call.name.startswith("torch.optim.") and call.name.count(".") == 2 and call.short[:1].isupper():
                statement = self.statement(call.node)
                if statement is not None:
                    found.append(Optimiser(call, self.target(call.node), statement))
        return found

    def target(self, node: ast.expr) -> str:
        """The text of the name or attribute that this very expression is assigned to."""
        statement = self.source.parents.get(node)
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and statement.value is node:
            goal = statement.targets[0]
            if isinstance(goal, (ast.Name, ast.Attribute)):
                return ast.unparse(goal)
        return ""

    # -- settings ------------------------------------------------------------------------------------------------

    def argument(self, call: Call, name: str, position: int | None) -> Argument:
        """The argument of a call, also behind attributes of `self` that are assigned once."""
        found = self.follower.argument(call, name, position)
        if found.state != "opaque":
            return found
        written = [word.value for word in call.node.keywords if word.arg == name]
        if not written and position is not None and not any(isinstance(a, ast.Starred) for a in call.node.args):
            written = call.node.args[position : position + 1]
        literal = self.literal(written[0], call.scope) if written else None
        return Argument("literal", literal) if literal else found

    def literal(self, node: ast.expr, scope: Scope) -> Literal | None:
        """The literal behind an expression, also behind `self.lr`, `self.cfg.lr` and Lightning's `self.hparams.lr`."""
        found = self.follower.literal(node, scope)
        owner = self.owner_class(node)
        if found is not None or owner is None or not isinstance(node, ast.Attribute):
            return found
        holder = node.value
        if isinstance(holder, ast.Name) and holder.id == "self":
            return self._stored(owner, node.attr)
        if not isinstance(holder, ast.Attribute) or ast.unparse(holder.value) != "self":
            return None
        if holder.attr == "hparams" and (start := self._initialiser(owner)) is not None:
            return self.follower.literal(ast.Name(node.attr, ast.Load()), self.source.scopes[start])
        value = self._assigned(owner, holder.attr)
        named = isinstance(value, ast.Name)
        return self.follower.literal(ast.Attribute(value, node.attr, ast.Load()), scope) if named and value else None

    def _stored(self, owner: ast.ClassDef, attribute: str) -> Literal | None:
        value = self._assigned(owner, attribute)
        return self.follower.literal(value, self.scope(value)) if value is not None else None

    def _assigned(self, owner: ast.ClassDef, attribute: str) -> ast.expr | None:
        """The value of the only assignment to `self.ATTRIBUTE` in the file."""
        start = self._initialiser(owner)
        if start is None or self.source.stored_attributes[attribute] != 1:
            return None
        for statement in start.body:
            if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == f"self.{attribute}":
                return statement.value
        return None

    @staticmethod
    def _initialiser(owner: ast.ClassDef) -> Function | None:
        return next((item for item in owner.body if is_function(item) and item.name == "__init__"), None)

    def setting(
        self, call: Call, name: str, position: int | None, domain: Domain, default: Value, family: str
    ) -> Setting | None:
        """The setting of one argument of a call: where its value stands, or where it would be added. None when opaque."""
        found = self.argument(call, name, position)
        anchor = self.source.span(call.node)[0]
        if found.literal is not None:
            place = found.literal
            if isinstance(place.value, (str, tuple)) != isinstance(default, (str, tuple)):
                return None
            return Setting(
                name, family, domain, place.value, place.start, place.end, anchor, call.short, quote=place.quote or '"'
            )
        gap = self.follower.gap(call.node) if found.state == "absent" else None
        if gap is None:
            return None
        quote = self.source.quote
        return Setting(
            name, family, domain, default, gap.offset, gap.offset, anchor, call.short, f"{gap.prefix}{name}=", quote=quote
        )


@lru_cache(maxsize=2)
def torch_script(source: Source) -> TorchScript:
    """The analysis of a file, shared by the families that ask for it one after the other."""
    return TorchScript(source)
