"""The settings: sections, keys, types, bounds and defaults."""

from __future__ import annotations

import difflib
import math
import os
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from mlagent_app.agent.events import Approve
from mlagent_app.agent.metrics import Direction, Pick
from mlagent_app.agent.reward import Version

FILE_NAME = "mlagent.toml"
EDITORS = ("catalogue", "llm")
SandboxKind = Literal["auto", "docker", "bwrap", "local"]

_MEMORY = re.compile(r"(?P<amount>\d+(?:\.\d+)?)\s*(?P<unit>[kmgt])i?b?", re.IGNORECASE)
_MIB = {"k": 1 / 1024, "m": 1, "g": 1024, "t": 1024 * 1024}


def memory_mb(text: str) -> int:
    """`4g`, `512m`, `1.5 GiB` in mebibytes. Raises ValueError for anything else and for less than 16 MiB."""
    found = _MEMORY.fullmatch(text.strip())
    if found is None:
        raise ValueError("give a number and a unit, such as 4g or 512m")
    size = int(float(found["amount"]) * _MIB[found["unit"].lower()])
    if size < 16:
        raise ValueError("give at least 16m")
    return size


def _memory(text: str) -> str:
    memory_mb(text)
    return text


def _source(text: str) -> str:
    if text != "stdout" and not (text.startswith("file:") and text[5:].strip()):
        raise ValueError(f'give "stdout" or "file:PATH", such as "file:{text or "metrics.json"}"')
    return text


def _editor(text: str) -> str:
    if text not in EDITORS:
        near = difflib.get_close_matches(text.strip().lower(), EDITORS, n=1, cutoff=0.4)
        raise ValueError(f"there is no such editor; did you mean {near[0]!r}?" if near else f"give one of {', '.join(EDITORS)}")
    return text


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError("give a finite number")
    return number


def _cpus() -> float:
    return float(min(os.cpu_count() or 1, 4))


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, protected_namespaces=())


class ProjectSettings(Section):
    """`[project]`: what is run, and which files may change. All but the command are globs relative to the project."""

    command: str = ""
    editable: list[str] = []
    protected: list[str] = []
    copies: list[str] = Field(default=[], alias="copy")
    allow_new_imports: bool = False


class MetricSettings(Section):
    """`[metric]`: which number counts; see `mlagent_app.agent.metrics.MetricSpec`. Empty: found in the first run."""

    name: str = ""
    direction: Direction | None = None
    source: Annotated[str, AfterValidator(_source)] = "stdout"
    pattern: str = ""
    pick: Pick = "last"
    target: Annotated[float, AfterValidator(_finite)] | None = None


class LimitSettings(Section):
    """`[limits]`: what one run may take."""

    minutes_per_run: float = Field(default=10.0, gt=0, allow_inf_nan=False)
    memory: Annotated[str, AfterValidator(_memory)] = "4g"
    cpus: float = Field(default_factory=_cpus, gt=0, allow_inf_nan=False)
    pids: int = Field(default=256, ge=1)
    output_mb: int = Field(default=16, ge=1)
    file_mb: int = Field(default=10240, ge=1)
    gpus: int = Field(default=0, ge=0)


class SandboxSettings(Section):
    """`[sandbox]`: where the command runs, and with which Python. `requirements`: build an image from that file."""

    kind: SandboxKind = "auto"
    image: str = ""
    dockerfile: str = ""
    requirements: str = ""
    python: str = ""
    network: bool = False


def _quantization(text: str) -> str:
    if text not in ("", "8bit", "4bit"):
        raise ValueError('give "8bit" or "4bit", or leave it empty')
    return text


class PolicySettings(Section):
    """`[policy]`: what proposes edits, and what carries them out; empty fields of the editor are the policy's.

    From `adapter` on: of a language model that runs on this machine.
    """

    kind: str = "embedded"
    model: str = ""
    endpoint: str = ""
    api_key_env: str = ""
    timeout_seconds: float = Field(default=300.0, gt=0, allow_inf_nan=False)
    context_tokens: int | None = Field(default=None, ge=1)
    prompt_price: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    completion_price: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    editor: Annotated[str, AfterValidator(_editor)] = "catalogue"
    editor_endpoint: str = ""
    editor_model: str = ""
    editor_api_key_env: str = ""
    adapter: str = ""
    quantization: Annotated[str, AfterValidator(_quantization)] = ""
    python: str = ""
    port: int = Field(default=8000, ge=1, le=65535)
    constrained: bool = False


class SessionSettings(Section):
    """`[session]`: budgets and decisions."""

    steps: int = Field(default=10, ge=1)
    minutes: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    approve: Approve = "run"
    commit: bool = True
    seed: int = 0
    reward: Version = "v1"


class TaskSettings(Section):
    """`[task]`: the project is a variant of a task of the suite, graded on the host."""

    variant: str = ""


class Settings(Section):
    """All settings, one attribute a section."""

    project: ProjectSettings = ProjectSettings()
    metric: MetricSettings = MetricSettings()
    limits: LimitSettings = Field(default_factory=LimitSettings)
    sandbox: SandboxSettings = SandboxSettings()
    policy: PolicySettings = PolicySettings()
    session: SessionSettings = SessionSettings()
    task: TaskSettings = TaskSettings()


SECTIONS: dict[str, type[Section]] = {
    "project": ProjectSettings,
    "metric": MetricSettings,
    "limits": LimitSettings,
    "sandbox": SandboxSettings,
    "policy": PolicySettings,
    "session": SessionSettings,
    "task": TaskSettings,
}


def fields_of(section: str) -> dict[str, str]:
    """The keys of a section as they are written, and the attributes behind them."""
    return {field.alias or name: name for name, field in SECTIONS[section].model_fields.items()}


# Every key with its section, in the order of the sections: `session.steps`.
KEYS: tuple[str, ...] = tuple(f"{section}.{key}" for section in SECTIONS for key in fields_of(section))


def default(key: str) -> object:
    """The default of `section.key`."""
    section, _, name = key.partition(".")
    return getattr(SECTIONS[section](), fields_of(section)[name])
