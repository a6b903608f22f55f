"""`TaskEnvironment` as a `gymnasium.Env`: pip install gymnasium.

Observations and actions are text: the state as a prompt, and an answer in the grammar of `mlagent_app.agent.actions`.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
from gymnasium.spaces import Text

from mlagent_app.environment.taskenv import Observation, TaskEnvironment

# Gymnasium wants a bound and an alphabet of its texts. Longer prompts are cut at the front: what was tried last counts most.
MAX_CHARS = 200_000
_CHARACTERS = frozenset(map(chr, (*range(9, 11), 13, *range(32, 127))))


class GymTaskEnv(gym.Env[str, str]):
    """Episodes on one task (`task`), or on tasks that are drawn by the seed of `reset`.

    `reset(options=...)` takes `task`, `variant`, `starter` and `state_id`, as `TaskEnvironment.reset` does. `info` holds the
    step's metadata, the applicable edits (`candidates`: instruction, file) and, for a step that the infrastructure failed,
    `unscored`: Gymnasium knows no missing reward, so such a step gives 0 and must not be trained on.
    """

    metadata: dict[str, Any] = {"render_modes": ["ansi"]}  # noqa: RUF012  Gymnasium's own declaration

    def __init__(self, environment: TaskEnvironment, *, task: str = "", render_mode: str | None = None) -> None:
        self._environment = environment
        self._task = task
        self._shown = ""
        self.render_mode = render_mode
        self.observation_space = Text(max_length=MAX_CHARS, min_length=0, charset=_CHARACTERS)
        self.action_space = Text(max_length=MAX_CHARS, min_length=0, charset=_CHARACTERS)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Begin an episode. Without a seed, a random one is drawn. Raises `UserError`."""
        super().reset(seed=seed)
        number = int(self.np_random.integers(2**31)) if seed is None else seed
        given: dict[str, Any] = {"task": self._task, **(options or {})}
        observation = self._environment.reset(seed=number, **given)
        return self._told(observation), self._info(observation)

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """One answer. `truncated` is set when the steps are spent, `terminated` when the policy gave its final answer."""
        moved = self._environment.step(action)
        info = {**self._info(moved.observation), **moved.metadata, "unscored": moved.reward is None}
        ended = moved.done and moved.metadata["action"] == "Final Answer"
        return self._told(moved.observation), moved.reward or 0.0, ended, moved.done and not ended, info

    def render(self) -> str | None:
        """The state as text."""
        return self._shown if self.render_mode == "ansi" else None

    def close(self) -> None:
        """End the episode."""
        self._environment.close()

    def _told(self, observation: Observation) -> str:
        self._shown = "".join(mark if mark in _CHARACTERS else "?" for mark in observation.text)[-MAX_CHARS:]
        return self._shown

    def _info(self, observation: Observation) -> dict[str, Any]:
        candidates = [(item.instruction, item.file) for item in observation.candidates]
        return {"state_id": self._environment.state.id, "feedback": observation.feedback, "candidates": candidates}
