"""Opening a project and running a session on it: what the command line and the screens share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Mapping
from dataclasses import asdict, replace
from pathlib import Path

from mlagent_app.agent import events as ev
from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.agent.events import Event
from mlagent_app.editors.llm import LLMEditor
from mlagent_app.environment.core import Environment
from mlagent_app.environment.dependencies import ImportRule
from mlagent_app.environment.judge import Judge
from mlagent_app.environment.measure import Bench
from mlagent_app.journal import Journal
from mlagent_app.plan import Plan, prepare
from mlagent_app.policies.base import Policy
from mlagent_app.repo.listing import list_project
from mlagent_app.repo.locks import project_lock, state_dir
from mlagent_app.repo.project import Project, open_project
from mlagent_app.repo.relevance import editable_files, protected_files
from mlagent_app.repo.snapshot import Snapshot
from mlagent_app.session import store
from mlagent_app.session.baseline import Baseline, NoBaseline
from mlagent_app.session.control import Controls
from mlagent_app.session.editor import make_editor
from mlagent_app.session.landing import Lander
from mlagent_app.session.models import with_whole_paths
from mlagent_app.session.numbering import another, newest
from mlagent_app.session.policy import policy_of
from mlagent_app.session.recorder import Recorder
from mlagent_app.session.reopening import reopened
from mlagent_app.session.runs import Stopped
from mlagent_app.session.session import Session
from mlagent_app.session.store import SessionPaths
from mlagent_app.session.taskproject import is_task, task_project
from mlagent_app.session.testscore import score_test
from mlagent_app.session.unsettled import refuse_unsettled
from sandbox.runner import Runner, SandboxError

# Of the files that were left out of the snapshot, in the journal and the report.
_LISTED = 50


class ProjectBackend:
    """One project, opened once, worked on once.

    `flags` are command-line settings by their key in `mlagent.toml` (`session.steps`); they win over every other source.
    `resume` is a session id, or `latest`. `demo` allows the local sandbox, for the bundled example only. `apply`: what this
    process accepts lands in the project. `confirm_metric`: a person is there to confirm which metric is meant.
    """

    def __init__(
        self,
        path: Path,
        flags: Mapping[str, object],
        *,
        resume: str = "",
        demo: bool = False,
        apply: bool = False,
        confirm_metric: bool = False,
    ) -> None:
        self._path = path
        self._flags = dict(flags)
        self._resume = resume
        self._demo = demo
        self._apply = apply
        self._confirm = confirm_metric
        self._project: Project | None = None
        self._paths: SessionPaths | None = None

    @property
    def session(self) -> str:
        """The session's id; empty before it has one."""
        return self._paths.id if self._paths else ""

    def open(self) -> Plan:
        """Look at the project and settle what is to be run. Changes nothing. Raises `UserError`."""
        self._project = open_project(self._path)
        if self._resume:
            return self._reopen(self._project)
        listing = list_project(self._project)
        plan = prepare(self._project.root, listing.paths, self._flags)
        return replace(with_whole_paths(plan), demo=self._demo, apply=self._apply)

    def _reopen(self, project: Project) -> Plan:
        """The plan of an earlier session, with what this call gives anew."""
        self._paths = store.latest(project.root) if self._resume == "latest" else store.find(self._resume)
        plan = Plan.from_json(self._paths.read_plan())
        if self._paths.project() != project.root:
            raise UserError(f"session {self.session} belongs to {plan.project}", how="leave out PROJECT, or name that one")
        return reopened(plan, project, self._paths, self._flags, apply=self._apply)

    def run(self, plan: Plan, emit: Callable[[Event], None], controls: Controls) -> Exit:
        """Run or go on with the session of `plan` until it ends. Raises `UserError` for what prevents its start."""
        project = self._project or open_project(plan.project)
        policy = policy_of(plan)
        editor = make_editor(plan, getattr(policy, "chat_model", None))
        with project_lock(project.root, self.session):
            if self._paths is None:
                refuse_unsettled(project.root)
            runner = choose_runner(plan, store.sessions_dir())
            paths = self._paths or store.new_session(plan.to_json())
            self._paths = paths
            journal = Journal(paths.journal)
            try:
                recorder = Recorder(journal, emit)
                return _Run(plan, project, paths, runner, (policy, editor), recorder, controls, self._confirm).to_the_end()
            finally:
                journal.close()
                store.prune()


class _Run:
    """One process's work on a session, from its first event to its last."""

    def __init__(
        self,
        plan: Plan,
        project: Project,
        paths: SessionPaths,
        runner: Runner,
        minds: tuple[Policy, LLMEditor | None],
        recorder: Recorder,
        controls: Controls,
        confirm_metric: bool,
    ) -> None:
        self._plan = plan
        self._project = project
        self._paths = paths
        self._runner = runner
        self._policy, self._editor = minds
        self._recorder = recorder
        self._controls = controls
        self._confirm = confirm_metric

    def to_the_end(self) -> Exit:
        """Emit everything from `SessionStarted` or `Resumed` to `SessionEnded`; the exit code."""
        self._begin()
        reason, code = "failed", Exit.OK
        try:
            judge = open_judge(self._plan)
            snapshot = self._snapshot()
            environment = self._environment(snapshot, judge)
            recorder, controls = self._recorder, self._controls
            Baseline(self._plan, environment, recorder, controls, confirm_metric=self._confirm).settle()
            lander = Lander(self._project, snapshot, self._plan, self._paths.id)
            reason = Session(self._plan, environment, self._policy, lander, recorder, controls).run()
            if reason != "stopped":
                score_test(environment.bench, recorder)
        except Stopped:
            reason = "stopped"
        except UserError as error:
            detail = error.detail if isinstance(error, NoBaseline) else ""
            self._recorder.emit(ev.Failed(message=error.line(), code=error.code, detail=detail))
            code = error.code
        best, step = self._recorder.progress.best
        progress = self._recorder.progress
        self._recorder.emit(
            ev.SessionEnded(
                reason=reason, steps=len(progress.steps), best=best, best_step=step, seconds=round(progress.active, 3)
            )
        )
        return code

    def _begin(self) -> None:
        plan, runner = self._plan, self._runner
        if self._recorder.progress.started is not None:
            self._recorder.emit(
                ev.Resumed(again=True, sandbox=runner.name, apply=plan.apply, steps=plan.steps, minutes=plan.minutes)
            )
            if plan.approve != self._recorder.progress.approve:
                self._recorder.emit(ev.ApproveChanged(approve=plan.approve))
            return
        self._recorder.emit(
            ev.SessionStarted(
                session=self._paths.id,
                project=str(plan.project),
                command=plan.command,
                command_source=plan.command_source,
                python=str(plan.python),
                policy=self._policy.name,
                sandbox=runner.name,
                sandbox_notes=runner.notes,
                metric=asdict(plan.metric) if plan.metric else None,
                approve=plan.approve,
                steps=plan.steps,
                minutes=plan.minutes,
                seed=plan.seed,
                reward=plan.reward,
                apply=plan.apply,
                commit=plan.commit,
            )
        )

    def _snapshot(self) -> Snapshot:
        """The private repository: made now, or the one that the journal speaks of."""
        if self._recorder.progress.snapshot is not None:
            snapshot = Snapshot.load(self._paths.directory)
            snapshot.restore_head(self._recorder.progress.head)
            return snapshot
        listing = list_project(self._project, copy=self._plan.copy, command=self._plan.command)
        snapshot = Snapshot.create(self._paths.directory, self._project, listing)
        files = snapshot.files(snapshot.base)
        plan = self._plan
        protected = protected_files(files, plan.command, plan.protected)
        written = [plan.metric.source.removeprefix("file:")] if plan.metric and plan.metric.source.startswith("file:") else []
        editable = editable_files(plan.project, files, plan.command, plan.editable, outputs=written)
        self._recorder.emit(
            ev.SnapshotTaken(
                commit=snapshot.base,
                files=len(files),
                size=listing.size,
                linked=tuple((link.target, link.why) for link in snapshot.links),
                left_out=tuple(snapshot.left_out[:_LISTED]),
                cut=max(0, len(snapshot.left_out) - _LISTED),
                editable=tuple(path for path in editable if path not in protected),
                protected=tuple(protected),
            )
        )
        return snapshot

    def _environment(self, snapshot: Snapshot, judge: Judge | None) -> Environment:
        taken = self._recorder.progress.snapshot
        if taken is None:
            raise RuntimeError("the snapshot is taken before the environment is made")
        bench = Bench(snapshot, self._runner, self._plan, self._paths.work, self._paths.runs, judge)
        bench.clear()
        plan = self._plan
        # What an image can import is not known here.
        inside = bool(plan.image or plan.dockerfile or plan.requirements)
        imports = ImportRule(None if inside else plan.python, plan.allow_new_imports)
        return Environment(snapshot, bench, taken.editable, taken.protected, plan.reward, editor=self._editor, imports=imports)


def resolve_project(path: Path | None, *, resume: str, demo: bool) -> Path:
    """The project directory that a call means; the current one when it names none. Raises `UserError` when it means two.

    The directory of a task means a project made of its standard variant, and `--demo` a copy of the bundled example: a new one
    under the state directory, or the newest when it goes on.
    """
    if demo:
        if path is not None:
            raise UserError("--demo brings its own project", how="leave out PROJECT, or leave out --demo")
        return _demo_copy(again=bool(resume))
    if resume and resume != "latest" and path is not None and is_task(path):
        path = None  # the session knows its project
    if path is not None:
        return task_project(str(path), again=bool(resume)) if is_task(path) else path
    if resume and resume != "latest":
        return store.find(resume).project()
    return Path()


def _demo_copy(*, again: bool) -> Path:
    from mlagent_app.bundled import copy_example

    home = state_dir() / "demo"
    if again and (last := newest(home)):
        return last / "digits"
    return copy_example("digits", another(home, "the demo's project") / "digits")


def open_judge(plan: Plan) -> Judge | None:
    """Who grades the runs of a task's project; None for any other project. Raises `UserError`."""
    if not plan.task:
        return None
    from mlagent_app.environment.taskjudge import TaskJudge, open_variant

    return TaskJudge(open_variant(plan.task))


def choose_runner(plan: Plan, near: Path) -> Runner:
    """The sandbox of a plan, tried with its Python. `near` is where workspaces will be. Raises `UserError` (exit 5)."""
    from sandbox.choose import Wanted, choose
    from sandbox.images import RuntimeSpec

    spec = RuntimeSpec("host")
    if plan.image:
        spec = RuntimeSpec("image", image=plan.image)
    elif plan.dockerfile:
        spec = RuntimeSpec("dockerfile", dockerfile=plan.project / plan.dockerfile)
    elif plan.requirements:
        spec = RuntimeSpec("requirements", requirements=plan.project / plan.requirements)
    if plan.task and plan.sandbox == "local":
        how = "choose docker or bwrap"
        raise UserError(
            "a task is not graded in the local sandbox: its labels could be read there", how=how, code=Exit.NO_SANDBOX
        )
    with sandbox_errors():
        return choose(plan.sandbox, runtime=spec, wanted=Wanted(plan.python, plan.project, near), allow_local=plan.demo)


@contextlib.contextmanager
def sandbox_errors() -> Generator[None]:
    """`SandboxError` as the one-line error of the app."""
    try:
        yield
    except SandboxError as error:
        raise UserError(error.what, how=error.how, code=Exit.NO_SANDBOX) from None
