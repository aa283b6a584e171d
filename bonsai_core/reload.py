"""`bonsai serve --reload`: runs the server in a child process and starts it again when code changes."""

from __future__ import annotations

import contextlib
import importlib.util
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import structlog
from watchfiles import PythonFilter, watch

from bonsai_core.settings import Settings

# Beyond the server's own drain time, before the child is killed.
_GRACE_S = 3.0

log = structlog.get_logger("bonsai.reload")


def run_reloading(settings: Settings, arguments: Sequence[str]) -> int:
    """Serve in a child process until SIGINT or SIGTERM; restart it whenever watched code changes.

    A child that ends by itself (an error in the code just saved) is started again at the next change.

    Args:
        settings: for what to watch and how long a stopping server may drain.
        arguments: the flags of `bonsai serve` for the child.

    Returns:
        The exit code: 0 after a signal.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    command = [sys.executable, "-m", "bonsai_core", "serve", *arguments]
    supervise(command, list(watched_paths(settings)), settings.drain_timeout_ms / 1000 + _GRACE_S, stop)
    return 0


def supervise(command: Sequence[str], paths: Sequence[Path], patience_s: float, stop: threading.Event) -> None:
    """Run a command until `stop`, again after each change of a Python file below `paths`.

    Args:
        patience_s: time between SIGTERM and SIGKILL.
    """
    log.info("watching for changes", paths=[str(path) for path in paths])
    child = subprocess.Popen(command)
    try:
        for changes in watch(*paths, watch_filter=PythonFilter(), stop_event=stop, raise_interrupt=False):
            log.info("restarting", changed=sorted(path for _, path in changes)[:5])
            _end(child, patience_s)
            if stop.is_set():
                break
            child = subprocess.Popen(command)
    finally:
        _end(child, patience_s)


def watched_paths(settings: Settings) -> Iterator[Path]:
    """The folders and files whose code the server runs: the core, the plugins' packages, BONSAI_PLUGINS_DIR."""
    yield Path(__file__).parent
    if settings.plugins_dir is not None:
        yield settings.plugins_dir
    import importlib_metadata

    names = {entry.module.partition(".")[0] for entry in importlib_metadata.entry_points(group="bonsai.plugins")}
    for name in sorted(names):
        with contextlib.suppress(ImportError, ValueError):
            spec = importlib.util.find_spec(name)
            if spec is not None:
                yield from map(Path, spec.submodule_search_locations or filter(None, [spec.origin]))


def _end(child: subprocess.Popen[bytes], patience_s: float) -> None:
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(patience_s)
    except subprocess.TimeoutExpired:
        log.warning("the server did not stop in time and was killed", seconds=patience_s)
        child.kill()
        child.wait()
