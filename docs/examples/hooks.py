"""An example of every hook, as the page of hooks shows them; `tests/test_docs_examples.py` runs each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bonsai_core import App, Event, Payload, Plugin, Question, QuestionAnalysis, Refused, Session, hookimpl, on
from bonsai_core.domain import Insight

if TYPE_CHECKING:
    import click
    from aiohttp import web

BANK = Path(__file__).with_name("bank.json")


class Welcome(Plugin):
    name = "welcome"

    @hookimpl
    async def on_connect(self, session: Session) -> None:
        if not session.recovered:  # it is new, or may have missed something
            session.reply("welcome:hello", {"devices": len(await session.devices())})


class Audit(Plugin):
    name = "audit"

    @hookimpl
    async def on_event(self, session: Session, event: Event) -> None:
        session.append("events", {"event": event.name, "bytes": len(event.raw)})


class Farewell(Plugin):
    name = "farewell"

    @hookimpl
    async def on_disconnect(self, session: Session, reason: str) -> None:
        if reason == "left" and session.device is not None:
            session.emit("farewell:left", {"device": session.device.device_id})


class Typed(Payload):
    keys: int


class KeyCount(Plugin):
    name = "key_count"

    @on("keys:typed")
    async def typed(self, session: Session, typed: Typed) -> None:
        session.save("keys", (await session.load("keys") or 0) + typed.keys)

    @hookimpl
    async def on_session_end(self, session: Session) -> Mapping[str, Any]:
        return {"keys": await session.load("keys") or 0}  # in the summary, under "key_count"


class NoBots(Plugin):
    name = "no_bots"

    @hookimpl
    def allow_handshake(self, address: str, headers: Mapping[str, str]) -> bool | None:
        return False if "bot" in headers.get("User-Agent", "").lower() else None


class OurSchool(Plugin):
    name = "our_school"

    @hookimpl
    async def validate_user(self, user: str, claims: Mapping[str, Any]) -> bool | None:
        return None if claims.get("school", "ours") == "ours" else False


class Classroom(Plugin):
    name = "classroom"

    @on("classroom:enter")
    async def enter(self, session: Session) -> None:
        await session.join("class:7b")  # asks authorize_room

    @hookimpl
    async def authorize_room(self, session: Session, room: str, owner: str) -> bool | None:
        if not room.startswith("class:"):
            return None  # not our kind of room: others decide
        return "tutor" in session.roles


class Index(Plugin):
    name = "index"

    @hookimpl
    async def on_startup(self, app: App) -> None:
        self.ready = asyncio.Event()
        app.create_task(self._load(), name="load the index")  # slow work does not hold up the start

    async def _load(self) -> None:
        self.words = await asyncio.to_thread(BANK.read_text)
        self.ready.set()

    @hookimpl
    async def on_shutdown(self, app: App) -> None:
        self.words = ""

    @hookimpl
    def check_health(self, app: App) -> Mapping[str, Any]:
        return {"ready": self.ready.is_set()}


class Status(Plugin):
    name = "status"

    @hookimpl
    def add_routes(self, app: App) -> None:
        self.app = app
        app.add_route("GET", "/status/{session}", self.show)

    async def show(self, request: web.Request) -> web.Response:
        from aiohttp import web  # imported when it is needed: plugins should import quickly

        return web.json_response({"session": request.match_info["session"], **self.app.stats()})


class Tools(Plugin):
    name = "tools"

    @hookimpl
    def add_commands(self, cli: click.Group) -> None:
        import click

        @cli.command(short_help="Count the questions of the bank.")
        def count() -> None:
            """Count the questions of the bank."""
            click.echo(len(json.loads(BANK.read_text())))


class AcmeBank(Plugin):
    name = "acme_bank"

    def __init__(self) -> None:
        self.questions = {one["id"]: Question.model_validate(one) for one in json.loads(BANK.read_text())}

    @hookimpl
    def find_question(self, question_id: str) -> Question | None:
        return self.questions.get(question_id)


class MoreQuestions(Plugin):
    name = "more_questions"

    @hookimpl(optionalhook=True)
    def add_questions(self) -> Iterator[Question]:
        for one in json.loads(BANK.read_text()):  # read on a worker thread
            yield Question.model_validate(one)


class NightOwl(Plugin):
    name = "night_owl"

    @hookimpl(optionalhook=True)
    def add_triggers(self) -> list[dict[str, Any]]:
        trigger = {
            "kind": "late",
            "on": "answer",
            "when": {"answered": ">= 20"},
            "type": "insight",
            "texts": ["You did {answered} questions today. Sleep helps you learn."],
            "why": "You have answered {answered} questions.",
            "once": "session",
        }
        return [trigger]


class Units(Plugin):
    name = "units"

    @hookimpl(optionalhook=True)
    def insights(self, analysis: QuestionAnalysis) -> list[Insight]:
        if " km" not in analysis.text:
            return []
        return [Insight(kind="units", text="Check the unit: the choices may be in metres.")]


class Recognised(Plugin):
    name = "recognised"

    @hookimpl(optionalhook=True)
    def known_questions(self) -> Iterable[Question]:
        return [Question.model_validate(one) for one in json.loads(BANK.read_text())]


class OtherStages(Plugin):
    name = "other_stages"

    @hookimpl(optionalhook=True)
    def ocr(self) -> str:
        return "my_stages:Ocr"  # a factory, called once in each worker process

    @hookimpl(optionalhook=True)
    def classify(self) -> str:
        return "my_stages:Classify"


class Board:
    """Looks after the Socket.IO clients of one namespace."""

    async def connect(self, peer: Any, auth: dict[str, Any]) -> None:
        if auth.get("room") is None:
            raise Refused("invalid_payload", "say which room you are in")
        peer.emit("welcome", {"room": auth["room"]})

    async def event(self, peer: Any, name: str, arguments: list[Any]) -> list[Any]:
        return [len(arguments)]  # the ack's arguments

    async def disconnect(self, peer: Any) -> None:
        pass


class Boards(Plugin):
    name = "boards"

    @hookimpl(optionalhook=True)
    def claim_namespace(self, namespace: str) -> Board | None:
        return Board() if namespace == "/board" else None
