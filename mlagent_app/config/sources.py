"""Reading the settings from five places; the first that has one wins.

Flags, `MLAGENT_<SECTION>_<KEY>`, the project's `mlagent.toml`, the user's `config.toml`, defaults. Unknown keys and wrong types
are errors of one line that say where.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from pydantic import ValidationError

from mlagent_app.agent.errors import UserError
from mlagent_app.config.models import FILE_NAME, KEYS, SECTIONS, Settings, default, fields_of
from mlagent_app.config.template import toml_value

PREFIX = "MLAGENT_"


@dataclass(frozen=True, slots=True)
class _Given:
    """A setting as it was given. `source` names the place for people, `where` also the line or variable."""

    key: str
    value: object
    source: str
    where: str
    text: bool = False


def load(root: Path, flags: Mapping[str, object]) -> tuple[Settings, dict[str, str]]:
    """The settings for the project at `root`, and for each `section.key` where it came from.

    `flags` maps `section.key` to a value; None stands for a flag that was not given. Raises `UserError` for what is wrong in
    any of the places.
    """
    values: dict[str, dict[str, object]] = {section: {} for section in SECTIONS}
    sources = dict.fromkeys(KEYS, "default")
    for given in [*_from_user(), *_from_project(root), *_from_environment(), *_from_flags(flags)]:
        section, _, name = given.key.partition(".")
        values[section][name] = _checked(given)
        sources[given.key] = given.source
    return Settings(**{name: SECTIONS[name](**fields) for name, fields in values.items()}), sources  # pyright: ignore[reportArgumentType]


def user_file() -> Path:
    """The user's configuration file: `MLAGENT_CONFIG`, else `config.toml` in the user's configuration directory."""
    chosen = os.environ.get("MLAGENT_CONFIG")
    if chosen:
        return Path(chosen).expanduser()
    from platformdirs import user_config_path  # here: rarely needed twice, and it costs start-up time

    return user_config_path("mlagent", appauthor=False) / "config.toml"


def _from_user() -> Iterator[_Given]:
    path = user_file()
    if not path.is_file():
        if os.environ.get("MLAGENT_CONFIG"):
            raise UserError("the file that MLAGENT_CONFIG names does not exist", where=str(path), how="correct or unset it")
        return
    yield from _from_file(path, str(path))


def _from_project(root: Path) -> Iterator[_Given]:
    path = root / FILE_NAME
    if path.is_file():
        yield from _from_file(path, FILE_NAME)


def _from_file(path: Path, shown: str) -> Iterator[_Given]:
    try:
        text = path.read_text("utf-8-sig")
        content = tomllib.loads(text)
    except OSError as error:
        raise UserError(f"the configuration cannot be read: {error.strerror}", where=shown) from None
    except UnicodeDecodeError:
        raise UserError("the configuration is not UTF-8", where=shown, how="save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"this is not TOML: {error}", where=shown, how="correct that line") from None
    for section, fields in content.items():
        line = _line(text, "", section)
        if section not in SECTIONS:
            raise _unknown_section(section, f"{shown}:{line}")
        if not isinstance(fields, dict):
            raise UserError(
                f"[{section}] is a section, not a value", where=f"{shown}:{line}", how=f"write [{section}] on a line"
            )
        for name, value in cast("dict[str, object]", fields).items():
            where = f"{shown}:{_line(text, section, name)}"
            if name not in fields_of(section):
                raise _unknown_key(section, name, where)
            yield _Given(f"{section}.{name}", value, shown, f"{where}, {section}.{name}")


def _from_environment() -> Iterator[_Given]:
    for variable, value in sorted(os.environ.items()):
        section, _, name = variable.removeprefix(PREFIX).lower().partition("_")
        if not variable.startswith(PREFIX) or section not in SECTIONS or not name:
            continue
        if name not in fields_of(section):
            near = difflib.get_close_matches(name, fields_of(section), n=1, cutoff=0.5)
            how = f"did you mean {PREFIX}{section.upper()}_{near[0].upper()}?" if near else "unset it"
            raise UserError(f"there is no setting {section}.{name}", where=f"environment variable {variable}", how=how)
        yield _Given(f"{section}.{name}", value, variable, f"environment variable {variable}", text=True)


def _from_flags(flags: Mapping[str, object]) -> Iterator[_Given]:
    for key, value in flags.items():
        if value is None:
            continue
        if key not in KEYS:
            raise UserError(f"there is no setting {key!r}", how=_near(key, KEYS))
        yield _Given(key, value, "flag", f"--{key.rpartition('.')[2].replace('_', '-')}", text=isinstance(value, str))


def _checked(given: _Given) -> object:
    """The value in the type of its setting. Text (from flags and the environment) is converted, a file's value is not."""
    section, _, name = given.key.partition(".")
    model, attribute = SECTIONS[section], fields_of(section)[name]
    value = given.value
    if given.text and value == "" and default(given.key) is None:
        return None
    if given.text and isinstance(value, str) and isinstance(default(given.key), list):
        value = [part.strip() for part in value.split(",") if part.strip()]
    try:
        return cast("object", getattr(model.model_validate({name: value}, strict=not given.text), attribute))
    except ValidationError as error:
        first = error.errors()[0]
        message = str(first["msg"]).removeprefix("Value error, ").replace("Input should be", "it should be")
        raise UserError(
            f"{given.key} is {value!r}: {message[0].lower()}{message[1:]}", where=given.where, how=_example(given.key)
        ) from None


def _example(key: str) -> str:
    value = default(key)
    if value in (None, "", []):
        return ""
    return f"for example {key.rpartition('.')[2]} = {toml_value(value)}"


def _unknown_section(name: str, where: str) -> UserError:
    holders = [section for section in SECTIONS if name in fields_of(section)]
    how = f"put it under [{holders[0]}]" if holders else _near(name, SECTIONS, "[{}]")
    return UserError(f"unknown {'key' if holders else 'section'} {name!r}", where=where, how=how)


def _unknown_key(section: str, name: str, where: str) -> UserError:
    near = difflib.get_close_matches(name, fields_of(section), n=1, cutoff=0.6)
    other = next((s for s in SECTIONS if name in fields_of(s)), None)
    how = f"did you mean {near[0]!r}?" if near else f"it belongs under [{other}]" if other else _near(name, fields_of(section))
    return UserError(f"unknown key {name!r} in [{section}]", where=where, how=how)


def _near(name: str, known: Mapping[str, object] | tuple[str, ...], shape: str = "{!r}") -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"did you mean {shape.format(near[0])}?" if near else f"known are: {', '.join(known)}"


def _line(text: str, section: str, name: str) -> int:
    """The 1-based line of a key (of a section's heading when `section` is empty); 1 when it is written in an unusual way."""
    quoted = rf"[\"']?{re.escape(name)}[\"']?"
    current = ""
    for number, line in enumerate(text.splitlines(), 1):
        heading = re.match(r"\s*\[\s*[\"']?([\w.-]+)[\"']?\s*\]", line)
        if heading:
            current = heading[1]
        key = re.match(rf"\s*(?:{re.escape(section)}\s*\.\s*)?{quoted}\s*[=.]", line)
        if (heading and not section and heading[1].partition(".")[0] == name) or (key and current in (section, "")):
            return number
    return 1
