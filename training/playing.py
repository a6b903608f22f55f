"""Many episodes into shards that a killed stage goes on from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from training import shards
from training.episodes import Episode, EpisodeJob
from training.pool import Lost, WorkerPool

KIND = "episodes"


def play(
    pool: WorkerPool, jobs: Sequence[EpisodeJob], place: Path, prefix: str, size: int, played: Callable[[int], None]
) -> None:
    """Play the jobs whose shards are not there yet; a shard of `size` episodes is written as soon as it is complete.

    `played` is told how many of them are done. What the infrastructure lost is left out.
    """
    paths = [place / name for name in shards.names(prefix, range(math.ceil(len(jobs) / size)))]
    for path in paths:
        if path.exists():
            shards.read(path, KIND)  # a damaged one is found now, not after hours
    left = [index for index in range(len(jobs)) if not paths[index // size].exists()]
    waiting = {shard: {index for index in left if index // size == shard} for shard in {index // size for index in left}}
    done: dict[int, Episode] = {}
    for at, episode in pool.imap(jobs[index] for index in left):
        index = left[at]
        shard = index // size
        waiting[shard].discard(index)
        played(len(jobs) - sum(map(len, waiting.values())))
        if not isinstance(episode, Lost):
            done[index] = episode
        if not waiting[shard]:
            within = range(shard * size, min(len(jobs), (shard + 1) * size))
            shards.write(paths[shard], KIND, [done[at].to_json() for at in within if at in done])


def episodes(place: Path, prefix: str) -> Iterator[dict[str, Any]]:
    """The rows of the shards with that prefix, in order."""
    for path in sorted(place.glob(f"{prefix}-?????{shards.SUFFIX}")):
        yield from shards.read(path, KIND)
