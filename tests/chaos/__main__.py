"""`python -m tests.chaos --seed 1`: the chaos run in full, with its figures."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from tests.chaos.launcher import SABOTAGES
from tests.chaos.runner import Plan, Report, run

FIGURES = {
    "messages": "messages sent",
    "shown": "messages shown to devices",
    "kills": "SIGKILLs of the server",
    "cuts": "connections cut",
    "stalls": "stalls of a network",
    "rolling_restarts": "rolling restarts (SIGTERM)",
    "redis_restarts": "SIGKILLs of Redis",
    "redis_freezes": "freezes of Redis",
    "recovered": "returns, recovered",
    "not_recovered": "returns, told that they were not",
    "declared": "messages in those gaps",
    "lost": "lost",
    "doubled": "doubled",
    "reordered": "reordered",
    "invented": "invented",
    "torn": "units of work torn",
    "refused": "refused",
    "healed": "faults that clients healed",
    "longest_outage": "longest outage of a device (s)",
    "seconds": "the run took (s)",
}


def show(report: Report) -> None:
    """Print the figures, and what is wrong."""
    figures = report.figures()
    for name, text in FIGURES.items():
        print(f"{text:36} {figures[name]:>10}")
    for problem in figures["problems"]:
        print(f"  {problem}")
    for line in report.server_errors[:10]:
        print(f"  server: {line}")
    print("CLEAN" if report.verdict.clean else f"NOT CLEAN; again with --seed {report.plan.seed}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sessions", type=int, default=20, help="each has two devices")
    parser.add_argument("--messages", type=int, default=500, help="of each device")
    parser.add_argument("--sabotage", choices=sorted(SABOTAGES), help="put a bug into the server")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--nodes", type=int, default=0, help="so many nodes that share a Redis, instead of one server")
    parser.add_argument("--pace", type=float, default=0.05, help="seconds between two messages of a device, on average")
    parser.add_argument(
        "--kill-every", type=float, default=4.0, help="seconds between two faults of a kind, on average"
    )
    given = parser.parse_args()
    plan = Plan(
        given.seed,
        given.sessions,
        given.messages,
        given.pace,
        kill_every=given.kill_every,
        sabotage=given.sabotage,
        nodes=given.nodes,
        patience=300,
        heartbeat=1.5,
    )
    who = f"{plan.nodes} nodes and a Redis" if plan.nodes else "one server"
    print(
        f"seed {plan.seed}: {who}, {plan.sessions} sessions of 2 devices, {plan.messages} messages each",
        file=sys.stderr,
    )

    def progress(line: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="bonsai-chaos-") as directory:
        report = asyncio.run(run(plan, Path(directory), progress))
    print(file=sys.stderr)
    if given.json:
        print(json.dumps(report.figures(), indent=2))
    else:
        show(report)
    return 0 if report.verdict.clean else 1


if __name__ == "__main__":
    raise SystemExit(main())
