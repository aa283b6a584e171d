"""The soak's students: they join, answer, ask for hints, show screenshots, and leave in two ways; then others come."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path

from bench.servers import ROOT
from bench.vision import Shots, drawn
from bench.work import SECRET
from bonsai_core import mint_token
from bonsai_core.testing import WireClient
from bonsai_core.testing.wire import WireError

#: Small screenshots of questions, which the vision plugin's own tests read.
SHOTS = ROOT / "plugins" / "bonsai_vision" / "tests" / "shots"
#: Different students; few, so that everybody's caches are full after the warm-up.
USERS = 300
#: Answers of one visit.
VISIT = (10, 40)
#: The part of steps that ask for a hint before the answer, and of visits that end without a goodbye.
HINTS, CUTS = 0.25, 0.4
#: Refusals that are an answer like any other: the coach spaces hints, and more screenshots may wait than there is room.
EXPECTED = frozenset({"too_soon", "overloaded"})
_PATIENCE = 60.0


def pictures(folder: Path = SHOTS) -> list[bytes]:
    """PNGs of questions: those of the folder, else some that are drawn."""
    return [path.read_bytes() for path in sorted(folder.glob("*.png"))] or [drawn(number) for number in (1, 2, 3)]


class School:
    """Keeps so many students busy until it is told to stop.

    Args:
        port: the server's.
        students: how many are there at any time.
        shot_every: seconds between two screenshots, of all students together; 0 for none.

    Attributes:
        counts: what was done, by event; `errors` has by code what should not have been refused.
        gap: seconds between two steps of one student, on average.
    """

    def __init__(self, port: int, students: int, shot_every: float) -> None:
        self.counts: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.gap = 0.0
        self._url = f"ws://127.0.0.1:{port}/ws"
        self._shot_every = shot_every
        self._next_shot = 0.0
        self._shots = Shots(pictures())
        self._visits: Iterator[int] = itertools.count()
        self._dice = random.Random(1)
        bank = (files("bonsai_recs") / "data" / "bank.jsonl").read_text().splitlines()[1:]
        self._questions: Sequence[str] = [json.loads(line)["id"] for line in bank]
        self._seats = [asyncio.create_task(self._seat()) for _ in range(students)]

    async def close(self) -> None:
        """Send everybody home.

        Raises:
            Exception: what ended a seat, if one ended by itself.
        """
        for seat in self._seats:
            seat.cancel()
        for ended in await asyncio.gather(*self._seats, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended

    async def _seat(self) -> None:
        while True:
            await self._visit(next(self._visits))

    async def _visit(self, number: int) -> None:
        user = f"soak-{number % USERS:04}"
        device = await WireClient.open(self._url)
        ids = itertools.count(1)
        try:
            token = mint_token(SECRET, user=user)
            await device.join(token=token, session=f"s-{number}", client=f"c-{number}", timeout=_PATIENCE)
            self.counts["join"] += 1
            await self._do(device, next(ids), "recommendations:request", {"mode": "practice", "count": 5})
            for _ in range(self._dice.randint(*VISIT)):
                await self._step(device, ids)
                if self.gap:
                    await asyncio.sleep(self._dice.expovariate(1 / self.gap))
            self.counts["leave"] += 1
            if self._dice.random() < CUTS:
                return
            await device.send("user:disconnect")
            await device.closed()
        finally:
            self.counts["question:analyzed"] += len(device.of("question:analyzed"))
            await device.abort()

    async def _step(self, device: WireClient, ids: Iterator[int]) -> None:
        question = self._dice.choice(self._questions)
        now = asyncio.get_running_loop().time()
        if self._shot_every and now >= self._next_shot:
            self._next_shot = now + self._shot_every
            await self._show(device, next(ids))
        await self._do(device, next(ids), "coaching:focus", {"questionId": question})
        if self._dice.random() < HINTS:
            await self._do(device, next(ids), "coaching:hint", {"questionId": question})
        answer = {"questionId": question, "answer": self._dice.choice("ABCD"), "timeSpent": self._dice.uniform(15, 90)}
        await self._do(device, next(ids), "analytics:performance", answer)
        self.counts["step"] += 1

    async def _show(self, device: WireClient, id: int) -> None:
        """Show a screenshot; the student goes on while it is read."""
        self.counts["question:analyze"] += 1
        name = f"shot-{self.counts['question:analyze']}"
        await device.send_attachment("question:analyze", {"questionId": name}, next(self._shots), id=id)

    async def _do(self, device: WireClient, id: int, event: str, data: dict[str, object]) -> None:
        try:
            await device.request(event, data, id=id, timeout=_PATIENCE)
        except WireError as error:
            if error.code not in EXPECTED:
                self.errors[f"{event}: {error.code}"] += 1
        self.counts[event] += 1
