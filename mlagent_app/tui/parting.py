"""What stays in the terminal when the app has closed."""

from __future__ import annotations

import shlex

from rich.text import Text

from mlagent_app.agent.quantities import plural
from mlagent_app.agent.summary import Summary
from mlagent_app.tui import wording
from mlagent_app.tui.model import View


def parting(view: View) -> Text | None:
    """What the session came to and how it goes on; None when there was none to speak of."""
    past = view.summary
    started = past.started
    if started is None:
        return Text(past.failed.message) if past.failed is not None else None
    lines = [past.failed.message] if past.failed is not None else []
    if past.baseline is not None and past.best is not None:
        gain = f" ({wording.percent(past.best.relative_gain)}, step {past.best.step})" if past.best.step else ""
        values = f"{wording.number(past.baseline.value)} → {wording.number(past.best.value)}" if gain else "no gain so far"
        lines.append(f"{view.metric_name} {values}{gain}, {plural(len(past.steps), 'step')}")
    landed = sum(step.landed is not None and step.reverted is None for step in past.steps)
    lines.append(f"{plural(landed, 'edit')} landed in {started.project}" if landed else "the project is as it was")
    lines.append(f"report    mlagent report {started.session}")
    if nothing_to_continue(past):
        lines.append(f"start anew  mlagent-tui {shlex.quote(started.project)}")
    elif past.ended is None or past.ended.reason == "stopped" or past.failed is not None:
        lines.append(f"continue  mlagent-tui {shlex.quote(started.project)} --continue")
    return Text("\n".join(lines))


def nothing_to_continue(past: Summary) -> bool:
    """Whether the baseline failed: the session keeps the files that failed, so going on would only end the same way."""
    failed = past.failed is not None or (past.ended is not None and past.ended.reason == "failed")
    return failed and past.baseline is None
