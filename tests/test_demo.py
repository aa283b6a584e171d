"""`make run` shows something working, then stays up, and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from bonsai_core.testing.process import free_port

SCRIPT = Path(__file__).resolve().parent.parent / "tools" / "run_demo.py"


def start(folder: Path, port: int) -> "subprocess.Popen[str]":
    env = {name: value for name, value in os.environ.items() if not name.startswith(("BONSAI_", "JWT_", "STORE_"))}
    return subprocess.Popen(
        [sys.executable, str(SCRIPT)],
        cwd=folder,
        env=env | {"WEBSOCKET_PORT": str(port), "BONSAI_PLUGINS": "analytics"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize(("number", "to_all"), [(signal.SIGINT, True), (signal.SIGTERM, False)])
def test_the_demo_plays_the_sample_and_stays_up_until_it_is_stopped(
    tmp_path: Path, number: signal.Signals, to_all: bool
) -> None:
    port = free_port()
    demo = start(tmp_path, port)
    try:
        assert demo.stdout is not None
        shown: list[str] = []
        for line in demo.stdout:
            shown.append(line)
            if "/asyncapi.json" in line:
                break
        text = "".join(shown)
        assert "the server counted 300 answers" in text
        assert "connect ws://127.0.0.1" in text
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            assert answer.status == 200
        (os.killpg if to_all else os.kill)(demo.pid, number)  # Ctrl-C reaches the whole group
        demo.communicate(timeout=20)
        assert demo.returncode == 0
        with pytest.raises(ProcessLookupError):
            os.killpg(demo.pid, 0)
    finally:
        if demo.poll() is None:
            os.killpg(demo.pid, signal.SIGKILL)
            demo.communicate()


def test_the_demo_says_what_to_do_when_its_port_is_busy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        demo = start(tmp_path, port)
        text, _ = demo.communicate(timeout=20)
    assert demo.returncode == 1
    assert f"WEBSOCKET_PORT={port + 1} make run" in text
