"""The HTTP routes: health, readiness, statistics, revocation, demo tokens, the AsyncAPI document."""

from __future__ import annotations

from typing import Any

import aiohttp
from aiohttp import web

from bonsai_core import App, Payload, Plugin, Session, hookimpl, on
from bonsai_core.testing import StartServer, TestServer


class Grade(Payload):
    """How good it was."""

    points: int


class School(Plugin):
    name = "school"
    emits = {"school:graded": Grade}

    @on("school:grade")
    async def grade(self, session: Session, grade: Grade) -> None:
        """Grade something."""

    @hookimpl
    def add_routes(self, app: App) -> None:
        app.add_route("GET", "/school/{name}", self.page)

    async def page(self, request: web.Request) -> web.Response:
        return web.json_response({"school": request.match_info["name"]})

    @hookimpl
    async def check_health(self, app: App) -> dict[str, Any]:
        return {"ready": False, "lessons": 3}


async def call(
    server: TestServer, method: str, path: str, body: Any = None, token: str | None = None
) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, server.url + path, json=body, headers=headers) as response,
    ):
        is_json = response.content_type == "application/json"
        return response.status, await (response.json() if is_json else response.text())


async def test_health_and_readiness(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    assert await call(server, "GET", "/healthz") == (200, {"status": "ok"})
    status, body = await call(server, "GET", "/readyz")
    assert (status, body["ready"], body["store"]) == (200, True, "ok")
    status, body = await call(server, "POST", "/api/websocket", {"action": "health"})
    assert (status, body["status"]) == (200, "ok")
    server.app.draining = True
    assert (await call(server, "GET", "/readyz"))[0] == 503


async def test_a_plugin_that_is_not_ready_keeps_the_server_unready(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[School()])
    status, body = await call(server, "GET", "/readyz")
    assert status == 503
    assert body["plugins"]["school"]["lessons"] == 3


async def test_plugins_add_routes(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[School()])
    assert await call(server, "GET", "/school/7b") == (200, {"school": "7b"})


async def test_statistics_and_revocation_need_an_admin_in_production(bonsai_server: StartServer) -> None:
    server = await bonsai_server(dev=False)
    for body in ({"action": "stats"}, {"action": "revoke", "user": "ada"}):
        assert (await call(server, "POST", "/api/websocket", body))[0] == 401
        assert (await call(server, "POST", "/api/websocket", body, server.token(user="eve")))[0] == 401
    admin = server.token(user="root", roles=["admin"])
    client = await server.connect(user="ada", session="s1")
    status, body = await call(server, "POST", "/api/websocket", {"action": "stats"}, admin)
    assert (status, body["connections"], body["joined"], body["sessions"]) == (200, 1, 1, 1)
    status, _ = await call(server, "POST", "/api/websocket", {"action": "revoke", "user": "ada"}, admin)
    assert status == 200
    assert await client.closed() == 4401
    assert (await call(server, "POST", "/api/websocket", {"action": "revoke"}, admin))[0] == 400
    assert (await call(server, "POST", "/api/websocket", {"action": "dance"}, admin))[0] == 400
    assert (await call(server, "POST", "/api/token", {"userId": "ada"}))[0] == 404


async def test_demo_tokens_in_development_mode(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    status, body = await call(server, "POST", "/api/token", {"userId": "ada", "sessionId": "s1"})
    assert status == 200
    client = await server.connect(token=body["token"], session="s1")
    assert client.joined["userId"] == "ada"
    assert (await call(server, "POST", "/api/token", {"userId": ""}))[0] == 400


async def test_the_asyncapi_document_lists_every_event(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[School()])
    status, document = await call(server, "GET", "/asyncapi.json")
    assert status == 200
    assert document["asyncapi"] == "3.0.0"
    names = {m["name"] for m in document["components"]["messages"].values()}
    assert {"user:connect", "session:update", "school:grade", "school:graded", "ack", "error"} <= names
    grade = document["components"]["messages"]["school.grade.in"]
    assert grade["summary"] == "Grade something."
    assert grade["payload"]["properties"]["data"] == {"$ref": "#/components/schemas/school.Grade"}
    assert document["components"]["schemas"]["school.Grade"]["properties"]["points"]["type"] == "integer"
