"""Fixtures of tests in a browser. A test fails when a page's console was told an error or a warning."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol

import pytest
import pytest_asyncio

from bonsai_core.testing import ServerProcess, StartProcess
from tests.e2e.page import Chromium, build, chromium

#: All but reading pictures, which takes seconds to start.
PLUGINS = "analytics,coaching,dashboard,extension,recs"


class StartPage(Protocol):
    """Starts a server with the page."""

    async def __call__(
        self, *, plugins: str = PLUGINS, env: dict[str, str] | None = None, **settings: Any
    ) -> ServerProcess: ...


@pytest.fixture(scope="session")
def built_page() -> Path:
    """The folder of the built page, of the sources as they are."""
    return build()


@pytest.fixture
def page_server(built_page: Path, bonsai_process: StartProcess) -> StartPage:
    """Starts servers that serve the page: `server = await page_server()`; it is at `server.url`."""

    async def start(*, plugins: str = PLUGINS, env: dict[str, str] | None = None, **settings: Any) -> ServerProcess:
        env = {"BONSAI_COACHING_DWELL_SECONDS": "0"} | (env or {})
        return await bonsai_process(plugins=plugins, env=env, **settings)

    return start


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Chromium]:
    """A Chromium; whatever its pages complain of fails the test."""
    async with chromium() as started:
        yield started
        assert started.complaints == []
