"""What `bonsai plugins` shows: each plugin as it loads here, and how it is doing in the server that runs.

Nothing a plugin does may keep the list from being shown: a conflict becomes a line above the list, and the server is
asked with a short timeout.
"""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bonsai_core.plugins import CORE, PluginConflict, PluginRecord, Plugins
from bonsai_core.settings import Settings

#: Seconds that the server may take to say how its plugins are.
ASK_TIMEOUT = 3.0
#: Addresses that one listens on but does not connect to.
_ANY = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}


@dataclass(frozen=True)
class Report:
    """The list, and where the runtime facts in it come from.

    Attributes:
        rows: one for each plugin. `failures` and `lastFailure` are None when no server answered.
        server: the address of the server that answered; None: none did.
        problem: why a server would not start with these plugins, if so.
    """

    rows: list[dict[str, Any]]
    server: str | None
    problem: str | None


def report(settings: Settings) -> Report:
    """Load the plugins, ask the running server, and put both together.

    Raises:
        PluginError: with the setting `strict`, a plugin does not load; or the plugins' folder is missing.
    """
    plugins = Plugins(settings.plugins, settings.plugins_disabled, strict=settings.strict)
    problem = None
    try:
        plugins.discover(settings.plugins_dir)
    except PluginConflict as conflict:
        problem = str(conflict)
    url = server_url(settings)
    running = ask(url)
    rows = [_row(record, running) for record in plugins.records.values() if record.name != CORE]
    strangers = sorted((running or {}).keys() - plugins.records.keys())
    rows += [_row(PluginRecord(name, "not installed here"), running) for name in strangers]
    return Report(rows, url if running is not None else None, problem)


def server_url(settings: Settings) -> str:
    """Where a server with these settings answers."""
    host = _ANY.get(settings.websocket_host, settings.websocket_host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.websocket_port}"


def ask(url: str, timeout: float = ASK_TIMEOUT) -> dict[str, dict[str, Any]] | None:
    """The plugins' state in the server at `url`, by name; None when none answers there."""
    request = urllib.request.Request(
        f"{url}/api/websocket", json.dumps({"action": "health"}).encode(), {"Content-Type": "application/json"}
    )
    # No proxy: the server is this machine's, or its address was given in full.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout) as response:
            plugins = json.load(response)["plugins"]
    except (OSError, ValueError, KeyError, TypeError):  # urllib's own errors are OSErrors
        return None
    return {str(name): state for name, state in plugins.items() if isinstance(state, dict)}


def _row(record: PluginRecord, running: dict[str, dict[str, Any]] | None) -> dict[str, Any]:
    state = (running or {}).get(record.name)
    status = record.status
    if running is not None:
        status = str(state.get("status", status)) if state is not None else "not running"
    at = state.get("lastFailureAt") if state else None
    return {
        "name": record.name,
        "status": status,
        "distribution": record.distribution,
        "version": record.version or (state or {}).get("version"),
        "source": record.source,
        "handles": list(record.handles),
        "observes": list(record.observes),
        "emits": sorted(record.emits),
        "hooks": list(record.hooks),
        "error": record.error or (state or {}).get("error"),
        "failures": None if state is None else state.get("failures", 0),
        "lastFailure": None if state is None else state.get("lastFailure"),
        "lastFailureAt": None
        if not isinstance(at, int | float)
        else datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="seconds"),
    }
