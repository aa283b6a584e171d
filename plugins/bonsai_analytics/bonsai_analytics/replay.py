"""Playing recorded answers as students who practise at the same time, over real sockets.

Each student is one user with one session and one client. The client numbers what it sends and sends again what was not
answered, under the same numbers, so the counts stay exact however often connections or the server die meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bonsai_analytics.recorded import Row, Tally
from bonsai_analytics.stats import UNKNOWN
from bonsai_core import Settings, mint_token
from bonsai_core.client import Auth, Client, ClientError, Message, Queue, Reconnect, Refused, State

#: Students who connect at the same moment; a thousand at once would only wait for one another.
CONNECTING_AT_ONCE = 50
#: How a student comes back: soon, since this is no crowd to be spread over minutes.
RECONNECT = Reconnect(attempts=None, delay=0.1, max_delay=2.0)
TOKEN_SECONDS = 3600

TokenSource = Callable[[str], Awaitable[str]]


class ReplayFailed(Exception):
    """The replay could not be played to its end; says why and what to do."""


@dataclass(frozen=True)
class Plan:
    """What to play, and how.

    Attributes:
        url: the WebSocket address.
        run: the students are users `{run}-0`, `{run}-1`, ...
        students: the answers of each.
        window: answers of one student that may be unacknowledged at a time.
        rate: answers per second of all students together; None: as fast as they are taken.
        speed: a student takes the recorded seconds, divided by this, over each answer; None: no time.
        patience: give up when no answer was acknowledged for so long, in seconds.
    """

    url: str
    run: str
    students: Sequence[Sequence[Row]]
    window: int = 8
    rate: float | None = None
    speed: float | None = None
    patience: float = 90.0


@dataclass
class Outcome:
    """What came of it, complete once `Replay.run` returned; the rest is what a progress display shows.

    Attributes:
        acked: answers acknowledged so far.
        latencies: seconds from handing an answer to the client to its ack, resends included.
        reconnects: joins after each student's first.
        refusals: answers that the server refused for good: (question, why).
        limits: what the server announced of its rate limit: (messages, seconds), if any.
        hint: why students wait to connect at the moment, or None.
        counted: what the server counted for each student.
        seconds: from the first answer sent to the last acknowledged.
    """

    acked: int = 0
    latencies: list[float] = field(default_factory=list)
    reconnects: int = 0
    refusals: list[tuple[str, str]] = field(default_factory=list)
    limits: tuple[int, float] | None = None
    hint: str | None = None
    counted: list[Tally] = field(default_factory=list)
    seconds: float = 0.0


class Replay:
    """One replay.

    Args:
        plan: what to play.
        token: gives a token for a user.
        http: the HTTP session that all sockets share.
    """

    def __init__(self, plan: Plan, token: TokenSource, http: aiohttp.ClientSession) -> None:
        self.plan = plan
        self.outcome = Outcome(counted=[Tally() for _ in plan.students])
        self._token = token
        self._http = http
        self._connecting = asyncio.Semaphore(CONNECTING_AT_ONCE)
        self._next_turn = 0.0
        self._last_sign = time.monotonic()
        self._began = 0.0

    async def run(self) -> Outcome:
        """Play to the end.

        Raises:
            ReplayFailed: the server refused a student, or nothing went on for `patience` seconds.
        """
        students = asyncio.ensure_future(self._play_all())
        while not students.done():
            await asyncio.wait((students,), timeout=1.0)
            silent = time.monotonic() - self._last_sign
            if not students.done() and silent > self.plan.patience:
                students.cancel()
                await asyncio.gather(students, return_exceptions=True)
                why = f" ({self.outcome.hint})" if self.outcome.hint else ""
                raise ReplayFailed(f"nothing was acknowledged for {silent:.0f} s{why}; is the server still there?")
        failures: list[str] = []
        try:
            await students
        except* ClientError as group:
            failures.append(str(group.exceptions[0]))  # raised below: what is raised here may come as a group
        if failures:
            raise ReplayFailed(failures[0])
        return self.outcome

    async def _play_all(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for number in range(len(self.plan.students)):
                tasks.create_task(self._play(number))

    async def _play(self, number: int) -> None:
        plan, user = self.plan, f"{self.plan.run}-{number}"
        auth = Auth(token_provider=lambda: self._token(user), session_id=f"{user}-{time.time_ns():x}")
        queue = Queue(in_flight=plan.window)
        client = Client(plan.url, auth=auth, reconnect=RECONNECT, queue=queue, session=self._http)
        joins = 0

        def on_state(state: State) -> None:
            nonlocal joins
            if state is State.JOINED:
                joins += 1
                self.outcome.reconnects += joins > 1
                self.outcome.hint = None
                self._note_limits(client)
            elif state is State.WAITING:
                self.outcome.hint = str(client.failure)
                if isinstance(client.failure, Refused) and client.failure.code == 429:
                    # Told to wait is not silence.
                    self._last_sign = time.monotonic()
                    self.outcome.hint += "; BONSAI_CONNECTIONS_PER_IP=0 and BONSAI_HANDSHAKES_PER_IP=0 lift its limits"

        client.on_state(on_state)
        done = False
        try:
            async with self._connecting:
                await client.connect()
            self.outcome.counted[number] = await _unless_closed(client, self._practise(client, plan.students[number]))
            done = True
        finally:
            await client.close(leave=done, timeout=1.0 if done else 0.0)

    async def _practise(self, client: Client, rows: Sequence[Row]) -> Tally:
        before = await self._skills(client)
        await self._answer(client, rows)
        return await self._count(client, before)

    async def _answer(self, client: Client, rows: Sequence[Row]) -> None:
        """Send a student's answers, at most `window` ahead of their acks; return when all are answered."""
        plan, outcome = self.plan, self.outcome
        room = asyncio.Semaphore(plan.window)
        sent: dict[int, tuple[float, Row]] = {}

        def acked(message: Message) -> None:
            at, _ = sent.pop(message.id or 0, (None, None))
            if at is not None:
                now = self._last_sign = time.monotonic()
                outcome.seconds = now - self._began
                outcome.latencies.append(now - at)
                outcome.acked += 1
                room.release()

        def refused(message: Message) -> None:
            at, row = sent.pop(message.id or 0, (None, None))
            if at is not None and row is not None:
                data = message.data if isinstance(message.data, dict) else {}
                outcome.refusals.append((row.question, f"{data.get('code')}: {data.get('message')}"))
                room.release()

        client.on("ack", acked)
        client.on("error", refused)
        ready_at = time.monotonic()
        self._began = self._began or ready_at
        for row in rows:
            if plan.speed is not None:
                ready_at = max(ready_at + row.seconds / plan.speed, time.monotonic() - 1.0)
                await self._until(ready_at)
            if plan.rate is not None:
                await self._turn(plan.rate)
            await room.acquire()
            data = {
                "questionId": row.question or UNKNOWN,
                "correct": row.correct,
                "timeSpent": row.seconds,
                "skill": row.skill,
            }
            sent[client.emit("analytics:performance", data)] = (time.monotonic(), row)
        for _ in range(plan.window):
            await room.acquire()

    async def _count(self, client: Client, before: Tally) -> Tally:
        """What the server counted: the session's own numbers, and what the skills gained."""
        after = await self._skills(client)
        ended = await client.request("session:end", {"reason": "replayed"}, timeout=None)
        summary = ended["summary"]["analytics"]
        self._last_sign = time.monotonic()
        after.skills.subtract(before.skills)
        after.right.subtract(before.right)
        return Tally(
            summary["questionsAnswered"],
            summary["correctAnswers"],
            # A difference below zero would be a fault worth seeing, so only zeros go.
            Counter({skill: count for skill, count in after.skills.items() if count}),
            Counter({skill: count for skill, count in after.right.items() if count}),
        )

    async def _skills(self, client: Client) -> Tally:
        progress: Any = await client.request("analytics:progress", {"days": 1}, timeout=None)
        self._last_sign = time.monotonic()
        tally = Tally()
        for skill, shown in progress["skills"].items():
            tally.skills[skill], tally.right[skill] = shown["answered"], shown["correct"]
        return tally

    def _note_limits(self, client: Client) -> None:
        joined = client.joined
        messages, window = (joined.limit("maxRequests"), joined.limit("windowMs")) if joined else (None, None)
        if messages and window:
            self.outcome.limits = (messages, window / 1000)

    async def _turn(self, rate: float) -> None:
        """Wait for this answer's place in the common rate."""
        now = time.monotonic()
        # What was missed while the server was away is not made up for all at once.
        self._next_turn = max(self._next_turn + 1 / rate, now - 0.1) if self._next_turn else now
        await self._until(self._next_turn)

    async def _until(self, moment: float) -> None:
        # Waiting on purpose is a sign of life.
        while (left := moment - time.monotonic()) > 0:
            await asyncio.sleep(min(left, 1.0))
            self._last_sign = time.monotonic()


async def play(plan: Plan, settings: Settings, show: Callable[[Outcome], Awaitable[None]]) -> Outcome:
    """Play a plan.

    Args:
        settings: where tokens come from: see `token_source`.
        show: runs beside the replay and displays its outcome as it grows; cancelled at the end.

    Raises:
        ReplayFailed: it was not played to its end.
    """
    # A restarting server would make every client say so, each time; the display sums that up.
    logging.getLogger("bonsai_core.client").setLevel(logging.ERROR)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        await check_server(http, plan.url)
        token = token_source(settings, plan.url, http)
        await token(f"{plan.run}-0")  # what fails for all had better fail here, not over and over in every client
        replay = Replay(plan, token, http)
        shown = asyncio.ensure_future(show(replay.outcome))
        try:
            return await replay.run()
        finally:
            shown.cancel()
            await asyncio.gather(shown, return_exceptions=True)


async def _unless_closed(client: Client, coroutine: Coroutine[Any, Any, Tally]) -> Tally:
    """Run a coroutine, but not on when the server has refused the client for good: then raise why."""
    work, over = asyncio.ensure_future(coroutine), asyncio.ensure_future(client.wait_closed())
    try:
        await asyncio.wait((work, over), return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            over.result()
        return await work
    finally:
        work.cancel()
        over.cancel()
        await asyncio.gather(work, over, return_exceptions=True)


def token_source(settings: Settings, url: str, http: aiohttp.ClientSession) -> TokenSource:
    """Tokens signed with JWT_SECRET where there is one, else those that a server in development mode gives away."""
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
                raise ReplayFailed(
                    f"{url} gives no demo tokens, since it is not in development mode: set JWT_SECRET to the server's"
                )
            if answer.status != 200:
                raise ReplayFailed(f"{url} gave no token for {user}: HTTP {answer.status}")
            return str((await answer.json())["token"])

    return ask


async def check_server(http: aiohttp.ClientSession, url: str) -> None:
    """Wait a little for a server that is just starting; what goes on forever is better said at once."""
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
            raise ReplayFailed(f"no server at {url}: {why}; start one with: bonsai serve --dev")
        await asyncio.sleep(0.1)


def _http_address(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{ {'ws': 'http', 'wss': 'https'}.get(scheme, scheme) }://{rest.partition('/')[0]}"
