"""The HTTP routes: the page and its files, what the page asks before it connects, the demo login."""

from __future__ import annotations

import asyncio
import re
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from aiohttp import hdrs, web
from pydantic import Field, StringConstraints, ValidationError

from bonsai_core import Payload, mint_token
from bonsai_dashboard.page import INDEX, MISSING, File, Page, built_at, load, make_file

if TYPE_CHECKING:
    from bonsai_core import App
    from bonsai_dashboard.settings import DashboardSettings

FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
#: How long a request's body may take, in seconds.
BODY_TIMEOUT = 10.0

_ID = Annotated[str, StringConstraints(min_length=1, max_length=128)]
_HOST = re.compile(r"[A-Za-z0-9.-]+(:\d+)?|\[[0-9A-Fa-f:.]+\](:\d+)?")


class Login(Payload):
    """Body of `POST /dashboard/login`.

    Attributes:
        students: whom a tutor may see.
        ttl_seconds: how long the token lasts; default is the setting.
    """

    user_id: _ID = "demo"
    session_id: _ID | None = None
    roles: Annotated[list[Literal["student", "tutor", "admin"]], Field(min_length=1)] = ["student"]
    students: list[_ID] = []
    ttl_seconds: Annotated[int, Field(ge=1, le=604_800)] | None = None


class Routes:
    """What `add_routes` adds.

    Args:
        folder: where the built page is.
    """

    def __init__(self, app: App, settings: DashboardSettings, folder: Path) -> None:
        self._app = app
        self._settings = settings
        self._folder = folder
        self._page = Page({}, 0)
        self._missing = make_file("missing.html", MISSING.encode())
        self._loading = asyncio.Lock()

    def add(self) -> None:
        """Add all of them to the application."""
        for path, handler in (
            ("/", self.index),
            ("/dashboard", self.home),
            ("/dashboard/", self.home),
            ("/dashboard/config", self.config),
            ("/assets/{name:.+}", self.asset),
            ("/{name:theme\\.js|icon\\.svg}", self.asset),
        ):
            for method in ("GET", "HEAD"):
                self._app.add_route(method, path, handler)
        if self._app.settings.dev:
            self._app.add_route("POST", "/dashboard/login", self.login)

    async def load(self) -> None:
        """Take in the page, if it is another than the one at hand."""
        async with self._loading:
            if built_at(self._folder) != self._page.built:
                self._page = await asyncio.to_thread(load, self._folder)

    @property
    def page(self) -> Page:
        """The page at hand."""
        return self._page

    # The page

    async def index(self, request: web.Request) -> web.StreamResponse:
        """The page itself; without one, what is missing."""
        if self._app.settings.dev or not self._page.complete:
            await self.load()  # it may have been built since
        file = self._page.files.get(INDEX, self._missing)
        response = _serve(request, file)
        response.headers["Content-Security-Policy"] = self._policy(request)
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
        return response

    async def home(self, request: web.Request) -> web.StreamResponse:
        """Where the page is, as seen from here, whatever a proxy has put before it."""
        raise web.HTTPFound("../" if request.path.endswith("/") else "./")

    async def asset(self, request: web.Request) -> web.StreamResponse:
        """A file of the page."""
        file = self._page.files.get(request.path.removeprefix("/"))
        if file is None:
            raise web.HTTPNotFound(text="no such file of the page")
        return _serve(request, file)

    def _policy(self, request: web.Request) -> str:
        """Nothing but the page's own files and its own server, also where 'self' does not mean WebSockets."""
        host = request.headers.get(hdrs.HOST, "")
        sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
        return "; ".join(
            (
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                "font-src 'self'",
                "img-src 'self' data: blob:",
                f"connect-src 'self'{sockets}",
                "base-uri 'none'",
                "form-action 'none'",
                " ".join(("frame-ancestors 'self'", *self._hosts())),
            )
        )

    # What it asks

    async def config(self, request: web.Request) -> web.Response:
        """What the page has to know before it connects."""
        return _json({"dev": self._app.settings.dev, "hosts": self._hosts()})

    async def login(self, request: web.Request) -> web.Response:
        """A token for the demo; another one for the same name renews it."""
        app = self._app
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is not None and not self._is_own(origin, request):
            return _problem(403, "forbidden", "this origin is not allowed; see ALLOWED_ORIGINS")
        secret = app.settings.secret
        if secret is None:
            return _problem(400, "unavailable", "tokens come from the identity provider (JWT_JWKS_URL)")
        try:
            async with asyncio.timeout(BODY_TIMEOUT):
                raw = await request.read()
            wanted = Login.model_validate_json(raw or b"{}")
            seconds = wanted.ttl_seconds or self._settings.token_s
            token = mint_token(
                secret,
                user=wanted.user_id,
                roles=wanted.roles,
                students=wanted.students,
                ttl_s=seconds,
                audience=app.settings.jwt_audience,
                issuer=app.settings.jwt_issuer,
                now=app.now(),
            )
        except TimeoutError:
            return _problem(408, "timeout", "the body did not come in time")
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False, include_context=False)
            return _problem(400, "invalid_payload", "the body is not valid", details)
        except ValueError as error:  # a name that is no name
            return _problem(400, "invalid_payload", str(error))
        return _json(
            {
                "token": token,
                "userId": wanted.user_id,
                "sessionId": wanted.session_id or uuid.uuid4().hex,
                "expiresAt": app.now() + seconds * 1000,
            }
        )

    def _hosts(self) -> list[str]:
        """Origins of host applications: they may frame the page, and give it tokens."""
        return sorted(self._app.settings.origins)

    def _is_own(self, origin: str, request: web.Request) -> bool:
        """Whether a page of this origin may ask for tokens: a listed one, or this server by a name of this machine."""
        if origin in self._app.settings.origins:
            return True
        port = request.transport.get_extra_info("sockname")[1] if request.transport else None
        return origin in {f"http://{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}


def _serve(request: web.Request, file: File) -> web.Response:
    headers = {
        "Cache-Control": FOR_EVER if file.lasting else ASK_AGAIN,
        "Content-Type": file.type,
        "Cross-Origin-Resource-Policy": "same-origin",
        "ETag": file.etag,
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    known = request.if_none_match or ()
    if any(tag.value == "*" or f'"{tag.value}"' == file.etag for tag in known):
        del headers["Content-Type"]
        return web.Response(status=304, headers=headers)
    body = file.content
    if file.zipped is not None and _takes_gzip(request):
        headers["Content-Encoding"] = "gzip"
        headers["ETag"] = f"W/{file.etag}"  # the same page in other bytes
        body = file.zipped
    return web.Response(body=body, headers=headers)


def _takes_gzip(request: web.Request) -> bool:
    for part in request.headers.get(hdrs.ACCEPT_ENCODING, "").lower().split(","):
        name, _, quality = part.strip().partition(";")
        if name.strip() in ("gzip", "*"):
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _json(data: Any, status: int = 200) -> web.Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return web.json_response(data, status=status, headers=headers)


def _problem(status: int, code: str, message: str, details: Any = None) -> web.Response:
    return _json({"error": {"code": code, "message": message, **({"details": details} if details else {})}}, status)
