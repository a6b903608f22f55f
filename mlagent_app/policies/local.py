"""The policies whose language model runs on this machine: from the settings to the policy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlagent_app.chat.loading import Source
from mlagent_app.chat.vllm_plan import Quantization
from mlagent_app.chat.vllm_server import DEFAULT_PORT
from mlagent_app.policies.base import Policy
from mlagent_app.policies.openai import WritingPolicy
from mlagent_app.policies.transformers import TransformersModel
from mlagent_app.policies.vllm import ConstrainedPolicy, Serving, VllmModel


@dataclass(frozen=True, slots=True)
class LocalModel:
    """`[policy]` of `vllm` and `transformers`, and the app's state directory.

    `python`, `port` and `constrained` are for `vllm`. `free_edits`: edits are instructions or patches of the model's own, not
    of the catalogue. `context`: in tokens, 0 for what the model has, or for `vllm` what is of use and fits.
    """

    state: Path
    adapter: str = ""
    quantization: Quantization = ""
    python: str = ""
    port: int = DEFAULT_PORT
    constrained: bool = False
    free_edits: bool = False
    context: int = 0


def vllm_policy(model: str, local: LocalModel) -> Policy:
    """The policy behind a vLLM server. Raises `UserError` (exit 4) for what is known to be missing before it is started."""
    serving = Serving(
        model, local.state, local.adapter, local.quantization, local.python, port=local.port, context=local.context
    )
    served = VllmModel(serving)
    policy = WritingPolicy(served, "vllm", own_words=local.free_edits)
    return ConstrainedPolicy(policy, served, free_edits=local.free_edits) if local.constrained else policy


def transformers_policy(model: str, local: LocalModel, seed: int) -> Policy:
    """The policy whose model is in this process. Raises `UserError` (exit 4) where something is missing."""
    source = Source(model, local.adapter, local.quantization)
    return WritingPolicy(
        TransformersModel(source, seed=seed, context=local.context), "transformers", own_words=local.free_edits
    )
