"""Learning from the user: a session is exported, and the weights that come of it prefer what was accepted."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from mlagent_app.agent import events as ev
from mlagent_app.agent.chat import OnText
from mlagent_app.agent.cookbook import Cookbook
from mlagent_app.agent.digest import digest
from mlagent_app.agent.edits import Candidate
from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.agent.events import Event
from mlagent_app.agent.lessons import Lessons, from_json
from mlagent_app.agent.state import State
from mlagent_app.cli import sessions as commands
from mlagent_app.editors.catalogue import Catalogue
from mlagent_app.policies import embedded, registry
from mlagent_app.policies.base import Proposal
from mlagent_app.policies.prior import Prior
from mlagent_app.policies.random import RandomPolicy, untried
from mlagent_app.policies.writing import Writer
from mlagent_app.session import store
from mlagent_app.session.backend import ProjectBackend
from mlagent_app.session.control import Controls
from tests.session.project import TRAIN, fingerprint, make_project
from tests.session.test_session import run
from training import decided, model, recipe, tokens, weights
from training.sessions import MOST_KL, Learner, examples, learn
from training.telling import silent

pytestmark = pytest.mark.torch

STEPS = 9
# A place that nobody else is to see: the export must not carry it.
SOURCE = TRAIN.replace("HIDDEN_SIZE = 8\n", 'HIDDEN_SIZE = 8\nDATA = "/home/somebody/data.csv"\nHERE = "@HERE@/x"\n')
TINY: dict[str, Any] = {"vocabulary": 420, "hidden": 32, "layers": 2, "heads": 4, "kv_heads": 2, "intermediate": 64}
RECIPE = recipe.Recipe(
    name="tiny", model=recipe.Model(**TINY), rl=recipe.Rl(updates=12, actor_lr=1e-3), sft=recipe.Sft(epochs=1, batch=16)
)
PRIOR = Prior(0.8, (0.5, 0.25, -1.0, 0.25, -2.0, 1.0))
Met = tuple[State, list[Candidate]]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[Path, list[Met]]]:
    """The directory with one exported session, and what its policy was asked. Gains are accepted, the rest is refused."""
    met: list[Met] = []
    place = tmp_path_factory.mktemp("exported")
    project = make_project(place / "alices-parabola", SOURCE.replace("@HERE@", str(place / "alices-parabola")))
    values: dict[int, float] = {}

    class Watched(RandomPolicy):
        def propose(
            self, state: State, candidates: Sequence[Candidate], cancel: threading.Event, on_text: OnText | None = None
        ) -> Proposal:
            met.append((state, untried(state, candidates)))
            return super().propose(state, candidates, cancel, on_text)

    def react(event: Event, controls: Controls) -> None:
        if isinstance(event, ev.Rewarded):
            values[event.step] = event.delta or 0.0
        elif isinstance(event, ev.DecisionNeeded):
            good = values[event.step] > 0
            controls.answer(event.step, "accept" if good else "refuse", reason="" if good else f"not in {project}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLAGENT_STATE_DIR", str(place / "state"))
        patch.setattr(registry, "RandomPolicy", Watched)
        run(project, react, session__approve="run", session__steps=STEPS, session__seed=3)
        commands.export_for_training("all", place / "sessions")
        commands.export_for_training(store.latest(project).id, place / "sessions")
    yield place / "sessions", met


@pytest.fixture
def start(tmp_path: Path, exported: tuple[Path, list[Met]]) -> Path:
    """Weights as the package would ship them, but random."""
    place = tmp_path / "start"
    place.mkdir()
    texts = [text for state, left in exported[1] for text in (digest(state), *(item.instruction for item in left))]
    tokenizer = tokens.train(texts, RECIPE.model.vocabulary)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    model.from_scratch(RECIPE.model, tokenizer.get_vocab_size(), 0).save_pretrained(place)
    book = Cookbook.of(
        [("table clf", item.instruction, item.family, 0.1 * (at % 4)) for at, item in enumerate(exported[1][0][1])]
    )
    made = tmp_path / "tokenizer.json"
    weights.complete(place, made, prompt_tokens=128, temperature=0.7, name="tiny", prior=PRIOR, book=book)
    return place


def lessons_of(directory: Path) -> Lessons:
    [path] = directory.iterdir()
    return from_json(json.loads(path.read_text()))


def test_the_export_says_what_the_policy_saw(exported: tuple[Path, list[Met]]) -> None:
    lessons, met = lessons_of(exported[0]), exported[1]
    assert [step.index for step in lessons.steps] == list(range(1, STEPS + 1))
    for step, (state, left) in zip(lessons.steps, met, strict=True):
        edits = [edit.candidate for edit in Catalogue().enumerate(step.state.files)]
        assert untried(step.state, edits) == left
        assert digest(step.state) == digest(state)
        assert (step.state.value, step.state.base, step.state.steps_left) == (state.value, state.base, state.steps_left)
        assert (step.instruction, step.file) in {(item.instruction, item.file) for item in left}
    decisions = {step.decision for step in lessons.steps}
    assert decisions == {"accepted", "refused"}
    assert {step.reason for step in lessons.steps} == {"", "not in ."}
    text = next(exported[0].iterdir()).read_text()
    for word in ("somebody", "alices", str(exported[0].parent), os.path.expanduser("~")):
        assert word not in text
    assert "~/data.csv" in text and "./x" in text


@pytest.mark.parametrize("stage", ["sft", "rl"])
def test_accepted_edits_become_likelier_and_refused_ones_less(
    stage: str, exported: tuple[Path, list[Met]], start: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {place: fingerprint(place) for place in (start, exported[0].parent)}
    shipped = fingerprint(embedded.shipped())
    out = tmp_path / "out"
    there = {path.name for path in tmp_path.iterdir()}
    learn(RECIPE, exported[0], out, stage, start=start)
    assert {place: fingerprint(place) for place in before} == before
    assert fingerprint(embedded.shipped()) == shipped
    assert {path.name for path in tmp_path.iterdir()} == there | {"out"}
    assert {path.name for path in out.iterdir()} == {"model", "manifest.json"}
    assert f"--policy embedded --model {out / 'model'}" in capsys.readouterr().out

    # As the app reads it, without PyTorch.
    old, new = embedded.EmbeddedModel.load(start), embedded.EmbeddedModel.load(out / "model")
    assert (new.settings.prompt_tokens, new.settings.temperature, new.settings.prior) == (128, 0.7, PRIOR)
    assert new.book.to_json() == old.book.to_json()
    moved: dict[str, list[float]] = {"accepted": [], "refused": []}
    divergences: list[float] = []
    lessons = lessons_of(exported[0])
    for step, (_, left) in zip(lessons.steps, exported[1], strict=True):
        first, then = old.log_probabilities(step.state, left), new.log_probabilities(step.state, left)
        at = [item.instruction for item in left].index(step.instruction)
        moved[step.decision].append(float(then[at] - first[at]))
        divergences.append(float((np.exp(then) * (then - first)).sum()))
    assert np.mean(moved["accepted"]) > 0.02
    assert np.mean(moved["refused"]) < -0.02
    assert 0 < np.mean(divergences) <= MOST_KL

    manifest = json.loads((out / "manifest.json").read_text())
    results, counts = manifest["results"], manifest["counts"]
    assert counts == {
        "sessions": 1, "steps": STEPS, "accepted": len(moved["accepted"]), "accepted in part": 0,
        "refused": len(moved["refused"]), "undecided": 0,
    }  # fmt: skip
    assert manifest["recipe"]["seed"] == 0 and manifest["packages"]["torch"]
    assert results["kl"] == pytest.approx(np.mean(divergences), abs=1e-3)
    for decision, changes in moved.items():
        likelihood = results["log_likelihood"][decision]
        assert likelihood["after"] - likelihood["before"] == pytest.approx(np.mean(changes), abs=1e-3)
    assert results["log_likelihood"]["undecided"] == {"before": None, "after": None}


def test_the_same_seed_gives_the_same_weights_and_a_model_is_replaced(
    exported: tuple[Path, list[Met]], start: Path, tmp_path: Path
) -> None:
    small = RECIPE.model_copy(update={"rl": RECIPE.rl.model_copy(update={"updates": 3, "minibatch": 4})})
    found: list[bytes] = []
    for name in ("one", "two", "two"):
        learn(small, exported[0], tmp_path / name, "rl", start=start)
        found.append((tmp_path / name / "model" / "model.safetensors").read_bytes())
    assert found[0] == found[1] == found[2]
    learn(small.model_copy(update={"seed": 1}), exported[0], tmp_path / "two", "rl", start=start)
    assert (tmp_path / "two" / "model" / "model.safetensors").read_bytes() != found[0]


def test_a_rate_that_is_too_high_is_held_back(exported: tuple[Path, list[Met]], start: Path) -> None:
    wild = RECIPE.model_copy(update={"rl": RECIPE.rl.model_copy(update={"actor_lr": 0.1, "kl": 0.0})})
    steps = decided.read(exported[0], Writer.load(start / "tokenizer.json", 128)).usable
    learner = Learner(wild, steps, start, "sft")
    results = learner.run(silent)
    assert results["updates"] < 40 and results["shortened"] >= 1
    assert 0 < results["kl"] <= MOST_KL


def test_weights_and_advantages(exported: tuple[Path, list[Met]], start: Path) -> None:
    import torch

    step = decided.read(exported[0], Writer.load(start / "tokenizer.json", 128)).usable[0]
    worse, same, better = (replace(step, decision="undecided", case="edit", scale=scale) for scale in (-0.5, 0.0, 0.05))
    steps = [
        worse, same, better, replace(worse, decision="accepted"), replace(better, decision="accepted"),
        replace(better, decision="refused"), replace(worse, decision="accepted in part"),
    ]  # fmt: skip
    found = examples(RECIPE, steps, [torch.zeros(1)] * len(steps))
    assert [item.push for item in found] == [0, 0, 0, 0, 0, 1, 0]
    grown = float(np.expm1(0.05 / RECIPE.sft.beta))
    assert [item.weight for item in found] == pytest.approx([0, 0, grown, 1, max(1.0, grown), 0, 0], abs=1e-3)
    rewards = [0.0, 0.5, 0.9933, 0.0, 0.9933, 0.0, 0.0]
    expected = np.array(rewards) - np.mean(rewards)
    expected[3] = 0.0  # accepted: never pushed down
    assert [item.advantage for item in found] == pytest.approx(list(expected), abs=1e-3)


def test_of_a_huge_script_as_many_edits_are_looked_at_as_in_the_app(
    exported: tuple[Path, list[Met]], start: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer.load(start / "tokenizer.json", 128)
    whole = decided.read(exported[0], writer).usable
    most = 4
    assert min(len(step.situation.edits) for step in whole) > most
    monkeypatch.setattr(decided, "MOST_EDITS", most)
    found, again = decided.read(exported[0], writer).usable, decided.read(exported[0], writer).usable
    assert [step.situation.edits for step in found] == [step.situation.edits for step in again]
    for step, full in zip(found, whole, strict=True):
        edits = step.situation.edits
        assert len(edits) == len(step.situation.completions) == most
        assert edits[step.place] == full.situation.edits[full.place]
        assert [edit for edit in full.situation.edits if edit in edits] == list(edits), "in the same order"


def test_what_is_wrong_is_said_in_one_line(exported: tuple[Path, list[Met]], start: Path, tmp_path: Path) -> None:
    [good] = exported[0].iterdir()
    data = json.loads(good.read_text())

    def said(name: str, content: object = None) -> str:
        directory = tmp_path / name
        if content is not None:
            directory.mkdir(exist_ok=True)
            (directory / "session-x.json").write_text(content if isinstance(content, str) else json.dumps(content))
        with pytest.raises(UserError) as caught:
            learn(RECIPE, directory, tmp_path / "out", "sft", start=start)
        assert caught.value.code == Exit.USAGE
        return caught.value.line()

    (tmp_path / "empty").mkdir()
    assert "there is no such directory" in said("none") and "--for-training" in said("none")
    assert "holds no exported session" in said("empty")
    assert "schema 9, this version reads 1" in said("other", data | {"schema": 9})
    assert "is damaged" in said("cut", good.read_text()[:-40])
    assert "is damaged" in said("foreign", [1, 2])
    assert "is damaged: KeyError: 'm_init'" in said("less", {key: data[key] for key in data if key != "m_init"})
    assert "is damaged: 'liked' is not one of" in said("odd", data | {"steps": [data["steps"][0] | {"decision": "liked"}]})
    wordy = data["steps"][0] | {"scale": "much"}
    assert "is damaged: could not convert string to float" in said("words", data | {"steps": [wordy]})
    assert "none of the 0 steps" in said("none at all", data | {"steps": []})
    patched = [step | {"instruction": "patch"} for step in data["steps"]]
    assert f"none of the {STEPS} steps can be learnt from: {STEPS} not of the catalogue" in said(
        "llm", data | {"steps": patched}
    )
    assert not (tmp_path / "out").exists()

    with pytest.raises(UserError, match="weights cannot be read") as caught:
        learn(RECIPE, exported[0], tmp_path / "out", "sft", start=tmp_path / "empty")
    assert caught.value.code == Exit.NO_POLICY
    (tmp_path / "mine" / "model").mkdir(parents=True)
    with pytest.raises(UserError, match="no model of ours"):
        learn(RECIPE, exported[0], tmp_path / "mine", "sft", start=start)
    same = [step | {"decision": "undecided", "scale": 0.0, "case": "edit"} for step in data["steps"]]
    (tmp_path / "same").mkdir()
    (tmp_path / "same" / "session-x.json").write_text(json.dumps(data | {"steps": same}))
    for stage, why in (("rl", "the same reward"), ("sft", "none gained anything")):
        with pytest.raises(UserError, match=why):
            learn(RECIPE, tmp_path / "same", tmp_path / "out", stage, start=start)
    assert not (tmp_path / "out").exists()


def test_a_dry_run_says_what_there_is_and_writes_nothing(
    exported: tuple[Path, list[Met]], start: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    learn(RECIPE, exported[0], tmp_path / "out", "sft", start=start, dry_run=True)
    assert capsys.readouterr().out.startswith(f"{STEPS} steps of 1 sessions: ")
    assert not (tmp_path / "out").exists()


def test_the_app_takes_the_weights_that_the_settings_name(start: Path, tmp_path: Path) -> None:
    assert registry.make_policy("embedded", seed=0, model=str(start)).name == "embedded"
    with pytest.raises(UserError) as caught:
        registry.make_policy("embedded", seed=0, model=str(tmp_path / "nowhere"))
    assert caught.value.code == Exit.NO_POLICY and "nowhere" in caught.value.line()
    project = make_project(tmp_path / "project")
    shutil.copytree(start, project / "mine")
    (project / "mlagent.toml").write_text('[policy]\nkind = "embedded"\nmodel = "mine"\n')
    assert ProjectBackend(project, {}).open().model == str(project / "mine")
