"""The benchmark's plugin: an event that is only acked, one that stores, one that speaks to a room."""

from __future__ import annotations

from bench.work import ROOM, Answer, Graded, Progress, Say
from bonsai_core import Plugin, Session, hookimpl, on


class Classroom(Plugin):
    """Does what the peers do, by the means that every plugin has."""

    name = "classroom"
    emits = {"bench:said": Say, "bench:progress": Progress}

    @hookimpl
    def authorize_room(self, session: Session, room: str) -> bool | None:
        """Everybody may enter the one room."""
        return True if room == ROOM else None

    @on("bench:answer")
    async def answer(self, session: Session, answer: Answer) -> Graded:
        """Validated and acked, nothing stored."""
        return Graded(correct=answer.correct)

    @on("bench:store")
    async def store(self, session: Session, answer: Answer) -> Graded:
        """One document read, changed and saved, and one message to the session's room."""
        progress = await session.load("progress", Progress) or Progress()
        progress.answered += 1
        progress.correct += answer.correct
        progress.streak = progress.streak + 1 if answer.correct else 0
        session.save("progress", progress)
        session.emit("bench:progress", progress)
        return Graded(correct=answer.correct)

    @on("bench:enter")
    async def enter(self, session: Session) -> None:
        """Join the room."""
        await session.join(ROOM)

    @on("bench:tell")
    async def tell(self, session: Session, say: Say) -> None:
        """Tell the session's other devices: logged and numbered."""
        session.emit("bench:said", say)

    @on("bench:hint")
    async def hint(self, session: Session, say: Say) -> None:
        """Tell the session's devices without a guarantee, as socket.io does."""
        await session.notify("bench:said", say)

    @on("bench:say")
    async def say(self, session: Session, say: Say) -> None:
        """Tell the room: logged and numbered, as every room message is."""
        session.emit("bench:said", say, room=ROOM)
