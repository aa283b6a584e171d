"""The way to Redis: the client that a URL asks for, scripts, which server has a key, what to do when Redis is away."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from hashlib import sha1
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from bonsai_core.store.base import StoreError, StoreUnavailable
from bonsai_core.store.redis_pipe import Lost, Pipe, Refusal
from bonsai_core.store.redis_pipe import connect as open_connection

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.cluster import RedisCluster

_log = logging.getLogger(__name__)

#: How often a command is sent when connections break, or slots of a cluster move.
ATTEMPTS: Final = 3
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
            `redis+cluster://host:port,host:port`. `rediss+...` for TLS. The query has redis-py's options, as
            `?ssl_ca_certs=PATH`; `sentinel_username` and `sentinel_password` are for the Sentinels themselves.
        timeout: for connecting and for each answer, in seconds.

    Raises:
        StoreError: the redis package is not installed.
        ValueError: the URL cannot be read.
    """
    try:
        from redis.asyncio import Redis
        from redis.asyncio.cluster import ClusterNode, RedisCluster
        from redis.asyncio.connection import parse_url
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
    query = dict(parse_qsl(parts.query))
    watch = {name: query.pop(f"sentinel_{name}") for name in ("username", "password") if f"sentinel_{name}" in query}
    given: dict[str, Any] = dict(parse_url(f"{base}://{user}@/?{urlencode(query)}"))
    tls = given.pop("connection_class", None) is not None
    options = given | options | {"ssl": tls}
    addresses = [_address(host) for host in hosts.split(",") if host]
    if not addresses:
        raise ValueError(f"{scheme}:// names no host")
    if kind == "cluster":
        return RedisCluster(startup_nodes=[ClusterNode(host, port) for host, port in addresses], **options)
    service, _, db = parts.path.strip("/").partition("/")
    if not service:
        raise ValueError("redis+sentinel:// needs the service's name: redis+sentinel://host:26379/mymaster/0")
    trust = {name: value for name, value in options.items() if name.startswith(("ssl", "socket"))}
    sentinel: Any = Sentinel(addresses, sentinel_kwargs=trust | watch)  # type: ignore[no-untyped-call]
    master: Redis = sentinel.master_for(service, db=int(db or 0), retry=Retry(NoBackoff(), 1), **options)
    return master


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return (host, int(port)) if host else (text, 6379)


class Link:
    """The connections that all of the store's commands share: one to each server that has keys.

    Args:
        client: see `connect`.
        timeout: how long an answer may take, in seconds.
        on_back: called when Redis answers again after it was away.
    """

    def __init__(self, client: Redis | RedisCluster, timeout: float, on_back: Callable[[], None]) -> None:
        self.client: Any = client
        self.clustered = hasattr(client, "get_node_from_key")
        self._knows_slots = False
        self._timeout = timeout
        self._on_back = on_back
        self.away = False
        self.closed = False
        #: Connections by the server's name; "" without a cluster.
        self._pipes: dict[str, Pipe] = {}
        self._opening: dict[str, asyncio.Task[Pipe]] = {}
        self._prober: asyncio.Task[None] | None = None

    async def run(self, script: Script, keys: Sequence[str], *arguments: Any) -> Any:
        """Run a script; all of its keys are on one server.

        Raises:
            StoreUnavailable: Redis is away. The script may have run all the same.
            StoreError: Redis refused it.
        """
        self._check()
        try:
            return await self._send(keys[0], ("EVALSHA", script.sha, len(keys), *keys, *arguments))
        except Refusal as refusal:
            if refusal.word != "NOSCRIPT":
                raise self.translate(refusal, keys[0]) from None
        except Exception as error:
            raise self.translate(error, keys[0]) from error
        # Redis was started anew, or its scripts were flushed.
        return await self._ask(keys[0], ("EVAL", script.source, len(keys), *keys, *arguments))

    async def ask(self, command: str, *words: Any, key: str | None = None, repeat: bool = True) -> Any:
        """Send one command: `link.ask("HGET", key, field)`.

        Args:
            key: says which server of a cluster; by default the first word does. Empty for any server.
            repeat: send it again when its connection breaks: for what may be done twice.

        Raises:
            StoreUnavailable, StoreError: as `run`.
        """
        self._check()
        return await self._ask(str(words[0]) if key is None else key, (command, *words), repeat)

    async def close(self) -> None:
        """Let what is under way finish, then disconnect."""
        for pipe in list(self._pipes.values()):
            await pipe.drained()
        self.closed = True
        if self._prober is not None:
            self._prober.cancel()
        for pipe in self._pipes.values():
            pipe.close()
        manager = getattr(getattr(self.client, "connection_pool", None), "sentinel_manager", None)
        for client in (self.client, *(manager.sentinels if manager is not None else ())):
            with contextlib.suppress(Exception):
                await client.aclose()

    def server_of(self, key: str) -> Any:
        """The cluster's primary that has a key; None without a cluster."""
        if not self.clustered:
            return None
        return self.client.get_node_from_key(key) if key else self.client.get_random_node()

    def connection_to(self, server: Any) -> Callable[[], Any]:
        """What makes a connection of redis-py to a server, as `server_of` gives it."""
        if server is not None:
            return lambda: server.connection_class(**server.connection_kwargs)
        make: Callable[[], Any] = self.client.connection_pool.make_connection
        return make

    async def learn_slots(self) -> None:
        """Read anew which server of a cluster has which keys."""
        if self._knows_slots:
            await self.client.nodes_manager.initialize()
        elif self.clustered:
            await self.client.initialize()
            self._knows_slots = True

    def translate(self, error: Exception, key: str = "") -> Exception:
        """What a failure means to the store; notes when Redis is away, and for which key."""
        from redis import exceptions as redis

        lost = (Lost, redis.ConnectionError, redis.TimeoutError, redis.ReadOnlyError, redis.ClusterError, OSError)
        if isinstance(error, lost) or (isinstance(error, Refusal | redis.ResponseError) and _cannot_write(error)):
            self.lost(key)
            return StoreUnavailable("Redis is away")
        if isinstance(error, Refusal | redis.RedisError):
            return StoreError(f"Redis refused: {str(error)[:200]}")
        return error

    def lost(self, key: str = "") -> None:
        """Redis does not answer: refuse at once, until it does. Of a cluster, the server that has the key."""
        if self.away or self.closed:
            return
        self.away = True
        _log.warning("Redis is away")
        self._prober = asyncio.create_task(self._probe(_beside(key)), name="probe Redis")

    def _check(self) -> None:
        if self.closed:
            raise StoreUnavailable("the Redis store is not open")
        if self.away:
            raise StoreUnavailable("Redis is away")

    async def _ask(self, key: str, words: tuple[Any, ...], repeat: bool = True) -> Any:
        try:
            return await self._send(key, words, repeat)
        except Exception as error:
            raise self.translate(error, key) from error

    async def _send(self, key: str, words: tuple[Any, ...], repeat: bool = True) -> Any:
        for left in reversed(range(ATTEMPTS)):
            name, pipe = await self._pipe(key)
            try:
                return await pipe.send(words)
            except Lost:
                if not (left and repeat):
                    raise
            except Refusal as refusal:
                if refusal.word == "READONLY":  # the master was demoted: Sentinel knows the new one
                    pipe.abort()
                if refusal.word not in ("MOVED", "ASK", "READONLY") or not left:
                    raise
                self._pipes.pop(name, None)
                await self.learn_slots()
        raise Lost

    async def _pipe(self, key: str) -> tuple[str, Pipe]:
        server = self.server_of(key)
        name = server.name if server is not None else ""
        pipe = self._pipes.get(name)
        if pipe is not None and not pipe.lost:
            return name, pipe
        opening = self._opening.get(name)
        if opening is None:
            opening = self._opening[name] = asyncio.create_task(self._open(name, server))
            opening.add_done_callback(lambda _: self._opening.pop(name, None))
        return name, await asyncio.shield(opening)

    async def _open(self, name: str, server: Any) -> Pipe:
        pipe = Pipe(self._timeout)
        async with asyncio.timeout(self._timeout):
            await open_connection(self.connection_to(server), pipe)
        self._pipes[name] = pipe
        return pipe

    async def _probe(self, key: str) -> None:
        while True:
            await asyncio.sleep(PROBE)
            try:
                await self.learn_slots()
                # A write, so that a replica, a full disk or a loading server does not count as back.
                await self._send(key, ("SET", key, "1", "EX", "60"))
            except Exception as error:
                _log.debug("Redis is still away: %s", type(error).__name__)
                continue
            self.away = False
            _log.warning("Redis is back")
            self._on_back()
            return


def _beside(key: str) -> str:
    """A key to probe with: in a cluster, it is in the slot of the given one."""
    _, _, tagged = key.partition("{")
    return f"bonsai:probe:{{{tagged.partition('}')[0] or key}}}"


def _cannot_write(error: Exception) -> bool:
    """Whether a server answers but cannot write now: it loads, is a replica, or lacks memory, disk or replicas."""
    return str(error).startswith(
        ("LOADING", "READONLY", "MISCONF", "MASTERDOWN", "OOM", "NOREPLICAS", "CLUSTERDOWN", "BUSY")
    )
