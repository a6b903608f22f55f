"""Commands that a README or AGENTS.md tells its readers to run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlagent_app.repo.activation import without_environment
from mlagent_app.repo.commandline import bare, is_python, parts, unwrap

_FENCE = re.compile(r"^\s*(```+|~~~+)\s*\{?\.?([\w+-]*)")
_SHELL = frozenset(
    {"", "bash", "sh", "shell", "console", "zsh", "shell-session", "terminal", "text", "cmd", "powershell", "none", "fish"}
)
_PROMPT = re.compile(r"^\s*(?:\([\w.-]+\)\s*)?(?:[\w.-]+@[\w.-]+[:~/\w.-]*)?(?:[$%>#]\s+|\$(?=\w))")
_DIRECTIVE = re.compile(r"^\s*\.\. (?:code-block|code|sourcecode)::\s*(?:bash|shell|sh|console)|::\s*$")
# Where a command's output goes, and that it goes on in the background: what it prints is to be read here.
_ELSEWHERE = re.compile(
    r"\s*(?:(?:[12]|&)?>>?\s*(?:&[12]|[\w./$~{}:-]+)|\|&?\s*tee(?:\s+-\w+)*\s+[\w./$~{}:-]+|(?<![&|])&)\s*$"
)
_INLINE = re.compile(r"`([^`\n]{3,200})`")
_LABELLED = re.compile(
    r"^\s*(?:[-*+]\s*|\d+\.\s*)?[*_]{0,2}(?:to\s+)?(?:run|train(?:ing)?|command|execute|experiments?|reproduce|measure|benchmark|start)\b"
    r"[^:`]{0,40}?:[*_]{0,2}\s*`?([^`]+?)`?\s*$",
    re.IGNORECASE,
)
_SKIPPED_MODULES = frozenset(
    "pip venv virtualenv pytest unittest ipykernel jupyter notebook http.server build black ruff mypy flake8 isort pylint twine"
    " nltk nltk.downloader spacy ensurepip pre_commit coverage pip_tools piptools streamlit".split()
)
_STARTERS = ("make", "bash", "sh", "torchrun", "accelerate")


@dataclass(frozen=True, slots=True)
class Written:
    """A command as it is written in a document: where, and whether in a block of its own. `block` counts the blocks."""

    command: str
    line: int
    block: int
    labelled: bool = False


def written_commands(text: str, scripts: Sequence[str] = ()) -> list[Written]:
    """The commands in code blocks (fenced, indented, reStructuredText), in `inline code` and after `Run:`; in their order.

    `scripts` are names of the project's console scripts. What only installs, downloads, tests or formats is left out.
    """
    found: list[Written] = []
    for line, block, content, labelled in _joined(_candidates(text)):
        command = _command(content, scripts)
        if command:
            found.append(Written(command, line, block, labelled))
    return _with_directories(found)


def _candidates(text: str) -> Iterator[tuple[int, int, str, bool]]:
    """(line, block, content, labelled) of every line that may hold a command. Block 0 is running text."""
    fence, shell, block, directive = "", False, 0, False
    for number, line in enumerate(text.splitlines(), 1):
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1][:3] == fence):
            shell, block = mark[2].lower() in _SHELL, block + (not fence)
            fence = "" if fence else mark[1][:3]
        elif fence:
            if shell:
                yield number, block, line, False
        elif labelled := _LABELLED.match(line):
            yield number, 0, labelled[1], True
        elif line.startswith(("    ", "\t")) and (directive or _PROMPT.match(line) or line.strip().startswith("python")):
            yield number, block, line, False
        else:
            if line.strip():
                directive, block = _DIRECTIVE.search(line) is not None, block + 1
            for inline in _INLINE.finditer(line):
                yield number, 0, inline[1], False


def _joined(lines: Iterator[tuple[int, int, str, bool]]) -> Iterator[tuple[int, int, str, bool]]:
    """The same with lines that end in a backslash joined to the next."""
    held = ""
    start = 0
    for number, block, content, labelled in lines:
        start = start if held else number
        whole = f"{held} {content.strip()}" if held else content
        if whole.rstrip().endswith("\\"):
            held = whole.rstrip().rstrip("\\").rstrip()
            continue
        held = ""
        yield start, block, whole, labelled


def _command(content: str, scripts: Sequence[str]) -> str:
    """The command of a line without prompt and comment; empty when it is none that could train."""
    line = re.sub(r"\s+#.*$", "", _PROMPT.sub("", content)).strip().lstrip("!").rstrip(";").strip()
    line = without_environment(_shown(line))
    if not line or len(line) > 500:
        return ""
    simple = parts(line)
    kept = [words for words in simple if not _prepares(words)]
    if not kept or not any(_runs(words, scripts) for words in kept) or not all(_runs(w, scripts) or w[0] == "cd" for w in kept):
        return line if len(simple) == 1 and simple[0][0] == "cd" and len(simple[0]) == 2 else ""
    return line if len(kept) == len(simple) else " && ".join(" ".join(words) for words in kept)


def _shown(line: str) -> str:
    """A command that prints, where the document's one writes its output to a file or to `tee`."""
    while (shorter := _ELSEWHERE.sub("", line)) != line:
        line = shorter
    return line


def _prepares(words: Sequence[str]) -> bool:
    """Whether a command only prepares: installs, activates, clones, makes directories."""
    return (
        words[0] in ("pip", "pip3", "source", ".", "conda", "git", "mkdir", "export", "wget", "curl", "unzip", "tar")
        and not (unwrap(words)[1])
    )


def _runs(words: Sequence[str], scripts: Sequence[str]) -> bool:
    rest = bare(words)
    if not rest:
        return False
    rest, wrapper = unwrap(rest)
    if not rest or any(word in ("--help", "-h", "--version") for word in rest):
        return False
    if is_python(rest[0]):
        after = [word for word in rest[1:] if word not in ("-u", "-O", "-W", "ignore", "-B")]
        if len(after) > 1 and after[0] == "-m":
            return after[1] not in _SKIPPED_MODULES and after[1].partition(".")[0] not in ("pip", "nltk", "spacy", "jupyter")
        return (
            bool(after)
            and after[0].endswith(".py")
            and after[0].rpartition("/")[2] not in ("setup.py", "manage.py", "conftest.py")
        )
    if rest[0] in _STARTERS:
        return len(rest) > 1 or rest[0] == "make"
    return (
        rest[0] in scripts
        or (rest[0].startswith("./") and rest[0].endswith((".sh", ".py")))
        or bool(wrapper and rest[0] in scripts)
    )


def _with_directories(found: list[Written]) -> list[Written]:
    """Put a `cd` that stands on its own line before the commands of its block."""
    kept: list[Written] = []
    directory, block = "", -1
    for item in found:
        if item.block != block:
            directory, block = "", item.block
        if re.fullmatch(r"cd \S+", item.command):
            directory = item.command if item.block else ""
        else:
            kept.append(Written(f"{directory} && {item.command}", item.line, item.block, item.labelled) if directory else item)
    return kept
