"""What the verification of a task came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tasks.schema import Measured, TaskSpec

Check = Literal["schema", "data", "starters", "repeat", "attacks", "reference", "noise"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One group of checks on one task: `problems`, one line each, none when all is well; `detail` says what was seen."""

    check: Check
    problems: tuple[str, ...]
    detail: str

    @property
    def ok(self) -> bool:
        return not self.problems


@dataclass(frozen=True, slots=True)
class TaskReport:
    """All findings on one task, and its measurements where they were made over enough variants to be kept."""

    spec: TaskSpec
    findings: tuple[Finding, ...]
    measured: Measured | None
    seconds: float

    @property
    def ok(self) -> bool:
        return all(finding.ok for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        findings = [
            {"check": each.check, "ok": each.ok, "problems": list(each.problems), "detail": each.detail}
            for each in self.findings
        ]
        return {
            "task": self.spec.id,
            "split": self.spec.split,
            "ok": self.ok,
            "findings": findings,
            "measured": self.measured.model_dump() if self.measured else None,
            "seconds": round(self.seconds, 1),
        }


def finding(check: Check, problems: Sequence[str], detail: str = "") -> Finding:
    """A finding whose problems are one line each."""
    return Finding(check, tuple(" ".join(problem.split()) for problem in problems), detail)
