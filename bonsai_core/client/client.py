"""The Python client: one connection that stays, comes back, resends and resumes, behind a small API."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, TypeVar, overload
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from bonsai_core.client.backoff import Backoff, Pacer
from bonsai_core.client.dispatch import Dispatcher, Handler, MessageStream
from bonsai_core.client.durable import Journal
from bonsai_core.client.engine import Engine, State
from bonsai_core.client.errors import ClientClosed, ClientError, Refused, RequestTimeout
from bonsai_core.client.frames import Joined, encode_frame
from bonsai_core.client.identity import identify
from bonsai_core.client.inbound import Inbound
from bonsai_core.client.options import Auth, Heartbeat, Queue, RateLimit, Reconnect, coerce
from bonsai_core.client.queue import PRIORITIES, PendingQueue, Priority
from bonsai_core.client.resume import Position, Positions
from bonsai_core.client.sender import Sender

log = logging.getLogger("bonsai_core.client")

H = TypeVar("H", bound=Handler)
StateHandler = Callable[[State], Awaitable[Any] | Any]


class Client:
    """A client of a Bonsai Real-Time server. Use it from one event loop; it is not thread-safe.

    Messages may be queued before it is connected and while it is offline. Handlers and `async for` get each room
    message once, in the order it arrived, across reconnects; where that is impossible, `user:joined` says
    `recovered: false` for the room and a full `session:state` follows.

    Args:
        url: `ws://`, `wss://` (or `http://`, `https://`) address; the path is `/ws` when it has none.
        auth: who connects.
        reconnect: the waits between attempts.
        heartbeat: how a dead connection is noticed; None: as the server asks.
        rate_limit: how fast messages leave; None: as the server announces.
        queue: bounds of the offline queue, and its durable file.
        batch: send several queued messages in one array frame.
        debug: log the names and ids of frames (never payloads) at level INFO, logger `bonsai_core.client`.
        session: an aiohttp session to use, for a proxy or TLS of one's own; it stays open.

    Raises:
        ValueError, TypeError: an option is out of its range or unknown.
        JournalLocked: another client uses the durable file.
    """

    def __init__(
        self,
        url: str,
        *,
        auth: Auth | Mapping[str, Any] | None = None,
        reconnect: Reconnect | Mapping[str, Any] | None = None,
        heartbeat: Heartbeat | Mapping[str, Any] | None = None,
        rate_limit: RateLimit | Mapping[str, Any] | None = None,
        queue: Queue | Mapping[str, Any] | None = None,
        batch: bool = True,
        debug: bool = False,
        session: aiohttp.ClientSession | None = None,
    ) -> None:
        self.url = normalise_url(url)
        auth = coerce(Auth, auth)
        limits = coerce(Queue, queue)
        beat = None if heartbeat is None else coerce(Heartbeat, heartbeat)
        back = Backoff(coerce(Reconnect, reconnect))
        pacer = Pacer(RateLimit(0) if rate_limit is None else coerce(RateLimit, rate_limit), time.monotonic())
        self._journal = Journal(limits.path) if limits.path is not None else None
        try:
            identity, next_id = identify(auth, self._journal)
        except BaseException:
            if self._journal is not None:
                self._journal.close()
            raise
        journal = self._journal
        self._identity = identity
        self._queue = PendingQueue(
            max_messages=limits.max_messages,
            max_bytes=limits.max_bytes,
            in_flight=limits.in_flight,
            next_id=next_id,
            kept=journal.pending() if journal is not None else (),
            keeper=journal,
        )
        self._dispatcher = Dispatcher()
        self._positions = Positions(journal.positions() if journal is not None and limits.positions else None)
        self._inbound = Inbound(
            queue=self._queue,
            positions=self._positions,
            pacer=pacer,
            follow_limits=rate_limit is None,
            dispatcher=self._dispatcher,
            journal=journal,
            keep_positions=limits.positions,
            clock=time.monotonic,
            wake=self._wake,
        )
        sender = Sender(
            self._queue, pacer, batch=batch, too_large=self._inbound.too_large, give_up=self._inbound.give_up_on
        )
        self._engine = Engine(
            self.url,
            identity=identity,
            backoff=back,
            heartbeat=beat,
            inbound=self._inbound,
            sender=sender,
            dispatcher=self._dispatcher,
            on_state=self._state_changed,
            debug=debug,
            session=session,
        )
        self._state_handlers: list[StateHandler] = []
        self._state_tasks: set[asyncio.Future[Any]] = set()
        self._over = asyncio.Event()
        self._closing: asyncio.Future[int] | None = None

    # State

    @property
    def state(self) -> State:
        """`idle`, `connecting`, `joined`, `waiting` (for the next attempt) or `closed`."""
        return self._engine.state

    @property
    def joined(self) -> Joined | None:
        """What the server said at the latest join; None before the first."""
        return self._engine.joined

    @property
    def failure(self) -> ClientError | None:
        """Why it is not joined: the latest failure, or the final one once it is closed."""
        return self._engine.failure

    @property
    def client_id(self) -> str:
        """The id under which the server recognises this client's resends."""
        return self._identity.client_id

    @property
    def pending(self) -> int:
        """How many messages have no final answer yet."""
        return len(self._queue)

    @property
    def positions(self) -> dict[str, Position]:
        """How far each room was received: epoch and offset by room."""
        return self._positions.rooms

    def on_state(self, handler: StateHandler) -> StateHandler:
        """Call `handler(state)` at every change: at once when it is sync, in a task of its own when it is async."""
        self._state_handlers.append(handler)
        return handler

    # Life

    async def connect(self, *, timeout: float | None = None) -> Joined:
        """Connect, and return once joined. Keeps the connection until `close`.

        Args:
            timeout: give up after so many seconds; None: after `Reconnect.attempts`.

        Raises:
            Refused: the server refused for good, or there are no attempts or no time left.
            ClientClosed: the client was closed.
        """
        self._start()
        try:
            async with asyncio.timeout(timeout):
                return await self._engine.wait_joined()
        except TimeoutError:
            failure = self.failure
            await self._engine.stop(State.IDLE, leave=False)
            raise Refused(
                f"not joined within {timeout:g} s: {failure or f'no answer from {self.url}'}",
                failure.code if isinstance(failure, Refused) else 0,
            ) from None
        finally:
            self._dispatcher.open_soon()

    def start(self) -> None:
        """Begin to connect in the background, and return at once. Needs a running loop.

        Raises:
            ClientClosed: the client was closed.
        """
        self._start()
        self._dispatcher.open_soon()

    async def close(self, *, leave: bool = True, timeout: float = 5.0) -> int:
        """Send what is queued as far as time allows, leave, and let go of everything. Safe to call twice.

        Args:
            leave: leave the session for good; false: only be away, so that others keep seeing the session resume.
            timeout: for the answers to what is queued, in seconds.

        Returns:
            How many messages still have no answer. With a durable file they are sent by the next run.
        """
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._close(leave, timeout))
        if self._dispatcher.is_current:
            # A handler that closes its own client: delivery ends when it returns.
            self._dispatcher.stop_after_this()
        return await asyncio.shield(self._closing)

    async def wait_closed(self) -> None:
        """Return once the client is closed; raise `Refused` when the server ended it for good."""
        await self._over.wait()
        if self.failure is not None and self._closing is None:
            raise self.failure

    async def __aenter__(self) -> Client:
        try:
            await self.connect()
        except BaseException:
            await self.close(leave=False, timeout=0)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # Sending

    def emit(
        self, event: str, data: Any = None, *, priority: Priority = "normal", attachment: bytes | None = None
    ) -> int:
        """Queue a message and return its id. It is sent, and resent, until the server has answered.

        A refusal reaches the handlers of `error`, an ack those of `ack`.

        Args:
            event: e.g. `analytics:performance`.
            data: JSON data or a pydantic model; encoded at once.
            priority: `high`, `normal` or `low`: the order of sending among what is queued.
            attachment: bytes that travel with it in a binary frame, e.g. a screenshot.

        Raises:
            QueueFull: the offline queue is full; the message was not taken.
            ClientClosed: the client is closed.
            ClientError: the durable file cannot be written.
            ValueError, TypeError: the data is not JSON (NaN and infinity are not).
        """
        if priority not in PRIORITIES:
            raise ValueError(f"priority must be one of {', '.join(PRIORITIES)}: {priority!r}")
        if self._closing is not None or self.state is State.CLOSED:
            raise ClientClosed(f"{event} was not queued: the client is closed") from self.failure
        frame = encode_frame(event, data, self._queue.next_id)
        pending = self._queue.add(event, priority, frame, attachment)
        self._inbound.settled.clear()
        self._engine.wake()
        return pending.id

    async def request(
        self,
        event: str,
        data: Any = None,
        *,
        timeout: float | None = 30.0,
        priority: Priority = "normal",
        attachment: bytes | None = None,
    ) -> Any:
        """Send a message and return the data of its ack.

        Args:
            timeout: seconds for everything, reconnects and retries included; None: no end. The rest as in `emit`.

        Raises:
            ServerError: the server refused it.
            RequestTimeout: no answer in time; the message is not sent again.
            QueueFull, ClientClosed, ValueError, TypeError: as in `emit`.
        """
        id = self.emit(event, data, priority=priority, attachment=attachment)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._inbound.requests[id] = future
        try:
            with self._dispatcher.waiting():
                async with asyncio.timeout(timeout):
                    return await future
        except TimeoutError:
            pending = self._inbound.give_up(id)
            raise RequestTimeout(id, event, pending is not None and pending.was_sent) from None
        except asyncio.CancelledError:
            self._inbound.give_up(id)
            raise

    async def flush(self, *, timeout: float | None = None) -> None:
        """Return once every message has its final answer.

        Raises:
            TimeoutError: not within `timeout` seconds.
            ClientClosed: the client closed before.
        """
        with self._dispatcher.waiting():
            settled, over = (asyncio.ensure_future(event.wait()) for event in (self._inbound.settled, self._over))
            try:
                done, _ = await asyncio.wait((settled, over), timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            finally:
                settled.cancel()
                over.cancel()
        if self._inbound.settled.is_set():
            return
        if not done:
            raise TimeoutError(f"{self.pending} messages have no answer after {timeout:g} s")
        raise ClientClosed(f"closed while {self.pending} messages had no answer") from self.failure

    def refresh_token(self, token: str) -> None:
        """Renew the token in place, when there is no token_provider to do it at `auth:expiring`."""
        self._engine.use_token(token)

    async def disconnect(self) -> None:
        """Go offline without leaving: messages queue up, and `connect` or `start` comes back and resumes."""
        if self._closing is None:
            await self._engine.stop(State.IDLE, leave=False)

    def drop(self) -> None:
        """Abort the connection as if the network had failed; the client reconnects and resumes."""
        self._engine.drop()

    # Receiving

    @overload
    def on(self, event: str, handler: H) -> H: ...
    @overload
    def on(self, event: str) -> Callable[[H], H]: ...
    def on(self, event: str, handler: H | None = None) -> H | Callable[[H], H]:
        """Call `handler(message)` for each `event`, sync or async, one after another; also as a decorator.

        Args:
            event: a name, or `"*"` for every frame but acks and heartbeats. `error` gets refusals of emitted messages.
        """
        return self._register(event, handler, once=False)

    @overload
    def once(self, event: str, handler: H) -> H: ...
    @overload
    def once(self, event: str) -> Callable[[H], H]: ...
    def once(self, event: str, handler: H | None = None) -> H | Callable[[H], H]:
        """Like `on`, for the next `event` only."""
        return self._register(event, handler, once=True)

    def off(self, event: str, handler: Handler | None = None) -> None:
        """Stop calling `handler`, or all handlers of `event`."""
        self._dispatcher.off(event, handler)

    def messages(self) -> MessageStream:
        """An iterator over the messages that are delivered from now on."""
        return self._dispatcher.stream()

    def __aiter__(self) -> MessageStream:
        return self.messages()

    # Private

    def _register(self, event: str, handler: H | None, *, once: bool) -> H | Callable[[H], H]:
        if handler is not None:
            self._dispatcher.on(event, handler, once=once)
            return handler

        def register(handler: H) -> H:
            self._dispatcher.on(event, handler, once=once)
            return handler

        return register

    def _start(self) -> None:
        if self._closing is not None:
            raise ClientClosed("the client was closed; make a new one")
        self._over.clear()
        self._dispatcher.start()
        self._engine.start()

    def _wake(self) -> None:
        self._engine.wake()

    def _state_changed(self, state: State) -> None:
        if state is State.CLOSED:
            self._over.set()
            failure = self.failure or ClientClosed("the client was closed")
            self._inbound.closed(failure)
            self._dispatcher.put(
                None, lambda: self._dispatcher.end_streams(self.failure if self._closing is None else None)
            )
        for handler in list(self._state_handlers):
            try:
                result = handler(state)
            except Exception as error:
                log.error("a state handler failed with %s", type(error).__name__)
                continue
            if inspect.isawaitable(result):
                task = asyncio.ensure_future(result)
                self._state_tasks.add(task)
                task.add_done_callback(self._state_tasks.discard)

    async def _close(self, leave: bool, timeout: float) -> int:
        deadline = time.monotonic() + timeout
        if self._engine.running and self.pending and timeout > 0:
            with contextlib.suppress(TimeoutError, ClientClosed):
                await self.flush(timeout=timeout)
        await self._engine.stop(State.CLOSED, leave=leave)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                await self._dispatcher.drained()
        await self._dispatcher.stop()
        self._dispatcher.end_streams(None)
        self._over.set()
        tasks = [task for task in self._state_tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._journal is not None:
            self._journal.settle(self._queue.next_id)
            self._journal.close()
        if self.pending:
            where = f"kept in {self._journal.path}" if self._journal is not None else "lost with the client"
            log.warning("closed while %d messages had no answer; %s", self.pending, where)
        return self.pending


def normalise_url(url: str) -> str:
    """The WebSocket address meant by `url`.

    Raises:
        ValueError: it is none, or it carries a user name, password or token, which would end up in logs.
    """
    parts = urlsplit(url if "//" in url else f"ws://{url}")
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    if scheme not in ("ws", "wss") or not parts.hostname:
        raise ValueError("the address must look like ws://host:port/ws or wss://host/ws")
    if parts.username or parts.password or "token" in parts.query.lower():
        raise ValueError("the address must not carry a token, user name or password: give Auth(token=...)")
    return urlunsplit((scheme, parts.netloc, parts.path if parts.path not in ("", "/") else "/ws", parts.query, ""))
