"""`make run`: the server in development mode and students who practise, to have something to see (Ctrl-C ends it).

First the students' last weeks are written into an empty store; then the server starts, a sample of recorded answers is
played and counted, and the students of the demo practise on. Nothing is left running.

Settings come from the environment and .env as ever: `WEBSOCKET_PORT=3002 make run`.
"""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

from bonsai_core import Settings
from bonsai_core.settings import SettingsError

BONSAI = str(Path(sys.executable).with_name("bonsai"))
DEMO_STUDENTS = [sys.executable, str(Path(__file__).with_name("demo_students.py"))]
STUDENTS = 5
#: Seconds that the server may take to be ready, and to stop.
READY_WITHIN = 60.0
STOP_WITHIN = 20.0


def is_busy(host: str, port: int) -> bool:
    """Whether somebody listens there already."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_until_ready(server: "subprocess.Popen[bytes]", address: str) -> None:
    """Return when the server is ready; exit with its code when it ends instead."""
    deadline = time.monotonic() + READY_WITHIN
    while True:
        if server.poll() is not None:
            sys.exit(server.returncode)  # it has said why
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > deadline:
                sys.exit(f"The server was not ready within {READY_WITHIN:g} s; see {address}/readyz")
            time.sleep(0.1)


def stop(process: "subprocess.Popen[bytes]", asked: bool) -> None:
    """End a process, kindly at first.

    Args:
        asked: Ctrl-C has reached it too, as the terminal sends it to us all; a second signal would cut it short.
    """
    if asked:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(2)
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(STOP_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def loaded_plugins(address: str) -> dict[str, Mapping[str, object]]:
    """The plugins that the running server has in use, each with what it says of itself."""
    with urllib.request.urlopen(f"{address}/readyz", timeout=5) as answer:
        plugins = json.load(answer)["plugins"]
    return {name: told for name, told in plugins.items() if told["status"] == "loaded"}


def write_history(settings: Settings, env: Mapping[str, str]) -> None:
    """Give the students a past, if the store is a file that is not there yet and the plugins for it may load."""
    allowed = set(settings.plugins or ("analytics", "recs")) - set(settings.plugins_disabled)
    scheme, _, path = settings.effective_store_url.partition(":///")
    if scheme != "sqlite" or not path or Path(path).exists() or not {"analytics", "recs"} <= allowed:
        return
    print("Students of the demo: writing their last five weeks into the store", end="", flush=True)
    began = time.monotonic()
    command = [*DEMO_STUDENTS, "history", path]
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        print(": that failed; they begin anew")
    else:
        print(f": {done.stdout.strip()} answers in {time.monotonic() - began:.1f} s")


def page_lines(address: str, session: str, plugins: Mapping[str, Mapping[str, object]], practising: bool) -> list[str]:
    """What to say of the page: where it is, or why it is not there."""
    if "dashboard" not in plugins:
        return []
    if not plugins["dashboard"].get("page"):
        why = (
            "run `make web`"
            if shutil.which("node") and shutil.which("npm")
            else (
                "it is built by Node.js 18.19 or newer, and none was found.\n"
                "  Install it (Debian, Ubuntu: apt-get install nodejs npm), then run `make web`; no restart is needed"
            )
        )
        return [f"There is no web page yet: {why}.", f"  {address}/"]
    lines = ["The page:", f"  {address}/"]
    if practising:
        to = urlencode({"as": "Maya", "session": session, "roles": "student,admin", "view": "progress"}, safe=",")
        lines += ["Maya, a simulated student, practises there right now; look over her shoulder:", f"  {address}/#{to}"]
    return lines


def main() -> int:
    """Run the demo; its exit code."""
    try:
        settings = Settings(dev=True)
    except SettingsError as error:
        print("\n".join(error.problems), file=sys.stderr)
        return 2
    host, port = settings.websocket_host, settings.websocket_port
    if is_busy(host, port):
        print(
            f"Port {port} of {host} is busy: something listens there already, perhaps another `make run`.\n"
            f"Stop that, or take another port: WEBSOCKET_PORT={port + 1} make run",
            file=sys.stderr,
        )
        return 1
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    socket_address = address.replace("http", "ws", 1)
    session = f"maya-{secrets.token_hex(2)}"
    # The demo's students answer faster than people do.
    env = {"BONSAI_RATE_MAX_REQUESTS": "0"} | dict(os.environ) | {"BONSAI_DEV": "1"}
    running: list[subprocess.Popen[bytes]] = []
    interrupted = False
    try:
        write_history(settings, env)
        running.append(subprocess.Popen([BONSAI, "serve"], env=env))
        wait_until_ready(running[0], address)
        replay = [BONSAI, "replay", "--sample", "--students", str(STUDENTS), "--run", "demo", "--rate", "100"]
        running.append(subprocess.Popen([*replay, "--url", socket_address], env=env))
        if running[1].wait() == 0:
            plugins = loaded_plugins(address)
            practising = {"analytics", "recs"} <= plugins.keys()
            if practising:
                running.append(subprocess.Popen([*DEMO_STUDENTS, "live", socket_address, session], env=env))
            print()
            print(f"The server is up at {socket_address}/ws; Ctrl-C stops it. In another terminal:")
            command = min(BONSAI, os.path.relpath(BONSAI), key=len)
            for what, why in (
                (f"{command} connect {socket_address} --user demo-0", "be the first of these students"),
                (f"{command} replay --sample --url {socket_address}", "more of them"),
                (f"{address}/asyncapi.json", "every event"),
            ):
                print(f"  {what:<{len(command) + len(socket_address) + 24}} # {why}")
            print()
            print("\n".join(page_lines(address, session, plugins, practising)), flush=True)
        return running[0].wait()
    except KeyboardInterrupt:
        interrupted = True
        return 0
    finally:
        # From here on nothing cuts the cleaning up short.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for process in reversed(running):
            stop(process, asked=interrupted)


if __name__ == "__main__":
    # A SystemExit, so that what was started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    raise SystemExit(main())
