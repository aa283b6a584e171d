"""Students of the demo, who are not real: what they practised in the last weeks, and that they practise now.

    tools/demo_students.py history FILE        # before the server first starts: makes its store, the clock turned back
    tools/demo_students.py live URL SESSION    # at a running server, until it is stopped; Maya practises in SESSION

Both go through the server's own events. A student's ability is a matter of their name and of how much they have
practised each skill, so nothing is kept of them but what the server keeps.
"""

import asyncio
import contextlib
import logging
import math
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bonsai_core import App, Settings, mint_token
from bonsai_core.client import Auth, Client, ClientError, Device, Reconnect
from bonsai_core.domain import DOMAINS, FORMATS, Section
from bonsai_core.logs import configure
from bonsai_core.server import Server
from bonsai_core.testing import FakeClock

#: Memory that looks like a folder, where there is one: the history is no loss if the power fails while it is made.
MEMORY = Path("/dev/shm")
#: Days of the history, today not among them.
DAYS = 35
DAY = 86_400.0
#: What a student learns of an answer, in logits, and of all answers in a skill.
GAIN, MOST_GAIN = 0.16, 2.4
#: A live student takes the time that a real one would, divided by this.
HASTE = 15.0
#: Seconds until a live student who could not go on begins anew.
PAUSE = 3.0


@dataclass(frozen=True)
class Habits:
    """How a student of the demo is. Those without a goal have no history.

    Attributes:
        level: ability before all practice, in logits; 0 is middling.
        daily: answers on a day of practice.
        diligence: the part of days on which they practise.
        pace: their time over what the test allows.
    """

    name: str
    level: float
    daily: int
    diligence: float
    pace: float
    goal: int | None = None


CLASS = (
    Habits("Maya", -0.5, 14, 0.8, 0.95, 1350),
    Habits("Leo", -1.2, 9, 0.6, 1.15, 1100),
    Habits("Amina", 0.2, 11, 0.7, 0.85, 1500),
    *(Habits(name, level / 4, 10, 0.5, 1.0) for level, name in enumerate(("Ben", "Chloe", "Dev", "Elif", "Noah"), -3)),
)


class Student:
    """One of them at work: how likely an answer is right, by the three-parameter model, and how long it takes."""

    def __init__(self, habits: Habits, answered: Mapping[str, int], luck: str) -> None:
        self.habits = habits
        self._answered = Counter(answered)
        self._luck = random.Random(f"{habits.name} {luck}")

    def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """The payload of `analytics:performance` for a recommended question."""
        skill = str(question["skill"])
        right = self._luck.random() < self.chance(question)
        self._answered[skill] += 1
        # Not `expectedSeconds`, which follows the student: they would spur each other on.
        usual = FORMATS[Section(question["section"])].seconds_per_question * (0.6 + 0.1 * question["band"])
        spent = usual * self.habits.pace * math.exp(self._luck.gauss(0.0, 0.3))
        return {"questionId": question["id"], "skill": skill, "correct": right, "timeSpent": round(spent, 1)}

    def chance(self, question: Mapping[str, Any]) -> float:
        """The chance of a right answer."""
        skill = str(question["skill"])
        own = random.Random(f"{self.habits.name} {skill}").gauss(0.0, 0.6)
        learnt = min(MOST_GAIN, GAIN * self._answered[skill])
        z = self.habits.level + own + learnt - 0.8 * (question["band"] - 4)
        guess = 0.25 if question.get("choices") else 0.0
        return guess + (1.0 - guess) / (1.0 + math.exp(-1.2 * z))


class Desk:
    """A student's client: keeps the newest recommendations and what was asked before, in case there is nothing new."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._offered: list[dict[str, Any]] = []
        self._known: dict[str, dict[str, Any]] = {}
        client.on("recommendations:update", lambda message: self._take(message.data["questions"]))

    def _take(self, questions: list[dict[str, Any]]) -> None:
        self._offered = questions
        self._known |= {question["id"]: question for question in questions}

    async def begin(self, domain: str | None = None) -> None:
        """Ask for questions, of one domain or of all."""
        preferences = {"subjects": [domain]} if domain else {}
        request = {"mode": "practice", "count": 5, "preferences": preferences}
        await self.client.request("recommendations:request", request)

    async def next(self) -> dict[str, Any] | None:
        """The question to work on; when all are done, one of before again. None: there never was any."""
        if not self._offered:
            await self.client.request("recommendations:refresh", {})
            await asyncio.sleep(0.05)  # the list is on its way
        if self._offered:
            return self._offered.pop(0)
        return random.choice(list(self._known.values())) if self._known else None

    async def answered(self) -> dict[str, int]:
        """How many answers there were in each skill."""
        progress = await self.client.request("analytics:progress", {"days": 1})
        return {skill: int(known["answered"]) for skill, known in progress["skills"].items()}


# What they did


async def write_history(settings: Settings) -> int:
    """Let them practise in the weeks that are past, in a server that takes the time from us; how many answers."""
    today = time.time() // DAY * DAY
    clock = FakeClock(round((today - DAYS * DAY) * 1000))
    app = App(settings, clock=clock.now, monotonic=clock.monotonic)
    app.plugins.discover()
    server = Server(app)
    await server.start()
    answers = 0
    try:
        async with aiohttp.ClientSession() as http:
            for day in range(DAYS):
                for habits in (one for one in CLASS if one.goal):
                    begin = round((today - (DAYS - day) * DAY + (15 + CLASS.index(habits)) * 3600) * 1000)
                    clock.advance(max(0.0, (begin - clock.now()) / 1000))
                    answers += await _study_day(server, http, clock, habits, day)
    finally:
        await server.stop()
    return answers


async def _study_day(server: Server, http: aiohttp.ClientSession, clock: FakeClock, habits: Habits, day: int) -> int:
    luck = random.Random(f"{habits.name} {day}")
    name = habits.name
    if day and luck.random() > habits.diligence:
        return 0
    secret = server.app.settings.secret
    assert secret is not None
    token = mint_token(secret, user=name, ttl_s=86_400, now=clock.now())
    session = f"{name.lower()}-day-{day}"
    client = Client(server.url.replace("http", "ws", 1), auth=Auth(token=token, session_id=session), session=http)
    async with client:
        desk = Desk(client)
        if day == 0:
            await client.request("analytics:goal", {"total": habits.goal, "perWeek": habits.daily * 6})
        student = Student(habits, await desk.answered(), f"day {day}")
        # Every other day a chapter of the book, then whatever helps most.
        await desk.begin(DOMAINS[day // 2 % len(DOMAINS)].name if day % 2 else None)
        count = max(3, round(luck.gauss(habits.daily, habits.daily / 3)))
        for _ in range(count):
            question = await desk.next()
            if question is None:
                return 0
            answer = student.answer(question)
            clock.advance(answer["timeSpent"])
            await client.request("analytics:performance", answer)
    return count


# What they do


async def practise(url: str, session: str) -> None:
    """All of them practise at a running server, until this is cancelled."""
    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as tasks:
        for habits in CLASS:
            named = session if habits.name == "Maya" else f"{habits.name.lower()}-{session}"
            tasks.create_task(_practise_on(url, http, habits, named))


async def _practise_on(url: str, http: aiohttp.ClientSession, habits: Habits, session: str) -> None:
    """One of them; whatever the server refuses, they begin anew a little later."""
    while True:
        with contextlib.suppress(ClientError, aiohttp.ClientError, OSError):
            await _practise_one(url, http, habits, session)
        await asyncio.sleep(PAUSE)


async def _practise_one(url: str, http: aiohttp.ClientSession, habits: Habits, session: str) -> None:
    address = url.replace("ws", "http", 1)

    async def token() -> str:
        async with http.post(f"{address}/api/token", json={"userId": habits.name, "ttlSeconds": 3600}) as answer:
            return str((await answer.json())["token"])

    auth = Auth(token_provider=token, session_id=session, device=Device(kind="web", name="Simulated student"))
    client = Client(url, auth=auth, reconnect=Reconnect(attempts=None, delay=0.2, max_delay=2.0), session=http)
    async with client:
        desk = Desk(client)
        student = Student(habits, await desk.answered(), session)
        await desk.begin()
        while (question := await desk.next()) is not None:
            hard = student.chance(question) < 0.5
            answer = student.answer(question)
            seconds = answer["timeSpent"] / HASTE
            await _ask_coach(client, "coaching:focus", question)
            await asyncio.sleep(seconds / 2)
            if hard:
                await _ask_coach(client, "coaching:hint", question)
            await asyncio.sleep(seconds / 2)
            await client.request("analytics:performance", answer)


async def _ask_coach(client: Client, event: str, question: Mapping[str, Any]) -> None:
    with contextlib.suppress(ClientError):  # a server without a coach, or one that says no
        await client.request(event, {"questionId": question["id"]})


def make_store(file: Path) -> int:
    """Make a store with the history in it; how many answers."""
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as folder:
        made = Path(folder) / "bonsai.db"
        # Nothing of the past may time out, and only what the students need is loaded.
        settings = Settings(
            dev=True,
            websocket_port=0,
            store_url=f"sqlite:///{made}",
            plugins=("analytics", "recs"),
            plugins_disabled=(),
            plugins_dir=None,
            rate_max_requests=0,
            heartbeat_interval_ms=3_600_000,
            outbox_max_age_ms=3_600_000,
            handler_timeout_ms=600_000,
        )
        answers = asyncio.run(write_history(settings))
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f"{file.name}.new")
        shutil.copyfile(made, partial)
        partial.replace(file)
    return answers


def main(arguments: list[str]) -> int:
    configure()
    logging.disable(logging.WARNING)  # a slow machine's warnings are not for those who look at the demo
    if len(arguments) == 2 and arguments[0] == "history":
        print(make_store(Path(arguments[1])))
        return 0
    if len(arguments) == 3 and arguments[0] == "live":
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(practise(*arguments[1:]))
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
