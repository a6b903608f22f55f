"""From a policy's name to the policy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mlagent_app.agent.errors import UserError
from mlagent_app.chat.profiles import Options
from mlagent_app.policies.bandit import BanditPolicy
from mlagent_app.policies.base import Policy
from mlagent_app.policies.random import RandomPolicy

if TYPE_CHECKING:
    from mlagent_app.policies.local import LocalModel

KINDS = ("embedded", "cookbook", "bandit", "random", "vllm", "transformers", "openai")
# Those whose language model runs on this machine.
LOCAL = ("vllm", "transformers")


def make_policy(
    kind: str,
    *,
    seed: int,
    model: str = "",
    endpoint: str = "",
    api_key_env: str = "",
    options: Options | None = None,
    local: LocalModel | None = None,
    own_words: bool = False,
) -> Policy:
    """The policy of that name.

    `model` is the directory of the `embedded` policy's weights, those of the package when empty; of a policy behind an endpoint
    it is the name under which the server knows it; of one whose model runs here a directory or a hub's name, and `local` holds
    what else is set of it. `endpoint` is a profile's name or an address, `api_key_env` the variable that holds the key.
    `own_words`: an editor carries out what a policy that writes asks for in its own words.
    Policies behind an endpoint are looked for here, before anything is run.

    Raises `UserError` (exit 4) for weights that cannot be read, and where nothing listens at the endpoint; with exit 2 for a
    policy that this version does not have, and when a setting is missing.
    """
    if kind == "embedded":
        from mlagent_app.policies.embedded import EmbeddedPolicy  # here: numpy takes a tenth of a second to import

        return EmbeddedPolicy(seed, Path(model).expanduser() if model else None)
    if kind == "cookbook":
        from mlagent_app.policies.cookbook import CookbookPolicy

        return CookbookPolicy()
    if kind == "openai":
        from mlagent_app.chat.client import connected
        from mlagent_app.chat.profiles import target_of
        from mlagent_app.policies.openai import WritingPolicy

        return WritingPolicy(connected(target_of(endpoint, model, api_key_env, options)), own_words=own_words)
    if kind == "bandit":
        return BanditPolicy(seed)
    if kind == "random":
        return RandomPolicy(seed)
    if kind in LOCAL and local is not None:
        from mlagent_app.policies.local import transformers_policy, vllm_policy

        return vllm_policy(model, local) if kind == "vllm" else transformers_policy(model, local, seed)
    raise UserError(
        f"there is no policy {kind!r} in this version",
        where="policy.kind",
        how=f"choose one of {', '.join(KINDS)}",
    )
