"""Fixtures of tests in a browser. A test fails when a page's console was told an error or a warning."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol

import pytest
import pytest_asyncio

from bonsai_core.testing import ServerProcess
from tests.e2e.page import Chromium, build, chromium

#: All but reading pictures, which takes seconds to start.
PLUGINS = "analytics,coaching,dashboard,extension,recs"
#: How long a server may take to be ready, in seconds.
START = 120.0


class StartPage(Protocol):
    """Starts a server with the page."""

    async def __call__(
        self, *, plugins: str = PLUGINS, env: dict[str, str] | None = None, **settings: Any
    ) -> ServerProcess: ...


@pytest.fixture(scope="session")
def built_page() -> Path:
    """The folder of the built page, of the sources as they are."""
    return build()


@pytest_asyncio.fixture
async def page_server(built_page: Path, tmp_path: Path) -> AsyncIterator[StartPage]:
    """Starts servers that serve the page: `server = await page_server()`; it is at `server.url`.

    They have all the time that they need: browsers and servers share a machine, and its speed is no subject here.
    """
    started: list[ServerProcess] = []

    async def start(*, plugins: str = PLUGINS, env: dict[str, str] | None = None, **settings: Any) -> ServerProcess:
        folder = tmp_path / f"page-server-{len(started)}"
        folder.mkdir()
        env = {"BONSAI_COACHING_DWELL_SECONDS": "0"} | (env or {})
        server = ServerProcess(folder, plugins=plugins, env=env, handler_timeout_ms=60_000, **settings)
        started.append(server)
        await server.start(timeout=START)
        return server

    yield start
    for server in started:
        await server.stop()


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Chromium]:
    """A Chromium; whatever its pages complain of fails the test."""
    async with chromium() as started:
        yield started
        assert started.complaints == []
