"""What a plan says about a language model that runs on this machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from mlagent_app.config import FILE_NAME
from mlagent_app.plan import Plan
from mlagent_app.policies.registry import LOCAL
from mlagent_app.repo.locks import state_dir

if TYPE_CHECKING:
    from mlagent_app.chat.vllm_plan import Quantization
    from mlagent_app.policies.local import LocalModel


def with_whole_paths(plan: Plan) -> Plan:
    """The plan with whole paths, so that the session can be continued from another directory. A hub's model is no path."""
    model, adapter, python = plan.model, plan.adapter, plan.vllm_python
    if model and (plan.policy == "embedded" or (plan.policy in LOCAL and _whole(plan, "model", model).is_dir())):
        model = str(_whole(plan, "model", model))
    if adapter:
        adapter = str(_whole(plan, "adapter", adapter))
    if "/" in python:
        python = str(_whole(plan, "python", python))
    return replace(plan, model=model, adapter=adapter, vllm_python=python)


def _whole(plan: Plan, key: str, text: str) -> Path:
    """In `mlagent.toml` a path is relative to the project, elsewhere to the current directory."""
    near = plan.project if plan.sources.get(f"policy.{key}") == FILE_NAME else Path.cwd()
    return near / Path(text).expanduser()


def local_model(plan: Plan) -> LocalModel | None:
    """What is set of a language model on this machine; None for a policy that has none here."""
    if plan.policy not in LOCAL:
        return None
    from mlagent_app.policies.local import LocalModel

    return LocalModel(
        state=state_dir(),
        adapter=plan.adapter,
        quantization=cast("Quantization", plan.quantization),
        python=plan.vllm_python,
        port=plan.vllm_port,
        constrained=plan.constrained,
        free_edits=plan.editor != "catalogue",
        context=plan.context_tokens or 0,
    )
