"""Stores: where documents, records, duplicate marks and room logs live. `create_store` picks one by URL."""

from __future__ import annotations

from collections.abc import Callable

from bonsai_core.store.base import Store, StoreError


class StoreUrlError(StoreError, ValueError):
    """The store URL names no store that this version has."""


#: What a Redis URL may begin with.
REDIS_SCHEMES = ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster")


def create_store(
    url: str,
    *,
    max_messages: int,
    max_age: float,
    window: int,
    clock: Callable[[], int],
    node: str = "",
    timeout: float = 2.0,
    lease: float = 10.0,
) -> Store:
    """Build the store that `url` names; nothing is opened yet.

    Args:
        url: `sqlite:///relative/path`, `sqlite:////absolute/path` or `sqlite://` (memory), as SQLAlchemy writes them;
            `redis://host:port/db`, `rediss://...`, `unix://path`, `redis+sentinel://host:port,host:port/service/db`,
            `redis+cluster://host:port,host:port`.
        max_messages: how many of the newest messages a room log keeps.
        max_age: age in seconds up to which logged messages can be recovered.
        window: how many of a client's newest ids keep their duplicate marks.
        clock: gives now, in milliseconds since the epoch.
        node: this process's id among the nodes, for a store that processes share.
        timeout: how long Redis may take to answer, in seconds.
        lease: how long a node is believed to live without a sign of it, in seconds.

    Raises:
        StoreUrlError: the URL is malformed or its scheme is unknown.
    """
    # A URL can hold a password, so messages name no more of it than the scheme.
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise StoreUrlError("the store URL has no scheme; write for example sqlite:///.bonsai/bonsai.db")
    if scheme in REDIS_SCHEMES:
        from bonsai_core.store.redis import RedisStore

        return RedisStore(
            url,
            max_messages=max_messages,
            max_age=max_age,
            window=window,
            clock=clock,
            node=node,
            timeout=timeout,
            lease=lease,
        )
    if scheme != "sqlite":
        raise StoreUrlError(
            f"unknown store scheme {scheme!r}; known are sqlite:///path, sqlite:// (memory) and redis://"
        )
    if rest and not rest.startswith("/"):
        raise StoreUrlError("sqlite:// takes no host: write sqlite:///relative/path or sqlite:////absolute/path")
    if "?" in rest:
        raise StoreUrlError("sqlite:// takes no options: remove the part after the question mark")

    from bonsai_core.store.sqlite import SqliteStore

    path = rest[1:]
    return SqliteStore(
        None if path in ("", ":memory:") else path,
        max_messages=max_messages,
        max_age=max_age,
        window=window,
        clock=clock,
    )


__all__ = ["Store", "StoreError", "StoreUrlError", "create_store"]
