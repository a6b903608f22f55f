"""Jobs for the tests of the worker pools: in a module of their own, from which workers can import them."""

from __future__ import annotations

import math
import os
import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.environment.taskenv import Observation, Transition
from training.draws import Start
from training.episodes import Choice
from training.workbench import Workbench


@dataclass(frozen=True, slots=True)
class Square:
    """Answers with the square of `number`, after a while."""

    number: int
    after: float = 0.0
    seconds: float = 60.0

    def run(self, bench: Workbench) -> int:
        del bench
        time.sleep(self.after)
        return self.number**2


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Answers with the process that it is in."""

    seconds: float = 60.0

    def run(self, bench: Workbench) -> int:
        del bench
        return os.getpid()


@dataclass(frozen=True, slots=True)
class Meeting:
    """Waits for the other one to come, and answers whether it came."""

    mine: Path
    other: Path
    seconds: float = 60.0

    def run(self, bench: Workbench) -> bool:
        del bench
        self.mine.touch()
        until = time.monotonic() + 50.0
        while not self.other.exists() and time.monotonic() < until:
            time.sleep(0.02)
        return self.other.exists()


@dataclass(frozen=True, slots=True)
class Deadly:
    """Kills its worker: the first time only, or always. `marks` gets a file each time."""

    marks: Path
    always: bool = False
    seconds: float = 60.0

    def run(self, bench: Workbench) -> str:
        del bench
        times = len(list(self.marks.iterdir()))
        (self.marks / str(times)).touch()
        if self.always or times == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return "survived"


@dataclass(frozen=True, slots=True)
class Hung:
    """Does not end. `mark` is made when it begins."""

    mark: Path
    seconds: float = 0.5

    def run(self, bench: Workbench) -> str:
        del bench
        self.mark.touch()
        time.sleep(600.0)
        return "woke up"


@dataclass(frozen=True, slots=True)
class Wrong:
    """Raises what a person can mend, or a mistake of ours."""

    mendable: bool
    seconds: float = 60.0

    def run(self, bench: Workbench) -> str:
        del bench
        if self.mendable:
            raise UserError("the jar is empty", where="the kitchen", how="buy honey", code=Exit.NO_POLICY)
        raise KeyError("honey")


@dataclass(slots=True)
class CalmActor:
    """Takes any edit of the linear model's C: with others, a bagged model without a seed say, no two runs give the same."""

    def begin(self, bench: Workbench, start: Start, seed: int) -> None:
        del bench, start, seed

    def choose(self, seen: Observation, rng: random.Random) -> Choice | None:
        calm = [item for item in seen.candidates if item.instruction.startswith("set C of LogisticRegression to ")]
        return Choice(rng.choice(calm), -math.log(len(calm)))

    def learn(self, choice: Choice, moved: Transition) -> None:
        del choice, moved
