"""`mlagent-train ideas|experts|sft|rl|eval|publish|all`: from nothing to shipped weights."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from mlagent_app.agent.errors import UserError
from mlagent_app.cli.guard import guarded

if TYPE_CHECKING:
    from training.recipe import Recipe

PROGRAM = "mlagent-train"
HOME = "training-runs"
app = typer.Typer(
    name=PROGRAM, help="Train the agent: every stage is resumable, and made once.", no_args_is_help=True, add_completion=False
)

RecipeName = Annotated[str, typer.Option("--recipe", help="A recipe of the package, or a .toml file.")]
Out = Annotated[Path | None, typer.Option("--out", help=f"Where the run is kept. [default: {HOME}/RECIPE]", show_default=False)]
Changes = Annotated[list[str] | None, typer.Option("--set", help="Change a value: section.key=value.", show_default=False)]
Dry = Annotated[bool, typer.Option("--dry-run", help="Print the resolved recipe and the plan, and stop.")]
DeviceName = Annotated[
    str | None,
    typer.Option(
        "--device", help="What --dry-run plans for: h200, a100-80g:8, ... [default: this machine]", show_default=False
    ),
]
PoolName = Annotated[str | None, typer.Option("--pool", help="fork, process, docker, ray or serial.", show_default=False)]
Seeds = Annotated[list[int] | None, typer.Option("--seed", help="Only these training seeds.", show_default=False)]
ArmName = Annotated[str, typer.Option("--arm", help="The policy to train, or one of the recipe's [arms].")]
Sessions = Annotated[
    Path | None,
    typer.Option(
        "--from-sessions",
        metavar="DIR",
        help="Go on from the shipped weights on your own sessions: mlagent sessions export ID --for-training DIR.",
        show_default=False,
    ),
]


@app.command()
def ideas(recipe: RecipeName = "nano", out: Out = None, changes: Changes = None, dry_run: Dry = False) -> None:
    """Propose many ideas a task, and keep the most diverse."""
    _run("ideas", _recipe(recipe, changes, None), out, dry_run)


@app.command()
def experts(
    recipe: RecipeName = "nano", out: Out = None, changes: Changes = None, pool: PoolName = None, dry_run: Dry = False
) -> None:
    """Play expert trajectories, every step executed."""
    _run("experts", _recipe(recipe, changes, pool), out, dry_run)


@app.command()
def sft(
    recipe: RecipeName = "nano",
    out: Out = None,
    changes: Changes = None,
    pool: PoolName = None,
    arm: ArmName = "rl",
    from_sessions: Sessions = None,
    device: DeviceName = None,
    dry_run: Dry = False,
) -> None:
    """Fine-tune on the expert's steps."""
    if from_sessions is not None:
        _refuse_with_sessions({"--arm": arm != "rl", "--device": device})
        _learn(_recipe(recipe, changes, pool), out, from_sessions, "sft", dry_run)
        return
    _refuse_to_train_on(device, dry_run=dry_run)
    _run("sft", _recipe(recipe, changes, pool, device), out, dry_run, arm)


@app.command()
def rl(
    recipe: RecipeName = "nano",
    out: Out = None,
    changes: Changes = None,
    pool: PoolName = None,
    arm: ArmName = "rl",
    seed: Seeds = None,
    mode: Annotated[str | None, typer.Option("--mode", help="step, or episode.", show_default=False)] = None,
    from_sessions: Sessions = None,
    device: DeviceName = None,
    dry_run: Dry = False,
) -> None:
    """Step-wise reinforcement learning."""
    given = [*(changes or []), *([f'rl.mode="{mode}"'] if mode else [])]
    if from_sessions is not None:
        _refuse_with_sessions({"--arm": arm != "rl", "--seed": seed, "--mode": mode, "--device": device})
        _learn(_recipe(recipe, changes, pool), out, from_sessions, "rl", dry_run)
        return
    _refuse_to_train_on(device, dry_run=dry_run)
    _run("rl", _recipe(recipe, given, pool, device), out, dry_run, arm, seed)


@app.command("eval")
def evaluate(
    recipe: RecipeName = "nano",
    out: Out = None,
    changes: Changes = None,
    pool: PoolName = None,
    arms: Annotated[list[str] | None, typer.Option("--arm", help="Only these arms.", show_default=False)] = None,
    as_made: Annotated[
        bool, typer.Option("--as-made", help="Take what was trained as it is, whatever has changed since.")
    ] = False,
    dry_run: Dry = False,
) -> None:
    """Play the arms on held-out tasks; tables and plots."""
    _run("eval", _recipe(recipe, changes, pool), out, dry_run, arms=arms, as_made=as_made)


@app.command()
def publish(
    recipe: RecipeName = "nano",
    out: Out = None,
    changes: Changes = None,
    into: Annotated[
        Path | None, typer.Option("--into", help="Where the weights go. [default: publish/ of the run]", show_default=False)
    ] = None,
    dry_run: Dry = False,
) -> None:
    """Write the weights as the embedded policy reads them, with a card."""
    _run("publish", _recipe(recipe, changes, None), out, dry_run, into=into)


@app.command("all")
def everything(
    recipe: RecipeName = "nano",
    out: Out = None,
    changes: Changes = None,
    pool: PoolName = None,
    into: Annotated[
        Path | None, typer.Option("--into", help="Where the weights go. [default: publish/ of the run]", show_default=False)
    ] = None,
    device: DeviceName = None,
    dry_run: Dry = False,
) -> None:
    """All stages, from nothing to published weights."""
    _refuse_to_train_on(device, dry_run=dry_run)
    _run("all", _recipe(recipe, changes, pool, device), out, dry_run, into=into)


@app.command()
def results(
    directory: Annotated[Path, typer.Argument(help="A directory with outcomes.jsonl.")],
    recipe: RecipeName = "nano",
    page: Annotated[Path | None, typer.Option("--page", help="Where the page goes. [default: results.md there]")] = None,
) -> None:
    """Write tables and plots from outcomes that were recorded before."""
    try:
        from training.results import document
    except ImportError as error:
        raise UserError(f"this needs {error.name}", how="pip install 'ml-agent[train]'") from None
    typer.echo(document(directory, _recipe(recipe, None, None), page))


def _recipe(name: str, changes: list[str] | None, pool: str | None, device: str | None = None) -> Recipe:
    from training.recipe import load

    given = [f'{key}="{value}"' for key, value in (("pool.kind", pool), ("distributed.device", device)) if value]
    return load(name, [*(changes or []), *given])


def _run(
    stage: str,
    recipe: Recipe,
    out: Path | None,
    dry_run: bool,
    arm: str = "rl",
    seeds: list[int] | None = None,
    arms: list[str] | None = None,
    into: Path | None = None,
    as_made: bool = False,
) -> None:
    place = out or Path(HOME) / recipe.name
    try:
        from training import pipeline, plan
    except ImportError as error:
        raise UserError(f"training needs {error.name}", how="pip install 'ml-agent[train]'") from None
    if dry_run:
        planned = plan.asked_for(recipe, place, arm=arm, seeds=seeds or (), arms=arms or ())
        typer.echo(plan.describe(planned, place))
        plan.refuse(planned, stage)
        return
    with pipeline.Run(recipe, place, as_made) as run:
        if stage == "sft":
            run.sft(arm)
        elif stage == "rl":
            run.rl(arm, seeds or ())
        elif stage == "eval":
            run.eval(arms or ())
        elif stage in ("publish", "all"):
            (run.all if stage == "all" else run.publish)(into)
        else:
            getattr(run, stage)()


def _refuse_with_sessions(given: Mapping[str, object]) -> None:
    """Raises `UserError` for what learning from sessions knows nothing of."""
    for name, value in given.items():
        if value:
            raise UserError(
                f"{name} says nothing for --from-sessions", how="leave it out; the recipe's values: --set rl.updates=20"
            )


def _refuse_to_train_on(device: str | None, *, dry_run: bool) -> None:
    """Raises `UserError` for a device to plan for where nothing is planned: training takes what is here."""
    if device is not None and not dry_run:
        raise UserError(
            "--device is what --dry-run plans for", how="add --dry-run, or leave it out: training takes what is here"
        )


def _learn(recipe: Recipe, out: Path | None, sessions: Path, stage: str, dry_run: bool) -> None:
    try:
        from training.sessions import learn
    except ImportError as error:
        raise UserError(f"training needs {error.name}", how="pip install 'ml-agent[train]'") from None
    learn(recipe, sessions, out or Path(HOME) / "sessions", stage, dry_run=dry_run)


def stage_main(stage: str) -> NoReturn:
    """`python -m training.<stage>`: the command of that stage."""
    sys.argv[1:1] = [stage]
    main()


def main() -> NoReturn:
    """Entry point: one line and an exit code for every error."""
    code = 0

    def call() -> None:
        nonlocal code
        try:
            app(prog_name=PROGRAM)
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)

    sys.exit(guarded(call, program=PROGRAM) or code)


if __name__ == "__main__":
    main()
