"""Results of pictures and texts that were analysed before, by a hash of their content; bounded, in memory."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Generic, TypeVar

V = TypeVar("V")


def content_key(kind: str, data: bytes) -> str:
    """A short name of some content: 128 bits of its BLAKE2 hash."""
    return hashlib.blake2b(data, digest_size=16, person=kind.encode()[:16]).hexdigest()


class Cache(Generic[V]):
    """Keeps the results that were used last.

    Args:
        size: how many; 0 keeps none.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[str, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: str) -> V | None:
        """The result for this content, if it is kept."""
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key]

    def put(self, key: str, value: V) -> None:
        """Keep a result, in place of the one that was not used for longest."""
        self._kept[key] = value
        self._kept.move_to_end(key)
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        """Forget everything, because results would be others now."""
        self._kept.clear()
