"""Runs every test of the workspace: those of ``tests/`` with all plugins, and each plugin's with only the core and it.

``tools/run_tests.py`` runs everything, ``tools/run_tests.py bonsai_analytics`` that plugin's suite. The last line
printed is the sum of all runs: ``N passed, N failed, N skipped``.
"""

import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import alone

ROOT = alone.ROOT
REPORTS = ROOT / ".reports"
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


def run(title: str, python: str | Path, arguments: list[str], cwd: Path, env: dict[str, str]) -> Counter[str]:
    """One pytest process; what it counted. What it printed is printed at its end, in one piece."""
    report = REPORTS / f"{title.replace(' ', '-')}.xml"
    report.unlink(missing_ok=True)
    command = [str(python), "-m", "pytest", "--quiet", f"--junitxml={report}", *arguments]
    with subprocess.Popen(
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        printed, _ = process.communicate()
    print(f"\n== {title}\n{printed.decode(errors='replace')}", end="", flush=True)
    count = totals(report) if report.exists() else Counter()
    if process.returncode not in (0, NO_TESTS) and not count["failed"]:
        print(f"{title}: pytest ended with status {process.returncode}", flush=True)
        count["failed"] += 1
    return count


def run_alone(plugin: Path) -> Counter[str]:
    """The suite of one plugin, in an environment of its own."""
    # Neither the checkout nor a variable of the caller's may bring a sibling back onto the path.
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    env["PYTHONSAFEPATH"] = "1"
    arguments = ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(plugin), "-p", "no:cacheprovider", "tests"]
    return run(f"{plugin.name} alone", alone.make(plugin), arguments, plugin, env)


def main(only: list[str]) -> int:
    REPORTS.mkdir(exist_ok=True)
    start = time.monotonic()
    count: Counter[str] = Counter()
    if not only:
        count += run("workspace", sys.executable, ["-n", "2", "--dist", "loadfile", "tests"], ROOT, dict(os.environ))
    plugins = [
        plugin
        for plugin in sorted((ROOT / "plugins").iterdir())
        if (not only or plugin.name in only) and any(plugin.glob("tests/**/test_*.py"))
    ]
    with ThreadPoolExecutor(2) as pool:
        for part in pool.map(run_alone, plugins):
            count += part
    print(f"\nall suites ran in {time.monotonic() - start:.0f} s")
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 1 if count["failed"] or not count["passed"] else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
