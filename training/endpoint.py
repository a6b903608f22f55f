"""An OpenAI-compatible chat endpoint as a source of ideas and of expert trajectories (paper, section 3.2).

What a server samples cannot be seeded: stages that use it are resumable, and not repeatable to the letter. Texts of a task go
to the endpoint between markers, as data.
"""

from __future__ import annotations

import json
import random
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import cast

from mlagent_app.agent.chat import Message
from mlagent_app.agent.edits import Candidate
from mlagent_app.agent.errors import UserError
from mlagent_app.agent.state import State
from mlagent_app.chat import failures
from mlagent_app.chat.client import EndpointModel
from mlagent_app.chat.quoting import DATA, cut, quoted
from mlagent_app.chat.target import Names, Target, check_model, check_url, key_from, shown_url
from mlagent_app.environment.taskenv import Observation, Transition
from mlagent_app.policies.openai import catalogue_conversation
from mlagent_app.repo.relevance import matches
from tasks.schema import TaskSpec
from training.draws import Start
from training.episodes import Choice, first_ideas, read_reply
from training.recipe import Endpoint, Recipe
from training.workbench import Workbench

# A reply ends here; what a server sends beyond it is dropped. The tokens leave room for models that think first.
REPLY_TOKENS = 4096
REPLY_CHARS = 20_000
# Of a longer context an expert is told no more: what it answers is learned from a shorter one.
CONTEXT_TOKENS = 32_768
# What a request for ideas carries at most, in characters: one file, all files, the task.
FILE_CHARS = 8_000
FILES_CHARS = 24_000
TASK_CHARS = 16_000
# Ideas asked for in one request, and how many replies in a row may bring nothing new.
BATCH = 25
BARREN = 3
IDEA_CHARS = 400
# What the settings are called in a recipe.
NAMES = Names(
    url="endpoint.url",
    model="endpoint.model",
    key="endpoint.api_key_env",
    timeout="endpoint.timeout_seconds",
    where="[endpoint]",
    busy="wait, or use fewer pool.workers; what is done is kept",
    broken="look at the server; what is done is kept",
    refused="correct the table [endpoint] of the recipe",
)

_BULLET = re.compile(
    r"^(\s*)(?:#+\s*)?(?:\*\*)?(?:[-*•+]|\(?\d{1,3}[.):]+|Idea\s+\d{1,3}\s*[.:)-])(?:\*\*)?\s+(\S.*)$", re.IGNORECASE
)
_QUOTED = re.compile(r'^(\s*)"((?:[^"\\]|\\.)+)",?\s*$')
_OPENING = re.compile(r"^[ \t]*(?=[\[{])", re.MULTILINE)
_KEYS = ("idea", "instruction", "description", "text", "title", "name")
_ENOUGH = re.compile(r"[^\W\d_]{2}")


def patience(endpoint: Endpoint) -> float:
    """The most seconds that one reply may take to begin, retries and pauses included."""
    return failures.patience(endpoint.timeout_seconds)


class Chat:
    """Asks one endpoint. Make it with `connect`."""

    def __init__(self, endpoint: Endpoint, key: str) -> None:
        self._model = EndpointModel(
            Target(
                url=endpoint.url,
                model=endpoint.model,
                key_variable=endpoint.api_key_env,
                key=key,
                timeout_seconds=endpoint.timeout_seconds,
                temperature=endpoint.temperature,
                reply_tokens=REPLY_TOKENS,
                names=NAMES,
            )
        )

    def check(self) -> None:
        """Raises `UserError` when nothing listens at the endpoint, or when it refuses the key."""
        self._model.check()

    def ask(self, system: str, user: str) -> str:
        """The reply to one message, without what the model thought aloud before it. Raises `UserError`.

        Server errors, rate limits, time-outs and lost connections are tried again; see `mlagent_app.chat.failures`.
        """
        return self._reply((Message("system", system), Message("user", user)))

    def next(self, state: State, candidates: Sequence[Candidate]) -> str:
        """The reply to a state, which is told as to a policy in the app. Raises `UserError`."""
        room = min(self._model.context_tokens, CONTEXT_TOKENS)
        return self._reply(catalogue_conversation(state, candidates, room, self._model.count))

    def _reply(self, messages: Sequence[Message]) -> str:
        return self._model.reply(messages, threading.Event()).text[:REPLY_CHARS]


def connect(endpoint: Endpoint) -> Chat:
    """The client of an endpoint, one a process; sends nothing. Raises `UserError` when the table is not complete."""
    check_url(endpoint.url, NAMES)
    check_model(endpoint.model, NAMES)
    return _connected(endpoint.model_dump_json(), key_from(endpoint.api_key_env, NAMES))


@lru_cache(maxsize=4)
def _connected(table: str, key: str) -> Chat:
    return Chat(Endpoint.model_validate_json(table), key)


def _files(files: Mapping[str, str]) -> list[str]:
    """Files as data: each cut at `FILE_CHARS`, and none any more once `FILES_CHARS` are there."""
    parts: list[str] = []
    room = FILES_CHARS
    for path, text in sorted(files.items()):
        if room <= 0:
            parts.append(f"(not shown: {path})")
            continue
        parts.append(quoted(path, cut(text, min(FILE_CHARS, room))))
        room -= min(len(text), FILE_CHARS)
    return parts


IDEAS_SYSTEM = f"You are an expert of machine learning who proposes ideas for making a script's metric better. {DATA}"


def ask_for_ideas(spec: TaskSpec, recipe: Recipe) -> list[str]:
    """At least `ideas.per_task` different ideas for a task, in the order in which they came (paper, section 3.2).

    Fewer when several replies in a row bring nothing new. Two ideas are the same when they differ in case and space only.
    Raises `UserError` when the endpoint fails, or gives no idea at all.
    """
    chat = connect(recipe.endpoint)
    wanted = recipe.ideas.per_task
    found: dict[str, str] = {}
    barren = 0
    while len(found) < wanted and barren < BARREN:
        before = len(found)
        count = min(BATCH, wanted - before)
        for idea in read_ideas(chat.ask(IDEAS_SYSTEM, _idea_request(spec, max(count, 5), list(found.values())))):
            found.setdefault(" ".join(idea.casefold().split()).rstrip("."), idea)
        barren = 0 if len(found) > before else barren + 1
    if not found:
        how = "use a model that answers with lists"
        raise UserError(f"the endpoint gave no ideas for {spec.id}", where=shown_url(recipe.endpoint.url), how=how)
    return list(found.values())


def _idea_request(spec: TaskSpec, count: int, found: list[str]) -> str:
    contents = spec.starter_files(spec.starters[0].name)
    files = {path: data.decode("utf-8", "replace") for path, data in contents.items() if matches(path, spec.files.editable)}
    aim = "higher" if spec.metric.direction == "max" else "lower"
    parts = [
        quoted("the task", cut((spec.directory / "description.md").read_text("utf-8"), TASK_CHARS)),
        *_files(files),
        f"The metric is {spec.metric.name}; {aim} is better. A run may take {spec.limits.seconds:g} seconds on one CPU core.",
        f"Propose {count} ideas, as different as you can: cleaning, features, models, their parameters, how they are trained.",
        "Each is one change of the script that can be tried by itself, said in one sentence with its values.",
    ]
    if found:
        there = "\n".join(f"- {idea[:120]}" for idea in found[-100:])
        parts.append(quoted("ideas that are there already; propose others", there))
    parts.append("Answer with a JSON array of strings and nothing else.")
    return "\n\n".join(parts)


def read_ideas(reply: str) -> list[str]:
    """The ideas in a reply: a JSON list anywhere in it (of texts or objects), else its numbered, bulleted or quoted lines."""
    for opening in list(_OPENING.finditer(reply))[:20]:
        try:
            data, _ = json.JSONDecoder(strict=False).raw_decode(reply, opening.end())
        except (ValueError, RecursionError):
            continue
        if ideas := _tidy(_texts(data)):
            return ideas
    return _tidy(_listed(reply.splitlines()))


def _texts(data: object) -> Iterable[str]:
    """The ideas of a JSON value: of `[...]`, `{"ideas": [...]}` and lists of objects with one of `_KEYS`."""
    if isinstance(data, dict):
        values = cast("dict[str, object]", data)
        lists = [cast("list[object]", value) for value in values.values() if isinstance(value, list)]
        data = lists[0] if lists else list(values.values())
    for item in cast("list[object]", data):
        if isinstance(item, dict):
            entry = cast("dict[str, object]", item)
            item = next((entry[key] for key in _KEYS if isinstance(entry.get(key), str)), None)
        if isinstance(item, str):
            yield item


def _listed(lines: Iterable[str]) -> list[str]:
    """The outermost items of a list; what is indented below an item, or goes on in the next line, belongs to it."""
    found: list[tuple[int, str]] = []
    open_item = False
    for line in lines:
        match = _QUOTED.match(line) or _BULLET.match(line)
        if match:
            found.append((len(match.group(1).expandtabs()), match.group(2)))
            open_item = True
        elif not line.strip() or line.lstrip().startswith(("#", "```", '"', "]", "}")):
            open_item = False
        elif found and (open_item or line[0].isspace()):
            indent, text = found[-1]
            found[-1] = (indent, f"{text} {line.strip()}")
    outermost = min((indent for indent, _ in found), default=0)
    items: list[str] = []
    for indent, text in found:
        if indent <= outermost + 1 or not items:
            items.append(text)
        else:
            items[-1] = f"{items[-1]} {text}"
    return items


def _tidy(ideas: Iterable[str]) -> list[str]:
    """Without marks of Markdown and JSON, cut, and only what holds a word."""
    unmarked = (idea.replace("**", "").replace("\\n", " ").replace('\\"', '"') for idea in ideas)
    plain = (" ".join(idea.split())[:IDEA_CHARS].strip() for idea in unmarked)
    return [idea for idea in plain if _ENOUGH.search(idea)]


@dataclass(slots=True)
class EndpointActor:
    """The expert is a model behind an endpoint, given 1 to 3 ideas in its first prompt (paper, section 3.2).

    An edit of the catalogue is chosen as such; any other reply is carried out as the action that it is, or as an invalid one.
    The endpoint does not say with what probability it replies: `Choice.logp` is None. Where the actor runs, the variable with
    the key must be set.
    """

    ideas: tuple[str, ...]
    recipe: Recipe
    _mine: list[str] = field(default_factory=list[str])

    def begin(self, bench: Workbench, start: Start, seed: int) -> None:
        """Draw the ideas. Raises `UserError` when the endpoint's table is not complete."""
        del bench
        connect(self.recipe.endpoint)
        self._mine = first_ideas(self.ideas, self.recipe.experts.ideas, start, seed)

    def choose(self, seen: Observation, rng: random.Random) -> Choice:
        """Ask for the next action. Raises `UserError` when the endpoint fails for good."""
        del rng  # the server draws
        reply = connect(self.recipe.endpoint).next(self.shown(seen.state), seen.candidates)
        return read_reply(reply, seen)

    def learn(self, choice: Choice, moved: Transition) -> None:
        """Nothing: the next prompt carries the history."""
        del choice, moved

    def shown(self, state: State) -> State:
        """The state as the expert sees it: with the ideas among the notes. The policy that learns from it gets none."""
        if not self._mine:
            return state
        notes = "\n".join([*filter(None, [state.task.notes]), "Ideas to start from:", *(f"- {idea}" for idea in self._mine)])
        return replace(state, task=replace(state.task, notes=notes))
