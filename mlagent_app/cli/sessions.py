"""`mlagent sessions`."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Sequence
from pathlib import Path

import typer
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from mlagent_app.agent import events as ev
from mlagent_app.agent.errors import UserError
from mlagent_app.journal import read
from mlagent_app.session import lessons, offline, store

# More columns than any row has.
_WIDE = 100_000


def show_list(project: Path | None) -> None:
    """A table of all sessions, or of one project's."""
    infos = store.listing(project.resolve() if project else None)
    if not infos:
        print("no sessions yet; start one with: mlagent run PROJECT")
        return
    table = Table(box=None, pad_edge=False)
    # The id is copied and searched for, so it stays on one line; whatever has less room than it needs is folded, never cut.
    table.add_column("session", no_wrap=True, overflow="fold")
    for column in ("project", "started", "state", "steps", "metric", "baseline", "best"):
        table.add_column(column, justify="right" if column in ("steps", "baseline", "best") else "left", overflow="fold")
    for item in infos:
        started = time.strftime("%Y-%m-%d %H:%M", time.localtime(item.started)) if item.started else "?"
        table.add_row(
            item.id, item.project, started, item.state, str(item.steps), item.metric, _number(item.baseline), _number(item.best)
        )
    console = Console(highlight=False)
    if not console.is_terminal:  # one line a session, for `grep` and the like
        console.width = max(console.width, Measurement.get(console, console.options.update(max_width=_WIDE), table).maximum)
    console.print(table)


def show_one(session: str) -> None:
    """The steps of one session."""
    from mlagent_app.report import summarise, to_table

    records, _ = read(offline.choose(session).journal)
    Console(highlight=False).print(to_table(summarise([record.event for record in records])))


def export(session: str, output: Path) -> None:
    """`<id>.jsonl` (one event a line, with its time) and a directory of diffs, one a step."""
    paths = offline.choose(session)
    records, _ = read(paths.journal)
    diffs = output / f"{paths.id}-diffs"
    diffs.mkdir(parents=True, exist_ok=True)
    target = output / f"{paths.id}.jsonl"
    with target.open("w", encoding="utf-8") as file:
        for record in records:
            file.write(json.dumps({"seq": record.seq, "time": record.time, **ev.to_json(record.event)}) + "\n")
            if isinstance(record.event, ev.ActionProposed) and record.event.diff:
                (diffs / f"{record.event.step:04d}.diff").write_text(record.event.diff, "utf-8", errors="surrogateescape")
    print(target)
    print(diffs)


def export_for_training(session: str, output: Path) -> None:
    """`session-ID.json` for `mlagent-train --from-sessions`. `all`: of every session, but for those without a step."""
    everything = session == "all"
    chosen = [store.find(item.id) for item in store.listing()] if everything else [offline.choose(session)]
    written = 0
    for paths in chosen:
        try:
            offline.refuse_if_busy(paths)
            target, steps = lessons.write(paths, output)
        except UserError as error:
            if not everything:
                raise
            typer.echo(f"left out {paths.id}: {error.line()}", err=True)
            continue
        written += 1
        print(target)
        typer.echo(f"{steps} step{'s' if steps != 1 else ''}", err=True)
    if not written:
        raise UserError("there is no session with a decided step", how="start one: mlagent-tui PROJECT")
    typer.echo(f"learn from them with: mlagent-train sft --from-sessions {shlex.quote(str(output))}", err=True)


def remove(sessions: Sequence[str], *, yes: bool) -> None:
    """Delete sessions after asking once. A session that a process works on is refused."""
    chosen = [store.find(session) for session in sessions]
    if not yes and not typer.confirm(f"Delete {', '.join(paths.id for paths in chosen)}?"):
        raise UserError("nothing was deleted")
    for paths in chosen:
        offline.refuse_if_busy(paths)
        store.delete(paths)
        print(f"deleted {paths.id}")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
