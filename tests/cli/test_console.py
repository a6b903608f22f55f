"""What the text surface prints of single events."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from mlagent_app.agent import events as ev
from mlagent_app.cli.console import TextSurface


@pytest.mark.parametrize("assumed", [True, False])
def test_a_direction_that_was_only_assumed_is_told_as_such(assumed: bool) -> None:
    printed = io.StringIO()
    metric = {"name": "val skill", "direction": "max"}
    chosen = ev.MetricChosen(metric=metric, line="val skill: 0.5", where="stdout", reason="validation", assumed=assumed)
    TextSurface(Console(file=printed, width=200), "/project").show(chosen)
    assert "val skill, higher is better" in printed.getvalue()
    assert ("(assumed; set [metric] direction in mlagent.toml if it is wrong)" in printed.getvalue()) == assumed
