"""What is typed into `bonsai connect`: lines that become events, and event names to complete. Pure.

session:state                                          no payload
analytics:performance {"questionId": "q1", ...}        JSON
analytics:performance questionId=q1 correct=true timeSpent=41.5
extension:screenshot metadata.url="https://example.org" @shot.png       a file as attachment
/state                                                 a command
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_KEY = re.compile(r"([A-Za-z_][\w.-]*)=")
_WORD = re.compile(r"\S+")
_decode = json.JSONDecoder().raw_decode


class LineError(ValueError):
    """A line that cannot be understood, with what is expected instead."""


@dataclass(slots=True, frozen=True)
class Event:
    """An event to send. `attachment` is the path of a file whose bytes travel with it."""

    name: str
    data: Any = None
    attachment: Path | None = None


@dataclass(slots=True, frozen=True)
class Command:
    """A command to the terminal itself, without its slash."""

    name: str
    rest: str = ""


@dataclass(slots=True, frozen=True)
class EventInfo:
    """An event that the server declares: whether clients send it (else they receive it), and what it is for."""

    name: str
    sent: bool
    summary: str = ""


def parse(line: str) -> Event | Command | None:
    """Understand one line; None for an empty one or a comment (`#`).

    Raises:
        LineError: it is none of the forms above.
    """
    line = line.strip()
    if not line or line.startswith("#"):
        return None
    first, _, rest = line.partition(" ")
    rest = rest.strip()
    if first.startswith("/"):
        return Command(first[1:], rest)
    if first[0] in "{[\"'" or "=" in first:
        raise LineError(f"a line begins with an event's name, e.g. session:state; not with {first[:20]}")
    if rest.startswith(("{", "[")):
        value, end = _json_at(rest, 0)
        return Event(first, value, _attachment_only(rest[end:].strip()))
    data, attachment = _pairs(rest)
    return Event(first, data or None, attachment)


def _pairs(text: str) -> tuple[dict[str, Any], Path | None]:
    data: dict[str, Any] = {}
    attachment: Path | None = None
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
        elif text[at] == "@":
            word = _WORD.match(text, at)
            assert word is not None
            attachment = Path(word[0][1:])
            at = word.end()
        elif (key := _KEY.match(text, at)) is not None:
            value, at = _value_at(text, key.end())
            _put(data, key[1], value)
        else:
            raise LineError(f"expected key=value or {{json}} at: {text[at : at + 30]}")
    return data, attachment


def _value_at(text: str, at: int) -> tuple[Any, int]:
    if at < len(text) and text[at] in '{["':
        return _json_at(text, at)
    word = _WORD.match(text, at)
    if word is None or word.start() != at:
        return "", at
    try:
        value = json.loads(word[0], parse_constant=_no_constant)
    except ValueError:
        value = word[0]
    return value, word.end()


def _json_at(text: str, at: int) -> tuple[Any, int]:
    try:
        value, end = _decode(text, at)
    except json.JSONDecodeError as error:
        raise LineError(f"not JSON: {error.msg} at: {text[error.pos : error.pos + 30] or 'the end'}") from None
    if end < len(text) and not text[end].isspace():
        raise LineError(f"a space is expected before: {text[end : end + 30]}")
    return value, end


def _no_constant(name: str) -> str:
    raise ValueError(name)  # NaN and Infinity are words, not JSON


def _attachment_only(rest: str) -> Path | None:
    if not rest:
        return None
    if rest.startswith("@") and " " not in rest:
        return Path(rest[1:])
    raise LineError(f"only @file may follow the JSON, not: {rest[:30]}")


def _put(data: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        below = data.setdefault(parent, {})
        if not isinstance(below, dict):
            raise LineError(f"{parent} has a value already, so {path} cannot be inside it")
        data = below
    data[last] = value


def events_of(document: Any) -> list[EventInfo]:
    """The events of an AsyncAPI 3 document, each direction once, in the document's order; none for anything else.

    Operations are named from the server's view: what it receives, clients send.
    """
    found: dict[tuple[str, bool], EventInfo] = {}
    for action, key in _operation_messages(document):
        message = _at(document, "components", "messages", key)
        name = _at(message, "name")
        if isinstance(name, str):
            info = EventInfo(name, action == "receive", str(_at(message, "summary") or ""))
            found.setdefault((info.name, info.sent), info)
    return list(found.values())


def _operation_messages(document: Any) -> Iterator[tuple[Any, str]]:
    operations = _at(document, "operations")
    for operation in operations.values() if isinstance(operations, Mapping) else ():
        messages = _at(operation, "messages")
        for message in messages if isinstance(messages, list) else ():
            reference = _at(message, "$ref")
            if isinstance(reference, str):
                yield _at(operation, "action"), reference.rpartition("/")[2]


def _at(value: Any, *path: str) -> Any:
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value
