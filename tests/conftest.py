"""Fixtures of more than one test file."""

from __future__ import annotations

import io
import logging
from collections.abc import AsyncIterator, Iterator

import pytest
import structlog

from bonsai_core import logs
from tests.stock_clients import StockClients


@pytest.fixture
def everything_logged() -> Iterator[io.StringIO]:
    """Everything that any logger says at any level, as text."""
    stream = io.StringIO()
    root = logging.getLogger()
    level = root.level
    logs.configure(debug=True, stream=stream)
    yield stream
    for handler in list(root.handlers):
        if isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter):
            root.removeHandler(handler)
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


@pytest.fixture
async def stock_clients() -> AsyncIterator[StockClients]:
    """Makes stock Socket.IO clients: `client = await stock_clients.joined(server)`."""
    clients = StockClients()
    yield clients
    await clients.stop()
