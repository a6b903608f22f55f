"""The commands of `mlagent`."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mlagent_app import __version__
from mlagent_app.agent.errors import Exit
from mlagent_app.cli.guard import guarded

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Makes your repository's metric better: measured, reviewable, git-tracked edits, each run in a sandbox.",
)
sessions = typer.Typer(no_args_is_help=True, help="List, show, export and delete sessions.")
app.add_typer(sessions, name="sessions")
tasks = typer.Typer(no_args_is_help=True, help="List, show, prepare, run and verify the tasks of the suite.")
app.add_typer(tasks, name="tasks")


class Format(StrEnum):
    text = "text"
    json = "json"
    events = "events"


class SandboxKind(StrEnum):
    auto = "auto"
    docker = "docker"
    bwrap = "bwrap"
    local = "local"


class TaskFormat(StrEnum):
    text = "text"
    json = "json"
    markdown = "markdown"


class TextOrJson(StrEnum):
    text = "text"
    json = "json"


class TaskSplit(StrEnum):
    held_in = "held_in"
    held_out = "held_out"
    family = "family"


class Walls(StrEnum):
    docker = "docker"
    bwrap = "bwrap"
    both = "both"


ProjectArgument = Annotated[
    Path | None, typer.Argument(help="The project's directory. [default: this one]", show_default=False)
]
Steps = Annotated[int | None, typer.Option(min=1, help="Steps at most. [default: 10]", show_default=False)]
Minutes = Annotated[float | None, typer.Option(min=0.01, help="Minutes at most.", show_default=False)]
PolicyOption = Annotated[
    str | None,
    typer.Option(
        help="Who proposes edits: embedded, cookbook, bandit, random, vllm, transformers or openai. [default: embedded]",
        show_default=False,
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="The endpoint's model; a directory or a hub's name; for --policy embedded a directory of weights.",
        show_default=False,
    ),
]
Endpoint = Annotated[
    str | None,
    typer.Option(
        metavar="URL", help="For --policy openai: an address, or vllm, ollama, lmstudio, llama.cpp, openai.", show_default=False
    ),
]
SessionArgument = Annotated[
    str, typer.Argument(help="Session id, or `latest`: the newest of the repository you are in, elsewhere of the machine.")
]
Sandbox = Annotated[SandboxKind | None, typer.Option(help="Where runs happen. [default: auto]", show_default=False)]
Seed = Annotated[int | None, typer.Option(help="Seed of the policy. [default: 0]", show_default=False)]
Command = Annotated[str | None, typer.Option(help="The project's command, instead of the detected one.", show_default=False)]
Target = Annotated[float | None, typer.Option(help="Value of the metric to reach: the reward's m_best.", show_default=False)]


def settings(**given: object) -> dict[str, object]:
    """The flags that were given, by their key in `mlagent.toml` (`session__steps` -> `session.steps`)."""
    plain = {key.replace("__", "."): value for key, value in given.items() if value is not None}
    return {key: value.value if isinstance(value, StrEnum) else value for key, value in plain.items()}


@app.command()
def run(
    project: ProjectArgument = None,
    steps: Steps = None,
    minutes: Minutes = None,
    policy: PolicyOption = None,
    model: Model = None,
    endpoint: Endpoint = None,
    sandbox: Sandbox = None,
    seed: Seed = None,
    command: Command = None,
    metric: Annotated[
        str | None, typer.Option(help="Name of the metric, instead of the detected one.", show_default=False)
    ] = None,
    target: Target = None,
    apply: Annotated[bool, typer.Option("--apply", help="Land accepted steps in the project, a commit each.")] = False,
    continue_: Annotated[bool, typer.Option("--continue", help="Go on with the project's newest session.")] = False,
    resume: Annotated[str, typer.Option(metavar="ID", help="Go on with that session.", show_default=False)] = "",
    demo: Annotated[bool, typer.Option("--demo", help="Work on a copy of the bundled example.")] = False,
    format_: Annotated[Format, typer.Option("--format", help="What stdout gets.")] = Format.text,
) -> None:
    """Improve PROJECT without a screen: accepts gains beyond the noise, refuses the rest.

    The project is not touched unless --apply is given; `mlagent apply` lands the accepted steps later.
    """
    from mlagent_app.cli.run import Headless

    flags = settings(
        session__steps=steps,
        session__minutes=minutes,
        policy__kind=policy,
        policy__model=model,
        policy__endpoint=endpoint,
        sandbox__kind=sandbox,
        session__seed=seed,
        project__command=command,
        metric__name=metric,
        metric__target=target,
        session__approve="auto",
    )
    headless = Headless(project, flags, resume=resume or ("latest" if continue_ else ""), demo=demo, apply=apply)
    raise typer.Exit(headless.run(format_.value))


@app.command()
def init(
    project: Annotated[Path, typer.Argument(help="The project's directory.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Replace an mlagent.toml that is there.")] = False,
) -> None:
    """Write mlagent.toml from what was detected."""
    from mlagent_app.cli.project import write_config

    write_config(project, force=force)


@app.command()
def doctor() -> None:
    """Say what works on this machine, and how to mend the rest."""
    from mlagent_app.cli.doctor import examine

    raise typer.Exit(examine())


@app.command()
def serve(
    model: Annotated[
        str | None,
        typer.Argument(
            help="A directory, or a hub's model. [default: policy.model, else Qwen/Qwen2.5-7B-Instruct]", show_default=False
        ),
    ] = None,
    adapter: Annotated[
        str | None, typer.Option(metavar="DIR", help="A LoRA adapter on top of the model.", show_default=False)
    ] = None,
    port: Annotated[int | None, typer.Option(help="Where it listens. [default: 8000]", show_default=False)] = None,
    host: Annotated[str, typer.Option(help="Who can reach it: 127.0.0.1 only this machine, 0.0.0.0 all.")] = "127.0.0.1",
    quantization: Annotated[str | None, typer.Option(help="8bit or 4bit weights, on a GPU.", show_default=False)] = None,
    context: Annotated[int, typer.Option(min=0, help="Tokens of context. [default: what fits]", show_default=False)] = 0,
    python: Annotated[
        str | None, typer.Option(metavar="PYTHON", help="The Python that has vLLM. [default: this one]", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the memory plan and the command; start nothing.")] = False,
    gpu: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SIZE", help="With --dry-run: plan for a GPU of this memory, 24g say; repeatable.", show_default=False
        ),
    ] = None,
) -> None:
    """Serve a language model with vLLM, for `--policy vllm` and any other client, until Ctrl-C.

    Memory decides how it is started: --dry-run says how. A session that finds no server starts one itself.
    """
    from mlagent_app.cli.serve import Order
    from mlagent_app.cli.serve import serve as serve_model

    flags = settings(
        policy__model=model,
        policy__adapter=adapter,
        policy__port=port,
        policy__quantization=quantization,
        policy__python=python,
    )
    raise typer.Exit(serve_model(Order(flags, host, context, tuple(gpu or ()), dry_run)))


@app.command()
def report(
    session: SessionArgument = "latest",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Directory for the files.", show_default=False)] = None,
) -> None:
    """Write a session's report: one self-contained HTML file, and Markdown."""
    from mlagent_app.cli.project import write_report

    write_report(session, output)


@app.command()
def apply(
    session: SessionArgument,
    steps: Annotated[
        list[int] | None, typer.Argument(metavar="[STEP]...", help="Steps to land; all accepted by default.")
    ] = None,
    no_commit: Annotated[bool, typer.Option("--no-commit", help="Write the files only.")] = False,
) -> None:
    """Land the accepted steps of a session in its project."""
    from mlagent_app.cli.project import land_steps

    land_steps(session, steps or [], commit=not no_commit)


@app.command()
def revert(
    session: SessionArgument,
    step: Annotated[int, typer.Argument(help="The step to undo.")],
) -> None:
    """Undo an accepted step, in the project too if it has landed there."""
    from mlagent_app.cli.project import revert_step

    revert_step(session, step)


@sessions.command("list")
def sessions_list(
    project: Annotated[Path | None, typer.Argument(help="Only sessions of this project.", show_default=False)] = None,
) -> None:
    """All sessions on this machine, newest first."""
    from mlagent_app.cli.sessions import show_list

    show_list(project)


@sessions.command("show")
def sessions_show(session: SessionArgument = "latest") -> None:
    """One session's steps."""
    from mlagent_app.cli.sessions import show_one

    show_one(session)


@sessions.command("export")
def sessions_export(
    session: SessionArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="Directory to write into.")] = Path(),
    for_training: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write session-ID.json into DIR instead, for mlagent-train.", show_default=False),
    ] = None,
) -> None:
    """Write a session's events (JSON lines) and its diffs to files.

    With --for-training DIR, write what `mlagent-train sft --from-sessions DIR` learns from instead: for each step the state
    that the policy saw, the texts of the editable files, the edit, what came of it, and what you decided and why. SESSION may
    then be `all`. Logs, the command and the project's name are left out; in the texts, home directories are written as ~ and
    the project's directory as a dot; nothing else is changed.
    """
    if for_training is not None:
        from mlagent_app.cli.sessions import export_for_training

        export_for_training(session, for_training)
        return
    from mlagent_app.cli.sessions import export

    export(session, output)


@sessions.command("delete")
def sessions_delete(
    session: Annotated[list[str], typer.Argument(help="Session ids.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete sessions. What they landed in projects stays."""
    from mlagent_app.cli.sessions import remove

    remove(session, yes=yes)


@tasks.command("list")
def tasks_list(
    split: Annotated[TaskSplit | None, typer.Option(help="Only tasks of this split.", show_default=False)] = None,
    format_: Annotated[TaskFormat, typer.Option("--format", help="What stdout gets.")] = TaskFormat.text,
) -> None:
    """All tasks, with what was measured of them."""
    from mlagent_app.cli.tasks import show_list

    show_list(split.value if split else None, format_.value)


@tasks.command("show")
def tasks_show(task: Annotated[str, typer.Argument(metavar="ID", help="The task's id, or its directory.")]) -> None:
    """One task: metric, starters and their scores, where its real data comes from, and what the agent reads."""
    from mlagent_app.cli.tasks import show_one

    show_one(task)


@tasks.command("prepare")
def tasks_prepare(
    task: Annotated[str, typer.Argument(metavar="ID", help="The task's id.")],
    raw: Annotated[Path, typer.Option(metavar="DIR", help="Directory of the download, unpacked.")],
) -> None:
    """Check the real data that you downloaded, and keep it for a task."""
    from mlagent_app.cli.tasks import prepare

    prepare(task, raw)


@tasks.command("run")
def tasks_run(
    task: Annotated[str, typer.Argument(metavar="ID", help="The task's id, or its directory.")],
    variant: Annotated[int, typer.Option(help="The variant's seed; 0 is the standard one.")] = 0,
    starter: Annotated[str, typer.Option(help="The starter script. [default: the variant's]", show_default=False)] = "",
    real: Annotated[bool, typer.Option("--real", help="On the real data: see `mlagent tasks prepare`.")] = False,
    steps: Steps = None,
    policy: PolicyOption = None,
    model: Model = None,
    endpoint: Endpoint = None,
    sandbox: Sandbox = None,
    seed: Seed = None,
    format_: Annotated[Format, typer.Option("--format", help="What stdout gets.")] = Format.text,
) -> None:
    """Improve a variant of a task without a screen; each run is graded on the host."""
    from mlagent_app.cli.run import Headless
    from mlagent_app.session.taskproject import task_project

    flags = settings(
        session__steps=steps,
        policy__kind=policy,
        policy__model=model,
        policy__endpoint=endpoint,
        sandbox__kind=sandbox,
        session__seed=seed,
        session__approve="auto",
    )
    project = task_project(task, seed=variant, starter=starter, real=real)
    raise typer.Exit(Headless(project, flags, resume="", demo=False, apply=False).run(format_.value))


@tasks.command("verify")
def tasks_verify(
    task: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Tasks; all by default.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="One variant, bubblewrap only, a few attacks.")] = False,
    thorough: Annotated[bool, typer.Option("--thorough", help="Every attack on every task in every sandbox.")] = False,
    sandbox: Annotated[Walls | None, typer.Option(help="Where scripts run. [default: both]", show_default=False)] = None,
    write: Annotated[bool, typer.Option("--write", help="Write what was measured into task.toml.")] = False,
    format_: Annotated[TextOrJson, typer.Option("--format", help="What stdout gets.")] = TextOrJson.text,
) -> None:
    """Prove that tasks are what they promise: scripts run, the reference wins, attacks fail; exits with 1 if not."""
    from mlagent_app.cli.tasks import Order, verify

    chosen = sandbox or (Walls.bwrap if quick else Walls.both)
    kinds = ("docker", "bwrap") if chosen is Walls.both else (chosen.value,)
    order = Order(task or (), kinds, quick, thorough, write, as_json=format_ is TextOrJson.json)
    raise typer.Exit(verify(order))


def _version(value: bool) -> None:
    if value:
        typer.echo(f"mlagent {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """ML-Agent."""
    del version


def run_app() -> None:
    """Run the application; exits the process with the right code."""
    code = 0

    def call() -> None:
        nonlocal code
        try:
            app(prog_name="mlagent")
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)

    sys.exit(guarded(call, program="mlagent") or code or Exit.OK)
