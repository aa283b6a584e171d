"""One client event on its way through the plugins: who handles it, was it done before, run, commit, answer.

Per handler: validate, run within a unit of work, commit it with the handler's own duplicate mark. The sender is
answered when every handler is through; the answer is the owner's.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from pydantic import ValidationError

from bonsai_core import protocol
from bonsai_core.connection import Connection
from bonsai_core.events import Event, Refused
from bonsai_core.isolation import PluginFault, Waiting
from bonsai_core.live import Client, LiveSession, Numbered, Turn
from bonsai_core.plugins import Handler, Route
from bonsai_core.protocol import ErrorCode
from bonsai_core.session import Session, to_json
from bonsai_core.store.base import AlreadyDone, Mark, StoreUnavailable
from bonsai_core.units import NOT_BEGUN, STORE_RETRY_MS, run_unit

if TYPE_CHECKING:
    from bonsai_core.app import App

log = structlog.get_logger("bonsai.dispatch")

#: Observers see what observers emit, up to so many deep.
MAX_DEPTH = 3

_ACK = "ack"
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(tuple[bytes, list[tuple[str, bytes]]]).decode


class Work:
    """All handlers' work on one client event, and the answer to it.

    Attributes:
        reply: what to answer under; None when no answer is wanted.
        number: the number that an event without id was given, so that it has one.
        content: what it says, as a hash.
        abandoned: a handler hangs for good, and others go on without it.
        release: lets the next in when a handler hangs for good, since `run` never returns then; None: it is the
            session's turn that is released.
        observed: what handlers emitted and other plugins observe.
    """

    __slots__ = (
        "abandoned", "app", "client", "connection", "content", "digest", "event", "live", "number", "observed",
        "release", "reply", "route",
    )  # fmt: skip

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
        self.reply = reply
        self.number = 0
        self.content = hash(event.raw) ^ hash(event.name)
        if event.attachment is not None:
            self.content ^= zlib.crc32(event.attachment)
        self.digest: bytes | None = None
        self.abandoned = False
        self.release: Callable[[], None] | None = None
        self.observed: list[_Emitted] | None = None

    async def run(self, turn: Turn | None) -> None:
        """Run every handler and answer the sender.

        Args:
            turn: the session's, to be waited for; None for work beside the others'.
        """
        app, event, owner, id = self.app, self.event, self.route.owner, self.event.id
        began = self.connection.last_seen  # the sender was heard just now
        if turn is not None:
            if turn.held:
                await turn.wait()
            turn.held = True
        outcome = _ACK
        done: dict[str, Mark] | None = None
        try:
            if id is not None and id <= self.client.highest:
                if self._answered(id):
                    return
                done = await self._done_before(id)
            if owner is not None and not self.route.watchers and done is None and owner.signature is not None:
                # Nearly always; `_run_handlers` does the same, and more. A handler that waits for nothing and leaves
                # nothing to commit is done here, without a further coroutine (5 % of what an event costs us).
                payload = self._validate(owner, event)
                session = Session(app, self.live, owner.record, self.connection, event)
                arguments = (session, payload) if owner.signature.takes_payload else (session,)
                result = app.supervisor.begin(owner.record.guard, owner.function, arguments, owner.what)
                if type(result) is Waiting or session.touched() or app.store.shared:
                    answer = await self._commit(owner, session, arguments, result)
                else:
                    answer = self.answer(owner, result)
                    session.send_replies()
                    if self.number and isinstance(self.client, Numbered):
                        # It came without an id and has left nothing: it need not be recognised when it is sent again.
                        if self.number > self.client.harmless:
                            self.client.harmless = self.number
                        self.number, id = 0, None
            else:
                answer = await self._run_handlers(done)
            client = self.live.clients.get(event.client_id, self.client)  # it may have come back meanwhile
            if id is not None:
                if id > client.highest:
                    client.highest = id
                client.remember(id, self.content, answer)
            if self.reply is not None:
                connection = client.connection
                if connection.close_code is not None:
                    connection = self.connection
                connection.ack(self.reply, answer, self.number)
        except Refused as refusal:
            outcome = refusal.code
            self._refuse(refusal.code, refusal.message, details=refusal.details, retry_after_ms=refusal.retry_after_ms)
        except PluginFault as fault:
            outcome = str(fault.code)
            self._refuse(fault.code, fault.message, incident=fault.incident, retry_after_ms=fault.retry_after_ms)
        except StoreUnavailable:
            outcome = str(ErrorCode.OVERLOADED)
            self._turned_away()
        finally:
            if turn is not None:
                if not self.abandoned:
                    turn.release()
                app.sessions.done(self.live)
        seconds = app.monotonic() - began
        if outcome is _ACK or outcome != ErrorCode.UNKNOWN_EVENT:  # a name that anybody could make up
            app.metrics.event(event.name, outcome, seconds)
        if app.metrics.listeners:
            size = len(event.raw) + len(event.attachment or b"")
            app.report(self.connection, event.name, str(outcome), seconds, size)

    def abandon(self) -> None:
        """A handler hangs for good."""
        owner = self.route.owner
        if owner is None or not owner.concurrent:
            self.app.give_up(self.connection)  # what comes by it waits for us
        else:
            self._refuse(ErrorCode.HANDLER_TIMEOUT, "a plugin took too long")
        self.abandoned = True
        if self.release is not None:
            self.release()
        else:
            self.live.turn.release()

    def must_wait(self) -> bool:
        """Whether an older message of the client was turned away because of storage, and has not been sent again."""
        client, id = self.client, self.event.id
        if id is not None and id > client.behind and self.app.monotonic() < client.behind_until:
            return True
        client.behind = 0
        return False

    def _turned_away(self) -> None:
        client, id = self._client(), self.event.id
        if id is not None and not (client.behind and client.behind < id):
            client.behind = id
            client.behind_until = self.app.monotonic() + 3 * STORE_RETRY_MS / 1000
        self.refuse_for_storage()

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

    def _answered(self, id: int) -> bool:
        """Answer a resend from memory."""
        known = self.client.answered(id)
        if known is None or known[1] != self.content:
            # Written differently perhaps, but the same: the stored digest decides, if there is one.
            return False
        if self.reply is not None:
            self._target().ack(self.reply, known[2], self.number)
        return True

    def count(self, client: Numbered) -> None:
        """Give the event, which came without an id, the next number as one."""
        self.event.id = self.number = client.given = client.given + 1  # never less than `highest`
        client.content = self.content

    async def recognise(self, client: Numbered) -> None:
        """As `count`, unless the event is the client's newest one sent again: then it has the number of that.

        A client that comes back and has not got the answer to its newest event sends that one first.
        """
        client.doubtful = False
        if client.content is not None:
            again = client.content == self.content
        else:
            marks = await self.app.store.marks(self.live.user, self.event.client_id, client.given)
            again = any(mark.digest == self._digest() for mark in marks.values())
        if again:
            client.content = self.content
            self.event.id = self.number = client.given
        else:
            self.count(client)

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
            if self.client.answered(id) is not None:
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

    async def _commit(self, owner: Handler, session: Session, arguments: tuple[Any, ...], begun: Any) -> bytes:
        """Go on with an owner that has begun, then with those who observe what it emitted; its answer."""
        answer, _ = await self._run_session(owner, owner.name, session, arguments, begun)
        if self.observed:
            await self._run_observers(None)
        return answer

    async def _run_one(
        self, handler: Handler, key: str, payload: Any, done: dict[str, Mark] | None
    ) -> tuple[bytes, bool]:
        """Run one handler, unless its mark `key` says that it was done.

        Returns:
            Its answer, and whether it did anything.
        """
        if done and (mark := done.get(key)) is not None:
            return self._was_done(key, mark)
        session = Session(self.app, self.live, handler.record, self.connection, self.event)
        signature = handler.signature
        if signature is None:
            arguments = handler.bind(session, {"event": payload})
        else:
            arguments = (session, payload) if signature.takes_payload else (session,)
        return await self._run_session(handler, key, session, arguments)

    async def _run_session(
        self, handler: Handler, key: str, session: Session, arguments: tuple[Any, ...], begun: Any = NOT_BEGUN
    ) -> tuple[bytes, bool]:
        try:
            result, made = await run_unit(self.app, session, handler, arguments, self.abandon, None, self, key, begun)
        except AlreadyDone as already:
            if already.mark.digest != self._digest():
                raise conflict(already.mark.id) from None
            return self._was_done(key, already.mark)
        if self.app.plugins.observers:
            self._emitted(key, self._observed(session))
        return made, result is not None or session.acted()

    def _was_done(self, key: str, mark: Mark) -> tuple[bytes, bool]:
        answer, observed = unpack_answer(mark.answer)
        self._emitted(key, observed)
        return answer, True

    def _emitted(self, key: str, emitted: list[tuple[str, bytes]]) -> None:
        if emitted:
            placed = [(f"{key}.{number}", name, data) for number, (name, data) in enumerate(emitted)]
            self.observed = [*(self.observed or ()), *placed]

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
            emitted, self.observed = self.observed or (), None
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
        names = sorted({name for _, name, _ in self.observed or ()})
        log.warning("observers emit for one another without end", cause=self.event.name, dropped=names)
        self.observed = None

    def _observed(self, session: Session) -> list[tuple[str, bytes]]:
        """What a handler emitted that other plugins observe."""
        observers = self.app.plugins.observers
        return [(m.event, m.data) for m in session.messages if m.event in observers] if observers else []


#: An emitted event that others observe: its place (the emitter's mark key and its number there), name, data.
_Emitted = tuple[str, str, bytes]


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
