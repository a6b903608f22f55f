"""The words about one step, above its diff: what it is, what came of it, and every warning in full."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from mlagent_app.agent import events as ev
from mlagent_app.agent.quantities import plural, size, tokens
from mlagent_app.agent.summary import StepSummary
from mlagent_app.tui import wording
from mlagent_app.tui.logs import clean
from mlagent_app.tui.model import Row, View

Piece = tuple[str, str]
Lines = list[list[Piece]]
LABEL = 11
THOUGHT = 600


def about(view: View, row: Row | None, width: int) -> Content:
    """The head of the detail pane, `width` cells wide; the facts of the session for step 0."""
    if view.summary.started is None:
        return Content.styled("The session is starting.", "$foreground-muted")
    step = row.summary if row is not None else None
    if row is None or step is None:
        return facts(_session(view, view.summary.started), LABEL, width)
    return facts(_step(view, row, step), LABEL, width)


def facts(lines: Lines, label: int, width: int) -> Content:
    """Lines of pieces as one content. A line whose first piece is `label` cells wide goes on under its second piece."""
    result: list[Content] = []
    for line in lines:
        hang = label if len(line) > 1 and len(line[0][0]) == label else 2 if len(line) > 1 and line[0][0] == "▲ " else 0
        head = line[:1] if hang else []
        body = Content.assemble(*line[len(head) :]).wrap(max(20, width - hang))
        for part in body or [Content("")]:
            result.append(Content.assemble(*(head or [(" " * hang, "")]), part.rstrip()))
            head = []
    return Content("\n").join(result)


def fact(label: str, text: str, style: str = "") -> list[Piece]:
    """One line of `facts`."""
    return [(f"{label:<{LABEL}}", "$foreground-muted"), (text, style)]


def _step(view: View, row: Row, step: StepSummary) -> Lines:
    proposed = step.proposed
    lines: Lines = [[(step.title, "bold")]]
    lines += [[("▲ ", "bold $text-warning"), (flag, "$text-warning")] for flag in proposed.flags]
    if proposed.action != "Edit Script":
        lines.append(fact("action", proposed.action))
    if proposed.invalid:
        lines.append(fact("invalid", proposed.invalid, "$text-error"))
    lines += _reply(proposed, step.thought)
    lines += _outcome(view, row, step)
    lines += _decision(step)
    if proposed.observation:
        lines += [[], *([(text, "$foreground-muted")] for text in proposed.observation.splitlines()[:200])]
    elif not proposed.diff and not proposed.invalid:
        lines += [[], [("This step edits nothing, so there is no diff.", "$foreground-muted")]]
    lines.append([])
    return lines


def _reply(proposed: ev.ActionProposed, thought: str) -> Lines:
    """Why, in the policy's words, and what the answer took."""
    lines: Lines = []
    if thought:
        lines.append(fact("thought", clean(" ".join(thought.split()))[:THOUGHT]))
    if proposed.prompt_tokens or proposed.completion_tokens:
        lines.append(
            fact("tokens", tokens(proposed.prompt_tokens, proposed.completion_tokens, proposed.cost), "$foreground-muted")
        )
    return lines


def _outcome(view: View, row: Row, step: StepSummary) -> Lines:
    """The run's end and the metric, in words."""
    if not row.outcome:
        return []
    mark = wording.outcome_mark(row.outcome)
    line: list[Piece] = [*fact("outcome", mark.text, f"${mark.colour}" if mark.colour else "")]
    last = row.runs[-1] if row.runs else None
    if last is not None:
        line.append((f" after {wording.duration(last.seconds)}", ""))
        if last.peak_memory:
            line.append((f", at most {size(last.peak_memory)}", ""))
    if step.before is not None and step.value is not None:
        line.append((f", {wording.number(step.before)} → {wording.number(step.value)}", ""))
        line.append((f" {wording.signed(view.gain(step))}", "bold"))
    lines: Lines = [line]
    if len(step.values) > 1:
        lines.append(fact("measured", ", ".join(wording.number(value) for value in step.values)))
    why = last.message if last is not None and last.message else step.rewarded.feedback if step.rewarded else ""
    if step.value is None and why:
        lines.append(fact("", why, "$text-error" if row.outcome != "ok" else "$foreground-muted"))
    lines += [fact("", f"▲ {warning}", "$text-warning") for warning in (last.warnings if last is not None else ())]
    return lines


def _decision(step: StepSummary) -> Lines:
    """What was decided, by whom and why, and where it is now."""
    lines: Lines = []
    if step.decided is not None:
        words = {"accept": "accepted", "refuse": "refused", "skip": "skipped", "run": "run"}[step.decided.decision]
        if step.decided.hunks is not None:
            hunks = ", ".join(str(at + 1) for at in step.decided.hunks)
            words += f" in part (hunk {hunks}), which the metric above does not describe,"
        who = "by you" if step.decided.by == "user" else f"by {step.decided.by}"
        lines.append(fact("decision", f"{words} {who}{f': {step.decided.reason}' if step.decided.reason else ''}"))
    if step.landed is not None:
        commit = f" as commit {step.landed.commit[:10]}" if step.landed.commit else ""
        note = f" ({step.landed.note})" if step.landed.note else ""
        where = f"in {', '.join(step.landed.files)}" if step.landed.files else "nothing to write"
        lines.append(fact("landed", f"{where}{commit}{note}"))
    if step.reverted is not None:
        lines.append(fact("reverted", f"undone{f': {step.reverted.note}' if step.reverted.note else ''}"))
    elif step.stale:
        lines.append(fact("", "an earlier step was undone since, so the metric above is out of date", "$text-warning"))
    return lines


def _session(view: View, started: ev.SessionStarted) -> Lines:
    """The facts of the session, for the baseline's row."""
    summary = view.summary
    lines: Lines = []
    if summary.failed is not None and summary.failed.detail:
        lines += [fact("failed", "the last lines of the log:", "$text-error")]
        lines += [fact("", text) for text in summary.failed.detail.splitlines()]
    source = f"  ({started.command_source})" if started.command_source else ""
    lines += [
        fact("project", started.project),
        fact("command", started.command + source),
        fact("python", started.python),
        fact("sandbox", summary.sandbox),
        *(fact("", note, "$foreground-muted") for note in started.sandbox_notes),
    ]
    if summary.choice is not None:
        lines.append(fact("metric", f"{view.metric_name}: {summary.choice.reason}"))
        lines.append(fact("", summary.choice.line.strip(), "italic $foreground-muted"))
    elif summary.metric is not None:
        lines.append(fact("metric", f"{view.metric_name}, {wording.DIRECTIONS[summary.metric.direction]}"))
    else:
        lines.append(fact("metric", "found from the first run"))
    lines += _baseline(view)
    if summary.snapshot is not None:
        lines += _snapshot(summary.snapshot)
    for notice in summary.notices[-5:]:
        lines.append(fact("notice", notice.text, "$text-warning" if notice.level == "warning" else ""))
    return lines


def _baseline(view: View) -> Lines:
    """m_init, or why there is none."""
    base = view.summary.baseline
    if base is None:
        return [
            fact("run", run.message, "$text-error") for run in view.summary.baseline_runs if run.outcome != "ok" and run.message
        ]
    values = ", ".join(wording.number(value) for value in base.values)
    noise = f"noise {wording.noise(base.noise)}" if base.noise is not None else "noise unknown, one run"
    return [
        fact("baseline", f"{wording.number(base.value)}, {noise}  ({values})"),
        fact("reference", f"{wording.number(base.m_best)}, {base.m_best_source}"),
    ]


def _snapshot(shot: ev.SnapshotTaken) -> Lines:
    lines = [fact("snapshot", f"{plural(shot.files, 'file')}, {size(shot.size)}")]
    if shot.protected:
        lines.append(fact("protected", ", ".join(shot.protected)))
    return [*lines, *_reasons("linked", shot.linked, 0), *_reasons("left out", shot.left_out, shot.cut)]


def _reasons(name: str, paths: Sequence[tuple[str, str]], cut: int) -> Lines:
    """The first of some (path, why) pairs, and how many more there are; `cut` of them are not among `paths`."""
    more = len(paths[8:]) + cut
    return [fact(name, f"{path}: {why}") for path, why in paths[:8]] + ([fact("", f"and {more} more")] if more else [])
