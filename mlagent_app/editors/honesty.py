"""Warnings about an edit that may change what is measured instead of making it better, whoever wrote the edit.

An edit is compared by what the files say before and after, not by its lines: moving or reformatting a seed is no change of it.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, cast

from mlagent_app.agent.metrics import MetricSpec, words
from mlagent_app.editors.catalogue.scalars import load
from mlagent_app.editors.catalogue.values import Style
from mlagent_app.editors.cheats import Whole, cheat_facts, wholes_of
from mlagent_app.editors.dependencies import new_modules
from mlagent_app.editors.facts import Context, Fact, context_of, facts, kind_of, says_what_is_measured, walk
from mlagent_app.editors.names import callee
from mlagent_app.editors.reach import aliases_of, reach_facts, shell_facts
from mlagent_app.editors.trainers import moved_report, trainer_facts

_KINDS = {
    "metric": "touches how the metric is computed or printed",
    "split": "touches how the data is split",
    "seed": "touches the seed",
    "labels": "touches the labels",
    "leak": "lets the model see what it is measured on",
    "dependency": "needs a package that the project does not use yet",
    "install": "installs packages",
    "process": "starts other programs, or runs text as code",
    "network": "reaches for the network, which a run does not have by default",
}
_STYLES: dict[str, Style] = {"yaml": "yaml", "yml": "yaml", "toml": "toml", "json": "json"}
_SHELLS = frozenset({"sh", "bash", "zsh", "mk"})
_LINE_WORDS: dict[str, re.Pattern[str]] = {
    "seed": re.compile(r"\b(random_state|\w*seed\w*)\b", re.IGNORECASE),
    "split": re.compile(
        r"\b(train_test_split|test_size|train_size|\w*KFold|n_splits|random_split|val_split|validation_split|cv=)"
    ),
}


def flags(diff: str, files_before: Mapping[str, str], files_after: Mapping[str, str], spec: MetricSpec) -> tuple[str, ...]:
    """What an edit touches that it should not, one line each, in a fixed order; empty when there is nothing to say.

    `diff` is the unified diff between the two sets of files; it is read where a Python file does not parse. Each line begins
    with its kind: `metric`, `split`, `seed`, `labels`, `leak`, `dependency`, `install`, `process` or `network`.
    """
    found: dict[str, list[str]] = {}
    for name in sorted(files_before.keys() | files_after.keys()):
        before, after = files_before.get(name, ""), files_after.get(name, "")
        if before != after:
            for kind, detail in _changes(name, before, after, diff, spec):
                found.setdefault(kind, []).append(detail)
    for module in new_modules(files_before, files_after):
        found.setdefault("dependency", []).append(module)
    return tuple(f"{kind}: {text} ({', '.join(dict.fromkeys(found[kind]))})" for kind, text in _KINDS.items() if kind in found)


def _changes(name: str, before: str, after: str, diff: str, spec: MetricSpec) -> Iterator[tuple[str, str]]:
    suffix = name.rpartition(".")[2].lower()
    if suffix in _STYLES:
        yield from _document_changes(before, after, _STYLES[suffix])
    if suffix in _SHELLS or name.rpartition("/")[2].lower() == "makefile":
        known = set(before.splitlines())
        yield from (fact for line in after.splitlines() if line not in known for fact in shell_facts(line))
    if suffix != "py":
        return
    old, new = _parsed(before), _parsed(after)
    if old is None or new is None:
        yield from _line_changes(name, diff, spec)
        return
    ours, theirs = _differing(old, before, new, after)
    context = context_of(old, new, spec)
    # Most edits touch one statement; only when that one raises something are the whole files compared.
    if any(_fact_changes(ours, theirs, context)):
        yield from _fact_changes(old.body, new.body, context)
    (whole_before, whole_after), aliases = wholes_of(old, new, context), aliases_of(old) | aliases_of(new)
    yield from ((kind, text) for kind, _, text in sorted(trainer_facts(new) - trainer_facts(old)))
    yield from ((kind, text) for kind, _, text in moved_report(old, new))
    if whole_before != whole_after or any(_news(theirs, whole_after, aliases)):
        known = Counter(_news(old.body, whole_before, aliases))
        yield from ((fact[0], fact[2]) for fact in Counter(_news(new.body, whole_after, aliases)) - known)


def _news(body: list[ast.stmt], whole: Whole, aliases: dict[str, str]) -> Iterator[Fact]:
    """What only its coming is worth a warning of."""
    yield from cheat_facts(body, whole)
    yield from reach_facts(body, aliases)


def _differing(old: ast.Module, before: str, new: ast.Module, after: str) -> tuple[list[ast.stmt], list[ast.stmt]]:
    """The statements of the module whose text is not in the other file."""
    texts_before, texts_after = _statement_texts(old, before), _statement_texts(new, after)
    ours, theirs = set(texts_before), set(texts_after)
    return (
        [node for node, text in zip(old.body, texts_before, strict=True) if text not in theirs],
        [node for node, text in zip(new.body, texts_after, strict=True) if text not in ours],
    )


def _statement_texts(tree: ast.Module, text: str) -> list[str]:
    """Each statement's whole lines, decorators included."""
    lines = re.split(r"\r\n|\r|\n", text)
    starts = [min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))]) for node in tree.body]
    return ["\n".join(lines[start - 1 : node.end_lineno]) for start, node in zip(starts, tree.body, strict=True)]


def _fact_changes(old: list[ast.stmt], new: list[ast.stmt], context: Context) -> Iterator[tuple[str, str]]:
    facts_before, facts_after = Counter(facts(old, context)), Counter(facts(new, context))
    callees_before, callees_after = _callees(old), _callees(new)
    for fact in _dropped(facts_before, facts_after, callees_before, callees_after):
        yield fact[0], fact[2] or fact[1]
    for fact in _added(facts_before, facts_after, callees_before, callees_after):
        yield fact[0], fact[2] or fact[1]


def _dropped(before: Counter[Fact], after: Counter[Fact], called: Counter[str], still: Counter[str]) -> Iterator[Fact]:
    """What is no longer said, unless the very call that it was said in went as a whole (a seeded model replaced)."""
    said = Counter((kind, text) for kind, _, text in after.elements())
    for fact in before - after:
        kind, place, text = fact
        moved = said[kind, text] >= sum(n for (k, _, t), n in before.items() if (k, t) == (kind, text))
        if not moved and (not place or still[place] >= called[place]):
            yield fact


def _added(before: Counter[Fact], after: Counter[Fact], called: Counter[str], now: Counter[str]) -> Iterator[Fact]:
    """What is newly said, unless it repeats what is said elsewhere or belongs to a call that is new as a whole."""
    said = {(kind, text) for kind, _, text in before}
    for fact in after - before:
        kind, place, text = fact
        if (kind, text) not in said and not (place and now[place] > called[place]):
            yield fact


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text.lstrip("\ufeff"))
    except (SyntaxError, ValueError, RecursionError):
        return None


def _callees(body: list[ast.stmt]) -> Counter[str]:
    return Counter(callee(node) for node in walk(body) if isinstance(node, ast.Call))


# -- other files ---------------------------------------------------------------------------------------------------


def _document_changes(before: str, after: str, style: Style) -> Iterator[tuple[str, str]]:
    try:
        old, new = dict(_leaves(load(before, style), "")), dict(_leaves(load(after, style), ""))
    except (ValueError, RecursionError):
        return
    for path in sorted(old.keys() | new.keys()):
        if old.get(path) != new.get(path):
            for part in path.split("."):
                if kind := kind_of(part) or ("metric" if says_what_is_measured(part) else ""):
                    yield kind, path


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - a document can be anything
    if isinstance(value, dict):
        for key, item in cast("dict[object, object]", value).items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[object]", value)):
            yield from _leaves(item, f"{path}.{index}")
    else:
        yield path, repr(value)


def _line_changes(name: str, diff: str, spec: MetricSpec) -> Iterator[tuple[str, str]]:
    """By the changed lines of a file that does not parse."""
    metric = frozenset(words(spec.name))
    current = ""
    for line in diff.split("\n"):
        if line.startswith("+++ "):
            current = line[4:].removeprefix("b/").strip()
        elif current == name and line[:1] in ("+", "-") and not line.startswith("--- "):
            text = line[1:].strip()
            yield from ((kind, text) for kind, pattern in _LINE_WORDS.items() if pattern.search(text))
            if "print" in text and metric & set(words(text)):
                yield "metric", text
