"""Heartbeats, deadlines and expiry of all connections, by one timer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bonsai_core.connection import Connection
from bonsai_core.protocol import CloseCode, encode_json

if TYPE_CHECKING:
    from bonsai_core.app import App


class Upkeep:
    """Looks after the connections of one process."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Look now, and now and then."""
        self._sweep()

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _sweep(self) -> None:
        app, settings = self._app, self._app.settings
        shortest = min(settings.heartbeat_interval_ms, settings.heartbeat_timeout_ms, settings.join_timeout_ms)
        self._timer = asyncio.get_running_loop().call_later(min(max(shortest / 4000, 0.02), 1.0), self._sweep)
        now, now_ms = app.monotonic(), app.now()
        for connection in list(app.connections.all):
            self._look_after(connection, now, now_ms)
        app.limits.sweep()
        app.admission.sweep()

    def _look_after(self, connection: Connection, now: float, now_ms: int) -> None:
        settings = self._app.settings
        if connection.close_code is not None:
            return
        if connection.session is None and not connection.guest:
            if now - connection.opened_at > settings.join_timeout_ms / 1000:
                connection.close(CloseCode.JOIN_TIMEOUT, "did not join in time")
                return
            if not connection.wire.pings_always:
                return
        interval, timeout = settings.heartbeat_interval_ms / 1000, settings.heartbeat_timeout_ms / 1000
        always = connection.wire.pings_always
        if connection.pinged_at:
            # At most half an interval, so that a half-open peer is freed within one and a half.
            if now - connection.pinged_at > (timeout if always else min(timeout, interval / 2)):
                connection.abort()
                return
        elif now - (connection.asked_at if always else connection.last_seen) >= interval:
            connection.ping()
        if connection.backlog_age(now) > settings.outbox_max_age_ms / 1000:
            connection.cut_off(0)
            return
        identity = connection.identity
        if identity is None:
            return
        left = identity.expires_at - now_ms
        if left <= -settings.token_grace_s * 1000:
            connection.close(CloseCode.UNAUTHENTICATED, "token expired", leave="expired")
        elif left <= settings.token_expiring_s * 1000 and not connection.expiring_told:
            connection.expiring_told = True
            connection.tell("auth:expiring", encode_json({"inMs": max(left, 0)}))
