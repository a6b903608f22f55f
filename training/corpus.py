"""The expert's states and steps as token ids, once and for all: what SFT and RL read.

The model from scratch reads a digest and writes an instruction of the catalogue; its tokenizer is trained here. A pretrained
base reads what an expert behind an endpoint is given, and writes a whole answer; see `training.big`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mlagent_app.agent.digest import digest, task_kind
from mlagent_app.agent.errors import UserError
from mlagent_app.environment.taskenv import Observation, TaskEnvironment
from mlagent_app.policies.embedded import FORM
from mlagent_app.policies.prior import Tried, tries
from mlagent_app.policies.random import untried
from mlagent_app.policies.trie import Ints, Trie, build
from mlagent_app.policies.writing import Writer
from training import experts, shards, tokens
from training.episodes import OVERHEAD_SECONDS, Step
from training.pool import Lost, WorkerJob, WorkerPool
from training.recipe import Recipe
from training.stage import Stage
from training.telling import Tell
from training.workbench import Workbench

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from training.big import ChatWriter

STATES, STEPS, TOKENIZER = "states", "steps", "tokenizer.json"
# Where a pretrained base's tokenizer is kept; a corpus of the model from scratch has no such directory.
CHAT = "tokenizer"
CHUNK = 64
# Until a worker has imported the library of a base's tokenizer.
LOADING_SECONDS = 60.0


class Words(Protocol):
    """How a policy reads and writes: `mlagent_app.policies.writing.Writer`, or `training.big.ChatWriter`."""

    @property
    def tokenizer(self) -> Tokenizer: ...

    @property
    def most(self) -> int:
        """Prompts have at most so many tokens."""
        ...

    def prompt(self, text: str, /) -> list[int]: ...

    def completion(self, text: str, /) -> list[int]: ...

    def completions(self, texts: Sequence[str], /) -> list[list[int]]: ...


@dataclass(frozen=True, slots=True)
class Situation:
    """A state as the policy meets it: the prompt's ids, and the edits that apply with their ids. `base` names its files.

    `edits` are (instruction, file, family); `tries` are those of the session so far. `room`: how many times as long as now a
    run may take, None where that is not known.

    For a pretrained base, whose answers are not chosen from a list, `edits` are what the expert's answers came to, which may be
    none of the catalogue's, and `completions` are these answers.
    """

    id: str
    task: str
    variant: str
    base: str
    depth: int
    kind: str
    prompt: Ints
    edits: tuple[tuple[str, str, str], ...]
    completions: tuple[tuple[int, ...], ...]
    tries: tuple[Tried, ...] = ()
    room: float | None = None

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
    writer: Words
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
            left = untried(seen.state, seen.candidates)  # what the policy chooses from
            rows.append({
                **_facts(env, seen, state),
                "text": digest(seen.state, {item.file for item in left}),
                "edits": [[item.instruction, item.file, item.family] for item in left],
                "tries": [[item.instruction, item.family, item.helped, item.longer] for item in tries(seen.state)],
                "room": seen.state.room,
            })  # fmt: skip
        env.close()
        return rows


@dataclass(frozen=True, slots=True)
class AskJob:
    """Some saved states, told as to a policy that writes in the app; `taken`: the instructions that were taken in each.

    `chat` is where the base's tokenizer is, `context` the base's, in tokens.
    """

    states: tuple[str, ...]
    taken: tuple[tuple[str, ...], ...]
    chat: str
    context: int

    @property
    def seconds(self) -> float:
        return OVERHEAD_SECONDS + LOADING_SECONDS + 2.0 * len(self.states)

    def run(self, bench: Workbench) -> list[dict[str, Any]]:
        """A row for each state. Ideas are not shown: nobody gives the trained policy any."""
        from training.big import ChatWriter

        writer = ChatWriter.load(Path(self.chat), self.context)
        env = bench.environment()
        rows: list[dict[str, Any]] = []
        for name, taken in zip(self.states, self.taken, strict=True):
            seen = env.reset(state_id=name)
            rows.append({**_facts(env, seen, name), "text": writer.told(seen.state, seen.candidates, taken)})
        env.close()
        return rows


def _facts(env: TaskEnvironment, seen: Observation, state: str) -> dict[str, Any]:
    return {
        "state": state,
        "task": seen.state.task.name,
        "variant": env.state.variant,
        "base": seen.state.base,
        "depth": len(seen.state.history),
        "kind": task_kind(seen.state),
    }


def stage_of(run: Path, recipe: Recipe) -> Stage:
    form = f"digest form {FORM}, with tries and room" if recipe.model.base == "scratch" else "told as in the app"
    return Stage(run, "corpus", recipe, ("model",), ("experts",), form)


def make(stage: Stage, pool: WorkerPool, tell: Tell) -> dict[str, Any]:
    """Look into every state, train the tokenizer on what is seen, and write states and steps as ids."""
    steps = experts.read(experts.stage_of(stage.run, stage.recipe))
    if stage.recipe.model.base != "scratch":
        return _make_answers(stage, steps, pool, tell)
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


def _make_answers(stage: Stage, steps: Sequence[Step], pool: WorkerPool, tell: Tell) -> dict[str, Any]:
    """The same for a pretrained base, which brings its tokenizer."""
    from training.big import ChatWriter, load_tokenizer

    recipe = stage.recipe
    writer = ChatWriter.of(load_tokenizer(recipe.model.base), recipe.model.context)
    writer.save(stage.place / CHAT)
    taken: dict[str, list[str]] = {}
    for step in steps:
        taken.setdefault(step.state, []).append(step.instruction)
    rows = look(
        pool,
        list(taken),
        stage.place / "seen",
        tell,
        lambda states: AskJob(
            states, tuple(tuple(taken[state]) for state in states), str(stage.place / CHAT), recipe.model.context
        ),
    )
    results = write_answers(stage.place, rows, steps, writer, recipe.model.context - writer.most)
    tell(f"{len(rows)} states, {results['steps']} steps; prompts of {results['prompt_tokens']:.0f} tokens")
    return results


def look(
    pool: WorkerPool,
    states: Sequence[str],
    place: Path,
    tell: Tell,
    job: Callable[[tuple[str, ...]], WorkerJob[list[dict[str, Any]]]] = LookJob,
) -> list[dict[str, Any]]:
    """Rows for `states`, kept in shards below `place` so that a killed attempt goes on.

    Raises `UserError` where the pool lost some of them.
    """
    chunks = [tuple(states[at : at + CHUNK]) for at in range(0, len(states), CHUNK)]
    paths = [place / name for name in shards.names(STATES, range(len(chunks)))]
    left = [number for number, path in enumerate(paths) if not path.exists()]
    lost, why = 0, ""
    for index, rows in pool.imap(job(chunks[number]) for number in left):
        if isinstance(rows, Lost):
            lost, why = lost + len(chunks[left[index]]), rows.why
            continue
        shards.write(paths[left[index]], STATES, rows)
        tell("chunks of states", len(chunks) - len(left) + index + 1, len(chunks))
    if lost:
        how = "run the stage again: the others are kept; with fewer pool.workers, if memory is short"
        raise UserError(f"{lost} of {len(states)} states could not be looked into: {why}", where=str(place), how=how)
    return [row for path in paths for row in shards.read(path, STATES)]


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


def write_answers(
    place: Path, rows: Sequence[dict[str, Any]], steps: Sequence[Step], writer: ChatWriter, room: int
) -> dict[str, Any]:
    """The same with whole answers; those of more than `room` tokens are left out, for cut ones would teach to break off."""
    from training.big import answer_of

    mark = tokens.fingerprint(place / CHAT / TOKENIZER)
    states: dict[str, dict[str, Any]] = {
        row["state"]: {**row, "prompt": writer.prompt(row["text"]), "edits": [], "completions": []} for row in rows
    }
    taken: list[dict[str, Any]] = []
    for step in steps:
        state, answer = states.get(step.state), writer.completion(answer_of(step))
        if state is None or len(answer) > room:
            continue
        if answer not in state["completions"]:
            state["completions"].append(answer)
            state["edits"].append([step.instruction, step.file, step.family])
        taken.append({**step.to_json(), "completion": answer, "place": state["completions"].index(answer)})
    shards.write(place / f"{STATES}{shards.SUFFIX}", STATES, list(states.values()), tokenizer=mark)
    shards.write(place / f"{STEPS}{shards.SUFFIX}", STEPS, taken, tokenizer=mark)
    lengths = [len(state["prompt"]) for state in states.values()]
    return {
        "states": len(states),
        "steps": len(taken),
        "vocabulary": writer.tokenizer.get_vocab_size(),
        "prompt_tokens": float(np.mean(lengths)),
        "longest_prompt": max(lengths),
        "completion_tokens": float(np.mean([len(row["completion"]) for row in taken])),
        "too_long": sum(step.state in states for step in steps) - len(taken),
    }


def read(place: Path, context: int) -> Corpus:
    """Read back what `make` wrote. Raises `UserError` for a damaged shard, or one of another schema or tokenizer."""
    chat = place / CHAT
    path = chat / TOKENIZER if chat.is_dir() else place / TOKENIZER
    mark = tokens.fingerprint(path)
    situations = {
        row["state"]: situation(row) for row in shards.read(place / f"{STATES}{shards.SUFFIX}", STATES, tokenizer=mark)
    }
    steps = list(_steps(shards.read(place / f"{STEPS}{shards.SUFFIX}", STEPS, tokenizer=mark), situations))
    if chat.is_dir():
        from training.big import ChatWriter

        return Corpus(situations, steps, ChatWriter.load(chat, context), path)
    return Corpus(situations, steps, Writer.load(path, context // 2), path)


def situation(row: dict[str, Any]) -> Situation:
    """From a row of a shard."""
    edits = tuple((str(a), str(b), str(c)) for a, b, c in row["edits"])
    completions = tuple(tuple(ids) for ids in row["completions"])
    tried = tuple(Tried(str(a), str(b), bool(c), *longer) for a, b, c, *longer in row.get("tries", ()))  # older rows have none
    prompt = np.array(row["prompt"], dtype=np.int64)
    names = {name: row[name] for name in ("task", "variant", "base", "depth", "kind")}
    room = row.get("room")
    return Situation(row["state"], prompt=prompt, edits=edits, completions=completions, tries=tried, room=room, **names)


def _steps(rows: Sequence[dict[str, Any]], situations: dict[str, Situation]) -> Iterator[tuple[Step, int]]:
    for row in rows:
        step = Step(**{name: value for name, value in row.items() if name not in ("completion", "place")})
        place = row["place"] if "place" in row else situations[step.state].place(step.instruction, step.file)
        if place is not None:
            yield step, place
