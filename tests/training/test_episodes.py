"""What an episode is written down as, and what a choice in it may be."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from training.draws import Start
from training.episodes import Choice, Episode, Step


def test_a_choice_is_one_thing() -> None:
    with pytest.raises(ValueError, match="either"):
        Choice(None, 0.0)


def test_old_rows_load_and_rows_of_the_search_stay_as_they_were() -> None:
    step = Step("a", "b", "t", "v", 0, "set C to 1", "train.py", "f", "edit", "ok", 0.5, 0.6, 0.1, True, 1.0, False, -1.5, 9)
    row = asdict(step)
    del row["reply"]  # a row of the search
    assert step.to_json() == row
    del row["before_seconds"]  # a row of before it was written
    assert Step(**row) == step and step.is_catalogue_edit
    written = replace(step, before_seconds=0.5, reply="Action: ...", logp=None, family="")
    assert Step(**json.loads(json.dumps(written.to_json()))) == written and not written.is_catalogue_edit
    episode = Episode(Start("t", 1, "s"), 0, 0.5, 1.0, (0.5, 0.6, 0.6), (step, written))
    assert [list(item) for item in episode.to_json()["steps"]] == [[*row, "before_seconds"], [*row, "reply", "before_seconds"]]
