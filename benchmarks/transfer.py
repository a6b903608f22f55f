"""What carries over to a task that was not trained on: `python -m benchmarks.transfer --run DIR [--recipe nano] [--folds 3]`.

DIR is a finished run of `mlagent-train rl`. Its training tasks are parted into folds; for each fold a model is fine-tuned on
the others, and then reads the states of the fold, as does the cookbook of all tasks but a state's own. Printed is the reward
that each policy would get in one step of such a state, over the edits whose outcome the run has measured: when it draws, when
it draws at half the temperature, and by its likeliest edit; beside it the ratio of the second to the cookbook's.

Two rows say what more of the same knowledge would come to: the recipe's prior with a cookbook of everything that the run has
measured on other tasks, and with one of that and of the task's own other starts. A policy that knows an edit by what it came to
elsewhere, and no more of the script than its kind, gets no further than the second.

`fitted` are prior weights that maximise the expected reward on all tasks but a state's own; their means are printed last, and
the weights of nano's `[prior]` are rounded from there. A run whose RL drew widely (a high `rl.entropy`) tells policies apart
better than one that measured little but what its prior chose.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mlagent_app.agent.cookbook import Cookbook
from mlagent_app.policies.prior import FEATURES, NEUTRAL, features
from training import corpus, experts, sft
from training.corpus import Corpus, Situation
from training.draws import training_tasks
from training.model import load as load_model
from training.outcomes import Outcomes, file_of
from training.priors import Policy, Priors, start_of
from training.recipe import Recipe, load
from training.telling import silent

# States with fewer measured edits say little of a choice.
FEWEST = 3
UPDATES, RATE, RIDGE = 400, 0.05, 1e-4
EXPECTED = FEATURES.index("expected")


@dataclass(frozen=True, slots=True)
class Known:
    """A state's measured edits: log p of a model that has not seen the task [K], phi [K, F], and rewards [K].

    `edits` are their (instruction, family) pairs, `start` is the starter on its data, `kind` the kind of task, as the cookbook
    has it.
    """

    task: str
    start: str
    kind: str
    edits: Sequence[tuple[str, str]]
    logp: Tensor
    phi: Tensor
    rewards: Tensor


def measured(run: Path, recipe: Recipe, folds: int) -> list[Known]:
    """All states of the run with measured edits, read by models and cookbooks that have not seen their tasks."""
    read = corpus.read(run / "corpus", recipe.model.context)
    outcomes = Outcomes(file_of(run, recipe))
    outcomes.learn((step, read.situations[step.state]) for step, _ in read.steps)
    tasks = [spec.id for spec in training_tasks(recipe)]
    priors = Priors(experts.stage_of(run, recipe), tasks)
    found: list[Known] = []
    for fold in range(folds):
        apart = set(tasks[fold::folds])
        policy = without(read, recipe, apart)
        for situation in read.situations.values():
            if situation.task in apart:
                found += known(situation, policy, priors, outcomes, recipe)
    return found


def without(read: Corpus, recipe: Recipe, apart: set[str]) -> Policy:
    """A model fine-tuned on the other tasks' steps, without a prior."""
    rows = sft.examples(read, [(step, place) for step, place in read.steps if step.task not in apart], recipe)
    with tempfile.TemporaryDirectory() as place:
        sft.train(recipe, rows, *sft.opening_model(recipe, read), Path(place), silent)
        return Policy(load_model(Path(place) / sft.MODEL), NEUTRAL, None).eval()


def known(situation: Situation, policy: Policy, priors: Priors, outcomes: Outcomes, recipe: Recipe) -> list[Known]:
    """The state, if any of its edits was measured."""
    pairs = outcomes.rewards(situation, recipe)
    if not pairs:
        return []
    places = [place for place, _ in pairs]
    edits = [(instruction, family) for instruction, _, family in (situation.edits[place] for place in places)]
    with torch.no_grad():
        logp = policy([situation])[0, places]
    phi, rewards = priors.look(situation)[places], torch.tensor([reward for _, reward in pairs])
    return [Known(situation.task, situation.variant, situation.kind, edits, logp, phi, rewards)]


def acquainted(states: Sequence[Known], part: Callable[[Known], str]) -> list[Tensor]:
    """phi [K, F] of the states, with a cookbook of everything measured in other parts than a state's own."""
    books: dict[str, Cookbook] = {}
    found: list[Tensor] = []
    for state in states:
        if (own := part(state)) not in books:
            books[own] = Cookbook.of(
                (other.kind, *edit, float(reward))
                for other in states
                if part(other) != own
                for edit, reward in zip(other.edits, other.rewards, strict=True)
            )
        phi = state.phi.clone()
        phi[:, EXPECTED] = torch.from_numpy(features(books[own], state.kind, (), state.edits))[:, EXPECTED]
        found.append(phi)
    return found


def fitted(states: Sequence[Known], task: str) -> Tensor:
    """w [F] that maximises the mean expected reward of softmax(phi w) on all states but the task's."""
    others = [state for state in states if state.task != task]
    phi = torch.nn.utils.rnn.pad_sequence([state.phi for state in others], True)
    rewards = torch.nn.utils.rnn.pad_sequence([state.rewards for state in others], True)
    past = torch.nn.utils.rnn.pad_sequence([torch.zeros(len(state.rewards)) for state in others], True, -torch.inf)
    spread = torch.cat([state.phi for state in others]).std(0) + 1e-6
    weights = torch.zeros(len(FEATURES), requires_grad=True)
    optimizer = torch.optim.Adam([weights], lr=RATE)
    for _ in range(UPDATES):
        chances = ((phi / spread) @ weights + past).softmax(-1)
        loss = RIDGE * weights.square().sum() - (chances * rewards).sum(-1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return weights.detach() / spread


def row(states: Sequence[Known], scores: Sequence[Tensor]) -> tuple[float, float, float]:
    """The mean reward when edits are drawn by softmax(score), at half the temperature, and when the best score is taken."""
    pairs = list(zip(states, scores, strict=True))
    drawn = [[float((state.rewards * (score / t).softmax(0)).sum()) for state, score in pairs] for t in (1.0, 0.5)]
    best = [float(state.rewards[int(score.argmax())]) for state, score in pairs]
    return float(np.mean(drawn[0])), float(np.mean(drawn[1])), float(np.mean(best))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--recipe", default="nano")
    parser.add_argument("--folds", type=int, default=3)
    chosen = parser.parse_args()
    recipe = load(chosen.recipe)
    torch.set_num_threads(2)
    everything = measured(chosen.run, recipe, chosen.folds)
    several = [len(state.edits) >= FEWEST for state in everything]
    states = list(compress(everything, several))
    elsewhere = compress(acquainted(everything, lambda state: state.task), several)
    known_task = compress(acquainted(everything, lambda state: state.start), several)
    learnt = {task: fitted(states, task) for task in sorted({state.task for state in states})}
    prior = start_of(recipe)
    weights = torch.tensor(prior.weights)
    policies = {
        "any measured edit": [torch.zeros_like(state.logp) for state in states],
        "model": [state.logp for state in states],
        "cookbook": [state.phi[:, EXPECTED] for state in states],
        "prior of the recipe": [state.phi @ weights for state in states],
        "model and prior": [prior.model * state.logp + state.phi @ weights for state in states],
        "prior, all measured": [phi @ weights for phi in elsewhere],
        "the same, task known": [phi @ weights for phi in known_task],
        "prior, fitted": [state.phi @ learnt[state.task] for state in states],
        "model and fitted": [prior.model * state.logp + state.phi @ learnt[state.task] for state in states],
    }
    rows = {name: row(states, scores) for name, scores in policies.items()}
    edits = sum(len(state.rewards) for state in states)
    print(f"{len(states)} states of {len(learnt)} tasks, {edits} measured edits")
    print(f"{'policy':<20} {'drawn':>8} {'T = 0.5':>8} {'best':>8} {'ratio':>6}")
    for name, (drawn, half, best) in rows.items():
        print(f"{name:<20} {drawn:>8.4f} {half:>8.4f} {best:>8.4f} {half / rows['cookbook'][1]:>6.2f}")
    means = torch.stack(list(learnt.values())).mean(0)
    print("fitted weights: " + ", ".join(f"{name} {float(weight):.1f}" for name, weight in zip(FEATURES, means, strict=True)))


if __name__ == "__main__":
    main()
