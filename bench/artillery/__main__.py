"""`python -m bench.artillery`: Artillery's Socket.IO engine plays students on our server, with all plugins installed.

Artillery is installed from the lock file beside this, and told to send nothing to anybody. The command ends with 1 when
a student failed: refused, a wrong ack, or none.
"""

from __future__ import annotations

import asyncio
import csv
import json
import os
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import aiohttp
import click

from bonsai_core.testing import ServerProcess

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PROGRAM = HERE / "node_modules" / ".bin" / "artillery"
#: Seconds that Artillery may take besides those in which students arrive: to start, for the last ones, for its report.
GRACE = 60.0


def install() -> None:
    """Install Artillery from the lock file, if it is not there.

    Raises:
        click.ClickException: that did not succeed.
    """
    installed, lock = HERE / "node_modules" / ".package-lock.json", HERE / "package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    for command in (
        (str(ROOT / "tools" / "apt.sh"), "node:nodejs", "npm"),
        ("npm", "ci", "--prefix", str(HERE), "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"),
    ):
        done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode:
            why = (done.stdout + done.stderr).strip()[-1500:]
            raise click.ClickException(f"Artillery cannot be installed: `{' '.join(command[:2])} ...` failed:\n{why}")
    installed.touch()


async def students(server: ServerProcess, file: Path, count: int) -> None:
    """Write a line for each student: a session, and a token from the server."""
    async with aiohttp.ClientSession() as http:
        with file.open("w", newline="") as lines:
            writer = csv.writer(lines)
            for number in range(count):
                async with http.post(f"{server.url}/api/token", json={"userId": f"artillery-{number}"}) as answer:
                    answer.raise_for_status()
                    token = (await answer.json())["token"]
                writer.writerow([f"session-{number}", token])


async def play(seconds: int, arrivals: int, *, shows: bool) -> dict[str, Any]:
    """Start a server and have Artillery play.

    Args:
        seconds: how long students arrive.
        arrivals: how many a second.
        shows: whether what Artillery prints is shown.

    Returns:
        Figures, and `failures`: what was wrong, nothing when all went well.
    """
    with tempfile.TemporaryDirectory(prefix="bonsai-artillery-") as name:
        folder = Path(name)
        # Limits stay as they are, but all students come from one address.
        server = ServerProcess(folder, strict=True)
        await server.start()
        try:
            await students(server, folder / "students.csv", seconds * arrivals)
            env = os.environ | {
                "ARTILLERY_DISABLE_TELEMETRY": "true",
                "CI": "true",
                "NO_UPDATE_NOTIFIER": "true",
                "SECONDS": str(seconds),
                "ARRIVALS": str(arrivals),
                "HOME": name,  # where it would keep settings of its own
            }
            process = await asyncio.create_subprocess_exec(
                str(PROGRAM), "run", "--target", server.url, "--payload", str(folder / "students.csv"),
                "--output", str(folder / "report.json"), str(HERE / "socketio.yml"),
                env=env, cwd=folder, stdin=subprocess.DEVNULL, stdout=None if shows else subprocess.DEVNULL,
                stderr=None if shows else subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            try:
                async with asyncio.timeout(seconds + GRACE):
                    status = await process.wait()
            except TimeoutError:
                return {"failures": [f"Artillery was not done {GRACE:g} s after the last student had come"]}
            finally:
                if process.returncode is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    await process.wait()
            report = folder / "report.json"
            if not report.exists():
                return {"failures": [f"Artillery ended with {status} and no report"]}
            return _figures(json.loads(report.read_text())["aggregate"], status, seconds * arrivals)
        finally:
            await server.stop()


def _figures(report: dict[str, Any], status: int, wanted: int) -> dict[str, Any]:
    counters: dict[str, int] = report["counters"]
    times: dict[str, float] = report["summaries"].get("socketio.response_time", {})
    completed = counters.get("vusers.completed", 0)
    failures = [f"{name}: {count}" for name, count in counters.items() if name.startswith("errors.")]
    if completed != wanted:
        failures.append(f"{completed} of {wanted} students came to the end")
    if status and not failures:
        failures.append(f"Artillery ended with {status}")
    return {
        "students": completed,
        "events": counters.get("socketio.emit", 0),
        "ackMs": {name: times.get(name) for name in ("median", "p95", "p99", "max")},
        "failures": failures,
    }


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seconds", default=20, show_default=True, type=click.IntRange(1, 600), help="How long students arrive.")
@click.option("--arrivals", default=15, show_default=True, type=click.IntRange(1, 1000), help="Students a second.")
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON, and not what Artillery prints.")
def main(seconds: int, arrivals: int, as_json: bool) -> None:
    """Have Artillery play students on our server, by WebSocket, by polling, and by polling that upgrades."""
    install()
    figures = asyncio.run(play(seconds, arrivals, shows=not as_json))
    if as_json:
        click.echo(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            if name != "failures":
                click.echo(f"{name}: {value}")
    for failure in figures["failures"]:
        click.echo(failure, err=True)
    if figures["failures"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
