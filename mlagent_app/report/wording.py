"""How reports write numbers, decisions and rewards; and how text that a project or a policy wrote is made harmless."""

from __future__ import annotations

import math
import unicodedata

from mlagent_app.agent.events import Rewarded
from mlagent_app.agent.quantities import plural, size
from mlagent_app.agent.reward import ALPHA
from mlagent_app.agent.summary import StepSummary, Summary

NONE = "-"
# Characters that change the direction of the text around them: a file name could show itself as another one.
BIDIRECTIONAL = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

DECISIONS = {"accept": "kept", "refuse": "refused", "skip": "skipped", "reverted": "reverted"}
CASES = {
    "invalid": "invalid action",
    "error": "the run ended in an error or gave no metric",
    "no_edit": "a valid action that edits nothing",
    "corner": "corner case: out of memory, time-out or disk full",
    "edit": "an edit that ran",
    "infrastructure": "the sandbox itself failed: not scored",
}
END_REASONS = {
    "steps": "all steps were done",
    "minutes": "the time budget was used up",
    "target": "the target was reached",
    "exhausted": "no edit was left to try",
    "final_answer": "the policy gave its final answer",
    "stopped": "stopped by the user",
    "failed": "the session could not go on",
}


def visible(text: str, *, lines: bool = False) -> str:
    """`text` with control characters, direction overrides and bytes that are no text written out as escapes.

    With `lines`, line ends and tabs stay; else they become spaces.
    """
    shown: list[str] = []
    for char in text:
        if char in "\n\t":
            shown.append(char if lines else " ")
        elif char == "\r" and lines:
            shown.append("\u240d")  # the sign for a carriage return: a diff may be about nothing else
        elif char in BIDIRECTIONAL or unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp"):
            shown.append(_escaped(char))
        else:
            shown.append(char)
    return "".join(shown)


def _escaped(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was not UTF-8, as Python carries it in file names and diffs
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def number(value: float | None) -> str:
    """A metric in six significant digits."""
    if value is None:
        return NONE
    return f"{value:.6g}" if math.isfinite(value) else str(value)


def signed(value: float | None) -> str:
    """A difference with its sign, in four significant digits."""
    return NONE if value is None else f"{value:+.4g}"


def percent(value: float | None) -> str:
    """A fraction as a signed percentage."""
    return NONE if value is None else f"{100 * value:+.2f} %"


def times_noise(value: float | None) -> str:
    """A confidence: a gain in units of the noise."""
    return NONE if value is None else f"{value:.1f} x noise"


def duration(seconds: float) -> str:
    """`3.4 s`, `2 min 05 s`, `1 h 02 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def decision(step: StepSummary) -> str:
    """What became of a step, in one or two words."""
    if step.partial:
        return "kept in part"
    return DECISIONS.get(step.decision or "", "open")


def judgement(step: StepSummary) -> str:
    """What was decided about a step, by whom and why, whatever became of it later; empty while it is open."""
    decided = step.decided
    if decided is None:
        return ""
    word = "kept in part" if decided.decision == "accept" and decided.hunks is not None else DECISIONS.get(decided.decision, "")
    return f"{word} by {decided.by}: {decided.reason or 'no reason given'}"


def is_unmeasured(summary: Summary) -> bool:
    """Whether no run so far was one of the kept edits as they now stand together."""
    kept = [step for step in summary.steps if step.kept and step.edits]
    if not kept or kept[-1].speaks or summary.head is not None:
        return False
    # A step that was undone again had been measured against the files as they are now, unless one below it was undone first.
    return not any(step.index > kept[-1].index and step.reverted is not None and not step.stale for step in summary.steps)


def without_gain(summary: Summary) -> str:
    """Why the baseline is still the best."""
    if is_unmeasured(summary):
        return "the kept edits have not been measured as they now stand"
    return "no kept edit is better than the baseline"


def gain(summary: Summary, step: StepSummary) -> float | None:
    """How much the step itself changed the metric, positive when better."""
    if summary.metric is None or step.value is None or step.before is None:
        return None
    return summary.metric.gain(step.value, step.before)


def reward_parts(rewarded: Rewarded) -> str:
    """The reward with all its parts, as a calculation that can be checked by hand."""
    case = CASES.get(rewarded.case, rewarded.case)
    scalar = "none" if rewarded.scalar is None else f"{rewarded.scalar:.4f}"
    if rewarded.delta is None or rewarded.span is None or rewarded.scale is None:
        return f"{scalar} ({rewarded.version}, {case})"
    ratio = f"{rewarded.delta:+.4g} / {rewarded.span:.4g}"
    formula = {"v1": f"sigmoid({ALPHA:g} x {ratio})", "v2": ratio}.get(rewarded.version, f"{ratio}, held within -1 and 1")
    return f"{scalar} = {formula} ({rewarded.version}, {case})"


def aim(summary: Summary) -> str:
    """Which way the metric is to go."""
    return "lower is better" if summary.metric and summary.metric.direction == "min" else "higher is better"


def state(summary: Summary) -> str:
    """Whether and why the session ended."""
    if summary.failed is not None:
        return f"failed: {summary.failed.message}"
    if summary.ended is None:
        return "not ended"
    return END_REASONS.get(summary.ended.reason, summary.ended.reason)


def caveats(summary: Summary) -> list[str]:
    """What a reader must know before believing the numbers."""
    told: list[str] = []
    best, baseline = summary.best, summary.baseline
    if best is not None and best.step and baseline is not None:
        if baseline.noise is None:
            told.append("The baseline ran once, so the noise of the metric is not known and the gain carries no confidence.")
        elif not baseline.noise:
            told.append(f"{plural(len(baseline.values), 'baseline run')} gave the same value: the metric shows no noise.")
        told.append(
            f"The best was picked among {plural(summary.measured_edits, 'measured edit')} by the metric it is judged by; "
            "on data that played no part in it the gain may be smaller."
        )
    if summary.test is not None:
        told.append(f"{summary.test.text[0].upper()}{summary.test.text[1:]}.")
    if len(summary.sandboxes) > 1:
        told.append(f"The session ran in more than one sandbox: {', '.join(summary.sandboxes)}.")
    flagged = [str(step.index) for step in summary.steps if step.kept and step.proposed.flags]
    if flagged:
        told.append(f"Kept steps with a warning about what they touch: {', '.join(flagged)}.")
    if is_unmeasured(summary):
        told.append(
            "The kept edits have not been measured as they now stand: one below them was undone, or only a part was kept."
        )
    if summary.head is not None and best is not None and summary.head[1] != best.value:
        told.append(f"The files as they now stand measured {number(summary.head[1])}.")
    return told


def facts(summary: Summary) -> list[tuple[str, str]]:
    """The circumstances of the session as (name, text) pairs."""
    told: list[tuple[str, str]] = [("state", state(summary))]
    if summary.started is not None:
        started = summary.started
        told += [
            ("project", started.project),
            ("session", started.session),
            ("command", f"{started.command} ({started.command_source})" if started.command_source else started.command),
            ("python", started.python),
            ("policy", f"{started.policy}, seed {started.seed}"),
            ("decisions", started.approve),
            ("reward", started.reward),
            ("sandbox", ", then ".join(summary.sandboxes)),
            *(("sandbox note", note) for note in started.sandbox_notes),
        ]
    if summary.metric is not None:
        told.append(("metric", f"{summary.metric.name}, {aim(summary)}, read from {summary.metric.source}"))
    if summary.choice is not None:
        told.append(("found in", f"{summary.choice.where}: {summary.choice.line.strip()} ({summary.choice.reason})"))
    told += _baseline_facts(summary) + _snapshot_facts(summary)
    return told + [("notice", notice.text) for notice in summary.notices]


def _baseline_facts(summary: Summary) -> list[tuple[str, str]]:
    baseline = summary.baseline
    if baseline is None:
        return []
    noise = "not known" if baseline.noise is None else f"{baseline.noise:.4g} (standard deviation)"
    return [
        ("baseline runs", ", ".join(number(value) for value in baseline.values)),
        ("noise", noise),
        ("reward's reference", f"{number(baseline.m_best)} ({baseline.m_best_source})"),
        ("working time", duration(summary.seconds)),
    ]


def _snapshot_facts(summary: Summary) -> list[tuple[str, str]]:
    taken = summary.snapshot
    if taken is None:
        return []
    told = [("snapshot", f"{plural(taken.files, 'file')}, {size(taken.size)}")]
    if taken.protected:
        told.append(("protected", ", ".join(taken.protected)))
    told += [("linked", f"{path}: {why}") for path, why in taken.linked]
    told += [("left out", f"{path}: {why}") for path, why in taken.left_out]
    return told + ([("left out", f"and {taken.cut} more")] if taken.cut else [])
