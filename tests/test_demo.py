"""`make run` shows something working, then stays up, and leaves nothing behind."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from bonsai_core.testing.process import free_port

SCRIPT = Path(__file__).resolve().parent.parent / "tools" / "run_demo.py"


def start(folder: Path, port: int, plugins: str = "analytics", **more: str) -> "subprocess.Popen[str]":
    env = {name: value for name, value in os.environ.items() if not name.startswith(("BONSAI_", "JWT_", "STORE_"))}
    return subprocess.Popen(
        [sys.executable, str(SCRIPT)],
        cwd=folder,
        env=env | {"WEBSOCKET_PORT": str(port), "BONSAI_PLUGINS": plugins} | more,
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


def end(demo: "subprocess.Popen[str]") -> None:
    """Stop it; nothing that it has started is left."""
    try:
        demo.send_signal(signal.SIGTERM)
        demo.communicate(timeout=20)
        assert demo.returncode == 0
        with pytest.raises(ProcessLookupError):
            os.killpg(demo.pid, 0)
    finally:
        if demo.poll() is None:
            os.killpg(demo.pid, signal.SIGKILL)
            demo.communicate()


def read_until(demo: "subprocess.Popen[str]", wanted: str) -> str:
    """What it prints up to a line that has this."""
    assert demo.stdout is not None
    shown: list[str] = []
    for line in demo.stdout:
        shown.append(line)
        if wanted in line:
            return "".join(shown)
    raise AssertionError("it ended:\n" + "".join(shown))


def counted(address: str) -> float:
    """Answers that the server has taken."""
    with urllib.request.urlopen(f"{address}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    found = re.search(r'bonsai_events_total\{event="analytics:performance",outcome="ack"\} (\S+)', text)
    return float(found[1]) if found else 0.0


def test_the_demo_shows_a_page_where_a_student_with_a_past_practises(tmp_path: Path) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    demo = start(tmp_path, port, "analytics,dashboard,recs")
    try:
        text = read_until(demo, "#as=")
        assert re.search(r"last five weeks into the store: \d{3,} answers", text)
        assert "the server counted 300 answers" in text
        link = text.split()[-1]
        assert link.startswith(f"{address}/#")
        invited = {name: values[0] for name, values in parse_qs(link.partition("#")[2]).items()}
        assert (invited["as"], invited["view"]) == ("Maya", "progress")
        before, deadline = counted(address), time.monotonic() + 30
        assert before >= 300
        while counted(address) <= before and time.monotonic() < deadline:
            time.sleep(0.1)
        assert counted(address) > before, "students practise on"
    finally:
        end(demo)


def test_the_demo_says_what_is_missing_where_the_page_cannot_be_built(tmp_path: Path) -> None:
    port = free_port()
    # The server's own plugin, with no page beside it, and a machine without Node.js.
    plugin = tmp_path / "plugins" / "page.py"
    plugin.parent.mkdir()
    plugin.write_text(
        "from pathlib import Path\n"
        "from bonsai_dashboard.plugin import Dashboard\n\n\n"
        "class Page(Dashboard):\n"
        "    def __init__(self) -> None:\n"
        "        super().__init__(static=Path('nowhere'))\n"
    )
    demo = start(tmp_path, port, "analytics,page", BONSAI_PLUGINS_DIR=str(plugin.parent), PATH="/nowhere")
    try:
        text = read_until(demo, "make web")
        assert "There is no web page yet" in text
        assert "Node.js 18.19 or newer" in text
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            assert "make web" in answer.read().decode()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            assert json.load(answer)["ready"] is True
    finally:
        end(demo)


def test_the_demo_says_what_to_do_when_its_port_is_busy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        demo = start(tmp_path, port)
        text, _ = demo.communicate(timeout=20)
    assert demo.returncode == 1
    assert f"WEBSOCKET_PORT={port + 1} make run" in text
