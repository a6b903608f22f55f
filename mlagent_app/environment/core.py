"""The environment's step: edit -> run -> metric -> reward."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
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
from mlagent_app.agent.chat import OnText
from mlagent_app.agent.metrics import MetricSpec
from mlagent_app.agent.reward import Case, Reference, Reward, Version
from mlagent_app.editors.base import Edit
from mlagent_app.editors.catalogue import Catalogue
from mlagent_app.editors.llm import EditorFailed, LLMEditor
from mlagent_app.environment.dependencies import ImportRule
from mlagent_app.environment.editing import Editing
from mlagent_app.environment.measure import Bench, Hooks, Measurement
from mlagent_app.environment.observe import clip, inspect_lines, list_files, outline
from mlagent_app.environment.prepared import Prepared
from mlagent_app.environment.versions import Versions
from mlagent_app.repo.texts import TextFile, decode


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
    `editor` carries out the instructions of edits and reads files, instead of the catalogue and the outline by rule; `imports`
    says which new imports a free-form edit may make.
    """

    def __init__(
        self,
        snapshot: Versions,
        bench: Bench,
        editable: Sequence[str],
        protected: Sequence[str],
        version: Version = "v1",
        *,
        editor: LLMEditor | None = None,
        imports: ImportRule | None = None,
    ) -> None:
        self.bench = bench
        self.spec: MetricSpec | None = None
        self.reference: Reference | None = None
        self._snapshot = snapshot
        self._editable = tuple(editable)
        self._protected = frozenset(protected)
        self._version: Version = version
        self._catalogue = Catalogue()
        self._editor = editor
        self._editing = Editing(snapshot, self._catalogue, self._protected, imports or ImportRule(), editor)
        self._cache: tuple[str, dict[str, TextFile], list[Edit]] | None = None

    @property
    def protected(self) -> tuple[str, ...]:
        return tuple(sorted(self._protected))

    def texts(self, commit: str) -> dict[str, str]:
        """The editable files of a commit as text."""
        return {path: file.text for path, file in self._load(commit)[1].items()}

    def edits(self, commit: str, past: Collection[str] = ()) -> list[Edit]:
        """Every catalogue edit that applies to a commit, save those that lead back to one of the `past` commits.

        What those come to is known: a run would be wasted on them.
        """
        _, files, edits = self._load(commit)
        return [edit for edit in edits if not (past and self._leads_back(commit, edit, files[edit.file], past))]

    def _leads_back(self, commit: str, edit: Edit, file: TextFile, past: Collection[str]) -> bool:
        try:
            content = file.encode(edit.apply(file.text))
        except UnicodeEncodeError:
            return False
        return self._snapshot.leads_back(commit, edit.file, content, past)

    def prepare(
        self,
        action: Action | InvalidAction,
        base: str,
        *,
        family: str = "",
        cancel: threading.Event | None = None,
        on_text: OnText | None = None,
    ) -> Prepared:
        """Carry out `action` on `base`, short of running the command. Nothing that a policy can get wrong raises.

        `on_text` gets what an editor's model writes. Raises `Cancelled` soon after `cancel` is set while that model is asked,
        and `UserError` (exit 4) when it cannot be reached.
        """
        stop = cancel or threading.Event()
        match action:
            case EditScript():
                done = self._editing.edit(action, base, self._load(base)[1], self.spec, stop, on_text)
            case InvalidAction():
                done = Prepared("Invalid", base, base, invalid=action.message)
            case CopyFile():
                done = self._editing.copy(action, base, self._load(base)[1])
            case ExecuteScript():
                done = Prepared(action.NAME, base, base, file=action.script_name, runs=True)
            case FinalAnswer():
                done = Prepared(action.NAME, base, base, instruction=action.final_answer)
            case _:
                done = self._look(action, base, stop, on_text)
        return replace(done, family=done.family or family, invalid=clip(done.invalid))

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

    def _look(
        self,
        action: ListFiles | InspectScriptLines | UnderstandFile,
        base: str,
        cancel: threading.Event,
        on_text: OnText | None,
    ) -> Prepared:
        if isinstance(action, ListFiles):
            listing = list_files(self._snapshot.files(base), action.dir_path)
            invalid = "" if listing is not None else f"there is no directory {action.dir_path}"
            return Prepared(action.NAME, base, base, file=action.dir_path, observation=listing or "", invalid=invalid)
        path = action.script_name if isinstance(action, InspectScriptLines) else action.file_name
        content = self._snapshot.texts(base, (path,)).get(path)
        file = None if content is None else decode(path, content)
        done = Prepared(action.NAME, base, base, file=path)
        if file is None:
            return replace(done, invalid=f"there is no text file {path}")
        if isinstance(action, InspectScriptLines):
            shown = inspect_lines(file.text, action.start_line_number, action.end_line_number)
            return replace(done, observation=shown)
        if self._editor is None:
            return replace(done, observation=outline(path, file.text))
        try:
            answer = self._editor.summary(path, file.text, action.things_to_look_for, cancel, on_text)
        except EditorFailed as error:
            return replace(done, invalid=str(error), usage=error.usage)
        return replace(done, observation=clip(answer.text), usage=answer.usage)


def _case(prepared: Prepared, measurement: Measurement | None) -> tuple[Case, str]:
    """Which row of eq. 6 applies, and the feedback that goes with it."""
    if prepared.invalid:
        return "invalid", prepared.invalid
    if measurement is None:
        return "no_edit", prepared.observation
    result, case = measurement.result, "edit"
    if result.outcome == "infrastructure" or measurement.outdated:
        case = "infrastructure"
    elif result.outcome in ("timeout", "out_of_memory") or result.disk_full:
        case = "corner"
    elif measurement.reading is None:
        case = "error"
    elif prepared.commit == prepared.base:
        case = "no_edit"
    said = measurement.message or (measurement.reading.text.strip()[:200] if measurement.reading else "")
    return case, clip(said)
