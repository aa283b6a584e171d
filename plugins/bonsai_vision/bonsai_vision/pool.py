"""A pool of warm worker processes for work that takes a processor for long, seen from an event loop.

Workers load their task once, in the background, and stay. Progress is streamed, a job can be cancelled at any time, a
worker that dies is replaced and its job tried once more, and a queue that is full says so with a time to come back.

Why not `ProcessPoolExecutor`, or pebble: the first is broken for good once a worker dies; neither streams progress,
knows that a worker is warm, or keeps a killed worker's job; both start workers by multiprocessing, which imports the
server's main module again, bring threads of their own, and unpickle what comes from a process that decodes anybody's
pictures. What is here is one pipe to each process, read by the event loop (`process.py`); `worker.py` is the other end.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import os
import re
import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bonsai_vision.process import Job, JobError, OnStep, WorkerProcess

log = logging.getLogger("bonsai.vision")

_BOOT = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from bonsai_vision.worker import main; main()"
#: A worker decodes pictures of strangers: it gets none of the server's secrets.
_SECRET = re.compile(r"^(BONSAI|JWT|STORE|REDIS)_|SECRET|TOKEN|PASSW|_KEY$|CREDENTIAL", re.IGNORECASE)
#: One job keeps one core busy, whatever a library thinks of the machine.
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"), "1"
)
#: A job that was cancelled has so many seconds to notice it, before its worker is killed.
_GRACE = 2.0
#: Seconds before a worker that did not start is started again: twice as many after each failure, at most half a minute.
_PAUSE = 0.1
#: Failed starts in a row after which jobs are refused instead of waiting for a worker.
_HOPELESS = 3


@dataclass(frozen=True)
class PoolLimits:
    """The pool's bounds.

    Attributes:
        workers: processes.
        queue: jobs that may wait for one.
        queue_bytes: what those may hold together; a job that waits alone may hold more.
        timeout_s: seconds that a worker may take for a job, before it is killed.
        start_timeout_s: seconds that a worker may take to load its task.
        memory_mb: data memory of a worker, in MiB; 0 is no limit.
        max_tasks: a worker is replaced after so many jobs; 0 never.
        nice: how far workers give way to the server, 0..19.
    """

    workers: int = 1
    queue: int = 32
    queue_bytes: int = 64 << 20
    timeout_s: float = 20.0
    start_timeout_s: float = 60.0
    memory_mb: int = 2048
    max_tasks: int = 1000
    nice: int = 10


class Pool:
    """Worker processes that run one task.

    Args:
        task: the import path of the task's factory, see `worker.py`.
        options: keyword arguments of the factory, as plain data.
        limits: bounds.
    """

    def __init__(self, task: str, options: Mapping[str, Any] | None = None, limits: PoolLimits | None = None) -> None:
        self.limits = limits or PoolLimits()
        self._task = task
        self._options = dict(options or {})
        self._shared: bytes | None = None
        self._numbers = itertools.count(1)
        self._urgent: deque[Job] = deque()
        self._waiting: deque[Job] = deque()
        self._workers: set[WorkerProcess] = set()
        self._idle: list[WorkerProcess] = []
        self._slots: list[asyncio.Task[None]] = []
        self._starting = asyncio.Lock()
        #: Set when the first worker is ready, and stays so.
        self.ready = asyncio.Event()
        self._failed_starts = 0
        self._error: str | None = None
        self._closing = False
        #: Seconds that a job takes, as a moving average.
        self._seconds = 1.0

    # Life

    def start(self) -> None:
        """Start the workers, in the background."""
        self._slots = [asyncio.create_task(self._slot(), name="vision worker") for _ in range(self.limits.workers)]

    async def close(self) -> None:
        """End every job and every process. Takes a moment: workers have nothing to save. Idempotent."""
        self._closing = True
        for job in (*self._urgent, *self._waiting, *(w.job for w in self._workers if w.job is not None)):
            job.cancel("plugin_unavailable", "the server is stopping")
        for slot in self._slots:
            slot.cancel()
        await asyncio.gather(*self._slots, return_exceptions=True)
        await asyncio.gather(*(worker.end() for worker in list(self._workers)))

    def configure(self, data: bytes) -> None:
        """Give every worker, also those to come, something to keep; it replaces what it was given before."""
        self._shared = data
        for worker in self._workers:
            worker.send({"kind": "configure"}, data)

    def status(self) -> dict[str, Any]:
        """How it is, for people: workers wanted and ready, jobs waiting, and why workers do not start."""
        ready = sum(worker.ready for worker in self._workers)
        status = {"workers": self.limits.workers, "workersReady": ready, "waiting": len(self)}
        return status | ({"error": self._error} if self._error else {})

    @property
    def hopeless(self) -> bool:
        """No worker is there, and none could be started, several times in a row. It goes on trying."""
        return self._failed_starts >= _HOPELESS and not any(worker.ready for worker in self._workers)

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers."""
        return sorted(worker.pid for worker in self._workers)

    def __len__(self) -> int:
        """Jobs that wait for a worker."""
        return len(self._urgent) + len(self._waiting)

    # Jobs

    def submit(
        self, request: Mapping[str, Any], data: bytes = b"", *, on_step: OnStep | None = None, urgent: bool = False
    ) -> Job:
        """Have a job done.

        Args:
            request: what the task is given, as plain data.
            data: bytes for the task.
            on_step: told each step.
            urgent: before all others that wait; for work that takes but a moment.

        Raises:
            JobError: `overloaded`, or `plugin_unavailable` when workers do not start.
        """
        if self._closing or self.hopeless:
            raise JobError("plugin_unavailable", self._error or "the server is stopping", 5000)
        if self._full(len(data)) and not self._idle:
            raise JobError("overloaded", "too much work is waiting; send it again later", self.retry_after_ms())
        job = Job(self, next(self._numbers), request, data, on_step or _ignore)
        job.urgent = urgent
        (self._urgent if urgent else self._waiting).append(job)
        self._dispatch()
        return job

    def _full(self, more: int) -> bool:
        jobs = (*self._urgent, *self._waiting)
        held = sum(len(job.data) for job in jobs)
        return len(jobs) >= self.limits.queue or (bool(jobs) and held + more > self.limits.queue_bytes)

    def retry_after_ms(self) -> int:
        """When a worker should be free for one more job, in milliseconds."""
        return int(min(max((len(self) + 1) * self._seconds / self.limits.workers, 0.25), 30.0) * 1000)

    def dropped(self, job: Job) -> None:
        """A job is over before its end: take it out of the queue, or off its worker."""
        with contextlib.suppress(ValueError):
            (self._urgent if job.urgent else self._waiting).remove(job)
            return
        for worker in self._workers:
            if worker.job is job:
                worker.send({"kind": "cancel", "job": job.number})
                worker.kill_in(_GRACE)

    def _dispatch(self) -> None:
        while self._idle and len(self):
            job = (self._urgent or self._waiting).popleft()
            self._idle.pop().run(job, self.limits.timeout_s)

    # Workers

    async def _slot(self) -> None:
        """Keep one worker alive."""
        while True:
            async with self._starting:  # one after another: so the first is ready sooner
                worker = await self._begin()
            if worker is None:
                await asyncio.sleep(min(_PAUSE * 2**self._failed_starts, 30.0))
                continue
            self._failed_starts, self._error = 0, None
            self.ready.set()
            self.freed(worker)
            await worker.ended.wait()

    async def _begin(self) -> WorkerProcess | None:
        """Start a process and wait until it has loaded the task; None when it has not."""
        environment = {name: value for name, value in os.environ.items() if not _SECRET.search(name)} | _ONE_THREAD
        command = [sys.executable, "-P", "-c", _BOOT, json.dumps(sys.path)]
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=environment
            )
        except OSError as error:
            self._not_started(f"no process could be started: {error.strerror}")
            return None
        worker = WorkerProcess(self, process)
        self._workers.add(worker)
        start = {"task": self._task, "options": self._options, "path": sys.path}
        worker.send(
            {"kind": "start", "memory": self.limits.memory_mb, "nice": self.limits.nice, **start},
        )
        if self._shared is not None:
            worker.send({"kind": "configure"}, self._shared)
        try:
            async with asyncio.timeout(self.limits.start_timeout_s):
                await worker.started.wait()
        except TimeoutError:
            worker.broken = f"loading takes more than {self.limits.start_timeout_s:g} s"
        if worker.ready:
            return worker
        await worker.end()
        self._not_started(worker.broken or f"a worker ended while loading ({worker.exit_code})")
        return None

    def _not_started(self, why: str) -> None:
        self._failed_starts += 1
        self._error = f"workers do not start: {why}"
        log.error("a worker did not start: %s", why)
        if self.hopeless:
            for job in (*self._urgent, *self._waiting):
                job.cancel("plugin_unavailable", "pictures cannot be read now")

    def freed(self, worker: WorkerProcess) -> None:
        """A worker has nothing to do."""
        if self.limits.max_tasks and worker.served >= self.limits.max_tasks:
            worker.retire()
        else:
            self._idle.append(worker)
            self._dispatch()

    def took(self, seconds: float) -> None:
        """A job was done in so many seconds."""
        self._seconds += (seconds - self._seconds) * 0.2

    def lost(self, worker: WorkerProcess) -> None:
        """A worker's process is gone; its slot starts another."""
        self._workers.discard(worker)
        with contextlib.suppress(ValueError):
            self._idle.remove(worker)
        job = worker.job
        if worker.ready and not self._closing and worker.exit_code:
            log.warning("a worker was lost (%s); another is started", worker.exit_code)
        if job is None or job.result.done():
            return
        if job.attempts >= 2 or self._closing:
            error = JobError("worker_lost", "the process that worked on this died, twice")
            job.result.set_exception(error)
            return
        job.started = False
        (self._urgent if job.urgent else self._waiting).appendleft(job)
        self._dispatch()


def _ignore(stage: str, fraction: float, partial: Mapping[str, Any] | None) -> None:
    pass
