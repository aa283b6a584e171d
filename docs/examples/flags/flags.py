"""Questions that a student wants to come back to."""

from pydantic import BaseModel

from bonsai_core import App, Payload, Plugin, Refused, Session, hookimpl, observes, on

MOST = 100


class Flag(Payload):
    """`flags:add` from a client."""

    question_id: str
    note: str = ""


class Flags(Payload):
    """`flags:list`: all of them, by question."""

    flags: dict[str, str]


class Answered(Payload):
    """What we need of `analytics:performance`, as the analytics plugin emits it."""

    question_id: str
    correct: bool


class FlagsPlugin(Plugin):
    name = "flags"
    emits: dict[str, type[BaseModel]] = {"flags:list": Flags}

    @on("flags:add", rate=(30, 60))
    async def add(self, session: Session, flag: Flag) -> Flags:
        """Flag a question."""
        flags = await self._load(session)
        if len(flags) >= MOST:
            raise Refused("too_many", f"at most {MOST} questions are flagged")
        flags[flag.question_id] = flag.note
        return self._changed(session, flags)

    @observes("analytics:performance")
    async def answered(self, session: Session, answer: Answered) -> None:
        """A flagged question that was answered rightly needs no flag."""
        flags = await self._load(session)
        if answer.correct and flags.pop(answer.question_id, None) is not None:
            self._changed(session, flags)

    @hookimpl
    async def on_connect(self, session: Session) -> None:
        session.reply("flags:list", Flags(flags=await self._load(session)))

    @hookimpl
    def add_routes(self, app: App) -> None:
        app.add_route("GET", "/flags/limit", self._limit)

    async def _load(self, session: Session) -> dict[str, str]:
        return await session.load("flags", scope="user") or {}

    def _changed(self, session: Session, flags: dict[str, str]) -> Flags:
        changed = Flags(flags=flags)
        session.save("flags", flags, scope="user")
        session.emit("flags:list", changed, room="user")
        return changed

    async def _limit(self, request: object) -> object:
        from aiohttp import web

        return web.json_response({"most": MOST})
