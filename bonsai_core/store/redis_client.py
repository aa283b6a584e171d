"""The way to Redis: which client a URL asks for, scripts, many commits in one write, and what to do when it is away."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha1
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from bonsai_core.store.base import StoreError, StoreUnavailable

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.cluster import RedisCluster

_log = logging.getLogger(__name__)

#: Pipelines under way at a time: while so many wait for Redis, further commits gather for the next.
PIPELINES: Final = 4
#: Commits in one pipeline at most.
BATCH: Final = 256
#: While Redis is away, it is asked so often whether it is back, in seconds.
PROBE: Final = 0.2

_ROOM_SCRIPTS: Final = {"commit", "recover", "forward"}


def read_script(name: str) -> str:
    """The source of a Lua script of this package."""
    folder = files("bonsai_core.store") / "lua"
    source = (folder / f"{name}.lua").read_text()
    return (folder / "room.lua").read_text() + source if name in _ROOM_SCRIPTS else source


class Script:
    """A Lua script and the hash that Redis knows it by."""

    def __init__(self, name: str) -> None:
        self.source = read_script(name)
        self.sha = sha1(self.source.encode(), usedforsecurity=False).hexdigest()


def connect(url: str, timeout: float) -> Redis | RedisCluster:
    """A client for `url`; nothing is sent yet.

    Args:
        url: `redis://host:port/db`, `rediss://...`, `unix://path`; `redis+sentinel://host:port,host:port/service/db`;
            `redis+cluster://host:port,host:port`. `rediss+...` for TLS.
        timeout: for connecting and for each answer, in seconds.

    Raises:
        StoreError: the redis package is not installed.
        ValueError: the URL cannot be read.
    """
    try:
        from redis.asyncio import Redis
        from redis.asyncio.cluster import ClusterNode, RedisCluster
        from redis.asyncio.retry import Retry
        from redis.asyncio.sentinel import Sentinel
        from redis.backoff import NoBackoff
    except ImportError:
        raise StoreError("the Redis store needs the redis package: pip install 'bonsai-core[redis]'") from None
    options: dict[str, Any] = {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "socket_keepalive": True,
        "protocol": 2,
        "client_name": "bonsai",
    }
    scheme, _, rest = url.partition("://")
    base, _, kind = scheme.partition("+")
    if not kind:
        return Redis.from_url(url, retry=Retry(NoBackoff(), 1), health_check_interval=0, **options)
    parts = urlsplit(f"{base}://{rest}")
    user, _, hosts = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    options |= {"username": unquote(name) or None, "password": unquote(password) or None}
    options |= {key: value for key, value in parse_qsl(parts.query) if key in ("username", "password")}
    addresses = [_address(host) for host in hosts.split(",") if host]
    if not addresses:
        raise ValueError(f"{scheme}:// names no host")
    tls = base == "rediss"
    if kind == "cluster":
        nodes = [ClusterNode(host, port) for host, port in addresses]
        return RedisCluster(startup_nodes=nodes, ssl=tls, **options)
    service, _, db = parts.path.strip("/").partition("/")
    if not service:
        raise ValueError("redis+sentinel:// needs the service's name: redis+sentinel://host:26379/mymaster/0")
    watch = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
    sentinel: Any = Sentinel(addresses, sentinel_kwargs=watch)  # type: ignore[no-untyped-call]
    master: Redis = sentinel.master_for(service, db=int(db or 0), retry=Retry(NoBackoff(), 1), ssl=tls, **options)
    return master


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return (host, int(port)) if host else (text, 6379)


@dataclass(slots=True)
class _Call:
    script: Script
    keys: Sequence[str]
    arguments: Sequence[Any]
    answer: asyncio.Future[Any] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Link:
    """One client of Redis, shared by all that the store does.

    Args:
        client: see `connect`.
        on_back: called when Redis answers again after it was away.
    """

    def __init__(self, client: Redis | RedisCluster, on_back: Callable[[], None]) -> None:
        self.client: Any = client
        self._on_back = on_back
        self.away = False
        self.closed = False
        self._queue: list[_Call] = []
        self._under_way = 0
        self._scheduled = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._prober: asyncio.Task[None] | None = None

    async def run(self, script: Script, keys: Sequence[str], *arguments: Any) -> Any:
        """Run a script; with others of this loop turn it goes out in one write.

        Raises:
            StoreUnavailable: Redis is away. The script may have run all the same.
            StoreError: Redis refused it.
        """
        self._check()
        call = _Call(script, keys, arguments)
        self._queue.append(call)
        if not self._scheduled and self._under_way < PIPELINES:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._flush)
        # Shielded: a caller that is cancelled must not keep a whole batch's answers from the others.
        return await asyncio.shield(call.answer)

    async def ask(self, command: str, *arguments: Any, **options: Any) -> Any:
        """Call a method of the client: `link.ask("hget", key, field)`.

        Raises:
            StoreUnavailable, StoreError: as `run`.
        """
        self._check()
        try:
            return await _again(lambda: getattr(self.client, command)(*arguments, **options))
        except Exception as error:
            raise self.translate(error) from error

    async def close(self) -> None:
        """Let what is under way finish, then disconnect."""
        while self._queue or self._under_way:
            if not self._tasks:
                self._flush()
            await asyncio.wait(self._tasks, timeout=5)
        self.closed = True
        if self._prober is not None:
            self._prober.cancel()
        manager = getattr(getattr(self.client, "connection_pool", None), "sentinel_manager", None)
        for client in (self.client, *(manager.sentinels if manager is not None else ())):
            with contextlib.suppress(Exception):
                await client.aclose()

    def translate(self, error: Exception) -> Exception:
        """What a failure of the client means; notes when Redis is away."""
        from redis import exceptions as redis

        lost = (redis.ConnectionError, redis.TimeoutError, redis.ReadOnlyError, redis.ClusterError, OSError)
        if isinstance(error, (*lost, _Broken)) or (isinstance(error, redis.ResponseError) and _cannot_write(error)):
            self.lost()
            return StoreUnavailable("Redis is away")
        if isinstance(error, redis.RedisError):
            return StoreError(f"Redis refused: {type(error).__name__}: {str(error)[:200]}")
        return error

    def lost(self) -> None:
        """Redis does not answer: refuse at once, until it does."""
        if self.away or self.closed:
            return
        self.away = True
        _log.warning("Redis is away")
        self._prober = asyncio.create_task(self._probe(), name="probe Redis")

    def _check(self) -> None:
        if self.closed:
            raise StoreUnavailable("the Redis store is not open")
        if self.away:
            raise StoreUnavailable("Redis is away")

    async def _probe(self) -> None:
        while True:
            await asyncio.sleep(PROBE)
            try:
                # A write, so that a replica, a full disk or a loading server does not count as back.
                await self.client.set("bonsai:probe", 1)
            except Exception as error:
                _log.debug("Redis is still away: %s", type(error).__name__)
                continue
            self.away = False
            _log.warning("Redis is back")
            self._on_back()
            return

    def _flush(self) -> None:
        self._scheduled = False
        if not self._queue:
            return
        batch, self._queue = self._queue[:BATCH], self._queue[BATCH:]
        self._under_way += 1
        task = asyncio.create_task(self._send(batch))
        self._tasks.add(task)
        task.add_done_callback(self._sent)
        if self._queue and self._under_way < PIPELINES:
            self._flush()

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._under_way -= 1
        if self._queue and not self._scheduled:
            self._flush()

    async def _send(self, batch: list[_Call]) -> None:
        from redis.exceptions import NoScriptError

        try:
            answers = await _again(lambda: self._pipeline(batch, known=True))
            unknown = [i for i, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
            if unknown:  # Redis was started anew, or its scripts were flushed
                again = await self._pipeline([batch[i] for i in unknown], known=False)
                for i, answer in zip(unknown, again, strict=True):
                    answers[i] = answer
        except Exception as error:
            answers = [error] * len(batch)
        except asyncio.CancelledError:
            answers = [StoreUnavailable("the Redis store was closed")] * len(batch)
        for call, answer in zip(batch, answers, strict=True):
            if call.answer.done():
                continue
            if isinstance(answer, Exception):
                call.answer.set_exception(self.translate(answer))
                call.answer.exception()  # its caller may be gone
            else:
                call.answer.set_result(answer)

    async def _pipeline(self, batch: list[_Call], known: bool) -> list[Any]:
        pipeline = self.client.pipeline(transaction=False)
        for call in batch:
            name, script = ("EVALSHA", call.script.sha) if known else ("EVAL", call.script.source)
            pipeline.execute_command(name, script, len(call.keys), *call.keys, *call.arguments)
        answers: list[Any] = await pipeline.execute(raise_on_error=False)
        return answers


class _Broken(Exception):
    """Connections break as soon as they are used."""


async def _again(act: Callable[[], Awaitable[Any]]) -> Any:
    """Do something once more when its connection turned out to be closed, which uvloop says with a `RuntimeError`."""
    for _ in range(3):
        try:
            return await act()
        except RuntimeError as error:
            _log.debug("a connection to Redis was closed: %s", error)
    raise _Broken


def _cannot_write(error: Exception) -> bool:
    """Whether a server answers but cannot write now: it loads, is a replica, or lacks memory, disk or replicas."""
    return str(error).startswith(
        ("LOADING", "READONLY", "MISCONF", "MASTERDOWN", "OOM", "NOREPLICAS", "CLUSTERDOWN", "BUSY")
    )
