"""The task environment through Gymnasium and through OpenEnv's own client over a real socket."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from gymnasium.utils.env_checker import check_env
from openenv.core import GenericEnvClient

from mlagent_app.environment.adapters.gymnasium import GymTaskEnv
from mlagent_app.environment.adapters.openenv import application
from mlagent_app.environment.states import StateStore
from mlagent_app.environment.taskenv import TaskEnvironment
from sandbox.bwrap import BwrapRunner

pytestmark = pytest.mark.bwrap
OPTIONS: dict[str, Any] = {"task": "spaceship-titanic", "variant": 2, "starter": "linear"}


@pytest.fixture
def environment(tmp_path: Path) -> TaskEnvironment:
    store = StateStore(tmp_path / "states")
    return TaskEnvironment(BwrapRunner.connect(), tmp_path, max_steps=2, store=store, variants=tmp_path / "variants")


def answer(candidate: tuple[str, str] | list[str]) -> str:
    instruction, file = candidate
    given = json.dumps({"script_name": file, "edit_instruction": instruction})
    return f"Thought: try it\nAction: Edit Script\nAction Input: {given}"


def test_gymnasium(environment: TaskEnvironment) -> None:
    env = GymTaskEnv(environment, render_mode="ansi")
    text, info = env.reset(seed=5, options=OPTIONS)
    assert env.observation_space.contains(text) and text == env.render()
    assert info["candidates"] and info["state_id"]
    _, reward, ended, cut, told = env.step(answer(info["candidates"][0]))
    assert told["case"] == "edit" and 0 <= reward <= 1 and not told["unscored"] and not (ended or cut)
    _, reward, ended, cut, told = env.step("I have no idea")
    assert (reward, ended, cut, told["case"]) == (0.0, False, True, "invalid")
    env.reset(options={"state_id": info["state_id"]})
    assert env.step('Action: Final Answer\nAction Input: {"final_answer": ""}')[2:4] == (True, False)
    env.close()


def test_gymnasium_finds_nothing_wrong_with_it(environment: TaskEnvironment) -> None:
    env = GymTaskEnv(environment, task="spaceship-titanic")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_env(env, skip_render_check=True)


@pytest.fixture
def address(environment: TaskEnvironment) -> Generator[str]:
    server = uvicorn.Server(uvicorn.Config(application(lambda: environment), port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(30)


def test_openenv_client(address: str) -> None:
    async def episode() -> None:
        connection: Any = GenericEnvClient(base_url=address, message_timeout_s=300)
        async with connection as client:
            first = await client.reset(seed=1, **OPTIONS)
            assert "spaceship-titanic" in first.observation["text"] and not first.done
            state = await client.state()
            assert (state["task"], state["variant"], state["step_count"]) == (OPTIONS["task"], "spaceship-titanic@2.linear", 0)
            moved = await client.step({"answer": answer(first.observation["candidates"][0])})
            assert moved.reward is not None and 0 <= moved.reward <= 1 and not moved.done
            assert moved.observation["details"]["case"] == "edit" and moved.observation["details"]["state_id"]
            last = await client.step({"answer": 'Action: Final Answer\nAction Input: {"final_answer": "done"}'})
            assert last.done and last.reward == 0.5
            again = await client.reset(state_id=state["id"])
            assert again.observation["text"] == first.observation["text"]

    asyncio.run(episode())
