"""`init`, `report`, `apply`, `revert`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from mlagent_app.agent import events as ev
from mlagent_app.agent.errors import UserError
from mlagent_app.agent.events import Event
from mlagent_app.agent.quantities import plural
from mlagent_app.journal import read
from mlagent_app.report.wording import visible
from mlagent_app.session import offline


def write_config(project: Path, *, force: bool) -> None:
    """`mlagent init`: write mlagent.toml from what is detected; never over an existing one unless told."""
    from mlagent_app.config import write_toml
    from mlagent_app.plan import prepare
    from mlagent_app.repo.listing import list_project
    from mlagent_app.repo.project import open_project

    opened = open_project(project)
    target = opened.root / "mlagent.toml"
    if target.exists() and not force:
        raise UserError("there is an mlagent.toml already", where=str(target), how="edit it, or replace it with --force")
    plan = prepare(opened.root, list_project(opened).paths, {})
    target.write_text(write_toml(plan), "utf-8")
    console = Console(highlight=False)
    console.print(f"wrote {escape(str(target))}", soft_wrap=True)
    console.print(f"  command  {escape(plan.command)}  [dim]({escape(plan.command_source)})[/]", soft_wrap=True)
    console.print(f"  python   {escape(str(plan.python))}  [dim]({escape(plan.python_source)})[/]", soft_wrap=True)
    metric = plan.metric.name if plan.metric else "found in the first run's output"
    console.print(f"  metric   {escape(metric)}", soft_wrap=True)


def write_report(session: str, output: Path | None) -> None:
    """`mlagent report`: `report.html` and `report.md`, in the session's directory or where `output` says."""
    from mlagent_app.report import summarise, to_html, to_markdown

    paths = offline.choose(session)
    records, _ = read(paths.journal)
    summary = summarise([record.event for record in records])
    directory = output or paths.directory
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in (("report.html", to_html(summary)), ("report.md", to_markdown(summary))):
        (directory / name).write_text(text, "utf-8")
        print(directory / name)


def land_steps(session: str, steps: Sequence[int], *, commit: bool) -> None:
    """`mlagent apply`."""
    paths = offline.choose(session)
    count = offline.land(paths, steps, _say, commit=None if commit else False)
    print(f"{plural(count, 'step')} landed in {paths.read_plan()['project']}")


def revert_step(session: str, step: int) -> None:
    """`mlagent revert`."""
    offline.revert(offline.choose(session), step, _say)


def _say(event: Event) -> None:
    if isinstance(event, ev.Notice) and event.detail:
        print(visible(event.detail, lines=True), file=sys.stderr)  # the error that follows says what it is
    if isinstance(event, ev.Landed | ev.Reverted):
        verb = "landed" if isinstance(event, ev.Landed) else "reverted"
        where = f"commit {event.commit[:10]}" if event.commit else "no commit"
        print(f"step {event.step} {verb}: {', '.join(event.files) or 'no file of the project'} ({where})")
        if event.note:
            print(f"  {event.note}")
