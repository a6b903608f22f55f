"""The editor of a session: from what the plan says to what carries out edit instructions."""

from __future__ import annotations

from mlagent_app.agent.chat import ChatModel
from mlagent_app.chat.client import connected
from mlagent_app.chat.profiles import Options, target_of
from mlagent_app.chat.target import Names
from mlagent_app.editors.llm import LLMEditor
from mlagent_app.plan import Plan
from mlagent_app.session.policy import options_of

NAMES = Names(url="policy.editor_endpoint", model="policy.editor_model", key="policy.editor_api_key_env")


def make_editor(plan: Plan, own: ChatModel | None = None) -> LLMEditor | None:
    """The editor that asks a model, None when the catalogue edits. `own` is the policy's model, where it has one.

    Raises `UserError` when there is no model to ask: neither an endpoint of the editor, nor one of the policy.
    """
    if plan.editor == "catalogue":
        return None
    if own is not None and not plan.editor_endpoint and not plan.editor_model:
        return LLMEditor(own)
    # The policy's model, and its key, mean something at the policy's endpoint only.
    elsewhere = bool(plan.editor_endpoint)
    options = options_of(plan)
    if elsewhere or plan.editor_model:  # what is known of the policy's model says nothing of another one
        options = Options(timeout_seconds=options.timeout_seconds)
    target = target_of(
        plan.editor_endpoint or plan.endpoint,
        plan.editor_model or ("" if elsewhere else plan.model),
        plan.editor_api_key_env or ("" if elsewhere else plan.api_key_env),
        options,
        NAMES,
    )
    return LLMEditor(connected(target))
