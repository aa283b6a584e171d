"""The client's engine: connects, joins, reads, writes, notices death, and comes back, until it is stopped or refused.

One task runs the loop; while joined, two more write and watch. Everything that decides is elsewhere and pure
(`backoff`, `queue`, `resume`, `sender`); here is what waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import aiohttp

from bonsai_core.client.backoff import STABLE_AFTER, Action, Backoff, Verdict, judge_close, judge_status
from bonsai_core.client.dispatch import Dispatcher
from bonsai_core.client.errors import ClientClosed, ClientError, Refused, ServerError
from bonsai_core.client.frames import MAX_CONNECT_BYTES, PING, PONG, Joined, ServerFrame, encode_frame
from bonsai_core.client.identity import Identity
from bonsai_core.client.inbound import RETRIED, Inbound, OutOfStep
from bonsai_core.client.link import ABNORMAL, BadFrame, Link, LinkClosed, LinkRefused
from bonsai_core.client.options import Heartbeat
from bonsai_core.client.resume import MAX_ROOMS
from bonsai_core.client.sender import Sender
from bonsai_core.client.tokens import NoNewToken, Tokens
from bonsai_core.protocol import SUBPROTOCOL, CloseCode, ErrorCode

log = logging.getLogger("bonsai_core.client")

#: Deadlines of an attempt, in seconds: to get a token, to open the connection, to be joined.
TOKEN_TIMEOUT = 10.0
OPEN_TIMEOUT = 10.0
JOIN_TIMEOUT = 10.0


class State(StrEnum):
    """What the client is doing."""

    IDLE = "idle"  # not started
    CONNECTING = "connecting"  # an attempt is under way
    JOINED = "joined"
    WAITING = "waiting"  # for the next attempt
    CLOSED = "closed"  # for good: closed or refused


@dataclass(slots=True, frozen=True)
class End:
    """How an attempt or a connection ended."""

    verdict: Verdict
    text: str
    code: int = 0
    reason: str = ""


class _JoinRefused(Exception):
    """The server did not understand `user:connect`."""


class Engine:
    """Keeps one client connected.

    Args:
        url: the WebSocket address.
        identity: who connects.
        backoff: the waits between attempts.
        heartbeat: how death is noticed; None: as the server asks.
        inbound: takes the frames that arrive.
        sender: gives the frames to write.
        dispatcher: tells when reading must pause.
        on_state: told every change of state.
        debug: log the names and ids of frames.
        session: an aiohttp session to use, for proxies or TLS of one's own.
    """

    def __init__(
        self,
        url: str,
        *,
        identity: Identity,
        backoff: Backoff,
        heartbeat: Heartbeat | None,
        inbound: Inbound,
        sender: Sender,
        dispatcher: Dispatcher,
        on_state: Callable[[State], None],
        debug: bool,
        session: aiohttp.ClientSession | None,
    ) -> None:
        self._url = url
        self._identity = identity
        self._tokens = Tokens(identity.auth, TOKEN_TIMEOUT)
        self._backoff = backoff
        self._heartbeat = heartbeat
        self._inbound = inbound
        self._sender = sender
        self._dispatcher = dispatcher
        self._on_state = on_state
        self._debug = debug
        self._given_session = session
        self.state = State.IDLE
        self.joined: Joined | None = None
        #: Why the client is not joined: the last failure while it waits, the final one when it is closed.
        self.failure: ClientError | None = None
        self._link: Link | None = None
        self._task: asyncio.Task[None] | None = None
        self._side_tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._reading_paused = False
        self._death = ""  # why we aborted the connection ourselves
        self._wake = asyncio.Event()
        self._retry_now = asyncio.Event()
        self._waiters: list[asyncio.Future[Joined]] = []

    @property
    def running(self) -> bool:
        """Whether the loop runs."""
        return self._task is not None and not self._task.done()

    def start(self) -> None:
        """Run the loop, unless it runs."""
        if not self.running:
            self._stopping = False
            self.failure = None
            self._task = asyncio.get_running_loop().create_task(self._run(), name="bonsai client engine")

    def wake(self) -> None:
        """There may be something to write."""
        self._wake.set()

    def retry_now(self) -> None:
        """Do not wait for the next attempt."""
        self._retry_now.set()

    async def wait_joined(self) -> Joined:
        """Return when joined; raise the failure when that is not going to happen."""
        if self.state is State.JOINED and self.joined is not None:
            return self.joined
        future: asyncio.Future[Joined] = asyncio.get_running_loop().create_future()
        self._waiters.append(future)
        return await future

    def use_token(self, token: str) -> None:
        """Use this token from now on; while joined, renew it in place."""
        self._tokens.replace(token)
        if self.state is State.JOINED:
            self._spawn(self._send_token(token))

    def drop(self) -> None:
        """Abort the connection as if the network had failed. For tests, and for `/offline` in the terminal."""
        if self._link is not None:
            self._death = "dropped on request"
            self._link.abort()

    async def stop(self, state: State, *, leave: bool) -> None:
        """End the connection and the loop.

        Args:
            state: what to be then.
            leave: tell the server that we leave for good, instead of being away.
        """
        self._stopping = True
        link = self._link
        if link is not None:
            if leave and self.state is State.JOINED:
                written = asyncio.Event()
                self._sender.control(encode_frame("user:disconnect", {}), "user:disconnect", written.set)
                self._wake.set()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(1.0):
                        await written.wait()
            await link.close(CloseCode.NORMAL if leave else CloseCode.GOING_AWAY)
        task = self._task
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self._set_state(state)
        self._fail_waiters(ClientClosed("the client was closed"))

    # The loop

    async def _run(self) -> None:
        session = self._given_session or aiohttp.ClientSession()
        try:
            while True:
                self._set_state(State.CONNECTING)
                end = await self._attempt(session)
                if self._stopping:
                    return
                delay = self._next_delay(end)
                if delay is None:
                    return
                log.log(
                    logging.WARNING if delay > 1 else logging.INFO,
                    "not connected to %s: %s; next attempt in %.1f s",
                    self._url,
                    end.text,
                    delay,
                )
                self._set_state(State.WAITING)
                self._retry_now.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(delay):
                        await self._retry_now.wait()
        except Exception as error:  # a fault of ours, or of the disk under the queue: never end in silence
            log.exception("the client stopped on a fault of its own")
            self.failure = ClientError(f"the client stopped on a fault of its own: {type(error).__name__}")
        finally:
            await self._end_side_tasks(self._side_tasks)
            if self._given_session is None:
                await session.close()
            if not self._stopping:
                if self.failure is None:
                    self.failure = ClientClosed("the client's task was cancelled")
                self._set_state(State.CLOSED)
                self._fail_waiters(self.failure)

    def _next_delay(self, end: End) -> float | None:
        """Seconds until the next attempt; None, with `failure` set, when there is none."""
        self.failure = Refused(f"{self._url}: {end.text}", end.code, end.reason)
        hint = end.verdict.delay
        if end.verdict.action is Action.STOP:
            return None
        if end.verdict.action is Action.REFRESH:
            try:
                self._tokens.refused()
            except NoNewToken as error:
                self.failure = Refused(
                    f"{self._url}: {end.text}; {error}", end.code or CloseCode.UNAUTHENTICATED, end.reason
                )
                return None
        delay = self._backoff.next(hint)
        if delay is None:
            self.failure = Refused(f"{self._url}: {end.text}; no attempts left", end.code, end.reason)
            return None
        # The first expired token is everyday business: a new one is tried at once.
        return 0.0 if end.verdict.action is Action.REFRESH and self._tokens.refusals == 1 else delay

    async def _attempt(self, session: aiohttp.ClientSession) -> End:
        """Connect, join, and stay until it ends. Never raises but on cancellation and faults of our own."""
        self._death = ""
        try:
            token = await self._tokens.current()
        except NoNewToken as error:
            return End(Verdict(Action.STOP), str(error), CloseCode.UNAUTHENTICATED)
        except Exception as error:  # the application's code: whatever it raises may pass
            return End(Verdict(Action.RECONNECT), f"the token_provider failed: {type(error).__name__}")
        try:
            link = await Link.open(session, self._url, timeout=OPEN_TIMEOUT)
        except LinkRefused as refused:
            if refused.status == 0:
                return End(Verdict(Action.STOP), f"the server does not speak {SUBPROTOCOL}")
            verdict = judge_status(refused.status, refused.retry_after, self.joined is not None)
            return End(verdict, f"the server answered HTTP {refused.status}", refused.status)
        except LinkClosed as closed:
            return End(Verdict(Action.RECONNECT), closed.reason or "no connection", closed.code)
        self._link = link
        try:
            return await self._stay(link, token)
        except LinkClosed as closed:
            text = self._death or closed.reason or "the server closed the connection"
            return End(judge_close(closed.code, closed.reason), f"{text} ({closed.code})", closed.code, closed.reason)
        except _JoinRefused as refused:
            text = f"user:connect was refused: {refused} (is the session, client or device id in order?)"
            return End(Verdict(Action.STOP), text, CloseCode.POLICY)
        except (BadFrame, OutOfStep) as error:
            if self._inbound.broke():
                log.warning("the same fault again and again: rooms start over from a full snapshot")
            await link.close(CloseCode.PROTOCOL_ERROR, str(error), timeout=1.0)
            return End(Verdict(Action.RECONNECT), str(error), CloseCode.PROTOCOL_ERROR)
        finally:
            self._link = None
            self._inbound.disconnected()
            if not self._stopping:  # else stop() is closing it
                await link.close(timeout=1.0)

    async def _stay(self, link: Link, token: str | None) -> End:
        """Join, then read until the connection ends."""
        try:
            async with asyncio.timeout(JOIN_TIMEOUT):
                frames, joined = await self._join(link, token)
        except TimeoutError:
            return End(Verdict(Action.RECONNECT), f"no user:joined within {JOIN_TIMEOUT:g} s", ABNORMAL)
        if self._identity.user_id not in (None, joined.user_id):
            # What is queued was said by the other one.
            return End(
                Verdict(Action.STOP),
                f"the token is now of user {joined.user_id}, but this client belongs to {self._identity.user_id}; "
                "make a new client (with a queue file of its own)",
                CloseCode.FORBIDDEN,
            )
        self._tokens.accepted()
        self._backoff.joined()
        self._sender.joined(joined)
        self._identity.adopt(joined)
        self._inbound.joined(joined)
        self.joined = joined
        self.failure = None
        loop = asyncio.get_running_loop()
        stable = loop.call_later(STABLE_AFTER, self._backoff.stable)
        tasks = [loop.create_task(self._write(link)), loop.create_task(self._watch(link, joined))]
        try:
            self._take(frames)
            self._set_state(State.JOINED)
            for future in self._waiters:
                if not future.done():
                    future.set_result(joined)
            self._waiters.clear()
            while True:
                if self._dispatcher.is_crowded:
                    self._reading_paused = True
                    await self._dispatcher.room()
                    self._reading_paused = False
                self._take(await link.receive())
        finally:
            self._reading_paused = False
            stable.cancel()
            if self._death:
                link.abort()  # a writer may be stuck in a send, which must not be cancelled before
            await self._end_side_tasks(tasks)

    async def _join(self, link: Link, token: str | None) -> tuple[list[tuple[ServerFrame, bytes | None]], Joined]:
        """Introduce ourselves and wait for `user:joined`. Returns it, and the frames from it on."""
        rooms = MAX_ROOMS
        while True:
            data = self._identity.connect_data(token, self._inbound.offer(rooms))
            frame = encode_frame("user:connect", data)
            if len(frame) <= MAX_CONNECT_BYTES or not rooms:
                break
            rooms = min(rooms, len(data.get("resume", ()))) // 2
            log.warning("the rooms' positions do not fit the first frame; only the first %d are resumed", rooms)
        await link.send(frame)
        self._log("sent", ("user:connect",))
        while True:
            frames = await link.receive()
            for index, (first, _) in enumerate(frames):
                if first.event == "user:joined":
                    try:
                        return frames[index:], Joined.from_data(first.data)
                    except ValueError as error:
                        raise BadFrame(str(error)) from None
                if first.event == "ping":
                    await link.send(PONG)
                elif first.event == "error":
                    refusal = ServerError.from_data(first.data)
                    if refusal.code in (ErrorCode.INVALID_PAYLOAD, ErrorCode.BAD_FRAME):
                        raise _JoinRefused(refusal)  # the connection stays open, but the next try will be no better

    def _take(self, frames: Iterable[tuple[ServerFrame, bytes | None]]) -> None:
        for frame, attachment in frames:
            if self._debug:
                place = f" {frame.room}@{frame.offset}" if frame.room else ""
                self._log("received", (f"{frame.event}{'' if frame.id is None else f'#{frame.id}'}{place}",))
            if frame.event == "ping":
                self._sender.control(PONG, "pong")
                self._wake.set()
            elif frame.event != "pong":
                if frame.event == "auth:expiring" and self._tokens.can_renew:
                    self._spawn(self._renew_token())
                self._inbound.take(frame, attachment)

    # While joined

    async def _write(self, link: Link) -> None:
        """The only writer. It is never cancelled while it sends, unless the transport was aborted before."""
        try:
            while True:
                self._wake.clear()
                now = time.monotonic()  # one for both calls: what is due between two would be waited for forever
                outgoing = self._sender.next(now)
                if outgoing is not None:
                    await link.send(outgoing.payload, binary=outgoing.binary)
                    self._log("sent", outgoing.names)
                    if outgoing.sent is not None:
                        outgoing.sent()
                    continue
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._sender.wait(now)):
                        await self._wake.wait()
        except LinkClosed as closed:
            self._death = self._death or closed.reason
            link.abort()
        except Exception as error:
            log.exception("the writer failed")
            self._death = f"the writer failed: {type(error).__name__}"
            link.abort()

    async def _watch(self, link: Link, joined: Joined) -> None:
        """Ping when nothing arrives, and abort when nothing arrives then either."""
        heartbeat = self._heartbeat or _announced(joined)
        if heartbeat.interval <= 0:
            return
        while True:
            idle = time.monotonic() - link.last_received
            if self._reading_paused:
                idle = 0.0  # it is us who do not listen
            if idle < heartbeat.interval:
                await asyncio.sleep(heartbeat.interval - idle)
                continue
            asked = time.monotonic()
            self._sender.control(PING, "ping")
            self._wake.set()
            await asyncio.sleep(heartbeat.timeout)
            await asyncio.sleep(0)  # if the loop was blocked, let it read first what came meanwhile
            if link.last_received < asked and not self._reading_paused:
                self._death = f"nothing from the server within {heartbeat.timeout:g} s of a ping"
                link.abort()
                return

    async def _renew_token(self) -> None:
        try:
            token = await self._tokens.renew()
        except Exception as error:  # the application's code; the server will say 4401 when it is too late
            log.warning("the token_provider failed: %s; the old token stays", type(error).__name__)
            return
        await self._send_token(token)

    async def _send_token(self, token: str) -> None:
        """Send `auth:refresh`: never queued, for a queue may be on disk, but asked again while the server is busy."""
        while True:
            try:
                async with asyncio.timeout(TOKEN_TIMEOUT):
                    await self._inbound.ask_directly("auth:refresh", {"token": token}, self._sender)
                return
            except ServerError as error:
                if error.code not in RETRIED:
                    log.warning("the server did not take the new token: %s", error.code)
                    return
                await asyncio.sleep((error.retry_after_ms or 1000) / 1000)
            except (TimeoutError, ClientError):
                return  # the connection was lost; the next one begins with the new token

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._side_tasks.add(task)
        task.add_done_callback(self._side_tasks.discard)

    async def _end_side_tasks(self, tasks: Iterable[asyncio.Task[None]]) -> None:
        tasks = list(tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _set_state(self, state: State) -> None:
        if state is not self.state:
            self.state = state
            self._on_state(state)

    def _fail_waiters(self, failure: ClientError) -> None:
        for future in self._waiters:
            if not future.done():
                future.set_exception(failure)
        self._waiters.clear()

    def _log(self, what: str, names: Iterable[str]) -> None:
        if self._debug:
            log.info("%s %s", what, ", ".join(names))


def _announced(joined: Joined) -> Heartbeat:
    """The heartbeat that the server named in `user:joined`, or ours."""
    interval, timeout = joined.heartbeat.get("intervalMs"), joined.heartbeat.get("timeoutMs")
    if isinstance(interval, int | float) and isinstance(timeout, int | float) and interval > 0 and timeout > 0:
        return Heartbeat(interval / 1000, timeout / 1000)
    return Heartbeat()
