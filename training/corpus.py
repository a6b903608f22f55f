"""The expert's states and steps as token ids, once and for all: what SFT and RL read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlagent_app.agent.digest import digest
from mlagent_app.policies.trie import Ints, Trie, build
from mlagent_app.policies.writing import Writer
from training import experts, shards, tokens
from training.episodes import OVERHEAD_SECONDS, Step, kind_of
from training.pool import Lost, WorkerPool
from training.recipe import Recipe
from training.stage import Stage
from training.telling import Tell
from training.workbench import Workbench

STATES, STEPS, TOKENIZER = "states", "steps", "tokenizer.json"
CHUNK = 64


@dataclass(frozen=True, slots=True)
class Situation:
    """A state as the policy meets it: the prompt's ids, and the edits that apply with their ids. `base` names its files."""

    id: str
    task: str
    variant: str
    base: str
    depth: int
    kind: str
    prompt: Ints
    edits: tuple[tuple[str, str, str], ...]
    completions: tuple[tuple[int, ...], ...]

    def trie(self) -> Trie:
        return build(self.completions)

    def place(self, instruction: str, file: str) -> int | None:
        """Which of the edits that is."""
        found = (number for number, edit in enumerate(self.edits) if edit[:2] == (instruction, file))
        return next(found, None)


@dataclass(frozen=True, slots=True)
class Corpus:
    """What was read back. `steps` are paired with the place of their edit among those of their state."""

    situations: dict[str, Situation]
    steps: list[tuple[Step, int]]
    writer: Writer
    tokenizer: Path


@dataclass(frozen=True, slots=True)
class LookJob:
    """What can be seen in some saved states, without running anything."""

    states: tuple[str, ...]

    @property
    def seconds(self) -> float:
        return OVERHEAD_SECONDS + 2.0 * len(self.states)

    def run(self, bench: Workbench) -> list[dict[str, Any]]:
        """A row for each state."""
        env = bench.environment()
        rows: list[dict[str, Any]] = []
        for state in self.states:
            seen = env.reset(state_id=state)
            rows.append({
                "state": state,
                "task": seen.state.task.name,
                "variant": env.state.variant,
                "base": seen.state.base,
                "depth": len(seen.state.history),
                "kind": kind_of(seen),
                "text": digest(seen.state, {item.file for item in seen.candidates}),
                "edits": [[item.instruction, item.file, item.family] for item in seen.candidates],
            })  # fmt: skip
        env.close()
        return rows


def stage_of(run: Path, recipe: Recipe) -> Stage:
    return Stage(run, "corpus", recipe, ("model",), ("experts",))


def make(stage: Stage, pool: WorkerPool, tell: Tell) -> dict[str, Any]:
    """Look into every state, train the tokenizer on what is seen, and write states and steps as ids."""
    steps = experts.read(experts.stage_of(stage.run, stage.recipe))
    rows = look(pool, list(dict.fromkeys(step.state for step in steps)), stage.place / "seen", tell)
    path = stage.place / TOKENIZER
    texts = (text for row in rows for text in (row["text"], *(edit[0] for edit in row["edits"])))
    tokenizer = tokens.train(texts, stage.recipe.model.vocabulary)
    tokenizer.save(str(path))
    writer = Writer.load(path, stage.recipe.model.context // 2)
    write_ids(stage.place, rows, steps, writer)
    lengths = [len(writer.prompt(row["text"])) for row in rows]
    tell(f"{len(rows)} states, {len(steps)} steps; prompts of {np.mean(lengths):.0f} tokens")
    return {
        "states": len(rows),
        "steps": len(steps),
        "vocabulary": tokenizer.get_vocab_size(),
        "prompt_tokens": float(np.mean(lengths)),
        "longest_prompt": max(lengths),
        "completion_tokens": float(np.mean([len(writer.completion(step.instruction)) for step in steps])),
    }


def look(pool: WorkerPool, states: Sequence[str], place: Path, tell: Tell) -> list[dict[str, Any]]:
    """Rows for `states`, kept in shards below `place` so that a killed attempt goes on."""
    chunks = [tuple(states[at : at + CHUNK]) for at in range(0, len(states), CHUNK)]
    paths = [place / name for name in shards.names(STATES, range(len(chunks)))]
    left = [number for number, path in enumerate(paths) if not path.exists()]
    for index, rows in pool.imap(LookJob(chunks[number]) for number in left):
        if not isinstance(rows, Lost):
            shards.write(paths[left[index]], STATES, rows)
            tell("chunks of states", len(chunks) - len(left) + index + 1, len(chunks))
    return [row for path in paths if path.exists() for row in shards.read(path, STATES)]


def write_ids(place: Path, rows: Sequence[dict[str, Any]], steps: Sequence[Step], writer: Writer) -> None:
    """The shards that SFT and RL read, marked with the tokenizer that made them."""
    mark = tokens.fingerprint(place / TOKENIZER)
    known = {row["state"] for row in rows}
    states: list[dict[str, Any]] = []
    for row in rows:
        ids = writer.completions([edit[0] for edit in row["edits"]])
        states.append({**row, "prompt": writer.prompt(row["text"]), "completions": ids})
    shards.write(place / f"{STATES}{shards.SUFFIX}", STATES, states, tokenizer=mark)
    taken = [{**step.to_json(), "completion": writer.completion(step.instruction)} for step in steps if step.state in known]
    shards.write(place / f"{STEPS}{shards.SUFFIX}", STEPS, taken, tokenizer=mark)


def read(place: Path, context: int) -> Corpus:
    """Read back what `make` wrote. Raises `UserError` for a damaged shard, or one of another schema or tokenizer."""
    path = place / TOKENIZER
    mark = tokens.fingerprint(path)
    situations = {row["state"]: situation(row) for row in shards.read(place / f"{STATES}{shards.SUFFIX}", STATES, tokenizer=mark)}
    steps = list(_steps(shards.read(place / f"{STEPS}{shards.SUFFIX}", STEPS, tokenizer=mark), situations))
    return Corpus(situations, steps, Writer.load(path, context // 2), path)


def situation(row: dict[str, Any]) -> Situation:
    """From a row of a shard."""
    edits = tuple((str(a), str(b), str(c)) for a, b, c in row["edits"])
    completions = tuple(tuple(ids) for ids in row["completions"])
    prompt = np.array(row["prompt"], dtype=np.int64)
    names = {name: row[name] for name in ("task", "variant", "base", "depth", "kind")}
    return Situation(id=row["state"], prompt=prompt, edits=edits, completions=completions, **names)


def _steps(rows: Sequence[dict[str, Any]], situations: dict[str, Situation]) -> Iterator[tuple[Step, int]]:
    for row in rows:
        step = Step(**{name: value for name, value in row.items() if name != "completion"})
        place = situations[step.state].place(step.instruction, step.file)
        if place is not None:
            yield step, place
