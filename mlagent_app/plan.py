"""The plan: everything a session needs to know, settled before it starts and kept with it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from mlagent_app.agent.errors import UserError
from mlagent_app.agent.events import Approve
from mlagent_app.agent.metrics import Direction, MetricSpec, direction_of
from mlagent_app.agent.reward import Version
from mlagent_app.config import SandboxKind, Settings, load, memory_mb
from mlagent_app.repo.commands import with_search_path
from mlagent_app.repo.detect import Detection, detect
from mlagent_app.repo.sources import Sources


@dataclass(frozen=True, slots=True)
class PlanLimits:
    """What one run may take. Seconds of wall time, mebibytes of memory, of output and of each file that it writes."""

    seconds: float = 600.0
    memory_mb: int = 4096
    cpus: float = 2.0
    pids: int = 256
    output_mb: int = 16
    file_mb: int = 10240
    gpus: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be run, measured, edited and decided, and where each of it comes from.

    `metric` is None while it is to be found in the first run; `metric_direction` and `metric_target` are then what the user
    said about it. `notes` is the text of AGENTS.md for the policy, `notices` what a person should know about what was found.
    `command_candidates` are (command, source) pairs, the chosen one first. `sources` says for every `section.key` of the
    settings where it comes from. `dockerfile` and `requirements` are relative to the project; empty strings stand for nothing.
    `task` is the variant of a task of the suite that the project is: its metric is the host's grade.
    """

    project: Path
    command: str
    command_source: str
    python: Path
    python_source: str
    metric: MetricSpec | None = None
    metric_source: str = ""
    metric_direction: Direction | None = None
    metric_target: float | None = None
    editable: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    copy: tuple[str, ...] = ()
    allow_new_imports: bool = False
    limits: PlanLimits = field(default_factory=PlanLimits)
    sandbox: SandboxKind = "auto"
    image: str = ""
    dockerfile: str = ""
    requirements: str = ""
    network: bool = False
    policy: str = "embedded"
    model: str = ""
    endpoint: str = ""
    api_key_env: str = ""
    timeout_seconds: float = 300.0
    context_tokens: int | None = None
    prompt_price: float | None = None
    completion_price: float | None = None
    editor: str = "catalogue"
    adapter: str = ""
    quantization: str = ""
    vllm_python: str = ""
    vllm_port: int = 8000
    constrained: bool = False
    editor_endpoint: str = ""
    editor_model: str = ""
    editor_api_key_env: str = ""
    steps: int = 10
    minutes: float | None = None
    approve: Approve = "run"
    commit: bool = True
    apply: bool = False
    seed: int = 0
    reward: Version = "v1"
    notes: str = ""
    notices: tuple[str, ...] = ()
    command_candidates: tuple[tuple[str, str], ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict[str, str])
    demo: bool = False
    task: str = ""

    def to_json(self) -> dict[str, Any]:
        """The plan as plain JSON values."""
        return {**dataclasses.asdict(self), "project": str(self.project), "python": str(self.python)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Plan:
        """The plan that `to_json` wrote, also after a real JSON round trip. Raises `UserError` when it is not one."""
        try:
            fields: dict[str, Any] = {key: _tuples(value) for key, value in data.items()}
            fields |= {"project": Path(data["project"]), "python": Path(data["python"])}
            fields["limits"] = PlanLimits(**data["limits"])
            fields["metric"] = MetricSpec(**data["metric"]) if data["metric"] is not None else None
            return cls(**fields)
        except (KeyError, TypeError) as error:
            raise UserError("the plan of the session cannot be read", where=str(error), how="start a new session") from None


def prepare(root: Path, files: Sequence[str], flags: Mapping[str, object]) -> Plan:
    """Settle everything about the project at `root`: settings, command, Python, metric. Nothing of the project is run.

    `files` are its files, relative with forward slashes; `flags` map `section.key` to what the command line gave. Raises
    `UserError` when the project has no Python, no command is found, a setting is wrong or a named Python is of no use.
    """
    settings, origin = load(root, flags)
    command = settings.project.command.strip()
    if not command:
        _require_python(root, files)
    found = detect(root, files, python=settings.sandbox.python)
    command, source = _command(root, files, command, origin, found)
    task = settings.task.variant
    metric = _task_metric(task, settings) if task else _metric(settings, origin)
    return Plan(
        project=root,
        command=command,
        command_source=source,
        python=found.python.path,
        python_source=origin["sandbox.python"] if settings.sandbox.python else found.python.source,
        metric=metric,
        metric_source=_metric_source(settings, origin) if metric else "",
        metric_direction=settings.metric.direction,
        metric_target=settings.metric.target,
        editable=tuple(settings.project.editable),
        protected=tuple(settings.project.protected),
        copy=tuple(settings.project.copies),
        allow_new_imports=settings.project.allow_new_imports,
        limits=limits_of(settings),
        **_sandbox(root, settings),
        policy=settings.policy.kind,
        model=settings.policy.model,
        endpoint=settings.policy.endpoint,
        api_key_env=settings.policy.api_key_env,
        timeout_seconds=settings.policy.timeout_seconds,
        context_tokens=settings.policy.context_tokens,
        prompt_price=settings.policy.prompt_price,
        completion_price=settings.policy.completion_price,
        editor=settings.policy.editor,
        adapter=settings.policy.adapter,
        quantization=settings.policy.quantization,
        vllm_python=settings.policy.python,
        vllm_port=settings.policy.port,
        constrained=settings.policy.constrained,
        editor_endpoint=settings.policy.editor_endpoint,
        editor_model=settings.policy.editor_model,
        editor_api_key_env=settings.policy.editor_api_key_env,
        steps=settings.session.steps,
        minutes=settings.session.minutes,
        approve=settings.session.approve,
        commit=settings.session.commit,
        seed=settings.session.seed,
        reward=settings.session.reward,
        notes=_description(root) if task else found.notes,
        notices=found.notices,
        command_candidates=tuple((item.command, item.source) for item in found.commands),
        sources=origin,
        task=task,
    )


def _require_python(root: Path, files: Sequence[str]) -> None:
    if any(path.endswith((".py", ".sh")) for path in files):
        return
    notebooks = [path for path in files if path.endswith(".ipynb")]
    if notebooks:
        raise UserError(
            f"the project has only notebooks ({notebooks[0]}{' ...' if len(notebooks) > 1 else ''})",
            where=str(root),
            how=f"make a script of one: jupyter nbconvert --to script '{notebooks[0]}'",
        )
    what = "the directory is empty" if not files else "no Python in the project"
    raise UserError(what, where=str(root), how="name the directory of a machine-learning project")


def _command(root: Path, files: Sequence[str], given: str, origin: Mapping[str, str], found: Detection) -> tuple[str, str]:
    """The command and where it comes from."""
    if given:
        command = with_search_path(given, Sources(root, files))
        return command, "given with --command" if origin["project.command"] == "flag" else origin["project.command"]
    if found.commands:
        return found.commands[0].command, found.commands[0].source
    raise UserError(
        "no command was found that trains: searched AGENTS.md, the Makefile, pyproject.toml, the README, and the Python files "
        "for one that runs by itself",
        where=str(root),
        how='name it with --command "python ...", or as [project] command in mlagent.toml (mlagent init writes one)',
    )


def _metric(settings: Settings, origin: Mapping[str, str]) -> MetricSpec | None:
    """The metric that the settings name; None when it is to be found."""
    given = settings.metric
    name = given.name or (re.split(r"[./]", given.pattern)[-1] if given.pattern and given.source != "stdout" else "")
    if not name and given.pattern:
        name = "metric"
    if not name:
        if given.source != "stdout" or given.pick != "last":
            key = "source" if given.source != "stdout" else "pick"
            raise UserError(f"metric.{key} needs metric.name", where=origin[f"metric.{key}"], how="name the metric to be read")
        return None
    if given.pattern and given.source == "stdout":
        _check_pattern(given.pattern, origin["metric.pattern"])
    direction = given.direction or direction_of(name)
    if direction is None:
        raise UserError(
            f"the name {name!r} does not say whether higher or lower is better",
            where=origin["metric.name"],
            how='set [metric] direction = "max" or "min" in mlagent.toml, or MLAGENT_METRIC_DIRECTION',
        )
    return MetricSpec(name, direction, given.source, given.pattern, given.pick, given.target)


def _task_metric(variant: str, settings: Settings) -> MetricSpec:
    """The metric of a task's variant. Raises `UserError` for an unknown one, and where the suite's packages are missing."""
    if settings.metric.name:
        raise UserError("the metric of a task is its grader's", where="metric.name", how="leave out --metric")
    try:
        from tasks.errors import TaskError
        from tasks.suite import find
    except ImportError as error:
        raise UserError(f"the task suite needs {error.name}", how="pip install 'ml-agent[tasks]'") from None
    try:
        return find(variant.partition("@")[0]).metric.spec(settings.metric.target)
    except TaskError as error:
        raise UserError(error.what, where=error.where or "[task] variant", how=error.how) from None


def _description(root: Path) -> str:
    """What a task's project says about itself, for the policy."""
    path = root / "description.md"
    return path.read_text("utf-8", "replace") if path.is_file() else ""


def _metric_source(settings: Settings, origin: Mapping[str, str]) -> str:
    if settings.task.variant:
        return "the task's grader"
    return origin["metric.name"] if settings.metric.name else origin["metric.pattern"]


def _check_pattern(pattern: str, where: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise UserError(f"metric.pattern is no regular expression: {error}", where=where, how="correct it") from None


def limits_of(settings: Settings) -> PlanLimits:
    """The settings' part about what one run may take."""
    given = settings.limits
    return PlanLimits(
        seconds=60.0 * given.minutes_per_run,
        memory_mb=memory_mb(given.memory),
        cpus=given.cpus,
        pids=given.pids,
        output_mb=given.output_mb,
        file_mb=given.file_mb,
        gpus=given.gpus,
    )


def _sandbox(root: Path, settings: Settings) -> dict[str, Any]:
    """The sandbox's part of a plan. Raises `UserError` for a Dockerfile or requirements file that does not exist."""
    given = settings.sandbox
    for key, name in (("dockerfile", given.dockerfile), ("requirements", given.requirements)):
        if name and not (root / name).is_file():
            raise UserError(f"the file of [sandbox] {key} does not exist", where=str(root / name), how="correct its name")
    return {
        "sandbox": given.kind,
        "image": given.image,
        "dockerfile": given.dockerfile,
        "requirements": given.requirements,
        "network": given.network,
    }


def _tuples(value: object) -> object:
    """JSON's lists as tuples, at every depth outside of objects."""
    if isinstance(value, list | tuple):
        return tuple(_tuples(item) for item in cast("list[object]", value))
    return value
