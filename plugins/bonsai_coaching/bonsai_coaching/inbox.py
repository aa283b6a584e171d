"""The student's messages: kept in order, numbered by the store, unread until they are read; the same for all devices.

Messages are records of one stream; what is unread is one small document. A unit of work that posts or reads changes the
two together, so a crash leaves neither without the other.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel

from bonsai_coaching.coach import Nudge
from bonsai_coaching.events import History, Message, Read
from bonsai_core import Entry, Session

#: The document and the stream, both of the student.
INBOX, MESSAGES = "inbox", "messages"
#: Messages that can be unread at once: of more, the oldest count as read. Keys of messages from other sessions kept.
MOST_UNREAD, KEYS = 500, 100
#: Questions that one student can have at the AI service at a time.
MOST_WAITING = 5
#: Messages that a device gets when it joins.
RECENT = 20


class Waiting(BaseModel):
    """What the AI service is asked. Should the server die meanwhile, it stays here and is answered without the service.

    Attributes:
        kind: of the answer.
        fallback: what the coach says otherwise; it has the id of the answer.
        rung: the hint that is shown when what the service wrote would give the answer away.
    """

    kind: Literal["answer", "rephrase"]
    fallback: Message
    rung: str | None = None

    def written(self, text: str, reason: str) -> Message:
        """The answer in the service's words."""
        return self.fallback.model_copy(update={"message": text, "reason": reason, "kind": self.kind})

    def leaked(self) -> Message:
        """The answer when the service's words cannot be shown."""
        if self.rung is None:
            return self.fallback
        return self.fallback.model_copy(update={"message": self.rung, "type": "hint"})


class Inbox(BaseModel):
    """What is unread, and what has been done for messages from other sessions.

    Attributes:
        unread: ids, the oldest first.
        keys: event keys of the newest messages from other sessions, by which a resend is known.
        waiting: questions on their way to the AI service.
    """

    unread: list[str] = []
    keys: list[str] = []
    waiting: list[Waiting] = []

    def question(self, id: str) -> Waiting | None:
        """What waits for the answer with this id."""
        return next((waiting for waiting in self.waiting if waiting.fallback.id == id), None)


async def load(session: Session) -> Inbox:
    """The student's inbox."""
    return await session.load(INBOX, Inbox, scope="user") or Inbox()


def save(session: Session, inbox: Inbox) -> None:
    """Keep it."""
    session.save(INBOX, inbox, scope="user")


def post(session: Session, inbox: Inbox, message: Message) -> Message:
    """Keep a message and send it to all of the student's devices, with the new count of unread ones.

    The caller saves the inbox.
    """
    if not message.is_read:
        inbox.unread = [*inbox.unread, message.id][-MOST_UNREAD:]
    session.append(MESSAGES, message)
    sent = message.model_copy(update={"unread": len(inbox.unread)})
    session.emit("coaching:message", sent, room="user")
    return sent


def keep(session: Session, message: Message) -> None:
    """Keep a message without sending it: what the student wrote."""
    session.append(MESSAGES, message)


def read(inbox: Inbox, ids: Sequence[str] | None) -> Read:
    """Take messages as read; all of them without `ids`. The caller saves the inbox if any were unread."""
    wanted = set(inbox.unread if ids is None else ids)
    now_read = [id for id in inbox.unread if id in wanted]
    inbox.unread = [id for id in inbox.unread if id not in wanted]
    return Read(ids=now_read, unread=len(inbox.unread))


async def history(session: Session, inbox: Inbox, limit: int = RECENT, before: int | None = None) -> History:
    """A page of the student's messages, as they are now."""
    entries: list[Entry] = await session.history(MESSAGES, limit=limit, before=before)
    unread = set(inbox.unread)
    messages = [Message.model_validate(entry.data) for entry in entries]
    for message in messages:
        message.is_read = message.id not in unread
    more = entries[0].number if len(entries) == limit and entries[0].number > 1 else None
    return History(messages=messages, unread=len(unread), before=more)


def new_id(event_key: str | None = None) -> str:
    """An id for a message: for one that a resend must find again, made of its event key."""
    if event_key is None:
        return secrets.token_hex(8)
    return hashlib.blake2b(event_key.encode(), digest_size=8).hexdigest()


def first_time(inbox: Inbox, event_key: str | None) -> bool:
    """Whether an event from another session has not been dealt with yet; takes it down. The caller saves the inbox."""
    if event_key is None:
        return True
    key = new_id(event_key)
    if key in inbox.keys:
        return False
    inbox.keys = [*inbox.keys[1 - KEYS :], key]
    return True


def from_nudge(nudge: Nudge, session: Session) -> Message:
    """What the coach says, as a message."""
    return Message(
        id=new_id(),
        type=nudge.type,
        priority=nudge.priority,
        message=nudge.message,
        actions=nudge.actions or None,
        question_id=nudge.question_id,
        created_at=session.now,
        is_read=False,
        reason=nudge.reason,
        kind=nudge.kind,
        session_id=session.id,
    )
