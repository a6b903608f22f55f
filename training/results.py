"""What an evaluation says, as tables and plots, from the outcomes alone: committed outcomes give the same documents."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mlagent_app.agent.errors import UserError
from training import evaluate, figures, ppo, sft, statistics
from training.loop import read_log
from training.recipe import Recipe
from training.stage import PLAYED, Stage, made, read_manifest
from training.statistics import MISSING, Outcome

OUTCOMES, LOGS, MANIFESTS, PAGE = "outcomes.jsonl", "learning.json", "manifests.json", "results.md"
# Arms are compared after so many steps: what a policy knows shows in its first edits, what a search finds in its last.
MOMENTS = (1, 2, 3, 5, 10)
AS_MADE = (
    " The policies, and what they were trained on, were made at earlier revisions than the evaluation, and played as they were"
    " (`mlagent-train eval --as-made`): the table at the end has the revision of every stage."
)
# How RL can be trained: from single states, or on whole episodes.
MODES = ("step", "episode")


def write(run: Path, recipe: Recipe, tell: Callable[[str], None]) -> Path:
    """Collect what the arms came to below `eval/`, and write the documents there; their directory."""
    place = run / "eval"
    outcomes: list[Outcome] = []
    for arm, seed, stage in _finished(run, recipe):
        outcomes += evaluate.outcomes_of(stage, arm, seed)
    (place / OUTCOMES).write_text(evaluate.compact(outcomes), "utf-8")
    (place / LOGS).write_text(json.dumps(_learning(run, recipe)), "utf-8")
    manifests = {path.relative_to(run).as_posix(): _brief(path) for path in made(run)}
    (place / MANIFESTS).write_text(json.dumps(manifests, indent=1, sort_keys=True) + "\n", "utf-8")
    document(place, recipe)
    tell(f"tables and plots are in {place}")
    return place


def document(place: Path, recipe: Recipe, target: Path | None = None) -> Path:
    """Write the page (`results.md` in `place` unless named) and the plots from the files in `place`; the page's path.

    Raises `UserError` when the files are not there.
    """
    target = target or place / PAGE
    outcomes = outcomes_in(place)
    try:
        learning: dict[str, list[dict[str, Any]]] = json.loads((place / LOGS).read_text("utf-8"))
        manifests: dict[str, Any] = json.loads((place / MANIFESTS).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise _unreadable(place, error) from None
    drawn = figures.all_of(outcomes, learning, recipe)
    for name, drawing in drawn.items():
        (place / f"{name}.svg").write_text(drawing, "utf-8")
    images = os.path.relpath(place, target.parent)
    text = page(outcomes, learning, manifests, recipe, drawn).replace("](", f"]({images}/" if images != "." else "](")
    target.write_text(text, "utf-8")
    return target


def outcomes_in(place: Path) -> list[Outcome]:
    """The recorded outcomes of a directory. Raises `UserError` when they are not there."""
    try:
        return [_outcome(json.loads(line)) for line in (place / OUTCOMES).read_text("utf-8").splitlines()]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise _unreadable(place, error) from None


def _unreadable(place: Path, error: Exception) -> UserError:
    return UserError(f"the outcomes cannot be read: {error}", where=str(place), how="run: mlagent-train eval")


def page(
    outcomes: Sequence[Outcome],
    learning: dict[str, list[dict[str, Any]]],
    manifests: dict[str, Any],
    recipe: Recipe,
    drawn: Collection[str] = (),
) -> str:
    """The whole document; `drawn` are the names of the figures that there are."""
    steps, table = recipe.eval.steps, recipe.compare
    gain = figures.gain
    arms = statistics.arm_rows(outcomes, steps, cap=figures.CAP, resamples=table.resamples)
    played = {item.arm for item in outcomes}
    pairs = [pair for pair in table.pairs if played.issuperset(pair)]
    ratios = statistics.ratio_rows(outcomes, pairs, steps, gain, table.resamples)
    hidden = statistics.ratio_rows(
        [item for item in outcomes if item.test is not None and item.test_start is not None],
        pairs,
        steps,
        _hidden,
        table.resamples,
    )
    closed = statistics.ratio_rows(outcomes, pairs, steps, statistics.gap_closed, table.resamples)
    tasks = statistics.task_rows(outcomes, steps, gain)
    parts = [
        "# Results",
        f"Measured by `mlagent-train all --recipe {recipe.name}`; this page is written from the recorded outcomes by"
        " `mlagent-train results`." + (AS_MADE if any(item.get("adopted") for item in manifests.values()) else ""),
        "Held-out tasks are those that no stage of training has seen; the data is generated (docs/tasks.md), so **no number"
        " here can be set beside a published one**. Every arm starts from the same scripts on the same data, and executes the"
        " same number of edits; an edit that does not help is undone. Intervals are 95 % bootstrap intervals: all"
        " trajectories of a start, or of a task, are drawn together, for they resemble one another.",
        "Relative gain is that of the paper, signed so that positive is better; "
        f"a single one above {figures.CAP:.0%} counts as {figures.CAP:.0%}.",
        "## Arms",
        statistics.markdown(arms),
        _within_reach(outcomes, steps, gain),
        *_failed(manifests),
        "## Ratios of mean relative gains, on paired trajectories",
        "Gains are those of the dev part, by which an edit is kept or undone: all arms profit alike from choosing by it. Each"
        " training seed of one arm meets each of the other on a trajectory that both have: these are the pairs.",
        statistics.markdown(ratios),
        "The same on the hidden test part, which neither the policy nor the choice of what is kept has seen:",
        statistics.markdown(hidden),
        "## Ratios of the mean gap closed",
        statistics.markdown(closed),
        *_by_detuning(outcomes, pairs, recipe, gain),
        *(_ablated() if "ablations" in drawn else ()),
        "## How fast",
        "Ratios to `random` on paired trajectories by executed steps, with intervals over starts. First of the mean gap"
        " closed, in which every start weighs alike:",
        statistics.markdown(_by_steps(outcomes, recipe, statistics.gap_closed)),
        "and of the mean relative gain, which the starts with the largest gains make up:",
        statistics.markdown(_by_steps(outcomes, recipe, gain)),
        "![Gain against executed steps](curve.svg)",
        "## Tasks",
        statistics.markdown(tasks),
        "![Gain by task](tasks.svg)",
        *(_trained(manifests, learning, drawn) if learning else ()),
        "## Stages",
        _stages(manifests, recipe),
    ]
    return "\n\n".join(parts) + "\n"


def _within_reach(outcomes: Sequence[Outcome], steps: int, gain: statistics.Measure) -> str:
    """What the best trajectory of any arm came to on each start: what the edits can do, whoever chooses."""
    found = statistics.at_k([replace(item, arm="", seed=0) for item in outcomes], lambda item: gain(item, steps))
    return (
        f"The best of all trajectories on a start, up to {found.k} by all arms together, gained"
        f" {statistics.percent(found.best)} on average: so much is within reach of {steps} edits, and perhaps more."
    )


def _failed(manifests: Mapping[str, dict[str, Any]]) -> list[str]:
    """How many starts did not run, in the evaluation and for the expert; nothing where all did."""
    counts: list[str] = []
    for what, prefix in (("evaluation", PLAYED), ("expert", "experts")):
        told = [manifest["results"] for name, manifest in manifests.items() if name.startswith(prefix)]
        if failed := sum(result.get("failed_starts", 0) for result in told):
            counts.append(f"{failed} of {sum(result['episodes'] for result in told)} of the {what}")
    if not counts:
        return []
    return [
        "Scripts that do not run on their data, as settings that were moved can make them, are no starts. Episodes that ended"
        f" before their first step: {', '.join(counts)}."
    ]


def _by_steps(outcomes: Sequence[Outcome], recipe: Recipe, measure: statistics.Measure) -> list[list[str]]:
    """One row for each arm: what it has found after so many steps, divided by what random draws have."""
    moments = [steps for steps in MOMENTS if steps <= recipe.eval.steps]
    pairs = [(arm, "random") for arm in dict.fromkeys(item.arm for item in outcomes) if arm != "random"]
    columns = [statistics.ratio_rows(outcomes, pairs, steps, measure, recipe.compare.resamples)[1:] for steps in moments]
    rows = [["Arm", *(f"{steps} step{'s' if steps > 1 else ''}" for steps in moments)]]
    for number, (arm, _) in enumerate(pairs):
        rows.append([arm, *(f"{column[number][1]} {column[number][2]}" for column in columns)])
    return rows


def _by_detuning(
    outcomes: Sequence[Outcome], pairs: Sequence[tuple[str, str]], recipe: Recipe, gain: statistics.Measure
) -> list[str]:
    """The ratios apart for starters as they are written and for those with settings moved; nothing where there is one kind."""
    counts = sorted({item.detune for item in outcomes})
    if len(counts) < 2:
        return []
    measures = {"relative gain": gain, "gap closed": statistics.gap_closed}
    groups = [("as written" if not count else f"{count} settings moved", name, count) for name in measures for count in counts]
    rows = [["Arms", *(f"{name}, {kind}" for kind, name, _ in groups)], *([f"{a} / {b}"] for a, b in pairs)]
    for _, name, count in groups:
        part = [item for item in outcomes if item.detune == count]
        found = statistics.ratio_rows(part, pairs, recipe.eval.steps, measures[name], recipe.compare.resamples)
        for row, cells in zip(rows[1:], found[1:], strict=True):
            row.append(f"{cells[1]} {cells[2]}")
    return [
        "## Starts as written, and with settings moved",
        "Some starts are scripts as somebody wrote them; in the others settings were moved first, at random and most of them to"
        " an end of what the catalogue offers (`eval.detune`). Intervals are over starts.",
        statistics.markdown(rows),
    ]


def _outcome(row: dict[str, Any]) -> Outcome:
    row["values"] = tuple(row["values"])
    return Outcome(**row)


def _finished(run: Path, recipe: Recipe) -> list[tuple[str, int, Stage]]:
    found: list[tuple[str, int, Stage]] = []
    for arm in dict.fromkeys([*evaluate.BASELINES, *evaluate.TUNED, "rl", *recipe.arms, *recipe.compare.arms]):
        for seed in evaluate.seeds_of(recipe, arm):
            stage = evaluate.stage_of(run, recipe, arm, seed)
            if stage.is_done() and _is_of_recipe(run, recipe, arm, seed):
                found.append((arm, seed, stage))
    return found


def _is_of_recipe(run: Path, recipe: Recipe, arm: str, seed: int) -> bool:
    """Whether what an arm played with was trained by this recipe, and not by one that was changed since."""
    if arm in evaluate.BASELINES:
        return True
    if arm in evaluate.TUNED:
        return sft.stage_of(run, recipe).is_done()
    return sft.stage_of(run, recipe, arm).is_done() and ppo.stage_of(run, recipe, seed, arm).is_done()


def _learning(run: Path, recipe: Recipe) -> dict[str, list[dict[str, Any]]]:
    """The logs of all RL stages: update, seconds, reward, unseen reward and the diagnostics."""
    found: dict[str, list[dict[str, Any]]] = {}
    for arm in ("rl", *recipe.arms):
        for seed in recipe.for_arm(arm).rl.seeds:
            rows = read_log(run / f"{arm}-{seed}")
            if rows:
                found[f"{arm}-{seed}"] = rows
    return found


def _brief(place: Path) -> dict[str, Any]:
    manifest = read_manifest(place)
    names = ("stage", "seconds", "git_revision", "packages", "results", "outputs_digest", "recipe", "inputs", "adopted")
    return {name: manifest[name] for name in names if name in manifest}


def kept_update(rows: Sequence[Mapping[str, Any]], table: Mapping[str, Any]) -> int | None:
    """After which update the policy was as it was kept, by `rl.keep`; 0: as before RL. None without a log."""
    if not rows or table["keep"] == "last":
        return rows[-1]["update"] if rows else None
    seen = [row for row in rows if row.get("unseen_reward") is not None]
    return max(seen, key=lambda row: row["unseen_reward"])["update"] if seen else None


def later_reward(rows: Sequence[Mapping[str, Any]]) -> float | None:
    """The mean reward on what is kept apart after more than half of the updates: no choice of the best one is in it."""
    half = rows[-1]["update"] / 2 if rows else 0
    seen = [row["unseen_reward"] for row in rows if row.get("unseen_reward") is not None and row["update"] > half]
    return sum(seen) / len(seen) if seen else None


def _training(manifests: dict[str, Any], learning: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    columns: dict[str, tuple[str, str]] = {  # of a manifest's results, and how they are written
        "Updates": ("updates", "d"),
        "Updates an hour": ("updates_per_hour", ".0f"),
        "Gradient steps an hour": ("gradient_steps_per_hour", ".0f"),
        "Reward, first 10": ("reward_first", ".3f"),
        "Reward, last 10": ("reward_last", ".3f"),
        "Kept apart, start": ("unseen_reward_start", ".3f"),
        "Kept apart, best": ("unseen_reward_best", ".3f"),
        "Kept apart, later half": ("later_reward", ".3f"),
        "Kept after update": ("kept_update", "d"),
        "KL to SFT": ("kl_sft", ".2f"),
        "Executed": ("executions", "d"),
        "Remembered": ("cache_hits", "d"),
    }
    runs = {
        name: {
            **m["results"],
            "kept_update": kept_update(learning.get(name, ()), m["recipe"]["rl"]),
            "later_reward": later_reward(learning.get(name, ())),
        }
        for name, m in manifests.items()
        if "updates_per_hour" in m["results"]
    }
    # Runs of before it was counted have no gradient steps.
    shown = {head: found for head, found in columns.items() if any(found[0] in told for told in runs.values())}
    rows = [["Run", *shown]]
    for name, told in runs.items():
        values = [(told.get(key), style) for key, style in shown.values()]
        rows.append([name, *(MISSING if value is None else format(value, style) for value, style in values)])
    return statistics.markdown(rows)


def _ablated() -> list[str]:
    return [
        "## What each part is for",
        "Policies that were trained without a part, or on fewer tasks, and those that were not trained: what they gain as a"
        " share of what `rl` gains, with intervals over starts. `random` stands for no task and no training.",
        "![Gain of the ablations](ablations.svg)",
    ]


def _trained(
    manifests: dict[str, Any], learning: Mapping[str, Sequence[Mapping[str, Any]]], drawn: Collection[str]
) -> list[str]:
    shown = ["![Reward against time](learning.svg)"] if "learning" in drawn else []
    return ["## Training", _training(manifests, learning), *_speed(manifests), *shown]


def _speed(manifests: dict[str, Any]) -> list[str]:
    """How many more updates an hour are made step by step than by whole episodes; nothing unless both were trained."""
    found = {mode: speeds(manifests, mode) for mode in MODES}
    if not all(found.values()):
        return []
    (samples, actions), (episodes, moves) = (hourly(found[mode]) for mode in MODES)
    text = (
        f"An hour of training step by step has {samples:,.0f} samples (a state with one action, remembered ones counted), one"
        f" by whole episodes {episodes:,.0f} (an episode). At equal samples an update that is {samples / episodes:.0f} times as"
        " many updates an hour"
    )
    return [text + (f"; at equal actions an update it is {actions / moves:.1f} times as many." if moves else ".")]


@dataclass(frozen=True, slots=True)
class Speed:
    """Of one seed's training: updates an hour, and what an update has; a sample is a state with one action, or an episode."""

    updates: float
    samples: int
    actions: float


def speeds(manifests: Mapping[str, dict[str, Any]], mode: str) -> dict[str, Speed]:
    """By stage, of each seed that was trained in this one of `MODES`.

    Of step-wise training only the seeds of `rl` count: a further arm may have remembered what they executed.
    """
    found: dict[str, Speed] = {}
    for name, manifest in manifests.items():
        told = manifest["results"]
        if not told.get("updates_per_hour"):
            continue
        table = manifest["recipe"]["rl"]
        if table["mode"] != mode or (mode == "step" and name.rpartition("-")[0] != "rl"):
            continue
        samples = table["states"] * (1 if mode == "episode" else table["rollouts_per_state"])
        actions = (told["executions"] + told["cache_hits"]) / told["updates"]
        found[name] = Speed(told["updates_per_hour"], samples, actions)
    return found


def hourly(found: Mapping[str, Speed]) -> tuple[float, float]:
    """Samples and actions an hour, the mean over the seeds."""
    samples = [one.updates * one.samples for one in found.values()]
    actions = [one.updates * one.actions for one in found.values()]
    return statistics.mean(samples), statistics.mean(actions)


def _stages(manifests: dict[str, Any], recipe: Recipe) -> str:
    """Minutes and revisions; `all` adds up what `mlagent-train all` makes, without the arms that were asked for beside it."""
    asked = [arm for arm in (*evaluate.BASELINES, *evaluate.TUNED, *recipe.arms) if arm not in recipe.compare.arms]
    played = [(arm, seed) for arm in asked for seed in evaluate.seeds_of(recipe, arm)]
    trained = {evaluate.trained_stage(*pair) for pair in played} | {
        sft.stage_name(recipe, arm) for arm in recipe.arms if arm in asked
    }
    further = trained - {"sft"} | {f"{PLAYED}{arm}-{seed}" for arm, seed in played}
    rows = [["Stage", "Minutes", "Revision", "Data"]]
    rows += [[name, f"{m['seconds'] / 60:.1f}", m["git_revision"], m["outputs_digest"]] for name, m in manifests.items()]
    total = sum(m["seconds"] for name, m in manifests.items() if name not in further) / 60
    return statistics.markdown([*rows, ["all", f"{total:.1f}", "", ""]])


def _hidden(outcome: Outcome, steps: int) -> float:
    del steps
    return figures.hidden(outcome)
