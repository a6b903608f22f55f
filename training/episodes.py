"""Episodes and single actions, executed: what the workers of the pool do."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from mlagent_app.agent.actions import Action, EditScript, InvalidAction, parse
from mlagent_app.agent.cookbook import lengthened
from mlagent_app.agent.digest import task_kind
from mlagent_app.agent.edits import Candidate
from mlagent_app.agent.reward import CONSTANT, Case, Version, edit_scalar
from mlagent_app.environment.taskenv import EpisodeState, Observation, TaskEnvironment, Transition, edit_action
from training.draws import Start
from training.workbench import Workbench

# Beside its runs a step draws data, hashes files and writes logs; the first episode on a variant runs its reference, too.
OVERHEAD_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Step:
    """One executed step. `state` and `next_state` are ids of saved states; `value` is m_t+1, `before` m_t.

    `logp` is the natural logarithm of the probability with which the behaviour policy chose it among `candidates` edits, None
    where that is not known. `scale` is delta / span of eq. 6, None where no metric was compared. `reply` is the whole answer of
    an actor that writes one, empty otherwise; `instruction` and `file` are what the environment made of it. `before_seconds` is
    what a run took before the edit, None where that is not known.
    """

    state: str
    next_state: str
    task: str
    variant: str
    index: int
    instruction: str
    file: str
    family: str
    case: Case
    outcome: str
    before: float
    value: float | None
    scale: float | None
    kept: bool
    seconds: float
    cached: bool
    logp: float | None
    candidates: int
    reply: str = ""
    before_seconds: float | None = None

    @property
    def is_catalogue_edit(self) -> bool:
        """Whether the catalogue made the edit: no patch of the actor's own, no copy, no other action, nothing invalid."""
        return self.family not in ("", "copy")

    @property
    def longer(self) -> float | None:
        """How much longer a run took with the edit than without it; see `lengthened`."""
        return lengthened(self.before_seconds, self.seconds, self.outcome)

    def reward(self, version: Version) -> float | None:
        """The reward of eq. 6; None when the infrastructure failed."""
        return reward_of(self.case, self.scale, version)

    def to_json(self) -> dict[str, Any]:
        """A row of a trajectory file; `reply` is left out where there is none."""
        row = asdict(self)
        if not self.reply:
            del row["reply"]
        return row


def reward_of(case: Case, scale: float | None, version: Version) -> float | None:
    """Eq. 6 from the case and delta / span."""
    if case == "infrastructure":
        return None
    return CONSTANT[version][case] if case != "edit" or scale is None else edit_scalar(scale, version)


@dataclass(frozen=True, slots=True)
class Choice:
    """What an actor does, and the natural logarithm of the probability with which it does it; None where it is not known.

    Without an `action` it is the edit `candidate`; with one there is no candidate. `reply` is the answer that said so, as a
    language model wrote it. Raises ValueError when there is not exactly one of the two.
    """

    candidate: Candidate | None
    logp: float | None
    action: Action | InvalidAction | None = None
    reply: str = ""

    def __post_init__(self) -> None:
        if (self.candidate is None) == (self.action is None):
            raise ValueError("a choice is either a candidate or an action")

    def taken(self) -> Action | InvalidAction:
        """The action to carry out."""
        if self.candidate is not None:
            return edit_action(self.candidate)
        assert self.action is not None
        return self.action


class Actor(Protocol):
    """Chooses edits in a worker. Picklable; random numbers come from the episode."""

    def begin(self, bench: Workbench, start: Start, seed: int) -> None:
        """A new episode begins."""
        ...

    def choose(self, seen: Observation, rng: random.Random) -> Choice | None:
        """The next edit; None when there is none left."""
        ...

    def learn(self, choice: Choice, moved: Transition) -> None:
        """What came of it."""
        ...


@dataclass(frozen=True, slots=True)
class Episode:
    """What an episode came to. `values` is the metric of the files as they stood after each step, the start included.

    `test` is the grade on the hidden test part at the end, and `test_start` at the start; None unless asked for. `kind` is what
    the digest says of the task; `problem` says why the starter did not run.
    """

    start: Start
    seed: int
    m_init: float
    m_best: float
    values: tuple[float, ...]
    steps: tuple[Step, ...]
    test_start: float | None = None
    test: float | None = None
    kind: str = ""
    problem: str = ""

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "steps": [step.to_json() for step in self.steps]}


@dataclass(frozen=True, slots=True)
class EpisodeJob:
    """An episode of `steps` executed steps by `actor`. `test`: grade the hidden test part at both ends.

    `think_seconds` is the most that the actor takes to choose one action, beside the run. A step that the infrastructure failed
    is repeated up to `repeats` times, before it counts as one.
    """

    start: Start
    actor: Actor
    steps: int
    seed: int
    run_seconds: float
    test: bool = False
    think_seconds: float = 0.0
    repeats: int = 0

    @property
    def seconds(self) -> float:
        runs = self.steps * (1 + self.repeats) + 3
        return runs * (self.run_seconds + 2.0) + self.steps * self.think_seconds + OVERHEAD_SECONDS

    def run(self, bench: Workbench) -> Episode:
        """Play it. A starter that does not run here ends the episode before its first step."""
        from mlagent_app.agent.errors import Exit, UserError

        env = bench.environment(steps=self.steps)
        rng = random.Random(f"{self.start}:{self.seed}")
        try:
            try:
                begin = self.start
                seen = env.reset(begin.task, begin.variant, self.seed, starter=begin.starter, detune=begin.detune)
            except UserError as error:
                if error.code == Exit.NO_METRIC:
                    return Episode(self.start, self.seed, 0.0, 0.0, (), (), problem=error.line())
                raise
            here, kind = env.state, task_kind(seen.state)
            test_start = env.test() if self.test else None
            self.actor.begin(bench, self.start, self.seed)
            values, steps = [here.value], list[Step]()
            while len(steps) < self.steps and (choice := self.actor.choose(seen, rng)) is not None:
                moved = self._moved(env, choice, here)
                steps.append(_step(seen, choice, moved, here))
                self.actor.learn(choice, moved)
                seen, here = moved.observation, env.state
                values.append(here.value)
                if moved.done:  # the actor gave its final answer, or this was the last step
                    break
            tests = (test_start, env.test() if self.test else None)
            return Episode(self.start, self.seed, here.m_init, here.m_best, tuple(values), tuple(steps), *tests, kind=kind)
        finally:
            env.close()

    def _moved(self, env: TaskEnvironment, choice: Choice, here: EpisodeState) -> Transition:
        """The step from `here`, repeated while the infrastructure fails it, at most `repeats` times."""
        moved = env.step(choice.taken())
        for _ in range(self.repeats):
            if moved.metadata["case"] != "infrastructure":
                break
            env.reset(seed=self.seed, state_id=here.id)
            moved = env.step(choice.taken())
        return moved


@dataclass(frozen=True, slots=True)
class ActionJob:
    """One action in a saved state: the unit of step-wise RL."""

    state: str
    instruction: str
    file: str
    run_seconds: float
    logp: float = 0.0

    @property
    def seconds(self) -> float:
        return self.run_seconds + OVERHEAD_SECONDS

    def run(self, bench: Workbench) -> Step:
        """Enter the state, and carry the action out."""
        return _in_state(bench, self.state, lambda _: Choice(Candidate(self.instruction, self.file, ""), self.logp))


@dataclass(frozen=True, slots=True)
class ReplyJob:
    """One answer in the grammar of a reply, in a saved state: the unit of step-wise RL for a policy that writes text.

    A class of its own, because an empty answer is an answer, too: an invalid one.
    """

    state: str
    reply: str
    run_seconds: float

    @property
    def seconds(self) -> float:
        return self.run_seconds + OVERHEAD_SECONDS

    def run(self, bench: Workbench) -> Step:
        """Enter the state, and carry out what the answer says."""
        return _in_state(bench, self.state, lambda seen: read_reply(self.reply, seen))


def _in_state(bench: Workbench, state: str, choose: Callable[[Observation], Choice]) -> Step:
    """One step from a saved state."""
    env = bench.environment()
    try:
        seen = env.reset(state_id=state)
        before, choice = env.state, choose(seen)
        return _step(seen, choice, env.step(choice.taken()), before)
    finally:
        env.close()


def read_reply(reply: str, seen: Observation) -> Choice:
    """What an answer comes to: an edit of the catalogue where it names one, else the action that it is, or an invalid one."""
    _, action = parse(reply)
    if isinstance(action, EditScript) and not action.patch:
        wanted = " ".join(action.edit_instruction.split())
        known = next((item for item in seen.candidates if item.instruction == wanted), None)
        if known is not None:
            return Choice(known, None, reply=reply)
    return Choice(None, None, action, reply)


def first_ideas(ideas: Sequence[str], most: int, start: Start, seed: int) -> list[str]:
    """The 1 to `most` ideas of an episode's first prompt (paper, section 3.2); none where there are none, or `most` is 0."""
    rng = random.Random(f"ideas:{start}:{seed}")
    most = min(most, len(ideas))
    return rng.sample(ideas, rng.randint(1, most)) if most else []


def _step(seen: Observation, choice: Choice, moved: Transition, before: EpisodeState) -> Step:
    told, chosen = moved.metadata, choice.candidate
    return Step(
        state=before.id,
        next_state=told["state_id"],
        task=seen.state.task.name,
        variant=before.variant,
        index=len(seen.state.history),
        instruction=chosen.instruction if chosen else told["instruction"],
        file=chosen.file if chosen else told["file"],
        family=told["family"],
        case=told["case"],
        outcome=told["outcome"],
        before=before.value,
        value=told["value"],
        scale=None if told["scale"] is None or not math.isfinite(told["scale"]) else float(told["scale"]),
        kept=told["kept"],
        seconds=round(told["seconds"], 4),
        cached=told["cached"],
        logp=choice.logp,
        candidates=len(seen.candidates),
        reply=choice.reply,
        before_seconds=before.seconds,
    )
