"""Stores: where documents, records, duplicate marks and room logs live. `create_store` picks one by URL."""

from __future__ import annotations

from collections.abc import Callable

from bonsai_core.store.base import Store, StoreError


class StoreUrlError(StoreError, ValueError):
    """The store URL names no store that this version has."""


def create_store(url: str, *, max_messages: int, max_age: float, window: int, clock: Callable[[], int]) -> Store:
    """Build the store that `url` names; nothing is opened yet.

    Args:
        url: `sqlite:///relative/path`, `sqlite:////absolute/path` or `sqlite://` (memory), as SQLAlchemy writes them.
        max_messages: how many of the newest messages a room log keeps.
        max_age: age in seconds up to which logged messages can be recovered.
        window: how many of a client's newest ids keep their duplicate marks.
        clock: gives now, in milliseconds since the epoch.

    Raises:
        StoreUrlError: the URL is malformed or its scheme is unknown.
    """
    # A URL can hold a password, so messages name no more of it than the scheme.
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise StoreUrlError("the store URL has no scheme; write for example sqlite:///.bonsai/bonsai.db")
    if scheme in ("redis", "rediss"):
        raise StoreUrlError(
            f"{scheme}:// is not supported: the Redis store is not part of this version; "
            "use sqlite:///path (one process) instead"
        )
    if scheme != "sqlite":
        raise StoreUrlError(f"unknown store scheme {scheme!r}; this version has sqlite:///path and sqlite:// (memory)")
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
