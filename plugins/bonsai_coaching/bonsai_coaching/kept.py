"""Where documents are kept: what belongs to a session's sitting, and shelves for what there is one of per question."""

from __future__ import annotations

import zlib
from typing import Any, Generic, TypeVar

import msgspec
from pydantic import BaseModel

from bonsai_coaching import inbox
from bonsai_coaching.coach import Coach
from bonsai_coaching.events import Message
from bonsai_coaching.hints import Climb, Reading
from bonsai_coaching.timer import Timer
from bonsai_coaching.watch import Student, Watch, sitting
from bonsai_core import Session

K = TypeVar("K", bound=msgspec.Struct)

#: Of the session; of the student.
WATCH, STUDENT = "watch", "student"


class Sitting:
    """The coach's documents of one unit of work: loaded, changed by facts, saved.

    Attributes:
        first: nothing was known of the session, or not since long ago.
    """

    def __init__(
        self, session: Session, coach: Coach, timer: Timer, watch: Watch, student: Student, first: bool
    ) -> None:
        self.session = session
        self.watch = watch
        self.student = student
        self.first = first
        self._coach = coach
        self._timer = timer

    @classmethod
    async def open(cls, session: Session, coach: Coach, timer: Timer) -> Sitting:
        """Load the documents."""
        kept = await session.load(WATCH)
        watch, first = sitting(msgspec.convert(kept, Watch) if kept is not None else None, session.now)
        kept = await session.load(STUDENT, scope="user")
        student = msgspec.convert(kept, Student) if kept is not None else Student()
        return cls(session, coach, timer, watch, student, first)

    @property
    def quiet(self) -> bool:
        """Whether a timed module is under way."""
        return self.watch.quiet(self.session.now)

    async def see(self, fact: BaseModel) -> Message | None:
        """Take a fact in; what the coach has to say about it is sent and kept."""
        nudge = self._coach.see(self.watch, self.student, fact, self.session.now)
        if nudge is None:
            return None
        box = await inbox.load(self.session)
        message = inbox.post(self.session, box, inbox.from_nudge(nudge, self.session))
        inbox.save(self.session, box)
        return message

    def save(self) -> None:
        """Keep what has changed, and look at the time again when it is due."""
        self.session.save(WATCH, self.watch)
        self.save_student()
        self.look_again()

    def save_student(self) -> None:
        """Keep what has changed of the student alone."""
        if self.student.changed:
            self.session.save(STUDENT, self.student, scope="user")

    def look_again(self) -> None:
        """Have the timer look at the session when something may come of it."""
        due = self._coach.due(self.watch, self.session.now)
        self._timer.set(self.session.user, self.session.id, due)

    def end(self) -> None:
        """Forget the sitting."""
        self.session.delete(WATCH)
        self.save_student()
        self._timer.set(self.session.user, self.session.id, None)


class Shelf(Generic[K]):
    """One struct for each question of a student, in a few documents instead of one each; the oldest give way.

    Args:
        name: of the documents.
        shards: how many documents.
        each: structs in a document.
    """

    def __init__(self, name: str, model: type[K], shards: int, each: int) -> None:
        self._name = name
        self._model = model
        self._shards = shards
        self._each = each

    async def get(self, session: Session, question_id: str) -> K | None:
        """The struct of a question; None when there is none, or no longer."""
        found = (await session.load(self._key(question_id), scope="user") or {}).get(question_id)
        return msgspec.convert(found, self._model) if found is not None else None

    async def put(self, session: Session, question_id: str, value: K) -> None:
        """Keep the struct of a question."""
        key = self._key(question_id)
        kept = await session.load(key, scope="user") or {}
        kept.pop(question_id, None)
        kept[question_id] = value
        self._save(session, key, kept)

    async def edit(self, session: Session, question_id: str, **changes: Any) -> None:
        """Change the struct of a question, or begin a new one."""
        key = self._key(question_id)
        kept = await session.load(key, scope="user") or {}
        kept[question_id] = kept.pop(question_id, {}) | changes
        self._save(session, key, kept)

    def _save(self, session: Session, key: str, kept: dict[str, Any]) -> None:
        while len(kept) > self._each:
            del kept[next(iter(kept))]
        session.save(key, kept, scope="user")

    def _key(self, question_id: str) -> str:
        return f"{self._name}.{zlib.crc32(question_id.encode()) % self._shards}"


#: 4,000 questions' ladders and the readings of the 64 newest screenshots, or nearly so: questions fall unevenly.
CLIMBS = Shelf("climbs", Climb, 16, 250)
READINGS = Shelf("readings", Reading, 8, 8)
