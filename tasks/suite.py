"""The tasks that the package carries: found by id, all together, and never in two splits."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from tasks.errors import TaskError
from tasks.schema import Split, TaskSpec, load

FOLDERS: dict[Split, str] = {"held_in": "held_in", "held_out": "held_out", "family": "families"}


def root() -> Path:
    """The directory of this package. It must not be readable for a graded script: the generators and graders are here."""
    return Path(str(files("tasks")))


@lru_cache(maxsize=1)
def suite() -> dict[str, TaskSpec]:
    """Every task by its id: held-in, held-out, families, each in alphabetical order. Raises `TaskError`."""
    return collect(root())


def collect(base: Path) -> dict[str, TaskSpec]:
    """The tasks below `base`. Raises `TaskError` when one cannot be loaded or an id stands in two splits."""
    found: dict[str, TaskSpec] = {}
    for folder in FOLDERS.values():
        for path in sorted((base / folder).glob("*/task.toml")):
            spec = load(path.parent)
            if spec.id in found:
                raise TaskError(
                    f"the task {spec.id} is in two splits: {found[spec.id].split} and {spec.split}",
                    where=str(path.parent),
                    how="a task that is trained on cannot be judged on: remove one",
                )
            found[spec.id] = spec
    return found


def find(name: str) -> TaskSpec:
    """The task of that id, or of that directory. Raises `TaskError` with the nearest known id."""
    path = Path(name)
    if (path / "task.toml").is_file():
        return load(path.resolve())
    if name in suite():
        return suite()[name]
    from difflib import get_close_matches

    near = [known for known in suite() if known.startswith(name)] or get_close_matches(name, suite(), n=1, cutoff=0.4)
    raise TaskError(f"there is no task {name!r}", how=f"did you mean {near[0]}?" if near else "see: mlagent tasks list")
