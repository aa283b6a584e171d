"""Group commit: many units of work share one SQLite transaction and so one fsync.

Statements run on the event loop's thread, a few microseconds each; a second thread would have to win the GIL back
after every one of them. Only COMMIT, which waits for the disk, runs in a thread of its own. Work submitted
meanwhile queues up and becomes the next transaction. While COMMIT runs nobody else touches the connection.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final, TypeVar

from bonsai_core.store.base import StoreError, StoreUnavailable
from bonsai_core.store.sqlite_schema import is_environment, translate
from bonsai_core.threads import in_thread

_log = logging.getLogger(__name__)

#: Most units in a transaction: some milliseconds of the loop's time.
MAX_BATCH: Final = 256

T = TypeVar("T")


@dataclass(slots=True)
class _Job:
    """Work waiting for its transaction, and in the end its outcome."""

    work: Callable[[], Any]
    then: Callable[[Any], None] | None
    future: asyncio.Future[Any]
    result: Any = None
    refusal: StoreError | None = None


class GroupCommit:
    """Runs pieces of work in shared transactions of one connection.

    Args:
        connection: the writer; ours alone from now on.
        where: the database's name for error messages.
        guard: called in the commit thread before COMMIT; raises `StoreError` when committing would be in vain.
        before_commit: called on the loop when the work of a transaction is done, to write what that has gathered.
        on_rollback: called on the loop after a rollback, to forget what caches learned from the lost transaction.
        inline: commit on the loop (a database in memory never waits).
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        where: str,
        guard: Callable[[], None],
        before_commit: Callable[[], None],
        on_rollback: Callable[[], None],
        inline: bool,
    ) -> None:
        self._connection = connection
        self._where = where
        self._guard = guard
        self._before_commit = before_commit
        self._on_rollback = on_rollback
        self._inline = inline
        self._loop = asyncio.get_running_loop()
        # True: commit; False: end the thread.
        self._orders: SimpleQueue[bool] = SimpleQueue()
        if not inline:
            Thread(target=self._run_orders, name="bonsai-commit", daemon=True).start()
        self._queue: deque[_Job] = deque()
        self._batch: list[_Job] = []
        # So many jobs at the head of the queue get a transaction of their own, because one of them is poison.
        self._alone = 0
        self._busy = False
        self._closed = False
        self._released = False
        self._idle = asyncio.Event()
        self._idle.set()

    def submit(self, work: Callable[[], T], then: Callable[[T], None] | None = None) -> asyncio.Future[T]:
        """Run `work` in a transaction; the future gets its result once that is durable.

        `work` raises `StoreError` to refuse, before it writes anything. `then` is called with the result after
        COMMIT, in the order of submission, even if nobody awaits the future any more. Cancelling the future before
        the transaction begins drops the work; later it changes nothing.
        """
        if self._closed:
            raise StoreUnavailable(f"{self._where} is closed")
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.append(_Job(work, then, future))
        if not self._busy:
            self._busy = True
            self._idle.clear()
            self._loop.call_soon(self._begin)  # soon: what is submitted in this turn of the loop shares the fsync
        return future

    @property
    def closed(self) -> bool:
        """Whether nothing more is accepted."""
        return self._closed

    async def drain(self) -> None:
        """Accept nothing more, and finish what was submitted."""
        self._closed = True
        await self._idle.wait()

    async def close(self) -> None:
        """Drain, then close the connection. Idempotent."""
        await self.drain()
        if not self._released:
            self._released = True
            # In a thread, since it checkpoints, which waits for the disk.
            await in_thread(self._connection.close)
            self._orders.put(False)

    def _begin(self) -> None:
        """Execute the next batch and have it committed."""
        batch = self._batch = self._take()
        if not batch:
            self._busy = False
            self._idle.set()
            return
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for job in batch:
                try:
                    job.result = job.work()
                except StoreError as refusal:
                    # Told only after COMMIT: it may rest on what this very transaction wrote.
                    job.refusal = refusal
            self._before_commit()
        except Exception as error:
            self._roll_back()
            if len(batch) == 1 or is_environment(error):
                self._fail(error)
            else:
                for job in batch:
                    job.result = job.refusal = None
                self._queue.extendleft(reversed(batch))
                self._alone = len(batch)
            self._loop.call_soon(self._begin)
            return
        if self._inline:
            try:
                self._commit()
            except Exception as error:
                self._roll_back()
                self._fail(error)
            else:
                self._settle()
            self._loop.call_soon(self._begin)
        else:
            self._orders.put(True)

    def _run_orders(self) -> None:
        """The commit thread. An executor and its futures would cost each commit 30 µs of CPU more."""
        while self._orders.get():
            failure: Exception | None = None
            try:
                self._commit()
            except Exception as error:
                failure = error
            self._loop.call_soon_threadsafe(self._committed, failure)

    def _take(self) -> list[_Job]:
        batch: list[_Job] = []
        limit = 1 if self._alone else MAX_BATCH
        while self._queue and len(batch) < limit:
            job = self._queue.popleft()
            if self._alone:
                self._alone -= 1
            if not job.future.done():  # cancelled while it waited: leave it out
                batch.append(job)
        return batch

    def _commit(self) -> None:
        self._guard()
        self._connection.execute("COMMIT")

    def _committed(self, error: Exception | None) -> None:
        if error is None:
            self._settle()
        else:
            self._roll_back()
            self._fail(error)
        self._begin()  # at once, so that the disk is busy again while the callers go on

    def _settle(self) -> None:
        # The callers go on in the next turn of the loop, before what `then` says is written to sockets: so a message
        # and the ack that follows it leave in one write.
        for job in self._batch:
            if job.future.done():
                continue
            if job.refusal is None:
                job.future.set_result(job.result)
            else:
                job.future.set_exception(job.refusal)
        for job in self._batch:
            if job.refusal is None and job.then is not None:
                try:
                    job.then(job.result)
                except Exception:
                    _log.exception("a store callback failed")

    def _fail(self, error: BaseException) -> None:
        for job in self._batch:
            if not job.future.done():
                failure = translate(error, self._where)
                failure.__cause__ = error
                job.future.set_exception(failure)

    def _roll_back(self) -> None:
        try:
            if self._connection.in_transaction:  # SQLite ends it itself after some errors
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            _log.exception("rolling back %s failed", self._where)
        self._on_rollback()
