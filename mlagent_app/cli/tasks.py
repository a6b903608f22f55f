"""`mlagent tasks`."""

from __future__ import annotations

import contextlib
import json
import shlex
import sys
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.console import Console
from rich.table import Table

from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.verify import overview
from tasks.errors import TaskError
from tasks.suite import find, suite

if TYPE_CHECKING:
    from mlagent_app.verify.findings import TaskReport
    from mlagent_app.verify.workshop import Kind
    from sandbox.runner import RunnerName
    from tasks.schema import Split, TaskSpec

WIDEST = 132
SHOWN = ("task", "split", "kind", "metric", "rows", "reference", "headroom", "noise")


@contextlib.contextmanager
def suite_errors() -> Generator[None]:
    """What can be wrong with tasks, and the lack of the packages they need, as the one-line error of the app."""
    try:
        yield
    except TaskError as error:
        raise UserError(error.what, where=error.where, how=error.how) from None
    except ImportError as error:
        raise UserError(f"the task suite needs {error.name}", how="pip install 'ml-agent[tasks]'") from None


def show_list(split: Split | None, format_: Literal["text", "json", "markdown"]) -> None:
    """All tasks, or those of one split."""
    with suite_errors():
        specs = [spec for spec in suite().values() if split in (None, spec.split)]
    if format_ != "text":
        print(overview.as_json(specs) if format_ == "json" else overview.markdown(specs))
        return
    table = Table(box=None, pad_edge=False)
    for name in SHOWN:
        table.add_column(name, justify="right" if name in ("rows", "reference", "headroom", "noise") else "left", no_wrap=True)
    for spec in specs:
        row = dict(zip(overview.COLUMNS, overview.cells(spec), strict=True))
        row["metric"] = f"{spec.metric.name} {'↑' if spec.metric.direction == 'max' else '↓'}"
        table.add_row(*(row[name] for name in SHOWN))
    # A row that a narrow terminal wraps is easier to read than one whose cells are cut.
    Console(highlight=False, width=max(Console().width, WIDEST)).print(table)


def show_one(task: str) -> None:
    """One task at length."""
    with suite_errors():
        print(overview.at_length(find(task)))


def prepare(task: str, raw: Path) -> None:
    """Check the real data of a task and keep it."""
    with suite_errors():
        spec = find(task)
        from mlagent_app.verify.realdata import take_in

        kept, examples = take_in(spec, raw)
    print(f"{spec.id}: {examples:,} labelled examples, kept in {kept}")


@dataclass(frozen=True, slots=True)
class Order:
    """What `verify` was asked to do."""

    tasks: Sequence[str]
    kinds: Sequence[Kind]
    quick: bool = False
    thorough: bool = False
    write: bool = False
    as_json: bool = False


def verify(order: Order) -> int:
    """Verify tasks; 0 when all is as it should be, else 1."""
    if order.quick and order.write:
        raise UserError("--quick measures too little to be written down", how="leave out --quick or --write")
    with suite_errors():
        specs = [find(task) for task in order.tasks] or list(suite().values())
        reports = _reports(order, specs)
    if order.as_json:
        good = all(report.ok for report in reports)
        print(json.dumps({"ok": good, "tasks": [report.to_json() for report in reports]}, indent=1))
    else:
        _summarise(reports)
    return Exit.OK if all(report.ok for report in reports) else 1


def _reports(order: Order, specs: Sequence[TaskSpec]) -> list[TaskReport]:
    from mlagent_app.verify.record import record
    from mlagent_app.verify.verification import SEEDS, Scope, verify
    from mlagent_app.verify.workshop import workshop
    from sandbox.runner import SandboxError

    reports: list[TaskReport] = []
    began = time.monotonic()
    try:
        with workshop(order.kinds) as shop:
            attacked = _attacked(order, specs, shop.quickest)
            scope = Scope(shlex.join(["mlagent", *sys.argv[1:]]), order.quick, 1 if order.quick else SEEDS, attacked)
            for number, spec in enumerate(specs, 1):
                print(f"[{number}/{len(specs)}, {time.monotonic() - began:.0f} s] {spec.id}", file=sys.stderr, flush=True)
                report = verify(spec, shop, scope)
                reports.append(report)
                if not order.as_json:
                    _print(report)
                if order.write and report.measured and report.ok:
                    print(f"wrote {record(spec, report.measured)}", file=sys.stderr)
    except SandboxError as error:
        raise UserError(error.what, how=error.how, code=Exit.NO_SANDBOX) from None
    return reports


def _attacked(order: Order, specs: Sequence[TaskSpec], quickest: RunnerName) -> dict[str, list[RunnerName]]:
    """Where each task is attacked: one task of each kind, or with `thorough` all, in every sandbox; others where it is quick.

    What an attack can reach depends on the sandbox, not on the task; what the ids and the files of a task give away does not
    depend on the sandbox.
    """
    everywhere: list[RunnerName] = list(dict.fromkeys([*order.kinds, quickest]))
    first = {spec.kind: spec.id for spec in reversed(specs)}
    return {
        spec.id: everywhere if order.thorough or (first[spec.kind] == spec.id and not order.quick) else [quickest]
        for spec in specs
    }


def _print(report: TaskReport) -> None:
    for each in report.findings:
        print(f"{report.spec.id:<42} {each.check:<10} {'ok    ' if each.ok else 'FAILED'} {each.detail}", flush=True)
        for problem in each.problems:
            print(f"    {problem}", flush=True)


def _summarise(reports: Sequence[TaskReport]) -> None:
    failed = [report for report in reports if not report.ok]
    count = f"{len(reports)} task{'s' if len(reports) != 1 else ''}"
    if not failed:
        print(f"{count}: all is well")
        return
    print(f"{count}, {len(failed)} with failures:")
    for report in failed:
        for each in report.findings:
            for problem in each.problems:
                print(f"  {report.spec.id}: {each.check}: {problem}")
