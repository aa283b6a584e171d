"""How long `bonsai serve` takes until it listens and until it is ready: alone, and with every installed plugin.

    python -m bench.startup --repeat 9

They take turns, so that what else the machine does weighs on all alike; `python -c pass` and `import aiohttp` are there
to compare with. Prints JSON: for each the medians, in milliseconds, of wall-clock time and of processor time (of the
process and its threads; on a busy machine the figure to go by).

Listening: `/healthz` answers. Ready: `/readyz` does with 200, so what plugins load in the background is there, too.
"""

from __future__ import annotations

import argparse
import http.client
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bonsai_core.testing.process import free_port

TICKS = os.sysconf("SC_CLK_TCK")
#: How long one start may take, in seconds.
LONGEST = 120.0


def plugins() -> list[str]:
    """The names of the installed plugins."""
    return sorted(entry.name for entry in importlib.metadata.entry_points(group="bonsai.plugins"))


def run_python(code: str) -> dict[str, float]:
    """How long an interpreter takes to run this."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", code])
    _, _, used = os.wait4(process.pid, 0)
    process.returncode = 0
    return {"wallMs": (time.perf_counter() - began) * 1000, "cpuMs": (used.ru_utime + used.ru_stime) * 1000}


def start_server(only: list[str] | None) -> dict[str, float]:
    """How long a server takes; with all plugins, or with `only` these.

    Raises:
        RuntimeError: it ended, or was not ready in time.
    """
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "bonsai_core",
        "serve",
        "--dev",
        f"--websocket-port={port}",
        "--store-url=sqlite://",
    ]
    if only is not None:
        command.append(f"--plugins-disabled={','.join(set(plugins()) - set(only))}")
    env = {name: value for name, value in os.environ.items() if not name.startswith("BONSAI_")}
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=env | {"JWT_SECRET": "s" * 40},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            listening = until(process, port, "/healthz")
            told = {"listeningWallMs": (listening - began) * 1000, "listeningCpuMs": cpu_ms(process.pid)}
            ready = until(process, port, "/readyz")
            return told | {"readyWallMs": (ready - began) * 1000, "readyCpuMs": cpu_ms(process.pid)}
        finally:
            process.terminate()
            process.wait()


def until(process: subprocess.Popen[bytes], port: int, path: str) -> float:
    """When the path is answered with 200."""
    deadline = time.perf_counter() + LONGEST
    while process.poll() is None and time.perf_counter() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return time.perf_counter()
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.005)
    raise RuntimeError(f"the server ended with {process.poll()}, or did not answer {path} in {LONGEST:g} s")


def cpu_ms(pid: int) -> float:
    """The processor time that a process has used so far, in ms; that of its children not included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / TICKS


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=9, metavar="N", help="rounds (default: 9)")
    repeat = parser.parse_args().repeat
    rounds = [
        {
            "python -c pass": run_python("pass"),
            "import aiohttp": run_python("import aiohttp"),
            "core alone": start_server([]),
            "all plugins": start_server(None),
        }
        for _ in range(repeat)
    ]
    medians = {
        what: {name: round(statistics.median(done[what][name] for done in rounds), 1) for name in rounds[0][what]}
        for what in rounds[0]
    }
    machine = {"python": platform.python_version(), "cores": len(os.sched_getaffinity(0)), "load": os.getloadavg()[0]}
    print(json.dumps({"rounds": len(rounds), "plugins": plugins(), **machine, "medians": medians}, indent=2))


if __name__ == "__main__":
    main()
