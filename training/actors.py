"""Who acts in an evaluation: policies of the app, models of a run, and Optuna over the script's own numbers."""

from __future__ import annotations

import contextlib
import hashlib
import math
import random
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

from mlagent_app.agent.actions import EditScript
from mlagent_app.agent.cookbook import Cookbook
from mlagent_app.agent.edits import Candidate
from mlagent_app.editors.base import NoSuchEdit, unified_diff
from mlagent_app.editors.catalogue import Catalogue
from mlagent_app.environment.detuning import settings
from mlagent_app.environment.taskenv import Observation, Transition
from mlagent_app.policies.cookbook import CookbookPolicy
from mlagent_app.policies.cookbook import loaded as load_book
from mlagent_app.policies.embedded import loaded, sharpened
from mlagent_app.policies.random import untried
from mlagent_app.policies.registry import make_policy
from training.draws import Start
from training.episodes import Choice
from training.workbench import Workbench

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import Trial

KEEP = "as it is"
# So often in a row the study may ask for what was executed before.
MOST_REPEATS = 100
_CATALOGUE = Catalogue()


@dataclass(slots=True)
class PolicyActor:
    """A policy of the app by its name; `book` is the cookbook's table."""

    kind: str
    book: str = ""
    _policy: Any = None

    def begin(self, bench: Workbench, start: Start, seed: int) -> None:
        """Open the policy with the episode's seed."""
        del bench
        self._policy = (
            CookbookPolicy(Path(self.book)) if self.kind == "cookbook" else make_policy(self.kind, seed=_mixed(start, seed))
        )

    def choose(self, seen: Observation, rng: random.Random) -> Choice | None:
        """Its proposal."""
        del rng
        proposal = self._policy.propose(seen.state, seen.candidates, threading.Event())
        if not isinstance(proposal.action, EditScript):
            return None
        wanted = (proposal.action.edit_instruction, proposal.action.script_name)
        candidate = next(item for item in seen.candidates if (item.instruction, item.file) == wanted)
        return Choice(candidate, math.log(proposal.probability) if proposal.probability else 0.0)

    def learn(self, choice: Choice, moved: Transition) -> None:
        """The state tells it all."""


@dataclass(slots=True)
class ModelActor:
    """A trained model, by the directory of its weights, at a temperature.

    `books`: where the prior's cookbook for a task that is trained on is, as TASK.json; empty: the one beside the weights.
    `alone`: the model without its prior.
    """

    directory: str
    temperature: float
    books: str = ""
    alone: bool = False
    _book: Cookbook | None = None

    def begin(self, bench: Workbench, start: Start, seed: int) -> None:
        """Open the task's cookbook; models stay loaded in a worker."""
        del bench, seed
        self._book = load_book(Path(self.books) / f"{start.task}.json") if self.books else None

    def choose(self, seen: Observation, rng: random.Random) -> Choice | None:
        """A draw from its distribution."""
        left = untried(seen.state, seen.candidates)
        if not left:
            return None
        model = loaded(Path(self.directory)).reading(self._book)
        logp = (model.alone() if self.alone else model).log_probabilities(seen.state, left)
        shares = sharpened(logp, self.temperature)
        place = rng.choices(range(len(shares)), shares.tolist())[0]
        return Choice(left[place], float(math.log(shares[place])))

    def learn(self, choice: Choice, moved: Transition) -> None:
        """It does not learn within an episode."""


@dataclass(slots=True)
class OptunaActor:
    """Optuna's TPE (Bergstra et al. 2011) over the numbers and choices of the script, at equal executions.

    The search space is what a person would write down for it: every setting of the starter that the catalogue knows, with the
    values it offers and the present one. A trial sets all of them at once, is executed, and is told the metric.
    """

    _study: Study | None = None
    _trial: Trial | None = None
    _sign: float = 1.0
    _files: dict[str, str] = field(default_factory=dict[str, str])
    _space: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    _known: dict[str, float | None] = field(default_factory=dict[str, float | None])
    _asked: str = ""

    def begin(self, bench: Workbench, start: Start, seed: int) -> None:
        """A new study."""
        import optuna

        del bench
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        sampler = optuna.samplers.TPESampler(seed=_mixed(start, seed), n_startup_trials=3)
        self._study = optuna.create_study(direction="maximize", sampler=sampler)
        self._files = {}

    def choose(self, seen: Observation, rng: random.Random) -> Choice | None:
        """Ask the study for a value of every setting, and write them all into the starter.

        What was executed before is answered from memory and costs no step: the other arms repeat nothing either.
        """
        del rng
        if self._study is None:
            return None
        if not self._files:
            self._files, self._space = dict(seen.state.files), _space(seen.candidates, seen.state.files)
            self._sign = 1.0 if seen.state.task.metric.direction == "max" else -1.0
            self._known = {_name(self._files): self._sign * seen.state.value}
        for _ in range(MOST_REPEATS if self._space else 0):
            self._trial = self._study.ask()
            files = self._written(self._trial)
            self._asked = _name(files)
            if self._asked not in self._known:
                before = seen.state.files
                changed = [path for path, text in files.items() if text != before[path]]
                patch = "".join(unified_diff({path: before[path]}, {path: files[path]}) for path in changed)
                return Choice(None, None, action=EditScript(min(files), "", patch))
            self._tell(self._known[self._asked])
        return None

    def learn(self, choice: Choice, moved: Transition) -> None:
        """Tell the study the metric; a failed run is a failed trial."""
        del choice
        value = moved.metadata["value"]
        self._known[self._asked] = None if value is None else self._sign * value
        self._tell(self._known[self._asked])

    def _written(self, trial: Trial) -> dict[str, str]:
        """The starter with the trial's values."""
        chosen = [trial.suggest_categorical(name, [KEEP, *values]) for name, values in self._space.items()]
        files = dict(self._files)
        for instruction in chosen:
            # An earlier value may have taken a later setting away.
            with contextlib.suppress(NoSuchEdit):
                if instruction != KEEP:
                    edit = _CATALOGUE.resolve(instruction, files)
                    files[edit.file] = edit.apply(files[edit.file])
        return files

    def _tell(self, value: float | None) -> None:
        from optuna.trial import TrialState

        if self._study is None or self._trial is None:
            return
        if value is None:
            self._study.tell(self._trial, state=TrialState.FAIL)
        else:
            self._study.tell(self._trial, value)


def _space(candidates: tuple[Candidate, ...], files: dict[str, str]) -> dict[str, list[str]]:
    """The edits that set a value, by the place that they set."""
    return {place: [item.instruction for item in items] for place, items in settings(candidates, files).items()}


def _name(files: dict[str, str]) -> str:
    """Names a configuration by its content."""
    return hashlib.sha256("\0".join(f"{path}\0{text}" for path, text in sorted(files.items())).encode()).hexdigest()


def _mixed(start: Start, seed: int) -> int:
    """A seed of this start and this trajectory."""
    return crc32(f"{start}:{seed}".encode())
