"""How fast screenshots are read, and what that costs others: `python -m bench.vision` prints JSON.

A server process with the vision plugin and its default settings. Measured are, in milliseconds:

- `start`: how much later the server answers with the plugin than without it, and when the plugin is ready;
- `one`: one screenshot at a time: until the first `question:progress`, until the result;
- `again`: the same screenshots a second time, from memory;
- `others`: another student's acked events, one every 10 ms, while nothing else happens and while four screenshots are
  being read at any time; and the screenshots' own times then.

The pictures are those of `--images DIR`, else some that are drawn here. One that was read is made a new one by bytes
after its end, which change its hash and nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import itertools
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from bench.slow_reader import summary as _summary
from bonsai_core.testing.process import ServerProcess
from bonsai_core.testing.wire import WireClient

READING = """Researchers studying migratory songbirds fitted forty birds with light sensors and followed them from
their breeding grounds in the north to their winter homes. Birds that left early rested longer on
the way, while those that left late flew more hours each night and arrived at nearly the same time."""
STEM = "Which choice best states the main idea of the text?"
CHOICES = (
    "The sensors made the birds fly more slowly than usual.",
    "Birds that leave late make up for it by flying longer.",
    "Most songbirds rest for the same number of days.",
    "Early birds arrive much sooner than late ones do.",
)


def summary(values: list[float]) -> dict[str, float]:
    """As in `bench.slow_reader`; of nothing, nothing."""
    return _summary(values) if values else {"count": 0}


def drawn(number: int) -> bytes:
    """A page with a question on it, as PNG."""
    from PIL import Image, ImageDraw, ImageFont

    page = Image.new("RGB", (1280, 800), "white")
    draw = ImageDraw.Draw(page)
    draw.rectangle((0, 0, 1280, 60), fill="#324dc7")
    font = ImageFont.load_default(22)
    draw.text((40, 18), f"Practice    Question {number}", fill="white", font=font)
    draw.multiline_text((60, 110), READING, fill="#222222", font=font, spacing=10)
    draw.text((60, 260), STEM, fill="#222222", font=font)
    for line, (letter, choice) in enumerate(zip("ABCD", CHOICES, strict=True)):
        draw.text((80, 320 + line * 60), f"{letter})  {choice}", fill="#222222", font=font)
    file = io.BytesIO()
    page.save(file, "PNG")
    return file.getvalue()


def pictures(folder: Path | None) -> list[bytes]:
    """What is read."""
    if folder is None:
        return [drawn(number) for number in range(1, 5)]
    found = sorted(path for path in folder.iterdir() if path.suffix in (".png", ".jpg", ".jpeg", ".webp"))
    return [path.read_bytes() for path in found]


class Shots:
    """New pictures without end: the given ones in turn, each time with other bytes after the end."""

    def __init__(self, given: Sequence[bytes]) -> None:
        self._turns: Iterator[tuple[int, bytes]] = enumerate(itertools.cycle(given))

    def __next__(self) -> bytes:
        number, picture = next(self._turns)
        return picture + number.to_bytes(8, "big")


async def shoot(device: WireClient, picture: bytes, name: str) -> tuple[float, float, bool]:
    """Send a picture; returns ms until the first progress and until the result, and whether it was analysed before."""
    id = time.monotonic_ns() // 1000
    begun = time.perf_counter()
    await device.send_attachment("question:analyze", {"questionId": name}, picture, id=id)
    await device.recv("question:progress", timeout=60)
    first = time.perf_counter()
    ack = await device.answer(id, timeout=60)
    analyzed = await device.recv("question:analyzed", timeout=60)
    done = time.perf_counter()
    assert analyzed["data"]["questionId"] == name
    while any(frame["event"].startswith("question:") for frame in device.unread):
        await device.recv("question:progress")
    return (first - begun) * 1000, (done - begun) * 1000, ack["cached"]


async def start_times(folder: Path, rounds: int) -> dict[str, Any]:
    """Starts with and without the plugin in turn: ms until the server answers, and until it is ready."""
    answered: dict[str, list[float]] = {"without": [], "with": []}
    ready: list[float] = []
    for number in range(rounds):
        sides = ["without", "with"]
        for side in sides if number % 2 else reversed(sides):
            where = folder / f"start-{number}-{side}"
            where.mkdir()
            plugins = ["extension", "vision"] if side == "with" else ["extension"]
            server = ServerProcess(where, plugins=plugins)
            begun = time.perf_counter()
            starting = asyncio.create_task(server.start())
            async with aiohttp.ClientSession() as http:
                while True:
                    try:
                        async with http.get(f"{server.url}/healthz"):
                            break
                    except aiohttp.ClientError:
                        await asyncio.sleep(0.002)
            answered[side].append((time.perf_counter() - begun) * 1000)
            await starting
            if side == "with":
                ready.append((time.perf_counter() - begun) * 1000)
            await server.terminate()
    medians = {side: round(statistics.median(values), 1) for side, values in answered.items()}
    return {
        "answersMs": medians,
        "addedMs": round(medians["with"] - medians["without"], 1),
        "readyMs": round(statistics.median(ready), 1),
    }


async def one_by_one(device: WireClient, given: Sequence[bytes], rounds: int) -> dict[str, Any]:
    """Each picture alone, then again."""
    first, result, again = [], [], []
    shots = Shots(given)
    for number in range(rounds):
        picture = next(shots)
        progress, done, cached = await shoot(device, picture, f"one-{number}")
        assert not cached
        first.append(progress)
        result.append(done)
        _, done, cached = await shoot(device, picture, f"again-{number}")
        assert cached
        again.append(done)
    return {"one": {"firstProgress": summary(first), "result": summary(result)}, "again": summary(again)}


async def others(server: ServerProcess, given: Sequence[bytes], seconds: float, readers: int) -> dict[str, Any]:
    """A student's acked events while so many screenshots are being read."""
    ends = time.perf_counter() + seconds
    student = await server.connect(user="other", session="other", client=f"other-{readers}")
    shots = Shots([picture + readers.to_bytes(1, "big") for picture in given])
    first: list[float] = []
    result: list[float] = []

    async def read(number: int) -> None:
        user = f"reader-{readers}-{number}"
        device = await server.connect(user=user, session=user, client=user)
        while time.perf_counter() < ends:
            progress, done, _ = await shoot(device, next(shots), f"{user}-{len(result)}")
            first.append(progress)
            result.append(done)

    async def ask() -> list[float]:
        found: list[float] = []
        for number in itertools.count(1):
            begun = time.perf_counter()
            if begun >= ends:
                return found
            await student.request("session:update", {"patch": {"page": number}}, timeout=30)
            found.append((time.perf_counter() - begun) * 1000)
            await asyncio.sleep(0.01)
        return found

    reading = [asyncio.create_task(read(number)) for number in range(readers)]
    answered = await ask()
    await asyncio.gather(*reading)
    await server.disconnect_all()
    return {"acks": summary(answered), "firstProgress": summary(first), "result": summary(result)}


async def run(folder: Path | None, seconds: float, rounds: int, readers: int) -> dict[str, Any]:
    """All of it."""
    given = pictures(folder)
    with tempfile.TemporaryDirectory(prefix="bonsai-vision-") as place:
        start = await start_times(Path(place), rounds)
        server = ServerProcess(Path(place), plugins=["vision"])
        await server.start()
        try:
            device = await server.connect()
            await shoot(device, Shots(given).__next__() + b"first", "warm")
            alone = await one_by_one(device, given, max(rounds, len(given)))
            await server.disconnect_all()
            idle = await others(server, given, seconds, 0)
            busy = await others(server, given, seconds, readers)
        finally:
            await server.stop()
    machine = {"cores": len(os.sched_getaffinity(0)), "load": round(os.getloadavg()[0], 2)}
    return {
        "machine": machine,
        "pictures": len(given),
        "start": start,
        **alone,
        "others": {"idle": idle, "reading": busy},
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--images", type=Path, help="folder of screenshots (default: some are drawn)")
    parser.add_argument("--seconds", type=float, default=15.0, help="of each run with another student (default: 15)")
    parser.add_argument("--rounds", type=int, default=6, help="starts, and least screenshots one by one (default: 6)")
    parser.add_argument("--readers", type=int, default=4, help="screenshots being read at any time (default: 4)")
    options = parser.parse_args()
    print(json.dumps(asyncio.run(run(options.images, options.seconds, options.rounds, options.readers)), indent=2))


if __name__ == "__main__":
    main()
