"""Settings: five places, one order, and one line for every mistake."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.agent.metrics import MetricSpec
from mlagent_app.config import Settings, load, memory_mb, write_toml
from mlagent_app.config.models import KEYS, default
from mlagent_app.config.template import ABOUT

EVERYTHING = """
[project]
command = "x"
editable = ["a"]
protected = ["b"]
copy = ["c"]
allow_new_imports = true
[metric]
name = "acc"
direction = "max"
source = "file:m.json"
pattern = "p"
pick = "best"
target = 1
[limits]
minutes_per_run = 1
memory = "512m"
cpus = 1
pids = 9
output_mb = 1
file_mb = 1
gpus = 1
[sandbox]
kind = "docker"
image = "i"
dockerfile = "d"
requirements = "r"
python = "p"
network = true
[policy]
kind = "k"
model = "m"
endpoint = "e"
api_key_env = "K"
timeout_seconds = 60.0
context_tokens = 4096
prompt_price = 0.1
completion_price = 0.5
editor = "llm"
editor_endpoint = "f"
editor_model = "n"
editor_api_key_env = "L"
adapter = "a"
quantization = "8bit"
python = "p"
port = 8001
constrained = true
[session]
steps = 1
minutes = 2.5
approve = "auto"
commit = false
seed = 7
reward = "v2"
[task]
variant = "leaf-classification@0.linear"
"""


@pytest.fixture
def user_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's configuration that is not the real one, and an environment without settings."""
    for name in list(os.environ):
        if name.startswith("MLAGENT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    path = tmp_path / "xdg" / "mlagent" / "config.toml"
    path.parent.mkdir(parents=True)
    return path


@pytest.fixture
def project(tmp_path: Path, user_file: Path) -> Callable[[str], Path]:
    def make(text: str) -> Path:
        root = tmp_path / "project"
        root.mkdir(exist_ok=True)
        (root / "mlagent.toml").write_text(text, "utf-8")
        assert not user_file.exists()
        return root

    return make


def refusal(root: Path, **flags: object) -> str:
    with pytest.raises(UserError) as error:
        load(root, {key.replace("__", "."): value for key, value in flags.items()})
    assert error.value.code == Exit.USAGE
    line = error.value.line()
    assert "\n" not in line and "pydantic" not in line
    return line


@pytest.mark.usefixtures("user_file")
def test_defaults(tmp_path: Path) -> None:
    settings, sources = load(tmp_path, {})
    assert settings == Settings()
    assert (settings.session.steps, settings.session.approve, settings.policy.kind, settings.sandbox.kind) == (
        10,
        "run",
        "embedded",
        "auto",
    )
    limits = settings.limits
    assert (limits.minutes_per_run, limits.memory, limits.pids) == (10.0, "4g", 256)
    assert (limits.output_mb, limits.file_mb) == (16, 10240)
    assert 1 <= limits.cpus <= 4
    assert set(sources.values()) == {"default"} and set(sources) == set(KEYS) == set(ABOUT)


def test_the_first_place_that_has_a_setting_wins(
    project: Callable[[str], Path], user_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = project("[session]\nsteps = 3\n")
    user_file.write_text("[session]\nsteps = 2\nseed = 2\n[policy]\nkind = 'random'\n")
    assert load(root, {})[0].session.steps == 3
    settings, sources = load(root, {})
    assert (settings.session.seed, settings.policy.kind) == (2, "random")
    assert sources["session.steps"] == "mlagent.toml" and sources["session.seed"] == str(user_file)
    monkeypatch.setenv("MLAGENT_SESSION_STEPS", "4")
    settings, sources = load(root, {})
    assert settings.session.steps == 4 and sources["session.steps"] == "MLAGENT_SESSION_STEPS"
    settings, sources = load(root, {"session.steps": 5, "session.seed": None})
    assert settings.session.steps == 5 and sources["session.steps"] == "flag"
    assert settings.session.seed == 2


def test_every_key_can_be_set_everywhere(project: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    root = project(EVERYTHING)
    settings, sources = load(root, {})
    assert set(sources.values()) == {"mlagent.toml"}
    assert settings.project.copies == ["c"] and settings.metric.target == 1.0 and settings.sandbox.network is True
    for name, value in {
        "PROJECT_COPY": "x, y",
        "SANDBOX_NETWORK": "false",
        "SESSION_MINUTES": "",
        "METRIC_TARGET": "0.5",
    }.items():
        monkeypatch.setenv(f"MLAGENT_{name}", value)
    settings, _ = load(root, {})
    assert settings.project.copies == ["x", "y"] and settings.sandbox.network is False
    assert settings.session.minutes is None and settings.metric.target == 0.5


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[project]\ncomand = 'x'\n", ["'comand'", "mlagent.toml:2", "'command'"]),
        ("[session]\n\n# note\nstep = 3\n", ["'step'", "mlagent.toml:4", "'steps'"]),
        ("[metrics]\nname = 'x'\n", ["[metric]", "mlagent.toml:1"]),
        ("command = 'x'\n", ["'command'", "mlagent.toml:1", "[project]"]),
        ("[project]\nsteps = 3\n", ["'steps'", "mlagent.toml:2", "[session]"]),
        ("[project]\nzzzz = 3\n", ["'zzzz'", "command, editable"]),
        ("[session]\nsteps = '3'\n", ["session.steps", "mlagent.toml:2", "integer"]),
        ("[session]\nsteps = true\n", ["session.steps", "integer"]),
        ("[session]\nsteps = 0\n", ["session.steps", "greater than or equal to 1"]),
        ("[session]\napprove = 'always'\n", ["session.approve", "'ask'", "'auto'"]),
        ("[limits]\nmemory = 'lots'\n", ["limits.memory", "mlagent.toml:2", "4g"]),
        ("[limits]\nmemory = 4096\n", ["limits.memory", "string"]),
        ("[limits]\nminutes_per_run = inf\n", ["limits.minutes_per_run"]),
        ("[metric]\ntarget = nan\n", ["metric.target", "finite"]),
        ("[metric]\nsource = 'metrics.json'\n", ["metric.source", "file:metrics.json"]),
        ("[project]\neditable = 'src'\n", ["project.editable", "list"]),
        ("project = 3\n", ["[project]", "mlagent.toml:1"]),
        ("[project\n", ["not TOML", "line 1"]),
        ("[session]\nsteps = 1\nsteps = 2\n", ["not TOML"]),
    ],
)
def test_a_mistake_in_the_file_is_one_line_that_says_where(project: Callable[[str], Path], text: str, parts: list[str]) -> None:
    line = refusal(project(text))
    for part in parts:
        assert part in line


def test_mistakes_in_the_environment_and_in_flags_are_told(
    project: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = project("")
    assert "--steps" in refusal(root, session__steps="many") and "integer" in refusal(root, session__steps="many")
    assert "session.step" in refusal(root, session__step=3)
    monkeypatch.setenv("MLAGENT_SESSION_STEPS", "many")
    assert "MLAGENT_SESSION_STEPS" in refusal(root)
    monkeypatch.delenv("MLAGENT_SESSION_STEPS")
    monkeypatch.setenv("MLAGENT_POLICY_KNID", "random")
    assert "MLAGENT_POLICY_KIND" in refusal(root)


def test_other_variables_of_the_app_are_no_settings(project: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLAGENT_STATE_DIR", "/somewhere")
    assert load(project(""), {})[0] == Settings()


def test_the_user_file_can_be_named(project: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = project("")
    monkeypatch.setenv("MLAGENT_CONFIG", str(tmp_path / "mine.toml"))
    assert "mine.toml" in refusal(root)
    (tmp_path / "mine.toml").write_text("[session]\nseed = 11\n")
    assert load(root, {})[0].session.seed == 11


def test_files_that_cannot_be_read_are_told(project: Callable[[str], Path]) -> None:
    root = project("")
    (root / "mlagent.toml").write_bytes(b"[project]\ncommand = '\xff\xfe'\n")
    assert "UTF-8" in refusal(root)
    (root / "mlagent.toml").write_bytes(b"\xef\xbb\xbf[session]\r\nsteps = 6\r\n")
    assert load(root, {})[0].session.steps == 6


@pytest.mark.parametrize(
    ("text", "size"), [("4g", 4096), ("512m", 512), ("1.5 GiB", 1536), ("2GB", 2048), ("1t", 1048576), ("65536k", 64)]
)
def test_memory(text: str, size: int) -> None:
    assert memory_mb(text) == size


@pytest.mark.parametrize("text", ["", "4", "g", "-1g", "1m", "4 gigs"])
def test_memory_that_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="give"):
        memory_mb(text)


@dataclass(frozen=True)
class Found:
    """What was detected, as `write_toml` wants it."""

    project: Path
    command: str
    python: Path
    metric: MetricSpec | None = None
    command_source: str = "README.md, line 3"
    python_source: str = ".venv in the project"
    command_candidates: tuple[tuple[str, str], ...] = (("make train", "Makefile, line 2"),)


def test_the_written_file_sets_what_was_found_and_shows_the_rest(project: Callable[[str], Path]) -> None:
    root = project("")
    spec = MetricSpec("val acc", "max", "file:out/metrics.json", "val.acc", "best", 0.99)
    text = write_toml(Found(root, "python train.py", root / ".venv" / "bin" / "python", spec))
    (root / "mlagent.toml").write_text(text)
    settings, sources = load(root, {})
    assert settings.project.command == "python train.py" and settings.sandbox.python == ".venv/bin/python"
    metric = settings.metric
    assert MetricSpec(metric.name, metric.direction or "min", metric.source, metric.pattern, metric.pick, metric.target) == spec
    assert "README.md, line 3" in text and "# or: make train" in text
    for key in KEYS:
        assert f"{key.partition('.')[2]} = " in text
        if sources[key] == "default":
            assert f"# {key.partition('.')[2]} = " in text


def test_every_commented_line_is_valid_when_it_is_uncommented(project: Callable[[str], Path]) -> None:
    root = project("")
    text = write_toml(Found(root, "python train.py", Path("/usr/bin/python3")))
    names = {key.partition(".")[2] for key in KEYS}
    lines = [line[2:] if line[2:].partition(" = ")[0] in names else line for line in text.splitlines()]
    (root / "mlagent.toml").write_text("\n".join(lines))
    settings, sources = load(root, {})
    assert set(sources.values()) == {"mlagent.toml"}
    assert settings.limits.memory == default("limits.memory")


@given(st.text(min_size=1).filter(str.strip))
@hypothesis_settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_command_survives_the_file(project: Callable[[str], Path], command: str) -> None:
    root = project("")
    (root / "mlagent.toml").write_text(write_toml(Found(root, command, Path("/usr/bin/python3"))), "utf-8", newline="")
    assert load(root, {})[0].project.command == command
