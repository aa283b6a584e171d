"""Runs one handler and commits its unit of work; runs it again when another device was quicker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from bonsai_core.events import Refused
from bonsai_core.isolation import Waiting, apart
from bonsai_core.live import LiveSession
from bonsai_core.plugins import Handler
from bonsai_core.protocol import ErrorCode
from bonsai_core.session import Session
from bonsai_core.store.base import AlreadyDone, Replaced, StoreError, StoreUnavailable, VersionConflict

if TYPE_CHECKING:
    from bonsai_core.app import App
    from bonsai_core.connection import Connection
    from bonsai_core.work import Work

#: A handler that loses the race for a document this often in a row answers `overloaded`.
MAX_ATTEMPTS = 20
#: ... and after so many losses it asks to be let through.
ASK_TURN_AFTER = 3
#: What a client should wait before it resends to a store that is away, or to a document that all write to, in ms.
STORE_RETRY_MS = 1000


#: Stands for no result.
NOT_BEGUN = object()


async def run_unit(
    app: App,
    session: Session,
    handler: Handler,
    arguments: tuple[Any, ...],
    abandon: Callable[[], None],
    timeout: float | None = None,
    work: Work | None = None,
    key: str = "",
    begun: Any = NOT_BEGUN,
) -> tuple[Any, bytes]:
    """Run one handler and commit its unit of work; run it again when a document changed meanwhile.

    Args:
        session: the unit of work.
        arguments: what the handler is called with.
        abandon: called if the handler hangs for good.
        timeout: deadline in seconds, instead of the handler's own.
        work: the client event that this answers; its duplicate mark `key` is committed too.
        begun: what `Supervisor.begin` has returned, when the first attempt has begun.

    Returns:
        What the handler returned, and that as the ack's JSON when it answers an event.

    Raises:
        AlreadyDone: the mark was there; nothing happened.
        Refused, PluginFault, StoreUnavailable: nothing happened.
    """
    answer = b""
    for attempt in range(MAX_ATTEMPTS):
        if attempt >= ASK_TURN_AFTER:
            await app.store.ask_turn(session.user)
        supervisor, guard, what = app.supervisor, handler.record.guard, handler.what
        result, begun = begun, NOT_BEGUN
        if result is NOT_BEGUN:
            result = supervisor.begin(guard, handler.function, arguments, what)
        if type(result) is Waiting:
            result = await supervisor.finish(guard, result, what, timeout or handler.timeout, abandon)
        if work is not None:
            answer = work.answer(handler, result)
        touched = session.touched()
        if not touched and not app.store.shared:
            session.send_replies()
            return result, answer
        unit = await session.unit(work.mark(key, session, answer) if work is not None and touched else None)
        try:
            await app.store.commit(unit)
        except VersionConflict as conflict:
            app.metrics.commits["conflict"] += 1
            app.documents.forget(unit.user, conflict.keys)
            session.discard()
            continue
        except AlreadyDone:
            app.metrics.commits["duplicate"] += 1
            raise
        except Replaced:
            if session.connection is not None:
                session.connection.replaced()
            raise StoreUnavailable("replaced on another node") from None
        except StoreUnavailable:
            app.metrics.commits["unavailable"] += 1
            raise
        except StoreError as error:  # something that cannot be stored
            raise app.supervisor.fault(handler.record.guard, handler.what, error) from None
        app.metrics.commits["ok"] += touched
        app.documents.committed(unit.user, unit.writes)
        if unit.deltas:
            app.shared.contributed()
        session.send_replies()
        return result, answer
    raise Refused(ErrorCode.OVERLOADED, "too many devices change the same document", retry_after_ms=STORE_RETRY_MS)


async def run_unit_apart(
    app: App,
    live: LiveSession,
    connection: Connection | None,
    handler: Handler,
    named: Mapping[str, Any],
    *,
    timeout: float | None = None,
) -> tuple[Any, bytes]:
    """Run one hook and commit its unit of work, in a task of its own: should it hang for good, it hangs alone.

    Args:
        named: the hook's arguments by name, without the session.
        timeout: deadline in seconds, instead of the handler's own.

    Returns, raises: as `run_unit`.
    """
    session = Session(app, live, handler.record, connection)
    arguments = handler.bind(session, named)
    return await apart(lambda abandon: run_unit(app, session, handler, arguments, abandon, timeout))
