"""Checks of the machine and of Python: open files, cores, the clock, the quick parts."""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bonsai_core.doctor import Finding, ok, problem, warning
from bonsai_core.settings import Settings

#: Files that a process has open besides connections: store, log, workers of plugins.
OTHER_FILES = 200
#: A clock beyond it is wrong.
LAST_YEAR = 2100


def files(settings: Settings) -> Iterator[Finding]:
    """Are there as many file descriptors as connections are allowed?"""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = settings.max_connections + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        more = "" if hard == resource.RLIM_INFINITY or hard >= needed else f" (its hard limit is {hard})"
        yield warning(
            f"A process may open {soft} files; BONSAI_MAX_CONNECTIONS allows {settings.max_connections} connections.",
            "Without descriptors connections are closed without a word, where 503 would tell clients to wait.",
            f"Raise the limit: ulimit -n {needed}, LimitNOFILE={needed}{more}; or lower BONSAI_MAX_CONNECTIONS to "
            f"{max(soft - OTHER_FILES, 1)}.",
        )
    else:
        yield ok(f"Open files: {'no limit' if soft == resource.RLIM_INFINITY else soft}.")


def cores(settings: Settings) -> Iterator[Finding]:
    """Are there as many cores as processes, and the other way round?"""
    count = usable_cores()
    if settings.workers > max(count, 1):
        yield warning(
            f"BONSAI_WORKERS is {settings.workers}, but this process may use {count} {_cores(count)}.",
            "More processes than cores take memory and turns from one another.",
            f"Set BONSAI_WORKERS={count}, or fewer: Redis and vision want a core too.",
        )
    elif settings.workers == 1 and count > 2 and settings.shares_store:
        yield warning(
            f"One server process, and {count} cores.",
            "A process uses one core.",
            f"With many students: BONSAI_WORKERS={count - 1}. In containers: one process each, and more containers.",
        )
    else:
        yield ok(
            f"{settings.workers} server {'process' if settings.workers == 1 else 'processes'}, {count} {_cores(count)}."
        )


def _cores(count: int) -> str:
    return "core" if count == 1 else "cores"


def usable_cores(quota_file: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Cores that this process may use: its affinity, and the quota of its container (cgroup v2 `cpu.max`)."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = quota_file.read_text().split()
        if quota != "max":
            count = min(count, max(1, round(int(quota) / int(period))))
    except (OSError, ValueError):
        pass
    return count


def clock(settings: Settings) -> Iterator[Finding]:
    """Is the clock about right? (Against Redis: see Storage.)"""
    now, installed = time.time(), Path(__file__).stat().st_mtime
    shown = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds") if 0 < now < 2**37 else f"{now:.0f} s"
    if now < installed - 86400 or now > datetime(LAST_YEAR, 1, 1, tzinfo=UTC).timestamp():
        yield problem(
            f"The clock says {shown}" + (", which is before this program was installed." if now < installed else "."),
            "Valid tokens are refused or expired ones accepted, and histories get wrong times.",
            "Set the clock, and keep it so: timedatectl set-ntp true.",
        )
    else:
        yield ok(f"The clock says {shown}.")


def python(settings: Settings) -> Iterator[Finding]:
    """Are the quick parts installed, and nothing that slows all down?"""
    missing = [] if sys.platform == "win32" or importlib.util.find_spec("uvloop") else ["uvloop"]
    if settings.shares_store and importlib.util.find_spec("hiredis") is None:
        missing.append("hiredis")
    for name in missing:
        yield warning(
            f"{name} is not installed.",
            "Without it each event costs more processor time.",
            "pip install 'bonsai-core[redis]'" if name == "hiredis" else f"pip install {name}",
        )
    if settings.shares_store and importlib.util.find_spec("redis") is None:
        yield problem(
            "The store is Redis, but the package redis is not installed.",
            "A server does not start.",
            "pip install 'bonsai-core[redis]'",
        )
    slow = [
        text
        for text, on in (
            ("BONSAI_DEBUG", settings.debug),
            ("PYTHONASYNCIODEBUG", bool(os.environ.get("PYTHONASYNCIODEBUG"))),
            ("python -X dev", sys.flags.dev_mode),
            ("a debug build of Python", hasattr(sys, "gettotalrefcount")),
        )
        if on
    ]
    if slow and not settings.dev:
        yield warning(
            f"Python runs slowly: {', '.join(slow)}.",
            "Debugging costs several times the processor time; BONSAI_DEBUG also logs more than production should.",
            "Leave it out in production.",
        )
    if not missing and not slow:
        yield ok(f"Python {sys.version.split()[0]}, uvloop{', hiredis' if settings.shares_store else ''}.")
