"""Tutors: who may see and write to whom, and what they see. A tutor's token names their students."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bonsai_coaching import inbox
from bonsai_coaching.events import Message, Post, Posted, Progress, Watching, WatchRequest
from bonsai_coaching.kept import Sitting
from bonsai_core import ErrorCode, Refused, Session

#: What all share: by student, the session that they joined last.
SESSIONS = "sessions"


def is_student(session: Session) -> bool:
    """Whether the device is one that practises, and not a tutor's or an administrator's."""
    return "student" in session.roles or not session.roles & {"tutor", "admin"}


def may_coach(session: Session, student: str) -> bool:
    """Whether the device is a tutor's, and its token names this student."""
    students = session.claims.get("students")
    named = isinstance(students, list | tuple) and student in students
    return "tutor" in session.roles and named and student != session.user


async def session_of(session: Session, student: str, session_id: str | None) -> str:
    """The student's session that is meant: the one they joined last, unless one is given.

    Raises:
        Refused: `forbidden`, the tutor's token does not name the student; `no_session`, none is known.
    """
    if not may_coach(session, student):
        raise Refused(ErrorCode.FORBIDDEN, "your token does not make you a tutor of this student")
    if session_id is not None:
        return session_id
    last = await session.shared(SESSIONS, student)
    if last is None:
        raise Refused("no_session", "this student has not been seen here yet; give sessionId")
    return str(last["session"])


def fold_session(aggregate: Any, deltas: list[Any]) -> Any:
    """The session that a student joined last, of those told."""
    for told in deltas:
        if aggregate is None or told["at"] >= aggregate["at"]:
            aggregate = told
    return aggregate


def written(post: Post, key: str | None, tutor: str) -> Callable[[Session], Any]:
    """What a tutor's message does in the student's session: once, however often it is sent.

    Args:
        key: the event key of the tutor's message.
    """

    async def deliver(session: Session) -> Posted:
        box = await inbox.load(session)
        id = inbox.new_id(key)
        if not inbox.first_time(box, key):
            return Posted(id=id)
        message = Message(
            id=id,
            type=post.type,
            priority=post.priority,
            message=post.text,
            question_id=post.question_id,
            created_at=session.now,
            is_read=False,
            reason="Your tutor wrote this.",
            sender="tutor",
            author=tutor,
            session_id=session.id,
        )
        inbox.post(session, box, message)
        inbox.save(session, box)
        return Posted(id=id)

    return deliver


def look(request: WatchRequest, open: Callable[[Session], Any]) -> Callable[[Session], Any]:
    """What a tutor sees of a student's session.

    Args:
        open: loads the session's sitting.
    """

    async def see(session: Session) -> Watching:
        sitting: Sitting = await open(session)
        watch = sitting.watch
        page = await inbox.history(session, await inbox.load(session))
        return Watching(
            user_id=session.user,
            session_id=session.id,
            rooms=rooms(session.user, session.id),
            messages=page.messages,
            unread=page.unread,
            progress=Progress(
                answered=watch.answered,
                right=watch.right,
                minutes=round((watch.active - watch.began) / 60_000, 1),
                hints=watch.hints,
                question_id=watch.shown.id if watch.shown is not None and watch.shown.sure else None,
            ),
        )

    return see


def rooms(user: str, session_id: str) -> list[str]:
    """Where a student's devices are: messages go to the first, everything about a session to the second."""
    return [f"user:{user}", f"session:{session_id}"]
