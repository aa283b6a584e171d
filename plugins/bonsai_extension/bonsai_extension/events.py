"""Payloads of the `extension:*` events: camelCase on the wire, times in ms since the epoch."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from bonsai_core import Payload

#: Longest address of a page, in characters; browsers and servers agree on little more.
MAX_URL = 2048
#: Questions that an extension can tell of at a time, and what they may take together as JSON, in characters.
MAX_DETECTED = 100
MAX_DETECTED_JSON = 16_384

Name = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]


def _page(url: str) -> str:
    """The address of a web page, without a password in it; of anything else (a browser's own page, a file) nothing.

    Other devices show it, perhaps as a link, so no `javascript:` may pass.
    """
    url = url.strip()
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _short(detected: Any) -> Any:
    if len(json.dumps(detected, ensure_ascii=False)) > MAX_DETECTED_JSON:
        raise ValueError(f"may take at most {MAX_DETECTED_JSON} characters as JSON")
    return detected


def _given(value: Any) -> Any:
    return "" if value is None else value


#: An address; null is none, as browsers say of a page that an extension may not see.
Url = Annotated[str, StringConstraints(max_length=MAX_URL), AfterValidator(_page), BeforeValidator(_given)]
#: How many questions the extension sees, or a list of what it knows of each: an id, or an object of its own.
Detected = Annotated[
    Annotated[int, Field(ge=0, le=1000)]
    | Annotated[
        list[Annotated[str, StringConstraints(max_length=2000)] | dict[str, Any]], Field(max_length=MAX_DETECTED)
    ],
    AfterValidator(_short),
]


class Sync(Payload):
    """`extension:sync` from a browser extension: how it is now. To be sent on every change, and as a sign of life.

    Attributes:
        is_active: the student has it switched on.
        current_url: the page that it looks at; only addresses of web pages are kept.
        detected_questions: how many questions it sees there, or a list of them.
    """

    extension_id: Name
    is_active: bool
    current_url: Url = ""
    detected_questions: Detected = []


class Synced(Payload):
    """The ack of `extension:sync`.

    Attributes:
        changed: the state is another than before, and was sent to all devices.
        expires_in_ms: the extension counts as gone unless it syncs again within this time.
    """

    extension_id: str
    changed: bool
    expires_in_ms: int


class Ask(Payload):
    """`extension:state` from a client: the state of one extension, or of all; to the asking device alone."""

    extension_id: Name | None = None


class Asked(Payload):
    """The ack of `extension:state`: how many states are sent."""

    extensions: int


class Synchronised(Sync):
    """`extension:sync` to the student's other devices: what the extension has just said; not logged."""

    timestamp: int


class LastQuestion(Payload):
    """The question that was read last from an extension's screenshot.

    Attributes:
        at: when.
    """

    question_id: str
    section: str
    domain: str
    skill: str
    matched_question_id: str | None = None
    at: int


class State(Payload):
    """How an extension is.

    Attributes:
        status: `gone`: it was not heard of for too long, has left, or had to make room for another.
        last_seen: when it was last heard of, as of this message.
        question: what was read last from its screenshots.
    """

    status: Literal["active", "inactive", "gone"]
    is_active: bool
    current_url: str
    detected_questions: Detected
    last_seen: int
    question: LastQuestion | None = None


class StateChanged(Payload):
    """`extension:state`: on each change, to all of the student's devices; logged."""

    extension_id: str
    state: State


class Analysis(Payload):
    """The part of an analysis that a state shows."""

    section: str = "unknown"
    domain: str = "unknown"
    skill: str = "unknown"
    matched_question_id: str | None = None


class Analyzed(Payload):
    """`question:analyzed` as a vision plugin emits it."""

    question_id: str
    analysis: Analysis
    extension_id: str | None = None
