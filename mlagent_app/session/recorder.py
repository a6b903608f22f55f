"""The one path an event takes: the journal, the fold, the surface."""

from __future__ import annotations

from collections.abc import Callable

from mlagent_app.agent.events import TRANSIENT, Event
from mlagent_app.journal import Journal
from mlagent_app.session.progress import Progress


class Recorder:
    """Takes events in: journal first, then the fold, then the surface."""

    def __init__(self, journal: Journal, surface: Callable[[Event], None]) -> None:
        self.progress = Progress()
        self._journal = journal
        self._surface = surface
        for record in journal.records:
            self.progress.apply(record.event, record.time)
            surface(record.event)

    def emit(self, event: Event) -> None:
        """Record one event. Log lines and resource samples go to the surface alone."""
        if not isinstance(event, TRANSIENT):
            self.progress.apply(event, self._journal.append(event).time)
        self._surface(event)
