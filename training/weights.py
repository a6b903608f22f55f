"""A model directory that the embedded policy can read: weights, tokenizer, cookbook, and the settings of how they are used."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import contextmanager
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


@contextmanager
def replacing(place: Path) -> Generator[Path]:
    """An empty directory to write into, which takes the place of `place` once all is written; see `settle`."""
    place = place.resolve()  # of a link its goal
    fresh, old = _aside(place)
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        yield fresh
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    if place.exists():
        shutil.rmtree(old, ignore_errors=True)
        place.rename(old)
    fresh.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def settle(place: Path) -> None:
    """Where a process was killed within `replacing` it, `place` is again what it was last, and nothing else is left."""
    place = place.resolve()
    fresh, old = _aside(place)
    if old.exists() and not place.exists():
        old.rename(place)
    shutil.rmtree(old, ignore_errors=True)
    shutil.rmtree(fresh, ignore_errors=True)


def _aside(place: Path) -> tuple[Path, Path]:
    return place.with_name(f".{place.name}.fresh"), place.with_name(f".{place.name}.old")
