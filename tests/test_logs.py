"""Logging: one chain for everybody's events, and nothing secret in it."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from bonsai_core.logs import REDACTED, configure, redact

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlLW9mLWl0"


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()
    for name in ("aiohttp.access", "asyncio", "watchfiles"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_lines_hold_the_event_its_keys_and_time() -> None:
    out = io.StringIO()
    configure(json=True, stream=out)
    structlog.get_logger("bonsai.rooms").info("joined", user="ada", room="session:1")
    (line,) = lines(out)
    assert line.pop("ts").endswith("Z")
    assert line == {
        "event": "joined",
        "user": "ada",
        "room": "session:1",
        "level": "info",
        "logger": "bonsai.rooms",
    }


def test_the_standard_librarys_loggers_take_the_same_way() -> None:
    out = io.StringIO()
    configure(json=True, stream=out)
    logging.getLogger("aiohttp.server").error("Error handling %s", TOKEN, extra={"authorization": "Bearer x", "a": 1})
    (line,) = lines(out)
    assert line["event"] == f"Error handling {REDACTED}"
    assert line["authorization"] == REDACTED
    assert (line["a"], line["level"], line["logger"]) == (1, "error", "aiohttp.server")


def test_text_for_people_has_no_colour_codes_outside_a_terminal() -> None:
    out = io.StringIO()
    configure(stream=out)
    structlog.get_logger("bonsai").warning("slow plugin", plugin="vision", took_ms=900)
    assert "\x1b" not in out.getvalue()
    assert "plugin=vision" in out.getvalue()
    assert "[warning" in out.getvalue()


def test_text_is_coloured_on_a_terminal_unless_no_color_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    configure(stream=(coloured := Terminal()))
    structlog.get_logger().info("x")
    monkeypatch.setenv("NO_COLOR", "1")
    configure(stream=(plain := Terminal()))
    structlog.get_logger().info("x")
    assert "\x1b" in coloured.getvalue()
    assert "\x1b" not in plain.getvalue()


@pytest.mark.parametrize(("debug", "events"), [(False, ["info"]), (True, ["debug", "info", "asyncio"])])
def test_debug_shows_more(debug: bool, events: list[str]) -> None:
    out = io.StringIO()
    configure(json=True, debug=debug, stream=out)
    structlog.get_logger().debug("debug")
    structlog.get_logger().info("info")
    logging.getLogger("asyncio").debug("asyncio")
    assert [line["event"] for line in lines(out)] == events


def test_configuring_twice_logs_once() -> None:
    out = io.StringIO()
    configure(json=True, stream=io.StringIO())
    configure(json=True, stream=out)
    structlog.get_logger().info("once")
    assert len(lines(out)) == 1


def test_a_token_in_an_exception_is_redacted_for_both_kinds_of_logger() -> None:
    out = io.StringIO()
    configure(json=True, stream=out)
    for log in (structlog.get_logger("ours"), logging.getLogger("theirs")):
        try:
            raise ValueError(f"bad token {TOKEN}")
        except ValueError:
            log.exception("failed")
    assert TOKEN not in out.getvalue()
    assert [f"ValueError: bad token {REDACTED}" in line["exception"] for line in lines(out)] == [True, True]


@pytest.mark.parametrize(
    "key", ["token", "Token", "secret", "authorization", "password", "data", "payload", "jwt_secret", "access_token"]
)
def test_values_under_secret_keys_are_redacted_at_any_depth(key: str) -> None:
    assert redact(None, "info", {key: {"a": 1}}) == {key: REDACTED}
    nested = {"frame": {"headers": [{key: "x"}]}, "fine": 1}
    assert redact(None, "info", nested) == {"frame": {"headers": [{key: REDACTED}]}, "fine": 1}


def test_passwords_in_urls_are_redacted() -> None:
    cleaned = redact(None, "info", {"event": "cannot reach redis://app:hunter2@db:6379/0"})
    assert cleaned["event"] == f"cannot reach redis://app:{REDACTED}@db:6379/0"


def test_objects_are_redacted_by_what_they_would_show() -> None:
    class Holder:
        def __repr__(self) -> str:
            return f"<Holder {TOKEN}>"

    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError

    cleaned = redact(None, "info", {"a": Holder(), "b": Broken(), "c": TOKEN.encode()})
    assert cleaned == {"a": f"<Holder {REDACTED}>", "b": "<Broken: repr raised RuntimeError>", "c": f"b'{REDACTED}'"}


_JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=8) | st.just(TOKEN) | st.just(f"Bearer {TOKEN}!"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(min_size=1, max_size=8).map(lambda key: key.lstrip("_")), _JSON, max_size=4))
def test_no_token_survives_redaction(event: dict[str, Any]) -> None:
    assert TOKEN not in json.dumps(redact(None, "info", event))


def test_logging_does_not_load_rich() -> None:
    # rich and what it loads cost the start 50 ms and render nothing of ours.
    code = "import sys, bonsai_core.logs; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
