"""The plugin: a goal for today, and how far it is. Replace it by your own idea, part by part.

Nothing happens while a handler runs: what it saves and emits commits at once when it returns, together with the mark
that makes a resent message harmless. So a handler keeps nothing in `self`: it may run again, and on another node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from bonsai_core import Plugin, Session, hookimpl, observes, on
from pydantic import BaseModel

from bonsai_daily_goal.events import MOST, Answered, Goal, Progress

if TYPE_CHECKING:
    from aiohttp import web
    from bonsai_core import App

DAY_MS = 86_400_000


class Kept(BaseModel):
    """The student's document.

    Attributes:
        day: days since the epoch, of which `answered` tells.
    """

    goal: int = 0
    day: int = 0
    answered: int = 0


class DailyGoal(Plugin):
    """A goal for today."""

    name = "daily_goal"
    #: What it sends, so that the server's AsyncAPI document tells.
    emits: ClassVar[dict[str, type[BaseModel]]] = {"daily_goal:progress": Progress}

    # An event that clients send: what the handler returns is the ack's data.
    @on("daily_goal:set")
    async def set_goal(self, session: Session, goal: Goal) -> Progress:
        """Set the goal, and tell all of the student's devices."""
        kept = await self._load(session)
        kept.goal = goal.answers
        return self._save(session, kept)

    # An event that another plugin emits. None need be installed: then it never comes.
    @observes("analytics:performance")
    async def answered(self, session: Session, answer: Answered) -> None:
        """Count an answer."""
        kept = await self._load(session)
        kept.answered += 1
        self._save(session, kept)

    @hookimpl
    async def on_connect(self, session: Session) -> None:
        """Tell a device that joins how it is."""
        session.reply("daily_goal:progress", _progress(await self._load(session)))

    # An HTTP route, for what needs no session.
    @hookimpl
    def add_routes(self, app: App) -> None:
        """Add `GET /api/daily_goal`."""
        app.add_route("GET", "/api/daily_goal", self._limits)

    async def _limits(self, request: web.Request) -> web.Response:
        from aiohttp import web  # here, so that importing the plugin stays cheap

        return web.json_response({"most": MOST})

    # A document, of scope `user`: the same in all of the student's sessions, on all devices.
    async def _load(self, session: Session) -> Kept:
        kept = await session.load("goal", Kept, scope="user") or Kept()
        today = session.now // DAY_MS
        return kept if kept.day == today else Kept(goal=kept.goal, day=today)

    def _save(self, session: Session, kept: Kept) -> Progress:
        session.save("goal", kept, scope="user")
        progress = _progress(kept)
        session.emit("daily_goal:progress", progress, room="user")
        return progress


def _progress(kept: Kept) -> Progress:
    reached = 0 < kept.goal <= kept.answered
    return Progress(goal=kept.goal, answered=kept.answered, reached=reached)
