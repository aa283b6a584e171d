"""The cache of documents: never more than its bytes, never older than a commit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bonsai_core.live import ENTRY_BYTES, Documents
from bonsai_core.store.base import Document, Write

steps = st.lists(
    st.tuples(st.sampled_from(["load", "write", "delete", "forget"]), st.integers(0, 5), st.integers(0, 900)),
    max_size=60,
)


class Store:
    """As much of a store as the cache asks for."""

    shared = False

    def __init__(self) -> None:
        self.held: dict[str, Document] = {}
        self.loads = 0

    async def load(self, user: str, key: str) -> Document | None:
        self.loads += 1
        return self.held.get(key)


@given(steps, st.integers(0, 5000))
async def test_what_it_gives_is_what_is_stored_and_never_more_than_its_bytes(
    steps: list[tuple[str, int, int]], limit: int
) -> None:
    store = Store()
    documents = Documents(store, limit)  # type: ignore[arg-type]
    for step, number, size in steps:
        key = str(number)
        held = store.held.get(key)
        if step == "load":
            assert await documents.load("ada", key) == held
        elif step == "forget":
            documents.forget("ada", (key,))
        else:
            value = b"x" * size if step == "write" else None
            version = held.version if held else 0
            store.held.pop(key, None)
            if value is not None:
                store.held[key] = Document(value, version + 1)
            documents.committed("ada", [Write(key, value, version)])
        assert 0 <= documents.bytes <= limit


async def test_what_was_used_least_goes_first() -> None:
    store = Store()
    documents = Documents(store, 2 * ENTRY_BYTES)  # type: ignore[arg-type]
    for key in ("a", "b", "a", "c", "a", "b"):
        await documents.load("ada", key)
    assert store.loads == 4, "a stays, for it is used all the time"
