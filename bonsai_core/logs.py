"""Logging: structlog and the standard library's loggers through one chain, for people or as JSON lines.

Code logs events with keys, `log.info("joined", user=user)`, and never a token or a payload. Should one slip through
all the same, `redact` takes it out, from exception texts too; it is the last line of defence, not a licence.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, TextIO


def _import_structlog() -> ModuleType:
    """Import structlog without the rich that it would load for tracebacks we render plainly: 50 ms of the start."""
    if "structlog" in sys.modules or "rich" in sys.modules:
        import structlog
    else:
        sys.modules["rich"] = None  # type: ignore[assignment]
        try:
            import structlog
        finally:
            del sys.modules["rich"]
    return structlog


_import_structlog()

import structlog  # noqa: E402
from structlog.typing import EventDict, Processor, WrappedLogger  # noqa: E402

REDACTED = "[redacted]"

_SECRET_KEYS = frozenset(
    {"token", "secret", "authorization", "password", "data", "payload", "cookie", "api_key", "apikey"}
)
_SECRET_ENDINGS = ("_token", "_secret", "_password", "-token", "-secret", "-password")
# What base64url makes of a JSON object's first characters, with or without the parts that follow it.
_TOKEN = re.compile(r"\beyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){0,4}")
_URL_PASSWORD = re.compile(r"(://[^\s/:@]*):[^\s/@]+@")
_MAX_DEPTH = 6

# These log every request or every poll at a level that only their own developers want.
_QUIET = {"aiohttp.access": logging.WARNING, "asyncio": logging.WARNING, "watchfiles": logging.WARNING}


def configure(
    *, json: bool = False, debug: bool = False, stream: TextIO | None = None, node: str | None = None
) -> None:
    """Set up logging for the process; calling it again replaces the set-up.

    Args:
        json: one JSON object a line, for log collectors; else aligned text, in colour on a terminal without NO_COLOR.
        debug: from level DEBUG on; else from INFO on.
        stream: where to write; by default standard error.
        node: what every line names as its node; None names none.
    """
    out = stream if stream is not None else sys.stderr
    level = logging.DEBUG if debug else logging.INFO
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(
            fmt="iso" if json else "%H:%M:%S", utc=json, key="ts" if json else "timestamp"
        ),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        *([_Node(node)] if node is not None else []),
        redact,
    ]
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            # Structlog's own events passed `shared` already; those of the standard library's loggers pass it here.
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(json, out)],
            foreign_pre_chain=shared,
        )
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for old in [one for one in root.handlers if isinstance(one.formatter, structlog.stdlib.ProcessorFormatter)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name, quiet in _QUIET.items():
        logging.getLogger(name).setLevel(logging.DEBUG if debug else quiet)
    logging.captureWarnings(True)


class _Node:
    """Structlog processor: which of several nodes says it, unless the line is about another."""

    def __init__(self, node: str) -> None:
        self._node = node

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event.setdefault("node", self._node)
        return event


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Structlog processor: take out values under secret-sounding keys, tokens, and passwords in URLs, at any depth."""
    return {key: value if key.startswith("_") else _clean(key, value, 0) for key, value in event.items()}


def _clean(key: object, value: Any, depth: int) -> Any:
    if isinstance(key, str) and ((name := key.lower()) in _SECRET_KEYS or name.endswith(_SECRET_ENDINGS)):
        return REDACTED
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return _clean_text(value)
    if depth >= _MAX_DEPTH:
        return "…"
    if isinstance(value, Mapping):
        return {str(inner): _clean(inner, one, depth + 1) for inner, one in value.items()}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes | bytearray | memoryview):
        return [_clean(None, one, depth + 1) for one in value]
    try:
        return _clean_text(repr(value))
    except Exception as error:  # a broken __repr__ must not lose the line
        return f"<{type(value).__name__}: repr raised {type(error).__name__}>"


def _clean_text(text: str) -> str:
    if "eyJ" in text:
        text = _TOKEN.sub(REDACTED, text)
    if "://" in text:
        text = _URL_PASSWORD.sub(rf"\1:{REDACTED}@", text)
    return text


def _renderer(json: bool, out: TextIO) -> Processor:
    if json:
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(
        colors=out.isatty() and not os.environ.get("NO_COLOR"),
        exception_formatter=structlog.dev.plain_traceback,
        pad_event_to=24,
    )
