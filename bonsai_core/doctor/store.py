"""Checks of where state lives: can a server read and write there, and how safe is what it wrote?"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bonsai_core.doctor import Finding, ok, problem, warning
from bonsai_core.settings import Settings, mask_url

#: Below the first a warning, below the second a problem, in bytes.
LOW_SPACE = 1 << 30
NO_SPACE = 100 << 20
#: File systems over a network: SQLite's locks and its write-ahead log do not hold there (sqlite.org/wal.html).
NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "fuse.sshfs", "glusterfs", "lustre"})
#: The oldest Redis that will do.
MIN_REDIS = (6, 2)
#: A clock that differs this much from Redis's is worth a look, or wrong, in seconds.
CLOCK_LOOK, CLOCK_WRONG = 1.0, 5.0
#: What is written to see whether writing works; it goes away by itself.
_PROBE = "bonsai:doctor"


def storage(settings: Settings) -> Iterator[Finding]:
    """The store that the settings name."""
    url = settings.effective_store_url
    if settings.shares_store:
        yield from redis(settings)
    elif url.rstrip("/") in ("sqlite:", "sqlite:///:memory:"):
        if not settings.dev:
            yield warning(
                "STORE_URL is sqlite://: state is in memory.",
                "When the server stops, all that students did is gone.",
                "Set STORE_URL=sqlite:///path/bonsai.db, or REDIS_URL.",
            )
    else:
        yield from sqlite(Path(url.partition("://")[2][1:]).absolute())


# SQLite


def sqlite(path: Path, mounts: Path = Path("/proc/mounts")) -> Iterator[Finding]:
    """A store in a file.

    Args:
        mounts: where the system lists its file systems.
    """
    folder = path.parent
    while not folder.exists():
        folder = folder.parent
    kind = file_system(folder, mounts)
    if kind in NETWORK:
        yield problem(
            f"{path} is on a network file system ({kind}).",
            "SQLite's locks do not hold there: two servers may write, and the file breaks.",
            "Put STORE_URL on a disk of this machine, or use Redis (REDIS_URL).",
        )
    if path.exists() and not (os.access(path, os.R_OK | os.W_OK) and path.is_file()):
        yield problem(
            f"{path} cannot be read and written by this user.", "A server does not start.", f"Run: chown $USER {path}"
        )
        return
    try:
        with tempfile.TemporaryDirectory(prefix=".bonsai-doctor-", dir=folder) as place:
            mode = _write(Path(place) / "probe.db")
    except (OSError, sqlite3.Error) as error:
        yield problem(
            f"Nothing can be written in {folder}: {getattr(error, 'strerror', None) or error}.",
            "A server cannot keep what students do.",
            f"Make the folder writable (chown, mount, disk space), or move the store: STORE_URL=sqlite:///{path.name}.",
        )
        return
    if mode != "wal":
        yield problem(
            f"SQLite keeps no write-ahead log in {folder} (journal mode {mode}).",
            "Reads would wait for writes, and events would be slow.",
            "Put the store on an ordinary disk of this machine.",
        )
    free = shutil.disk_usage(folder).free
    if free < LOW_SPACE:
        level = problem if free < NO_SPACE else warning
        yield level(
            f"{free >> 20} MiB are free in {folder}.",
            "On a full disk events are answered overloaded, and nobody gets on.",
            "Make room, or move the store to a larger disk.",
        )
    if path.exists() and (damage := _damage(path)):
        yield problem(
            f"{path} is not in order: {damage}.",
            "Students get errors, or what they did is lost.",
            "Stop the server, keep a copy of the file, and restore the last backup.",
        )
    elif mode == "wal":
        yield ok(f"SQLite in {path}, {free >> 30} GiB free.")


def _write(path: Path) -> str:
    connection = sqlite3.connect(path)
    try:
        mode = str(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])
        connection.execute("CREATE TABLE probe (x)")
        connection.commit()
        return mode
    finally:
        connection.close()


def _damage(path: Path) -> str:
    """What is wrong with a store's file, looked at without touching it; empty when nothing is."""
    try:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=1)
        try:
            if path.stat().st_size and connection.execute("PRAGMA application_id").fetchone()[0] == 0:
                return "it is the database of another program"
            found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
            return "" if found == "ok" else found
        finally:
            connection.close()
    except sqlite3.Error as error:
        return str(error)


def file_system(path: Path, mounts: Path) -> str:
    """The kind of file system that a path is on, as Linux lists it; empty where it cannot be told."""
    best, kind = "", ""
    with contextlib.suppress(OSError):
        for line in mounts.read_text().splitlines():
            words = line.split()
            place = words[1].replace("\\040", " ")
            if len(place) >= len(best) and path.resolve().is_relative_to(place):
                best, kind = place, words[2]
    return kind


# Redis


def redis(settings: Settings) -> Iterator[Finding]:
    """A store in Redis."""
    url = settings.effective_store_url
    host = urlsplit(url).hostname
    if host and host not in ("localhost", "127.0.0.1", "::1") and urlsplit(url).password is None:
        yield warning(
            f"Redis at {host} is used without a password.",
            "Whoever reaches it reads and changes what every student did.",
            "Give it one (requirepass or an ACL user), and use rediss:// where the network is not yours alone.",
        )
    try:
        answers = asyncio.run(_ask_redis(url, settings.redis_timeout_ms / 1000))
    except Exception as error:
        yield problem(
            f"Redis does not answer at {mask_url(url)}: {_reason(error)}.",
            "A server does not start without it.",
            "Is it running, is the address right, does a firewall let us through? redis-cli -u URL ping",
        )
        return
    for name, told in answers.items():
        yield from judge(f"Redis {name}" if name else "Redis", told)


def _reason(error: BaseException) -> str:
    text = str(error).splitlines()
    return f"{type(error).__name__}: {text[0][:200].rstrip('.')}" if text and text[0] else type(error).__name__


async def _ask_redis(url: str, timeout: float) -> dict[str, dict[str, Any]]:
    """What each primary says: `info`, `config` (None when it may not be asked), `ahead` in seconds, `refused`."""
    from bonsai_core.store.redis_client import connect

    client: Any = connect(url, timeout)
    try:
        async with asyncio.timeout(timeout * 5):
            if not hasattr(client, "get_primaries"):
                return {"": await _ask_server(client)}
            await client.initialize()
            told = {f"{node.host}:{node.port}": await _ask_server(client, node) for node in client.get_primaries()}
            server = client.get_node_from_key(_PROBE)
            told[f"{server.host}:{server.port}"] |= await _try_write(client)
            return told
    finally:
        with contextlib.suppress(Exception):
            await client.aclose()


async def _ask_server(client: Any, node: Any = None) -> dict[str, Any]:
    async def run(*words: Any) -> Any:
        return await client.execute_command(*words, **({} if node is None else {"target_nodes": node}))

    told: dict[str, Any] = {"info": _one(await run("INFO"))}
    before = time.time()
    seconds, micros = _one(await run("TIME"))
    told["ahead"] = (before + time.time()) / 2 - (int(seconds) + int(micros) / 1e6)
    try:
        config: dict[str, str] = {}
        for name in ("appendonly", "appendfsync", "maxmemory", "maxmemory-policy", "min-replicas-to-write"):
            config |= {str(key): str(value) for key, value in _pairs(_one(await run("CONFIG", "GET", name)))}
        told["config"] = config
    except Exception:  # forbidden, as with many a managed Redis
        told["config"] = None
    return told if node is not None else told | await _try_write(client)


async def _try_write(client: Any) -> dict[str, Any]:
    try:
        await client.execute_command("SET", _PROBE, "1", "EX", "5")
    except Exception as error:
        return {"refused": _reason(error)}
    return {}


def _one(answer: Any) -> Any:
    """A cluster's answer of one node comes by the node's name."""
    if isinstance(answer, dict) and len(answer) == 1 and isinstance(next(iter(answer.values())), dict | list | tuple):
        return next(iter(answer.values()))
    return answer


def _pairs(answer: Any) -> Iterator[tuple[str, str]]:
    def text(value: Any) -> str:
        return value.decode() if isinstance(value, bytes) else str(value)

    if isinstance(answer, Mapping):
        yield from ((text(key), text(value)) for key, value in answer.items())
    else:
        flat = [text(value) for value in answer]
        yield from zip(flat[::2], flat[1::2], strict=True)


def judge(name: str, told: Mapping[str, Any]) -> Iterator[Finding]:
    """What one server's answers mean.

    Args:
        name: what to call it.
        told: see `_ask_redis`.
    """
    info, config = told["info"], told["config"]
    version = str(info.get("redis_version", "0"))
    before = len(found := list(_judge_state(name, info, told, version)))
    found += _judge_config(name, info, config)
    yield from found
    if before == 0 and not found:
        yield ok(f"{name} {version}: writable, appendfsync {config['appendfsync'] if config else 'unknown'}.")


def _judge_state(name: str, info: Mapping[str, Any], told: Mapping[str, Any], version: str) -> Iterator[Finding]:
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < MIN_REDIS:
        yield problem(
            f"{name} is version {version}; 6.2 is the oldest that will do.",
            "Commands that the store needs are missing.",
            "Upgrade it; 7.0 and newer also have sharded pub/sub.",
        )
    if info.get("role") == "slave":
        yield problem(
            f"{name} is a replica.",
            "Replicas refuse writes: every event is answered overloaded.",
            "Name the primary, or the Sentinels: redis+sentinel://host:26379/main/0.",
        )
    elif "refused" in told:
        yield problem(
            f"{name} refuses a write: {told['refused']}.",
            "Every event is answered overloaded.",
            "Give it memory (OOM), disk (MISCONF), replicas (NOREPLICAS), or our user the right to write (NOPERM).",
        )
    if str(info.get("aof_last_write_status", "ok")) != "ok":
        yield problem(
            f"{name} could not write its append-only file.",
            "What students do now is lost when it stops.",
            "See its log; make room on its disk.",
        )
    ahead = abs(told["ahead"])
    if ahead > CLOCK_LOOK:
        level = problem if ahead > CLOCK_WRONG else warning
        yield level(
            f"This machine's clock and that of {name} differ by {ahead:.1f} s.",
            "Nodes then disagree on which connection of a device is the newer one, and on when tokens end.",
            "Keep both right: timedatectl set-ntp true.",
        )


def _judge_config(name: str, info: Mapping[str, Any], config: Mapping[str, str] | None) -> Iterator[Finding]:
    if config is None:
        yield warning(
            f"{name} does not tell its settings (CONFIG is forbidden).",
            "Whether it keeps what was acked cannot be seen from here.",
            "See in its console: appendonly yes, appendfsync always, maxmemory-policy noeviction.",
        )
        return
    if config.get("appendonly") == "no":
        yield problem(
            f"{name} has appendonly no: it keeps state in memory.",
            "When it is killed, all since the last snapshot is gone, though it was acked.",
            "In redis.conf: appendonly yes, appendfsync always. At once: redis-cli CONFIG SET appendonly yes.",
        )
    elif config.get("appendfsync") != "always":
        lost = "up to 2 s" if config.get("appendfsync") == "everysec" else "some 30 s"
        yield warning(
            f"{name} has appendfsync {config.get('appendfsync')}.",
            f"When its machine loses power, {lost} of what was acked are gone.",
            "appendfsync always keeps all of it, at a price: docs/operations/redis.md has the figures.",
        )
    if config.get("maxmemory-policy", "noeviction") != "noeviction":
        yield problem(
            f"{name} has maxmemory-policy {config['maxmemory-policy']}.",
            "When memory is short it throws away students' documents without a word.",
            "Set maxmemory-policy noeviction: full, it refuses writes, and clients wait.",
        )
    total = int(info.get("total_system_memory", 0))
    limit, used = int(config.get("maxmemory", 0)), int(info.get("used_memory", 0))
    if limit == 0:
        half = f"{total >> 21}mb" if total else "half of its machine's memory"
        yield warning(
            f"{name} has no maxmemory.",
            "When it needs more than there is, the system kills it.",
            f"Set maxmemory to half of the machine's memory: {half}.",
        )
    elif used > limit * 0.8:
        yield warning(
            f"{name} uses {used >> 20} of {limit >> 20} MiB.",
            "Full, it refuses writes, and every event is answered overloaded.",
            "Give it more, or lower BONSAI_DEDUP_WINDOW and BONSAI_LOG_MAX_MESSAGES.",
        )
    if int(info.get("connected_slaves", 0)) and config.get("min-replicas-to-write", "0") == "0":
        yield warning(
            f"{name} has replicas, and min-replicas-to-write 0.",
            "Cut off from them it goes on acking what is lost when one of them is promoted.",
            "Set min-replicas-to-write 1 and min-replicas-max-lag 2.",
        )
