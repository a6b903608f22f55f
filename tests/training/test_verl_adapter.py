"""What verl is given: rows, rewards, and one step of the agent loop against a server of ours. verl itself is not needed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from mlagent_app.agent.actions import EditScript, format_answer
from mlagent_app.agent.errors import UserError
from mlagent_app.agent.reward import sigmoid
from mlagent_app.chat.tokens import reply_room
from training import verl_adapter
from training.corpus import Situation
from training.outcomes import Outcome
from training.recipe import load
from training.verl_adapter import AGENT, SOURCE, Bench, reward, rows, step

pytestmark = pytest.mark.torch
GOOD = format_answer(EditScript("train.py", "set C of SVC to 10"))


def situation(name: str) -> Situation:
    return Situation(name, "toy", "toy/0", "files", 0, "tabular", np.array([5, 6, 7]), (), ())


def test_a_row_names_the_state_and_has_the_prompt_in_words_and_tokens() -> None:
    (row,) = rows([situation("s0")], {"s0": "the state"}, "the rules")
    assert (row["data_source"], row["agent_name"]) == (SOURCE, AGENT)
    assert [part["content"] for part in row["prompt"]] == ["the rules", "the state"]
    assert row["reward_model"]["ground_truth"] == row["extra_info"]["state"] == "s0"
    assert row["extra_info"]["prompt_ids"] == [5, 6, 7]


def test_rewards_are_those_of_equation_6() -> None:
    recipe = load("qwen2.5-7b")
    assert reward(recipe, Outcome("edit", 0.02)) == sigmoid(2.0)
    assert reward(recipe, Outcome("invalid", None)) == 0.0
    assert reward(recipe, Outcome("infrastructure", None)) == 0.5


def test_an_answer_is_executed_in_the_state_that_the_row_names() -> None:
    asked: list[tuple[str, str]] = []

    def outcomes(pairs: list[tuple[Situation, str]]) -> list[Outcome]:
        asked.extend((state.id, text) for state, text in pairs)
        return [Outcome("edit", 0.02) for _ in pairs]

    read: Any = SimpleNamespace(situations={"s0": situation("s0")})
    execution: Any = SimpleNamespace(outcomes=outcomes)
    bench = Bench(load("qwen2.5-7b"), read, execution)
    assert bench.score("s0", GOOD) == sigmoid(2.0)
    assert asked == [("s0", GOOD)]
    with pytest.raises(UserError, match="no state 's9'"):
        bench.score("s9", GOOD)


def test_a_step_draws_from_the_server_and_trains_on_what_was_executed() -> None:
    class Server:
        """Answers with more tokens than may be."""

        async def generate(self, *, request_id: str, prompt_ids: list[int], sampling_params: dict[str, Any]) -> Any:  # noqa: ANN401
            assert request_id.startswith("s0-")
            assert (prompt_ids, sampling_params) == ([5, 6, 7], {"temperature": 1.0})
            return SimpleNamespace(token_ids=[1, 2, 3, 4], log_probs=[-1.0, -2.0, -3.0, -4.0])

    def decode(ids: list[int], *, skip_special_tokens: bool) -> str:
        assert skip_special_tokens
        return " ".join(map(str, ids))

    config = SimpleNamespace(actor_rollout_ref=SimpleNamespace(rollout=SimpleNamespace(response_length=3)))
    loop = SimpleNamespace(config=config, server_manager=Server(), tokenizer=SimpleNamespace(decode=decode))
    (row,) = rows([situation("s0")], {"s0": "the state"}, "the rules")
    scored: list[tuple[str, str]] = []

    def score(state: str, text: str) -> float:
        scored.append((state, text))
        return 0.75

    made = asyncio.run(step(loop, SimpleNamespace, {"temperature": 1.0}, row, score))
    assert scored == [("s0", "1 2 3")]
    assert (made.prompt_ids, made.response_ids, made.response_mask) == ([5, 6, 7], [1, 2, 3], [1, 1, 1])
    assert (made.response_logprobs, made.reward_score) == ([-1.0, -2.0, -3.0], 0.75)


def test_without_verl_only_the_loop_itself_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "verl", None)
    verl_adapter.agent_loop.cache_clear()
    with pytest.raises(UserError, match="needs verl"):
        _ = verl_adapter.MLAgentStep  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(UserError, match="data of source 'gsm8k'"):
        verl_adapter.compute_score("gsm8k", "4", "4")


def test_what_goes_wrong_with_the_data_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for given, said in (
        ([], "a run is to be named - python -m training.verl_adapter RUN [RECIPE]"),
        ([str(tmp_path)], str(tmp_path)),
        ([str(tmp_path), "qwen"], "there is no recipe 'qwen'"),
    ):
        monkeypatch.setattr(sys, "argv", ["verl_adapter", *given])
        with pytest.raises(SystemExit) as caught:
            verl_adapter.main()
        assert caught.value.code == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("training.verl_adapter: ") and said in line and "unexpected" not in line


def test_the_configuration_names_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    from ruamel.yaml import YAML

    place = Path(verl_adapter.__file__).parent / "recipes"
    (agent,) = YAML(typ="safe").load(place / "verl-agent.yaml")
    assert agent == {"name": AGENT, "_target_": "training.verl_adapter.MLAgentStep"}
    config = YAML(typ="safe").load(place / "verl-qwen2.5-7b.yaml")
    recipe, rollout = load("qwen2.5-7b"), config["actor_rollout_ref"]["rollout"]
    assert config["data"]["train_batch_size"] == recipe.rl.states
    assert config["trainer"]["total_training_steps"] == recipe.rl.updates
    assert rollout["response_length"] == config["data"]["max_response_length"] == recipe.rl.max_new_tokens
    assert (
        rollout["prompt_length"]
        == config["data"]["max_prompt_length"]
        == recipe.model.context - reply_room(recipe.model.context)
    )
    assert float(config["actor_rollout_ref"]["actor"]["optim"]["lr"]) == recipe.rl.actor_lr
    assert float(config["critic"]["optim"]["lr"]) == recipe.rl.critic_lr
    assert config["algorithm"]["kl_ctrl"]["kl_coef"] == recipe.rl.kl
    assert callable(getattr(verl_adapter, config["reward"]["custom_reward_function"]["name"]))
    monkeypatch.delenv(verl_adapter.RUN, raising=False)
