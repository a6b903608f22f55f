"""`TaskEnvironment` as an OpenEnv environment, and the server that OpenEnv's clients connect to: pip install openenv-core.

A server is started with `serve`, or by any ASGI server from `application`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

from openenv.core import env_server
from openenv.core.env_server import Action, Environment, State
from openenv.core.env_server import Observation as BaseObservation
from pydantic import Field

from mlagent_app.environment.taskenv import Observation, TaskEnvironment

if TYPE_CHECKING:
    from fastapi import FastAPI


class TaskAction(Action):
    """What the policy answers, in the grammar of `mlagent_app.agent.actions`."""

    answer: str = Field(description="Thought, Action and Action Input (JSON), each on lines of its own")


class TaskObservation(BaseObservation):
    """The state as a prompt, the feedback of the last action, and the edits that the catalogue can apply now."""

    text: str
    feedback: str = ""
    details: dict[str, Any] = Field(default_factory=dict, description="The step's metadata; OpenEnv sends none of its own")
    candidates: list[tuple[str, str]] = Field(default_factory=list[tuple[str, str]], description="(instruction, file) pairs")


class TaskState(State):
    """See `mlagent_app.environment.taskenv.EpisodeState`; `id` re-enters the state: `reset(state_id=...)`."""

    id: str = ""
    task: str = ""
    variant: str = ""
    seed: int = 0
    value: float = 0.0
    m_init: float = 0.0
    m_best: float = 0.0


class OpenEnvTaskEnvironment(Environment[TaskAction, TaskObservation, TaskState]):
    """Translates between OpenEnv's calls and a `TaskEnvironment`. Each client session has its own."""

    SUPPORTS_CONCURRENT_SESSIONS = True

    def __init__(self, environment: TaskEnvironment) -> None:
        super().__init__()
        self._environment = environment

    def reset(self, seed: int | None = None, episode_id: str | None = None, **kwargs: object) -> TaskObservation:
        """Begin an episode; `kwargs` are those of `TaskEnvironment.reset`: task, variant, starter, state_id."""
        del episode_id  # episodes have names of their own
        begin: Callable[..., Observation] = self._environment.reset
        return _observation(begin(seed=random.randrange(2**31) if seed is None else seed, **kwargs))

    def step(self, action: TaskAction, timeout_s: float | None = None, **kwargs: object) -> TaskObservation:
        """One answer. The time of a run is bounded by its task, not by the caller. `reward` is None for an unscored step."""
        del timeout_s, kwargs
        moved = self._environment.step(action.answer)
        return _observation(moved.observation, reward=moved.reward, done=moved.done, details=moved.metadata)

    @property
    def state(self) -> TaskState:
        return TaskState(**asdict(self._environment.state))

    def close(self) -> None:
        """End the episode."""
        self._environment.close()


def _observation(
    seen: Observation, *, reward: float | None = None, done: bool = False, details: dict[str, Any] | None = None
) -> TaskObservation:
    candidates = [(item.instruction, item.file) for item in seen.candidates]
    return TaskObservation(
        text=seen.text, feedback=seen.feedback, candidates=candidates, reward=reward, done=done, details=details or {}
    )


def application(make: Callable[[], TaskEnvironment], *, sessions: int = 1) -> FastAPI:
    """The server's application. `make` is called once for each client session, of which there are at most `sessions`."""
    server = cast("Any", env_server)  # its types are only partly known
    return server.create_fastapi_app(
        lambda: OpenEnvTaskEnvironment(make()), TaskAction, TaskObservation, max_concurrent_envs=sessions
    )


def serve(make: Callable[[], TaskEnvironment], *, host: str = "127.0.0.1", port: int = 8000, sessions: int = 1) -> None:
    """Serve until interrupted. Not to be put on a public address: whoever connects runs scripts in your sandbox."""
    import uvicorn

    uvicorn.run(application(make, sessions=sessions), host=host, port=port, log_level="warning")
