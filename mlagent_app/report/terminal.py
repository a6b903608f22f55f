"""A session as a table for the terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from mlagent_app.agent.summary import StepSummary, Summary
from mlagent_app.report.wording import aim, decision, gain, number, percent, signed, times_noise, visible, without_gain

# Short words for narrow terminals.
OUTCOMES = {"infrastructure": "sandbox", "out_of_memory": "memory"}
STYLES = {"kept": "green", "kept in part": "yellow", "reverted": "yellow", "refused": "dim", "skipped": "dim"}


def to_table(summary: Summary) -> Table:
    """The steps, with the baseline above them and the outcome as caption. Nothing in it is read as markup."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1), collapse_padding=True)
    table.title, table.title_justify, table.title_style = _title(summary), "left", "bold"
    table.caption, table.caption_justify, table.caption_style = _caption(summary), "left", ""
    table.add_column("step", justify="right", no_wrap=True)
    table.add_column("edit", overflow="fold", min_width=16)
    table.add_column("outcome")
    for header in ("metric", "gain", "reward", "time"):
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("decision", no_wrap=True)
    if summary.baseline is not None:
        value = Text(number(summary.baseline.value))
        table.add_row("0", Text("baseline", style="dim"), "ok", value, "", "", _seconds(summary.baseline.seconds), "")
    files = {step.proposed.file for step in summary.steps if step.proposed.file}
    for step in summary.steps:
        table.add_row(*_row(summary, step, with_file=len(files) > 1))
    return table


def _row(summary: Summary, step: StepSummary, *, with_file: bool) -> tuple[Text | str, ...]:
    word = decision(step)
    style = STYLES.get(word, "")
    best = step.index == summary.best_step
    file = f"  {visible(step.proposed.file)}" if with_file else ""
    flags = Text(f"\n! {visible('; '.join(step.proposed.flags))}", style="yellow") if step.proposed.flags else Text()
    return (
        str(step.index),
        Text.assemble((visible(step.title), "bold" if best else ""), (file, "dim"), flags),
        Text(visible(OUTCOMES.get(step.outcome, step.outcome).replace("_", " "))),
        Text(number(step.value), style="bold" if best else ""),
        signed(gain(summary, step)),
        "-" if step.reward is None else f"{step.reward:.3f}",
        _seconds(step.seconds),
        Text(word, style=style),
    )


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s"


def _title(summary: Summary) -> Text:
    started = summary.started
    if started is None:
        return Text("no session")
    return Text(visible(f"{started.session}, policy {started.policy}, sandbox {' then '.join(summary.sandboxes)}"))


def _caption(summary: Summary) -> Text:
    best, baseline, metric = summary.best, summary.baseline, summary.metric
    if best is None or baseline is None or metric is None:
        return Text("no baseline was measured")
    name = visible(metric.name)
    if not best.step:
        return Text(f"{name} {number(baseline.value)}: {without_gain(summary)}")
    sure = "" if best.confidence is None else f", {times_noise(best.confidence)}"
    relative = "" if best.relative_gain is None else f" ({percent(best.relative_gain)}{sure})"
    line = f"{name} {number(baseline.value)} -> {number(best.value)}{relative}, {aim(summary)}, best at step {best.step}"
    return Text(line, style="bold")
