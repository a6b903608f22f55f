"""Which endpoint the settings mean, and how long its context is."""

from __future__ import annotations

import json

import pytest

from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.chat.client import EndpointModel
from mlagent_app.chat.profiles import PROFILES, Options, find_context, target_of
from mlagent_app.chat.target import Target
from tests.chat.server import serving

LIST = {"data": [{"id": "other", "max_model_len": 1}, {"id": "m", "max_model_len": 32768}]}


def test_a_profile_is_an_address_and_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    monkeypatch.setenv("MY_KEY", "sk-2")
    assert [target_of(name, "m", "").url for name in PROFILES] == [profile.url for profile in PROFILES.values()]
    hosted = target_of("OpenAI", "m", "")
    assert (hosted.key, hosted.key_variable) == ("sk-1", "OPENAI_API_KEY")
    assert target_of("openai", "m", "MY_KEY").key == "sk-2"
    assert target_of("ollama", "m", "").key == "", "no server gets a key that was not meant for it"
    plain = target_of("http://gpu.lan:9/v1/", "m", "MY_KEY", Options(5.0, 4096, 1.0, 2.0))
    assert (plain.url, plain.key, plain.context_tokens, plain.completion_price) == ("http://gpu.lan:9/v1", "sk-2", 4096, 2.0)


@pytest.mark.parametrize(
    ("endpoint", "model", "variable", "line"),
    [
        ("", "m", "", "a model behind an endpoint needs an address to be asked at (policy.endpoint) - give --endpoint URL, or"),
        ("olama", "m", "", "there is no profile 'olama' (policy.endpoint) - did you mean 'ollama'?"),
        ("zzz", "m", "", "there is no profile 'zzz' (policy.endpoint) - give an address that begins with http"),
        ("ftp://x/v1", "m", "", "policy.endpoint is no address: ftp://x/v1 ([policy]) - begin it with http:// or https://"),
        ("http://me:pw@[/v1", "m", "", "policy.endpoint is no address: http://[/v1 ([policy]) - begin it with"),
        ("ollama", "", "", "a model behind an endpoint needs its name (policy.model) - give --model NAME"),
        ("openai", "m", "", "the variable OPENAI_API_KEY is not set (policy.api_key_env) - export OPENAI_API_KEY=..."),
        (
            "ollama",
            "m",
            "sk-the-key-itself",
            "policy.api_key_env names no variable ([policy]) - set it to a name such as MY_KEY",
        ),
    ],
)
def test_what_is_missing_is_one_line(endpoint: str, model: str, variable: str, line: str) -> None:
    with pytest.raises(UserError) as caught:
        target_of(endpoint, model, variable)
    assert caught.value.line().startswith(line) and caught.value.code == Exit.USAGE


@pytest.mark.parametrize(
    ("profile", "path", "answer", "expected"),
    [
        ("vllm", "/v1/models", LIST, 32768),
        ("", "/v1/models", LIST, 32768),
        ("", "/v1/models", {"data": [{"id": "m", "context_length": 4000}]}, 4000),
        ("", "/v1/models", {"data": [{"id": "m"}]}, 8192),
        ("", "/nothing", {}, 8192),
        ("openai", "/v1/models", {"data": [{"id": "m"}]}, 128_000),
        ("ollama", "/api/ps", {"models": [{"name": "m:latest", "context_length": 16384}]}, 16384),
        ("ollama", "/api/ps", {"models": []}, 4096),
        ("lmstudio", "/api/v0/models/m", {"loaded_context_length": 6000, "max_context_length": 9000}, 6000),
        ("llama.cpp", "/props", {"default_generation_settings": {"n_ctx": 5120}}, 5120),
        ("llama.cpp", "/props", [1], 8192),
    ],
)
def test_the_context_is_what_the_server_tells(profile: str, path: str, answer: object, expected: int) -> None:
    with serving(others={path: answer}) as server:
        model = EndpointModel(Target(url=server.url, model="m", context=profile))
        assert model.context_tokens == expected


def test_a_server_that_is_not_up_has_the_usual_context() -> None:
    with serving() as server:
        model = EndpointModel(Target(url=server.url, model="m"))
    assert model.context_tokens == 8192


@pytest.mark.parametrize("answer", ["null", "3", '{"data": 1}', '{"data": [1, {"id": "m", "max_model_len": true}]}'])
def test_odd_lists_tell_nothing(answer: str) -> None:
    assert find_context(Target(url="http://x/v1", model="m"), lambda _: json.loads(answer)) is None
