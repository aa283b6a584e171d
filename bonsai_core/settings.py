"""Every setting of the server: its environment name, default, unit and bounds, and where its value came from.

A value is taken from, first wins: a command-line flag, the environment, the file `.env`, the default. An empty
variable counts as not set, as compose files write `JWT_SECRET=${JWT_SECRET:-}`. Lists are comma-separated. A value
that makes no sense raises `SettingsError` at once; what only a starting server needs (a secret, for instance) is
checked by `Settings.check_startable`, so that `bonsai settings` and its like work without it.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import secrets
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from typing_extensions import override

DEV_SECRET_PATH = Path(".bonsai") / "dev-secret"
MASK = "********"

Source = Literal["flag", "environment", ".env", "default"]

# These are shared with front ends and identity providers, so they have no prefix of ours.
_UNPREFIXED = re.compile(r"websocket_|jwt_|frontend_url$|allowed_origins$|store_url$|redis_url$")
_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://([^\s/?#@]+)", re.IGNORECASE)
_REDIS_SCHEMES = (
    *("redis", "redis+sentinel", "redis+cluster"),
    *("rediss", "rediss+sentinel", "rediss+cluster"),
    "unix",
)
#: Longest id that still leaves room for a worker's number.
MAX_NODE_BASE = 54
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}

# Shortest key an HMAC may have is the hash's own length (RFC 7518 section 3.2).
HMAC_KEY_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}
PUBLIC_KEY_ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)


class SettingsError(ValueError):
    """One or more settings are wrong. `problems` holds a sentence for each: what is wrong and what to do."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def env_name(field: str) -> str:
    """The environment variable of a field of `Settings`: `rate_window_ms` is `BONSAI_RATE_WINDOW_MS`."""
    name = field.upper()
    return name if _UNPREFIXED.match(field) else f"BONSAI_{name}"


def flag_name(field: str) -> str:
    """The command-line flag of a field of `Settings`: `rate_window_ms` is `--rate-window-ms`."""
    return f"--{field.replace('_', '-')}"


def mask_url(url: str) -> str:
    """The URL without its password, be it before the `@` or in the query. Rather too much is masked than too little."""
    url = re.sub(r"://([^/?#@:]*)(:.*)?@", lambda m: f"://{m[1]}:{MASK}@" if m[2] else f"://{MASK}@", url, count=1)
    return re.sub(r"([?&][^=&]*(?:pass|secret|token|key)[^=&]*=)[^&#]*", rf"\g<1>{MASK}", url, flags=re.IGNORECASE)


def normal_origin(text: str) -> str:
    """An origin as a browser sends it in the `Origin` header (RFC 6454 section 6.2): no path, no default port.

    Raises:
        ValueError: it is no origin, has a path, or is a wildcard.
    """
    match = _ORIGIN.fullmatch(text.strip().removesuffix("/"))
    if match is None or "*" in text:
        raise ValueError("an origin is scheme://host[:port] without path or wildcard, such as https://app.example.com")
    scheme, host = match[1].lower(), match[2].lower()
    return f"{scheme}://{host.removesuffix(_DEFAULT_PORTS.get(scheme, '/'))}"


def _split(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _without_all(value: tuple[str, ...]) -> tuple[str, ...]:
    return () if value == ("all",) else value


def _known_algorithms(value: tuple[str, ...]) -> tuple[str, ...]:
    known = PUBLIC_KEY_ALGORITHMS | HMAC_KEY_BYTES.keys()
    if unknown := [name for name in value if name not in known]:
        raise ValueError(f"not a signature algorithm that we accept: {', '.join(unknown)} (known: {sorted(known)})")
    return value


def parse_rate(text: str) -> tuple[str, int, float]:
    """`coaching:hint=10/60000` as (event, messages, window in seconds).

    Raises:
        ValueError: it is not of that form.
    """
    match = re.fullmatch(r"([^=\s]{1,128})=(\d{1,9})/(\d{1,9})", text)
    if match is None or not int(match[3]):
        raise ValueError("a limit is event=messages/milliseconds, such as coaching:hint=10/60000")
    return match[1], int(match[2]), int(match[3]) / 1000


def _rates(value: tuple[str, ...]) -> tuple[str, ...]:
    for text in value:
        parse_rate(text)
    return value


def _networks(value: tuple[str, ...]) -> tuple[str, ...]:
    for text in value:
        ipaddress.ip_network(text)
    return value


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an http:// or https:// URL")
    return value


def _store_scheme(value: str) -> str:
    if urlsplit(value).scheme not in ("sqlite", *_REDIS_SCHEMES):
        raise ValueError(
            "must start with sqlite://, redis://, rediss://, redis+sentinel://, redis+cluster:// or unix://"
        )
    return value


def _redis_scheme(value: str) -> str:
    if urlsplit(value).scheme not in _REDIS_SCHEMES:
        raise ValueError("must start with redis://, rediss://, redis+sentinel://, redis+cluster:// or unix://")
    return value


Words = Annotated[tuple[str, ...], BeforeValidator(_split)]
Origins = Annotated[tuple[Annotated[str, AfterValidator(normal_origin)], ...], BeforeValidator(_split)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]


def _setting(default: Any, description: str, unit: str = "", **bounds: Any) -> Any:
    return Field(default, description=description, json_schema_extra={"unit": unit}, **bounds)


def _node_id() -> str:
    host = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())[:40] or "node"
    return f"{host}-{secrets.token_hex(3)}"


class Settings(BaseSettings):
    """The server's settings, immutable once made.

    Args:
        env_file: the file of `NAME=value` lines read below the environment; None reads none.
        flags: values by field name that win over everything else; None counts as not given.

    Raises:
        SettingsError: a value is out of bounds or of the wrong form; every such value is named, none is shown.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    websocket_host: str = _setting("127.0.0.1", "Address to listen on; 0.0.0.0 or :: for every interface.")
    websocket_port: int = _setting(3001, "Port to listen on; 0 takes any free one.", ge=0, le=65535)
    workers: int = _setting(
        1, "Server processes that share the port; more than 1 needs Redis.", "processes", ge=1, le=256
    )
    dev: bool = _setting(False, "Development mode: loopback only, a generated secret, demo tokens.")

    jwt_secret: SecretStr | None = _setting(
        None,
        "Shared secret of HMAC-signed tokens, at least 32 bytes; set it in the environment: flags show in ps.",
    )
    jwt_jwks_url: HttpUrl | None = _setting(None, "Where the identity provider publishes its public keys (RFC 7517).")
    jwt_audience: str | None = _setting(None, "Required `aud` of every token.", min_length=1)
    jwt_issuer: str | None = _setting(None, "Required `iss` of every token.", min_length=1)
    jwt_algorithms: Annotated[Words, AfterValidator(_known_algorithms)] = _setting(
        (), "Accepted signature algorithms; by default HS256 with a secret, RS256, ES256 and EdDSA with a JWKS."
    )
    jwt_leeway_s: int = _setting(10, "Tolerated difference between our clock and the issuer's.", "s", ge=0, le=300)
    token_expiring_s: int = _setting(60, "auth:expiring is sent this long before a token expires.", "s", ge=0, le=3600)
    token_grace_s: int = _setting(5, "A connection is closed with 4401 this long after expiry.", "s", ge=0, le=3600)

    frontend_url: HttpUrl = _setting("http://localhost:3000", "Where the front end is served; its origin may connect.")
    allowed_origins: Origins = _setting((), "Browser origins that may connect, exact; by default that of FRONTEND_URL.")

    store_url: Annotated[str, AfterValidator(_store_scheme)] = _setting(
        "sqlite:///.bonsai/bonsai.db",
        "Where state lives: sqlite:///path, sqlite:// (in memory) or redis://host:port/db.",
    )
    redis_url: Annotated[str, AfterValidator(_redis_scheme)] | None = _setting(
        None, "A Redis to keep state in, as many hosts set it; STORE_URL wins when both are set."
    )
    redis_timeout_ms: int = _setting(2000, "Redis counts as away when it takes longer.", "ms", ge=50, le=60_000)
    node_lease_ms: int = _setting(
        10_000, "A node that gives no sign for so long is dead: its devices are gone.", "ms", ge=300, le=600_000
    )
    log_max_messages: int = _setting(1000, "A room's log keeps this many messages for resuming.", "messages", ge=1)
    log_max_age_s: int = _setting(3600, "A room's log keeps messages for this long.", "s", ge=1)
    document_cache_bytes: int = _setting(
        32 << 20, "Documents that a process keeps in memory.", "bytes", ge=0, le=1 << 40
    )
    dedup_window: int = _setting(1000, "Message ids of one client that are remembered.", "messages", ge=1, le=100_000)

    rate_max_requests: int = _setting(60, "Messages per window, connection and user; 0 is no limit.", "messages", ge=0)
    rate_window_ms: int = _setting(60_000, "Window of BONSAI_RATE_MAX_REQUESTS.", "ms", ge=100, le=86_400_000)
    rate_per_ip: int = _setting(0, "Messages per window of one address; mind schools. 0: no limit.", "messages", ge=0)
    rate_events: Annotated[Words, AfterValidator(_rates)] = _setting(
        (), "Limits of single events per user: coaching:hint=10/60000 is 10 in 60 s; they win over the plugin's own."
    )
    pings_per_minute: int = _setting(120, "Pings of one connection; more is a flood.", "per minute", ge=1)
    flood_refusals: int = _setting(
        100, "Messages in a row refused as too many, after which a connection is closed.", "messages", ge=1
    )
    connections_per_ip: int = _setting(50, "Open connections per address; 0 is no limit.", "connections", ge=0)
    handshakes_per_ip: int = _setting(60, "New connections per address; 0 is no limit.", "per minute", ge=0)
    trusted_proxies: Annotated[Words, AfterValidator(_networks)] = _setting(
        (), "Networks (CIDR) of proxies whose X-Forwarded-For is believed."
    )
    max_connections: int = _setting(10_000, "Open connections of this process.", "connections", ge=1)
    max_message_bytes: int = _setting(65_536, "Largest inbound message.", "bytes", ge=1024, le=16 << 20)
    max_attachment_bytes: int = _setting(8 << 20, "Largest binary attachment.", "bytes", ge=0, le=256 << 20)
    max_join_bytes: int = _setting(8192, "Largest user:connect frame.", "bytes", ge=512, le=1 << 20)
    max_pending: int = _setting(128, "Events of one connection that may wait their turn.", "events", ge=1, le=100_000)

    heartbeat_interval_ms: int = _setting(30_000, "Time between two heartbeats.", "ms", ge=10, le=3_600_000)
    heartbeat_timeout_ms: int = _setting(5000, "A heartbeat unanswered this long closes.", "ms", ge=10, le=600_000)
    header_timeout_ms: int = _setting(10_000, "Time to send a request's headers.", "ms", ge=100, le=600_000)
    join_timeout_ms: int = _setting(5000, "Time to send user:connect after the handshake.", "ms", ge=10, le=600_000)
    outbox_max_bytes: int = _setting(1 << 20, "A reader this far behind is cut off with 4008.", "bytes", ge=1024)
    outbox_max_age_ms: int = _setting(10_000, "A reader this late is cut off with 4008.", "ms", ge=10, le=3_600_000)
    close_timeout_ms: int = _setting(2000, "Time for a closing handshake before the abort.", "ms", ge=10, le=60_000)
    drain_timeout_ms: int = _setting(10_000, "Time for running events when the server stops.", "ms", ge=0, le=600_000)

    plugins: Annotated[Words, AfterValidator(_without_all)] = _setting((), "The only plugins to load; by default all.")
    plugins_disabled: Words = _setting((), "Plugins not to load.")
    plugins_dir: Path | None = _setting(None, "A directory whose .py files are plugins too.")
    strict: bool = _setting(False, "A plugin that fails to load stops the start.")
    handler_timeout_ms: int = _setting(3000, "Deadline of one handler.", "ms", ge=10, le=3_600_000)
    blocked_loop_ms: int = _setting(500, "A handler blocking the loop this long is reported.", "ms", ge=10, le=600_000)
    breaker_failures: int = _setting(5, "Failures in a row that rest a plugin; 0 never does.", "failures", ge=0)
    breaker_rest_ms: int = _setting(30_000, "A failing plugin rests this long.", "ms", ge=10, le=86_400_000)

    log_json: bool = _setting(False, "Log JSON lines instead of text for people.")
    debug: bool = _setting(False, "Log more, and run asyncio in debug mode.")
    node_id: str = Field(
        default_factory=_node_id,
        description="This node's name; by default the host's name and a random part. Workers add a number to it.",
        json_schema_extra={"unit": ""},
        pattern=r"^[A-Za-z0-9._-]{1,64}$",
    )

    _sources: dict[str, Source] = PrivateAttr(default_factory=dict)
    _dev_secret: SecretStr | None = PrivateAttr(default=None)

    def __init__(self, env_file: str | Path | None = ".env", **flags: Any) -> None:
        fields = type(self).model_fields
        layers: list[tuple[Source, dict[str, Any]]] = [
            (".env", _by_field(fields, _read_env_file(env_file))),
            ("environment", _by_field(fields, os.environ)),
            ("flag", {name: value for name, value in flags.items() if value is not None}),
        ]
        values: dict[str, Any] = {}
        sources: dict[str, Source] = {}
        for source, layer in layers:
            values |= layer
            sources |= dict.fromkeys(layer, source)
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SettingsError(_sentences(error, sources)) from None
        self._sources = sources

    @classmethod
    @override
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # The layers are merged in __init__, which remembers where each value came from.
        return (init_settings,)

    @override
    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for info in describe(self):
            yield info.name, info.value

    @property
    def origins(self) -> frozenset[str]:
        """Browser origins that may connect. In development mode those of the server's own pages too.

        With port 0 the own origins are not known here; the server adds them once it listens (`own_origins`).
        """
        chosen = self.allowed_origins or (_origin_of(self.frontend_url),)
        return frozenset(chosen) | (own_origins(self.websocket_host, self.websocket_port) if self.dev else frozenset())

    @property
    def effective_store_url(self) -> str:
        """STORE_URL when it is set, else REDIS_URL when that is, else the default of STORE_URL."""
        if self.redis_url is not None and "store_url" not in self.model_fields_set:
            return self.redis_url
        return self.store_url

    @property
    def shares_store(self) -> bool:
        """Several processes may use the store at a time."""
        return urlsplit(self.effective_store_url).scheme in _REDIS_SCHEMES

    @property
    def algorithms(self) -> tuple[str, ...]:
        """Signature algorithms that a token may have: those of JWT_ALGORITHMS, else what the keys call for."""
        if self.jwt_algorithms:
            return self.jwt_algorithms
        hmac = ("HS256",) if self.jwt_secret or self.generates_secret else ()
        return hmac + (("RS256", "ES256", "EdDSA") if self.jwt_jwks_url else ())

    @property
    def is_loopback(self) -> bool:
        """Only this machine can reach WEBSOCKET_HOST."""
        try:
            return ipaddress.ip_address(self.websocket_host.strip("[]")).is_loopback
        except ValueError:
            return self.websocket_host.lower() == "localhost"

    @property
    def generates_secret(self) -> bool:
        """Development mode without JWT_SECRET: tokens are signed with the generated secret of `.bonsai/dev-secret`."""
        return self.dev and self.jwt_secret is None and self.is_loopback

    @property
    def secret(self) -> SecretStr | None:
        """The secret of HMAC-signed tokens: JWT_SECRET, in development mode else `dev_secret`, else None."""
        if self.generates_secret and any(name in HMAC_KEY_BYTES for name in self.algorithms):
            return self.dev_secret
        return self.jwt_secret

    @property
    def dev_secret(self) -> SecretStr:
        """The generated secret, kept in `.bonsai/dev-secret` (mode 0600) so that demo tokens survive a restart."""
        if self._dev_secret is None:
            self._dev_secret = SecretStr(_load_dev_secret(DEV_SECRET_PATH))
        return self._dev_secret

    def source_of(self, field: str) -> Source:
        """Where the value of a field came from."""
        return self._sources.get(field, "default")

    def check_startable(self) -> None:
        """Check what only a starting server needs, all of it.

        Raises:
            SettingsError: with one sentence for every problem.
        """
        if problems := list(_start_problems(self)):
            raise SettingsError(problems)


@dataclass(frozen=True, slots=True)
class SettingInfo:
    """One setting as people see it. Secrets in `default` and `value` are masked; both are ready for JSON."""

    name: str
    flag: str
    env: str
    default: object
    value: object
    source: Source
    unit: str
    description: str


def describe(settings: Settings) -> Iterator[SettingInfo]:
    """Every setting, in the order of the class, with its current value and where that came from."""
    for name, field in type(settings).model_fields.items():
        extra = field.json_schema_extra
        yield SettingInfo(
            name=name,
            flag=flag_name(name),
            env=env_name(name),
            default="(generated)" if field.default_factory else _shown(name, field.default),
            value=_shown(name, getattr(settings, name)),
            source=settings.source_of(name),
            unit=str(extra.get("unit", "")) if isinstance(extra, dict) else "",
            description=field.description or "",
        )


def own_origins(host: str, port: int) -> frozenset[str]:
    """Origins of pages that this server serves itself, as a browser on the same machine names them."""
    named = f"[{host.strip('[]')}]" if ":" in host else host
    return frozenset(normal_origin(f"http://{name}:{port}") for name in {named, "localhost", "127.0.0.1"})


def _shown(name: str, value: object) -> object:
    if isinstance(value, SecretStr):
        return MASK
    if isinstance(value, str) and name.endswith("_url"):
        return mask_url(value)
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, Path) else value


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return normal_origin(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}")


def _read_env_file(path: str | Path | None) -> Mapping[str, str | None]:
    if path is None or not Path(path).is_file():
        return {}
    from dotenv import dotenv_values

    try:
        return dotenv_values(path)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            [f"{path} cannot be read ({type(error).__name__}); make it a readable UTF-8 file"]
        ) from None


def _by_field(fields: Mapping[str, object], variables: Mapping[str, str | None]) -> dict[str, Any]:
    return {name: value for name in fields if (value := (variables.get(env_name(name)) or "").strip())}


def _sentences(error: ValidationError, sources: Mapping[str, Source]) -> list[str]:
    found = []
    for item in error.errors(include_url=False, include_input=False):
        field = str(item["loc"][0]) if item["loc"] else ""
        source = sources.get(field, "default")
        if item["type"] == "extra_forbidden":
            found.append(f"{field} is not a setting; `bonsai settings` lists them")
            continue
        name = flag_name(field) if source == "flag" else env_name(field)
        place = " in .env" if source == ".env" else ""
        found.append(f"{name}{place}: {item['msg'].removeprefix('Value error, ')}")
    return found


def _start_problems(settings: Settings) -> Iterator[str]:
    s = settings
    if s.dev and not s.is_loopback:
        yield (
            f"BONSAI_DEV (--dev) is only for this machine, but WEBSOCKET_HOST is {s.websocket_host}. "
            "Set WEBSOCKET_HOST=127.0.0.1, or leave development mode and set JWT_SECRET or JWT_JWKS_URL."
        )
    if not s.dev and s.jwt_secret is None and s.jwt_jwks_url is None:
        yield (
            "No way to verify tokens. Set JWT_SECRET (at least 32 bytes: openssl rand -base64 48) or JWT_JWKS_URL, "
            "or start with --dev (BONSAI_DEV=1) on your own machine."
        )
    for name in s.algorithms:
        length = HMAC_KEY_BYTES.get(name)
        if length and s.jwt_secret and len(s.jwt_secret.get_secret_value().encode()) < length:
            yield f"JWT_SECRET is too short for {name}: it takes {length} bytes or more (openssl rand -base64 48)."
        elif length and s.jwt_secret is None and not s.dev:
            yield f"JWT_ALGORITHMS has {name}, which needs JWT_SECRET. Set it, or leave {name} out."
        elif length is None and s.jwt_jwks_url is None:
            yield f"JWT_ALGORITHMS has {name}, which needs JWT_JWKS_URL. Set it, or leave {name} out."
    if s.jwt_secret and not any(name in HMAC_KEY_BYTES for name in s.algorithms):
        yield "JWT_SECRET is set, but JWT_ALGORITHMS has none of HS256, HS384, HS512. Add one, or unset JWT_SECRET."
    if s.heartbeat_timeout_ms > s.heartbeat_interval_ms:
        yield "BONSAI_HEARTBEAT_TIMEOUT_MS is longer than BONSAI_HEARTBEAT_INTERVAL_MS. Lower it or raise the interval."
    if both := sorted(set(s.plugins) & set(s.plugins_disabled)):
        yield f"In BONSAI_PLUGINS and in BONSAI_PLUGINS_DISABLED: {', '.join(both)}. Take it out of one."
    if s.workers > 1:
        yield from _worker_problems(s)
    if s.plugins_dir is not None and not s.plugins_dir.is_dir():
        yield f"BONSAI_PLUGINS_DIR is {s.plugins_dir}, which is no directory. Create it, or correct the path."


def _worker_problems(settings: Settings) -> Iterator[str]:
    if not settings.shares_store:
        yield (
            f"BONSAI_WORKERS is {settings.workers}, but processes cannot share a SQLite store. "
            "Set REDIS_URL (redis://host:6379/0) and leave STORE_URL unset, or set BONSAI_WORKERS=1."
        )
    if not hasattr(socket, "SO_REUSEPORT") or not hasattr(socket, "AF_UNIX"):
        yield "BONSAI_WORKERS needs a system whose processes can share a port (Linux, for one). Set BONSAI_WORKERS=1."
    if len(settings.node_id) > MAX_NODE_BASE:
        yield f"BONSAI_NODE_ID is longer than {MAX_NODE_BASE} characters, and each worker adds a number to it. Cut it."


def _load_dev_secret(path: Path) -> str:
    """The secret in `path`, made if need be; of one process's memory when the directory cannot be written."""
    fresh = secrets.token_urlsafe(48)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with contextlib.suppress(OSError):
        if len(kept := _read_private(path)) >= HMAC_KEY_BYTES["HS512"]:
            return kept
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(fresh)
    except OSError:
        return fresh
    try:
        # A link is made whole or not at all, and never over the secret that another process made meanwhile.
        os.link(temporary, path)
    except FileExistsError:
        kept = _read_private(path)
        if len(kept) >= HMAC_KEY_BYTES["HS512"]:
            return kept
        temporary.replace(path)
        return fresh
    finally:
        temporary.unlink(missing_ok=True)
    return fresh


def _read_private(path: Path) -> str:
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    return path.read_text(encoding="ascii").strip()
