"""From a policy's name to the policy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mlagent_app.agent.errors import Exit, UserError
from mlagent_app.policies.bandit import BanditPolicy
from mlagent_app.policies.base import Policy
from mlagent_app.policies.random import RandomPolicy

if TYPE_CHECKING:
    from mlagent_app.policies.local import LocalModel

KINDS = ("embedded", "cookbook", "bandit", "random", "vllm", "transformers")
# Those whose language model runs on this machine.
LOCAL = ("vllm", "transformers")


def make_policy(kind: str, *, seed: int, model: str = "", local: LocalModel | None = None) -> Policy:
    """The policy of that name. `model` is the directory of the `embedded` policy's weights, those of the package when empty.

    For `vllm` and `transformers` it is a directory or a hub's name, and `local` holds what else is set of it.

    Raises `UserError` (exit 4) for a policy that this version does not have, and for weights that cannot be read.
    """
    if kind == "embedded":
        from mlagent_app.policies.embedded import EmbeddedPolicy  # here: numpy takes a tenth of a second to import

        return EmbeddedPolicy(seed, Path(model).expanduser() if model else None)
    if kind == "cookbook":
        from mlagent_app.policies.cookbook import CookbookPolicy

        return CookbookPolicy()
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
        code=Exit.NO_POLICY,
    )
