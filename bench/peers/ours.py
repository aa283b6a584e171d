"""Our server as `bonsai serve` runs it: `python -m bench.peers.ours`, with its settings in the environment."""

from __future__ import annotations

import sys

from bench.peers.common import collect_when_told, ready
from bonsai_core import logs
from bonsai_core.server import run
from bonsai_core.settings import Settings

if __name__ == "__main__":
    logs.configure()
    collect_when_told()
    sys.exit(run(Settings(), on_ready=lambda server: ready(server.port)))
