"""The documents say what the code says, and point at what there is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from mlagent_app.agent.errors import Exit
from mlagent_app.config.sources import load

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])


def test_the_tables_are_those_of_the_code() -> None:
    done = subprocess.run([sys.executable, "scripts/doc_tables.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_to_files_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)\s]+)\)", document.read_text("utf-8"))
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_the_readme_has_every_exit_code() -> None:
    codes = {int(code) for code in re.findall(r"(?m)^\| (\d+) \|", (ROOT / "README.md").read_text("utf-8"))}
    assert codes == {int(code) for code in Exit}


def test_the_example_configuration_is_valid(tmp_path: Path) -> None:
    block = re.search(r"```toml\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)
    assert block
    (tmp_path / "mlagent.toml").write_text(block[1], "utf-8")
    settings, sources = load(tmp_path, {})
    assert settings.metric.target == tomllib.loads(block[1])["metric"]["target"]
    assert sources["project.command"] == "mlagent.toml"


def test_the_commands_of_the_readme_exist() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    for command in sorted(set(re.findall(r"`mlagent (\w+)", text))):
        call = [sys.executable, "-c", "from mlagent_app.cli import main; main()", command, "--help"]
        done = subprocess.run(call, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: {done.stderr}"


def test_the_pins_cover_what_is_required() -> None:
    pins = {
        line.partition("==")[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    named = (extra for name in ("demo", "tasks", "train", "dev") for extra in extras[name])
    for requirement in [*project["dependencies"], *named, "openenv-core"]:
        name = re.split(r"[\[<>=]", requirement)[0].lower()
        assert name in pins or requirement.startswith("ml-agent["), name
    assert "/" not in (ROOT / "constraints.txt").read_text("utf-8")


@pytest.mark.parametrize("name", ["results", "further", "earlier", "ablations"])
def test_the_results_are_those_of_the_recorded_outcomes(name: str, tmp_path: Path) -> None:
    from training.recipe import load as recipe
    from training.results import document

    place = tmp_path / "docs" / name
    shutil.copytree(ROOT / "docs" / name, place)
    made = document(place, recipe("nano"), tmp_path / "docs" / f"{name}.md")
    assert made.read_text("utf-8") == (ROOT / "docs" / f"{name}.md").read_text("utf-8")
    for drawing in place.glob("*.svg"):
        assert drawing.read_text("utf-8") == (ROOT / "docs" / name / drawing.name).read_text("utf-8"), drawing.name


# Arms of the recorded evaluation that were trained beside those of `mlagent-train all`.
TRAINED = ("no-prior-0", "scratch-0", "greedy-0", "paper-reward-0", "tasks-3-0", "tasks-9-0")


@pytest.mark.parametrize(
    ("page", "further"),
    [
        (
            "results",
            {"eval/sft-alone-0", "sft-greedy", "sft-tasks-3", "sft-tasks-9"}
            | {of + arm for arm in TRAINED for of in ("", "eval/")},
        ),
        (
            "further",
            {"eval/sft-alone-0", "sft-tasks-6"}
            | {of + arm for arm in ("no-metric-0", "no-corner-0", "tasks-6-0") for of in ("", "eval/")},
        ),
        ("earlier", {"episode-0", "eval/episode-0"}),
    ],
)
def test_the_minutes_of_all_leave_out_what_was_asked_for_beside_it(page: str, further: set[str]) -> None:
    manifests = json.loads((ROOT / "docs" / page / "manifests.json").read_text("utf-8"))
    assert further < set(manifests)
    minutes = sum(made["seconds"] for name, made in manifests.items() if name not in further) / 60
    assert f"| all | {minutes:.1f} |" in (ROOT / "docs" / f"{page}.md").read_text("utf-8")


def test_the_shipped_weights_are_small_and_know_where_they_come_from() -> None:
    weights = ROOT / "mlagent_app" / "policies" / "weights"
    assert sum(path.stat().st_size for path in weights.iterdir()) < 5_000_000
    card = (weights / "card.md").read_text("utf-8")
    assert "mlagent-train all --recipe nano" in card and "Limits:" in card
