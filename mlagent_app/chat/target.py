"""Which endpoint is meant: address, model, key, and the names of the settings that say so."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from mlagent_app.agent.errors import Exit, UserError


@dataclass(frozen=True, slots=True)
class Names:
    """What the settings are called where the user wrote them, for the cures in error lines. `where` is their section."""

    url: str = "policy.endpoint"
    model: str = "policy.model"
    key: str = "policy.api_key_env"
    timeout: str = "policy.timeout_seconds"
    where: str = "[policy]"
    # What to do about a limit, about a broken server, and about a request that is refused.
    busy: str = "wait, then go on with --continue; what is done is kept"
    broken: str = "look at the server, then go on with --continue; what is done is kept"
    refused: str = "correct [policy]"


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint and how it is asked.

    `timeout_seconds` is the longest silence of the server; a whole reply may take four times as long. Prices are US dollars a
    million tokens, None where unknown. `context_tokens` None: the server is asked by the way of `context`, a profile's name.
    `reply_tokens` None: a quarter of the context, at most 4,096. `temperature` None: the server's own. `extra` goes into the
    body of each request as it is.
    """

    url: str
    model: str
    key_variable: str = ""
    key: str = field(default="", repr=False)
    timeout_seconds: float = 300.0
    temperature: float | None = None
    context: str = ""
    context_tokens: int | None = None
    reply_tokens: int | None = None
    prompt_price: float | None = None
    completion_price: float | None = None
    extra: Mapping[str, object] = field(default_factory=dict[str, object])
    names: Names = field(default_factory=Names)

    @property
    def shown(self) -> str:
        """The address without a user's name and password."""
        return shown_url(self.url)


def shown_url(url: str) -> str:
    """An address without a user's name and password."""
    return re.sub(r"//[^/]*@", "//", url)


def check_url(url: str, names: Names) -> None:
    """Raises `UserError` when `url` is empty or no HTTP address."""
    if not url:
        raise UserError(f"{names.url} is empty", where=names.where, how="set it, for example to http://localhost:11434/v1")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        what = f"{names.url} is no address: {shown_url(url)}"
        raise UserError(what, where=names.where, how="begin it with http:// or https://")


def check_model(model: str, names: Names) -> None:
    """Raises `UserError` when no model is named."""
    if not model:
        raise UserError(f"{names.model} is empty", where=names.where, how="set it to a model that the endpoint serves")


def key_from(variable: str, names: Names) -> str:
    """The key that the environment variable holds; empty when none is named. Raises `UserError`, which never shows a value."""
    if not variable:
        return ""
    if not variable.isidentifier():  # not shown: it may be the key itself
        raise UserError(f"{names.key} names no variable", where=names.where, how="set it to a name such as MY_KEY")
    key = os.environ.get(variable, "").strip()
    if not key:
        raise UserError(f"the variable {variable} is not set", where=names.key, how=f"export {variable}=...")
    if not key.isascii() or not key.isprintable():
        raise UserError(f"the variable {variable} holds no key", where=names.key, how="set it to the key alone")
    return key


def require_openai() -> None:
    """Raises `UserError` when the client library is missing."""
    try:
        import openai  # noqa: F401  # pyright: ignore[reportUnusedImport]  # here: it takes a second or two to import
    except ImportError:
        how = "pip install 'openai>=2'"
        raise UserError("an endpoint needs the openai package", how=how, code=Exit.NO_POLICY) from None
