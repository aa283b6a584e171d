"""Who the client is to the server: made from the options and the durable file, completed by the server's answer."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any

from bonsai_core.client.durable import Journal
from bonsai_core.client.frames import Joined
from bonsai_core.client.options import Auth


@dataclass(slots=True)
class Identity:
    """Who we are to the server. The server fills in what was left open, and reconnects repeat it."""

    client_id: str
    user_id: str | None
    session_id: str | None
    device_id: str | None
    auth: Auth

    def connect_data(self, token: str | None, resume: dict[str, Any]) -> dict[str, Any]:
        """The data of `user:connect`."""
        device = {"kind": self.auth.device.kind, "name": self.auth.device.name, "id": self.device_id}
        data: dict[str, Any] = {
            "token": token,
            "userId": self.auth.user_id,
            "sessionId": self.session_id,
            "clientId": self.client_id,
            "device": {key: value for key, value in device.items() if value is not None},
            "resume": resume or None,
            "batch": True,
        }
        return {key: value for key, value in data.items() if value is not None}

    def adopt(self, joined: Joined) -> None:
        """Stay who the server says we are: a reconnect returns to the same session."""
        self.user_id = joined.user_id or self.user_id
        self.session_id = joined.session_id or self.session_id
        self.device_id = joined.device_id or self.device_id


def identify(auth: Auth, journal: Journal | None) -> tuple[Identity, int]:
    """Who we are, and the first id to give to a message.

    Raises:
        ValueError: the durable file belongs to another client or user.
    """
    if journal is None:
        # A clientId that is given may have been used by an earlier run, whose ids are not known here: ids from the
        # clock are above them, unless that run sent more than a thousand messages a second all along.
        next_id = 1 if auth.client_id is None else int(time.time() * 1000)
        client_id = auth.client_id or uuid.uuid4().hex
        return Identity(client_id, auth.user_id, auth.session_id, auth.device.id, auth), next_id
    kept = journal.fact("client_id")
    if kept is not None and auth.client_id not in (None, kept):
        raise ValueError(f"{journal.path} belongs to client {kept}, not {auth.client_id}: give another path")
    user_id = journal.fact("user_id")
    if user_id is not None and auth.user_id not in (None, user_id):
        raise ValueError(f"{journal.path} belongs to user {user_id}, not {auth.user_id}: give another path")
    client_id = kept or auth.client_id or uuid.uuid4().hex
    journal.set_fact("client_id", client_id)
    identity = Identity(
        client_id,
        auth.user_id or user_id,
        auth.session_id or journal.fact("session_id"),
        auth.device.id or journal.fact("device_id"),
        auth,
    )
    return identity, journal.next_id
