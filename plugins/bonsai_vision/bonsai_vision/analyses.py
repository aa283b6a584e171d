"""Who has asked for which analysis, and what becomes of it: shared, cached, replaced, given up. Knows no session.

Equal content is analysed once, however many ask for it at the same time; what was analysed before is in the cache. A
newer screenshot of a browser extension takes the place of one that still waits for a worker.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bonsai_core import QuestionAnalysis
from bonsai_vision.cache import Cache, content_key
from bonsai_vision.picture import kind_of
from bonsai_vision.pool import Pool
from bonsai_vision.process import Job, JobError
from bonsai_vision.worker import where

log = logging.getLogger("bonsai.vision")

#: What killed its worker, or kept it for too long, is not tried again for so many seconds.
SHUNNED_S = 600.0
#: Hashing more bytes than this is left to a thread.
_LARGE = 1 << 20

#: Tells the askers of an analysis that a stage is done.
Tell = Callable[[str, float, Mapping[str, Any] | None], None]


@dataclass(frozen=True)
class Content:
    """What is to be analysed, and the name that its bytes give it."""

    kind: Literal["image", "text"]
    data: bytes
    key: str

    @classmethod
    async def of(cls, kind: Literal["image", "text"], data: bytes) -> Content:
        """The content with its key."""
        if len(data) > _LARGE:
            return cls(kind, data, await asyncio.to_thread(content_key, kind, data))
        return cls(kind, data, content_key(kind, data))


@dataclass(frozen=True)
class Asker:
    """A device."""

    user: str
    session: str
    client: str


@dataclass(frozen=True)
class Step:
    """A stage that is done. For the fields see `question:progress`."""

    stage: str
    fraction: float
    partial: dict[str, Any] | None = None


@dataclass(frozen=True)
class Outcome:
    """What an analysis has found; `timings` are milliseconds by stage."""

    analysis: QuestionAnalysis
    timings: dict[str, float]


class Ticket:
    """One asker's share in an analysis.

    Attributes:
        cached: the result was there before.
    """

    def __init__(self, asker: Asker, question_id: str, extension_id: str | None) -> None:
        self.asker = asker
        self.question_id = question_id
        self.extension_id = extension_id
        self.cached = False
        #: The analysis that it waits for.
        self.work: _Work | None = None
        self._steps: asyncio.Queue[Step | None] = asyncio.Queue()
        self._outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    @property
    def over(self) -> bool:
        """It has its outcome, or never will."""
        return self._outcome.done()

    async def steps(self) -> AsyncIterator[Step]:
        """Each step, until there is an outcome."""
        while (step := await self._steps.get()) is not None:
            yield step

    async def outcome(self) -> Outcome:
        """What was found.

        Raises:
            JobError: why nothing was.
        """
        return await self._outcome

    def tell(self, step: Step) -> None:
        """A stage is done."""
        if not self.over:
            self._steps.put_nowait(step)

    def end(self, outcome: Outcome | JobError) -> None:
        """The analysis is over, for this asker at least. The first end counts."""
        if self.over:
            return
        if isinstance(outcome, JobError):
            self._outcome.set_exception(outcome)
            self._outcome.exception()  # perhaps nobody asks any more
        else:
            self._outcome.set_result(outcome)
        self._steps.put_nowait(None)


class Analyses:
    """All analyses of this process.

    Args:
        pool: does the work; this object starts and closes it.
        refine: adds to what the pool has found; what it returns is cached unless the second part is False.
        cache: results kept.
        max_bytes: of a picture.
        per_user: analyses of one user at a time.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        pool: Pool,
        refine: Callable[[Content, QuestionAnalysis, Tell], Awaitable[tuple[QuestionAnalysis, bool]]],
        *,
        cache: int,
        max_bytes: int,
        per_user: int,
        clock: Callable[[], float],
    ) -> None:
        self.pool = pool
        self._refine = refine
        self._max_bytes = max_bytes
        self._per_user = per_user
        self._clock = clock
        self._cache: Cache[Outcome] = Cache(cache)
        self._shunned: Cache[tuple[float, JobError]] = Cache(256)
        self._works: dict[str, _Work] = {}
        self._tickets: dict[str, set[Ticket]] = {}
        self._newest: dict[tuple[str, str], Ticket] = {}
        self._leaving: dict[Asker, asyncio.TimerHandle] = {}

    # Asking

    def ask(self, content: Content, asker: Asker, question_id: str, extension_id: str | None = None) -> Ticket:
        """Have some content analysed. Call `done` with the ticket in the end, in any case.

        Raises:
            JobError: it is refused at once.
        """
        ticket = Ticket(asker, question_id, extension_id)
        self._replace(ticket)
        if (outcome := self._cache.get(content.key)) is not None:
            ticket.cached = True
            ticket.end(outcome)
            return ticket
        self._check(content)
        mine = self._tickets.get(asker.user, set())
        if len(mine) >= self._per_user:
            message = f"{len(mine)} analyses of this student are under way"
            raise JobError("overloaded", message, self.pool.retry_after_ms())
        work = ticket.work = self._works.get(content.key) or self._begin(content)
        work.tickets.add(ticket)
        self._tickets.setdefault(asker.user, set()).add(ticket)
        if extension_id is not None:
            self._newest[asker.user, extension_id] = ticket
        if work.last is not None:
            ticket.tell(work.last)
        return ticket

    def done(self, ticket: Ticket) -> None:
        """The asker has what it wanted, or wants it no more. The last one to go ends the work. Idempotent."""
        ticket.end(JobError("cancelled", "the analysis was cancelled"))
        asker, work = ticket.asker, ticket.work
        mine = self._tickets.get(asker.user, set())
        mine.discard(ticket)
        if not mine:
            self._tickets.pop(asker.user, None)
        if ticket.extension_id is not None and self._newest.get((asker.user, ticket.extension_id)) is ticket:
            del self._newest[asker.user, ticket.extension_id]
        if work is not None:
            work.tickets.discard(ticket)
            if not work.tickets and self._works.get(work.content.key) is work:
                del self._works[work.content.key]
                work.end()

    def _check(self, content: Content) -> None:
        """Refuse what is no picture without bothering a worker, and what has brought one down."""
        shunned = self._shunned.get(content.key)
        if shunned is not None and self._clock() - shunned[0] < SHUNNED_S:
            raise shunned[1]
        if content.kind == "image":
            if len(content.data) > self._max_bytes:
                message = f"the picture has {len(content.data)} bytes; at most {self._max_bytes} are read"
                raise JobError("too_large", message)
            if kind_of(content.data) is None:
                raise JobError("unsupported_type", "the picture is no PNG, JPEG or WebP")

    def _replace(self, ticket: Ticket) -> None:
        if ticket.extension_id is None:
            return
        older = self._newest.get((ticket.asker.user, ticket.extension_id))
        if older is not None and older.work is not None and not older.work.started:
            older.end(JobError("replaced", "a newer screenshot of this extension took its place"))
            self.done(older)

    def _begin(self, content: Content) -> _Work:
        work = _Work(content)
        work.job = self.pool.submit(
            {"kind": content.kind}, content.data, on_step=work.tell, urgent=content.kind == "text"
        )
        self._works[content.key] = work
        work.task = asyncio.create_task(self._run(work, work.job), name="analysis")
        return work

    async def _run(self, work: _Work, job: Job) -> None:
        content = work.content
        outcome: Outcome | JobError = JobError("failed", "the analysis failed")
        try:
            found = await job.result
            analysis = QuestionAnalysis.model_validate(found["analysis"])
            analysis, keep = await self._refine(content, analysis, work.tell)
            outcome = Outcome(analysis, found["timings"])
            if keep:
                self._cache.put(content.key, outcome)
        except JobError as error:
            outcome = error
            if error.code in ("worker_lost", "timeout", "out_of_memory"):
                self._shunned.put(content.key, (self._clock(), error))
        except Exception as error:  # a worker's answer that is no analysis, for one; never its content in the log
            log.error("an analysis failed: %s", where(error))
        finally:
            if self._works.get(content.key) is work:
                del self._works[content.key]
            for ticket in work.tickets:
                ticket.end(outcome)

    # Giving up

    def cancel(self, user: str, session: str, question_id: str) -> int:
        """End a session's analyses of a question; returns how many there were."""
        return self._end(
            [t for t in self._tickets.get(user, ()) if t.asker.session == session and t.question_id == question_id]
        )

    def left(self, asker: Asker, after: float = 0.0) -> None:
        """A device has left: end its analyses, unless it is back within `after` seconds."""
        self.back(asker)
        mine = [ticket for ticket in self._tickets.get(asker.user, ()) if ticket.asker == asker]
        if mine and after:
            self._leaving[asker] = asyncio.get_running_loop().call_later(after, self.left, asker)
        else:
            self._end(mine)

    def back(self, asker: Asker) -> None:
        """A device is back, or is there still."""
        if (timer := self._leaving.pop(asker, None)) is not None:
            timer.cancel()

    def forget(self) -> None:
        """Forget all results: they would be others now."""
        self._cache.clear()

    async def close(self) -> None:
        """End everything."""
        for timer in self._leaving.values():
            timer.cancel()
        for mine in list(self._tickets.values()):
            self._end(list(mine))
        await self.pool.close()

    def _end(self, tickets: list[Ticket]) -> int:
        for ticket in tickets:
            self.done(ticket)
        return len(tickets)


class _Work:
    """The analysis of some content, for all who ask for it."""

    def __init__(self, content: Content) -> None:
        self.content = content
        self.tickets: set[Ticket] = set()
        self.job: Job | None = None
        self.task: asyncio.Task[None] | None = None
        self.last: Step | None = None

    @property
    def started(self) -> bool:
        return self.job is not None and self.job.started

    def end(self) -> None:
        """Nobody wants it any more."""
        if self.job is not None:
            self.job.cancel()
        if self.task is not None:
            self.task.cancel()

    def tell(self, stage: str, fraction: float, partial: Mapping[str, Any] | None) -> None:
        self.last = Step(stage, min(max(fraction, 0.0), 1.0), dict(partial) if partial else None)
        for ticket in self.tickets:
            ticket.tell(self.last)
