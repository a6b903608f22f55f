"""A model directory that the embedded policy can read: weights, tokenizer, cookbook, and the settings of how they are used."""

from __future__ import annotations

import shutil
from pathlib import Path

from mlagent_app.agent.cookbook import Cookbook
from mlagent_app.policies.embedded import BOOK, FORM, SETTINGS
from mlagent_app.policies.prior import Prior
from training.stage import write_json


def complete(
    model: Path,
    tokenizer: Path,
    *,
    prompt_tokens: int,
    temperature: float,
    name: str,
    prior: Prior | None = None,
    book: Cookbook | None = None,
) -> None:
    """Add tokenizer and settings to the weights that transformers wrote to `model`; `book` is the cookbook of the prior."""
    shutil.copyfile(tokenizer, model / "tokenizer.json")
    settings = {"form": FORM, "prompt_tokens": prompt_tokens, "temperature": temperature, "name": name}
    write_json(model / SETTINGS, settings | ({"prior": prior.to_json()} if prior else {}))
    if book:
        (model / BOOK).write_text(book.to_json(), "utf-8")
