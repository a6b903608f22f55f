"""`benchmarks.gpu --tiny`: the code that measures a GPU runs on a CPU, and every cell of its table is a number."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("trl")

import torch

from benchmarks import gpu

pytestmark = [pytest.mark.torch, pytest.mark.slow]


def test_the_tiny_table_has_all_rows_and_finite_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu", "--tiny", "--out", str(tmp_path / "gpu.md")])
    assert gpu.main() == 0
    lines = (tmp_path / "gpu.md").read_text("utf-8").splitlines()[2:]
    assert lines[0] == f"| {' | '.join(gpu.COLUMNS)} |"
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    assert [row[1] for row in rows] == ["ML-Agent", "TRL SFTTrainer", *["ML-Agent PPO"] * 4, "TRL GRPOTrainer"]
    assert [row[0].rpartition(" ")[2] for row in rows[2:5]] == ["generation", "execution", "update"]
    for row in rows:
        assert len(row) == len(gpu.COLUMNS)
        assert all(math.isfinite(float(cell.replace(",", "").rstrip("%"))) for cell in row[2:] if cell)
    for row in (*rows[:2], *rows[5:]):
        assert all(row)
    assert lines[0] in capsys.readouterr().out


def test_without_a_gpu_it_says_so_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["gpu", "--out", str(tmp_path / "gpu.md")])
    assert gpu.main() == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "no GPU" in told and "--tiny" in told
    assert not list(tmp_path.iterdir())
