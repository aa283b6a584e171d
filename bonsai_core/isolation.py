"""Containment: a plugin that raises, hangs, blocks the loop or kills its task is stopped, named, and rested.

A `Supervisor` wraps every call into a plugin. Deadlines are kept by one shared timer instead of one per call; a
blocked loop is seen by a thread, which reads the loop's stack and finds the plugin whose file is on it.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import math
import secrets
import sys
import threading
import time
import traceback
from collections.abc import Callable, Coroutine, Generator, Iterable
from dataclasses import dataclass, field
from types import CoroutineType, FrameType
from typing import Any, TypeVar

import structlog

from bonsai_core.events import Refused
from bonsai_core.protocol import ErrorCode
from bonsai_core.store.base import StoreUnavailable

log = structlog.get_logger("bonsai.plugins")

T = TypeVar("T")

#: How often deadlines are looked at, in seconds: a deadline is late by at most this.
TICK = 0.05
#: How long a cancelled call may take to give up before it is abandoned, in seconds.
GRACE = 1.0


class PluginFault(Exception):
    """A call into a plugin did not work; the log has the details under `incident`.

    Attributes:
        code: the error code for the client.
        retry_after_ms: when the plugin may work again, if known.
    """

    def __init__(self, code: ErrorCode, message: str, incident: str | None = None, retry_after_ms: int | None = None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.incident = incident
        self.retry_after_ms = retry_after_ms


@dataclass(slots=True)
class Failures:
    """How a plugin has been failing, and whether it rests (the circuit breaker's state).

    Attributes:
        total: failures since the start.
        in_a_row: failures since the last success; reaching the limit opens the breaker.
        rest_until: monotonic seconds; calls before it are refused.
        last: the newest failure in a few words, for operators.
        last_at: when, in ms since the epoch.
    """

    total: int = 0
    in_a_row: int = 0
    rest_until: float = 0.0
    last: str | None = None
    last_at: int | None = None


@dataclass(slots=True)
class Guarded:
    """What the supervisor needs to know of a plugin.

    `files` are source paths (a file, or a folder ending in a slash) by which a stack frame is attributed to it.
    """

    name: str
    files: tuple[str, ...] = ()
    failures: Failures = field(default_factory=Failures)


class Waiting:
    """A plugin's coroutine that has begun and waits.

    Args:
        coroutine: it, or any other awaitable that has not begun.
        first: what it waits for; None when it has not begun.
    """

    __slots__ = ("_coroutine", "_first")

    def __init__(self, coroutine: Any, first: Any) -> None:
        self._coroutine = coroutine
        self._first = first

    def __await__(self) -> Generator[Any, Any, Any]:
        coroutine, waits_for = self._coroutine, self._first
        if type(coroutine) is not CoroutineType:
            return (yield from coroutine.__await__())
        # As `yield from` does (PEP 380), from where it is.
        while True:
            try:
                value = yield waits_for
            except GeneratorExit:
                coroutine.close()
                raise
            except BaseException as error:
                try:
                    waits_for = coroutine.throw(error)
                except StopIteration as end:
                    return end.value
            else:
                try:
                    waits_for = coroutine.send(value)
                except StopIteration as end:
                    return end.value


class Call:
    """One call into a plugin that has not returned yet."""

    __slots__ = ("abandoned", "deadline", "expired", "on_abandon", "plugin", "task", "what")

    def __init__(self, plugin: Guarded, what: str, deadline: float, task: asyncio.Task[Any] | None) -> None:
        self.plugin = plugin
        self.what = what
        self.deadline = deadline
        self.task = task
        self.expired = False
        self.abandoned = False
        self.on_abandon: Callable[[], None] | None = None


class Supervisor:
    """Runs calls into plugins.

    Args:
        timeout: default deadline of a call, in seconds.
        breaker_failures: so many failures in a row make a plugin rest; 0: never.
        breaker_rest: for so many seconds.
        blocked_after: a loop that does not turn for so many seconds is blocked.
        now_ms: wall clock, in ms since the epoch.
        clock: monotonic seconds.
        debug: log exception messages too. They may quote payloads, so they are left out otherwise.
    """

    def __init__(
        self,
        *,
        timeout: float,
        breaker_failures: int,
        breaker_rest: float,
        blocked_after: float,
        now_ms: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
        debug: bool = False,
    ) -> None:
        self.timeout = timeout
        self.breaker_failures = breaker_failures
        self.breaker_rest = breaker_rest
        self.blocked_after = blocked_after
        self.plugins: dict[str, Guarded] = {}
        self._now_ms = now_ms
        self._clock = clock
        self._debug = debug
        self._running: set[Call] = set()
        self._ticker: asyncio.TimerHandle | None = None
        self._watchdog: LoopWatchdog | None = None

    def start(self) -> None:
        """Begin to watch deadlines and the running loop."""
        loop = asyncio.get_running_loop()
        self._watchdog = LoopWatchdog(loop, self.blocked_after, self._loop_blocked)
        self._watchdog.start()
        self._ticker = loop.call_later(TICK, self._tick)

    def stop(self) -> None:
        """Stop watching. Calls that still run are left to their tasks."""
        if self._ticker is not None:
            self._ticker.cancel()
            self._ticker = None
        if self._watchdog is not None:
            self._watchdog.stop()
            self._watchdog = None

    def begin(self, plugin: Guarded, function: Callable[..., Any], args: tuple[Any, ...], what: str) -> Any:
        """Call a plugin's function, sync or async, until it waits for something.

        Nearly all handlers never wait, and then nothing has to watch over them but the watchdog of the loop.

        Returns:
            What the function returns; or, when it waits, a `Waiting` for `finish`.

        Raises:
            Refused, StoreUnavailable, PluginFault: as `call`.
        """
        failures = plugin.failures
        if failures.rest_until and failures.rest_until > self._clock():
            raise self._resting(plugin)
        try:
            result = function(*args)
            if type(result) is CoroutineType:
                try:
                    return Waiting(result, result.send(None))
                except StopIteration as end:
                    result = end.value
            elif inspect.isawaitable(result):
                return Waiting(result, None)
        except Refused:
            failures.in_a_row = 0
            raise
        except StoreUnavailable:
            raise
        except BaseException as error:
            # SystemExit and KeyboardInterrupt too: a plugin does not end the server. Real signals have handlers.
            raise self.fault(plugin, what, error) from None
        failures.in_a_row = 0
        return result

    async def call(
        self,
        plugin: Guarded,
        function: Callable[..., Any],
        *args: Any,
        what: str = "",
        timeout: float | None = None,
        on_abandon: Callable[[], None] | None = None,
    ) -> Any:
        """Call a plugin's function, sync or async, and return what it returns.

        Args:
            what: the hook or event, for the log.
            timeout: deadline in seconds; None for the default.
            on_abandon: called when the function swallowed its cancellation and is given up: its task may never come
                back, so the caller's locks must be freed. Should it come back, that is a fault as well.

        Raises:
            Refused: the plugin refused the event (not a failure).
            StoreUnavailable: the store is away, as the function found (not its failure).
            PluginFault: it failed, timed out, or rests.
        """
        result = self.begin(plugin, function, args, what)
        if type(result) is Waiting:
            result = await self.finish(plugin, result, what, timeout, on_abandon)
        return result

    async def finish(
        self,
        plugin: Guarded,
        waiting: Waiting,
        what: str,
        timeout: float | None = None,
        on_abandon: Callable[[], None] | None = None,
    ) -> Any:
        """Go on with a function that `begin` has begun, and return what it returns.

        Args, raises: as `call`.
        """
        failures = plugin.failures
        now = self._clock()
        task = asyncio.current_task()
        call = Call(plugin, what, now + (self.timeout if timeout is None else timeout), task)
        call.on_abandon = on_abandon
        self._running.add(call)
        try:
            result = await waiting
        except Refused:
            failures.in_a_row = 0
            raise
        except (GeneratorExit, StoreUnavailable):
            raise
        except asyncio.CancelledError as error:
            if call.expired and task is not None:
                task.uncancel()
                self._failed(plugin, what, f"timed out after {call.deadline - now:g} s", None)
                raise PluginFault(ErrorCode.HANDLER_TIMEOUT, f"plugin {plugin.name} took too long") from None
            if task is not None and task.cancelling():
                raise  # the server itself ends this task
            raise self.fault(plugin, what, error) from None
        except BaseException as error:
            # SystemExit and KeyboardInterrupt too: a plugin does not end the server. Real signals have handlers.
            raise self.fault(plugin, what, error) from None
        finally:
            self._running.discard(call)
        if call.abandoned:  # nobody waits for it any more, and its work may have been done again
            raise PluginFault(ErrorCode.HANDLER_TIMEOUT, f"plugin {plugin.name} took too long")
        if call.expired and task is not None:
            task.uncancel()  # it finished although it was cancelled: late, but whole
        failures.in_a_row = 0
        return result

    def _resting(self, plugin: Guarded) -> PluginFault:
        until = plugin.failures.rest_until
        if until == math.inf:
            return PluginFault(ErrorCode.PLUGIN_UNAVAILABLE, f"plugin {plugin.name} was switched off or reloaded")
        wait = int((until - self._clock()) * 1000) + 1
        message = f"plugin {plugin.name} is resting after failures"
        return PluginFault(ErrorCode.PLUGIN_UNAVAILABLE, message, retry_after_ms=wait)

    def is_calling(self, plugin: Guarded) -> bool:
        """Whether a call into it has not returned yet."""
        return any(call.plugin is plugin for call in self._running)

    def expire(self, plugin: Guarded) -> None:
        """Let the deadline of every call into it that is under way be now."""
        now = self._clock()
        for call in self._running:
            if call.plugin is plugin:
                call.deadline = min(call.deadline, now)

    def close(self, plugin: Guarded) -> None:
        """Refuse every further call into it, for good."""
        plugin.failures.rest_until = math.inf

    async def call_apart(
        self, plugin: Guarded, function: Callable[..., Any], *args: Any, what: str = "", timeout: float | None = None
    ) -> Any:
        """Like `call`, for all but the event path: a function that hangs for good hangs in a task of its own.

        Raises:
            Refused, StoreUnavailable, PluginFault: as `call`.
        """
        if not inspect.iscoroutinefunction(function):
            return await self.call(plugin, function, *args, what=what, timeout=timeout)
        return await apart(
            lambda abandon: self.call(plugin, function, *args, what=what, timeout=timeout, on_abandon=abandon)
        )

    def fault(self, plugin: Guarded, what: str, error: BaseException) -> PluginFault:
        """Count and log a failure of a plugin; returns what to raise for it."""
        incident = secrets.token_hex(4)
        self._failed(plugin, what, type(error).__name__, error, incident=incident)
        return PluginFault(ErrorCode.HANDLER_FAILED, f"plugin {plugin.name} failed", incident=incident)

    def _failed(
        self, plugin: Guarded, what: str, kind: str, error: BaseException | None, incident: str | None = None
    ) -> None:
        failures = plugin.failures
        failures.total += 1
        failures.in_a_row += 1
        failures.last = f"{what}: {kind}" if what else kind
        failures.last_at = self._now_ms()
        detail: dict[str, Any] = {"plugin": plugin.name, "what": what, "failure": kind}
        if incident:
            detail["incident"] = incident
        if error is not None:
            detail["where"] = where(error)
            if self._debug:
                detail["message"] = str(error)
        log.error("plugin failed", **detail)
        if 0 < self.breaker_failures <= failures.in_a_row:
            failures.rest_until = self._clock() + self.breaker_rest
            log.error("plugin rests", plugin=plugin.name, failures=failures.in_a_row, seconds=self.breaker_rest)

    def _tick(self) -> None:
        self._ticker = asyncio.get_running_loop().call_later(TICK, self._tick)
        now = self._clock()
        for call in [c for c in self._running if c.deadline <= now]:
            if not call.expired:
                call.expired = True
                if call.task is not None:
                    call.task.cancel()
            elif now - call.deadline > GRACE and not call.abandoned:
                call.abandoned = True
                self._running.discard(call)
                self._failed(call.plugin, call.what, "hangs and ignores its cancellation; abandoned", None)
                if call.on_abandon is not None:
                    call.on_abandon()

    def _loop_blocked(self, seconds: float, stack: list[FrameType]) -> None:
        """Called on the watchdog's thread while the loop stands still."""
        for frame in stack:
            plugin = self._plugin_of(frame.f_code.co_filename)
            if plugin is not None:
                place = f"{frame.f_code.co_name} ({frame.f_code.co_filename}:{frame.f_lineno})"
                self._failed(plugin, place, f"blocks the event loop for over {seconds:g} s", None)
                return
        place = f"{stack[0].f_code.co_filename}:{stack[0].f_lineno}" if stack else "unknown"
        log.warning("event loop blocked", seconds=seconds, where=place)

    def _plugin_of(self, filename: str) -> Guarded | None:
        for plugin in self.plugins.values():
            for path in plugin.files:
                if filename == path or (path.endswith("/") and filename.startswith(path)):
                    return plugin
        return None


#: Tasks whose plugin hangs for good; the loop itself keeps only weak references.
_stuck: set[asyncio.Task[Any]] = set()


async def apart(work: Callable[[Callable[[], None]], Coroutine[Any, Any, T]]) -> T:
    """Run work that calls plugins in a task of its own, so that one that hangs for good does not keep the caller.

    Args:
        work: makes the coroutine; it is given what to call when its plugin is abandoned.

    Raises:
        PluginFault: it was abandoned; or whatever the work raises.
    """
    abandoned = asyncio.Event()
    task = asyncio.create_task(work(abandoned.set))
    waiting = asyncio.create_task(abandoned.wait())
    try:
        await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        task.cancel()
        raise
    finally:
        waiting.cancel()
        if not task.done():
            _stuck.add(task)
            task.add_done_callback(_unstuck)
    if not task.done():
        raise PluginFault(ErrorCode.HANDLER_TIMEOUT, "a plugin hangs")
    return task.result()


def _unstuck(task: asyncio.Task[Any]) -> None:
    _stuck.discard(task)
    if not task.cancelled():
        task.exception()  # the log has it


def where(error: BaseException) -> str:
    """The last places of an exception's traceback, innermost first, without any values."""
    places = traceback.extract_tb(error.__traceback__)[-4:]
    return " < ".join(f"{p.name} ({p.filename}:{p.lineno})" for p in reversed(places))


class LoopWatchdog:
    """A thread that notices when an event loop stops turning.

    Args:
        blocked_after: seconds without a turn.
        report: called on the thread, once for each standstill, with the seconds waited and the loop thread's stack,
            innermost frame first.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        blocked_after: float,
        report: Callable[[float, list[FrameType]], None],
    ) -> None:
        self._loop = loop
        self._blocked_after = blocked_after
        self._report = report
        self._thread_id = threading.get_ident()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="loop-watchdog", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=1)

    def _watch(self) -> None:
        while not self._stop.is_set():
            turned = threading.Event()
            with contextlib.suppress(RuntimeError):  # the loop was closed
                self._loop.call_soon_threadsafe(turned.set)
            if not turned.wait(self._blocked_after) and not self._stop.is_set():
                self._report(self._blocked_after, self._stack())
                while not turned.wait(0.1) and not self._stop.is_set():
                    pass
            self._stop.wait(self._blocked_after / 2)

    def _stack(self) -> list[FrameType]:
        frame = sys._current_frames().get(self._thread_id)
        return list(_outwards(frame))


def _outwards(frame: FrameType | None) -> Iterable[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
