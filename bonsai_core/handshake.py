"""What is wrong with a WebSocket handshake (RFC 6455 section 4.2.1), judged before anybody acts on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bonsai_core.protocol import SUBPROTOCOL

#: Sixteen bytes in base64: the last character but two carries four bits only.
_KEY = re.compile(r"[A-Za-z0-9+/]{21}[AQgw]==")


class Headers(Protocol):
    """A request's headers; names in any case, each as often as it was sent."""

    def getall(self, name: str, default: list[str], /) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a handshake is refused: an HTTP status, words for the client's developer, headers of the answer."""

    status: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)


def find_flaw(version: tuple[int, int], headers: Headers) -> Flaw | None:
    """The first flaw of a `GET` request that should become a WebSocket; None when it may.

    Args:
        version: of HTTP, (1, 1) for instance.
    """
    if version != (1, 1):
        return Flaw(400, "a WebSocket begins with HTTP/1.1\n")
    if "websocket" not in _tokens(headers, "Upgrade") or "upgrade" not in _tokens(headers, "Connection"):
        return Flaw(426, "this is a WebSocket endpoint\n", {"Upgrade": "websocket", "Connection": "Upgrade"})
    if headers.getall("Sec-WebSocket-Version", []) != ["13"]:
        return Flaw(426, "this server speaks version 13 of WebSocket\n", {"Sec-WebSocket-Version": "13"})
    keys = headers.getall("Sec-WebSocket-Key", [])
    if len(keys) != 1 or not _KEY.fullmatch(keys[0]):
        return Flaw(400, "Sec-WebSocket-Key must be there once: 16 bytes in base64\n")
    # A body would be read as frames.
    if headers.getall("Transfer-Encoding", []) or headers.getall("Content-Length", ["0"]) != ["0"]:
        return Flaw(400, "a handshake has no body\n")
    if offers_others(headers):
        return Flaw(400, f"this server speaks the subprotocol {SUBPROTOCOL}\n")
    return None


def offers_others(headers: Headers) -> bool:
    """Whether subprotocols are offered, but not ours. No offer at all counts as ours."""
    offered = headers.getall("Sec-WebSocket-Protocol", [])
    return bool(offered) and SUBPROTOCOL not in [p.strip() for value in offered for p in value.split(",")]


def _tokens(headers: Headers, name: str) -> list[str]:
    return [token.strip().lower() for value in headers.getall(name, []) for token in value.split(",")]
