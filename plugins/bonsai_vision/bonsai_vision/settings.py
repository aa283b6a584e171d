"""The plugin's own settings, from the environment: `BONSAI_VISION_*`, and `BONSAI_AI_*` for the optional service."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)  # what this process may use; not every system tells
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def _setting(default: Any, name: str, low: float, high: float) -> Any:
    return field(default=default, metadata={"name": name, "low": low, "high": high})


@dataclass(frozen=True)
class AiSettings:
    """The optional service, any OpenAI-compatible endpoint that sees pictures. Off while `url` or `model` is empty.

    Attributes:
        url: such as `https://host/v1`.
        key: sent as a bearer token.
        model: its name.
        timeout_ms: for the whole answer; after it the local analysis stands.
        per_hour: most requests an hour, for all students together.
        below: it is asked when the local analysis is less sure of the skill than this, 0..1.
        problem: why it is off although the environment names one.
    """

    url: str = ""
    key: str = field(default="", repr=False)
    model: str = ""
    timeout_ms: int = _setting(8000, "BONSAI_AI_VISION_TIMEOUT_MS", 10, 40_000)
    per_hour: int = _setting(200, "BONSAI_AI_VISION_PER_HOUR", 0, 1_000_000)
    below: float = _setting(0.6, "BONSAI_AI_VISION_BELOW", 0, 1)
    problem: str = ""

    @property
    def on(self) -> bool:
        """Whether there is a service to ask."""
        return bool(self.url and self.model)

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> AiSettings:
        """The settings of this environment; one that makes no sense switches the service off and says so."""
        url, key, model = (environment.get(f"BONSAI_AI_{name}", "").strip() for name in ("URL", "KEY", "VISION_MODEL"))
        if not url or not model:
            return cls()
        parts = urlsplit(url)
        try:
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
                raise ValueError("BONSAI_AI_URL must be an http:// or https:// URL, without a password or a query")
            if not key.isascii() or not key.isprintable():
                raise ValueError("BONSAI_AI_KEY must be printable ASCII")
            return cls(url=url.rstrip("/"), key=key, model=model, **_numbers(cls, environment))
        except ValueError as error:
            return cls(problem=str(error))


@dataclass(frozen=True)
class VisionSettings:
    """What bounds the plugin.

    Attributes:
        workers: worker processes; 0: one less than the cores, at least one.
        queue: analyses that may wait for a worker; more are answered `overloaded`.
        queue_mb: what those may hold together, in MiB.
        per_user: analyses of one student that may be under way or wait.
        timeout_ms: longest time that a worker may take for one picture.
        wait_ms: longest time from the request to the answer.
        memory_mb: data memory of a worker, in MiB; 0 is no limit.
        max_tasks: a worker is replaced after so many analyses; 0 never.
        nice: how far workers give way to the server, 0..19.
        max_bytes, max_pixels: of a picture.
        cache: results that are kept in memory for pictures and texts that come again.
        grace_ms: a device that was lost may come back so much later before its analyses are given up.
        keep_dir: folder where screenshots are kept whose sender asks for it; empty: none are.
        keep_per_user: so many newest screenshots of a student are kept.
    """

    workers: int = _setting(0, "BONSAI_VISION_WORKERS", 0, 256)
    queue: int = _setting(32, "BONSAI_VISION_QUEUE", 1, 10_000)
    queue_mb: int = _setting(64, "BONSAI_VISION_QUEUE_MB", 1, 1 << 20)
    per_user: int = _setting(8, "BONSAI_VISION_PER_USER", 1, 1000)
    timeout_ms: int = _setting(20_000, "BONSAI_VISION_TIMEOUT_MS", 100, 50_000)
    wait_ms: int = _setting(45_000, "BONSAI_VISION_WAIT_MS", 100, 55_000)
    memory_mb: int = _setting(1536, "BONSAI_VISION_MEMORY_MB", 0, 1 << 20)
    max_tasks: int = _setting(1000, "BONSAI_VISION_MAX_TASKS", 0, 1_000_000)
    nice: int = _setting(10, "BONSAI_VISION_NICE", 0, 19)
    max_bytes: int = _setting(8 << 20, "BONSAI_VISION_MAX_BYTES", 1024, 256 << 20)
    max_pixels: int = _setting(24_000_000, "BONSAI_VISION_MAX_PIXELS", 10_000, 400_000_000)
    cache: int = _setting(512, "BONSAI_VISION_CACHE", 0, 100_000)
    grace_ms: int = _setting(5000, "BONSAI_VISION_GRACE_MS", 0, 600_000)
    keep_dir: Path | None = None
    keep_per_user: int = _setting(200, "BONSAI_VISION_KEEP_PER_USER", 1, 100_000)
    ai: AiSettings = AiSettings()

    @property
    def processes(self) -> int:
        """Worker processes."""
        return self.workers or max(1, _cores() - 1)

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> VisionSettings:
        """The settings of this environment; an empty variable counts as not set.

        Raises:
            ValueError: a variable makes no sense; the message names it, what is allowed, and not its value.
        """
        folder = environment.get("BONSAI_VISION_KEEP_DIR", "").strip()
        keep_dir = Path(folder) if folder else None
        return cls(keep_dir=keep_dir, ai=AiSettings.read(environment), **_numbers(cls, environment))


def _numbers(settings: Any, environment: Mapping[str, str]) -> dict[str, Any]:
    found = {}
    for entry in fields(settings):
        name = entry.metadata.get("name", "")
        if not (text := environment.get(name, "").strip()):
            continue
        low, high = entry.metadata["low"], entry.metadata["high"]
        kind: Any = type(entry.default)
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            raise ValueError(f"{name} must be a number from {low} to {high}")
        found[entry.name] = value
    return found
