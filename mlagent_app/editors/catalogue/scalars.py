"""Where numbers and switches stand in YAML, TOML and JSON text: their dotted path, value and span."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from mlagent_app.editors.catalogue.values import Style, code

Path = tuple[str | int, ...]

_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[{}\[\],:]|[ \t\r\n]+')
_TOML_HEADER = re.compile(r"[ \t]*\[([A-Za-z0-9_.\- ]+)\][ \t]*(?:#.*)?\r?\Z")
_TOML_VALUE = r"[+-]?[0-9][0-9_]*(?:\.[0-9_]+)?(?:[eE][+-]?[0-9]+)?|true|false"
_TOML_PAIR = re.compile(rf"[ \t]*([A-Za-z0-9_.\-]+)[ \t]*=[ \t]*({_TOML_VALUE})[ \t]*(?:#.*)?\r?\Z")
_YAML_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\Z")
_FENCE = re.compile(r'"""|' + "'''")


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number or switch: `path` from the root of the document, `value`, and its span in the text."""

    path: Path
    value: bool | int | float
    start: int
    end: int

    @property
    def name(self) -> str:
        """The dotted path."""
        return ".".join(str(part) for part in self.path)


def scalars(text: str, style: Style) -> list[Scalar]:
    """The numbers and switches of a document that can each be replaced without changing anything else.

    That is checked by reading the text back with all of them changed at once; when more than they change, there are none.
    Paths that occur twice (YAML aliases, repeated keys) are left out.
    """
    readers = {"json": _json, "toml": _toml, "yaml": _yaml}
    try:
        found = list(readers[style](text))
        counts = Counter(item.path for item in found)
        once = [item for item in found if counts[item.path] == 1]
        return once if once and _only_these(text, style, once) else []
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return []


def load(text: str, style: Style) -> Any:  # noqa: ANN401 - a document can be anything
    """The document as plain Python data. Raises ValueError when it is not one."""
    if style == "json":
        return json.loads(text)
    if style == "toml":
        return tomllib.loads(text)
    from ruamel.yaml import YAML, YAMLError

    try:
        return YAML(typ="safe", pure=True).load(text)  # pyright: ignore[reportUnknownMemberType]
    except YAMLError as error:
        raise ValueError(str(error)) from None


def _only_these(text: str, style: Style, items: list[Scalar]) -> bool:
    expected = load(text, style)
    changed, done = "", 0
    for item in items:
        probe = not item.value if isinstance(item.value, bool) else item.value + 1
        holder = expected
        for part in item.path[:-1]:
            holder = holder[part]
        if holder[item.path[-1]] != item.value:
            return False
        holder[item.path[-1]] = probe
        changed += text[done : item.start] + code(probe, style=style)
        done = item.end
    return bool(load(changed + text[done:], style) == expected)


def _number(text: str) -> bool | int | float:
    if text in ("true", "false"):
        return text == "true"
    plain = text.replace("_", "")
    return float(plain) if any(mark in plain for mark in ".eE") else int(plain)


def _json(text: str) -> Iterator[Scalar]:
    """A pass over the tokens; `path` ends with the key or index of the value that comes next."""
    path: list[str | int] = []
    previous, key = "", ""
    for match in _JSON_TOKEN.finditer(text):
        token = match[0]
        if token.isspace():
            continue
        if token in "{[":
            path.append(0 if token == "[" else "")
        elif token in "}]":
            path.pop()
        elif token == ",":
            last = path[-1]
            path[-1] = last + 1 if isinstance(last, int) else ""
        elif token == ":":
            path[-1] = key
        elif token[0] == '"':
            key = cast(str, json.loads(token)) if previous in ("{", ",") else ""
        elif token != "null" and path:
            yield Scalar(tuple(path), _number(token), match.start(), match.end())
        previous = token


def _toml(text: str) -> Iterator[Scalar]:
    """A pass over the lines: plain headers and `key = scalar`. Multi-line text is skipped; the check catches the rest."""
    section: Path | None = ()
    inside, offset = False, 0
    for line in text.split("\n"):
        fences = len(_FENCE.findall(line))
        if not inside and not fences:
            if line.lstrip().startswith("["):
                header = _TOML_HEADER.match(line)
                section = tuple(part.strip() for part in header[1].split(".")) if header else None
            elif section is not None and (pair := _TOML_PAIR.match(line)):
                path = (*section, *pair[1].split("."))
                yield Scalar(path, _number(pair[2]), offset + pair.start(2), offset + pair.end(2))
        inside ^= fences % 2 == 1
        offset += len(line) + 1


def _yaml(text: str) -> Iterator[Scalar]:
    """The plain scalars of the first and only document, by ruamel's positions. Nodes reached twice come out twice."""
    from ruamel.yaml import YAML, YAMLError

    try:
        root: Any = YAML(typ="rt", pure=True).compose(text)  # pyright: ignore[reportUnknownMemberType]
    except YAMLError as error:
        raise ValueError(str(error)) from None
    nodes = list(_yaml_nodes(root, ()))
    counts = Counter(id(node) for node, _ in nodes)
    for node, path in nodes:
        raw = str(node.value)
        start, end = node.end_mark.index - len(raw), node.end_mark.index
        plain = node.style is None and text[start:end] == raw and (raw in ("true", "false") or _YAML_NUMBER.match(raw))
        implicit = node.tag.rpartition(":")[2] in ("int", "float", "bool") and "!" not in text[node.start_mark.index : end]
        if plain and implicit and counts[id(node)] == 1:
            yield Scalar(path, _number(raw), start, end)


def _yaml_nodes(node: Any, path: Path) -> Iterator[tuple[Any, Path]]:  # noqa: ANN401 - ruamel's nodes are untyped
    """The scalar values under a node with their paths."""
    if node is None:
        return
    kind = type(node).__name__
    if kind == "MappingNode":
        for key, value in node.value:
            yield from _yaml_nodes(value, (*path, str(key.value)))
    elif kind == "SequenceNode":
        for index, value in enumerate(node.value):
            yield from _yaml_nodes(value, (*path, index))
    else:
        yield node, path
