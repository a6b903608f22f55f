"""The environment's step: edit -> run -> metric -> reward."""

from __future__ import annotations

import ast
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlagent_app.agent import reward as rewards
from mlagent_app.agent.actions import (
    Action,
    CopyFile,
    EditScript,
    ExecuteScript,
    FinalAnswer,
    InspectScriptLines,
    InvalidAction,
    ListFiles,
    UnderstandFile,
)
from mlagent_app.agent.metrics import MetricSpec
from mlagent_app.agent.reward import Case, Reference, Reward, Version
from mlagent_app.editors.base import Edit, NoSuchEdit
from mlagent_app.editors.catalogue import Catalogue
from mlagent_app.editors.honesty import flags
from mlagent_app.editors.patch import PatchError, apply_patch
from mlagent_app.environment.measure import Bench, Hooks, Measurement
from mlagent_app.environment.observe import inspect_lines, list_files, outline
from mlagent_app.environment.versions import Versions
from mlagent_app.repo.texts import TextFile, decode


@dataclass(frozen=True, slots=True)
class Prepared:
    """An action, carried out as far as it goes without running anything.

    `commit` differs from `base` when files change. `observation` answers an action that only looks; `invalid` says what was
    expected of an action that cannot be done. `runs`: the project's command is to be run on `commit`.
    """

    action: str
    base: str
    commit: str
    instruction: str = ""
    file: str = ""
    family: str = ""
    diff: str = ""
    flags: tuple[str, ...] = ()
    observation: str = ""
    invalid: str = ""
    runs: bool = False


@dataclass(frozen=True, slots=True)
class StepResult:
    """What one step came to: f_t+1 and r_t."""

    prepared: Prepared
    measurement: Measurement | None
    reward: Reward
    feedback: str


class Environment:
    """Carries out actions on commits of a snapshot. Holds no session state: the caller says which commit is meant.

    `editable` and `protected` are paths of the snapshot. `spec` and `reference` may be set once the baseline is known.
    """

    def __init__(
        self, snapshot: Versions, bench: Bench, editable: Sequence[str], protected: Sequence[str], version: Version = "v1"
    ) -> None:
        self.bench = bench
        self.spec: MetricSpec | None = None
        self.reference: Reference | None = None
        self._snapshot = snapshot
        self._editable = tuple(editable)
        self._protected = frozenset(protected)
        self._version: Version = version
        self._catalogue = Catalogue()
        self._cache: tuple[str, dict[str, TextFile], list[Edit]] | None = None

    @property
    def protected(self) -> tuple[str, ...]:
        return tuple(sorted(self._protected))

    def texts(self, commit: str) -> dict[str, str]:
        """The editable files of a commit as text."""
        return {path: file.text for path, file in self._load(commit)[1].items()}

    def edits(self, commit: str) -> list[Edit]:
        """Every catalogue edit that applies to a commit."""
        return self._load(commit)[2]

    def prepare(self, action: Action | InvalidAction, base: str, *, family: str = "") -> Prepared:
        """Carry out `action` on `base`, short of running the command. Never raises for what a policy can get wrong."""
        if isinstance(action, EditScript):
            return self._edit(action, base, family)
        match action:
            case InvalidAction():
                done = Prepared("Invalid", base, base, invalid=action.message)
            case CopyFile():
                done = self._copy(action, base)
            case ExecuteScript():
                done = Prepared(action.NAME, base, base, file=action.script_name, runs=True)
            case FinalAnswer():
                done = Prepared(action.NAME, base, base, instruction=action.final_answer)
            case _:
                done = self._look(action, base)
        return done

    def measure(self, commit: str, step: int, repeat: int, cancel: threading.Event, hooks: Hooks | None = None) -> Measurement:
        """Run the project's command on `commit`."""
        log_path = self.bench.log_path(step, repeat)
        return self.bench.measure(commit, self.spec, log_path, cancel, protected=self.protected, hooks=hooks)

    def score(self, prepared: Prepared, before: float, measurement: Measurement | None) -> tuple[Reward, str]:
        """The reward of a step (eq. 6) and the feedback that the policy reads. `before` is m_t."""
        case, feedback = _case(prepared, measurement)
        value = measurement.value if measurement else None
        if case == "edit" and value is not None and self.spec and self.reference:
            return rewards.edit_reward(self.spec, self.reference, before, value, self._version), feedback
        return rewards.constant(case, self._version), feedback

    def step(self, action: Action | InvalidAction, base: str, before: float, index: int) -> StepResult:
        """One whole step from `base`, whose metric is `before`: prepare, measure, score."""
        prepared = self.prepare(action, base)
        measurement = None
        if prepared.runs:
            measurement = self.measure(prepared.commit, index, 0, threading.Event())
        reward, feedback = self.score(prepared, before, measurement)
        return StepResult(prepared, measurement, reward, feedback)

    def _load(self, commit: str) -> tuple[str, dict[str, TextFile], list[Edit]]:
        if self._cache is None or self._cache[0] != commit:
            contents = self._snapshot.texts(commit, self._editable)
            files = {path: text for path, content in contents.items() if (text := decode(path, content))}
            edits = [
                edit
                for edit in self._catalogue.enumerate({path: file.text for path, file in files.items()})
                if edit.file not in self._protected
            ]
            self._cache = (commit, files, edits)
        return self._cache

    def _edit(self, action: EditScript, base: str, family: str) -> Prepared:
        text = action.edit_instruction or "patch"
        _, files, _ = self._load(base)
        sources = {path: file.text for path, file in files.items()}
        try:
            if action.patch:
                changed = apply_patch(action.patch, sources, default_file=action.script_name)
            else:
                edit = self._catalogue.resolve(action.edit_instruction, sources)
                changed, family = {edit.file: edit.apply(sources[edit.file])}, edit.family
        except (PatchError, NoSuchEdit) as error:
            return Prepared(action.NAME, base, base, text, action.script_name, family, invalid=str(error))
        problem = self._refusal(changed, sources)
        if problem:
            return Prepared(action.NAME, base, base, text, action.script_name, family, invalid=problem)
        try:
            contents: dict[str, bytes | None] = {path: files[path].encode(new) for path, new in changed.items()}
        except UnicodeEncodeError as error:
            return Prepared(action.NAME, base, base, text, action.script_name, family, invalid=str(error))
        prepared = self._commit(action.NAME, base, contents, text, family)
        raised = flags(prepared.diff, sources, sources | changed, self.spec) if self.spec else ()
        return replace(prepared, flags=tuple(raised), runs=True)

    def _refusal(self, changed: dict[str, str], sources: dict[str, str]) -> str:
        """Why these new texts may not be written; empty when they may."""
        for path, new in changed.items():
            if path in self._protected:
                return f"{path} is protected and cannot be edited"
            if path not in sources:
                return f"{path} is not among the editable files"
            if path.endswith(".py"):
                try:
                    ast.parse(new)
                except (SyntaxError, ValueError) as error:
                    return f"{path} would no longer parse: {error}"
        if all(sources[path] == new for path, new in changed.items()):
            return "the edit changes nothing"
        return ""

    def _copy(self, action: CopyFile, base: str) -> Prepared:
        content = self._snapshot.texts(base, (action.source,)).get(action.source)
        target = action.destination.removeprefix("./")
        outside = target.startswith(("/", ".git/")) or ".." in target.split("/")
        invalid = ""
        if content is None:
            invalid = f"there is no file {action.source}"
        elif outside or target in self._protected or not target:
            invalid = f"{action.destination} cannot be written"
        if invalid or content is None:
            return Prepared(action.NAME, base, base, file=action.source, invalid=invalid)
        prepared = self._commit(action.NAME, base, {target: content}, f"copy {action.source} to {target}", "copy")
        return replace(prepared, observation=f"wrote {target}")

    def _commit(self, name: str, base: str, contents: dict[str, bytes | None], text: str, family: str) -> Prepared:
        commit = self._snapshot.commit_edit(base, contents, text)
        return Prepared(name, base, commit, text, min(contents), family, self._snapshot.diff(base, commit))

    def _look(self, action: ListFiles | InspectScriptLines | UnderstandFile, base: str) -> Prepared:
        if isinstance(action, ListFiles):
            listing = list_files(self._snapshot.files(base), action.dir_path)
            invalid = "" if listing is not None else f"there is no directory {action.dir_path}"
            return Prepared(action.NAME, base, base, file=action.dir_path, observation=listing or "", invalid=invalid)
        path = action.script_name if isinstance(action, InspectScriptLines) else action.file_name
        content = self._snapshot.texts(base, (path,)).get(path)
        file = None if content is None else decode(path, content)
        if file is None:
            return Prepared(action.NAME, base, base, file=path, invalid=f"there is no text file {path}")
        if isinstance(action, InspectScriptLines):
            shown = inspect_lines(file.text, action.start_line_number, action.end_line_number)
        else:
            shown = outline(path, file.text)
        return Prepared(action.NAME, base, base, file=path, observation=shown)


def _case(prepared: Prepared, measurement: Measurement | None) -> tuple[Case, str]:
    """Which row of eq. 6 applies, and the feedback that goes with it."""
    if prepared.invalid:
        return "invalid", prepared.invalid
    if measurement is None:
        return "no_edit", prepared.observation
    result, case = measurement.result, "edit"
    if result.outcome == "infrastructure":
        case = "infrastructure"
    elif result.outcome in ("timeout", "out_of_memory") or result.disk_full:
        case = "corner"
    elif measurement.reading is None:
        case = "error"
    elif prepared.commit == prepared.base:
        case = "no_edit"
    return case, measurement.message or (measurement.reading.text.strip()[:200] if measurement.reading else "")
