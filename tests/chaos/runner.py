"""Runs a server process, its devices and the faults, then reads back what happened and has it checked."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bonsai_core.testing import ServerProcess, TcpProxy, WireClosed, WireError
from tests.chaos.devices import Device
from tests.chaos.history import SessionHistory, Verdict, check

HERE = Path(__file__).parent
#: What each device is called, and which of the two networks it uses.
KINDS = ("phone", "laptop")


@dataclass(frozen=True)
class Plan:
    """A run.

    Args:
        seed: of everything that is drawn: bursts, pauses, faults.
        sessions: each with two devices, of a user of its own.
        messages: so many of each device.
        pace: seconds between a device's messages, on average.
        kill_every: seconds between two SIGKILLs, on average.
        retention: room logs keep so many messages; a device that misses more is told so.
        sabotage: a deliberate bug of `launcher.SABOTAGES`.
        nodes: 0 for one server with SQLite; else so many nodes that share a Redis, see `cluster.ClusterRun`.
        heartbeat: of devices, in seconds.
        freeze: seconds for which Redis is frozen; 0 leaves Redis alone, so that no room begins anew.
        patience: seconds that everything may take to settle once the faults are over.
    """

    seed: int
    sessions: int = 20
    messages: int = 500
    pace: float = 0.05
    kill_every: float = 4.0
    retention: int = 64
    sabotage: str | None = None
    patience: float = 60.0
    nodes: int = 0
    freeze: float = 5.0
    heartbeat: float = 0.4


@dataclass
class Report:
    """What a run did to the server, and what came of it."""

    plan: Plan
    verdict: Verdict
    messages: int = 0
    shown: int = 0
    seconds: float = 0.0
    kills: int = 0
    cuts: int = 0
    stalls: int = 0
    redis_restarts: int = 0
    redis_freezes: int = 0
    rolling_restarts: int = 0
    recovered: int = 0
    not_recovered: int = 0
    longest_outage: float = 0.0
    server_errors: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """Everything that was counted, ready for JSON."""
        counted = {name: value for name, value in asdict(self).items() if name not in ("plan", "verdict")}
        found = asdict(self.verdict)
        problems = found.pop("problems")
        return {**asdict(self.plan), **counted, **found, "problems": problems, "clean": self.verdict.clean}


class Run:
    """One chaos run.

    Args:
        directory: for the server's files; empty.
        progress: called now and then with a line for people.
    """

    def __init__(self, plan: Plan, directory: Path, progress: Callable[[str], None] = lambda _: None) -> None:
        self.plan = plan
        self.random = random.Random(plan.seed)
        self.directory = directory
        self.servers: list[ServerProcess] = []
        self.proxies: list[TcpProxy] = []
        self.devices: dict[str, list[Device]] = {}
        self.report = Report(plan, Verdict())
        self._progress = progress
        self._calm = asyncio.Event()

    async def run(self) -> Report:
        """Do it all."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        try:
            await self._start()
            await self._send_through_faults()
            sessions = [await self._read_back(session) for session in self.devices]
            await self._wait_until_shown(sessions)
        finally:
            for device in self._all():
                await device.client.close(timeout=0, leave=False)
            await self._stop()
        return self._conclude(sessions, loop.time() - start)

    # Servers

    async def _start(self) -> None:
        """Start servers and the networks in front of them."""
        server = self._server(self.directory)
        await server.start()
        self.proxies = [TcpProxy("127.0.0.1", server.port) for _ in KINDS]
        for proxy in self.proxies:
            await proxy.start()

    async def _stop(self) -> None:
        for proxy in self.proxies:
            await proxy.stop()
        for server in self.servers:
            await server.stop()

    def _server(self, directory: Path, **settings: Any) -> ServerProcess:
        """A server that is not yet started."""
        server = ServerProcess(
            directory,
            command=(sys.executable, str(HERE / "launcher.py")),
            env={"SABOTAGE": self.plan.sabotage or "", "PYTHONPATH": str(HERE.parent.parent)},
            plugins_dir=HERE / "plugins",
            plugins=["chaos"],
            log_max_messages=self.plan.retention,
            heartbeat_interval_ms=1000,
            heartbeat_timeout_ms=1000,
            **settings,
        )
        self.servers.append(server)
        return server

    def _networks_of(self, number: int) -> list[TcpProxy]:
        """The networks of a session's two devices."""
        return self.proxies

    def _faults(self) -> list[Coroutine[Any, Any, None]]:
        return [self._kill_now_and_then(), self._trouble_the_network()]

    def _all(self) -> list[Device]:
        return [device for pair in self.devices.values() for device in pair]

    async def _send_through_faults(self) -> None:
        for number in range(self.plan.sessions):
            session = f"s{number:02}"
            token = self.servers[0].token(f"user{number:02}")
            self.devices[session] = [
                Device(proxy.ws_url, token, session, f"{session}-{kind}", heartbeat=self.plan.heartbeat)
                for proxy, kind in zip(self._networks_of(number), KINDS, strict=True)
            ]
        for device in self._all():
            device.client.start()
        faults = [asyncio.create_task(fault) for fault in self._faults()]
        telling = asyncio.create_task(self._tell())
        try:
            async with asyncio.TaskGroup() as group:
                for device in self._all():
                    own = random.Random(self.random.random())
                    group.create_task(device.send(self.plan.messages, self.plan.pace, own))
            self._calm.set()
            await asyncio.gather(*faults)
            self._heal()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.plan.patience):
                    await asyncio.gather(*(device.client.flush() for device in self._all()))
        finally:
            for task in (*faults, telling):
                task.cancel()
            await asyncio.gather(*faults, telling, return_exceptions=True)

    # Faults

    async def _kill_now_and_then(self) -> None:
        while True:
            await self._pause(self.plan.kill_every * self.random.uniform(0.5, 1.5))
            if self._calm.is_set() and self.report.kills:
                return
            await self.servers[0].kill()
            self.report.kills += 1
            await asyncio.sleep(self.random.uniform(0, 0.3))
            await self.servers[0].start()

    async def _trouble_the_network(self) -> None:
        draw = self.random
        while not self._calm.is_set():
            await self._pause(draw.uniform(0.02, 0.3))
            proxy = draw.choice(self.proxies)
            fault = draw.choices(
                (self._cut, self._stall, self._refuse, self._stay_away, self._delay), weights=(8, 4, 3, 1, 2)
            )[0]
            await fault(proxy)

    async def _cut(self, proxy: TcpProxy) -> None:
        links = proxy.links
        proxy.cut(
            reset=self.random.random() < 0.7, share=self.random.sample(range(links), self.random.randint(0, links))
        )

    async def _stall(self, proxy: TcpProxy) -> None:
        way = self.random.choice(("up", "down", "both"))
        proxy.stall(way)  # type: ignore[arg-type]
        self.report.stalls += 1
        await self._pause(self.random.uniform(0.05, 1.0))
        if self.random.random() < 0.5:
            proxy.cut()  # what was stalled is lost
        proxy.resume()

    async def _refuse(self, proxy: TcpProxy) -> None:
        proxy.refuse()
        proxy.cut()
        await self._pause(self.random.uniform(0.05, 0.5))
        proxy.refuse(False)

    async def _stay_away(self, proxy: TcpProxy) -> None:
        """Half of the devices miss more than the logs keep, on average."""
        proxy.refuse()
        proxy.cut()
        await self._pause(1.5 * self.plan.retention * self.plan.pace)
        proxy.refuse(False)

    async def _delay(self, proxy: TcpProxy) -> None:
        proxy.delay(self.random.choice((0.0, 0.005, 0.03)))

    def _heal(self) -> None:
        for proxy in self.proxies:
            proxy.refuse(False)
            proxy.delay(0)
            proxy.resume()

    async def _pause(self, seconds: float) -> None:
        """Sleep, but not long once everything was sent."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._calm.wait()

    # Afterwards

    async def _read_back(self, session: str) -> SessionHistory:
        """What the server says of a session, over the wire."""
        for _ in range(20):  # a server may still be coming back
            with contextlib.suppress(WireClosed, WireError, OSError, TimeoutError):
                return await self._read(session)
            await asyncio.sleep(0.5)
        return await self._read(session)

    async def _read(self, session: str) -> SessionHistory:
        number = session.removeprefix("s")
        wire = await self.servers[0].connect(user=f"user{number}", session=session, client=f"{session}-reader")
        history = SessionHistory(session, [device.history for device in self.devices[session]])
        room = wire.joined["rooms"][f"session:{session}"]
        history.epoch, history.end = room["epoch"], room["offset"]
        before: int | None = None
        while True:
            page = await wire.request("chaos:read", {"before": before}, timeout=10)
            history.counted = page["counted"]
            entries = page["entries"]
            if not entries:
                break
            history.effects[:0] = [(entry["item"][0], entry["item"][1]) for entry in entries]
            before = entries[0]["number"]
        await wire.close()
        return history

    async def _wait_until_shown(self, sessions: list[SessionHistory]) -> None:
        """Give every device the time to be shown the end of its room."""
        ends = [
            (device, history.epoch, history.end) for history in sessions for device in self.devices[history.session]
        ]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(self.plan.patience, 15)):
                await asyncio.gather(*(device.shown_up_to(epoch, end) for device, epoch, end in ends))

    def _conclude(self, sessions: list[SessionHistory], seconds: float) -> Report:
        report, devices = self.report, self._all()
        report.verdict = check(sessions)
        report.messages = sum(len(device.history.sent) for device in devices)
        report.shown = sum(hasattr(event, "item") for device in devices for event in device.history.seen)
        report.seconds = round(seconds, 1)
        report.cuts = sum(proxy.cuts for proxy in self.proxies)
        report.recovered = sum(device.joins[True] for device in devices)
        report.not_recovered = sum(max(0, device.joins[False] - 1) for device in devices)  # the first is no return
        report.longest_outage = round(max(device.longest_outage for device in devices), 2)
        report.server_errors = [
            line
            for server in self.servers
            for line in server.logs.splitlines()
            if "[error" in line or "Traceback" in line
        ]
        return report

    async def _tell(self) -> None:
        total = 2 * self.plan.sessions * self.plan.messages
        while True:
            await asyncio.sleep(0.5)
            devices = self._all()
            sent = sum(len(device.history.sent) for device in devices)
            answered = sum(len(device.history.answers) for device in devices)
            joined = sum(device.client.state == "joined" for device in devices)
            self._progress(
                f"{sent}/{total} sent, {answered} answered, {joined}/{len(devices)} joined, "
                f"{self.report.kills} kills, {sum(proxy.cuts for proxy in self.proxies)} cuts"
            )


async def run(plan: Plan, directory: Path, progress: Callable[[str], None] = lambda _: None) -> Report:
    """Run a plan in an empty directory."""
    if plan.nodes:
        from tests.chaos.cluster import ClusterRun

        return await ClusterRun(plan, directory, progress).run()
    return await Run(plan, directory, progress).run()
