"""Step-wise RL on verl, for clusters: the agent loop and the reward function that verl is given, over our environment.

verl (Sheng et al. 2024, arXiv 2409.19256) is the engine of the paper: it draws with vLLM or SGLang and trains with FSDP or
Megatron. One sample is one state of the expert's trajectories and one action (paper, section 3.3); executions go to the Ray
that verl runs on (`training.raypool`). Nothing here imports verl before verl itself asks for it.

    mlagent-train experts --recipe qwen2.5-7b --out RUN      # the states
    python -m training.verl_adapter RUN                      # RUN/verl/train.parquet and unseen.parquet
    python -m verl.trainer.main_ppo --config-path .../training/recipes --config-name verl-qwen2.5-7b ...
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from mlagent_app.agent.errors import UserError
from mlagent_app.agent.reward import CONSTANT

if TYPE_CHECKING:
    from training.answers import Execution
    from training.corpus import Corpus, Situation
    from training.outcomes import Outcome
    from training.recipe import Recipe

# The names under which verl knows the agent loop and the data.
AGENT, SOURCE = "mlagent_step", "mlagent"
# Where the workers find recipe and run: verl starts them with the environment of the driver.
RECIPE, RUN = "MLAGENT_VERL_RECIPE", "MLAGENT_VERL_RUN"


def rows(situations: Sequence[Situation], texts: Mapping[str, str], system: str) -> list[dict[str, Any]]:
    """A row of verl's data set for each state: the chat prompt of `training.big.ChatWriter`, and what names the state.

    `texts`: what is told of each state, by its id.
    """
    return [
        {
            "data_source": SOURCE,
            "agent_name": AGENT,
            "prompt": [{"role": "system", "content": system}, {"role": "user", "content": texts[situation.id]}],
            "ability": situation.task,
            "reward_model": {"style": "rule", "ground_truth": situation.id},
            "extra_info": {"index": number, "state": situation.id, "prompt_ids": [int(token) for token in situation.prompt]},
        }
        for number, situation in enumerate(situations)
    ]


def reward(recipe: Recipe, outcome: Outcome) -> float:
    """Eq. 6 as verl takes it: it masks no sample, so that what the infrastructure failed has the reward of no edit."""
    found = outcome.reward(recipe)
    return CONSTANT[recipe.rl.reward]["no_edit"] if found is None else found


def compute_score(
    data_source: str, solution_str: str, ground_truth: str, extra_info: Mapping[str, Any] | None = None, **more: object
) -> float:
    """verl's `custom_reward_function`: executes the answer `solution_str` in the state that `ground_truth` names.

    The agent loop rewards its samples itself; this serves verl's single-turn rollout. Raises `UserError` for data of another
    source or a state that the run does not have.
    """
    del extra_info, more
    if data_source != SOURCE:
        raise UserError(
            f"data of source {data_source!r}", where="verl", how="write it with python -m training.verl_adapter RUN"
        )
    return _bench().score(ground_truth, solution_str)


class Bench:
    """A corpus, and workers on Ray: what scores answers in one of verl's processes."""

    def __init__(self, recipe: Recipe, read: Corpus, execution: Execution) -> None:
        self.recipe, self.read, self._execution = recipe, read, execution

    def score(self, state: str, text: str) -> float:
        """The reward of an answer in a state. Raises `UserError` when the run has no such state."""
        situation = self.read.situations.get(state)
        if situation is None:
            raise UserError(f"the run has no state {state!r}", where="verl", how="write the data anew from this run")
        (outcome,) = self._execution.outcomes([(situation, text)])
        return reward(self.recipe, outcome)


@cache
def _bench() -> Bench:
    """Made when the first answer is scored, in every process that scores."""
    from training import corpus
    from training.answers import Execution
    from training.outcomes import Outcomes
    from training.pool import open_pool
    from training.recipe import load
    from training.workbench import Site

    name, place = os.environ.get(RECIPE), os.environ.get(RUN)
    if not name or not place:
        raise UserError("recipe and run are not known", where="verl", how=f"export {RECIPE}=qwen2.5-7b and {RUN}=DIR")
    run = Path(place)
    recipe = load(name, ['pool.kind="ray"'])  # verl's processes are connected to a Ray, which the pool then uses
    pool = open_pool(recipe.pool, Site.of(recipe, run / "home"))
    return Bench(recipe, corpus.read(run / "corpus", recipe.model.context), Execution(recipe, pool, Outcomes(run / "none")))


@cache
def agent_loop() -> type[Any]:
    """The class that verl's `agent_loop_config_path` names, made when verl is there. Raises `UserError` without it."""
    try:
        verl: Any = importlib.import_module("verl.experimental.agent_loop.agent_loop")
    except ImportError:
        raise UserError("this needs verl", how="install verl as its documentation says, beside ml-agent[train]") from None
    parent, output = verl.AgentLoopBase, verl.AgentLoopOutput

    class MLAgentStep(parent):
        """One action in one state: draw, execute, reward."""

        async def run(self, sampling_params: dict[str, Any], **sample: Any) -> Any:  # noqa: ANN401
            """See verl's `AgentLoopBase.run`; `sample` is a row of `rows`."""
            return await step(self, output, sampling_params, sample, _bench().score)

    return MLAgentStep


async def step(loop: Any, output: Any, sampling: dict[str, Any], sample: Mapping[str, Any], score: Any) -> Any:  # noqa: ANN401
    """Draw one answer from verl's server and reward it; `output` is verl's `AgentLoopOutput`, `score` a `Bench.score`.

    The prompt's tokens are those of the corpus, so that nothing is tokenised twice. An answer is cut off where verl's
    `response_length` ends, before it is read: what is trained on is what was executed.
    """
    info = sample["extra_info"]
    prompt = [int(token) for token in info["prompt_ids"]]
    most = int(loop.config.actor_rollout_ref.rollout.response_length)
    drawn = await loop.server_manager.generate(
        request_id=f"{info['state']}-{os.urandom(8).hex()}", prompt_ids=prompt, sampling_params=sampling
    )
    answer = list(drawn.token_ids)[:most]
    text = loop.tokenizer.decode(answer, skip_special_tokens=True)
    # An execution takes seconds: verl's other samples are drawn meanwhile.
    rewarded = await asyncio.get_running_loop().run_in_executor(None, score, info["state"], text)
    return output(
        prompt_ids=prompt,
        response_ids=answer,
        response_mask=[1] * len(answer),
        response_logprobs=list(drawn.log_probs)[:most] if drawn.log_probs else None,
        reward_score=float(rewarded),
        num_turns=2,
        metrics={},
    )


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """`training.verl_adapter.MLAgentStep`, as hydra looks it up, without importing verl for anyone else."""
    if name == "MLAgentStep":
        return agent_loop()
    raise AttributeError(name)


def write(run: Path, recipe: Recipe) -> Path:
    """The states of a run's corpus as verl's data: `verl/train.parquet`, and `verl/unseen.parquet` of the tasks kept apart.

    Raises `UserError` for a run without a corpus.
    """
    from datasets import Dataset

    from mlagent_app.chat.grammar import catalogue_rules
    from training import corpus, sft, shards
    from training.states import parted

    if not (run / "corpus").is_dir():
        how = f"make them first: mlagent-train experts --recipe {recipe.name} --out {run}"
        raise UserError("the run has no states", where=str(run), how=how)
    read = corpus.read(run / "corpus", recipe.model.context)
    states = shards.read(run / "corpus" / f"{corpus.STATES}{shards.SUFFIX}", corpus.STATES)
    told = {row["state"]: row["text"] for row in states}
    place = run / "verl"
    place.mkdir(parents=True, exist_ok=True)
    parts = parted(read.situations.values(), sft.allowed_tasks(recipe, "rl"), recipe.seed, 0)
    for name, part in zip(("train", "unseen"), parts, strict=True):
        Dataset.from_list(rows(part, told, catalogue_rules())).to_parquet(str(place / f"{name}.parquet"))
    return place


def main() -> NoReturn:
    """`python -m training.verl_adapter RUN [RECIPE]`: one line and an exit code for every error."""
    from mlagent_app.cli.guard import guarded

    sys.exit(guarded(_main, program="training.verl_adapter"))


def _main() -> None:
    from training.recipe import load

    if len(sys.argv) not in (2, 3):
        raise UserError("a run is to be named", how="python -m training.verl_adapter RUN [RECIPE]")
    recipe = load(sys.argv[2] if len(sys.argv) == 3 else "qwen2.5-7b")
    print(json.dumps({"written": str(write(Path(sys.argv[1]), recipe))}))


if __name__ == "__main__":
    main()
