"""Learning from the user: on from the shipped weights, on a person's accepted and refused edits. Nothing is executed or sent.

With a the edit that was proposed in state s, pi the policy and pi_0 the shipped one, both exact over the edits that applied:

    sft   mean of  w (-log pi(a|s)) + 2 [refused] log(1 + pi(a|s) / pi_0(a|s))   + kl KL(pi || pi_0)
    rl    PPO's clipped surrogate of pi / pi_0 and A                             + kl KL(pi || pi_0) - entropy H(pi)

sft: w = exp((r - r0) / beta) - 1, at least 0 and at most most_copies, as in `training.sft`, the reward `clipped`, r0 that of
no change: what gained nothing is not copied. It is at least 1 for an accepted edit, and 0 for a refused one. A refused edit is
pushed down by the unlikelihood (Welleck et al. 2020) of its preference over the shipped policy, p = sigmoid(log pi / pi_0):
the term is 2 (-log(1 - p)), log 4 at the start, and goes to 0 as pi does. Its slope in log pi is 2 p, 1 at the start and
always within 0 and 2: it neither blows up nor pushes what is gone.

rl: A = r - mean r of the session, with the reward `v1`, and a failure's for a refused edit; A >= 0 for an accepted one. The old
log-probabilities are those of pi_0, so that the surrogate stops to pull where pi leaves pi_0 by more than the clip.

In both, the mean KL(pi || pi_0) over the recorded states ends at MOST_KL or below: a few decisions are no reason to forget all.
"""

from __future__ import annotations

import math
import random
import shlex
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mlagent_app.agent.errors import UserError
from mlagent_app.agent.reward import Version
from mlagent_app.policies import embedded
from mlagent_app.policies.writing import Writer
from training import algo, decided, sft
from training.decided import Decided, Record
from training.model import load
from training.priors import Policy, remembered
from training.recipe import Recipe
from training.stage import MANIFEST, SCHEMA, file_digest, git_revision, versions, write_json
from training.telling import Tell, Telling
from training.weights import complete, replacing, settle

MODEL, WEIGHTS = "model", "model.safetensors"
# The versions of eq. 6: in both a failure is worse than no change, whatever the recipe trains the shipped weights on.
REWARDS: dict[str, Version] = {"sft": "clipped", "rl": "v1"}
# Nats a state, on average.
MOST_KL = 0.5
# A person's decisions are few: SFT looks at them more often than its recipe's epochs would.
LEAST_UPDATES = 40
# States of one forward pass; what a minibatch is summed up from.
AT_ONCE = 4


def learn(recipe: Recipe, sessions: Path, out: Path, stage: str, *, start: Path | None = None, dry_run: bool = False) -> None:
    """Learn from what `mlagent sessions export --for-training` wrote into `sessions`; `out`/model is what the app then reads.

    `stage` is `sft` or `rl`; both take actor_lr, kl and max_grad_norm from the recipe's `rl` table. `start`: other weights than
    the package's, which are only read. `dry_run`: say what would be learnt from, and stop. Raises `UserError`.
    """
    if stage not in REWARDS:
        raise UserError(f"sessions are learnt from by {' or '.join(REWARDS)}, not {stage!r}")
    began, source = time.monotonic(), start or embedded.shipped()
    shipped = embedded.EmbeddedModel.load(source)
    settings = shipped.settings
    origin = {"name": settings.name, "sha256": file_digest(source / WEIGHTS)}
    record = decided.read(sessions, Writer.load(source / "tokenizer.json", settings.prompt_tokens))
    print(_counted(record))
    if dry_run:
        return
    target = out / MODEL
    settle(target)
    if target.exists() and not (target / embedded.SETTINGS).is_file():
        raise UserError(
            "this is no model of ours, and is not replaced", where=str(target), how="name another directory with --out"
        )
    with Telling(stage) as tell:
        learner = Learner(recipe, record.usable, source, stage)
        results = learner.run(tell)
    _write(learner.actor, source, out, f"{settings.name}, {stage} on {len(record.sessions)} sessions", shipped)
    manifest = {
        "schema": SCHEMA,
        "stage": f"{stage} from sessions",
        "recipe": recipe.model_dump(mode="json", include={"name", "seed", "sft", "rl"}),
        "git_revision": git_revision(),
        "packages": versions(),
        "start": origin,
        "sha256": file_digest(target / WEIGHTS),
        "sessions": record.sessions,
        "counts": _counts(record),
        "left_out": dict(record.left_out),
        "reward": REWARDS[stage],
        "most_kl": MOST_KL,
        "seconds": round(time.monotonic() - began, 1),
        "results": results,
    }
    write_json(out / MANIFEST, manifest)
    print(_told(results, target))


@dataclass(frozen=True, slots=True)
class Example:
    """A step with what its loss needs: `weight` w and `push` 0 or 1 of SFT, `advantage` A of RL, and log pi_0(. | s) [C]."""

    step: Decided
    weight: float
    push: float
    advantage: float
    reference: Tensor


class Learner:
    """The policy that learns, and its examples. What it does depends on the recipe, the examples and the start alone."""

    def __init__(self, recipe: Recipe, steps: Sequence[Decided], start: Path, stage: str) -> None:
        torch.manual_seed(recipe.seed)
        shipped = embedded.EmbeddedModel.load(start)
        self.actor = Policy(load(start), shipped.settings.prior, remembered(lambda _: shipped.book)).eval()
        self._start = {name: value.clone() for name, value in self.actor.state_dict().items()}
        self._recipe, self._table, self._stage = recipe, recipe.rl, stage
        self._optimizer = torch.optim.AdamW(self.actor.model.parameters(), lr=self._table.actor_lr, weight_decay=0.0)
        self.examples = examples(recipe, steps, self._distributions(steps))
        if stage == "sft" and not any(example.weight or example.push for example in self.examples):
            raise UserError(
                "no step was accepted or refused, and none gained anything, so that sft learns nothing from them",
                how="decide on edits in your sessions, and export them again",
            )
        if stage == "rl" and not any(example.advantage for example in self.examples):
            raise UserError(
                "all steps of a session have the same reward, so that rl learns nothing from them",
                how="use sft, or export more sessions",
            )

    def run(self, tell: Tell) -> dict[str, Any]:
        """All updates, as long as the policy stays near the start. Returns the results for the manifest."""
        before = self._likelihoods()
        if self._stage == "sft":
            size = self._recipe.sft.batch * self._recipe.sft.accumulate
            updates = max(LEAST_UPDATES, math.ceil(self._recipe.sft.epochs * len(self.examples) / size))
        else:
            size, updates = self._table.minibatch, self._table.updates
        made, batches = 0, _batches(self.examples, size, self._recipe.seed)
        for made in range(1, updates + 1):
            loss, divergence = self._update(next(batches))
            tell(f"updates, loss {loss:.3f}, KL {divergence:.3f}", made, updates)
            if divergence > MOST_KL:
                break
        shortened = self._shorten()
        after = self._likelihoods()
        return {
            "updates": made,
            "shortened": shortened,
            "kl": self.divergence(),
            "log_likelihood": {name: {"before": before[name], "after": after[name]} for name in before},
        }

    def _update(self, batch: Sequence[Example]) -> tuple[float, float]:
        """One step of the optimizer; the loss before it, and the mean KL to the start."""
        self._optimizer.zero_grad()
        losses, divergences = 0.0, 0.0
        for at in range(0, len(batch), AT_ONCE):
            part = batch[at : at + AT_ONCE]
            share = len(part) / len(batch)
            loss, divergence = self._loss(part)
            (share * loss).backward()
            losses += share * float(loss.detach())
            divergences += share * float(divergence.detach())
        torch.nn.utils.clip_grad_norm_(self.actor.parameters(), self._table.max_grad_norm)
        self._optimizer.step()
        return losses, divergences

    def _loss(self, part: Sequence[Example]) -> tuple[Tensor, Tensor]:
        """The module's formulas over n states: loss and mean KL, scalars."""
        logp = self._rows([example.step for example in part])  # [n, C]
        reference = torch.nn.utils.rnn.pad_sequence([example.reference for example in part], True, -torch.inf)  # [n, C]
        places = torch.tensor([[example.step.place] for example in part])
        new, old = logp.gather(1, places)[:, 0], reference.gather(1, places)[:, 0]  # [n]
        divergence = algo.kl(logp, reference).mean()
        if self._stage == "sft":
            weight, push = (torch.tensor([getattr(example, name) for example in part]) for name in ("weight", "push"))
            loss = (2.0 * push * torch.nn.functional.softplus(new - old) - weight * new).mean()
        else:
            advantages = torch.tensor([example.advantage for example in part])
            loss = algo.clipped_policy_loss(
                new, old, advantages, torch.ones_like(advantages, dtype=torch.bool), self._table.clip
            )
            loss = loss - self._table.entropy * algo.entropy(logp).mean()
        return loss + self._table.kl * divergence, divergence

    def _rows(self, steps: Sequence[Decided]) -> Tensor:
        return self.actor([step.situation for step in steps])

    @torch.no_grad()
    def _distributions(self, steps: Sequence[Decided]) -> list[Tensor]:
        """log pi(. | s) of the policy as it stands, each [C]."""
        found: list[Tensor] = []
        for at in range(0, len(steps), AT_ONCE):
            part = steps[at : at + AT_ONCE]
            found += [row[: len(step.situation.edits)] for step, row in zip(part, self._rows(part), strict=True)]
        return found

    def divergence(self) -> float:
        """The mean KL(pi || pi_0) over all examples, in nats."""
        rows = self._distributions([example.step for example in self.examples])
        pairs = zip(rows, self.examples, strict=True)
        return float(np.mean([float(algo.kl(row[None], example.reference[None])[0]) for row, example in pairs]))

    def _shorten(self) -> int:
        """Go back half of the way to the start until the KL is small enough; how often."""
        times = 0
        while self.divergence() > MOST_KL:
            now = self.actor.state_dict()
            self.actor.load_state_dict({name: (value + now[name]) / 2 for name, value in self._start.items()})
            times += 1
        return times

    def _likelihoods(self) -> dict[str, float | None]:
        """The mean log pi(a | s) in nats of the edits of each decision; None where there are none."""
        found: defaultdict[str, list[float]] = defaultdict(list)
        steps = [example.step for example in self.examples]
        for step, row in zip(steps, self._distributions(steps), strict=True):
            found[step.decision].append(float(row[step.place]))
        return {name: float(np.mean(found[name])) if found[name] else None for name in ("accepted", "refused", "undecided")}


def examples(recipe: Recipe, steps: Sequence[Decided], references: Sequence[Tensor]) -> list[Example]:
    """Weights and advantages; see the module's formulas. Steps without a reward are not among `steps`."""
    by_session: defaultdict[str, list[float]] = defaultdict(list)
    for step in steps:
        by_session[step.session].append(step.reward(REWARDS["rl"]) or 0.0)
    found: list[Example] = []
    for step, reference in zip(steps, references, strict=True):
        refused, accepted = step.decision == "refused", step.decision == "accepted"
        weight = sft.weight(step.reward(REWARDS["sft"]) or 0.0, REWARDS["sft"], recipe.sft)
        weight = 0.0 if refused else max(1.0, weight) if accepted else weight
        advantage = (step.reward(REWARDS["rl"]) or 0.0) - float(np.mean(by_session[step.session]))
        found.append(Example(step, weight, float(refused), max(0.0, advantage) if accepted else advantage, reference))
    return found


def _batches(items: Sequence[Example], size: int, seed: int) -> Iterator[list[Example]]:
    """Minibatches without end: all examples in a random order, then all again."""
    rng = random.Random(f"sessions:{seed}")
    while True:
        order = rng.sample(range(len(items)), len(items))
        for at in range(0, len(order), size):
            yield [items[number] for number in order[at : at + size]]


def _write(actor: Policy, source: Path, out: Path, name: str, shipped: embedded.EmbeddedModel) -> None:
    """`out`/model, whole or not at all."""
    settings = shipped.settings
    try:
        with replacing(out / MODEL) as fresh:
            actor.model.save_pretrained(fresh)
            complete(
                fresh,
                source / "tokenizer.json",
                prompt_tokens=settings.prompt_tokens,
                temperature=settings.temperature,
                name=name,
                prior=settings.prior,
                book=None if settings.prior.neutral else shipped.book,
            )
            embedded.EmbeddedModel.load(fresh)  # what was written can be read
    except OSError as error:
        raise UserError(
            f"the weights cannot be written: {error.strerror}", where=str(out), how="name another directory with --out"
        ) from None


def _counts(record: Record) -> dict[str, int]:
    names = ("accepted", "accepted in part", "refused", "undecided")
    return {"sessions": len(record.sessions), "steps": record.steps, **{name: record.count(name) for name in names}}


def _counted(record: Record) -> str:
    counts = _counts(record)
    decisions = ", ".join(f"{counts[name]} {name}" for name in list(counts)[2:] if counts[name])
    left = ", ".join(f"{count} {why}" for why, count in sorted(record.left_out.items()))
    return f"{counts['steps']} steps of {counts['sessions']} sessions: {decisions}" + (f"; left out: {left}" if left else "")


def _told(results: dict[str, Any], target: Path) -> str:
    pairs = [
        f"{name} {values['before']:.2f} -> {values['after']:.2f}"
        for name, values in results["log_likelihood"].items()
        if values["before"] is not None
    ]
    place = shlex.quote(str(target.resolve()))
    return "\n".join([
        f"mean log-likelihood of edits: {', '.join(pairs)}; KL to the weights it started from {results['kl']:.3f} nats",
        f"the new weights are in {target}; use them with: mlagent-tui PROJECT --policy embedded --model {place}",
    ])  # fmt: skip
