"""The settings of a project: `mlagent.toml`, the environment, flags and defaults."""

from mlagent_app.config.models import FILE_NAME, SandboxKind, Settings, memory_mb
from mlagent_app.config.sources import load, user_file
from mlagent_app.config.template import write_toml

__all__ = ["FILE_NAME", "SandboxKind", "Settings", "load", "memory_mb", "user_file", "write_toml"]
