"""`bonsai doctor`: each check is made to fail for real, says what to do, and shows no secret. Shell completion."""

from __future__ import annotations

import asyncio
import http.server
import json
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bonsai_core import Plugin, hookimpl
from bonsai_core.cli import cli
from bonsai_core.doctor import Check, Finding, checks, examine, machine, network, plugin, secret, store
from bonsai_core.settings import Settings, env_name
from bonsai_core.testing import StartProcess, StartRedis, StartServer

GOOD = "Zr8q1xPn4Vw0sJc7Lk2Yb5Hd9Tm3Gf6AuEoRiQy"


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(env_name(name), raising=False)
    monkeypatch.chdir(tmp_path)


def found(check: Callable[[Settings], Any], **settings: Any) -> list[Finding]:
    return [finding for finding in check(Settings(**settings)) if finding.level != "ok"]


async def in_thread(work: Callable[[], list[Finding]]) -> list[Finding]:
    """Checks run their own loop, as the command has none."""
    return await asyncio.to_thread(work)


def only(check: Callable[[Settings], Any], **settings: Any) -> Finding:
    (finding,) = found(check, **settings)
    assert finding.why
    assert finding.do
    return finding


# The command


def test_a_server_for_others_with_good_settings_is_healthy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JWT_SECRET", GOOD)
    monkeypatch.setenv("FRONTEND_URL", "https://app.example.com")
    monkeypatch.setenv("WEBSOCKET_PORT", "0")
    monkeypatch.setenv("BONSAI_TRUSTED_PROXIES", "10.0.0.0/24")
    monkeypatch.setenv("BONSAI_MAX_CONNECTIONS", "100")
    result = CliRunner().invoke(cli, ["doctor"])
    assert result.exit_code == 0, result.output
    assert re.search(r"^All is well\. \d+ in order\.$", result.output, re.MULTILINE)
    for group in checks():
        assert re.search(rf"^{group}$", result.output, re.MULTILINE)
    assert list(tmp_path.iterdir()) == [], "it leaves nothing behind"


def test_what_must_be_mended_is_exit_code_1_and_says_what_why_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", "hunter2" * 8)
    result = CliRunner().invoke(cli, ["doctor"])
    assert result.exit_code == 1
    lines = result.output.splitlines()
    (at,) = [index for index, line in enumerate(lines) if line.startswith("  ✗ JWT_SECRET is easy to guess")]
    assert lines[at + 1].startswith("    Anybody with one token")
    assert lines[at + 2].startswith("    → Set JWT_SECRET")
    assert all(len(line) <= 100 and line == line.rstrip() for line in lines)
    assert "\x1b" not in result.output, "no colours where there is no terminal"


def test_as_json_it_tells_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", "hunter2" * 8)
    result = CliRunner().invoke(cli, ["doctor", "--json"])
    told = json.loads(result.output)
    assert (result.exit_code, told["healthy"]) == (1, False)
    assert {"group", "level", "what", "why", "do"} == told["findings"][0].keys()


def test_settings_that_cannot_be_read_are_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_ORIGINS", "*")
    monkeypatch.setenv("WEBSOCKET_PORT", "many")
    result = CliRunner().invoke(cli, ["doctor", "--json"])
    told = [finding["what"] for finding in json.loads(result.output)["findings"]]
    assert result.exit_code == 1
    assert any("ALLOWED_ORIGINS" in what and "wildcard" in what for what in told)
    assert any("WEBSOCKET_PORT" in what for what in told)
    assert CliRunner().invoke(cli, ["doctor", "--nonsense"]).exit_code == 2


def test_no_secret_is_ever_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", "supersecret-hunter2-hunter2-hunter2-hunter2")
    monkeypatch.setenv("REDIS_URL", "redis://user:hunter2@127.0.0.1:1/0?ssl_password=hunter2")
    monkeypatch.setenv("JWT_JWKS_URL", "http://127.0.0.1:1/keys?token=hunter2")
    for arguments in (["doctor"], ["doctor", "--json"]):
        result = CliRunner().invoke(cli, arguments)
        assert result.exit_code == 1
        assert "hunter2" not in result.output


def test_a_check_that_fails_itself_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(settings: Settings) -> Iterator[Finding]:
        yield Finding("ok", "so far")
        raise KeyError("hunter2")

    groups: dict[str, tuple[Check, ...]] = {"Tokens": (fails,)}
    monkeypatch.setattr("bonsai_core.doctor.checks", lambda: groups)
    told = [finding for _, finding in examine(Settings())]
    assert [finding.level for finding in told] == ["ok", "problem"]
    assert "KeyError" in told[1].what
    assert "hunter2" not in told[1].what


# Settings and tokens


def test_what_keeps_a_server_from_starting() -> None:
    told = found(network.settings, websocket_host="0.0.0.0", dev=True, heartbeat_interval_ms=10)
    assert [finding.level for finding in told] == ["problem", "problem"]
    assert "BONSAI_DEV" in told[0].what
    assert "WEBSOCKET_HOST=127.0.0.1" in told[0].do
    assert found(network.settings, jwt_secret=GOOD) == []


def test_a_misspelt_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BONSAI_MAX_CONNECTION", "5")
    monkeypatch.setenv("BONSAI_VISION_WAIT_MS", "5")  # a plugin's own
    assert only(network.misspelt).do.startswith("Rename it to BONSAI_MAX_CONNECTIONS")


@pytest.mark.parametrize(
    "weak",
    [
        "a" * 64,
        "abcdefgh" * 8,
        "hunter2" * 10,
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnop",
        "12345678901234567890123456789012",
    ],
)
def test_a_secret_that_can_be_guessed(weak: str) -> None:
    finding = only(secret.strength, jwt_secret=weak)
    assert (finding.level, "easy to guess" in finding.what) == ("problem", True)


@pytest.mark.parametrize(
    "known",
    [
        "your-256-bit-secret-your-256-bit-secret",
        "CHANGE_ME_" + GOOD,
        "a secret for tests only, of more than 32 bytes",
        "0123456789abcdef0123456789abcdef",
    ],
)
def test_a_secret_from_documentation(known: str) -> None:
    assert "documentation" in only(secret.strength, jwt_secret=known).what


def test_good_secrets_are_good() -> None:
    for _ in range(50):
        made = subprocess.run(["openssl", "rand", "-base64", "48"], capture_output=True, text=True, check=True).stdout
        assert found(secret.strength, jwt_secret=made.strip()) == []
    assert found(secret.strength, jwt_secret=os.urandom(32).hex()) == []
    assert found(secret.strength, dev=True) == []


def test_tokens_for_another_application_would_do() -> None:
    assert "JWT_AUDIENCE and JWT_ISSUER" in only(secret.audience, jwt_jwks_url="https://id.example/keys").what
    whole = {"jwt_audience": "bonsai", "jwt_issuer": "https://id.example"}
    assert found(secret.audience, jwt_jwks_url="https://id.example/keys", **whole) == []


def test_secrets_in_a_file_that_others_may_read() -> None:
    file = Path(".env")
    file.write_text(f"JWT_SECRET={GOOD}\n")
    file.chmod(0o644)
    assert only(secret.env_file).do == f"chmod 600 {file.absolute()}"
    file.chmod(0o600)
    assert found(secret.env_file) == []


@pytest.fixture
def provider() -> Iterator[Callable[[bytes], str]]:
    """Serves a key set."""
    body = b""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()

    def serve(text: bytes) -> str:
        nonlocal body
        body = text
        return f"http://127.0.0.1:{server.server_address[1]}/keys"

    yield serve
    server.shutdown()
    thread.join()
    server.server_close()


def test_keys_that_cannot_be_fetched_or_used(provider: Callable[[bytes], str]) -> None:
    for body in (b"no json", b"{}", b'{"keys": []}'):
        assert "No usable keys" in only(secret.key_set, jwt_jwks_url=provider(body)).what
    assert "URLError" in only(secret.key_set, jwt_jwks_url="http://127.0.0.1:1/keys").what
    insecure = found(secret.key_set, jwt_jwks_url="http://127.0.0.2:1/keys")
    assert "not https" in insecure[0].what
    key = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "k"}
    assert found(secret.key_set, jwt_jwks_url=provider(json.dumps({"keys": [key]}).encode())) == []


# Network


def test_a_port_that_another_program_has() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        finding = only(network.port, websocket_port=taken.getsockname()[1])
        assert "another program" in finding.what
        assert "ss -ltnp" in finding.do
    assert "no address of this machine" in only(network.port, websocket_host="nowhere.invalid").what
    assert found(network.port, websocket_host="192.0.2.1")[0].level == "problem"


class Slow(Plugin):
    name = "slow"
    ready = True

    @hookimpl
    def check_health(self) -> dict[str, bool]:
        return {"ready": self.ready}


async def test_a_server_of_ours_on_the_port_is_fine_if_it_is_ready(bonsai_server: StartServer) -> None:
    slow = Slow()
    server = await bonsai_server([slow])
    settings = Settings(websocket_port=server.server.port)
    (finding,) = await in_thread(lambda: list(network.port(settings)))
    assert finding.level == "ok"
    assert "A server of ours runs" in finding.what
    slow.ready, server.app.draining = False, True
    (finding,) = await in_thread(lambda: list(network.port(settings)))
    assert finding.what.endswith("is not ready: it is stopping, plugin slow.")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "Neither FRONTEND_URL nor ALLOWED_ORIGINS"),
        ({"frontend_url": "http://app.example.com"}, "Pages without TLS"),
        ({"allowed_origins": "https://a.example,http://localhost:3000", "websocket_host": "::"}, "this machine itself"),
    ],
)
def test_origins_that_will_not_do(settings: dict[str, Any], said: str) -> None:
    assert said in only(network.origins, **settings).what


def test_origins_that_will_do() -> None:
    assert found(network.origins, frontend_url="https://app.example.com") == []
    assert found(network.origins, dev=True) == []


def test_proxies() -> None:
    assert "0.0.0.0/0" in only(network.proxies, trusted_proxies="10.0.0.0/8,0.0.0.0/0").what
    assert only(network.proxies, trusted_proxies="8.0.0.0/7").level == "problem"
    assert only(network.proxies).level == "warning"
    assert found(network.proxies, trusted_proxies="10.0.0.0/24") == []
    assert found(network.proxies, dev=True) == []


def test_development_mode_behind_a_proxy() -> None:
    assert only(network.development, dev=True, trusted_proxies="10.0.0.0/24").level == "problem"
    assert found(network.development, dev=True) == []


# Machine


def test_too_few_file_descriptors() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
        finding = only(machine.files)
        assert found(machine.files, max_connections=300) == []
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert "may open 512 files" in finding.what
    assert "ulimit -n 10200" in finding.do


def test_more_workers_than_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "BONSAI_WORKERS is 250" in only(machine.cores, workers=250).what
    before = os.sched_getaffinity(0)
    quota = tmp_path / "cpu.max"
    quota.write_text("100000 100000\n")
    assert machine.usable_cores(quota) == 1
    quota.write_text("max 100000\n")
    assert machine.usable_cores(quota) == len(before)
    monkeypatch.setattr(machine, "usable_cores", lambda: 8)
    assert "BONSAI_WORKERS=7" in only(machine.cores, redis_url="redis://127.0.0.1/0").do


@pytest.mark.parametrize("seconds", [0.0, 1e9, 5e9, 1e12])
def test_a_clock_that_is_wrong(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: seconds)
    assert only(machine.clock).level == "problem"


def test_slow_python(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['uvloop'] = None\n"
        "from bonsai_core.doctor import machine; from bonsai_core.settings import Settings\n"
        "print([f.what for f in machine.python(Settings(redis_url='redis://h'))])"
    )
    hidden = "import importlib.util as u; find = u.find_spec\n"
    hidden += "u.find_spec = lambda name, *a: None if name in ('uvloop', 'hiredis', 'redis') else find(name, *a)\n"
    told = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "ignore", "-c", hidden + code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONASYNCIODEBUG": "1"},
    ).stdout
    for words in ("uvloop is not installed", "hiredis is not", "package redis", "PYTHONASYNCIODEBUG", "-X dev"):
        assert words in told


# Plugins


ECHO = """
from bonsai_core import Plugin, Session, on
class Echo(Plugin):
    name = "{name}"
    @on("same:event")
    def do(self, session: Session): pass
"""


def test_plugins_that_do_not_load_or_want_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "broken.py").write_text("import nothing_of_this_name")
    for name in ("one", "two", "three"):
        (folder / f"{name}.py").write_text(ECHO.format(name=name))
    told = found(plugin.loading, plugins_dir=folder, plugins="one,two,three,broken,absent")
    assert [finding.level for finding in told] == ["warning", "problem", "problem", "problem"]
    assert "names absent" in told[0].what
    assert "nothing_of_this_name" in next(f.what for f in told if "broken" in f.what)
    assert "BONSAI_PLUGINS_DISABLED=broken" in next(f.do for f in told if "broken" in f.what)
    for name in ("two", "three"):
        finding = next(f for f in told if f"and {name} both handle 'same:event'" in f.what)
        assert f"BONSAI_PLUGINS_DISABLED={name}" in finding.do
    assert only(plugin.loading, plugins_dir=tmp_path / "absent").do.startswith("Create the folder")


def test_a_requirement_that_is_not_met(tmp_path: Path) -> None:
    info = tmp_path / "bonsai_needy-1.0.dist-info"
    info.mkdir()
    (tmp_path / "needy.py").write_text(ECHO.format(name="needy"))
    (info / "entry_points.txt").write_text("[bonsai.plugins]\nneedy = needy:Echo\n")
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: bonsai-needy\nVersion: 1.0\n"
        "Requires-Dist: bonsai-core>=99\nRequires-Dist: click>=1\nRequires-Dist: nothing-of-this-name\n"
        "Requires-Dist: pywin-nothing; sys_platform == 'win32'\nRequires-Dist: extra-nothing; extra == 'more'\n"
    )
    sys.path.insert(0, str(tmp_path))
    try:
        told = [finding.what for finding in found(plugin.requirements)]
    finally:
        sys.path.remove(str(tmp_path))
    assert [what for what in told if what.startswith("bonsai-needy")] == [
        "bonsai-needy needs bonsai-core>=99, but 0.1.0 is installed.",
        "bonsai-needy needs nothing-of-this-name, which is not installed.",
    ]


# Storage


def test_a_store_in_memory_or_over_a_network(tmp_path: Path) -> None:
    assert "in memory" in only(store.storage, store_url="sqlite://").what
    assert found(store.storage, store_url="sqlite://", dev=True) == []
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nserver:/home {tmp_path} nfs4 rw 0 0\n")
    (finding,) = [f for f in store.sqlite(tmp_path / "new" / "bonsai.db", mounts) if f.level != "ok"]
    assert "network file system (nfs4)" in finding.what
    mounts.write_text("server:/home / nfs4 rw 0 0\n")
    assert store.file_system(tmp_path, mounts) == "nfs4"
    assert store.file_system(tmp_path, tmp_path / "absent") == ""


def test_a_store_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = found(store.storage, store_url=f"sqlite:///{tmp_path}/file/bonsai.db")
    assert "Nothing can be written" in told[0].what
    (tmp_path / "folder.db").mkdir()
    assert "cannot be read and written" in only(store.storage, store_url=f"sqlite:///{tmp_path}/folder.db").what


def test_a_damaged_store_and_one_of_another_program(tmp_path: Path) -> None:
    file = tmp_path / "bonsai.db"
    file.write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    assert "not in order" in only(store.storage, store_url=f"sqlite:///{file}").what
    file.unlink()
    import sqlite3

    with sqlite3.connect(file) as other:
        other.execute("CREATE TABLE x (y)")
    other.close()
    assert "another program" in only(store.storage, store_url=f"sqlite:///{file}").what


async def test_a_store_in_use_is_looked_at_without_touching_it(bonsai_process: StartProcess) -> None:
    server = await bonsai_process(plugins=["none"])
    assert found(store.storage, store_url=f"sqlite:///{server.cwd}/bonsai.db") == []


def test_little_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = shutil.disk_usage(tmp_path).free
    monkeypatch.setattr(store, "LOW_SPACE", free * 2)
    assert only(store.storage, store_url=f"sqlite:///{tmp_path}/bonsai.db").level == "warning"
    monkeypatch.setattr(store, "NO_SPACE", free * 2)
    assert only(store.storage, store_url=f"sqlite:///{tmp_path}/bonsai.db").level == "problem"


SAFE = {"appendonly": "yes", "maxmemory": "100mb", "maxmemory_policy": "noeviction"}


@pytest.mark.redis
@pytest.mark.parametrize(
    ("options", "level", "said"),
    [
        ({"appendonly": "no"}, "problem", "appendonly no"),
        ({"appendfsync": "everysec"}, "warning", "appendfsync everysec"),
        ({"appendfsync": "no"}, "warning", "some 30 s"),
        ({"maxmemory_policy": "allkeys-lru"}, "problem", "maxmemory-policy allkeys-lru"),
        ({"maxmemory": "0"}, "warning", "no maxmemory"),
        ({"maxmemory": "1mb"}, "warning", "of 1 MiB"),
        ({"min_replicas_to_write": "1"}, "problem", "NOREPLICAS"),
        ({"rename_command": 'CONFIG ""'}, "warning", "CONFIG is forbidden"),
        ({"replicaof": "127.0.0.1 1"}, "problem", "is a replica"),
    ],
)
async def test_a_redis_that_loses_what_was_acked(
    redis_servers: StartRedis, options: dict[str, str], level: str, said: str
) -> None:
    server = await redis_servers(**SAFE | options)
    told = await in_thread(lambda: found(store.storage, redis_url=server.url))
    finding = next(finding for finding in told if said in finding.what + finding.why)
    assert finding.level == level
    assert finding.do


@pytest.mark.redis
async def test_a_safe_redis_is_in_order_and_a_primary_with_a_replica_is_not(redis_servers: StartRedis) -> None:
    server = await redis_servers(**SAFE)
    (finding,) = await in_thread(lambda: list(store.storage(Settings(redis_url=server.url))))
    assert finding.level == "ok"
    replica = await redis_servers(**SAFE, replicaof=f"127.0.0.1 {server.port}")
    async with asyncio.timeout(20):
        while "master_link_status:up" not in replica.command("info"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    told = await in_thread(lambda: found(store.storage, redis_url=server.url))
    assert ["has replicas" in finding.what for finding in told] == [True]


@pytest.mark.redis
async def test_a_clock_that_differs_from_that_of_redis(
    redis_servers: StartRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await redis_servers(**SAFE)
    clock = time.time
    for off, level in ((2.0, "warning"), (-60.0, "problem")):
        monkeypatch.setattr(time, "time", lambda off=off: clock() + off)
        (finding,) = await in_thread(lambda: found(store.storage, redis_url=server.url))
        assert finding.level == level
        assert f"{abs(off):.0f}." in finding.what


@pytest.mark.redis
async def test_every_primary_of_a_cluster_is_asked(redis_servers: StartRedis) -> None:
    servers = await redis_servers.cluster(3, **SAFE)
    servers[1].command("config", "set", "maxmemory-policy", "allkeys-lru")
    url = f"redis+cluster://127.0.0.1:{servers[0].port}"
    told = await in_thread(lambda: found(store.storage, redis_url=url))
    assert [finding.what for finding in told] == [
        f"Redis 127.0.0.1:{servers[1].port} has maxmemory-policy allkeys-lru."
    ]


def test_no_redis_and_one_without_a_password() -> None:
    told = found(store.storage, redis_url="redis://127.0.0.1:1/0")
    assert [finding.level for finding in told] == ["problem"]
    assert "does not answer at redis://127.0.0.1:1/0" in told[0].what
    far = found(store.storage, redis_url="redis://192.0.2.1:6379/0", redis_timeout_ms=50)
    assert "without a password" in far[0].what


# Completion


def test_bash_completes_commands_and_flags(tmp_path: Path) -> None:
    script = tmp_path / "bonsai.bash"
    made = CliRunner().invoke(cli, ["completion", "bash"])
    assert made.exit_code == 0
    script.write_text(made.output)
    (tmp_path / "bonsai").write_text(
        f"#!/bin/sh\nexec {sys.executable} -c 'from bonsai_core.cli import main; main()' \"$@\"\n"
    )
    (tmp_path / "bonsai").chmod(0o755)

    def complete(*words: str) -> list[str]:
        listed = " ".join(f"'{word}'" for word in words)
        code = (
            f"source {script}; COMP_WORDS=({listed}); COMP_CWORD={len(words) - 1}; "
            '_bonsai_completion bonsai; printf "%s\\n" "${COMPREPLY[@]}"'
        )
        path = f"{tmp_path}:{os.environ['PATH']}"
        done = subprocess.run(  # noqa: PLW1510
            ["bash", "-c", code],
            capture_output=True,
            text=True,
            env=os.environ | {"PATH": path},
            timeout=30,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.split()

    assert complete("bonsai", "doc") == ["doctor"]
    assert set(complete("bonsai", "plugins", "")) >= {"disable", "enable", "reload"}
    assert complete("bonsai", "serve", "--websocket-p") == ["--websocket-port"]
    assert complete("bonsai", "completion", "f") == ["fish"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_have_a_script_too(shell: str) -> None:
    made = CliRunner().invoke(cli, ["completion", shell])
    assert made.exit_code == 0
    assert "_BONSAI_COMPLETE" in made.output
