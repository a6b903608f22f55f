"""The embedded policy on a tiny random model: exact, repeatable, never twice the same edit, and clear about bad weights."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch

from mlagent_app.agent.actions import EditScript, FinalAnswer
from mlagent_app.agent.chat import Cancelled
from mlagent_app.agent.digest import digest
from mlagent_app.agent.edits import Candidate
from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.agent.metrics import MetricSpec
from mlagent_app.agent.state import State, Task, Turn
from mlagent_app.policies import embedded
from mlagent_app.policies.embedded import EmbeddedModel, EmbeddedPolicy, sharpened
from mlagent_app.policies.registry import make_policy
from mlagent_app.policies.writing import END, PROMPT_END, Writer
from training import model, tokens, weights
from training.recipe import Model

pytestmark = pytest.mark.torch

NEVER = threading.Event()
FAMILIES = ("estimator-argument", "constant", "insert")
CANDIDATES = [Candidate(f"set P{i} of C to {v}", "train.py", FAMILIES[i % 3]) for i in range(6) for v in (1, 2)]
SCRIPT = "from sklearn.svm import SVC\nP0 = 3\nmodel = SVC(C=0.5, gamma='scale')\n"
TASK = Task("digits", "python train.py", MetricSpec("accuracy", "max"), 0.8, 1.0)
START = State(TASK, 0.8, base="base", files={"train.py": SCRIPT})
PROMPT_TOKENS = 64


def turn(candidate: Candidate, index: int, reward: float = 0.5, base: str = "base") -> Turn:
    return Turn(
        index, "Edit Script", candidate.instruction, candidate.file, candidate.family, "ok", 0.8, reward, 0.0, False, base=base
    )


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of random weights, peaked enough that edits differ."""
    place = tmp_path_factory.mktemp("weights")
    texts = [digest(START), digest(replace(START, history=(turn(CANDIDATES[0], 1),))), *(c.instruction for c in CANDIDATES)]
    tokenizer = tokens.train(texts, 320)
    tokenizer.save(str(place / "made.json"))
    table = Model(hidden=32, layers=2, heads=4, kv_heads=2, intermediate=48)
    net = model.from_scratch(table, tokenizer.get_vocab_size(), 0)
    with torch.no_grad():
        for name, value in net.named_parameters():
            value.normal_(1.0 if name.endswith("norm.weight") else 0.0, 0.2)
    net.save_pretrained(place / "model")
    weights.complete(place / "model", place / "made.json", prompt_tokens=PROMPT_TOKENS, temperature=1.0, name="tiny")
    return place / "model"


def told(source: Path, place: Path, **settings: object) -> Path:
    """A copy of the weights with other settings."""
    shutil.copytree(source, place)
    path = place / embedded.SETTINGS
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **settings}), "utf-8")
    return place


@settings(max_examples=8)
@given(seed=st.integers(min_value=0, max_value=1000))
def test_every_edit_is_proposed_once_then_the_session_ends(directory: Path, seed: int) -> None:
    policy, state, seen = EmbeddedPolicy(seed, directory), START, list[str]()
    for index in range(len(CANDIDATES)):
        proposal = policy.propose(state, CANDIDATES, NEVER)
        assert isinstance(proposal.action, EditScript)
        seen.append(proposal.action.edit_instruction)
        chosen = next(item for item in CANDIDATES if item.instruction == seen[-1])
        assert (proposal.action.script_name, proposal.family) == (chosen.file, chosen.family)
        state = replace(state, history=(*state.history, turn(chosen, index)))
    assert sorted(seen) == sorted(item.instruction for item in CANDIDATES)
    last = policy.propose(state, CANDIDATES, NEVER)
    assert isinstance(last.action, FinalAnswer)
    assert (last.probability, last.alternatives) == (None, ())


def test_it_repeats_itself_and_the_seed_matters(directory: Path) -> None:
    first = [EmbeddedPolicy(seed, directory).propose(START, CANDIDATES, NEVER) for seed in range(12)]
    assert first == [EmbeddedPolicy(seed, directory).propose(START, CANDIDATES, NEVER) for seed in range(12)]
    assert len({str(proposal.action) for proposal in first}) > 1
    assert make_policy("embedded", seed=3, model=str(directory)).propose(START, CANDIDATES, NEVER) == first[3]


@given(seed=st.integers(min_value=0, max_value=10_000))
def test_the_alternatives_are_the_most_probable_edits_and_the_choice(directory: Path, seed: int) -> None:
    proposal = EmbeddedPolicy(seed, directory).propose(START, CANDIDATES, NEVER)
    assert isinstance(proposal.action, EditScript)
    shares = [share for _, share in proposal.alternatives]
    assert shares == sorted(shares, reverse=True)
    assert (proposal.action.edit_instruction, proposal.probability) in proposal.alternatives
    assert len({name for name, _ in proposal.alternatives}) == embedded.SHOWN
    exact = np.exp(EmbeddedModel.load(directory).log_probabilities(START, CANDIDATES))
    assert float(exact.sum()) == pytest.approx(1.0)
    known = {item.instruction: float(share) for item, share in zip(CANDIDATES, exact, strict=True)}
    assert dict(proposal.alternatives) == pytest.approx({name: known[name] for name, _ in proposal.alternatives})
    # All but the choice, which may be an unlikely one, are the best there are.
    best = sorted(known, key=lambda name: -known[name])[: embedded.SHOWN - 1]
    assert set(best) <= {name for name, _ in proposal.alternatives}


def test_what_is_left_shares_the_probability_of_what_was_tried(directory: Path) -> None:
    state = replace(START, history=(turn(CANDIDATES[0], 1),))
    shares = np.exp(EmbeddedModel.load(directory).log_probabilities(state, CANDIDATES[1:]))
    proposal = EmbeddedPolicy(0, directory).propose(state, CANDIDATES, NEVER)
    assert float(shares.sum()) == pytest.approx(1.0)
    assert proposal.probability in [pytest.approx(float(share)) for share in shares]


def test_an_edit_tried_on_other_files_may_be_tried_again(directory: Path) -> None:
    state = replace(START, history=(turn(CANDIDATES[0], 1, base="other files"),))
    proposal = EmbeddedPolicy(0, directory).propose(state, CANDIDATES[:1], NEVER)
    assert isinstance(proposal.action, EditScript)
    assert proposal.alternatives == ((CANDIDATES[0].instruction, 1.0),)


def test_at_temperature_0_it_is_greedy(directory: Path, tmp_path: Path) -> None:
    cold = told(directory, tmp_path / "cold", temperature=0)
    best = CANDIDATES[int(np.argmax(EmbeddedModel.load(directory).log_probabilities(START, CANDIDATES)))]
    for seed in range(6):
        proposal = EmbeddedPolicy(seed, cold).propose(START, CANDIDATES, NEVER)
        assert isinstance(proposal.action, EditScript)
        assert (proposal.action.edit_instruction, proposal.probability) == (best.instruction, 1.0)


@given(st.lists(st.floats(-30, 0), min_size=1, max_size=8), st.floats(0.05, 4.0))
def test_the_temperature_sharpens_and_keeps_the_order(values: list[float], temperature: float) -> None:
    logp = np.array(values)
    shares = sharpened(logp, temperature)
    assert float(shares.sum()) == pytest.approx(1.0)
    assert all(shares[a] >= shares[b] for a in range(len(values)) for b in range(len(values)) if values[a] > values[b])
    same = sharpened(logp - np.log(np.exp(logp).sum()), 1.0)
    assert same == pytest.approx(np.exp(logp) / np.exp(logp).sum())


def test_nothing_to_do_is_said(directory: Path) -> None:
    proposal = EmbeddedPolicy(0, directory).propose(START, [], NEVER)
    assert isinstance(proposal.action, FinalAnswer)
    assert "no edit" in proposal.action.final_answer


def test_thousands_of_edits_are_no_burden(directory: Path) -> None:
    many = [
        Candidate(f"set P{i} of C to {v} in file_{i}.py", f"file_{i}.py", "constant") for i in range(150) for v in range(20)
    ]
    proposal = EmbeddedPolicy(3, directory).propose(START, many, NEVER)
    assert isinstance(proposal.action, EditScript)
    assert proposal == EmbeddedPolicy(3, directory).propose(START, many, NEVER)


def test_it_can_be_interrupted(directory: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        EmbeddedPolicy(0, directory).propose(START, CANDIDATES, stop)


@pytest.mark.parametrize(
    "files",
    [
        {"train.py": ""},
        {"train.py": "größe = 'ß'\nλ = 0.1\nmodel = Modell(été=3, name='日本語')\n"},
        {"train.py": "def broken(:\n", "配置.yaml": "学习率: 0.1\nlr: 1e-3\n"},
        {"train.py": "\x00\ud800", "other.bin": "\ufeff"},
        {},
    ],
)
def test_any_files_can_be_read(directory: Path, files: dict[str, str]) -> None:
    strange = Candidate("set größe of Modell to ½", "train.py", "constant")
    state = replace(START, files=files, history=(turn(strange, 1, base="old"),))
    proposal = EmbeddedPolicy(1, directory).propose(state, [*CANDIDATES, strange], NEVER)
    assert isinstance(proposal.action, EditScript)
    assert proposal.probability is not None and 0 < proposal.probability <= 1


def test_a_long_state_loses_its_end_and_an_edit_never_does(directory: Path) -> None:
    writer = Writer.load(directory / "tokenizer.json", PROMPT_TOKENS)
    text = digest(replace(START, history=tuple(turn(item, number) for number, item in enumerate(CANDIDATES))), last=12)
    prompt = writer.prompt(text)
    assert len(prompt) == PROMPT_TOKENS
    assert prompt[-1] == writer.id_of(PROMPT_END)
    longer = Writer.load(directory / "tokenizer.json", 10_000)
    assert longer.prompt(text)[: PROMPT_TOKENS - 1] == prompt[:-1]
    assert longer.tokenizer.decode(longer.prompt(text)[:-1]) == text
    names = [item.instruction for item in CANDIDATES]
    assert writer.completions(names) == [writer.completion(name) for name in names]
    assert all(ids[-1] == writer.id_of(END) for ids in writer.completions(names))


def test_it_runs_without_pytorch(directory: Path) -> None:
    code = f"""
import sys, threading
sys.modules.update(torch=None, transformers=None)
from mlagent_app.agent.edits import Candidate
from mlagent_app.agent.metrics import MetricSpec
from mlagent_app.agent.state import State, Task
from mlagent_app.policies.registry import make_policy
state = State(Task("d", "python train.py", MetricSpec("accuracy", "max"), 0.8, 1.0), 0.8, base="b")
two = [Candidate("set P1 of C to 1", "train.py", "a"), Candidate("set P2 of C to 1", "train.py", "a")]
print(make_policy("embedded", seed=0, model={str(directory)!r}).propose(state, two, threading.Event()).probability)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 0 < float(done.stdout) < 1


@pytest.mark.parametrize("form", [embedded.FORM + 1, 0])
def test_weights_for_another_form_of_digest_are_refused(form: int, directory: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"form {form} of the digest") as caught:
        EmbeddedPolicy(0, told(directory, tmp_path / "other", form=form))
    assert caught.value.code == Exit.NO_POLICY


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="weights cannot be read") as caught:
        make_policy("embedded", seed=0, model=str(tmp_path / "nowhere"))
    assert caught.value.code == Exit.NO_POLICY
    assert "nowhere" in caught.value.line()


def _written(name: str, text: str) -> Callable[[Path], object]:
    return lambda place: (place / name).write_text(text, "utf-8")


def _unmarked(place: Path) -> None:
    """A tokenizer that has no marks."""
    path = place / "tokenizer.json"
    path.write_text(path.read_text("utf-8").replace(END, "<|stop|>"), "utf-8")


DAMAGE: dict[str, Callable[[Path], object]] = {
    **{f"no {name}": lambda place, name=name: (place / name).unlink() for name in ("tokenizer.json", embedded.SETTINGS)},
    "no weights": lambda place: (place / "model.safetensors").unlink(),
    "empty weights": _written("model.safetensors", ""),
    "no config": lambda place: (place / "config.json").unlink(),
    "a list for settings": _written(embedded.SETTINGS, "[]"),
    "settings without temperature": _written(embedded.SETTINGS, '{"form": 1, "prompt_tokens": 8, "name": "x"}'),
    "settings of words": _written(embedded.SETTINGS, '{"form": 1, "prompt_tokens": "x", "name": "", "temperature": 1}'),
    "settings that are cut off": _written(embedded.SETTINGS, '{"form": 1,'),
    "a list for config": _written("config.json", "[]"),
    "an empty tokenizer": _written("tokenizer.json", ""),
    "a tokenizer of something else": _written("tokenizer.json", '{"version": "1.0"}'),
    "a tokenizer without marks": _unmarked,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_weights_are_one_clear_error(damage: str, directory: Path, tmp_path: Path) -> None:
    place = tmp_path / "damaged"
    shutil.copytree(directory, place)
    DAMAGE[damage](place)
    with pytest.raises(UserError, match="the weights cannot be read") as caught:
        EmbeddedPolicy(0, place)
    assert caught.value.code == Exit.NO_POLICY
    assert str(place) in caught.value.line()
    assert "\n" not in caught.value.line()
    assert caught.value.how
