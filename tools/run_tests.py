"""Runs every test of the workspace: those of ``tests/`` with all plugins, each plugin's with only the core and it, and
those of ``web/``.

``tools/run_tests.py`` runs everything, ``tools/run_tests.py bonsai_analytics web`` these two suites. The last line
printed is the sum of all runs: ``N passed, N failed, N skipped``.
"""

import functools
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import alone

ROOT = alone.ROOT
REPORTS = ROOT / ".reports"
WEB = ROOT / "web"
NO_TESTS = 5


def totals(report: Path) -> Counter[str]:
    """The outcomes in a JUnit report; a test that errored in its set-up or tear-down counts as failed."""
    count: Counter[str] = Counter()
    for case in ET.parse(report).iter("testcase"):
        outcomes = {child.tag for child in case}
        if outcomes & {"failure", "error"}:
            count["failed"] += 1
        elif "skipped" in outcomes:
            count["skipped"] += 1
        else:
            count["passed"] += 1
    return count


def report_of(title: str) -> Path:
    """Where the suite of this title reports."""
    return REPORTS / f"{title.replace(' ', '-')}.xml"


def run(title: str, command: list[str], cwd: Path, env: dict[str, str] | None = None) -> Counter[str]:
    """One suite; what it counted. What it printed is printed at its end, in one piece."""
    report = report_of(title)
    report.unlink(missing_ok=True)
    with subprocess.Popen(
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        printed, _ = process.communicate()
    print(f"\n== {title}\n{printed.decode(errors='replace')}", end="", flush=True)
    count = totals(report) if report.exists() else Counter()
    if process.returncode not in (0, NO_TESTS) and not count["failed"]:
        print(f"{title}: ended with status {process.returncode}", flush=True)
        count["failed"] += 1
    return count


def pytest(title: str, python: str | Path, *arguments: str) -> list[str]:
    """The command of a suite of Python."""
    return [str(python), "-m", "pytest", "--quiet", f"--junitxml={report_of(title)}", *arguments]


def run_workspace() -> Counter[str]:
    """The tests of ``tests/``, with all plugins. Three at a time: much of their time is waiting."""
    title = "workspace"
    return run(title, pytest(title, sys.executable, "-n", "3", "--dist", "loadfile", "tests"), ROOT)


def run_alone(plugin: Path) -> Counter[str]:
    """The suite of one plugin, in an environment of its own; also with the oldest core that it allows."""
    # Neither the checkout nor a variable of the caller's may bring a sibling back onto the path.
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    env["PYTHONSAFEPATH"] = "1"
    arguments = ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(plugin), "-p", "no:cacheprovider", "tests"]
    title = f"{plugin.name} alone"
    count = run(title, pytest(title, alone.make(plugin), *arguments), plugin, env)
    oldest = alone.oldest_core(plugin, alone.released_cores(), alone.this_core())
    if oldest == alone.this_core():
        print(f"{plugin.name}: the oldest core that it allows, {oldest}, is this one", flush=True)
    else:
        title = f"{plugin.name} with core {oldest}"
        count += run(title, pytest(title, alone.make(plugin, oldest), *arguments), plugin, env)
    return count


def run_web() -> Counter[str]:
    """The tests of ``web/``, by Vitest, which needs Node.js and what ``make web`` installs."""
    vitest = [str(WEB / "node_modules" / ".bin" / "vitest"), "run", "--no-color"]
    return run("web", [*vitest, "--reporter=dot", "--reporter=junit", f"--outputFile.junit={report_of('web')}"], WEB)


def main(only: list[str]) -> int:
    suites: dict[str, Callable[[], Counter[str]]] = {"web": run_web} | {
        plugin.name: functools.partial(run_alone, plugin)
        for plugin in sorted((ROOT / "plugins").iterdir())
        if any(plugin.glob("tests/**/test_*.py"))
    }
    if unknown := sorted(set(only) - set(suites)):
        sys.exit(f"no such suite: {', '.join(unknown)}; there are {', '.join(suites)}")
    REPORTS.mkdir(exist_ok=True)
    start = time.monotonic()
    count: Counter[str] = Counter()
    if not only:
        count += run_workspace()
    with ThreadPoolExecutor(2) as pool:
        for part in pool.map(lambda name: suites[name](), only or suites):
            count += part
    print(f"\nall suites ran in {time.monotonic() - start:.0f} s")
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 1 if count["failed"] or not count["passed"] else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
