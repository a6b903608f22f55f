"""Scripts that look like the project's training program, by their name, their place and what they do."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from mlagent_app.repo.sources import Script, Sources

# Files looked at, and of those the ones that are taken apart: names that promise something come first.
MAX_READ = 400
MAX_PARSED = 60
SKIPPED = frozenset(
    "tests test testing docs doc examples example notebooks notebook tools ci .github .ci build dist third_party vendor"
    " external deploy deployment archive old legacy deprecated migrations".split()
)
_NAMES = {
    "train": 30.0, "train_model": 29.0, "training": 28.0, "run_training": 28.0, "main": 26.0, "finetune": 26.0, "run": 25.0,
    "fit": 25.0, "run_experiment": 25.0, "experiment": 24.0, "experiments": 23.0, "__main__": 22.0, "pipeline": 20.0,
    "pretrain": 20.0, "baseline": 18.0, "solution": 18.0, "cross_validate": 18.0, "cv": 16.0, "trainer": 16.0,
    "classifier": 14.0, "model": 12.0,
}  # fmt: skip
_OTHER = tuple(
    "predict infer serve app api demo download plot visual preprocess prepare make_ export convert setup conftest sweep tune"
    " utils helper config settings data dataset generate".split()
)
_EVALUATION = ("eval", "evaluate", "evaluation", "test", "score", "validate")


@dataclass(frozen=True, slots=True)
class ScriptCandidate:
    """A command that starts a script, and why it may be the one."""

    command: str
    source: str
    why: str
    score: float


def script_candidates(sources: Sources) -> list[ScriptCandidate]:
    """Commands for the scripts and modules of the project that do something when they are started."""
    found = [candidate for path in _likely(sources) if (candidate := _candidate(path, sources)) is not None]
    return [*found, *_with_evaluation(found, sources)]


def _likely(sources: Sources) -> list[str]:
    """The Python files worth reading: not too deep, names that promise something first."""
    paths = [path for path in sources.files if path.endswith(".py") and path.count("/") <= 4 and not _is_skipped(path)]
    paths.sort(key=lambda path: (-_NAMES.get(_stem(path), 0.0), path.count("/"), path))
    return list(islice((path for path in paths[:MAX_READ] if sources.may_act(path)), MAX_PARSED))


def _candidate(path: str, sources: Sources) -> ScriptCandidate | None:
    script = sources.script(path)
    if script is None or not script.acts or path.endswith("/__init__.py"):
        return None
    stem = _stem(path)
    score, why = (
        25.0 + _NAMES.get(stem, 14.0 if "train" in stem else 0.0),
        [f"the name {stem}" if stem in _NAMES else "it runs"],
    )
    if stem not in _NAMES and "train" not in stem and any(stem.startswith(other) for other in _OTHER):
        score -= 25.0
    if any(stem.startswith(word) for word in _EVALUATION):
        score -= 10.0
    score -= 3.0 * _depth(path, sources)
    reached = sources.closure([path], None, 40)
    trains, reports = sources.trains(reached), sources.reports(reached)
    score += (10.0 if trains else -8.0) + (6.0 if reports else -4.0) + (3.0 if script.guarded else 0.0)
    why += [words for words, holds in (("it trains", trains), ("it reports a score", reports)) if holds]
    if not (trains or reports) and stem not in _NAMES:
        score -= 15.0
    if script.needs:
        score -= 35.0
        why.append(f"but it wants {', '.join(script.needs[:3])}")
    command = _command(path, script, sources)
    return ScriptCandidate(command, path, ", ".join(why), max(score, 1.0))


def _command(path: str, script: Script, sources: Sources) -> str:
    """`python -m package.module` for a module that imports its own package, `python path` for anything else."""
    module = _module(path, sources)
    if module and (script.relative or path.endswith("__main__.py")):
        return f"python -m {module.removesuffix('.__main__')}"
    return f"python {_quoted(path)}"


def _module(path: str, sources: Sources) -> str:
    """The dotted name of a file inside a package; empty for a file in a plain directory."""
    parts = path.removesuffix(".py").split("/")
    start = 1 if len(parts) > 2 and parts[0] == "src" and "src/__init__.py" not in sources.known else 0
    inner = parts[start:]
    if len(inner) < 2:
        return ""
    return ".".join(inner) if all(part.isidentifier() for part in inner) else ""


def _with_evaluation(found: list[ScriptCandidate], sources: Sources) -> Iterator[ScriptCandidate]:
    """A training script that shows no score, and beside it one that does: both, one after the other."""
    for candidate in found:
        path = candidate.source
        script = sources.script(path)
        if "train" not in _stem(path) or script is None or script.needs or sources.reports(sources.closure([path], None, 40)):
            continue
        directory = path.rpartition("/")[0]
        for other in found:
            stem = _stem(other.source)
            beside = other.source.rpartition("/")[0] == directory and stem in _EVALUATION
            partner = sources.script(other.source)
            if beside and partner and not partner.needs and sources.reports(sources.closure([other.source], None, 40)):
                why = "the first trains and shows no score, the second shows it"
                both = f"{candidate.command} && {other.command}"
                yield ScriptCandidate(both, f"{path} and {other.source}", why, candidate.score + 5.0)
                return


def _depth(path: str, sources: Sources) -> int:
    """How deep a file lies; `src` and the one package of the project do not count."""
    parts = path.split("/")[:-1]
    if parts[:1] == ["src"]:
        parts = parts[1:]
    if parts and (f"{parts[0]}/__init__.py" in sources.known or f"src/{parts[0]}/__init__.py" in sources.known):
        parts = parts[1:]
    return len(parts)


def _is_skipped(path: str) -> bool:
    *directories, name = path.lower().split("/")
    if name in ("setup.py", "conftest.py", "noxfile.py", "versioneer.py", "manage.py") or name.startswith("test_"):
        return True
    return bool(set(directories) & SKIPPED) or name.endswith("_test.py")


def _stem(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".py").lower()


def _quoted(path: str) -> str:
    return shlex.quote(path)
