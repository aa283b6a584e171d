"""Counts what the process holds, for the churn benchmark and the soak; loaded only by name."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from pathlib import Path

from aiohttp import web

from bonsai_core import App, Plugin, hookimpl


class Census(Plugin):
    """Answers `GET /census`: after a garbage collection, unless `?collect=0`."""

    name = "census"

    @hookimpl
    def add_routes(self, app: App) -> None:
        """Add the route."""

        async def census(request: web.Request) -> web.Response:
            if request.query.get("collect") != "0":
                gc.collect()
            resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")  # noqa: ASYNC240
            return web.json_response(
                {
                    "tasks": len(asyncio.all_tasks()),
                    "threads": threading.active_count(),
                    "descriptors": len(os.listdir("/proc/self/fd")),  # noqa: PTH208
                    "residentBytes": resident,
                    "objects": len(gc.get_objects()) if request.query.get("collect") != "0" else 0,
                    "connections": len(app.connections.all),
                    "sessions": len(app.sessions),
                    "rooms": len(app.rooms),
                    "buckets": len(app.limits) + len(app.admission),
                }
            )

        app.add_route("GET", "/census", census)
