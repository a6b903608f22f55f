"""The plan of a session that goes on: what may be given anew, and what stays as it was when the session began."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace

from mlagent_app.agent.errors import UserError
from mlagent_app.config import Settings, load
from mlagent_app.plan import Plan, limits_of
from mlagent_app.repo.commands import with_search_path
from mlagent_app.repo.listing import list_project
from mlagent_app.repo.project import Project
from mlagent_app.repo.sources import Sources
from mlagent_app.session import store
from mlagent_app.session.models import with_whole_paths
from mlagent_app.session.store import SessionPaths

# What a continued session may be given anew. Of these, whether to commit is read from the settings too: it has no flag.
CHANGEABLE = ("session.steps", "session.minutes", "session.approve", "session.commit")
# The flags whose name is not the end of their key.
_FLAGS = {"policy.kind": "--policy", "sandbox.kind": "--sandbox", "metric.name": "--metric"}


def reopened(stored: Plan, project: Project, paths: SessionPaths, flags: Mapping[str, object], *, apply: bool) -> Plan:
    """The stored plan with what this call gives anew. Raises `UserError` for a flag that would change what is fixed.

    `flags` are command-line settings by their key in `mlagent.toml`. `apply` is this call's alone: a session that landed its
    steps does not go on to do so unasked.
    """
    given = {key: value for key, value in flags.items() if value is not None}
    for key in sorted(given.keys() - set(CHANGEABLE)):
        _refuse_change(key, given[key], stored, project, paths)
    settings, origin = load(project.root, {key: given[key] for key in given.keys() & set(CHANGEABLE)})
    session = settings.session
    return replace(
        stored,
        apply=apply,
        notices=(*stored.notices, *_kept_limits(stored, settings, origin)),
        steps=session.steps if "session.steps" in given else stored.steps,
        minutes=session.minutes if "session.minutes" in given else stored.minutes,
        approve=session.approve if "session.approve" in given else stored.approve,
        commit=session.commit if origin["session.commit"] != "default" else stored.commit,
    )


def _kept_limits(stored: Plan, settings: Settings, origin: Mapping[str, str]) -> tuple[str, ...]:
    """What is said of limits that are set otherwise now: what was measured under the earlier ones goes on to count."""
    began, given = asdict(stored.limits), asdict(limits_of(settings))
    names = {"seconds": "minutes_per_run", "memory_mb": "memory"}
    keys = {name: names.get(name, name) for name in began}
    changed = [key for name, key in keys.items() if began[name] != given[name] and origin[f"limits.{key}"] != "default"]
    if not changed:
        return ()
    return (f"[limits] {', '.join(changed)} stays as it was when the session began; start a new session for another",)


def _refuse_change(key: str, given: object, stored: Plan, project: Project, paths: SessionPaths) -> None:
    began = _began_with(stored, paths).get(key)
    if given == began or _meant(key, given, stored, project) == began:
        return
    flag = _FLAGS.get(key, f"--{key.rpartition('.')[2].replace('_', '-')}")
    was = "without it" if began in (None, "") else f"with {began}"
    raise UserError(
        f"{flag} {given} cannot be given to a session that began {was}",
        where=paths.id,
        how=f"start a new session, without --continue or --resume, or leave out {flag}",
    )


def _began_with(plan: Plan, paths: SessionPaths) -> dict[str, object]:
    """What is fixed of a session, as far as a command line can name it."""
    found = store.info(paths) if plan.metric is None else None
    return {
        "project.command": plan.command,
        "metric.name": plan.metric.name if plan.metric else found.metric if found else "",
        "metric.target": plan.metric_target,
        "sandbox.kind": plan.sandbox,
        "policy.kind": plan.policy,
        "policy.model": plan.model,
        "policy.endpoint": plan.endpoint,
        "session.seed": plan.seed,
    }


def _meant(key: str, given: object, plan: Plan, project: Project) -> object:
    """What a flag comes to in a plan: a command with its search path, a model's directory as a whole path."""
    if key == "project.command":
        return with_search_path(str(given).strip(), Sources(project.root, list_project(project).paths))
    if key == "policy.model":
        # A flag's path is relative to the current directory.
        return with_whole_paths(replace(plan, model=str(given), sources={})).model
    return given
