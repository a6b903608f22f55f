"""A session as Markdown, for an issue or a pull request."""

from __future__ import annotations

import html
import re

from mlagent_app.agent.summary import StepSummary, Summary
from mlagent_app.report.wording import (
    aim,
    caveats,
    decision,
    duration,
    facts,
    gain,
    judgement,
    number,
    percent,
    reward_parts,
    signed,
    times_noise,
    visible,
    without_gain,
)

_WORD_MARKS = re.compile(r"([\\`*_\[\]|~])")
# What starts a list, a heading or a rule at the beginning of a line.
_LINE_START = re.compile(r"^(\d*)([-+#=]|(?<=\d)[.)](?=\s|$))")


def to_markdown(summary: Summary) -> str:
    """The report. Text from the project, the policy and the logs cannot form Markdown or HTML of its own."""
    parts = [_head(summary), _table(summary)]
    parts += [_step(step) for step in summary.steps]
    parts.append("## Circumstances\n\n" + "\n".join(f"- {name}: {escape(text)}" for name, text in facts(summary)))
    return "\n\n".join(part for part in parts if part) + "\n"


def escape(text: str) -> str:
    """`text` on one line, shown as it is by any Markdown renderer."""
    flat = " ".join(visible(text).split())
    marked = _WORD_MARKS.sub(r"\\\1", html.escape(flat, quote=False))
    return _LINE_START.sub(r"\1\\\2", marked)


def fenced(text: str, language: str) -> str:
    """`text` as a code block whose fence is longer than any run of backticks in it."""
    shown = visible(text, lines=True).rstrip("\n")
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{shown}\n{fence}"


def _head(summary: Summary) -> str:
    name = summary.started.project.rstrip("/").rpartition("/")[2] if summary.started else "session"
    best, baseline, metric = summary.best, summary.baseline, summary.metric
    lines = [f"# {escape(name)}", ""]
    if best is None or baseline is None or metric is None:
        lines.append("No baseline was measured.")
    elif not best.step:
        lines.append(f"{escape(metric.name)} is {number(baseline.value)}; {without_gain(summary)}.")
    else:
        sure = "" if best.confidence is None else f", {times_noise(best.confidence)}"
        relative = "" if best.relative_gain is None else f" ({percent(best.relative_gain)}{sure})"
        lines.append(
            f"**{escape(metric.name)}: {number(baseline.value)} → {number(best.value)}**{relative}, {aim(summary)}, "
            f"best at step {best.step}."
        )
    told = caveats(summary)
    if told:
        lines += ["", *(f"- {escape(line)}" for line in told)]
    return "\n".join(lines)


def _table(summary: Summary) -> str:
    if not summary.steps:
        return ""
    lines = ["| step | edit | file | outcome | metric | gain | reward | decision |", "|--:|---|---|---|--:|--:|--:|---|"]
    for step in summary.steps:
        cells = (
            str(step.index),
            escape(step.title),
            escape(step.proposed.file),
            escape(step.outcome.replace("_", " ")),
            number(step.value),
            signed(gain(summary, step)),
            "-" if step.reward is None else f"{step.reward:.3f}",
            decision(step),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _step(step: StepSummary) -> str:
    lines = [f"## Step {step.index}: {escape(step.title)}", ""]
    if step.decided is not None:
        lines.append(f"- {escape(judgement(step))}")
    if step.rewarded is not None:
        lines.append(f"- reward {escape(reward_parts(step.rewarded))}")
        if step.value is None and step.rewarded.feedback:
            lines.append(f"- feedback: {escape(step.rewarded.feedback)}")
    if step.thought:
        lines.append(f"- thought: {escape(step.thought)}")
    lines += [f"- warning: {escape(flag)}" for flag in step.proposed.flags]
    if step.landed is not None and step.landed.commit:
        lines.append(f"- landed in the project as {escape(step.landed.commit[:12])}")
    if step.reverted is not None:
        lines.append(f"- undone: {escape(step.reverted.note or 'by the user')}")
    lines.append(f"- {duration(step.seconds)} of runs")
    if step.proposed.diff:
        lines += ["", fenced(step.proposed.diff, "diff")]
    return "\n".join(lines)
