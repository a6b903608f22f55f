"""A session as one HTML file that needs nothing else: no script, no font, no image, no network."""

from __future__ import annotations

from importlib.resources import files

from mlagent_app.agent.summary import StepSummary, Summary
from mlagent_app.report.chart import BAND, metric_chart
from mlagent_app.report.markup import Markup, join, tag
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
    size,
    state,
    times_noise,
)

# Longer diffs are cut here; the project's history and `mlagent sessions export` have them whole.
MAX_DIFF_LINES = 400
# Should a gap in the escaping ever let markup through, the browser still runs and loads nothing.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
HEADERS = ("step", "edit", "outcome", "metric", "gain", "confidence", "reward", "time", "decision")
NUMERIC = frozenset({"step", "metric", "gain", "confidence", "reward", "time"})


def to_html(summary: Summary) -> str:
    """The page. It looks right in a light and in a dark browser, and on paper."""
    name = _project(summary)
    style = files("mlagent_app.report").joinpath("page.css").read_text("utf-8")
    head = join(
        Markup('<meta charset="utf-8">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        tag("title", f"{name} - ML-Agent"),
        tag("style", Markup(style)),
    )
    body = join(
        tag("header", tag("h1", name), tag("p", _subtitle(summary), class_="quiet")),
        tag("main", _result(summary), _curve(summary), _table(summary), _steps(summary), _circumstances(summary)),
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>{body}</body></html>\n'


def _project(summary: Summary) -> str:
    return summary.started.project.rstrip("/").rpartition("/")[2] if summary.started else "session"


def _subtitle(summary: Summary) -> str:
    if summary.started is None:
        return state(summary)
    started = summary.started
    return f"session {started.session} · policy {started.policy} · sandbox {', '.join(summary.sandboxes)} · {state(summary)}"


def _result(summary: Summary) -> Markup:
    best, baseline, metric = summary.best, summary.baseline, summary.metric
    if best is None or baseline is None or metric is None:
        detail = summary.failed.detail if summary.failed else ""
        return tag("section", tag("p", "No baseline was measured."), tag("pre", detail) if detail else Markup())
    boxes = [
        _box("baseline", number(baseline.value), metric.name),
        _box("best kept", number(best.value), f"step {best.step}" if best.step else "the baseline itself"),
        _box("relative gain", percent(best.relative_gain), aim(summary)),
        _box("confidence", times_noise(best.confidence), "gain / noise"),
    ]
    told = [tag("li", line) for line in caveats(summary)]
    return tag("section", tag("div", *boxes, class_="boxes"), tag("ul", *told, class_="caveats") if told else Markup())


def _box(name: str, value: str, below: str) -> Markup:
    return tag("div", tag("span", name), tag("strong", value), tag("span", below), class_="box")


def _curve(summary: Summary) -> Markup:
    chart = metric_chart(summary)
    if not chart or summary.metric is None:
        return Markup()
    band = f"The band is the baseline ± {BAND:g} times its noise. " if summary.baseline and summary.baseline.noise else ""
    legend = (
        "Filled: kept. Hollow: refused. Ringed: reverted. Cross: no metric. The line is the metric of the accepted files. "
        f"{band}All values were measured in the sandbox named above."
    )
    return tag("section", tag("h2", f"{summary.metric.name} ({aim(summary)})"), chart, tag("p", legend, class_="quiet"))


def _table(summary: Summary) -> Markup:
    if not summary.steps:
        return Markup()
    head = tag("tr", *(tag("th", name, scope="col", class_="n" if name in NUMERIC else "") for name in HEADERS))
    rows = [_row(summary, step) for step in summary.steps]
    return tag(
        "section",
        tag("h2", "Steps"),
        tag("div", tag("table", tag("thead", head), tag("tbody", *rows)), class_="wide"),
    )


def _row(summary: Summary, step: StepSummary) -> Markup:
    edit = join(tag("a", step.title, href=f"#step-{step.index}"), " ", tag("span", step.proposed.file, class_="quiet"))
    flags = [tag("div", flag, class_="flag") for flag in step.proposed.flags]
    cells = (
        str(step.index),
        join(edit, *flags),
        step.outcome.replace("_", " "),
        number(step.value),
        signed(gain(summary, step)),
        times_noise(step.confidence),
        "-" if step.reward is None else f"{step.reward:.3f}",
        duration(step.seconds),
        decision(step),
    )
    kind = "best" if step.index == summary.best_step else "kept" if step.kept else "other"
    columns = zip(HEADERS, cells, strict=True)
    return tag("tr", *(tag("td", cell, class_="n" if name in NUMERIC else "") for name, cell in columns), class_=kind)


def _steps(summary: Summary) -> Markup:
    if not summary.steps:
        return Markup()
    return tag("section", tag("h2", "What each step did"), *(_step(summary, step) for step in summary.steps))


def _step(summary: Summary, step: StepSummary) -> Markup:
    change = "" if gain(summary, step) is None else f", {signed(gain(summary, step))}"
    heading = tag(
        "summary",
        tag("b", f"{step.index}. {step.title}"),
        tag("span", f" {decision(step)}{change}", class_="quiet"),
    )
    told = [tag("div", tag("dt", name), tag("dd", text)) for name, text in _step_facts(step)]
    content = join(heading, tag("dl", *told), _diff(step.proposed.diff), _runs(step))
    opened = {"open": "open"} if step.kept else {}
    return tag("details", content, id=f"step-{step.index}", **opened)


def _step_facts(step: StepSummary) -> list[tuple[str, str]]:
    proposed, told = step.proposed, list[tuple[str, str]]()
    told.append(("action", f"{proposed.action}{f' ({proposed.family})' if proposed.family else ''}"))
    if step.thought:
        told.append(("thought", step.thought))
    if step.rewarded is not None:
        told.append(("reward", reward_parts(step.rewarded)))
        told.append(("metric", f"{number(step.before)} -> {number(step.value)}"))
        if step.rewarded.feedback:
            told.append(("feedback", step.rewarded.feedback))
    if step.measured is not None:
        told.append(("measured", f"{', '.join(number(value) for value in step.measured.values)}; the mean counts"))
    if step.decided is not None:
        told.append(("decision", judgement(step)))
    told += [("warning", flag) for flag in proposed.flags]
    if step.landed is not None:
        where = f"commit {step.landed.commit}" if step.landed.commit else "files written, no commit"
        told.append(("landed", f"{where} ({', '.join(step.landed.files)}) {step.landed.note}".strip()))
    if step.reverted is not None:
        told.append(("undone", f"{step.reverted.commit} {step.reverted.note}".strip() or "by the user"))
    if len(proposed.alternatives) > 1:
        others = "; ".join(f"{text} ({score:.3g})" for text, score in proposed.alternatives[:5])
        told.append(("considered", others))
    return told


def _diff(diff: str) -> Markup:
    if not diff:
        return Markup()
    lines = diff.rstrip("\n").split("\n")
    shown = [tag("span", line or " ", class_=_line_kind(line)) for line in lines[:MAX_DIFF_LINES]]
    if len(lines) > MAX_DIFF_LINES:
        shown.append(tag("span", f"... {len(lines) - MAX_DIFF_LINES} more lines", class_="hunk"))
    return tag("pre", *shown, class_="diff")


def _line_kind(line: str) -> str:
    if line.startswith(("diff ", "index ", "--- ", "+++ ")):
        return "file"
    return {"+": "added", "-": "removed", "@": "hunk"}.get(line[:1], "same")


def _runs(step: StepSummary) -> Markup:
    rows: list[Markup] = []
    for run in step.runs:
        memory = "" if run.peak_memory is None else size(run.peak_memory)
        said = "; ".join(part for part in (run.line.strip(), run.message, *run.warnings) if part)
        cells = (run.outcome, "" if run.exit_code is None else str(run.exit_code), duration(run.seconds), memory, said)
        rows.append(tag("tr", *(tag("td", cell) for cell in cells)))
    if not rows:
        return Markup()
    names = ("run", "exit code", "time", "peak memory", "what it said")
    head = tag("thead", tag("tr", *(tag("th", name, scope="col") for name in names)))
    return tag("div", tag("table", head, tag("tbody", *rows), class_="runs"), class_="wide")


def _circumstances(summary: Summary) -> Markup:
    told = [tag("div", tag("dt", name), tag("dd", text)) for name, text in facts(summary)]
    return tag("section", tag("h2", "Circumstances"), tag("dl", *told))
