"""A stage is made once for the same recipe and inputs; what a killed attempt left is kept for those, else moved aside."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mlagent_app.agent.errors import UserError
from training import stage as module
from training.recipe import Recipe, checked
from training.stage import MANIFEST, PROGRESS, SCHEMA, Stage, made, read_manifest, write_json

RECIPE = Recipe(name="tiny")


def other(**tables: object) -> Recipe:
    return checked({"name": "tiny", **tables}, "here")


def first_of(run: Path, recipe: Recipe = RECIPE) -> Stage:
    return Stage(run, "first", recipe, ("tasks",))


def second_of(run: Path, recipe: Recipe = RECIPE, extra: str = "") -> Stage:
    return Stage(run, "second", recipe, ("rl",), ("first",), extra)


def make(stage: Stage, **files: str) -> dict[str, Any]:
    """Go through a stage that writes these files."""
    progress = stage.begin()
    for name, text in files.items():
        path = stage.place / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return stage.finish(progress, results={"count": len(files)})


def test_a_finished_stage_is_done_and_its_manifest_says_what_made_it(tmp_path: Path) -> None:
    stage = first_of(tmp_path)
    assert not stage.is_done()
    written = make(stage, data="1", deep__more="2", logs__noise="3")
    assert stage.is_done()
    assert read_manifest(stage.place) == written
    assert written["schema"] == SCHEMA
    assert written["stage"] == "first"
    assert written["recipe"] == {
        "name": "tiny", "seed": 0, "tasks": json.loads(RECIPE.model_dump_json(include={"tasks"}))["tasks"],
    }  # fmt: skip
    assert set(written["outputs"]) == {"data", "deep/more"}
    assert written["results"] == {"count": 3}
    assert {"git_revision", "python", "packages", "seconds", "outputs_digest", "inputs"} <= set(written)
    assert written["packages"]["numpy"]


def test_another_recipe_is_another_stage(tmp_path: Path) -> None:
    make(first_of(tmp_path), data="1")
    assert first_of(tmp_path, other(rl={"clip": 0.3})).is_done()  # it does not depend on that table
    assert not first_of(tmp_path, other(tasks={"variants": 2})).is_done()
    assert not first_of(tmp_path, other(seed=1)).is_done()


def test_what_another_recipe_made_is_adopted_where_it_is_whole(tmp_path: Path) -> None:
    assert not first_of(tmp_path).adopt(), "nothing is there"
    written = make(first_of(tmp_path), data="1", deep__more="2")
    changed = first_of(tmp_path, other(tasks={"variants": 2}))
    (tmp_path / "first" / "data").rename(tmp_path / "away")
    assert not changed.adopt()
    (tmp_path / "away").rename(tmp_path / "first" / "data")
    assert changed.adopt()
    assert changed.is_done()
    said = read_manifest(changed.place)
    assert said["recipe"] == written["recipe"], "what made it"
    assert said["adopted"]


@pytest.mark.parametrize("name", ["first", "eval/rl-0"])
def test_what_another_recipe_made_is_moved_aside_and_said(name: str, tmp_path: Path) -> None:
    told: list[str] = []

    def tell(text: str, done: int = 0, total: int = 0) -> None:
        assert (done, total) == (0, 0), "a line that stays"
        told.append(text)

    stages = [Stage(tmp_path, name, other(seed=seed), ("tasks",)) for seed in range(3)]
    for number, stage in enumerate(stages):
        progress = stage.begin(tell)
        (stage.place / "data").write_text(str(number), "utf-8")
        stage.finish(progress, results={})
    asides = [tmp_path / f"{name}.before", tmp_path / f"{name}.before-2"]
    assert told == [f"made from another recipe or other inputs before; moved to {place}" for place in asides]
    assert [(place / "data").read_text("utf-8") for place in (*asides, stages[2].place)] == ["0", "1", "2"]
    assert made(tmp_path) == [stages[2].place], "what was moved aside is no stage"


def test_what_a_killed_attempt_for_another_recipe_left_is_moved_aside_too(tmp_path: Path) -> None:
    first_of(tmp_path).begin()
    (tmp_path / "first" / "shard").write_text("half of it", "utf-8")
    first_of(tmp_path, other(seed=1)).begin()
    assert [path.name for path in (tmp_path / "first").iterdir()] == [PROGRESS]
    assert (tmp_path / "first.before" / "shard").read_text("utf-8") == "half of it"


def test_checkpoints_of_another_recipe_are_moved_aside_too(tmp_path: Path) -> None:
    first_of(tmp_path).begin()
    deep = tmp_path / "first" / "logs" / "checkpoints" / "checkpoint-40"
    deep.mkdir(parents=True)
    (deep / "optimizer.pt").write_text("hours", "utf-8")
    first_of(tmp_path, other(seed=1)).begin()
    assert (tmp_path / "first.before" / "logs" / "checkpoints" / "checkpoint-40" / "optimizer.pt").read_text("utf-8") == "hours"


def test_a_stage_may_be_a_link_to_another_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "first").symlink_to(disk)
    make(first_of(tmp_path / "run"), data="1")
    assert (disk / "data").read_text("utf-8") == "1"
    make(first_of(tmp_path / "run", other(seed=1)), data="2")
    assert ((disk / "data").read_text("utf-8"), (tmp_path / "run" / "first" / "data").read_text("utf-8")) == ("1", "2")


def test_the_stages_of_a_run_within_the_run_are_not_the_runs(tmp_path: Path) -> None:
    make(first_of(tmp_path), data="1")
    make(first_of(tmp_path / "again"), data="1")
    played = Stage(tmp_path, "eval/rl-0", RECIPE, ("tasks",))
    make(played, data="1")
    assert made(tmp_path) == [played.place, first_of(tmp_path).place]


def test_progress_and_logs_alone_are_not_kept_for_another_recipe(tmp_path: Path) -> None:
    first_of(tmp_path).begin()
    (tmp_path / "first" / "logs" / "deep").mkdir(parents=True)
    (tmp_path / "first" / "logs" / "deep" / "noise").write_text("1", "utf-8")
    beside = tmp_path / "beside"
    beside.write_text("stays", "utf-8")
    (tmp_path / "first" / "logs" / "link").symlink_to(tmp_path)
    first_of(tmp_path, other(seed=1)).begin()
    assert [path.name for path in (tmp_path / "first").iterdir()] == [PROGRESS]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["beside", "first"]
    assert beside.read_text("utf-8") == "stays"


def test_a_killed_attempt_is_gone_on_with(tmp_path: Path) -> None:
    stage = first_of(tmp_path)
    stage.begin()
    (stage.place / "shard").write_text("half of it", "utf-8")
    assert not stage.is_done()
    stage.begin()
    assert (stage.place / "shard").read_text("utf-8") == "half of it"


def test_the_seconds_of_all_attempts_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    stage = first_of(tmp_path)
    progress = stage.begin()
    clock.now += 30
    progress.save()
    clock.now += 7  # lost: killed before it was saved
    progress = stage.begin()
    clock.now += 12
    assert stage.finish(progress, results={})["seconds"] == pytest.approx(42.0)
    changed = first_of(tmp_path, other(seed=3))
    progress = changed.begin()
    clock.now += 5
    assert changed.finish(progress, results={})["seconds"] == pytest.approx(5.0)


def test_what_an_input_holds_is_part_of_the_key(tmp_path: Path) -> None:
    make(first_of(tmp_path), data="1")
    make(second_of(tmp_path), data="2")
    assert second_of(tmp_path).is_done()
    assert not second_of(tmp_path, extra="more").is_done()
    make(first_of(tmp_path), data="1")  # made again, to the very same
    assert second_of(tmp_path).is_done()
    make(first_of(tmp_path), data="another")
    assert not second_of(tmp_path).is_done()


def test_an_input_that_was_not_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'first' was not made yet") as caught:
        second_of(tmp_path).begin()
    assert caught.value.how == "run: mlagent-train first"
    assert not (tmp_path / "second").exists()


def test_a_stage_whose_input_is_gone_is_not_done(tmp_path: Path) -> None:
    make(first_of(tmp_path), data="1")
    make(second_of(tmp_path), data="2")
    (tmp_path / "first" / MANIFEST).unlink()
    assert not second_of(tmp_path).is_done()


def test_another_catalogue_has_another_name_and_a_comment_makes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = tmp_path / "__init__.py"
    monkeypatch.setattr(module.catalogue, "__file__", str(code))

    def named(text: str) -> str:
        code.write_text(text, "utf-8")
        module.catalogue_digest.cache_clear()
        return module.catalogue_digest()

    try:
        assert named("VALUES = (1, 10)") == named("VALUES = (1,  10)  # two") != named("VALUES = (1, 100)")
    finally:
        module.catalogue_digest.cache_clear()


def test_an_output_that_is_gone_is_made_again(tmp_path: Path) -> None:
    stage = first_of(tmp_path)
    make(stage, data="1", more="2")
    (stage.place / "more").unlink()
    assert not stage.is_done()
    stage.begin()
    assert (stage.place / "data").exists()


def test_a_manifest_of_another_schema_is_refused_not_misread(tmp_path: Path) -> None:
    stage = first_of(tmp_path)
    make(stage, data="1")
    path = stage.place / MANIFEST
    write_json(path, {**json.loads(path.read_text("utf-8")), "schema": SCHEMA + 1})
    with pytest.raises(UserError, match=f"schema {SCHEMA + 1}, this version reads {SCHEMA}"):
        read_manifest(stage.place)
    assert not stage.is_done()
    with pytest.raises(UserError, match="schema"):
        second_of(tmp_path).key()


@pytest.mark.parametrize("text", ["", "{", "3", '"text"', "\x00", "[]", "null"])
def test_a_damaged_manifest_is_one_line_and_the_stage_is_made_again(text: str, tmp_path: Path) -> None:
    stage = first_of(tmp_path)
    make(stage, data="1")
    (stage.place / MANIFEST).write_text(text, "utf-8")
    with pytest.raises(UserError) as caught:
        read_manifest(stage.place)
    assert MANIFEST in caught.value.line()
    assert not stage.is_done()
    make(stage)
    assert stage.is_done()


@pytest.mark.parametrize("text", ["", "{", "3", "[]", "null", '{"key": "x"}', '{"seconds": "x", "key": "x"}'])
def test_damaged_progress_is_that_of_another_attempt(text: str, tmp_path: Path) -> None:
    stage = first_of(tmp_path)
    stage.begin()
    (stage.place / "shard").write_text("half of it", "utf-8")
    (stage.place / PROGRESS).write_text(text, "utf-8")
    stage.begin()
    assert not (stage.place / "shard").exists()


def test_json_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    write_json(path, {"b": 1, "a": [1]})
    with pytest.raises(TypeError):
        write_json(path, {"b": object()})
    assert json.loads(path.read_text("utf-8")) == {"a": [1], "b": 1}
    assert [found.name for found in tmp_path.iterdir()] == ["data.json"]
