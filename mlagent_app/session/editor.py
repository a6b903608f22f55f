"""The editor of a session: from what the plan says to what carries out edit instructions."""

from __future__ import annotations

import importlib
import os
from typing import Any, cast

from mlagent_app.agent.chat import ChatModel
from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.editors.llm import LLMEditor
from mlagent_app.plan import Plan


def make_editor(plan: Plan, own: ChatModel | None = None) -> LLMEditor | None:
    """The editor that asks a model, None when the catalogue edits. `own` is the policy's model, where it has one.

    Raises `UserError` (exit 4) when there is no model to ask: neither an endpoint of the editor, nor one of the policy.
    """
    if plan.editor == "catalogue":
        return None
    if own is not None and not plan.editor_endpoint and not plan.editor_model:
        return LLMEditor(own)
    # The policy's model, and its key, mean something at the policy's endpoint only.
    elsewhere = bool(plan.editor_endpoint)
    url = plan.editor_endpoint or plan.endpoint
    model = plan.editor_model or ("" if elsewhere else plan.model)
    variable = plan.editor_api_key_env or ("" if elsewhere else plan.api_key_env)
    if not url:
        raise _incomplete("has no endpoint", "set policy.editor_endpoint, for example to http://localhost:11434/v1")
    if not model:
        raise _incomplete("has no model", "set policy.editor_model to one that its endpoint serves")
    return LLMEditor(endpoint_model(url, model, _key(variable)))


def endpoint_model(url: str, model: str, api_key: str) -> ChatModel:
    """The model behind an OpenAI-compatible endpoint. Raises `UserError` (exit 4) where this version has no client for it."""
    # PLUG: THE ENDPOINT CLIENT. By its name, because it is not part of this branch: make this a plain import once it is.
    try:
        client: Any = importlib.import_module("mlagent_app.chat.client")
    except ImportError as error:
        raise UserError(
            f"an editor that asks a model needs {error.name}", where="policy.editor", how="set editor = \"catalogue\"",
            code=Exit.NO_POLICY,
        ) from None  # fmt: skip
    return cast("ChatModel", client.EndpointModel(url, model, api_key))


def _key(variable: str) -> str:
    """The key that an environment variable holds; empty when none is named. Raises `UserError` when it is not set."""
    if not variable:
        return ""
    if not variable.isidentifier():  # not shown: it may be the key itself
        raise _incomplete("has no variable for its key", "set policy.editor_api_key_env to a name such as MY_KEY")
    key = os.environ.get(variable, "").strip()
    if not key:
        raise UserError(f"the variable {variable} is not set", where="policy.editor_api_key_env", how=f"export {variable}=...",
                        code=Exit.NO_POLICY)  # fmt: skip
    return key


def _incomplete(what: str, how: str) -> UserError:
    return UserError(f"the editor {what}", where='policy.editor = "llm"', how=how, code=Exit.NO_POLICY)
