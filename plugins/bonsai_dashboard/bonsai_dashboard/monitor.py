"""Watches this process while somebody wants to see it, and puts its figures together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bonsai_dashboard.events import Figures, Outbox
from bonsai_dashboard.operations import Interval, plugin_health

if TYPE_CHECKING:
    from bonsai_core import App

#: How often every plugin is asked how it is, in seconds: it asks the store too, for which that is a write.
HEALTH_EVERY = 3.0


class Monitor:
    """Collects what the process answers, from its making to `stop`.

    Args:
        log: answers that the log has room for in each interval.
    """

    def __init__(self, app: App, log: int) -> None:
        self._app = app
        self._interval = Interval(log)
        self._began = app.monotonic()
        self._stats = dict(app.stats())
        self._health: dict[str, object] = {}
        self._health_at = float("-inf")
        self.stop = app.watch_events(self._interval.add)

    async def figures(self) -> Figures:
        """The figures of the interval that ends now; the next begins."""
        app, interval = self._app, self._interval
        if app.monotonic() - self._health_at >= HEALTH_EVERY:
            self._health_at = app.monotonic()
            self._health = await app.health()
        try:
            contributions = await app.waiting()
        except Exception:  # the store is away, which `store` says
            contributions = None
        health, before, stats = self._health, self._stats, dict(app.stats())
        began, self._began, self._stats = self._began, app.monotonic(), stats
        plugins = health["plugins"]
        assert isinstance(plugins, dict)
        figures = Figures(
            node=str(stats["node"]),
            at=app.now(),
            interval_ms=max(0, round((self._began - began) * 1000)),
            uptime_ms=max(0, stats["uptimeMs"]),
            ready=health["ready"] is True,
            draining=app.draining,
            store=str(health["store"]),
            connections=stats["connections"],
            joined=stats["joined"],
            sessions=stats["sessions"],
            rooms=stats["rooms"],
            opened=stats["opened"] - before["opened"],
            closed=stats["closed"] - before["closed"],
            answered=interval.answered,
            errors=interval.errors,
            latency=interval.latency(),
            events=interval.events(),
            outbox=Outbox(bytes=stats["outboxBytes"], dropped=stats["outboxDropped"], contributions=contributions),
            plugins=plugin_health(plugins),
            log=(entries := interval.log()),
            skipped=interval.answered - len(entries),
        )
        interval.clear()
        return figures
