"""A real Redis for a test: a process on a free port that can be frozen, killed and started again on its data."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from bonsai_core.testing.process import free_port


class RedisServer:
    """One `redis-server` process on 127.0.0.1.

    Args:
        directory: where its data and its log go.
        options: its settings, by the names of redis.conf with `_` for `-`: `appendonly="yes"`. With
            `sentinel="monitor NAME HOST PORT QUORUM"` it is a Sentinel.

    Raises:
        FileNotFoundError: no `redis-server` is installed.
    """

    def __init__(self, directory: Path, **options: Any) -> None:
        program = shutil.which("redis-server")
        if program is None:
            raise FileNotFoundError("redis-server is not installed (Debian: apt-get install redis-server)")
        self._program = program
        self.directory = directory
        self.port = _cluster_port() if options.get("cluster_enabled") == "yes" else free_port()
        self.options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address: `redis://127.0.0.1:PORT/0`."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process is not None
        return self._process.pid

    def start(self, timeout: float = 10.0) -> RedisServer:
        """Start it, on the data that an earlier start left; returns when it answers."""
        self.directory.mkdir(parents=True, exist_ok=True)
        settings: dict[str, Any] = {"port": self.port, "bind": "127.0.0.1", "dir": self.directory}
        if "sentinel" not in self.options:
            settings |= {"save": '""', "appendfsync": "always", "repl_diskless_sync_delay": 0}
        lines = [f"{name.replace('_', '-')} {value}\n" for name, value in (settings | self.options).items()]
        config = self.directory / "redis.conf"
        config.write_text("".join(lines))
        arguments = [self._program, str(config), *(["--sentinel"] if "sentinel" in self.options else [])]
        with (self.directory / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(arguments, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self._process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                if self._answers():
                    return self
            time.sleep(0.02)
        self.kill()
        raise RuntimeError(f"redis-server did not start; see {self.directory / 'redis.log'}")

    def _answers(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), 0.5) as connection:
            connection.settimeout(0.5)
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))

    def command(self, *words: str) -> str:
        """Run one command with `redis-cli` and return what it prints."""
        done = subprocess.run(
            ["redis-cli", "-h", "127.0.0.1", "-p", str(self.port), *words], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def kill(self) -> None:
        """End it with SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it with SIGTERM; it keeps what `appendonly` and `save` say."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """Stop it from running (SIGSTOP): connections stay open, nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen one run on."""
        os.kill(self.pid, signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.send_signal(how)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class StartRedis:
    """Starts Redis servers for a test, and ends them after it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._servers: list[RedisServer] = []

    async def __call__(self, **options: Any) -> RedisServer:
        """Start one, with settings as `RedisServer` takes them."""
        server = RedisServer(self._directory / f"redis-{len(self._servers)}", **options)
        self._servers.append(server)
        await asyncio.to_thread(server.start)
        return server

    async def cluster(self, size: int = 3, **options: Any) -> list[RedisServer]:
        """Start a Redis Cluster of `size` primaries without replicas; returns when every slot is served."""
        options = {"cluster_config_file": "nodes.conf", "cluster_node_timeout": 1000} | options
        servers = [await self(cluster_enabled="yes", **options) for _ in range(size)]
        addresses = [f"127.0.0.1:{server.port}" for server in servers]
        await asyncio.to_thread(servers[0].command, "--cluster", "create", *addresses, "--cluster-yes")
        await asyncio.to_thread(_wait_for_cluster, servers)
        return servers

    def stop_all(self) -> None:
        """End every server that was started."""
        for server in self._servers:
            server.kill()


def _cluster_port() -> int:
    """A free port whose bus port, 10,000 above it, is free too and not one of the system's for outgoing connections."""
    for _ in range(1000):
        port = random.randrange(20_000, 22_700)
        with socket.socket() as probe, socket.socket() as bus:
            try:
                probe.bind(("127.0.0.1", port))
                bus.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
            return port
    raise RuntimeError("no two free ports were found for a Redis Cluster's node")


def _wait_for_cluster(servers: list[RedisServer]) -> None:
    end = time.monotonic() + 20
    for server in servers:
        while "cluster_state:ok" not in server.command("cluster", "info"):
            if time.monotonic() > end:
                raise RuntimeError("the Redis Cluster did not form")
            time.sleep(0.05)
