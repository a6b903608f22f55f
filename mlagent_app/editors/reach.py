"""What a script reaches for outside of itself: other programs, packages to install, the network."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from mlagent_app.editors.facts import Fact
from mlagent_app.editors.names import callee, dotted

_PROCESS_MODULES = ("subprocess", "pty", "pexpect", "sh", "plumbum")
_PROCESS_CALLS = frozenset(
    "os.system os.popen os.startfile os.posix_spawn os.posix_spawnp os.fork asyncio.create_subprocess_exec runpy.run_path"
    " asyncio.create_subprocess_shell".split()
)
_OS_FAMILIES = ("os.exec", "os.spawn")
_TEXT_AS_CODE = frozenset({"eval", "exec", "compile", "__import__", "get_ipython", "exec_module"})
_NETWORK_MODULES = (
    "urllib.request", "requests", "httpx", "aiohttp", "socket", "http.client", "ftplib", "smtplib", "paramiko", "wget", "gdown",
    "boto3", "urllib3", "kaggle", "huggingface_hub", "torch.hub", "kagglehub",
)  # fmt: skip
_NETWORK_CALLS = re.compile(
    r"(?:urlopen|urlretrieve|fetch_\w+|load_dataset|hf_hub_download|snapshot_download|download\w*|load_state_dict_from_url)\Z"
)
_NETWORK_WORDS = frozenset({"download", "pretrained"})
_URL = re.compile(r"(?:https?|ftp|s3|gs)://", re.IGNORECASE)
_INSTALL = re.compile(
    r"\b(?:pip[0-9.]*|conda|mamba|uv|poetry|easy_install|apt|apt-get|npm)\b(?:\W+[\w=./-]+){0,4}?\W+(?:install|add|sync)\b"
    r"|\beasy_install\b",
    re.IGNORECASE,
)
_INSTALLERS = frozenset({"pip", "ensurepip", "pip._internal", "setuptools.command.easy_install"})
_SHELL = {
    "install": _INSTALL,
    "network": re.compile(r"\b(?:curl|wget|scp|rsync|nc|ssh|git clone)\b|(?:https?|ftp)://", re.IGNORECASE),
}


def reach_facts(body: Iterable[ast.stmt], aliases: dict[str, str]) -> Iterator[Fact]:
    """What these statements reach for. `aliases` are the file's names for modules and what is in them (`aliases_of`)."""
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Call):
                yield from _call_facts(node, aliases)


def aliases_of(tree: ast.Module) -> dict[str, str]:
    """What the names mean that a file imports: `sp` -> `subprocess`, `run` -> `subprocess.run`."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for item in node.names:
                name = item.asname or item.name.partition(".")[0]
                found[name] = item.name if item.asname else name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {item.asname or item.name: f"{node.module}.{item.name}" for item in node.names}
    return found


def shell_facts(line: str) -> Iterator[tuple[str, str]]:
    """The same of a line of a shell script or Makefile."""
    yield from ((kind, line.strip()) for kind, pattern in _SHELL.items() if pattern.search(line))


def _call_facts(node: ast.Call, aliases: dict[str, str]) -> Iterator[Fact]:
    written = dotted(node.func)
    head, dot, rest = written.partition(".")
    name = f"{aliases.get(head, head)}{dot}{rest}"
    texts = [item.value for item in ast.walk(node) if isinstance(item, ast.Constant) and isinstance(item.value, str)]
    if (
        _starts_process(name)
        or (isinstance(node.func, ast.Name) and written in _TEXT_AS_CODE)
        or _is_computed_import(node, name)
    ):
        yield "process", "", name
        words = " ".join(texts)
        yield from ((kind, "", words) for kind, pattern in _SHELL.items() if pattern.search(words))
    elif callee(node) == "system" or (name.partition(".")[0] in _INSTALLERS and callee(node) in ("main", "_main", "bootstrap")):
        yield "install" if "pip" in name else "process", "", name
    if _is_network(node, name):
        yield "network", "", name
    elif any(_URL.match(text) for text in texts) and name:
        yield "network", "", next(text for text in texts if _URL.match(text))


def _starts_process(name: str) -> bool:
    return (
        name in _PROCESS_CALLS or name.startswith(_OS_FAMILIES) or any(name.startswith(f"{item}.") for item in _PROCESS_MODULES)
    )


def _is_computed_import(node: ast.Call, name: str) -> bool:
    return name == "importlib.import_module" and not (node.args and isinstance(node.args[0], ast.Constant))


def _is_network(node: ast.Call, name: str) -> bool:
    if any(name.startswith(f"{item}.") for item in _NETWORK_MODULES) or _NETWORK_CALLS.match(callee(node)):
        return True
    return any(
        word.arg in _NETWORK_WORDS and isinstance(word.value, ast.Constant) and word.value.value is True
        for word in node.keywords
    )
