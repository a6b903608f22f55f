"""What is known of the usual servers: where they listen, which variable holds the key, how long their context is."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

from mlagent_app.agent.errors import UserError
from mlagent_app.chat.target import Names, Target, check_model, check_url, key_from

# What a server that does not tell is taken to have. Ollama gives a model 4,096 tokens unless it is told otherwise, and drops
# the beginning of what is longer without a word.
DEFAULT_CONTEXT = 8192
OLLAMA_CONTEXT = 4096
# Sends a GET to an address and returns the JSON value of the answer; raises when there is none.
Get = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Profile:
    """A kind of server. `key_variable` is empty where no key is needed; `context` where the context length is not told."""

    title: str
    url: str
    key_variable: str = ""
    context: int = DEFAULT_CONTEXT


PROFILES: Mapping[str, Profile] = {
    "vllm": Profile("vLLM", "http://localhost:8000/v1"),
    "ollama": Profile("Ollama", "http://localhost:11434/v1", context=OLLAMA_CONTEXT),
    "lmstudio": Profile("LM Studio", "http://localhost:1234/v1"),
    "llama.cpp": Profile("llama.cpp", "http://localhost:8080/v1"),
    "openai": Profile("OpenAI", "https://api.openai.com/v1", "OPENAI_API_KEY", context=128_000),
}


@dataclass(frozen=True, slots=True)
class Options:
    """What may be set of a model beside its name: `[policy]` of `mlagent.toml`. See `Target`."""

    timeout_seconds: float = 300.0
    context_tokens: int | None = None
    prompt_price: float | None = None
    completion_price: float | None = None


def target_of(
    endpoint: str, model: str, api_key_env: str, options: Options | None = None, names: Names | None = None
) -> Target:
    """The endpoint that the settings mean: a profile's name or an address. Sends nothing.

    `names`: what these settings are called, for the lines about them.

    Raises `UserError` (exit 2) when the endpoint or the model is missing or no such thing, or the key is not there.
    """
    names, chosen = names or Names(), options or Options()
    known = ", ".join(PROFILES)
    if not endpoint:
        how = (
            f"give --endpoint URL, or one of {known}"
            if names.url == Names().url
            else f"set it to an address, or one of {known}"
        )
        raise UserError("a model behind an endpoint needs an address to be asked at", where=names.url, how=how)
    profile = PROFILES.get(endpoint.casefold())
    if profile is None and re.fullmatch(r"[\w.-]+", endpoint):
        near = difflib.get_close_matches(endpoint.casefold(), PROFILES, n=1, cutoff=0.5)
        how = (
            f"did you mean {near[0]!r}?" if near else f"give an address that begins with http:// or https://, or one of {known}"
        )
        raise UserError(f"there is no profile {endpoint!r}", where=names.url, how=how)
    if profile is None:
        check_url(endpoint, names)
    if not model:
        how = "give --model NAME, " if names.model == Names().model else "set it to "
        raise UserError(
            "a model behind an endpoint needs its name", where=names.model, how=f"{how}a model that the endpoint serves"
        )
    check_model(model, names)
    variable = api_key_env or (profile.key_variable if profile else "")
    return Target(
        url=(profile.url if profile else endpoint).rstrip("/"),
        model=model,
        key_variable=variable,
        key=key_from(variable, names),
        timeout_seconds=chosen.timeout_seconds,
        context=endpoint.casefold() if profile else "",
        context_tokens=chosen.context_tokens,
        prompt_price=chosen.prompt_price,
        completion_price=chosen.completion_price,
        names=names,
    )


def default_context(target: Target) -> int:
    """The tokens of a context whose length nobody tells."""
    profile = PROFILES.get(target.context)
    return profile.context if profile else DEFAULT_CONTEXT


def find_context(target: Target, get: Get) -> int | None:
    """The tokens of the model's context as the server tells them; None when it does not. Raises what `get` raises.

    `/v1/models` tells it with vLLM (`max_model_len`) and several hosted servers; the others have an address of their own for
    it. A server given by its address alone is asked by the first way.
    """
    root = target.url.removesuffix("/v1")
    match target.context:
        case "ollama":
            # Of a model that is loaded: what it was loaded with, not what it could have.
            return _number(_named(get(f"{root}/api/ps"), "models", target.model), ("context_length",))
        case "lmstudio":
            found = get(f"{root}/api/v0/models/{quote(target.model, safe='/')}")
            return _number(found, ("loaded_context_length", "max_context_length"))
        case "llama.cpp":
            found = get(f"{root}/props")
            props = cast("Mapping[str, Any]", found if isinstance(found, Mapping) else {})
            return _number(props.get("default_generation_settings"), ("n_ctx",))
        case _:
            entry = _named(get(f"{target.url}/models"), "data", target.model)
            return _number(entry, ("max_model_len", "context_length", "context_window"))


def _named(found: object, key: str, model: str) -> object:
    """The entry of a list of models that bears this name."""
    entries = cast("Mapping[str, Any]", found).get(key) if isinstance(found, Mapping) else None
    if not isinstance(entries, Sequence):
        return None
    for entry in cast("Sequence[object]", entries):
        if isinstance(entry, Mapping):
            data = cast("Mapping[str, Any]", entry)
            if model in (data.get("id"), data.get("name"), data.get("model"), str(data.get("name")).removesuffix(":latest")):
                return data
    return None


def _number(entry: object, keys: Sequence[str]) -> int | None:
    """The first of these keys that holds a usable number of tokens."""
    if not isinstance(entry, Mapping):
        return None
    data = cast("Mapping[str, Any]", entry)
    values = (data.get(key) for key in keys)
    return next((value for value in values if isinstance(value, int) and not isinstance(value, bool) and value > 0), None)
