"""Our own vision plugin keeps the contract, with the real pipeline.

Each check has a server of its own. Their workers are the same, for loading the models takes longer than all the rest.
"""

from __future__ import annotations

import functools
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio
from bonsai_vision.pipeline import Stage
from bonsai_vision.plugin import Vision
from bonsai_vision.pool import Pool, PoolLimits
from bonsai_vision.settings import VisionSettings
from PIL import Image, ImageDraw

from bonsai_core.testing import StartServer
from bonsai_core.testing.contracts import QUESTION, VisionContract


class Borrowed:
    """A pool that somebody else starts and closes."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)

    def start(self) -> None:
        """It was started before."""

    async def close(self) -> None:
        """It is used again."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[Pool]:
    options = {"stages": {}, "max_bytes": 1 << 20, "max_pixels": 10_000_000}
    pool = Pool("bonsai_vision.reading:Reading", options, PoolLimits(workers=1))
    pool.start()
    yield pool
    await pool.close()


@pytest_asyncio.fixture(loop_scope="module")
async def bonsai_server() -> AsyncIterator[StartServer]:
    """As the test kit's, in this module's event loop."""
    start = StartServer()
    yield start
    await start.stop_all()


def in_one_loop(contract: type[VisionContract]) -> type[VisionContract]:
    """Run all checks of a contract in the module's event loop, where the shared workers are."""

    def within(check: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        @functools.wraps(check)
        async def run(*given: Any, **named: Any) -> None:
            await check(*given, **named)

        marked: Callable[..., Awaitable[None]] = pytest.mark.asyncio(loop_scope="module")(run)
        return marked

    for name in [name for name in dir(contract) if name.startswith("test_")]:
        setattr(contract, name, within(getattr(contract, name)))
    return contract


@in_one_loop
class TestVision(VisionContract):
    @pytest.fixture
    def plugin(self, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> Vision:
        monkeypatch.setattr("bonsai_vision.service.Pool", lambda *_: Borrowed(pool))
        return Vision(VisionSettings(workers=1))

    @pytest.fixture
    def screenshot(self) -> bytes:
        page = Image.new("L", (640, 260), "white")
        ImageDraw.Draw(page).multiline_text((20, 20), QUESTION, fill="black", font_size=24, spacing=20)
        file = io.BytesIO()
        page.save(file, "PNG")
        return file.getvalue()

    async def test_it_reads_what_the_picture_says(
        self, bonsai_server: StartServer, plugin: Vision, screenshot: bytes, ids: Iterator[int]
    ) -> None:
        server = await self.start(bonsai_server, plugin)
        device = await server.connect()
        analysis = (await self.analyze(device, next(ids), attachment=screenshot))["analysis"]
        shown = [frame["data"] for frame in device.of("question:progress")]
        assert list(dict.fromkeys(step["stage"] for step in shown)) == ["received", *Stage]
        assert shown[-1]["fraction"] == 1
        assert next(step for step in shown if step["stage"] == "structure")["partial"]["stem"] == analysis["stem"]
        assert analysis["stem"] == "If 3x + 7 = 22, what is the value of x?"
        assert [choice["text"] for choice in analysis["choices"]] == ["3", "5", "7", "15"]
        assert (analysis["section"], analysis["domain"]) == ("Math", "Algebra")
        assert analysis["insights"]
