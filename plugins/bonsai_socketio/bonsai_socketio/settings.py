"""The plugin's own settings, from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class SocketIoSettings:
    """What the gateway may do. Heartbeats, limits and origins are the core's.

    Attributes:
        path: where clients look for it, with slashes at both ends (`BONSAI_SOCKETIO_PATH`).
        polling: whether HTTP long-polling is offered besides WebSocket (`BONSAI_SOCKETIO_POLLING`, 1 or 0).
        max_payload_bytes: largest body of a polling request (`BONSAI_SOCKETIO_MAX_PAYLOAD_BYTES`); 0: as large as the
            core's largest message and attachment need.
        max_attachments: binary attachments of one event (`BONSAI_SOCKETIO_MAX_ATTACHMENTS`).
        recovery: whether clients may recover what they missed (`BONSAI_SOCKETIO_RECOVERY`, 1 or 0).
    """

    path: str = "/socket.io/"
    polling: bool = True
    max_payload_bytes: int = 0
    max_attachments: int = 10
    recovery: bool = True

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> SocketIoSettings:
        """The settings of this environment; an empty variable counts as not set.

        Raises:
            ValueError: a variable makes no sense; the message names it and what is allowed.
        """
        path = environment.get("BONSAI_SOCKETIO_PATH", "").strip() or cls.path
        if not path.startswith("/") or "{" in path or not path.isascii():
            raise ValueError("BONSAI_SOCKETIO_PATH must be a path such as /socket.io/")
        largest = 1 << 30
        return cls(
            path=path.rstrip("/") + "/",
            polling=_number(environment, "BONSAI_SOCKETIO_POLLING", cls.polling, 0, 1) == 1,
            max_payload_bytes=_number(environment, "BONSAI_SOCKETIO_MAX_PAYLOAD_BYTES", 0, 0, largest),
            max_attachments=_number(environment, "BONSAI_SOCKETIO_MAX_ATTACHMENTS", cls.max_attachments, 0, 1000),
            recovery=_number(environment, "BONSAI_SOCKETIO_RECOVERY", cls.recovery, 0, 1) == 1,
        )


def _number(environment: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = environment.get(name, "").strip()
    if not text:
        return int(default)
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise ValueError(f"{name} must be a whole number from {low} to {high}")
    return int(text)
