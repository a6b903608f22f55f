"""What a project needs installed, and how pip is set up on this machine: read here, used where an image is built."""

from __future__ import annotations

import configparser
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from urllib.parse import unquote, urlsplit

from sandbox.runner import SandboxError

# What decides where packages come from; the rest of a pip configuration is about the host.
PASSED_OPTIONS = frozenset(
    "index-url extra-index-url find-links no-index trusted-host proxy timeout default-timeout retries "
    "prefer-binary only-binary no-binary pre".split()
)
PLACE_OPTIONS = ("index-url", "extra-index-url", "find-links")
CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")
PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")

INSTALLED = """
import importlib.metadata, json
found = []
for distribution in importlib.metadata.distributions():
    direct = distribution.read_text("direct_url.json")
    found.append([distribution.metadata["Name"], distribution.version, bool(direct)])
print(json.dumps(found))
"""


@dataclass(frozen=True, slots=True)
class Requirements:
    """Lines of a requirements file and of a constraints file. `source` says where they come from.

    `left_out` are lines that mean a path of this machine, such as `-e .`: the project is in the workspace anyway.
    """

    lines: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    source: str = ""
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PipSettings:
    """pip's options of this machine by name, the file with the certificates to trust, and local package directories."""

    options: Mapping[str, str] = field(default_factory=dict[str, str])
    certificates: Path | None = None
    directories: tuple[Path, ...] = ()

    def configuration(self, certificates_at: str) -> str:
        """A pip.conf with these settings, for a place where the certificates are at `certificates_at`."""
        options = dict(self.options)
        if self.certificates is not None:
            options["cert"] = certificates_at
        return "[global]\n" + "".join(f"{name} = {_indented(value)}\n" for name, value in sorted(options.items()))


def collect_requirements(file: Path | None, project: Path | None, python: Path | None) -> Requirements:
    """The requirements in `file`, else in the project's requirements.txt or pyproject.toml, else what `python` has installed.

    Raises SandboxError when none of them is there or one cannot be read.
    """
    candidates = [file] if file else [project / "requirements.txt", project / "pyproject.toml"] if project else []
    for candidate in candidates:
        if candidate.is_file():
            found = _from_pyproject(candidate) if candidate.suffix == ".toml" else _from_file(candidate)
            if found.lines:
                return found
    if file is not None:
        raise SandboxError(f"{file} names no requirements", how="name a requirements file or a pyproject.toml")
    if python is None:
        raise SandboxError("no requirements were found in the project", how="write a requirements.txt")
    return _from_environment(python)


def python_version(python: Path | None) -> str:
    """`3.11` and the like, of the interpreter `python`, or of ours."""
    if python is None:
        return f"{sys.version_info.major}.{sys.version_info.minor}"
    return _ask(python, "import sys; print('%d.%d' % sys.version_info[:2])").strip()


def pip_settings(environment: Mapping[str, str], home: Path) -> PipSettings:
    """pip's settings as pip itself would find them: files from the least to the most specific, then PIP_* variables."""
    files = [Path("/etc/xdg/pip/pip.conf"), Path("/etc/pip.conf"), home / ".pip/pip.conf", home / ".config/pip/pip.conf"]
    chosen = environment.get("PIP_CONFIG_FILE")
    if chosen == os.devnull:
        files = []
    elif chosen:
        files.append(Path(chosen))
    options: dict[str, str] = {}
    for file in files:
        options |= _read_pip_file(file)
    for name, value in environment.items():
        if name.startswith("PIP_") and name != "PIP_CONFIG_FILE":
            options[name.removeprefix("PIP_").lower().replace("_", "-")] = value
    certificates = options.get("cert") or next(filter(None, map(environment.get, CA_VARIABLES)), None)
    passed = {name: value for name, value in options.items() if name in PASSED_OPTIONS and value}
    proxy = next(filter(None, map(environment.get, PROXY_VARIABLES)), None)
    if proxy:
        passed.setdefault("proxy", proxy)
    return PipSettings(
        passed,
        Path(certificates) if certificates and Path(certificates).is_file() else None,
        _local_directories([value for name in PLACE_OPTIONS for value in passed.get(name, "").split()]),
    )


def _indented(value: str) -> str:
    return "\n    ".join(value.split())


def _read_pip_file(file: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read(file, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError) as error:
        raise SandboxError(f"pip's configuration {file} cannot be read: {error}", how="mend the file") from error
    options: dict[str, str] = {}
    for section in ("global", "install"):
        if parser.has_section(section):
            options |= {name.replace("_", "-"): value for name, value in parser.items(section)}
    return options


def _local_directories(places: Sequence[str]) -> tuple[Path, ...]:
    """The directories of this machine among `places`. An index called `simple` usually links to files beside it."""
    found: list[Path] = []
    for place in places:
        parts = urlsplit(place)
        path = Path(unquote(parts.path)) if parts.scheme == "file" else Path(place)
        if path.is_absolute() and path.is_dir():
            found.append(path.parent if path.name == "simple" else path)
    return tuple(dict.fromkeys(found))


def _from_file(file: Path) -> Requirements:
    lines, constraints, left_out = _flatten(file, seen=set())
    return Requirements(tuple(lines), tuple(constraints), str(file), tuple(left_out))


def _flatten(file: Path, seen: set[Path]) -> tuple[list[str], list[str], list[str]]:
    """The lines of a requirements file with those of the files it includes: (requirements, constraints, left out)."""
    if file.resolve() in seen:
        return [], [], []
    seen.add(file.resolve())
    lines: list[str] = []
    constraints: list[str] = []
    left_out: list[str] = []
    for line in _logical_lines(file):
        include = re.match(r"(-r|--requirement|-c|--constraint)[ =]*(\S+)", line)
        if include:
            below = _flatten(file.parent / include[2], seen)
            (constraints if include[1] in ("-c", "--constraint") else lines).extend(below[0])
            constraints += below[1]
            left_out += below[2]
        elif re.match(r"(-e|--editable)\b|[./]|file:", line) or re.search(r"@\s*(file:|\.)", line):
            left_out.append(line)
        else:
            lines.append(line)
    return lines, constraints, left_out


def _logical_lines(file: Path) -> list[str]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SandboxError(f"the requirements in {file} cannot be read: {error}", how="mend the file") from error
    joined = text.replace("\\\r\n", " ").replace("\\\n", " ")
    stripped = (re.sub(r"(^|\s)#.*$", "", line).strip() for line in joined.splitlines())
    return [line for line in stripped if line]


def _from_pyproject(file: Path) -> Requirements:
    try:
        project = tomllib.loads(file.read_text(encoding="utf-8")).get("project", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SandboxError(f"{file} cannot be read: {error}", how="mend the file") from error
    lines = cast("list[str]", project.get("dependencies", []))
    return Requirements(tuple(lines), (), str(file))


def _from_environment(python: Path) -> Requirements:
    found = cast("list[tuple[str, str, bool]]", json.loads(_ask(python, INSTALLED)))
    # A local version such as 2.4.0+cpu is not on the usual index; ==2.4.0 accepts both.
    lines = sorted({f"{name}=={version.partition('+')[0]}" for name, version, direct in found if not direct and name != "pip"})
    left_out = sorted({name for name, _, direct in found if direct})
    return Requirements(tuple(lines), (), f"the packages of {python}", tuple(left_out))


def _ask(python: Path, program: str) -> str:
    try:
        return subprocess.run(
            [str(python), "-I", "-c", program], capture_output=True, text=True, timeout=60, check=True, cwd="/"
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise SandboxError(
            f"the interpreter {python} does not work: {error}", how="choose another ([sandbox] python)"
        ) from error
