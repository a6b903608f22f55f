"""Edits and copies: who carries an instruction out, what is refused, and what is flagged."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace

from mlagent_app.agent.actions import CopyFile, EditScript
from mlagent_app.agent.chat import OnText
from mlagent_app.agent.errors import UserError
from mlagent_app.agent.metrics import MetricSpec
from mlagent_app.chat.quoting import visible
from mlagent_app.editors.base import NoSuchEdit
from mlagent_app.editors.catalogue import Catalogue
from mlagent_app.editors.dependencies import imported
from mlagent_app.editors.guards import copy_refusal, edit_refusal, syntax_problem
from mlagent_app.editors.honesty import flags
from mlagent_app.editors.llm import EditorFailed, LLMEditor
from mlagent_app.editors.patch import PatchError, apply_patch
from mlagent_app.environment.dependencies import ImportRule
from mlagent_app.environment.prepared import Prepared
from mlagent_app.environment.versions import Versions
from mlagent_app.repo.paths import check_path
from mlagent_app.repo.texts import TextFile


class Editing:
    """Carries out `Edit Script` and `Copy File` on commits of `versions`.

    A patch is applied as it is. An instruction is the editor's when there is one, else the catalogue's. What is free-form, a
    patch or an editor's work, may not import what the project does not have (see `ImportRule`).
    """

    def __init__(
        self,
        versions: Versions,
        catalogue: Catalogue,
        protected: frozenset[str],
        imports: ImportRule,
        editor: LLMEditor | None,
    ) -> None:
        self._versions = versions
        self._catalogue = catalogue
        self._protected = protected
        self._imports = imports
        self._editor = editor

    def edit(
        self,
        action: EditScript,
        base: str,
        files: Mapping[str, TextFile],
        spec: MetricSpec | None,
        cancel: threading.Event,
        on_text: OnText | None,
    ) -> Prepared:
        """The edit as a commit on `base`, whose editable files are `files`; an invalid action when it cannot be made.

        Raises `Cancelled` and `UserError` where the editor's model does.
        """
        sources = {path: file.text for path, file in files.items()}
        failed = Prepared(action.NAME, base, base, action.edit_instruction or "patch", action.script_name)
        changed, done = self._changed(action, sources, failed, cancel, on_text)
        if done.invalid:
            return done
        problem = edit_refusal(changed, sources, self._protected)
        if not problem and not self._is_of_the_catalogue(action):
            problem = self._imports.refusal(self._versions, base, sources, sources | changed)
        if problem:
            return replace(done, invalid=problem)
        try:
            contents: dict[str, bytes | None] = {path: files[path].encode(new) for path, new in changed.items()}
        except UnicodeEncodeError as error:
            return replace(done, invalid=str(error))
        prepared = self._committed(done, contents)
        if prepared.invalid or spec is None:
            return replace(prepared, runs=not prepared.invalid)
        return replace(prepared, flags=flags(prepared.diff, sources, sources | changed, spec), runs=True)

    def copy(self, action: CopyFile, base: str, files: Mapping[str, TextFile]) -> Prepared:
        """The copy as a commit on `base`; an invalid action when there is nothing to copy or it would take another's place."""
        done = Prepared(action.NAME, base, base, file=action.source)
        source, target = _plain(action.source), _plain(action.destination)
        content = self._versions.texts(base, (source,)).get(source)
        if content is None:
            return replace(done, invalid=f"there is no file {action.source}")
        try:
            check_path(target)
        except UserError as error:
            return replace(done, invalid=f"{action.destination} cannot be written: {error.what}")
        modules = frozenset[str]().union(*(imported(path, file.text) for path, file in files.items()))
        if problem := copy_refusal(target, self._versions.files(base), self._protected, modules):
            return replace(done, invalid=problem)
        done = replace(done, instruction=f"copy {source} to {target}", family="copy")
        prepared = self._committed(done, {target: content})
        return prepared if prepared.invalid else replace(prepared, observation=f"wrote {target}")

    def _changed(
        self,
        action: EditScript,
        sources: Mapping[str, str],
        done: Prepared,
        cancel: threading.Event,
        on_text: OnText | None,
    ) -> tuple[dict[str, str], Prepared]:
        """The new texts, and the action with what making them took, or with why they cannot be made."""
        path = _plain(action.script_name)
        try:
            if action.patch:
                return apply_patch(action.patch, sources, default_file=path), done
            if self._editor is None:
                edit = self._catalogue.resolve(action.edit_instruction, dict(sources))
                done = replace(done, family=edit.family, undo=self._catalogue.way_back(edit, sources))
                return {edit.file: edit.apply(sources[edit.file])}, done
            if path not in sources or path in self._protected:
                return {path: ""}, done  # refused like any other edit of such a file, before a model is asked
            instruction = action.edit_instruction
            made = self._editor.edit(
                path, sources[path], instruction, cancel, on_text, problem=lambda new: syntax_problem(path, new)
            )
            return {path: made.text}, replace(done, usage=made.usage)
        except (PatchError, NoSuchEdit) as error:
            return {}, replace(done, invalid=str(error))
        except EditorFailed as error:
            return {}, replace(done, invalid=str(error), usage=error.usage)

    def _is_of_the_catalogue(self, action: EditScript) -> bool:
        return not action.patch and self._editor is None

    def _committed(self, done: Prepared, contents: Mapping[str, bytes | None]) -> Prepared:
        """The action with its commit and its diff, or with why the private repository does not take it."""
        try:
            commit = self._versions.commit_edit(done.base, contents, visible(done.instruction))
        except UserError as error:
            return replace(done, invalid=error.line())
        return replace(done, commit=commit, file=min(contents), diff=self._versions.diff(done.base, commit))


def _plain(path: str) -> str:
    """The path without `./` before it."""
    while path.startswith("./"):
        path = path[2:]
    return path
