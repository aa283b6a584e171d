"""The page over HTTP: its headers, caches and forms, what stands in for it where it is missing, and the demo login."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from bonsai_dashboard.plugin import Dashboard
from bonsai_dashboard.settings import DashboardSettings

from bonsai_core.testing import FakeClock, StartServer, TestServer

INDEX = '<!doctype html><script type="module" src="./assets/index-abc.js"></script>'
SCRIPT = "console.log('a page that says a lot, a lot, a lot, a lot, a lot, a lot, a lot');\n" * 20
PRODUCTION = {"dev": False, "jwt_secret": "s" * 32}


@pytest.fixture
def static(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(INDEX)
    (tmp_path / "theme.js").write_text("1")
    (tmp_path / "icon.svg").write_text("<svg/>")
    (tmp_path / "assets" / "index-abc.js").write_text(SCRIPT)
    (tmp_path / "assets" / "inter-abc.woff2").write_bytes(bytes(range(256)))
    return tmp_path


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(auto_decompress=False, headers={"Accept-Encoding": "identity"}) as session:
        yield session


async def start(bonsai_server: StartServer, static: Path, **options: Any) -> TestServer:
    settings = options.pop("dashboard", DashboardSettings())
    return await bonsai_server(plugins=[Dashboard(settings, static=static)], **options)


async def test_the_page_allows_nothing_but_its_own_files_and_server(
    bonsai_server: StartServer, static: Path, http: aiohttp.ClientSession
) -> None:
    server = await start(bonsai_server, static, allowed_origins=("https://school.example",), **PRODUCTION)
    async with http.get(server.url) as answer:
        assert answer.status == 200
        assert await answer.text() == INDEX
        headers = answer.headers
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "no-cache"
    assert headers["X-Content-Type-Options"] == "nosniff"
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    host = server.url.removeprefix("http://")
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "font-src": "'self'",
        "img-src": "'self' data: blob:",
        "connect-src": f"'self' ws://{host} wss://{host}",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'self' https://school.example",
    }


@pytest.mark.parametrize("host", ["evil.example; script-src *", "a b", "x'unsafe-inline'", "[::1", ""])
async def test_a_host_header_adds_nothing_to_the_policy(
    bonsai_server: StartServer, static: Path, http: aiohttp.ClientSession, host: str
) -> None:
    server = await start(bonsai_server, static)
    async with http.get(server.url, headers={"Host": host}) as answer:
        policy = answer.headers.get("Content-Security-Policy", "")
    assert "; connect-src 'self'; " in policy or answer.status == 400


async def test_files_with_a_hash_in_their_names_are_cached_for_ever(
    bonsai_server: StartServer, static: Path, http: aiohttp.ClientSession
) -> None:
    server = await start(bonsai_server, static)
    for path, lasting in (("/assets/index-abc.js", True), ("/theme.js", False), ("/icon.svg", False)):
        async with http.get(server.url + path) as answer:
            assert answer.status == 200
            assert ("immutable" in answer.headers["Cache-Control"]) is lasting
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    for path in ("/assets/nothing.js", "/assets/../index.html", "/assets/%2e%2e/index.html", "/index.html", "/assets/"):
        async with http.get(server.url + path, allow_redirects=False) as answer:
            assert answer.status == 404


async def test_what_a_browser_has_is_not_sent_again(
    bonsai_server: StartServer, static: Path, http: aiohttp.ClientSession
) -> None:
    server = await start(bonsai_server, static)
    for encoding in ("identity", "gzip"):
        async with http.get(server.url, headers={"Accept-Encoding": encoding}) as answer:
            etag = answer.headers["ETag"]
        async with http.get(server.url, headers={"If-None-Match": f'"other", {etag}'}) as answer:
            assert answer.status == 304
            assert await answer.read() == b""
            assert "Content-Security-Policy" in answer.headers
        async with http.get(server.url, headers={"If-None-Match": '"other"'}) as answer:
            assert answer.status == 200
    async with http.head(server.url) as answer:
        assert (answer.status, answer.headers["Content-Length"]) == (200, str(len(INDEX)))


@pytest.mark.parametrize(
    ("accepted", "zipped"),
    [("gzip, br", True), ("br, gzip;q=0.5", True), ("br", False), ("gzip;q=0", False), ("", False)],
)
async def test_text_is_sent_gzipped_to_those_who_take_it(
    bonsai_server: StartServer, static: Path, http: aiohttp.ClientSession, accepted: str, zipped: bool
) -> None:
    server = await start(bonsai_server, static)
    async with http.get(f"{server.url}/assets/index-abc.js", headers={"Accept-Encoding": accepted}) as answer:
        body = await answer.read()
        assert (answer.headers.get("Content-Encoding") == "gzip") is zipped
        assert answer.headers["Vary"] == "Accept-Encoding"
    assert (gzip.decompress(body) if zipped else body).decode() == SCRIPT
    async with http.get(f"{server.url}/assets/inter-abc.woff2", headers={"Accept-Encoding": "gzip"}) as answer:
        assert "Content-Encoding" not in answer.headers, "a font is compressed already"


async def test_the_old_address_leads_to_the_page(
    bonsai_server: StartServer, static: Path, http: aiohttp.ClientSession
) -> None:
    server = await start(bonsai_server, static)
    for path in ("/dashboard", "/dashboard/"):
        async with http.get(server.url + path) as answer:
            assert (answer.status, answer.url.path) == (200, "/")


async def test_without_a_built_page_the_server_says_how_to_build_it(
    bonsai_server: StartServer, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    server = await start(bonsai_server, tmp_path / "static", **PRODUCTION)
    async with http.get(server.url) as answer:
        text = await answer.text()
        assert answer.status == 200
        assert "make web" in text
        assert "<script" not in text
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    async with http.get(f"{server.url}/readyz") as answer:
        health = await answer.json()
        assert health["ready"] is True
        assert health["plugins"]["dashboard"]["page"] is False

    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "index.html").write_text(INDEX)
    async with http.get(server.url) as answer:
        assert await answer.text() == INDEX, "built meanwhile, it is there"


async def test_in_development_a_page_that_was_built_anew_is_served_at_once(
    bonsai_server: StartServer, static: Path, http: aiohttp.ClientSession
) -> None:
    server = await start(bonsai_server, static)
    (static / "index.html").write_text("<p>newer</p>")
    async with http.get(server.url) as answer:
        assert await answer.text() == "<p>newer</p>"


async def test_the_demo_login_gives_a_token_that_lets_in(
    bonsai_server: StartServer, static: Path, http: aiohttp.ClientSession, fake_clock: FakeClock
) -> None:
    server = await start(bonsai_server, static, clock=fake_clock, dashboard=DashboardSettings(token_s=90))
    async with http.get(f"{server.url}/dashboard/config") as answer:
        assert (await answer.json())["dev"] is True
    body = {"userId": "ada", "sessionId": "s1", "roles": ["student"]}
    async with http.post(f"{server.url}/dashboard/login", json=body) as answer:
        given = await answer.json()
        assert answer.headers["Cache-Control"] == "no-store"
    assert (given["userId"], given["sessionId"]) == ("ada", "s1")
    assert given["expiresAt"] == fake_clock.now() + 90_000
    device = await server.connect(token=given["token"], session="s1")
    async with http.post(f"{server.url}/dashboard/login", json=body | {"ttlSeconds": 600}) as answer:
        renewed = await answer.json()
    told = await device.request("auth:refresh", {"token": renewed["token"]})
    assert told == {"tokenExpiresAt": fake_clock.now() // 1000 * 1000 + 600_000}
    async with http.post(f"{server.url}/dashboard/login", json={"userId": "root", "roles": ["admin"]}) as answer:
        root = await answer.json()
    desk = await server.connect(token=root["token"], session=root["sessionId"])
    assert (await desk.request("dashboard:watch", {}))["on"] is True


@pytest.mark.parametrize(
    "body",
    [
        '{"userId": ""}',
        '{"roles": ["king"]}',
        '{"roles": []}',
        '{"userId": "a\\u0000b"}',
        "[]",
        "{",
        '{"ttlSeconds": 0}',
    ],
)
async def test_a_login_that_makes_no_sense_is_refused(
    bonsai_server: StartServer, static: Path, http: aiohttp.ClientSession, body: str
) -> None:
    server = await start(bonsai_server, static)
    async with http.post(f"{server.url}/dashboard/login", data=body) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["code"] == "invalid_payload"


async def test_pages_of_others_get_no_token(
    bonsai_server: StartServer, static: Path, http: aiohttp.ClientSession
) -> None:
    server = await start(bonsai_server, static, frontend_url="https://school.example")
    port = server.server.port
    origins = {
        "https://evil.example": 403,
        f"http://evil.example:{port}": 403,
        "http://127.0.0.1:1": 403,
        "null": 403,
        f"http://127.0.0.1:{port}": 200,
        f"http://localhost:{port}": 200,
        "https://school.example": 200,
    }
    for origin, status in origins.items():
        async with http.post(f"{server.url}/dashboard/login", json={}, headers={"Origin": origin}) as answer:
            assert (origin, answer.status) == (origin, status)
            assert ("token" in await answer.json()) is (status == 200)


async def test_in_production_there_is_no_demo_login(
    bonsai_server: StartServer, static: Path, http: aiohttp.ClientSession
) -> None:
    server = await start(bonsai_server, static, frontend_url="https://school.example", **PRODUCTION)
    async with http.post(f"{server.url}/dashboard/login", json={}) as answer:
        assert answer.status == 404
    async with http.get(f"{server.url}/dashboard/config") as answer:
        assert await answer.json() == {"dev": False, "hosts": ["https://school.example"]}
