"""A server as a process of its own, which can be killed at any instant and started again."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from bonsai_core.settings import Settings, env_name, flag_name
from bonsai_core.testing.wire import SECRET, Endpoint


def free_port() -> int:
    """A port that is free now, and that the system does not give to outgoing connections (RFC 6335 dynamic ports).

    A port out of the dynamic range could be taken by a client's own socket while the server is down, even by one
    that then connects to itself.
    """
    for _ in range(1000):
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no free port between 20000 and 32000")


class ServerProcess(Endpoint):
    """`python -m bonsai_core serve --dev` on a fixed free port, with a SQLite file in its own directory.

        server = await bonsai_process(plugins_dir=tmp_path / "plugins")
        device = await server.connect(user="ada", session="s1", client="phone")
        await server.kill()             # SIGKILL
        await server.start()            # the same port, the same store
        assert await server.terminate() == 0
        assert "listening" in server.logs

    Args:
        cwd: its working directory; the store and the log are kept here.
        command: what to run instead of `python -m bonsai_core`, before the arguments.
        env: further environment variables. Those of bonsai settings are not inherited.
        settings: fields of `bonsai_core.settings.Settings`, passed as flags.
    """

    def __init__(
        self,
        cwd: Path,
        *,
        command: Sequence[str] = (sys.executable, "-m", "bonsai_core"),
        env: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(SECRET)
        self.cwd = cwd
        self.port = int(settings.pop("websocket_port", 0)) or free_port()
        self.log_file = cwd / "server.log"
        #: How often it was started.
        self.starts = 0
        defaults = {"dev": True, "rate_max_requests": 0, "connections_per_ip": 0, "handshakes_per_ip": 0}
        values = defaults | {"store_url": f"sqlite:///{cwd / 'bonsai.db'}"} | settings
        self._command = [*command, "serve", f"--websocket-port={self.port}", *_flags(values)]
        ours = {env_name(field) for field in Settings.model_fields}
        inherited = {name: value for name, value in os.environ.items() if name not in ours}
        self._env = inherited | {"JWT_SECRET": SECRET, "PYTHONUNBUFFERED": "1"} | dict(env or {})
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self.exit_code is None

    @property
    def exit_code(self) -> int | None:
        """How the last process ended, negative for a signal; None while it runs, and before the first."""
        return self._process.returncode if self._process is not None else None

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process is not None
        return self._process.pid

    @property
    def logs(self) -> str:
        """Everything that it has written, of all its lives."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    async def start(self, timeout: float = 30.0) -> None:
        """Start the process and return when `/readyz` says that it is ready.

        Raises:
            RuntimeError: it ended, or was not ready in time; with the end of its log.
        """
        if self.running:
            raise RuntimeError("the server runs already")
        with self.log_file.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, cwd=self.cwd, env=self._env, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.starts += 1
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as http:
            deadline = asyncio.get_running_loop().time() + timeout
            while not await self._ready(http):
                ended = self.exit_code
                if ended is not None or asyncio.get_running_loop().time() > deadline:
                    await self.kill()
                    why = f"was not ready within {timeout:g} s" if ended is None else f"ended with {ended}"
                    raise RuntimeError(f"the server {why}; its log ends:\n{self.logs[-2000:]}")
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """SIGKILL: it ends at once, wherever it is. Idempotent."""
        await self._end(signal.SIGKILL, 10)

    async def terminate(self, timeout: float = 20.0) -> int:
        """SIGTERM: it says goodbye and ends. Killed after `timeout` seconds.

        Returns:
            Its exit code.
        """
        await self._end(signal.SIGTERM, timeout)
        code = self.exit_code
        assert code is not None, "the server was never started"
        return code

    async def stop(self) -> None:
        """End the clients and the process. Idempotent."""
        await self.disconnect_all()
        await self.kill()

    async def _end(self, number: int, timeout: float) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(number)
        try:
            await asyncio.wait_for(process.wait(), timeout)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _ready(self, http: aiohttp.ClientSession) -> bool:
        try:
            async with http.get(f"{self.url}/readyz") as response:
                return response.status == 200
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False


def _flags(settings: Mapping[str, Any]) -> list[str]:
    flags = []
    for name, value in settings.items():
        if isinstance(value, bool):
            flags.append(flag_name(name) if value else f"--no-{flag_name(name)[2:]}")
        elif isinstance(value, list | tuple):
            flags.append(f"{flag_name(name)}={','.join(map(str, value))}")
        elif value is not None:
            flags.append(f"{flag_name(name)}={value}")
    return flags


class StartProcess:
    """What the fixture `bonsai_process` is: call it to start a server process."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._processes: list[ServerProcess] = []

    async def __call__(self, **options: Any) -> ServerProcess:
        """Start a server process, in a directory of its own under the test's `tmp_path`.

        Args:
            options: those of `ServerProcess`, with its settings.
        """
        cwd = self._directory / f"server-{len(self._processes)}"
        cwd.mkdir()
        process = ServerProcess(cwd, **options)
        self._processes.append(process)
        await process.start()
        return process

    async def stop_all(self) -> None:
        """Stop every process that was started."""
        for process in self._processes:
            await process.stop()
