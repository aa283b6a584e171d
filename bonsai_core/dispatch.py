"""Events of joined connections on their way to plugins: which work they are, and whose turn it is.

What happens to one event then: `work.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

import structlog

from bonsai_core.connection import Connection
from bonsai_core.events import Event, Refused
from bonsai_core.isolation import PluginFault
from bonsai_core.live import LiveSession, Numbered, Turn
from bonsai_core.plugins import Handler, PluginRecord
from bonsai_core.protocol import ErrorCode, Frame
from bonsai_core.store.base import StoreUnavailable
from bonsai_core.units import STORE_RETRY_MS, run_unit_apart
from bonsai_core.work import Work

if TYPE_CHECKING:
    from bonsai_core.app import App

log = structlog.get_logger("bonsai.dispatch")


class Dispatcher:
    """Carries events of joined connections to plugins."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._tasks: dict[asyncio.Task[None], PluginRecord] = {}

    def handle(
        self, connection: Connection, frame: Frame, attachment: bytes | None = None, reply: int | None = None
    ) -> Awaitable[None] | None:
        """Handle one event of a joined connection, whatever it is, and answer it.

        Args:
            reply: what to answer under; None when no answer is wanted.

        Returns:
            What to await until the event is done, or, for a `concurrent` handler, None: it was started.
        """
        live = connection.session
        assert live is not None
        route = self._app.plugins.route(frame.event)
        if route is None:
            self._unknown(connection, frame, reply)
            return None
        id = frame.id
        name = connection.client_id if id is not None or reply is None else connection.numbered_id
        client = live.clients.get(name)
        if client is None or client.connection is not connection:
            return None  # replaced meanwhile; the client resends on its new connection
        event = Event(frame.event, bytes(frame.data), id, name, attachment)
        work = Work(self._app, live, client, connection, route, event, reply)
        if isinstance(client, Numbered):
            if client.doubtful:
                return self._in_doubt(work, client)
            work.count(client)
        elif client.behind and id is not None and work.must_wait():
            work.refuse_for_storage()
            return None
        return self._begin(work)

    async def _in_doubt(self, work: Work, client: Numbered) -> None:
        """The first event of a client that has come back, which may be its newest one sent again."""
        await work.recognise(client)
        doing = self._begin(work)
        if doing is not None:
            await doing

    def _begin(self, work: Work) -> Awaitable[None] | None:
        owner = work.route.owner
        if owner is not None and owner.concurrent:
            self._start(work)
            return None
        work.live.users += 1
        return work.run(work.live.turn)

    def _start(self, work: Work) -> None:
        live, event = work.live, work.event
        if live.concurrent >= self._app.settings.max_pending:
            message = "too much of this session's work is under way"
            work.connection.refuse(work.reply, ErrorCode.OVERLOADED, message, retry_after_ms=STORE_RETRY_MS)
            return
        if event.id is not None:
            key = (event.client_id, event.id)
            if (running := live.running.get(key)) is not None:
                running.reply = work.reply  # a resend: the answer goes to the client's newest connection
                return
            live.running[key] = work
        live.users += 1
        live.concurrent += 1
        over = False

        def end() -> None:
            nonlocal over
            if over:
                return
            over = True
            live.concurrent -= 1
            if event.id is not None:
                live.running.pop((event.client_id, event.id), None)
            self._app.sessions.done(live)

        def done(task: asyncio.Task[None]) -> None:
            self._tasks.pop(task, None)
            end()

        work.release = end
        task = asyncio.create_task(work.run(None), name=f"{event.name} {event.id}")
        assert work.route.owner is not None
        self._tasks[task] = work.route.owner.record
        task.add_done_callback(done)

    def _unknown(self, connection: Connection, frame: Frame, reply: int | None) -> None:
        connection.refuse(reply, ErrorCode.UNKNOWN_EVENT, f"no installed plugin handles {frame.event!r}")
        if self._app.metrics.listeners:
            self._app.report(connection, "", ErrorCode.UNKNOWN_EVENT, 0.0, len(bytes(frame.data)))

    async def act(self, record: PluginRecord, user: str, session_id: str, function: Callable[..., Any]) -> Any:
        """Run a plugin's function as a unit of work in a session, as `App.act` says."""
        app = self._app
        if await app.store.session_owner(session_id) != user:
            raise Refused(ErrorCode.FORBIDDEN, "this user has no such session")
        live = app.sessions.get(session_id, user)
        if live.turn.held:
            await live.turn.wait()
        live.turn.held = True
        try:
            result, _ = await run_unit_apart(app, live, None, Handler(record, function, ("session",)), {})
            return result
        finally:
            live.turn.release()
            app.sessions.done(live)

    async def run_hook(self, live: LiveSession, connection: Connection | None, handler: Handler, **named: Any) -> Any:
        """Run one implementation of a session hook (`on_connect`, ...) in a unit of work of its own.

        Failures are contained and logged.

        Returns:
            What the hook returned, or None.
        """
        live.users += 1
        if live.turn.held:
            await live.turn.wait()
        live.turn.held = True
        try:
            result, _ = await run_unit_apart(self._app, live, connection, handler, named)
            return result
        except (PluginFault, Refused, StoreUnavailable) as error:
            log.warning("hook failed", plugin=handler.name, failure=type(error).__name__)
            return None
        finally:
            live.turn.release()
            self._app.sessions.done(live)

    def under_way(self, record: PluginRecord) -> list[Coroutine[Any, Any, Any]]:
        """What to await until all is done that this plugin may have begun; it is out of the tables already.

        Events look up their handler before they wait for their session's turn, so whoever asks for the turn now gets it
        after them.
        """
        turns = [_after(live.turn) for live in self._app.sessions if live.turn.held]
        return [*turns, *(asyncio.wait((task,)) for task, owner in self._tasks.items() if owner is record)]

    async def close(self, timeout: float) -> None:
        """Let running `concurrent` handlers finish for a while, then cancel them."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=timeout)
            for task in late:
                task.cancel()


async def _after(turn: Turn) -> None:
    if turn.held:
        await turn.wait()
        turn.release()
