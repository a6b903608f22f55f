"""From a plan to its policy."""

from __future__ import annotations

from mlagent_app.chat.profiles import Options
from mlagent_app.plan import Plan
from mlagent_app.policies.base import Policy
from mlagent_app.policies.registry import make_policy
from mlagent_app.session.models import local_model


def policy_of(plan: Plan) -> Policy:
    """The policy that a plan names. Raises `UserError`, also when its back end cannot be reached."""
    return make_policy(
        plan.policy,
        seed=plan.seed,
        model=plan.model,
        endpoint=plan.endpoint,
        api_key_env=plan.api_key_env,
        options=options_of(plan),
        local=local_model(plan),
        own_words=plan.editor != "catalogue",
    )


def options_of(plan: Plan) -> Options:
    """What is set of a model behind an endpoint beside its name."""
    return Options(plan.timeout_seconds, plan.context_tokens, plan.prompt_price, plan.completion_price)
