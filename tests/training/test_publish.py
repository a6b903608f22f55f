"""Publishing: whole or not at all, and never over something else."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

from mlagent_app.agent.cookbook import Cookbook
from mlagent_app.agent.errors import UserError
from mlagent_app.policies.cookbook import CookbookPolicy
from mlagent_app.policies.embedded import EmbeddedModel
from mlagent_app.policies.prior import Prior
from mlagent_app.policies.writing import Writer
from training import tokens
from training.evaluate import compact
from training.model import from_scratch
from training.publish import publish
from training.recipe import Model, Recipe, checked
from training.stage import MANIFEST, SCHEMA, write_json
from training.statistics import Outcome
from training.telling import silent
from training.weights import complete

pytestmark = pytest.mark.torch


PRIOR = Prior(0.5, (1.0, 0.0, -1.0, 0.5, -0.5, 2.0))


def recipe(**table: object) -> Recipe:
    sizes = {"hidden": 16, "layers": 1, "heads": 2, "kv_heads": 1, "intermediate": 16}
    return checked({"name": "tiny", "model": sizes, "publish": table}, "here")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """What publishing reads of a run."""
    place = tmp_path / "run"
    results = {
        "corpus": {"steps": 10, "states": 9},
        "sft": {"examples": 5, "updates": 2},
        "rl-0": {"updates": 3},
    }
    for name, told in results.items():
        (place / name).mkdir(parents=True)
        manifest = {"schema": SCHEMA, "results": told, "git_revision": "abc", "packages": {"torch": "1"}}
        write_json(place / name / MANIFEST, manifest)
    tokenizer = place / "tokenizer.json"
    tokens.train(["set C of SVC to 10", "max accuracy table clf"], 300).save(str(tokenizer))
    size = Writer.load(tokenizer, 64).tokenizer.get_vocab_size()
    made: Model = recipe().model
    from_scratch(made, size, 0).save_pretrained(place / "rl-0" / "model")
    book = Cookbook.of([("table clf", "set C of SVC to 10", "estimator-argument", 0.3)])
    complete(place / "rl-0" / "model", tokenizer, prompt_tokens=64, temperature=1.0, name="x", prior=PRIOR, book=book)
    return place


def test_what_is_published_can_be_read_and_has_a_card(run: Path) -> None:
    target = publish(run, recipe(), None, silent)
    assert target == run / "publish"
    read = EmbeddedModel.load(target)
    assert (read.settings.name, read.settings.prior) == ("tiny rl-0, abc", PRIOR)
    assert (
        CookbookPolicy(target / "cookbook.json").name == "cookbook" and read.book.count("table clf", "set C of SVC to 10") == 1
    )
    card = (target / "card.md").read_text("utf-8")
    assert "10 executed expert steps in 9 states" in card and "abc; torch 1" in card
    again = publish(run, recipe(temperature=0.5), None, silent)
    assert EmbeddedModel.load(again).settings.temperature == 0.5
    assert list(run.glob(".publish*")) == []


def test_what_was_killed_while_it_replaced_the_weights_is_put_right(run: Path) -> None:
    publish(run, recipe(), None, silent)
    (run / "publish").rename(run / ".publish.old")
    (run / ".publish.fresh").mkdir()
    with pytest.raises(UserError):
        publish(run, recipe(max_mb=0.001), None, silent)
    assert EmbeddedModel.load(run / "publish").settings.name == "tiny rl-0, abc"
    assert list(run.glob(".publish*")) == []


def test_a_link_to_the_weights_stays_one(run: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    publish(run, recipe(), link, silent)
    assert link.is_symlink() and EmbeddedModel.load(tmp_path / "elsewhere").settings.name == "tiny rl-0, abc"


def test_the_card_says_what_was_measured(run: Path) -> None:
    def card() -> str:
        return (publish(run, recipe(), None, silent) / "card.md").read_text("utf-8")

    assert "Not evaluated." in card()
    rows = [
        Outcome(arm, 0, "iris", 7, "weak", 0, "max", 0.5, 1.0, (0.5, best), 0.5, 0.1, 0.5, best - 0.05)
        for arm, best in (("random", 0.6), ("rl", 0.7))
    ]
    (run / "eval").mkdir()
    (run / "eval" / "outcomes.jsonl").write_text(compact(rows), "utf-8")
    told = card()
    assert "on 1 task that training has not seen" in told and "gained 40.0 % on average, random draws 20.0 %" in told
    assert "2.00 times as much" in told and "hidden test part 30.0 % and 10.0 %" in told


def test_nothing_else_is_written_over(run: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("important", "utf-8")
    with pytest.raises(UserError, match="something else than weights"):
        publish(run, recipe(), mine, silent)
    assert [path.name for path in mine.iterdir()] == ["thesis.tex"]


def test_weights_that_are_too_large_are_refused(run: Path) -> None:
    with pytest.raises(UserError, match=r"more than publish\.max_mb = 0\.001"):
        publish(run, recipe(max_mb=0.001), None, silent)
    assert not (run / "publish").exists()
