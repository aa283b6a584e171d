"""From a client's message to its answer: who handles it, was it done before, run, commit, ack.

Per handler: validate, run within a unit of work, commit it with the handler's own duplicate mark. The sender is
answered when every handler is through; the answer is the owner's.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
import zlib
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from pydantic import ValidationError

from bonsai_core import protocol
from bonsai_core.connection import Connection
from bonsai_core.events import Event, Refused
from bonsai_core.isolation import PluginFault
from bonsai_core.live import Client, LiveSession, Numbered, Turn, numbered_name
from bonsai_core.plugins import Handler, PluginRecord, Route
from bonsai_core.protocol import ErrorCode, Frame
from bonsai_core.session import Session, to_json
from bonsai_core.store.base import (
    AlreadyDone,
    Mark,
    StoreUnavailable,
)
from bonsai_core.units import STORE_RETRY_MS, run_unit, run_unit_apart

if TYPE_CHECKING:
    from bonsai_core.app import App

log = structlog.get_logger("bonsai.dispatch")


#: Observers see what observers emit, up to so many deep.
MAX_DEPTH = 3

_ACK = "ack"
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(tuple[bytes, list[tuple[str, bytes]]]).decode


class Dispatcher:
    """Carries events of joined connections to plugins."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._tasks: dict[asyncio.Task[None], PluginRecord] = {}

    async def handle(
        self, connection: Connection, frame: Frame, attachment: bytes | None = None, reply: int | None = None
    ) -> None:
        """Handle one event of a joined connection, whatever it is, and answer it.

        Returns when the event is done, or, for a `concurrent` handler, when it was started.

        Args:
            reply: what to answer under; None when no answer is wanted.
        """
        live = connection.session
        assert live is not None
        route = self._app.plugins.route(frame.event)
        if route is None:
            self._unknown(connection, frame, reply)
            return
        raw, id, name = bytes(frame.data), frame.id, connection.client_id
        if id is None and reply is not None:
            name = numbered_name(name)
        client = live.clients.get(name)
        if client is None or client.connection is not connection:
            return  # replaced meanwhile; the client resends on its new connection
        event = Event(frame.event, raw, id, name, attachment)
        work = Work(self._app, live, client, connection, route, event, reply)
        if isinstance(client, Numbered):
            event.id = work.number = await work.find_number(client)
        owner = route.owner
        if owner is not None and owner.concurrent:
            self._start(work)
            return
        if client.behind and id is not None and work.must_wait():
            work.refuse_for_storage()
            return
        live.users += 1
        if live.turn.held:
            await live.turn.wait()
        live.turn.held = True
        try:
            await work.run(live.turn.release)
        finally:
            if not work.abandoned:
                live.turn.release()
            self._app.sessions.done(live)

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

        task = asyncio.create_task(work.run(end), name=f"{event.name} {event.id}")
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


class Work:
    """All handlers' work on one client event, and the answer to it."""

    __slots__ = (
        "_release",
        "abandoned",
        "app",
        "client",
        "connection",
        "digest",
        "event",
        "live",
        "number",
        "observed",
        "reply",
        "route",
    )

    def __init__(
        self,
        app: App,
        live: LiveSession,
        client: Client,
        connection: Connection,
        route: Route,
        event: Event,
        reply: int | None,
    ) -> None:
        self.app = app
        self.live = live
        self.client = client
        self.connection = connection
        self.route = route
        self.event = event
        #: What to answer under; None when no answer is wanted.
        self.reply = reply
        #: The number that an event without id was given, so that it has one.
        self.number = 0
        self.digest: bytes | None = None
        self.abandoned = False
        #: Events that handlers emitted and other plugins observe: (event, data).
        self.observed: list[_Emitted] = []

    async def run(self, release: Callable[[], None]) -> None:
        """Run every handler and answer the sender.

        Args:
            release: called when a handler hangs for good: this never returns then, so somebody must let the next in.
        """
        self._release = release
        owner, watchers, event = self.route.owner, self.route.watchers, self.event
        began = time.perf_counter()
        outcome = _ACK
        content = self._content()
        done: dict[str, Mark] | None = None
        try:
            if event.id is not None and event.id <= self.client.highest:
                if self._answered(event.id, content):
                    return
                done = await self._done_before(event.id)
            if owner is not None and not watchers:  # nearly always; `_run_handlers` does the same, and more
                answer, _ = await self._run_one(owner, owner.name, self._validate(owner, event), done)
                if self.observed:
                    await self._run_observers(done)
            else:
                answer = await self._run_handlers(done)
        except Refused as refusal:
            outcome = refusal.code
            self._refuse(refusal.code, refusal.message, details=refusal.details, retry_after_ms=refusal.retry_after_ms)
        except PluginFault as fault:
            outcome = str(fault.code)
            self._refuse(fault.code, fault.message, incident=fault.incident, retry_after_ms=fault.retry_after_ms)
        except StoreUnavailable:
            outcome = str(ErrorCode.OVERLOADED)
            client = self._client()
            if event.id is not None and not (client.behind and client.behind < event.id):
                client.behind = event.id
                client.behind_until = self.app.monotonic() + 3 * STORE_RETRY_MS / 1000
            self.refuse_for_storage()
        else:
            if event.id is not None:
                client = self._client()
                if event.id > client.highest:
                    client.highest = event.id
                client.remember(event.id, content, answer)
            if self.reply is not None:
                self._target().ack(self.reply, answer, self.number)
        if outcome is _ACK or outcome != ErrorCode.UNKNOWN_EVENT:  # a name that anybody could make up
            self.app.metrics.event(event.name, outcome, time.perf_counter() - began)
        if self.app.metrics.listeners:
            size = len(event.raw) + len(event.attachment or b"")
            self.app.report(self.connection, event.name, str(outcome), time.perf_counter() - began, size)

    def abandon(self) -> None:
        """A handler hangs for good."""
        owner = self.route.owner
        if owner is None or not owner.concurrent:
            self.app.give_up(self.connection)  # what comes by it waits for us
        else:
            self._refuse(ErrorCode.HANDLER_TIMEOUT, "a plugin took too long")
        self.abandoned = True
        self._release()

    def must_wait(self) -> bool:
        """Whether an older message of the client was turned away because of storage, and has not been sent again."""
        client, id = self.client, self.event.id
        if id is not None and id > client.behind and self.app.monotonic() < client.behind_until:
            return True
        client.behind = 0
        return False

    def refuse_for_storage(self) -> None:
        """Storage is away: the client is to send again, in the order of its ids."""
        self._refuse(
            ErrorCode.OVERLOADED,
            "storage is away; send again",
            details={"reason": "storage"},
            retry_after_ms=STORE_RETRY_MS,
        )

    def _client(self) -> Client:
        """The sending client as it is now: it may have reconnected since."""
        return self.live.clients.get(self.event.client_id, self.client)

    def _target(self) -> Connection:
        """Where the answer goes: the client's newest connection."""
        connection = self._client().connection
        return connection if connection.joined else self.connection

    def _refuse(self, code: str, message: str, **more: Any) -> None:
        if self.abandoned:
            return  # it came back after all, but the message may have been sent and answered again
        self._target().refuse(self.reply, code, message, **more)

    # Duplicates

    def _answered(self, id: int, content: int) -> bool:
        """Answer a resend from memory."""
        known = self.client.recent.get(id) if self.client.recent else None
        if known is None:
            return False
        if known[0] != content:
            # Written differently perhaps, but the same: the stored digest decides, if there is one.
            return False
        if self.reply is not None:
            self._target().ack(self.reply, known[1], self.number)
        return True

    async def find_number(self, client: Numbered) -> int:
        """The id of an event that came without one: a new one, unless it is the newest event sent again.

        A client that comes back and has not got the answer to its newest event sends that one first.
        """
        content, last = self._content(), client.given
        if client.doubtful:
            client.doubtful = False
            if client.content is not None:
                again = client.content == content
            else:
                marks = await self.app.store.marks(self.live.user, self.event.client_id, last)
                again = any(mark.digest == self._digest() for mark in marks.values())
            if again:
                client.content = content
                return last
        client.given = max(client.given, client.highest) + 1
        client.content = content
        return client.given

    def _content(self) -> int:
        event = self.event
        return hash(event.raw) ^ hash(event.name) ^ (zlib.crc32(event.attachment) if event.attachment else 0)

    async def _done_before(self, id: int) -> dict[str, Mark]:
        """The marks that earlier sendings of this message left.

        Raises:
            Refused: `id_conflict` for other content under the same id, `stale_id` for one too old to be known.
        """
        marks = await self.app.store.marks(self.live.user, self.event.client_id, id)
        for mark in marks.values():
            if mark.digest != self._digest():
                raise conflict(id)
        if not marks:
            if self.client.recent and id in self.client.recent:
                raise conflict(id)
            if id <= self.client.highest - self.app.settings.dedup_window:
                raise Refused(ErrorCode.STALE_ID, f"id {id} is too old: {self.client.highest} was already seen")
        return marks

    def _digest(self) -> bytes:
        if self.digest is None:
            event = self.event
            digest = hashlib.blake2b(event.name.encode(), digest_size=12)
            digest.update(b"\0")
            digest.update(protocol.canonical(event.raw))
            if event.attachment is not None:
                digest.update(b"\0%d:%d" % (len(event.attachment), zlib.crc32(event.attachment)))
            self.digest = digest.digest()
        return self.digest

    def mark(self, key: str, session: Session, answer: bytes) -> Mark | None:
        """The duplicate mark of what a handler did; None for an event without id."""
        event = self.event
        if event.id is None:
            return None
        packed = pack_answer(answer, self._observed(session))
        return Mark(event.client_id, event.id, key, self._digest(), packed, self.app.now())

    # Handlers

    async def _run_handlers(self, done: dict[str, Mark] | None) -> bytes:
        """Run the owner, the watchers, then the observers of what they emitted.

        Returns:
            The ack's data as JSON.

        Raises:
            Refused, PluginFault, StoreUnavailable: the owner's (or, without an owner, a watcher's) trouble.
        """
        owner = self.route.owner
        answer: bytes | None = None
        trouble: Exception | None = None
        if owner is not None:
            payload = self._validate(owner, self.event)
            answer, _ = await self._run_one(owner, owner.name, payload, done)
        for watcher in self.route.watchers:
            try:
                key = f"{watcher.name}~"  # apart from the mark of an `@on` of the same plugin
                value, acted = await self._run_one(watcher, key, self.event, done)
            except (Refused, PluginFault) as error:
                trouble = trouble or error
                continue
            if answer is None and acted:
                answer = value
        if answer is None:
            raise trouble or Refused(ErrorCode.UNKNOWN_EVENT, f"no installed plugin handles {self.event.name!r}")
        if self.observed:
            await self._run_observers(done)
        return answer

    async def _run_one(
        self, handler: Handler, key: str, payload: Any, done: dict[str, Mark] | None
    ) -> tuple[bytes, bool]:
        """Run one handler, unless its mark `key` says that it was done.

        Returns:
            Its answer, and whether it did anything.
        """
        mark = done.get(key) if done else None
        if mark is None:
            session = Session(self.app, self.live, handler.record, self.connection, self.event)
            signature = handler.signature
            if signature is None:
                arguments = handler.bind(session, {"event": payload})
            else:
                arguments = (session, payload) if signature.takes_payload else (session,)
            try:
                result, made = await run_unit(self.app, session, handler, arguments, self.abandon, None, self, key)
            except AlreadyDone as already:
                if already.mark.digest != self._digest():
                    raise conflict(already.mark.id) from None
                mark = already.mark
            else:
                if self.app.plugins.observers:
                    self.observed += _placed(key, self._observed(session))
                return made, result is not None or session.acted()
        answer, observed = unpack_answer(mark.answer)
        self.observed += _placed(key, observed)
        return answer, True

    def _validate(self, handler: Handler, event: Event) -> Any:
        """The payload as the handler's model; a model that fails instead of judging is its plugin's failure."""
        try:
            return validate(handler, event)
        except Refused:
            raise
        except Exception as error:
            raise self.app.supervisor.fault(handler.record.guard, f"{event.name} (payload)", error) from None

    def answer(self, handler: Handler, result: Any) -> bytes:
        """What a handler returned as the ack's JSON; a plugin that returns something else has failed."""
        try:
            return to_json(result)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise self.app.supervisor.fault(handler.record.guard, f"{handler.what} (result)", error) from None

    async def _run_observers(self, done: dict[str, Mark] | None) -> None:
        """Show emitted events to the plugins that observe them; their trouble is theirs alone.

        Raises:
            StoreUnavailable: the message is not acked then; the resend finds who has not observed it yet.
        """
        for _ in range(MAX_DEPTH):
            emitted, self.observed = self.observed, []
            for place, name, data in emitted:
                for handler in self.app.plugins.observers.get(name, ()):
                    key = f"{handler.name}<{place}"  # one message can emit several events that a plugin observes
                    try:
                        payload = self._validate(handler, Event(name, data))
                        await self._run_one(handler, key, payload, done)
                    except (Refused, PluginFault) as error:
                        log.warning("observer failed", plugin=handler.name, observed=name, failure=type(error).__name__)
            if not self.observed:
                return
        names = sorted({name for _, name, _ in self.observed})
        log.warning("observers emit for one another without end", cause=self.event.name, dropped=names)
        self.observed = []

    def _observed(self, session: Session) -> list[tuple[str, bytes]]:
        """What a handler emitted that other plugins observe."""
        observers = self.app.plugins.observers
        return [(m.event, m.data) for m in session.messages if m.event in observers] if observers else []


#: An emitted event that others observe: its place (the emitter's mark key and its number there), name, data.
_Emitted = tuple[str, str, bytes]


def _placed(key: str, emitted: list[tuple[str, bytes]]) -> list[_Emitted]:
    return [(f"{key}.{number}", name, data) for number, (name, data) in enumerate(emitted)]


def validate(handler: Handler, event: Event) -> Any:
    """The event's payload as the handler's model.

    Raises:
        Refused: `invalid_payload`, with pydantic's list of errors but none of the input.
    """
    read, signature = handler.validate, handler.signature
    if read is None or signature is None or signature.model is None:
        return event
    try:
        if event.attachment is None or signature.attachment_field is None:
            return read(event.raw)
        data = dict(event.data) if isinstance(event.data, dict) else {}
        data[signature.attachment_field] = event.attachment
        return signature.model.model_validate(data)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False, include_context=False)
        raise Refused(ErrorCode.INVALID_PAYLOAD, f"the payload of {event.name} is not valid", details=details) from None


def conflict(id: int) -> Refused:
    """The refusal of an id that was used for another message."""
    return Refused(ErrorCode.ID_CONFLICT, f"id {id} was used for another message")


def pack_answer(answer: bytes, observed: list[tuple[str, bytes]]) -> bytes:
    """What a mark remembers: the ack's data, and emitted events whose observers may still have to run."""
    return _pack((answer, observed))


def unpack_answer(packed: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    """The inverse of `pack_answer`."""
    return _unpack(packed)
