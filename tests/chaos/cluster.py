"""A chaos run of several nodes that share one Redis: nodes are killed and restarted in turn, Redis is restarted and
frozen, and the links between all of them are cut and stalled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from bonsai_core.testing import RedisServer, ServerProcess, TcpProxy
from tests.chaos.runner import Run


class ClusterRun(Run):
    """One run. A session's two devices begin on different nodes; whoever's node is away comes in by another."""

    async def _start(self) -> None:
        self.redis = RedisServer(self.directory / "redis", appendonly="yes", appendfsync="always")
        await asyncio.to_thread(self.redis.start)
        self.links: list[TcpProxy] = []
        self._busy: set[int] = set()
        for number in range(self.plan.nodes):
            link = TcpProxy("127.0.0.1", self.redis.port)
            await link.start()
            self.links.append(link)
            directory = self.directory / f"node{number}"
            directory.mkdir()
            self._server(
                directory,
                store_url=f"redis://127.0.0.1:{link.port}/0",
                node_id=f"node{number}",
                node_lease_ms=3000,
                redis_timeout_ms=1000,
            )
        await asyncio.gather(*(server.start() for server in self.servers))
        self.proxies = [TcpProxy("127.0.0.1", server.port) for server in self.servers]
        for proxy in self.proxies:
            await proxy.start()

    async def _stop(self) -> None:
        await super()._stop()
        for link in self.links:
            await link.stop()
        self.redis.kill()

    def _networks_of(self, number: int) -> list[TcpProxy]:
        return [self.proxies[number % len(self.proxies)], self.proxies[(number + 1) % len(self.proxies)]]

    def _faults(self) -> list[Coroutine[Any, Any, None]]:
        return [
            self._kill_now_and_then(),
            self._trouble_the_network(),
            self._trouble_redis(),
            self._trouble_the_links(),
            self._restart_in_turn(),
        ]

    async def _kill_now_and_then(self) -> None:
        while True:
            await self._pause(self.plan.kill_every * self.random.uniform(0.5, 1.5))
            if self._calm.is_set() and self.report.kills:
                return
            number = self.random.randrange(len(self.servers))
            if number not in self._busy:
                self.report.kills += 1
                await self._restart(number, self.servers[number].kill())

    async def _restart_in_turn(self) -> None:
        await self._pause(self.plan.kill_every * self.random.uniform(1, 3))
        for number, server in enumerate(self.servers):
            if number not in self._busy:
                await self._restart(number, server.terminate())
        self.report.rolling_restarts += 1

    async def _restart(self, number: int, end: Coroutine[Any, Any, Any]) -> None:
        """End a node and start it again; meanwhile its clients come in by another."""
        self._busy.add(number)
        others = [other for other in range(len(self.servers)) if other not in self._busy]
        if others:
            self.proxies[number].target_port = self.servers[self.random.choice(others)].port
        await end
        await asyncio.sleep(self.random.uniform(0, 0.5))
        await self._until_started(self.servers[number])
        self.proxies[number].target_port = self.servers[number].port
        self._busy.discard(number)

    async def _until_started(self, server: ServerProcess) -> None:
        """Start a node: it does not come up while Redis is away."""
        for _ in range(60):
            try:
                await server.start()
            except RuntimeError:
                await asyncio.sleep(0.3)
            else:
                return
        raise RuntimeError("a node did not start")

    async def _trouble_redis(self) -> None:
        turns = 0
        while self.plan.freeze and not (
            self._calm.is_set() and self.report.redis_restarts and self.report.redis_freezes
        ):
            await self._pause(self.plan.kill_every * self.random.uniform(0.8, 2.0))
            if turns % 2:
                await asyncio.to_thread(self.redis.kill)
                await asyncio.sleep(self.random.uniform(0, 0.5))
                await asyncio.to_thread(self.redis.start)
                self.report.redis_restarts += 1
            else:
                self.redis.freeze()
                await asyncio.sleep(self.plan.freeze)
                self.redis.thaw()
                self.report.redis_freezes += 1
            turns += 1

    async def _trouble_the_links(self) -> None:
        draw = self.random
        while not self._calm.is_set():
            await self._pause(draw.uniform(0.1, 0.6))
            link = draw.choice(self.links)
            if draw.random() < 0.6:
                link.cut(reset=draw.random() < 0.7, share=draw.sample(range(link.links), draw.randint(0, link.links)))
            else:
                link.stall(draw.choice(("up", "down", "both")))
                self.report.stalls += 1
                await self._pause(draw.uniform(0.1, 2.0))
                if draw.random() < 0.5:
                    link.cut()
                link.resume()

    def _heal(self) -> None:
        super()._heal()
        for link in self.links:
            link.resume()
