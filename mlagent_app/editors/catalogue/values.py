"""Literal values: how they are written in code and in instructions, and which values a setting can take."""

from __future__ import annotations

import ast
import math
import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Literal, cast

Value = None | bool | int | float | str | tuple["Value", ...]
Kind = Literal["int", "float", "bool", "word", "none", "tuple"]
Style = Literal["python", "json", "yaml", "toml"]

_WORD = re.compile(r"[A-Za-z][\w.+/-]*\Z")
_NONE: frozenset[Kind] = frozenset({"none"})
_RESERVED = frozenset({"True", "False", "None", "true", "false", "null", "inf", "nan", "infinity"})


def number_text(value: float) -> str:
    """A number as people write it: `1e-5`, `0.0003`, `10`, `10.0`, `1e6` as `1000000.0`."""
    if isinstance(value, int):
        return str(value)
    text = repr(value)
    if "e" not in text:
        return text
    digits, _, exponent = text.partition("e")
    return f"{digits}e{int(exponent)}"


def code(value: Value, *, quote: str = '"', style: Style = "python") -> str:
    """The value as source text of a Python, JSON, YAML or TOML file."""
    if style != "python" and (value is None or isinstance(value, bool)):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return f"{quote}{value}{quote}" if style != "yaml" else value
    if isinstance(value, tuple):
        inner = ", ".join(code(item, quote=quote, style=style) for item in value)
        return f"[{inner}]" if style != "python" else f"({inner},)" if len(value) == 1 else f"({inner})"
    if value is None or isinstance(value, bool):
        return str(value)
    return _portable(number_text(value), style)


def _portable(text: str, style: Style) -> str:
    """YAML 1.1 reads `1e-5` as a string: it wants a dot and a signed exponent."""
    if style != "yaml" or "e" not in text:
        return text
    digits, _, exponent = text.partition("e")
    return f"{digits if '.' in digits else digits + '.0'}e{int(exponent):+d}"


def spoken(value: Value) -> str:
    """The value as it stands in an instruction: like Python, but plain words go without quotes and 10.0 is 10."""
    if isinstance(value, str):
        return value if _WORD.match(value) and value not in _RESERVED else repr(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return code(value)


def heard(text: str) -> Value:
    """The value that `spoken` wrote as `text`, whole numbers as ints. Raises ValueError when it is none."""
    if _WORD.match(text) and text not in {"True", "False", "None"}:
        return text
    try:
        value = cast(object, ast.literal_eval(text))
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        raise ValueError(f"{text!r} is not a number, a word, True, False, None or a tuple of them") from None
    return _checked(value)


def _checked(value: object) -> Value:
    if isinstance(value, (list, tuple)):
        return tuple(_checked(item) for item in cast("tuple[object, ...]", value))
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is not a finite number")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ValueError(f"{value!r} is not a number, a word, True, False, None or a tuple of them")


def same(a: Value, b: Value) -> bool:
    """Equal in type as well, save that 10 and 10.0 are the same number."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    return a == b


def kind_of(value: Value) -> Kind:
    """The kind of a value, bool before int."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int"
    if isinstance(value, float):
        return "float"
    return "word" if isinstance(value, str) else "tuple"


@dataclass(frozen=True, slots=True)
class Domain:
    """The values of one setting.

    `grid` lists them: numbers rising, other values in order of promise. `kinds` are the kinds that are accepted from an
    instruction, also off the grid; numbers must then lie in `low`..`high`, and words must be on the grid. `width` is how
    many neighbours of the present number are proposed, at most.
    """

    grid: tuple[Value, ...]
    kinds: frozenset[Kind]
    low: float = -math.inf
    high: float = math.inf
    width: int = 4

    def choices(self, present: Value) -> tuple[Value, ...]:
        """The values to propose instead of `present`, most promising first; never `present` itself.

        Numbers: the grid's neighbours of `present`, alternately above and below, `width` of them. Other values of the
        grid follow the first neighbours.
        """
        numbers = [v for v in self.grid if _is_number(v)]
        others = [v for v in self.grid if not _is_number(v) and not same(v, present)]
        near = _neighbours(numbers, present, self.width)
        ordered = [*near[:2], *others, *near[2:]] if near else others
        return tuple(ordered)

    def coerce(self, value: Value) -> Value:
        """The value as this setting takes it. Raises ValueError with what was expected."""
        kind = kind_of(value)
        if kind == "int" and "int" not in self.kinds and "float" in self.kinds:
            value, kind = float(cast("int", value)), "float"
        if kind == "float" and "float" not in self.kinds and "int" in self.kinds and cast("float", value).is_integer():
            value, kind = int(cast("float", value)), "int"
        in_range = not _is_number(value) or self.low <= cast("float", value) <= self.high
        on_grid = next((item for item in self.grid if same(value, item) and kind != "none"), None)
        if kind in self.kinds and in_range and (on_grid is not None or kind not in ("word", "tuple")):
            return value if on_grid is None else on_grid
        raise ValueError(f"expected {self.expected()}, not {spoken(value)}")

    def expected(self) -> str:
        """The domain in words."""
        parts = [spoken(v) for v in self.grid if not _is_number(v)]
        if self.kinds & {"int", "float"}:
            name = "a number" if "float" in self.kinds else "a whole number"
            parts.insert(0, f"{name} from {number_text(self.low)} to {number_text(self.high)}")
        return " or ".join(parts)


def _is_number(value: Value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _neighbours(numbers: list[Value], present: Value, width: int) -> list[Value]:
    values = cast("list[float]", numbers)
    if not _is_number(present):
        middle = len(values) // 2
        below, above = values[:middle][::-1], values[middle:]
    else:
        below = values[: bisect_left(values, cast("float", present))][::-1]
        above = values[bisect_right(values, cast("float", present)) :]
    turns: list[Value] = []
    for step in range(max(len(below), len(above))):
        turns += above[step : step + 1] + below[step : step + 1]
    return turns[:width]


def ints(*grid: int | None, low: float | None = None, high: float | None = None, width: int = 4) -> Domain:
    """A whole number, or None where the grid has it; `low` and `high` default to the ends of the grid."""
    return _numbers(grid, frozenset({"int"}), low, high, width)


def floats(*grid: float | None, low: float | None = None, high: float | None = None, width: int = 4) -> Domain:
    """A real number (whole ones may be written without a dot), or None where the grid has it."""
    return _numbers(grid, frozenset({"int", "float"}), low, high, width)


def shares(*grid: float, width: int = 4) -> Domain:
    """A share from 0.05 to 1 that is always written as a fraction, for parameters to which a whole number is a count."""
    return _numbers(grid, frozenset({"float"}), 0.05, 1.0, width)


def _numbers(
    grid: tuple[float | None, ...], kinds: frozenset[Kind], low: float | None, high: float | None, width: int
) -> Domain:
    present = sorted(v for v in grid if v is not None)
    nones: tuple[Value, ...] = (None,) if None in grid else ()
    return Domain(
        grid=(*present, *nones),
        kinds=kinds | _NONE if nones else kinds,
        low=present[0] if low is None else low,
        high=present[-1] if high is None else high,
        width=width,
    )


def words(*grid: Value) -> Domain:
    """One of the listed values."""
    numbers = [float(v) for v in grid if isinstance(v, (int, float)) and not isinstance(v, bool)]
    return Domain(
        grid=grid,
        kinds=frozenset(kind_of(v) for v in grid),
        low=min(numbers, default=-math.inf),
        high=max(numbers, default=math.inf),
    )


def flag() -> Domain:
    """True or False."""
    return words(True, False)
