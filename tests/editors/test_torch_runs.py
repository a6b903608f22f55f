"""Edited scripts really run: every edit of some corpus scripts, each in a forked process with PyTorch loaded."""

from __future__ import annotations

import os
import re
import signal
import sys
import traceback
from pathlib import Path

import pytest

from mlagent_app.editors.catalogue import Catalogue
from mlagent_app.editors.catalogue.torch_families import TORCH_FAMILIES

CORPUS = Path(__file__).parent.parent / "corpus"
# Different styles, each of which runs in a fraction of a second; and what their metric's line looks like.
RUNNABLE = {
    "torch_mlp_functional.py": r"^accuracy: \d",
    "torch_trainer_class.py": r"^final val_acc: \d",
    "torch_val_test.py": r"^Test accuracy: \d",
    "torch_amp.py": r"accuracy: \d",
}
# Long trainings say no more about an edit than short ones.
FEW_EPOCHS = re.compile(
    r"^((?:NUM_)?EPOCHS = |    epochs: int = |for epoch in range\(|.*\"--epochs\", type=int, default=)\d+", re.MULTILINE
)
SECONDS = 60


@pytest.fixture(scope="module")
def warm() -> None:
    """Loads what the scripts import and takes one step, so that each forked run costs milliseconds."""
    os.environ["OMP_NUM_THREADS"] = "1"
    torch = pytest.importorskip("torch")
    import sklearn.datasets  # pyright: ignore[reportUnusedImport]
    import sklearn.model_selection  # noqa: F401  # pyright: ignore[reportUnusedImport]

    torch.set_num_threads(1)
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    model(torch.ones(3, 2)).sum().backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    schedule.step()


def run(text: str, directory: Path) -> tuple[bool, str]:
    """Whether the script ended without an error, and all it printed."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _be_script(text, directory, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        output = stream.read().decode()
    _, status = os.waitpid(child, 0)
    return status == 0, output


def _be_script(text: str, directory: Path, output: int) -> None:
    """The forked process; never returns."""
    code = 1
    try:
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.chdir(directory)
        signal.alarm(SECONDS)
        sys.stdout, sys.stderr, sys.argv = os.fdopen(1, "w"), os.fdopen(2, "w"), ["train.py"]
        exec(compile(text, "train.py", "exec"), {"__name__": "__main__"})
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize("name", sorted(RUNNABLE))
def test_every_edit_runs_and_still_prints_the_metric(name: str, tmp_path: Path) -> None:
    text = (CORPUS / name).read_bytes().decode()
    edits = Catalogue(TORCH_FAMILIES).enumerate({name: text})
    failed: list[str] = []
    for edit in edits:
        ended, output = run(FEW_EPOCHS.sub(lambda match: f"{match[1]}2", edit.apply(text)), tmp_path)
        if not ended:
            failed.append(f"{edit.instruction}: {output[-300:]}")
        else:
            assert re.search(RUNNABLE[name], output, re.MULTILINE), edit.instruction
    assert len(failed) <= 0.05 * len(edits), "\n".join(failed)
