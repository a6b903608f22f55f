"""Writing `mlagent.toml`: what was detected, and every other key as a comment with its default."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from mlagent_app.agent.metrics import MetricSpec
from mlagent_app.config.models import KEYS, SECTIONS, default

ABOUT = {
    "project.command": "what trains the model and prints or writes the metric",
    "project.editable": "globs of the files that edits may touch; empty: what the command imports",
    "project.protected": "globs of files that are never edited and that a run must not change",
    "project.copy": "globs of files that git ignores and a run needs, such as data",
    "project.allow_new_imports": "let edits import packages that are neither installed nor listed in the requirements",
    "metric.name": "empty: found in the output of the first run",
    "metric.direction": '"max" or "min"; left out: what the name says',
    "metric.source": '"stdout", or "file:PATH" for a file that the run writes',
    "metric.pattern": "a regular expression with a group `value`; for JSON and CSV a key path or column",
    "metric.pick": 'of several values the "last" or the "best"',
    "metric.target": "the value you want to reach",
    "limits.minutes_per_run": "",
    "limits.memory": "",
    "limits.cpus": "",
    "limits.pids": "",
    "limits.output_mb": "",
    "limits.file_mb": "the largest file that a run may write, such as a checkpoint",
    "limits.gpus": "",
    "sandbox.kind": '"auto", "docker", "bwrap" or "local"',
    "sandbox.image": "a Docker image to run in, instead of this machine's own system",
    "sandbox.dockerfile": "a Dockerfile to build that image from",
    "sandbox.requirements": "a requirements file to build an image from",
    "sandbox.python": "the Python to run with, relative to the project",
    "sandbox.network": "",
    "policy.kind": '"embedded", "cookbook", "bandit", "random", "vllm", "transformers", or "openai" for an endpoint',
    "policy.model": "for an endpoint the name there; for vllm, transformers a directory or a hub's name; for embedded weights",
    "policy.endpoint": 'an address such as "http://localhost:11434/v1", or "vllm", "ollama", "lmstudio", "llama.cpp", "openai"',
    "policy.api_key_env": "the environment variable that holds the key, never the key itself",
    "policy.timeout_seconds": "how long an endpoint may be silent",
    "policy.context_tokens": "left out: as the endpoint tells it, or what the model has and, for vllm, what fits",
    "policy.prompt_price": "US dollars a million tokens read; left out: the cost is unknown",
    "policy.completion_price": "US dollars a million tokens written",
    "policy.editor": '"catalogue" carries out the instructions that it knows, "llm" asks a language model to edit',
    "policy.editor_endpoint": "the editor's own endpoint; empty: the policy's",
    "policy.editor_model": "the editor's own model; empty: the policy's",
    "policy.editor_api_key_env": "the environment variable that holds the key of the editor's own endpoint",
    "policy.adapter": "for vllm and transformers: the directory of a LoRA adapter on top of the model",
    "policy.quantization": '"8bit" or "4bit" weights, for vllm and transformers on a GPU; empty: as they are',
    "policy.python": "for vllm: the Python that has it; empty: the app's own",
    "policy.port": "for vllm: where its server listens on this machine",
    "policy.constrained": "for vllm: the model can write nothing but actions, and with the catalogue only edits that apply",
    "session.steps": "",
    "session.minutes": "left out: no limit",
    "session.approve": '"ask" before every run, "run" without asking but ask before accepting, "auto" decide alone',
    "session.commit": "make a commit of every accepted step",
    "session.seed": "",
    "session.reward": '"v1", "v2", "clipped" or "kept"',
    "task.variant": "the variant of a task of the suite that this project is: its metric is the host's grade",
}
# Shown where there is no default to show.
_EXAMPLES: dict[str, object] = {
    "project.command": "python train.py", "metric.name": "val_accuracy", "metric.direction": "max", "metric.target": 0.95,
    "policy.context_tokens": 32768, "policy.prompt_price": 0.15, "policy.completion_price": 0.6,
    "session.minutes": 60.0, "limits.cpus": 2.0, "sandbox.python": ".venv/bin/python",
}  # fmt: skip


class Detected(Protocol):
    """What of a plan goes into the file."""

    @property
    def project(self) -> Path: ...
    @property
    def command(self) -> str: ...
    @property
    def command_source(self) -> str: ...
    @property
    def command_candidates(self) -> Sequence[tuple[str, str]]: ...
    @property
    def python(self) -> Path: ...
    @property
    def python_source(self) -> str: ...
    @property
    def metric(self) -> MetricSpec | None: ...


def write_toml(plan: Detected) -> str:
    """The text of `mlagent.toml` for a project. Only what belongs to the project is set; a path outside it stays a comment."""
    active = _active(plan)
    notes = {"project.command": [f"found in: {plan.command_source}"], "sandbox.python": [f"found: {plan.python_source}"]}
    others = [f"or: {command}  ({source})" for command, source in plan.command_candidates if command != plan.command]
    notes["project.command"] += others[:4]
    lines = ["# Settings of ML-Agent for this project. A line that begins with # shows a default."]
    for section in SECTIONS:
        lines += ["", f"[{section}]"]
        for key in KEYS:
            if key.startswith(f"{section}."):
                lines += _entry(key, active, notes.get(key, []))
    return "\n".join(lines) + "\n"


def toml_value(value: object) -> str:
    """A value as TOML writes it."""
    import tomlkit  # here: only `init` and error messages write TOML

    return tomlkit.item(value).as_string()


def _active(plan: Detected) -> dict[str, object]:
    """The settings that are written without a comment sign."""
    active: dict[str, object] = {"project.command": plan.command}
    if plan.python.is_relative_to(plan.project):
        active["sandbox.python"] = plan.python.relative_to(plan.project).as_posix()
    if plan.metric is not None:
        spec = plan.metric
        given = {"name": spec.name, "direction": spec.direction, "source": spec.source, "pattern": spec.pattern}
        given |= {"pick": spec.pick, "target": spec.target}
        active |= {f"metric.{key}": value for key, value in given.items() if value != default(f"metric.{key}")}
    return active


def _entry(key: str, active: dict[str, object], notes: list[str]) -> list[str]:
    name = key.rpartition(".")[2]
    about = [f"# {line}" for line in [ABOUT[key], *notes] if line]
    if key in active:
        return [*about, f"{name} = {toml_value(active[key])}"]
    value = default(key)
    shown = _EXAMPLES.get(key, "" if value is None else value)
    return [*about, f"# {name} = {toml_value(shown)}"]
