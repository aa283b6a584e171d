"""How long it takes to recommend 10 questions from 100,000: `python -m bench.select_items` prints JSON.

Twice: the recommender alone, on one core, for each mode and kind of wish; and in a live server on one core, with the
plugin, a bank of that size, students who ask again and again, and a task that looks how late the event loop is.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
from bonsai_recs.events import Preferences, Request
from bonsai_recs.learner import CHUNK, Learner
from bonsai_recs.recommender import Recommender
from bonsai_recs.select.exposure import Exposure
from bonsai_recs.simulate import fixed_pool

from bonsai_core import Question
from bonsai_core.domain import DOMAIN_OF_SKILL, DOMAINS, SKILLS
from bonsai_core.testing.process import ServerProcess
from bonsai_core.testing.wire import WireClient

COUNT = 10
ROOT = Path(__file__).resolve().parent.parent
#: As numpy would find it on a machine with one core.
ONE_CORE = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
#: What students ask for. A mock test's module has its own size.
WISHES: dict[str, Request] = {
    "practice": Request(count=COUNT),
    "practice, preferences": Request(
        count=COUNT, preferences=Preferences(difficulty=3, subjects=["math"], time_limit=900)
    ),
    "practice, weak areas and levels": Request(
        count=COUNT, weak_areas=["algebra"], current_skill_level={"math": 0.6, "reading": 0.8}
    ),
    "diagnose": Request(count=COUNT, mode="diagnose"),
    "mock": Request(mode="mock"),
}

#: Brings the large bank, and tells how late the event loop is: a task sleeps a millisecond, again and again.
PLUGIN = '''
"""A large bank, and the event loop's lateness, for `bench.select_items`."""

import asyncio
import time

from aiohttp import web

from bench.select_items import bank
from bonsai_core import App, Plugin, hookimpl


class Large(Plugin):
    name = "large"

    @hookimpl(optionalhook=True)
    def add_questions(self):
        return bank({items})

    @hookimpl
    async def on_startup(self, app: App) -> None:
        self.late = []
        app.create_task(self.look(), name="look at the clock")

    async def look(self) -> None:
        while True:
            due = time.perf_counter() + 0.001
            await asyncio.sleep(0.001)
            self.late.append((time.perf_counter() - due) * 1000)

    @hookimpl
    def add_routes(self, app: App) -> None:
        async def lateness(request: web.Request) -> web.Response:
            late, self.late = self.late, []
            return web.json_response(late)

        app.add_route("GET", "/lateness", lateness)
'''


def bank(items: int) -> list[Question]:
    """As many questions as wanted, with the parameters of `bonsai recs simulate`'s pool."""
    pool = fixed_pool(items)
    choices = [{"key": key, "text": f"choice {key}"} for key in "ABCD"]
    questions = []
    for n, id in enumerate(pool.ids):
        skill = SKILLS[int(pool.skill[n])]
        domain = DOMAIN_OF_SKILL[skill]
        questions.append(
            Question.model_validate(
                {
                    "id": f"large-{id}",
                    "section": domain.section,
                    "domain": domain.name,
                    "skill": skill,
                    "stem": f"Question {id}?",
                    "choices": choices if pool.c[n] else [],
                    "answers": ["A"],
                    "band": int(pool.band[n]),
                    "difficulty": float(pool.b[n]),
                    "discrimination": float(pool.a[n]),
                    "guessing": float(pool.c[n]),
                }
            )
        )
    return questions


def student(recommender: Recommender, chance: random.Random, answers: int = 400) -> Learner:
    """A student who has answered so many of the bank's questions."""
    pool, learner = recommender.pool, Learner.read(None)
    for number, item in enumerate(chance.sample(range(len(pool)), answers)):
        right = chance.random() < 0.7
        skill = int(pool.skill[item])
        learner.ability.answer(skill, right, float(pool.a[item]), float(pool.b[item]), float(pool.c[item]))
        learner.chunks.setdefault(number // CHUNK, []).append(pool.ids[item])
    return learner


def shown_before(recommender: Recommender, chance: random.Random) -> dict[str, Any]:
    """What 50 students' diagnoses left for exposure control, by domain."""
    pool, left = recommender.pool, {}
    for number, domain in enumerate(DOMAINS):
        exposure = Exposure()
        favourites = np.flatnonzero(pool.domain == number)[:300].tolist()
        for _ in range(50):
            exposure.begin()
            exposure.give(pool.ids[item] for item in chance.sample(favourites, 5))
        left[domain.code] = exposure.document()
    return left


def alone(items: int, rounds: int, core: int) -> dict[str, Any]:
    """The recommender by itself, as the plugin calls it: milliseconds a call, by the clock and of the processor."""
    os.sched_setaffinity(0, {core})
    questions = bank(items)
    began = time.perf_counter()
    recommender = Recommender(questions)
    prepared = time.perf_counter() - began
    chance = random.Random(1)
    students = [student(recommender, chance) for _ in range(20)]
    exposure = shown_before(recommender, chance)
    figures: dict[str, Any] = {"prepareSeconds": round(prepared, 2)}
    for name, request in WISHES.items():
        times, busy, limit = [], [], request.preferences.time_limit
        for number in range(rounds + 5):
            began, spent = time.perf_counter(), time.thread_time()
            advice = recommender.advise(
                request,
                students[number % len(students)],
                user=f"u{number}",
                now=number,
                seconds=float("inf") if limit is None else limit,
                exposure=exposure,
            )
            times.append((time.perf_counter() - began) * 1000)
            busy.append((time.thread_time() - spent) * 1000)
            if len(advice.picks) < COUNT and limit is None:
                raise RuntimeError(f"{name}: only {len(advice.picks)} questions")
        figures[name] = {"wallMs": summary(times[5:]), "cpuMs": summary(busy[5:])}
    return figures


def pin(pid: int, core: int) -> None:
    """Keep a process, with all of its threads, on one core."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})


async def live(items: int, seconds: float, at_once: int, core: int) -> dict[str, Any]:
    """Students ask a server on one core for practice, again and again; with its loop's lateness, idle and meanwhile."""
    with tempfile.TemporaryDirectory(prefix="bonsai-select-") as folder:
        plugins = Path(folder) / "plugins"
        plugins.mkdir()
        (plugins / "large.py").write_text(PLUGIN.replace("{items}", str(items)))
        env = ONE_CORE | {"PYTHONPATH": str(ROOT)}
        server = ServerProcess(Path(folder), plugins_dir=plugins, plugins=["recs", "large"], env=env)
        await server.start(timeout=180)  # it is ready once the bank is loaded
        try:
            pin(server.pid, core)
            clients = [await server.connect(user=f"u{n}", session=f"s{n}", client=f"c{n}") for n in range(at_once)]
            for client in clients:
                await _ask(client)
            async with aiohttp.ClientSession(server.url) as http:
                await _lateness(http)
                await asyncio.sleep(min(seconds, 3.0))
                idle = await _lateness(http)
                found: dict[str, Any] = {"loopLateMsIdle": summary(idle)}
                for name, asking in (("one student", clients[:1]), (f"{at_once} students at once", clients)):
                    await _lateness(http)
                    ends = time.perf_counter() + seconds
                    times = await asyncio.gather(*(_keep_asking(client, ends) for client in asking))
                    found[name] = {
                        "answerMs": summary([t for each in times for t in each]),
                        "loopLateMs": summary(await _lateness(http)),
                    }
        finally:
            await server.stop()
    return found


async def _keep_asking(client: WireClient, ends: float) -> list[float]:
    times = []
    while time.perf_counter() < ends:
        times.append(await _ask(client))
    return times


async def _ask(client: WireClient) -> float:
    began = time.perf_counter()
    data = await client.request("recommendations:request", {"count": COUNT}, timeout=30)
    took = (time.perf_counter() - began) * 1000
    if data["count"] != COUNT:
        raise RuntimeError(f"the server recommended {data['count']} questions")
    return took


async def _lateness(http: aiohttp.ClientSession) -> list[float]:
    async with http.get("/lateness") as response:
        late: list[float] = await response.json()
        return late


def summary(values: Sequence[float]) -> dict[str, float]:
    """Count, median, p99 and largest."""
    ordered = sorted(values)
    return {
        "count": len(ordered),
        "p50": round(statistics.median(ordered), 3),
        "p99": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], 3),
        "max": round(ordered[-1], 3),
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--items", type=int, default=100_000, help="questions in the bank (default: 100000)")
    parser.add_argument("--rounds", type=int, default=1000, help="calls of each kind (default: 1000)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each run against the server (default: 10)")
    parser.add_argument("--students", type=int, default=8, help="who ask at once (default: 8)")
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    os.environ.update(ONE_CORE)  # for a process of its own, in which numpy is not loaded yet
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        by_itself = process.submit(alone, options.items, options.rounds, cores[-1]).result()
    result = {
        "items": options.items,
        "questions": COUNT,
        "loadAverage": round(load, 1),
        "recommender": by_itself,
        "server": asyncio.run(live(options.items, options.seconds, options.students, cores[-1])),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
