"""Code as text that two versions can be compared by: without layout, and without what is no part of a measure."""

from __future__ import annotations

import ast
from typing import cast

from mlagent_app.editors.names import callee, is_model

# Calls that only give a number another form.
_PLAIN = frozenset("round float int abs max min sum len".split())
# What says how a number is computed, not which one it is.
_EFFORT = frozenset("n_jobs verbose pre_dispatch num_workers".split())
_NO_GRADIENTS = frozenset({"no_grad", "inference_mode"})


def skeleton(node: ast.expr) -> str:
    """The expression as text without layout, what it constructs masked."""
    outermost = isinstance(node, ast.Call) and callee(node)[:1].isupper()
    copy = ast.parse(ast.unparse(node), mode="eval").body
    if outermost and isinstance(copy, ast.Call):
        copy.args = [cast(ast.expr, _Skeleton().visit(item)) for item in copy.args]
        return ast.unparse(copy)
    return ast.unparse(cast(ast.expr, _Skeleton().visit(copy)))


def outline(node: ast.expr) -> str:
    """The skeleton without the settings of what is called."""
    copy = ast.parse(ast.unparse(node), mode="eval").body
    return ast.unparse(cast(ast.expr, _Outline().visit(_Skeleton().visit(copy))))


def skeletons(body: list[ast.stmt]) -> str:
    """The statements as one line, what they construct masked."""
    module = ast.parse("\n".join(ast.unparse(statement) for statement in body))
    return "; ".join(ast.unparse(cast(ast.Module, _Skeleton().visit(module))).split("\n"))


class _Skeleton(ast.NodeTransformer):
    """Masks what is constructed inside an expression, and which model is meant: a better one is measured the same way."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        called = callee(node)
        if called[:1].isupper() or called in ("make_pipeline", "make_column_transformer") or called in _NO_GRADIENTS:
            return ast.Name(id="_", ctx=ast.Load())
        node.keywords = [word for word in node.keywords if word.arg not in _EFFORT]
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(id="model", ctx=node.ctx) if is_model(node.id) else node

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Leaves out `net.eval()`: it changes what the model does, not what counts as right."""
        called = node.value.func if isinstance(node.value, ast.Call) and not node.value.args else None
        return None if isinstance(called, ast.Attribute) and called.attr == "eval" else self.generic_visit(node)


class _Outline(ast.NodeTransformer):
    """Masks the settings of what is called: a number that is computed with other settings is computed the same way."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if callee(node) in _PLAIN:
            return self.generic_visit(node)
        given = [cast(ast.expr, self.visit(item)) for item in node.args if not isinstance(item, ast.Constant)]
        return ast.Call(func=cast(ast.expr, self.visit(node.func)), args=given, keywords=[])
