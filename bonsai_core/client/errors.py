"""What the client raises, each with what happened and what can be done about it."""

from __future__ import annotations

from typing import Any


class ClientError(Exception):
    """Base of everything the client raises on purpose."""


class ClientClosed(ClientError):
    """The client is closed: by `close()`, or because the server refused it for good (see `Client.failure`)."""


class QueueFull(ClientError):
    """The offline queue holds as much as it may. The message was not taken; nothing that was queued is lost."""


class JournalLocked(ClientError):
    """Another process (or client) uses the durable file. One file serves one client at a time."""


class Refused(ClientError):
    """The server ended the connection for good, or could not be reached within the allowed attempts.

    Args:
        message: what happened and what to do, for people.
        code: the WebSocket close code; an HTTP status when the handshake was refused; 0 when there is neither.
        reason: what the server gave as its reason.
    """

    def __init__(self, message: str, code: int = 0, reason: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason


class RequestTimeout(ClientError, TimeoutError):
    """No answer came in time. The message is no longer sent.

    Args:
        id: the message's id.
        event: its event.
        sent: whether it left at least once; then it may have taken effect all the same.
    """

    def __init__(self, id: int, event: str, sent: bool) -> None:
        outcome = "it was sent, so it may have taken effect" if sent else "it was never sent"
        super().__init__(f"no answer to {event} (id {id}) in time; {outcome}")
        self.id = id
        self.event = event
        self.sent = sent


class ServerError(ClientError):
    """The server answered a message with an `error` frame that a resend does not cure.

    Args:
        code: an error code of the protocol, e.g. `invalid_payload`.
        message: the server's explanation.
        details: more of it, e.g. pydantic's list of errors.
        retry_after_ms: when another try may succeed, in milliseconds.
        incident: the id under which the server logged the failure.
    """

    def __init__(
        self,
        code: str,
        message: str,
        details: Any = None,
        retry_after_ms: int | None = None,
        incident: str | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}" + (f" (incident {incident})" if incident else ""))
        self.code = code
        self.message = message
        self.details = details
        self.retry_after_ms = retry_after_ms
        self.incident = incident

    @classmethod
    def from_data(cls, data: Any) -> ServerError:
        """Read the `data` of an `error` frame; whatever is missing or odd becomes a plain default."""
        if not isinstance(data, dict):
            return cls("bad_frame", "the server sent an error frame without data")
        retry = data.get("retryAfterMs")
        incident = data.get("incident")
        return cls(
            str(data.get("code", "bad_frame")),
            str(data.get("message", "")),
            data.get("details"),
            int(retry) if isinstance(retry, int | float) and 0 <= retry < 86_400_000 else None,
            str(incident) if incident is not None else None,
        )
