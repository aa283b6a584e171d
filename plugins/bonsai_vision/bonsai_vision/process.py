"""One worker process from the server's side: what it is told, what it answers, and its end.

`worker.py` is the other end of the pipe; `pool.py` keeps several of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from bonsai_vision.worker import LENGTHS, encode

log = logging.getLogger("bonsai.vision")

#: Called on the event loop with each step of a job: stage, fraction of the whole work, what is known so far.
OnStep = Callable[[str, float, Mapping[str, Any] | None], None]

#: Longest answer that is believed, in bytes.
MAX_ANSWER = 8 << 20


class JobError(Exception):
    """A job was not done.

    Attributes:
        code: the task's own (`TaskError`), or `overloaded`, `cancelled`, `timeout`, `worker_lost`, `out_of_memory`,
            `failed`, `plugin_unavailable`.
        message: a sentence for who asked.
        retry_after_ms: when it makes sense to try again, in milliseconds.
    """

    def __init__(self, code: str, message: str, retry_after_ms: int | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.retry_after_ms = retry_after_ms


class Job:
    """A job on its way. Await `result` in any case, or call `cancel`.

    Attributes:
        result: what the task returned; raises JobError.
        started: a worker has it.
    """

    def __init__(self, keeper: Keeper, number: int, request: Mapping[str, Any], data: bytes, on_step: OnStep) -> None:
        self.number = number
        self.request = request
        self.data = data
        self.on_step = on_step
        self.attempts = 0
        self.urgent = False
        self.started = False
        self.result: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._keeper = keeper

    def cancel(self, code: str = "cancelled", message: str = "the work was cancelled") -> None:
        """End it now: who awaits `result` gets a JobError, and the worker is freed at its next step. Idempotent."""
        if not self.result.done():
            self.result.set_exception(JobError(code, message))
            self.result.exception()  # perhaps nobody awaits it any more
            self._keeper.dropped(self)


class Keeper(Protocol):
    """What jobs and workers tell their pool."""

    def dropped(self, job: Job) -> None:
        """A job is over before its end."""

    def freed(self, worker: WorkerProcess) -> None:
        """A worker has nothing to do."""

    def lost(self, worker: WorkerProcess) -> None:
        """A worker's process is gone."""

    def took(self, seconds: float) -> None:
        """A job was done in so many seconds."""


class WorkerProcess:
    """One process, from the server's side.

    Attributes:
        job: what it works on; also one that was cancelled, until it lets go of it.
        served: jobs that it was given.
        ready: it has loaded the task, and lives.
        broken: why it could not load the task.
    """

    def __init__(self, keeper: Keeper, process: asyncio.subprocess.Process) -> None:
        self._keeper = keeper
        self._process = process
        self._timer: asyncio.TimerHandle | None = None
        self._began = 0.0
        self.job: Job | None = None
        self.served = 0
        self.ready = False
        self.broken = ""
        #: It has loaded its task, or has failed to.
        self.started = asyncio.Event()
        #: The process is gone, and waited for.
        self.ended = asyncio.Event()
        self._listener = asyncio.create_task(self._listen(), name="vision worker's answers")

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended, negative for a signal; None while it runs."""
        return self._process.returncode

    def send(self, header: Mapping[str, Any], body: bytes = b"") -> None:
        """Send a frame, which waits in memory until the process reads it."""
        stdin = self._process.stdin
        assert stdin is not None
        if not stdin.is_closing():
            stdin.write(encode(header, body))

    def run(self, job: Job, timeout: float) -> None:
        """Give it a job, for which it has so many seconds."""
        self.job = job
        self.served += 1
        job.attempts += 1
        job.started = True
        loop = asyncio.get_running_loop()
        self._began = loop.time()
        self._timer = loop.call_later(timeout, self._late)
        self.send({"kind": "run", "job": job.number, "request": job.request}, job.data)

    def kill_in(self, seconds: float) -> None:
        """Kill it unless it lets go of its job by then."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.kill)

    def kill(self) -> None:
        """SIGKILL: it has nothing to save."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    def retire(self) -> None:
        """Let it end by itself: a worker ends with its input."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    async def end(self) -> None:
        """Kill the process and wait until it is gone."""
        self.kill()
        await asyncio.shield(self._listener)

    def _late(self) -> None:
        if self.job is not None and not self.job.result.done():
            self.job.result.set_exception(JobError("timeout", "reading it took too long"))
        self.kill()

    async def _listen(self) -> None:
        assert self._process.stdout is not None and self._process.stdin is not None
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    head, body = LENGTHS.unpack(await self._process.stdout.readexactly(LENGTHS.size))
                    if head + body > MAX_ANSWER:
                        break
                    self._told(json.loads(await self._process.stdout.readexactly(head)))
                    await self._process.stdout.readexactly(body)
        except (ValueError, KeyError, TypeError):
            log.error("a worker said something that makes no sense; it is replaced")
        finally:
            self.kill()
            self._process.stdin.close()
            await self._process.wait()
            with contextlib.suppress(ConnectionError):  # of a killed process that had not read all
                await self._process.stdin.wait_closed()
            if self._timer is not None:
                self._timer.cancel()
            self.ready = False
            self._keeper.lost(self)
            self.started.set()
            self.ended.set()

    def _told(self, header: Mapping[str, Any]) -> None:
        match header["kind"]:
            case "ready":
                self.ready = True
                self.started.set()
            case "broken":
                self.broken = str(header["message"])
            case "unconfigured":
                log.error("a worker could not be configured: %s", header["where"])
            case "progress":
                job = self._current(header)
                if job is not None:
                    job.on_step(str(header["stage"]), float(header["fraction"]), header.get("partial"))
            case "done" | "error" | "unwanted" as kind:
                self._answered(kind, header)
            case kind:
                raise ValueError(kind)

    def _answered(self, kind: str, header: Mapping[str, Any]) -> None:
        if self.job is None or header["job"] != self.job.number:
            raise ValueError("an answer to no question")
        job, self.job = self.job, None
        if self._timer is not None:
            self._timer.cancel()
        if not job.result.done():
            if kind == "done":
                self._keeper.took(asyncio.get_running_loop().time() - self._began)
                job.result.set_result(header["result"])
            else:
                job.result.set_exception(_error(header))
        if header.get("code") != "out_of_memory":  # after which it ends by itself
            self._keeper.freed(self)

    def _current(self, header: Mapping[str, Any]) -> Job | None:
        job = self.job
        return job if job is not None and job.number == header["job"] and not job.result.done() else None


def _error(header: Mapping[str, Any]) -> JobError:
    code = str(header.get("code", "cancelled"))
    if where := header.get("where"):
        log.error("a job failed in its worker: %s", where)
    message = {"failed": "reading it failed", "out_of_memory": "it takes more memory than there is for one picture"}
    return JobError(code, str(header.get("message") or message.get(code, code)))
