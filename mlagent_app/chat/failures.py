"""What can go wrong between us and an endpoint: what is tried again, after which pause, and what a person is told."""

from __future__ import annotations

import email.utils
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from mlagent_app.agent.chat import PromptTooLong
from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.chat.target import Target

# Tries after the first.
RETRIES = 3
# The first pause; each further one is twice as long. A random part of up to a half is left out, so that many clients that
# failed together do not come back together.
BACK_OFF_SECONDS = 0.5
# A server that asks for a longer pause than this is not waited for.
PAUSE_SECONDS = 120.0
CONNECT_SECONDS = 10.0
MEND_URL = "correct {}: it ends in /v1 as a rule"
_AGAIN = (408, 409, 425, 429)
_SAID_CHARS = 200


class Foreign(Exception):
    """What answers is no chat endpoint at all: asking again changes nothing."""


class Malformed(Exception):
    """A piece of a reply that is not what the protocol has."""


class Failed(Exception):
    """The server says that it failed, but not by the status of its answer: `body` as it says so, `status_code` 0 if unknown."""

    def __init__(self, body: Mapping[str, Any], status_code: int = 0) -> None:
        self.body = body
        self.status_code = status_code if 400 <= status_code < 600 else 0
        super().__init__(said(body, ""))


class CutOff(Exception):
    """The reply ended before it said that it does."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed try. `pause` is what the server asks for, in seconds, None where it asks for nothing; `again`: try again."""

    again: bool
    pause: float | None
    error: UserError


def patience(timeout_seconds: float) -> float:
    """The most seconds that one reply may take to begin, retries and pauses included."""
    return (RETRIES + 1) * (timeout_seconds + CONNECT_SECONDS) + RETRIES * PAUSE_SECONDS


def pause_after(failed: int, asked: float | None) -> float:
    """Seconds to wait after the `failed`-th failure in a row (from 1)."""
    usual = BACK_OFF_SECONDS * 2 ** (failed - 1) * (1 - random.random() / 2)
    return usual if asked is None else asked + random.random() * BACK_OFF_SECONDS / 10


def explain(error: Exception, target: Target) -> Failure:
    """What a failed try means. No line carries the key, even where the server repeats it."""
    import openai

    status = int(getattr(error, "status_code", 0) or 0)
    if status:
        return _refused(error, status, target)
    if isinstance(error, Foreign):
        what = "what answers here is no chat completion"
        return Failure(False, None, _error(what, MEND_URL.format(target.names.url), target))
    tries, told, how = RETRIES + 1, said(error, target.key), target.names.broken
    if isinstance(error, openai.APITimeoutError) or "Timeout" in type(error).__name__:
        what = f"the endpoint did not answer within {target.timeout_seconds:g} s, {tries} times"
        how = f"raise {target.names.timeout}, or see why it is slow"
    elif isinstance(error, Malformed | ValueError):
        what = f"the endpoint sends what is no chat completion, {tries} times: {told}"
    elif isinstance(error, openai.APIConnectionError):
        what = f"the endpoint cannot be reached: {said(error.__cause__ or error, target.key)}"
        how = f"start the server, or correct {target.names.url}"
    elif isinstance(error, Failed):
        what = f"the endpoint failed {tries} times: {said(error.body or error, target.key)}"
    else:
        what = f"the endpoint cut its reply off, {tries} times: {told}"
    return Failure(True, None, _error(what, how, target))


def _refused(error: Exception, status: int, target: Target) -> Failure:
    """An HTTP status that is an error."""
    names = target.names
    told = said(getattr(error, "body", None) or str(error), target.key)
    pause = asked_pause(getattr(getattr(error, "response", None), "headers", {}))
    if status == 429 or (status == 503 and pause is not None):
        wait = f", which asks for a pause of {pause:.0f} s" if pause is not None and pause > PAUSE_SECONDS else ""
        what, how = f"the endpoint's limit is reached{wait}: {told}", names.busy
    elif status >= 500 or status in _AGAIN:
        what, how = f"the endpoint failed {RETRIES + 1} times: {told}", names.broken
    elif status in (401, 403):
        what = f"the endpoint refuses the key: {told}"
        variable = target.key_variable
        how = f"put a valid key into {variable}" if variable else f"name the variable of the key in {names.key}"
    elif status == 404 and "model" in told.casefold():
        what, how = f"the endpoint has no model {target.model!r}: {told}", f"set {names.model} to one that it serves"
    elif status == 404:
        what, how = f"there is no chat endpoint here: {told}", MEND_URL.format(names.url)
    else:
        what, how = f"the endpoint refuses the request: {told}", names.refused
        if too_long(error):
            how = "set policy.context_tokens to what the server allows"
            return Failure(False, None, PromptTooLong(what, where=target.shown, how=how, code=Exit.NO_POLICY))
    again = (status in _AGAIN or status >= 500) and (pause is None or pause <= PAUSE_SECONDS)
    return Failure(again, pause, _error(what, how, target))


def too_long(error: Exception) -> bool:
    """Whether a server refuses a request because prompt and reply together do not fit into its context."""
    told = said(getattr(error, "body", None) or str(error), "").casefold()
    refused = getattr(error, "status_code", 0) in (400, 413, 422)
    return refused and "context" in told and any(word in told for word in ("length", "size", "window"))


def _error(what: str, how: str, target: Target) -> UserError:
    return UserError(what, where=target.shown, how=how, code=Exit.NO_POLICY)


def asked_pause(headers: Mapping[str, str]) -> float | None:
    """The seconds that a server asks to wait: `retry-after-ms`, or `Retry-After` as seconds or as a date."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name)
        if text is None:
            continue
        try:
            return max(0.0, float(text) * unit)
        except ValueError:
            date = email.utils.parsedate_tz(text)
            if date is not None:
                return max(0.0, email.utils.mktime_tz(date) - time.time())
    return None


def said(body: object, secret: str) -> str:
    """What a server says of an error, short and printable, without `secret`."""
    if isinstance(body, Mapping):
        data = cast("Mapping[str, Any]", body)
        inner = data.get("error")
        nested = cast("Mapping[str, Any]", inner).get("message") if isinstance(inner, Mapping) else inner
        body = data.get("message") or data.get("detail") or nested or "no reason given"
    text = " ".join("".join(char if char.isprintable() else " " for char in str(body)).split())
    text = text.replace(secret, "***") if secret else text  # before it is cut, or a part of it might stay
    return "a web page" if text.startswith("<") else text[:_SAID_CHARS]
