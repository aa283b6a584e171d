"""Starting the servers under measurement, each pinned to the measured core, and reading what they used of /proc."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.dialects import Dialect, Native, Nchan, Plain, SocketIo
from bench.work import SECRET

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "bench" / "peers"
#: Folders that the Python servers import from, besides their own environment's: where `bench.install` puts packages.
EXTRA = ROOT / ".cache" / "bench-peers"
#: In seconds: how long a server may take to say where it listens.
_START = 30.0
_TICK = os.sysconf("SC_CLK_TCK")


class NoPeer(Exception):
    """A peer cannot be measured here; the message says why and what to do."""


@dataclass(frozen=True)
class Kind:
    """One kind of server: what the table calls it, how it is started and spoken to.

    In `command` and `env`, `{folder}` stands for a temporary folder of the running server's own.
    """

    name: str
    title: str
    command: Sequence[str]
    dialect: Dialect
    env: Mapping[str, str] = field(default_factory=dict)


#: Every feature is on; limits are there and large, so that their work is done and nobody is refused.
_OURS_ENV = {
    "WEBSOCKET_PORT": "0",
    "BONSAI_PLUGINS": "classroom",
    "BONSAI_PLUGINS_DIR": str(ROOT / "bench" / "plugins"),
    "BONSAI_STRICT": "1",
    "BONSAI_RATE_MAX_REQUESTS": "1000000000",
    "BONSAI_CONNECTIONS_PER_IP": "100000",
    "BONSAI_HANDSHAKES_PER_IP": "1000000",
    "BONSAI_MAX_CONNECTIONS": "100000",
}


def with_plugins(*names: str) -> dict[str, str]:
    """The environment of our server with these plugins."""
    return _OURS_ENV | {"BONSAI_PLUGINS": ",".join(names)}


OURS = Kind("ours", "Bonsai", (sys.executable, "-m", "bench.peers.ours"), Native(), _OURS_ENV)
NODE = Kind("node", "Node socket.io", ("node", "--expose-gc", str(PEERS / "socketio.mjs")), SocketIo())
PLAIN = Kind("aiohttp", "aiohttp, send_str", (sys.executable, "-m", "bench.peers.plain", "send_str"), Plain())
PREPARED = Kind("prepared", "aiohttp, prepared frame", (sys.executable, "-m", "bench.peers.plain", "prepared"), Plain())
PYSOCKETIO = Kind("pysocketio", "python-socketio", (sys.executable, "-m", "bench.peers.pysocketio"), SocketIo())
NCHAN = Kind("nchan", "nginx with nchan", (sys.executable, "-m", "bench.peers.nchan", "{folder}"), Nchan())
#: Our own server once more: spoken to by Socket.IO clients, through the plugin that understands them.
GATEWAY = Kind("gateway", "Bonsai, Socket.IO", OURS.command, SocketIo(), with_plugins("classroom", "socketio"))
#: With all that an answer sets in motion.
PLATFORM = replace(OURS, env=with_plugins("classroom", "analytics", "recs", "coaching"))


def raise_file_limit(wanted: int = 20_000) -> None:
    """Allow this process and its children so many open files.

    Raises:
        OSError: the system does not allow it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
        except (ValueError, OSError):
            raise OSError(f"{wanted} open files are needed, and only {hard} allowed: raise `ulimit -Hn`") from None


class Server:
    """A running server.

    Args:
        kind: which one.
        core: the core it is pinned to, with all of its threads.
        python: the interpreter of Python servers, instead of ours: of the same version, it uses our packages.
        store: a SQLite file that the server begins with, as a copy.
    """

    def __init__(self, kind: Kind, core: int, python: str | None = None, store: Path | None = None) -> None:
        self.kind = kind
        self.port = 0
        self._python = python
        self._core = core
        self._store = store
        self._folder = tempfile.TemporaryDirectory(prefix="bonsai-bench-")
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Server:
        env = {name: value for name, value in os.environ.items() if not name.startswith(("BONSAI_", "JWT_"))}
        env |= {"JWT_SECRET": SECRET, "STORE_URL": f"sqlite:///{self._folder.name}/bench.db", "NODE_ENV": "production"}
        env.pop("REDIS_URL", None)
        env["PYTHONPATH"] = str(EXTRA)
        # Programs of the system may be out of a plain user's path.
        env["PATH"] = os.pathsep.join((env.get("PATH", os.defpath), "/usr/sbin"))
        if self._store is not None:
            shutil.copy(self._store, Path(self._folder.name) / "bench.db")
        command = [word.format(folder=self._folder.name) for word in self.kind.command]
        if self._python is not None and command[0] == sys.executable:
            command[0] = self._python
            env["PYTHONPATH"] = os.pathsep.join((str(ROOT), sysconfig.get_path("purelib"), str(EXTRA)))
        log = (Path(self._folder.name) / "log").open("wb")
        self._process = await asyncio.create_subprocess_exec(
            *command,
            env=env | dict(self.kind.env),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            preexec_fn=lambda: os.sched_setaffinity(0, {self._core}),  # before it starts threads
        )
        log.close()
        assert self._process.stdout is not None
        async with asyncio.timeout(_START):
            line = await self._process.stdout.readline()
        if not line.strip().isdigit():
            raise RuntimeError(f"{self.kind.title} did not start:\n{self.log()}")
        self.port = int(line)
        return self

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None and (log := self.log()).strip():
            error.add_note(f"What {self.kind.title} logged:\n{log}")
        if self._process is not None and self._process.returncode is None:
            members = family(self.pid)
            if len(members) > 1:  # a parent that is killed leaves its children behind
                self._process.terminate()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._process.wait(), 5)
            for pid in members:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            await self._process.wait()
        self._folder.cleanup()

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process is not None
        return self._process.pid

    def log(self) -> str:
        """The end of what it logged."""
        return (Path(self._folder.name) / "log").read_text(errors="replace")[-3000:]

    def cpu(self) -> float:
        """Seconds of processor time that it used, with all threads and children, in user and system mode, in ticks."""
        return sum(map(cpu_of, family(self.pid)))

    async def memory(self) -> int:
        """Resident bytes after a garbage collection."""
        os.kill(self.pid, signal.SIGUSR2)
        await asyncio.sleep(1.0)
        return resident(self.pid)


def resident(pid: int) -> int:
    """VmRSS of /proc/PID/status, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"process {pid} has no resident memory")


def family(pid: int) -> list[int]:
    """A process and its children, theirs as well (proc_tid_children(5))."""
    found = [pid]
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += family(int(child))
    return found


def cpu_of(pid: int) -> float:
    """utime + stime of /proc/PID/stat, in seconds (proc(5): fields 14 and 15; the second may hold spaces)."""
    fields: Any = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK
