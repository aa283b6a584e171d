"""A worker process of the pool: loads a task once, then runs jobs that come by its standard input, one after another.

The pipe carries frames both ways: two big-endian uint32 lengths, a header as JSON, a body of bytes. Answers are JSON
and never pickle, because a process that decodes anybody's pictures is not to be trusted by the one that holds the
secrets. The process ends when its input does, so it never outlives the server, however that ends.

A task is named by an import path, `package.module:factory` or `/path/to/file.py:factory`. The factory is called once
with the task's options and returns a callable, `run(request, data, progress)`, whose result is plain JSON-able data. It
may have a method `configure(data)`, which is given what `Pool.configure` shared.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import queue
import signal
import struct
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Protocol

LENGTHS = struct.Struct(">II")

#: `progress(stage, fraction, partial)`: the stage that is done, 0..1 of the whole work, and what is known so far.
Progress = Callable[[str, float, Mapping[str, Any] | None], None]


class Task(Protocol):
    """What a task's factory returns."""

    def __call__(self, request: Mapping[str, Any], data: bytes, progress: Progress) -> Any:
        """Run one job.

        Args:
            request: what the job is, as plain data.
            data: the job's bytes.
            progress: to be called after each stage. It ends the job if nobody wants it any more.

        Raises:
            TaskError: to be told to who asked.
        """


class TaskError(Exception):
    """A job cannot be done, and why is for who asked.

    Args:
        code: `snake_case`.
        message: a sentence without secrets.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Unwanted(BaseException):
    """Raised by `progress` when the job was cancelled. No `except Exception` may swallow it."""


def encode(header: Mapping[str, Any], body: bytes = b"") -> bytes:
    """One frame."""
    head = json.dumps(header, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    return b"".join((LENGTHS.pack(len(head), len(body)), head, body))


def load(path: str) -> Any:
    """What an import path names.

    Raises:
        ImportError: there is no such module, file or name.
    """
    place, colon, name = path.rpartition(":")
    if not colon or not name:
        raise ImportError(f"{path!r} is no import path: it is module:name or /path/to/file.py:name")
    if place.endswith(".py"):
        module_name = f"bonsai_vision_task_{Path(place).stem}"
        spec = importlib.util.spec_from_file_location(module_name, place)
        if spec is None or spec.loader is None:
            raise ImportError(f"{place} cannot be imported")
        module = sys.modules.get(module_name)
        if module is None:
            module = sys.modules[module_name] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
    else:
        module = importlib.import_module(place)
    try:
        return getattr(module, name)
    except AttributeError:
        raise ImportError(f"{place} has no {name!r}") from None


class Worker:
    """The process's side of the pipe."""

    def __init__(self, inbox: BinaryIO, outbox: BinaryIO) -> None:
        self._inbox = inbox
        self._outbox = outbox
        self._jobs: queue.SimpleQueue[tuple[dict[str, Any], bytes]] = queue.SimpleQueue()
        self._unwanted: set[int] = set()

    def run(self) -> None:
        """Load the task and run jobs until the input ends, which ends the process."""
        threading.Thread(target=self._read, name="inbox", daemon=True).start()
        start, _ = self._jobs.get()
        sys.path[:] = start["path"]
        _limit(start["memory"], start["nice"])
        try:
            task: Task = load(start["task"])(**start["options"])
        except Exception as error:
            self._send({"kind": "broken", "message": f"{type(error).__name__}: {error}"})
            return
        self._send({"kind": "ready"})
        while True:
            header, body = self._jobs.get()
            if header["kind"] == "configure":
                self._configure(task, body)
            else:
                self._run(task, header, body)

    def _run(self, task: Task, header: Mapping[str, Any], body: bytes) -> None:
        job = header["job"]

        def progress(stage: str, fraction: float, partial: Mapping[str, Any] | None = None) -> None:
            if job in self._unwanted:
                raise Unwanted
            self._send({"kind": "progress", "job": job, "stage": stage, "fraction": fraction, "partial": partial})

        try:
            result = encode({"kind": "done", "job": job, "result": task(header["request"], body, progress)})
        except Unwanted:
            result = encode({"kind": "unwanted", "job": job})
        except TaskError as error:
            result = encode({"kind": "error", "job": job, "code": error.code, "message": error.message})
        except MemoryError:
            self._fail(job, "out_of_memory", "")
            os._exit(1)  # what is left of the heap is of no use: a fresh process takes over
        except Exception as error:
            self._fail(job, "failed", where(error))
            return
        finally:
            self._unwanted.clear()  # the next job is sent when this one was answered
        self._write(result)

    def _fail(self, job: int, code: str, where: str) -> None:
        self._send({"kind": "error", "job": job, "code": code, "where": where})

    def _configure(self, task: Task, body: bytes) -> None:
        configure = getattr(task, "configure", None)
        if configure is None:
            return
        try:
            configure(body)
        except Exception as error:
            self._send({"kind": "unconfigured", "where": where(error)})

    def _send(self, header: Mapping[str, Any]) -> None:
        self._write(encode(header))

    def _write(self, frame: bytes) -> None:
        self._outbox.write(frame)
        self._outbox.flush()

    def _read(self) -> None:
        """On a thread of its own, so that a cancellation, and the end of the server, are seen while a job runs."""
        while True:
            lengths = self._inbox.read(LENGTHS.size)
            if len(lengths) < LENGTHS.size:
                os._exit(0)
            head, body = LENGTHS.unpack(lengths)
            header = json.loads(self._inbox.read(head))
            data = self._inbox.read(body)
            if header["kind"] == "cancel":
                self._unwanted.add(header["job"])
            else:
                self._jobs.put((header, data))


def _limit(memory_mb: int, nice: int) -> None:
    """Bound this process's memory and give way to the server; as far as the system has that."""
    if nice:
        os.nice(nice)
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash must not leave a student's picture on the disk
        if memory_mb:
            limit = memory_mb << 20
            # Data, not address space: libraries reserve far more addresses than they ever use.
            resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def where(error: BaseException) -> str:
    """An exception's type and innermost places, without any values."""
    places = reversed(traceback.extract_tb(error.__traceback__)[-4:])
    return " < ".join([type(error).__name__, *(f"{p.name} ({p.filename}:{p.lineno})" for p in places)])


def main() -> None:
    """What a worker process runs."""
    for number in (signal.SIGINT, signal.SIGTERM):  # meant for the server, which still needs its workers to drain
        signal.signal(number, signal.SIG_IGN)
    inbox, outbox = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)  # whatever a library prints must not end up among the frames
    with contextlib.suppress(BrokenPipeError):
        Worker(inbox, outbox).run()
    os._exit(0)
