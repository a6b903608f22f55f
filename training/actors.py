"""Who acts in an evaluation: policies of the app, models of a run, and Optuna over the script's own numbers."""

from __future__ import annotations

import contextlib
import math
import random
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

from mlagent_app.agent.actions import EditScript
from mlagent_app.agent.cookbook import target_of
from mlagent_app.agent.edits import Candidate
from mlagent_app.editors.base import NoSuchEdit, unified_diff
from mlagent_app.editors.catalogue import Catalogue
from mlagent_app.environment.taskenv import Observation, Transition
from mlagent_app.policies.cookbook import CookbookPolicy
from mlagent_app.policies.embedded import loaded, sharpened
from mlagent_app.policies.registry import make_policy
from training.draws import Start
from training.episodes import Choice
from training.workbench import Workbench

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import Trial

KEEP = "as it is"
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


@dataclass(frozen=True, slots=True)
class ModelActor:
    """A trained model, by the directory of its weights, at a temperature."""

    directory: str
    temperature: float

    def begin(self, bench: Workbench, start: Start, seed: int) -> None:
        """Nothing to open: models stay loaded in a worker."""

    def choose(self, seen: Observation, rng: random.Random) -> Choice | None:
        """A draw from its distribution."""
        if not seen.candidates:
            return None
        logp = loaded(Path(self.directory)).log_probabilities(seen.state, seen.candidates)
        shares = sharpened(logp, self.temperature)
        place = rng.choices(range(len(shares)), shares.tolist())[0]
        return Choice(seen.candidates[place], float(math.log(shares[place])))

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

    def begin(self, bench: Workbench, start: Start, seed: int) -> None:
        """A new study."""
        import optuna

        del bench
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        sampler = optuna.samplers.TPESampler(seed=_mixed(start, seed), n_startup_trials=3)
        self._study = optuna.create_study(direction="maximize", sampler=sampler)
        self._files = {}

    def choose(self, seen: Observation, rng: random.Random) -> Choice | None:
        """Ask the study for a value of every setting, and write them all into the starter."""
        del rng
        if not self._files:
            self._files, self._space = dict(seen.state.files), _space(seen.candidates)
            self._sign = 1.0 if seen.state.task.metric.direction == "max" else -1.0
        if not self._space or self._study is None:
            return None
        self._trial = self._study.ask()
        chosen = [self._trial.suggest_categorical(name, [KEEP, *values]) for name, values in self._space.items()]
        files = dict(self._files)
        for instruction in chosen:
            # An earlier value may have taken a later setting away.
            with contextlib.suppress(NoSuchEdit):
                if instruction != KEEP:
                    edit = _CATALOGUE.resolve(instruction, files)
                    files[edit.file] = edit.apply(files[edit.file])
        changed = {path: text for path, text in files.items() if text != seen.state.files[path]}
        patch = "".join(unified_diff({path: seen.state.files[path]}, {path: text}) for path, text in changed.items())
        return Choice(None, None, action=EditScript(min(files), "" if patch else "leave everything as it is", patch))

    def learn(self, choice: Choice, moved: Transition) -> None:
        """Tell the study the metric; a failed run is a failed trial."""
        from optuna.trial import TrialState

        del choice
        if self._study is None or self._trial is None:
            return
        value = moved.metadata["value"]
        if value is None:
            self._study.tell(self._trial, state=TrialState.FAIL)
        else:
            self._study.tell(self._trial, self._sign * value)


def _space(candidates: tuple[Candidate, ...]) -> dict[str, list[str]]:
    """The edits that set a value, by what they set."""
    found: dict[str, list[str]] = {}
    for item in candidates:
        if item.instruction.startswith("set "):
            found.setdefault(target_of(item.instruction), []).append(item.instruction)
    return found


def _mixed(start: Start, seed: int) -> int:
    """A seed of this start and this trajectory."""
    return crc32(f"{start}:{seed}".encode())
