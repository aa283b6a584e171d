"""HTTP routes beside the WebSocket: health, readiness, statistics, the AsyncAPI document, demo tokens."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

import structlog
from aiohttp import web
from pydantic import Field, StringConstraints, ValidationError
from typing_extensions import override

from bonsai_core import asyncapi, metrics
from bonsai_core.app import App, HttpRoute
from bonsai_core.auth import TokenError, mint_token
from bonsai_core.care import Action, Care, UnknownPlugin
from bonsai_core.payload import Payload
from bonsai_core.plugins import RETRY_OFF_MS, PluginError
from bonsai_core.protocol import ErrorCode
from bonsai_core.settings import own_origins
from bonsai_core.siblings import Siblings

log = structlog.get_logger("bonsai.http")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

#: How long a request's body may take, in seconds.
BODY_TIMEOUT = 10.0

_UserName = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class WebSocketAction(Payload):
    """Body of `POST /api/websocket`."""

    action: Literal["health", "stats", "revoke"]
    jti: str | None = None
    user: str | None = None


class TokenRequest(Payload):
    """Body of `POST /api/token`."""

    user_id: _UserName = "demo"
    session_id: Annotated[str, StringConstraints(max_length=128)] | None = None
    roles: list[Literal["student", "tutor", "admin"]] = ["student"]
    students: list[str] = []
    ttl_seconds: Annotated[int, Field(ge=1, le=7 * 86400)] = 3600


class CareRequest(Payload):
    """Body of `POST /api/plugins/{name}`."""

    action: Action


def add_routes(web_app: web.Application, app: App, care: Care, siblings: Siblings | None = None) -> None:
    """Add the core's routes, and have plugins say which they add.

    Args:
        care: switches plugins off and on, and reloads them.
        siblings: the other workers of this port, whose counters `/metrics` tells too.
    """
    routes = _Routes(app, care, siblings)
    router = web_app.router
    router.add_get("/healthz", routes.alive)
    router.add_get("/readyz", routes.ready)
    router.add_post("/api/websocket", routes.action)
    router.add_get("/asyncapi.json", routes.asyncapi)
    router.add_get("/metrics", routes.metrics)
    if app.settings.dev:
        router.add_post("/api/token", routes.token)
    router.add_post("/api/plugins/{name}", routes.care)
    app.collect_routes()


def origin_allowed(app: App, origin: str, request: web.Request) -> bool:
    """Whether a browser's page of this origin may speak to us: listed exactly, or in development our own."""
    settings = app.settings
    if origin in settings.origins:
        return True
    port = request.transport.get_extra_info("sockname")[1] if request.transport else settings.websocket_port
    return settings.dev and origin in own_origins(settings.websocket_host, port)


class Router(web.UrlDispatcher):
    """aiohttp's router, and behind it one for the routes of plugins, which come and go while the server runs.

    Args:
        app: has the plugins' routes.
    """

    def __init__(self, app: App) -> None:
        super().__init__()
        self._app = app
        self._built_for: tuple[HttpRoute, ...] = ()
        self._of_plugins = web.UrlDispatcher()

    @override
    async def resolve(self, request: web.Request) -> web.UrlMappingMatchInfo:
        found = await super().resolve(request)
        if found.http_exception is None:
            return found
        if self._built_for is not self._app.routes:
            self._built_for, self._of_plugins = self._app.routes, self._build()
        of_plugin = await self._of_plugins.resolve(request)
        # 405 says more than 404.
        unknown = of_plugin.http_exception is not None and of_plugin.http_exception.status == 404
        return found if unknown else of_plugin

    def _build(self) -> web.UrlDispatcher:
        router = web.UrlDispatcher()
        for own in self.routes():  # a plugin cannot have them
            if own.resource is not None:
                router.add_route(own.method, own.resource.canonical, _never)
        for route in self._app.routes:
            try:
                router.add_route(route.method, route.path, _guarded(route))
            except (ValueError, TypeError, RuntimeError, AssertionError) as error:  # taken, or not a route at all
                log.error("route of a plugin refused", plugin=route.plugin.name, path=route.path, reason=str(error))
        return router


async def _never(request: web.Request) -> web.StreamResponse:
    raise web.HTTPNotFound


def _guarded(route: HttpRoute) -> Handler:
    plugin = route.plugin

    async def handle(request: web.Request) -> web.StreamResponse:
        if plugin.off:
            response = _problem(503, ErrorCode.PLUGIN_UNAVAILABLE, f"plugin {plugin.name} is switched off")
            response.headers["Retry-After"] = str(RETRY_OFF_MS // 1000)
            return response
        plugin.requests += 1
        try:
            response_of_plugin: web.StreamResponse = await route.handler(request)
            return response_of_plugin
        finally:
            plugin.requests -= 1

    return handle


class _Routes:
    def __init__(self, app: App, care: Care, siblings: Siblings | None) -> None:
        self._app = app
        self._care = care
        self._siblings = siblings

    async def alive(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def ready(self, request: web.Request) -> web.Response:
        health = await self._app.health()
        return web.json_response(health, status=200 if health["ready"] else 503)

    async def asyncapi(self, request: web.Request) -> web.Response:
        return web.json_response(asyncapi.document(self._app))

    async def metrics(self, request: web.Request) -> web.Response:
        body = metrics.render(self._app) if self._siblings is None else await self._siblings.metrics()
        return web.Response(body=body, headers={"Content-Type": metrics.CONTENT_TYPE})

    async def action(self, request: web.Request) -> web.Response:
        body = await _body(request, WebSocketAction)
        if isinstance(body, web.Response):
            return body
        if body.action == "health":
            return web.json_response(await self._app.health())
        if not await self._is_admin(request):
            return _problem(401, "unauthenticated", f"{body.action} needs a token with the role admin")
        if body.action == "stats":
            return web.json_response(dict(self._app.stats()))
        if (body.jti is None) == (body.user is None):
            return _problem(400, "invalid_payload", "revoke needs either jti or user")
        kind, value = ("jti", body.jti) if body.jti is not None else ("user", body.user)
        await self._app.revoke(kind, str(value))
        return web.json_response({"revoked": {kind: value}})

    async def care(self, request: web.Request) -> web.Response:
        body = await _body(request, CareRequest)
        if isinstance(body, web.Response):
            return body
        origin = request.headers.get("Origin")
        if origin is not None and not origin_allowed(self._app, origin, request):
            return _problem(403, "forbidden", "this origin is not allowed; see ALLOWED_ORIGINS")
        if not await self._is_admin(request):
            return _problem(401, "unauthenticated", f"{body.action} needs a token with the role admin")
        name, node = request.match_info["name"], self._app.settings.node_id
        # Not to be left half done by a client that goes away.
        doing = self._app.create_task(self._act(body.action, name), name="plugin care")
        states = await asyncio.shield(doing)
        if isinstance(states, UnknownPlugin):
            return _problem(404, "unknown_plugin", str(states))
        if isinstance(states, PluginError):
            return _problem(409, "plugin_refused", str(states))
        if failed := {other: state["error"] for other, state in states.items() if "error" in state}:
            message = f"done on {node}, but not on {', '.join(failed)}: {next(iter(failed.values()))}"
            return _problem(409, "plugin_refused", message, states)
        return web.json_response({"plugin": name, "nodes": states})

    async def _act(self, action: Action, name: str) -> dict[str, dict[str, Any]] | PluginError:
        """Do it here, and if that works on the other workers too; the plugin's state by node, or why not."""
        try:
            record = await self._care.act(action, name)
        except PluginError as error:
            return error
        states = {self._app.settings.node_id: record.summary()}
        if self._siblings is not None:
            states |= await self._siblings.care(action, record.name)
        return states

    async def _is_admin(self, request: web.Request) -> bool:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return self._app.settings.dev
        try:
            identity = await self._app.authenticator.verify(token.strip())
        except TokenError:
            return False
        if await self._app.store.revoked(identity.jti, identity.user, identity.issued_at):
            return False
        return "admin" in identity.roles or self._app.settings.dev

    async def token(self, request: web.Request) -> web.Response:
        body = await _body(request, TokenRequest)
        if isinstance(body, web.Response):
            return body
        origin = request.headers.get("Origin")
        if origin is not None and not origin_allowed(self._app, origin, request):
            return _problem(403, "forbidden", "this origin is not allowed; see ALLOWED_ORIGINS")
        settings = self._app.settings
        secret = settings.secret
        if secret is None:
            return _problem(400, "unavailable", "tokens come from the identity provider (JWT_JWKS_URL)")
        session = body.session_id or uuid.uuid4().hex
        token = mint_token(
            secret,
            user=body.user_id,
            roles=body.roles,
            students=body.students,
            ttl_s=body.ttl_seconds,
            audience=settings.jwt_audience,
            issuer=settings.jwt_issuer,
            now=self._app.now(),
        )
        expires_at = self._app.now() + body.ttl_seconds * 1000
        return web.json_response(
            {"token": token, "userId": body.user_id, "sessionId": session, "expiresAt": expires_at}
        )


async def _body(request: web.Request, model: type[Any]) -> Any:
    """The request's JSON body as a model, or the response that says what is wrong with it."""
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            raw = await request.read()
        return model.model_validate_json(raw or b"{}")
    except web.RequestPayloadError:
        return _problem(400, "invalid_payload", "the body is not encoded as its headers say")
    except TimeoutError:
        return _problem(408, "timeout", "the body did not come in time")
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False, include_context=False)
        return _problem(400, "invalid_payload", "the body is not valid", details)


def _problem(status: int, code: str, message: str, details: Any = None) -> web.Response:
    body = {"error": {"code": code, "message": message, **({"details": details} if details else {})}}
    return web.json_response(body, status=status, dumps=lambda value: json.dumps(value, default=str))
