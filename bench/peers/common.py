"""What the servers under measurement share."""

from __future__ import annotations

import gc
import signal
import socket


def collect_when_told() -> None:
    """Collect garbage on SIGUSR2, so that the memory figures of all servers are without it."""
    signal.signal(signal.SIGUSR2, lambda *_: gc.collect() and None)


def ready(port: int) -> None:
    """Tell the benchmark where we listen."""
    print(port, flush=True)


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
