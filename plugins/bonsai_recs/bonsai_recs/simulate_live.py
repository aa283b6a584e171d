"""Virtual students who practise on a running server: for demos, and for load.

Each has abilities of their own, answers by the three-parameter model, learns from what they practise and tires as they
go on. They do what a front end does: ask for recommendations, take the first question, answer it by
`analytics:performance`, and follow the list as the server changes it.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bonsai_core import Settings, mint_token
from bonsai_core.client import Auth, Client, ClientError, Message, Reconnect, Refused, ServerError, State
from bonsai_core.domain import FORMATS, Section

#: Students who connect at the same moment.
CONNECTING_AT_ONCE = 50
RECONNECT = Reconnect(attempts=None, delay=0.1, max_delay=2.0)
TOKEN_SECONDS = 3600
#: Seconds without any answer after which it is given up.
PATIENCE = 90.0

TokenSource = Callable[[str], Awaitable[str]]


class SimulationFailed(Exception):
    """The students could not practise to the end; says why and what to do."""


@dataclass(frozen=True)
class Plan:
    """Who practises, and how.

    Attributes:
        url: the WebSocket address.
        run: the students are users `{run}-0`, `{run}-1`, ...
        answers: how many questions each answers.
        mode: of the recommendations.
        seed: of abilities and luck.
        speed: they take the time that real students take, divided by this; None: no time.
    """

    url: str
    run: str
    students: int
    answers: int
    mode: str = "practice"
    seed: int = 1
    speed: float | None = None


class Student:
    """A virtual student.

    Abilities by section and skill are Normal in logits; an answer at the edge of what the student can do teaches most;
    after half an hour tiredness sets in, which costs at most a logit.
    """

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)
        self._general = self._random.gauss(0.0, 0.8)
        self._sections: dict[str, float] = {}
        self._skills: dict[str, float] = {}
        self._pace = math.exp(self._random.gauss(0.0, 0.25))
        self.seconds = 0.0
        self.learnt = 0.0

    def answer(self, question: dict[str, Any]) -> tuple[bool, float]:
        """Answer a recommended question: whether it was right, and the seconds it took."""
        chance = self.chance(question)
        right = self._random.random() < chance
        gain = 0.12 * 4.0 * chance * (1.0 - chance)
        self._skills[question["skill"]] += gain
        self.learnt += gain
        # Not `expectedSeconds`, which follows the student: the two would drift away together.
        usual = FORMATS[Section(question["section"])].seconds_per_question * (0.6 + 0.1 * question["band"])
        spent = usual * self._pace * math.exp(self._random.gauss(0.0, 0.35)) * (1.0 + 0.2 * self._tired())
        self.seconds += spent
        return right, round(spent, 1)

    def chance(self, question: dict[str, Any]) -> float:
        """The chance of a right answer."""
        section = self._sections.setdefault(question["section"], self._random.gauss(0.0, 0.6))
        skill = self._skills.setdefault(question["skill"], self._random.gauss(0.0, 0.45))
        difficulty = (question["band"] - 4) * 0.8
        guess = 0.25 if question.get("choices") else 0.0
        z = self._general + section + skill - self._tired() - difficulty
        return guess + (1.0 - guess) / (1.0 + math.exp(-1.2 * z))

    def _tired(self) -> float:
        return min(1.0, max(0.0, (self.seconds - 1800.0) / 5400.0))


@dataclass
class Outcome:
    """What came of it; a progress display shows it as it grows.

    Attributes:
        latencies: seconds from sending an answer to its ack.
        updates: recommendation lists that came, those that the server sent by itself among them.
        right: right answers.
        ran_dry: students for whom the server had no more questions.
        learnt: logits that the students learnt, all together.
        refusals: what the server refused, and why.
        hint: why students wait to connect at the moment, or None.
    """

    answered: int = 0
    right: int = 0
    updates: int = 0
    ran_dry: int = 0
    learnt: float = 0.0
    reconnects: int = 0
    seconds: float = 0.0
    hint: str | None = None
    latencies: list[float] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    def document(self, plan: Plan) -> dict[str, Any]:
        """The figures."""
        quantiles = statistics.quantiles(self.latencies, n=100) if len(self.latencies) > 1 else [0.0] * 99
        return {
            "students": plan.students,
            "mode": plan.mode,
            "answers": self.answered,
            "accuracy": round(self.right / self.answered, 4) if self.answered else None,
            "updates": self.updates,
            "ranDry": self.ran_dry,
            "learnt": round(self.learnt / plan.students, 4),
            "seconds": round(self.seconds, 3),
            "answersPerSecond": round(self.answered / self.seconds, 1) if self.seconds else None,
            "ackMs": {"p50": round(quantiles[49] * 1000, 2), "p99": round(quantiles[98] * 1000, 2)},
            "reconnects": self.reconnects,
            "refused": len(self.refusals),
            "firstRefusal": self.refusals[0] if self.refusals else None,
        }


class _Play:
    def __init__(self, plan: Plan, token: TokenSource, http: aiohttp.ClientSession, outcome: Outcome) -> None:
        self._plan = plan
        self._token = token
        self._http = http
        self._outcome = outcome
        self._connecting = asyncio.Semaphore(CONNECTING_AT_ONCE)
        self.last_sign = time.monotonic()

    async def student(self, number: int) -> None:
        plan, user = self._plan, f"{self._plan.run}-{number}"
        auth = Auth(token_provider=lambda: self._token(user), session_id=f"{user}-{time.time_ns():x}")
        client = Client(plan.url, auth=auth, reconnect=RECONNECT, session=self._http)
        joins = 0

        def on_state(state: State) -> None:
            nonlocal joins
            if state is State.JOINED:
                joins += 1
                self._outcome.reconnects += joins > 1
                self._outcome.hint = None
            elif state is State.WAITING:
                self._outcome.hint = str(client.failure)
                if isinstance(client.failure, Refused) and client.failure.code == 429:
                    self.last_sign = time.monotonic()  # told to wait is not silence

        client.on_state(on_state)
        done = False
        try:
            async with self._connecting:
                await client.connect()
            await self._practise(client, Student(f"{plan.seed} {number}"))
            done = True
        finally:
            await client.close(leave=done, timeout=1.0 if done else 0.0)

    async def _practise(self, client: Client, student: Student) -> None:
        """Answer questions until there are enough, or no more."""
        plan, outcome = self._plan, self._outcome
        questions: list[dict[str, Any]] = []
        came = asyncio.Event()

        def take(message: Message) -> None:
            nonlocal questions
            questions = list(message.data["questions"])
            outcome.updates += 1
            came.set()

        client.on("recommendations:update", take)
        await self._request(client, "recommendations:request", {"mode": plan.mode, "count": 5})
        answered: set[str] = set()
        for _ in range(plan.answers):
            question = next((q for q in questions if q["id"] not in answered), None)
            if question is None:  # perhaps the newest list is still on its way
                came.clear()
                await self._request(client, "recommendations:refresh", {})
                async with asyncio.timeout(PATIENCE):
                    await came.wait()
                # A question that comes back for review may be answered again.
                question = next(iter(questions), None)
                if question is None:
                    outcome.ran_dry += 1
                    break
            right, spent = student.answer(question)
            if plan.speed is not None:
                await self._think(spent / plan.speed)
            data = {"questionId": question["id"], "correct": right, "timeSpent": spent, "skill": question["skill"]}
            began = time.monotonic()
            await self._request(client, "analytics:performance", data)
            outcome.latencies.append(time.monotonic() - began)
            outcome.answered += 1
            outcome.right += right
            answered.add(question["id"])
        outcome.learnt += student.learnt

    async def _request(self, client: Client, event: str, data: dict[str, Any]) -> None:
        try:
            await client.request(event, data, timeout=None)
        except ServerError as refused:
            if refused.code == "unknown_event":
                plugin = "bonsai-analytics" if event.startswith("analytics") else "bonsai-recs"
                raise SimulationFailed(f"the server does not take {event}: install {plugin} there") from None
            self._outcome.refusals.append(f"{event}: {refused}")
        self.last_sign = time.monotonic()

    async def _think(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            await asyncio.sleep(min(left, 1.0))
            self.last_sign = time.monotonic()


async def play(plan: Plan, settings: Settings, show: Callable[[Outcome], Awaitable[None]]) -> Outcome:
    """Let the students practise.

    Args:
        settings: where tokens come from: signed with JWT_SECRET, or asked of a server in development mode.
        show: runs beside and displays the outcome as it grows; cancelled at the end.

    Raises:
        SimulationFailed: they could not practise to the end.
    """
    logging.getLogger("bonsai_core.client").setLevel(logging.ERROR)
    outcome = Outcome()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        await _check_server(http, plan.url)
        token = _token_source(settings, plan.url, http)
        await token(f"{plan.run}-0")  # what fails for all had better fail here
        game = _Play(plan, token, http, outcome)
        shown = asyncio.ensure_future(show(outcome))
        began = time.monotonic()
        students = asyncio.ensure_future(_all(game, plan.students))
        failures: list[str] = []
        try:
            while not students.done():
                await asyncio.wait((students,), timeout=0.2)
                outcome.seconds = time.monotonic() - began
                silent = time.monotonic() - game.last_sign
                if not students.done() and silent > PATIENCE:
                    why = f" ({outcome.hint})" if outcome.hint else ""
                    raise SimulationFailed(f"nothing was answered for {silent:.0f} s{why}; is the server still there?")
            await students
        except* (ClientError, SimulationFailed) as group:
            failures.append(_first(group))  # raised below: what is raised here would come as a group
        finally:
            students.cancel()
            shown.cancel()
            await asyncio.gather(students, shown, return_exceptions=True)
        if failures:
            raise SimulationFailed(failures[0])
    return outcome


async def _all(game: _Play, students: int) -> None:
    async with asyncio.TaskGroup() as tasks:
        for number in range(students):
            tasks.create_task(game.student(number))


def _first(group: BaseExceptionGroup[Exception]) -> str:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error)


def _token_source(settings: Settings, url: str, http: aiohttp.ClientSession) -> TokenSource:
    secret = settings.jwt_secret
    if secret is not None and not settings.dev:

        async def mint(user: str) -> str:
            return mint_token(
                secret, user=user, ttl_s=TOKEN_SECONDS, audience=settings.jwt_audience, issuer=settings.jwt_issuer
            )

        return mint

    async def ask(user: str) -> str:
        body = {"userId": user, "ttlSeconds": TOKEN_SECONDS}
        async with http.post(f"{_http_address(url)}/api/token", json=body) as answer:
            if answer.status in (404, 405):
                raise SimulationFailed(
                    f"{url} gives no demo tokens, since it is not in development mode: set JWT_SECRET to the server's"
                )
            if answer.status != 200:
                raise SimulationFailed(f"{url} gave no token for {user}: HTTP {answer.status}")
            return str((await answer.json())["token"])

    return ask


async def _check_server(http: aiohttp.ClientSession, url: str) -> None:
    """Wait a little for a server that is just starting."""
    deadline = time.monotonic() + 5.0
    while True:
        try:
            async with http.get(f"{_http_address(url)}/healthz") as answer:
                if answer.status == 200:
                    return
                why = f"it answered HTTP {answer.status}"
        except (aiohttp.ClientError, OSError) as error:
            why = str(error) or type(error).__name__
        if time.monotonic() > deadline:
            raise SimulationFailed(f"no server at {url}: {why}; start one with: bonsai serve --dev")
        await asyncio.sleep(0.1)


def _http_address(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{ {'ws': 'http', 'wss': 'https'}.get(scheme, scheme) }://{rest.partition('/')[0]}"
