"""The session's actions in the command palette."""

from __future__ import annotations

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from mlagent_app.tui.keys import KEYS, NOT_IN_PALETTE, Key
from mlagent_app.tui.screens.deciding import DecidingScreen


class SessionCommands(Provider):
    """Offers every key of the session screen by name."""

    @property
    def _keys(self) -> tuple[Key, ...]:
        if not isinstance(self.screen, DecidingScreen):
            return ()
        return tuple(key for key in KEYS if key.action not in NOT_IN_PALETTE)

    async def discover(self) -> Hits:
        """All of them, before anything is typed."""
        for key in self._keys:
            yield DiscoveryHit(_title(key), partial(self._run, key), help=_help(key))

    async def search(self, query: str) -> Hits:
        """Those that match."""
        matcher = self.matcher(query)
        for key in self._keys:
            score = matcher.match(f"{_title(key)} {key.help}")
            if score > 0:
                yield Hit(score, matcher.highlight(_title(key)), partial(self._run, key), help=_help(key))

    async def _run(self, key: Key) -> None:
        await self.screen.run_action(key.action)


def _title(key: Key) -> str:
    return f"{key.label[:1].upper()}{key.label[1:]}"


def _help(key: Key) -> str:
    return f"{key.display}: {key.help}"
