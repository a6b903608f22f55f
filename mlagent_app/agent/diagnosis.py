"""Why a run failed, in one line, from the end of its log."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

MAX_LINE = 300
FILE_TOO_LARGE = "the run wrote a file larger than it may: raise [limits] file_mb in mlagent.toml"

_EXCEPTION = re.compile(
    r"^(?:\w+\.)*(?P<kind>[A-Z]\w*(?:Error|Exception|Exit|Interrupt|Warning|Iteration|Missing\w*|Invalid\w*))(?::\s*(?P<text>.*))?$"
)
_FRAME = re.compile(r'^\s*File "(?P<file>[^"]+)", line (?P<line>\d+)')
_LIBRARY = re.compile(r"site-packages|dist-packages|/lib/python\d|<frozen|<string>|<__array_function__")
# A file that is mounted cannot be replaced either: it is busy.
_REFUSED = re.compile(r"Read-only file system|Permission denied|Device or resource busy|File \S+ cannot be opened")
# What stands before a path of the project in the log of a run.
_WORKSPACE = re.compile(r"^(?:.*/workspace/|.*/work/[^/]+/|(?:\.{1,2}/)+)")
_ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")

# Names under which a module is installed, where pip knows it by another.
_PACKAGES: dict[str, str] = {
    module: package
    for module, _, package in (
        pair.partition("=")
        for pair in (
            "sklearn=scikit-learn cv2=opencv-python PIL=pillow yaml=pyyaml skimage=scikit-image bs4=beautifulsoup4 attr=attrs"
            " dotenv=python-dotenv dateutil=python-dateutil pkg_resources=setuptools hydra=hydra-core git=gitpython"
            " pytorch_lightning=pytorch-lightning sentence_transformers=sentence-transformers imblearn=imbalanced-learn"
            " ruamel=ruamel.yaml google.protobuf=protobuf torch_geometric=torch-geometric umap=umap-learn absl=absl-py"
        ).split()
    )
}


def likely_cause(log_tail: str, linked: Mapping[str, str] | None = None) -> str:
    """One line that names the cause of a failed run and how to mend it; empty when the log tells neither.

    `linked` are the paths of the project that the run saw read-only, and why.
    """
    lines = [_ESCAPE.sub("", line).rstrip() for line in log_tail.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    lines = _end([line for line in lines if line.strip()][-400:])
    for cause in (_read_only_link(lines, linked or {}), *(rule(lines) for rule in _RULES)):
        if cause:
            return " ".join(cause.split())[:MAX_LINE]
    return ""


def _end(lines: list[str]) -> list[str]:
    """The last traceback and what follows it, else the last lines: what was said earlier did not stop the run."""
    starts = [index for index, line in enumerate(lines) if "Traceback (most recent call last)" in line]
    return lines[starts[-1] :] if starts else lines[-60:]


def _missing_module(lines: list[str]) -> str:
    found = _last(
        r"(?:ModuleNotFoundError|ImportError): No module named ['\"]?([\w.]+)['\"]?|: No module named ([\w.]+)\s*$", lines
    )
    if not found:
        return ""
    module = found[1] or found[2]
    package = _PACKAGES.get(module) or _PACKAGES.get(module.partition(".")[0]) or module.partition(".")[0]
    return (
        f"the module {module!r} is not installed in the chosen environment: pip install {package} there, "
        "or choose another with [sandbox] python in mlagent.toml"
    )


def _import_name(lines: list[str]) -> str:
    found = _last(r"ImportError: cannot import name '([^']+)' from (?:partially initialized module )?'([^']+)'", lines)
    return f"{found[2]!r} has no {found[1]!r}: its version differs from the one the project was written for" if found else ""


def _library_file(lines: list[str]) -> str:
    found = _last(r"(?:ImportError|OSError): (\S+\.so[\w.]*): cannot open shared object file", lines)
    return f"the system library {found[1]} is missing: install it, or use an image that has it" if found else ""


def _memory(lines: list[str]) -> str:
    if _last(r"CUDA out of memory|OutOfMemoryError: CUDA|CUBLAS_STATUS_ALLOC_FAILED|CUDA error: out of memory", lines):
        return "the GPU is out of memory: lower the batch size or free the GPU"
    if _last(
        r"^MemoryError|numpy.*_ArrayMemoryError|Unable to allocate .* for an array|Cannot allocate memory|std::bad_alloc", lines
    ):
        return "out of memory: raise [limits] memory in mlagent.toml, or use less data"
    if _last(r"DefaultCPUAllocator: can't allocate memory|^Killed$|signal 9|SIGKILL", lines):
        return "out of memory: the process was killed; raise [limits] memory in mlagent.toml, or use less data"
    if _last(r"DataLoader worker .* (?:killed|exited unexpectedly)|unable to open shared memory object", lines):
        return "a DataLoader worker died: lower num_workers, or raise [limits] memory in mlagent.toml"
    return ""


def _disk(lines: list[str]) -> str:
    if _last(r"\[Errno 27\]|: File too large$|File size limit exceeded", lines):
        return FILE_TOO_LARGE
    if _last(r"No space left on device|Errno 28|Disk quota exceeded", lines):
        return "the disk is full, or /tmp, which holds 1 GiB in the sandboxes docker and bwrap: write less, or to the project"
    if _last(r"PytorchStreamWriter failed writing|inline_container.*(?:unexpected pos|file write failed)", lines):
        return f"PyTorch could not write a file: the disk is full, or {FILE_TOO_LARGE}"
    return ""


def _network(lines: list[str]) -> str:
    found = _last(
        r"Temporary failure in name resolution|Name or service not known|Failed to resolve|NameResolutionError"
        r"|Network is unreachable|Max retries exceeded with url|getaddrinfo failed|urlopen error|We couldn't connect to"
        r"|OfflineModeIsEnabled|LocalEntryNotFoundError",
        lines,
    )
    if not found:
        return ""
    return (
        "the run wanted the network, which is off: fetch the data before and name it in [project] copy, "
        "or set [sandbox] network = true in mlagent.toml"
    )


def _missing_file(lines: list[str]) -> str:
    found = _last(r"FileNotFoundError:.*?(?:No such file or directory|does not exist)[^'\"]*['\"]?([^'\"\]]*)", lines)
    if found and found[1].strip():
        return f"there is no file {found[1].strip()!r} in the run: if git ignores it, name it in [project] copy in mlagent.toml"
    found = _last(r"can't open file '([^']+)'", lines) or _last(
        r"(?:No such file or directory|[Cc]annot find the path): ?'?([^']+)'?$", lines
    )
    return (
        f"there is no file {found[1]!r} in the run: name the command with --command, or the file in [project] copy"
        if found
        else ""
    )


def _command(lines: list[str]) -> str:
    found = _last(r"(?:sh|bash|make)?:? ?(?:line )?\d*:? ?([\w./-]+): (?:command )?not found", lines)
    if found:
        return f"the command {found[1]!r} is not found in the sandbox: install it, or name another with --command"
    found = _last(r"No rule to make target '([^']+)'", lines)
    return f"the Makefile has no target {found[1]!r}" if found else ""


def _read_only_link(lines: list[str], linked: Mapping[str, str]) -> str:
    """The link that a write was refused for."""
    for line in reversed(lines):
        for word in re.split(r"[\s'\"(),]+", line) if _REFUSED.search(line) else ():
            named = _WORKSPACE.sub("", word.rstrip(":"))
            for path, why in linked.items():
                # The command may work in a directory below.
                if named and (f"{named}/".startswith(f"{path}/") or path.endswith(f"/{named}")):
                    how = f"have it write elsewhere, or move {path!r} out of the project"
                    return f"a run cannot write to {path!r}, which is linked read-only ({why}): {how}"
    return ""


def _permission(lines: list[str]) -> str:
    found = _last(
        r"(?:PermissionError.*?|)(?:Permission denied|Read-only file system|Operation not permitted):? ?'?([^']*)'?$", lines
    )
    if not found:
        return ""
    return f"no permission to write {found[1].strip() or 'there'!r}: a run may only write inside the project and /tmp"


def _syntax(lines: list[str]) -> str:
    found = _last(r"^(?:Syntax|Indentation|Tab)Error: (.*)", lines)
    return f"syntax error{_place(lines)}: {found[1]}" if found else ""


def _usage(lines: list[str]) -> str:
    found = _last(
        r"error: (?:the following arguments are required|argument .* is required|unrecognized arguments|argument .*): ?(.*)",
        lines,
    )
    if found:
        return f"{found[0]}: give them in [project] command in mlagent.toml, or with --command"
    found = _last(r"(?:Error: )?Missing (?:option|argument) (['\"].*)", lines)
    return f"missing {found[1]}: give it in [project] command in mlagent.toml, or with --command" if found else ""


def _gpu(lines: list[str]) -> str:
    found = _last(
        r"Torch not compiled with CUDA enabled|No CUDA GPUs are available|Found no NVIDIA driver"
        r"|CUDA driver version is insufficient",
        lines,
    )
    return (
        f"no GPU in the run ({found[0]}): set [limits] gpus = 1 in mlagent.toml, or run the project on the CPU" if found else ""
    )


def _exception(lines: list[str]) -> str:
    """The last exception, with the last line of the project that it went through."""
    for index in range(len(lines) - 1, -1, -1):
        found = _EXCEPTION.match(lines[index].strip())
        if (
            found
            and (not lines[index].startswith((" ", "\t")) or index == len(lines) - 1)
            and not found["kind"].endswith("Warning")
        ):
            return f"{lines[index].strip()}{_place(lines[:index])}"
    return ""


def _place(lines: list[str]) -> str:
    """` (file:line)` of the last traceback frame, of the project's own where there is one; empty without a traceback."""
    frames = [found for line in lines[-80:] if (found := _FRAME.match(line))]
    own = [found for found in frames if not _LIBRARY.search(found["file"])] or frames
    if not own:
        return ""
    return f" ({_WORKSPACE.sub('', own[-1]['file'])}:{own[-1]['line']})"


def _last(pattern: str, lines: list[str]) -> re.Match[str] | None:
    compiled = re.compile(pattern)
    return next((found for line in reversed(lines) if (found := compiled.search(line.strip()))), None)


_RULES: tuple[Callable[[list[str]], str], ...] = (
    _missing_module, _library_file, _import_name, _syntax, _memory, _disk, _gpu, _network, _usage, _missing_file, _command,
    _permission, _exception,
)  # fmt: skip
