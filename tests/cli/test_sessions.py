"""`mlagent sessions list`: the id can be copied and searched for, however little room there is."""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from mlagent_app.cli import sessions
from mlagent_app.session import store

ID = "20261201-175105-e7f4"
PROJECT = f"/home/somebody/research/experiments/{'segmentation-of-very-small-things/' * 3}baseline"
NOON = time.mktime((2026, 12, 1, 12, 0, 0, 0, 0, -1))
ROW = (ID, PROJECT, "2026-12-01 12:00", "ended", "12", "validation accuracy", "0.360229", "0.951234")


@pytest.fixture(autouse=True)
def listed(monkeypatch: pytest.MonkeyPatch) -> None:
    info = store.SessionInfo(ID, PROJECT, NOON, NOON, "ended", 12, "validation accuracy", 0.360229, 0.951234)

    def listing(_: Path | None) -> list[store.SessionInfo]:
        return [info]

    monkeypatch.setattr(store, "listing", listing)


@pytest.mark.parametrize("columns", [80, 60])
def test_on_a_terminal_the_id_stays_on_one_line_and_nothing_is_cut(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    for name, value in {"COLUMNS": str(columns), "LINES": "25", "TERM": "dumb"}.items():
        monkeypatch.setenv(name, value)
    sessions.show_list(None)
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= columns for line in lines)
    begin = next(at for at, line in enumerate(lines) if line.startswith(f"{ID} "))
    assert Counter("".join("".join(lines[begin:]).split())) == Counter("".join("".join(ROW).split()))


def test_in_a_pipe_a_session_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    sessions.show_list(None)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert [cell.strip() for cell in lines[1].split("  ") if cell.strip()] == list(ROW)
