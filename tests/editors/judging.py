"""The flags of an edit of one file, for tests."""

from __future__ import annotations

import ast

from mlagent_app.agent.metrics import MetricSpec
from mlagent_app.editors.base import unified_diff
from mlagent_app.editors.honesty import flags

SPEC = MetricSpec("accuracy", "max")


def kinds(before: str, after: str) -> list[str]:
    """The kinds of the flags of an edit of `train.py`."""
    ast.parse(after)
    old, new = {"train.py": before, "data.py": ""}, {"train.py": after, "data.py": ""}
    return [line.partition(":")[0] for line in flags(unified_diff(old, new), old, new, SPEC)]
