"""The environment in the OpenEnv shape: `reset(task, variant, seed)`, `step(action)`, `state`.

An episode edits one variant of a task; files are held in memory, each edit is really run by the given runner and graded on the
host. An edit stays when it made the dev grade better and is undone otherwise, as in a session without a person. Training and
evaluation run on it.
"""

from __future__ import annotations

import math
import random
import sys
import tempfile
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mlagent_app.agent.actions import Action, EditScript, FinalAnswer, InvalidAction, parse
from mlagent_app.agent.cookbook import lengthened
from mlagent_app.agent.edits import Candidate
from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.agent.reward import Reference, Version
from mlagent_app.agent.state import State, Task, Turn
from mlagent_app.chat.tokens import estimate
from mlagent_app.editors.llm import LLMEditor
from mlagent_app.environment.core import Environment, StepResult
from mlagent_app.environment.dependencies import ImportRule
from mlagent_app.environment.detuning import detuned
from mlagent_app.environment.measure import Bench, Measurement
from mlagent_app.environment.states import SavedState, StateStore
from mlagent_app.environment.taskjudge import TaskJudge, open_variant, task_errors
from mlagent_app.environment.trial import COMMAND, reference_value
from mlagent_app.environment.versions import MemoryVersions
from mlagent_app.plan import Plan, PlanLimits
from mlagent_app.policies.openai import catalogue_conversation
from mlagent_app.repo.relevance import matches
from sandbox.runner import Runner
from sandbox.workdir import remove_tree
from tasks.building import Drawn
from tasks.suite import find, suite
from tasks.variant import SEEDS_PER_ROLE, draw

# The context of a model to which a text is told; the reply has a quarter of it.
CONTEXT_TOKENS = 16_384


@dataclass(frozen=True, slots=True)
class Observation:
    """What the policy gets to see: the feedback of the last step, the state, and the catalogue's edits not tried in it yet."""

    feedback: str
    state: State
    candidates: tuple[Candidate, ...]

    @property
    def text(self) -> str:
        """What a policy that writes is told in the app, for a context of `CONTEXT_TOKENS` estimated tokens."""
        return catalogue_conversation(self.state, self.candidates, CONTEXT_TOKENS, estimate)[-1].content


@dataclass(frozen=True, slots=True)
class Transition:
    """What a step came to. `reward` is None when the infrastructure failed; such a step is never trained on.

    `metadata` holds plain values: action, instruction, file, family, case, outcome, value (dev), delta, scale, kept, seconds,
    cached, flags, warnings, state_id.
    """

    observation: Observation
    reward: float | None
    done: bool
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EpisodeState:
    """Where an episode stands. `id` re-enters this very state: `reset(state_id=...)`. `seconds` is what a run took."""

    episode_id: str
    step_count: int
    task: str
    variant: str
    seed: int
    id: str
    value: float
    m_init: float
    m_best: float
    seconds: float | None = None


@dataclass(slots=True)
class _Episode:
    """The moving parts of one episode."""

    place: Path
    seed: int
    drawn: Drawn
    versions: MemoryVersions
    environment: Environment
    reference: Reference
    commit: str
    value: float
    seconds: float | None = None
    history: list[Turn] = field(default_factory=list[Turn])
    taken: int = 0
    done: bool = False


class TaskEnvironment:
    """Episodes on the variants of the task suite.

    `runner` runs the scripts; `work` is a directory for workspaces and logs. `store` keeps every state that was met, by id.
    `variants` is where drawn data is kept (the user's state directory by default). `editor` carries out the instructions of
    edits, instead of the catalogue. A run is cut off after `run_seconds`, or the variant's limit where that is less.
    """

    def __init__(
        self,
        runner: Runner,
        work: Path,
        *,
        max_steps: int = 10,
        reward: Version = "v1",
        store: StateStore | None = None,
        variants: Path | None = None,
        editor: LLMEditor | None = None,
        run_seconds: float = math.inf,
    ) -> None:
        self._runner = runner
        self._work = work
        self._max_steps = max_steps
        self._reward: Version = reward
        self._store = store
        self._variants = variants
        self._editor = editor
        self._run_seconds = run_seconds
        self._episode: _Episode | None = None

    def reset(
        self,
        task: str = "",
        variant: int | None = None,
        seed: int = 0,
        *,
        starter: str = "",
        detune: int = 0,
        state_id: str = "",
    ) -> Observation:
        """Begin an episode and measure its starter.

        Without a `task` one of the training tasks is drawn, without a `variant` one of its training variants, both by `seed`.
        `detune` of the starter's settings are moved first: the same ones, to the same values, whatever the `seed`. `state_id`
        enters a saved state instead. Raises `UserError`.
        """
        if state_id:
            if self._store is None:
                raise UserError("this environment keeps no states", how="give it a store")
            return self._enter(self._store.load(state_id), seed)
        with task_errors():
            rng = random.Random(seed)
            if not task:
                task = rng.choice([spec.id for spec in suite().values() if spec.split != "held_out"])
            number = rng.randrange(SEEDS_PER_ROLE) if variant is None else variant
            name = draw(find(task), number, starter=starter).id
        episode = self._begin(open_variant(name, self._variants), None, seed)
        if detune:
            texts = detuned(episode.environment.texts(episode.commit), detune, random.Random(f"{name}:{detune}"))
            contents = {path: text.encode() for path, text in texts.items()}
            episode.commit = episode.versions.commit_edit(episode.commit, contents, "detuned")
        measurement = self._measure_start(episode)
        assert measurement.value is not None
        episode.value, episode.seconds = measurement.value, measurement.result.seconds
        episode.reference = self._reference(episode.drawn, episode.value)
        episode.environment.reference = episode.reference
        return self._observe("")

    def step(self, action: Action | InvalidAction | str) -> Transition:
        """Carry out one action: an answer in the policy's grammar, or an action. Raises `UserError` before `reset`."""
        episode = self._running()
        if episode.done:
            raise UserError("the episode is over", how="call reset")
        if isinstance(action, str):
            _, action = parse(action)
        episode.taken += 1
        before, base = episode.value, episode.commit
        result = episode.environment.step(action, base, before, episode.taken)
        value = result.measurement.value if result.measurement else None
        edited = result.prepared.commit != base
        better = value is not None and TaskJudge(episode.drawn).spec.better(value, before)
        # A copied file is no edit and needs no run: it stays.
        kept = edited and (better or result.reward.case == "no_edit")
        turn = _turn(episode.taken, result, value, episode.seconds, kept=kept)
        if kept:
            episode.commit, episode.value = result.prepared.commit, before if value is None else value
            episode.seconds = result.measurement.result.seconds if result.measurement else episode.seconds
        episode.history.append(turn)
        episode.done = episode.taken >= self._max_steps or isinstance(action, FinalAnswer)
        return Transition(self._observe(result.feedback), result.reward.scalar, episode.done, self._metadata(result, kept))

    @property
    def state(self) -> EpisodeState:
        """Where the episode stands. Raises `UserError` before `reset`."""
        episode = self._running()
        saved = self._saved(episode)
        return EpisodeState(
            episode_id=episode.place.name,
            step_count=episode.taken,
            task=episode.drawn.spec.id,
            variant=episode.drawn.variant.id,
            seed=episode.seed,
            id=self._store.save(saved) if self._store else saved.id,
            value=episode.value,
            m_init=episode.reference.m_init,
            m_best=episode.reference.m_best,
            seconds=episode.seconds,
        )

    def test(self) -> float | None:
        """The grade of the files as they stand on the hidden test part: for the one report at the end, never for a reward."""
        episode = self._running()
        submission = episode.environment.bench.submission(episode.commit)
        if submission is None:  # a state that was entered again, or one with a copied file
            episode.environment.measure(episode.commit, episode.taken, 1, threading.Event())
            submission = episode.environment.bench.submission(episode.commit)
        return TaskJudge(episode.drawn).test(submission)

    def close(self) -> None:
        """End the episode; its workspaces and logs are removed."""
        if self._episode is not None:
            remove_tree(self._episode.place)
        self._episode = None

    def _running(self) -> _Episode:
        if self._episode is None:
            raise UserError("no episode has begun", how="call reset first")
        return self._episode

    def _begin(self, drawn: Drawn, files: dict[str, bytes] | None, seed: int) -> _Episode:
        self.close()
        self._work.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix="episode-", dir=self._work))
        work, runs = place / "work", place / "runs"
        work.mkdir()
        runs.mkdir()
        versions = MemoryVersions(files or drawn.workspace())
        plan = _plan(drawn, self._limit(drawn))
        judge = TaskJudge(drawn)
        bench = Bench(versions, self._runner, plan, work, runs, judge)
        paths = versions.files(versions.base)
        protected = [path for path in paths if matches(path, drawn.spec.files.protected)]
        editable = [path for path in paths if path not in protected and matches(path, drawn.spec.files.editable)]
        imports = ImportRule(Path(sys.executable))
        environment = Environment(versions, bench, editable, protected, self._reward, editor=self._editor, imports=imports)
        environment.spec = judge.spec
        self._episode = _Episode(place, seed, drawn, versions, environment, Reference(0.0, 0.0, ""), versions.base, 0.0)
        return self._episode

    def _limit(self, drawn: Drawn) -> float:
        """The seconds after which a run is cut off."""
        return min(drawn.limits.seconds, self._run_seconds)

    def _measure_start(self, episode: _Episode) -> Measurement:
        measurement = episode.environment.measure(episode.commit, 0, 0, threading.Event())
        if measurement.value is None:
            code = Exit.NO_SANDBOX if measurement.result.outcome == "infrastructure" else Exit.NO_METRIC
            raise UserError(f"the starter of {episode.drawn.variant.id} did not run: {measurement.message}", code=code)
        return measurement

    def _reference(self, drawn: Drawn, m_init: float) -> Reference:
        """m_best of this variant: its own reference, or the starter plus a share of the task's headroom where that is more."""
        value = reference_value(drawn, self._runner, self._work, seconds=self._run_seconds)
        return TaskJudge(drawn).reference(m_init, value)

    def _enter(self, saved: SavedState, seed: int) -> Observation:
        episode = self._begin(open_variant(saved.variant, self._variants), dict(saved.files), seed)
        episode.value, episode.seconds = saved.value, saved.seconds
        episode.reference = Reference(saved.m_init, saved.m_best, saved.m_best_source)
        episode.environment.reference = episode.reference
        episode.history = list(saved.history)
        episode.taken = len(saved.history)
        ended = bool(saved.history) and saved.history[-1].action == FinalAnswer.NAME
        episode.done = ended or episode.taken >= self._max_steps
        return self._observe(saved.history[-1].feedback if saved.history else "")

    def _saved(self, episode: _Episode) -> SavedState:
        return SavedState(
            variant=episode.drawn.variant.id,
            value=episode.value,
            m_init=episode.reference.m_init,
            m_best=episode.reference.m_best,
            m_best_source=episode.reference.source,
            files=episode.versions.contents(episode.commit),
            history=tuple(episode.history),
            seconds=episode.seconds,
        )

    def _observe(self, feedback: str) -> Observation:
        episode = self._running()
        spec = TaskJudge(episode.drawn).spec
        notes = episode.versions.contents(episode.versions.base).get("description.md", b"").decode("utf-8", "replace")
        task = Task(
            name=episode.drawn.spec.id,
            command=COMMAND,
            metric=spec,
            m_init=episode.reference.m_init,
            m_best=episode.reference.m_best,
            notes=notes,
        )
        state = State(
            task=task,
            value=episode.value,
            base=episode.commit,
            history=tuple(episode.history),
            files=episode.environment.texts(episode.commit),
            steps_left=max(0, self._max_steps - episode.taken),
            seconds=episode.seconds,
            limit=self._limit(episode.drawn),
        )
        tried, applicable = state.tried(), episode.environment.edits(episode.commit, state.met())
        edits = [edit for edit in applicable if (edit.instruction, edit.file) not in tried]
        candidates = tuple(Candidate(edit.instruction, edit.file, edit.family) for edit in edits)
        return Observation(feedback, state, candidates)

    def _metadata(self, result: StepResult, kept: bool) -> dict[str, Any]:
        prepared, measurement, reward = result.prepared, result.measurement, result.reward
        return {
            "action": prepared.action,
            "instruction": prepared.instruction,
            "file": prepared.file,
            "family": prepared.family,
            "case": reward.case,
            "outcome": measurement.result.outcome if measurement else "",
            "value": measurement.value if measurement else None,
            "delta": reward.delta,
            "scale": reward.scale,
            "kept": kept,
            "seconds": measurement.result.seconds if measurement else 0.0,
            "cached": measurement.result.cached if measurement else False,
            "flags": list(prepared.flags),
            "warnings": list(measurement.warnings) if measurement else [],
            "state_id": self.state.id,
        }


def edit_action(candidate: Candidate) -> EditScript:
    """The action that carries out a candidate."""
    return EditScript(candidate.file, candidate.instruction)


def _plan(drawn: Drawn, seconds: float) -> Plan:
    # A memory of runs takes the project's directory for a part of the inputs: it is the same for all who share the variants.
    limits = drawn.limits
    return Plan(
        project=drawn.store,
        command=COMMAND,
        command_source="task",
        python=Path(sys.executable),
        python_source="task",
        metric=drawn.spec.metric.spec(),
        limits=replace(PlanLimits(), seconds=seconds, memory_mb=limits.memory_mb, cpus=1.0, output_mb=4, file_mb=1024),
    )


def _turn(index: int, result: StepResult, value: float | None, before_seconds: float | None, *, kept: bool) -> Turn:
    prepared, measurement = result.prepared, result.measurement
    outcome = "invalid" if result.reward.case == "invalid" else measurement.result.outcome if measurement else "ok"
    if outcome == "ok" and measurement is not None and measurement.value is None:
        outcome = "no_metric"
    return Turn(
        index=index,
        action=prepared.action,
        instruction=prepared.instruction,
        file=prepared.file,
        family=prepared.family,
        outcome=outcome,
        value=value,
        reward=result.reward.scalar,
        delta=result.reward.delta,
        kept=kept,
        feedback=result.feedback,
        base=prepared.base,
        undo=prepared.undo,
        longer=lengthened(before_seconds, measurement.result.seconds, outcome) if measurement else None,
    )
