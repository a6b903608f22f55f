"""A model directory that the embedded policy can read: weights, tokenizer, and the settings of how it is used."""

from __future__ import annotations

import shutil
from pathlib import Path

from mlagent_app.policies.embedded import FORM, SETTINGS
from training.stage import write_json


def complete(model: Path, tokenizer: Path, *, prompt_tokens: int, temperature: float, name: str) -> None:
    """Add tokenizer and settings to the weights that transformers wrote to `model`."""
    shutil.copyfile(tokenizer, model / "tokenizer.json")
    settings = {"form": FORM, "prompt_tokens": prompt_tokens, "temperature": temperature, "name": name}
    write_json(model / SETTINGS, settings)
