"""Fixtures of more than one test file."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest
import structlog

from bonsai_core import logs


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
