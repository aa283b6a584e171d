"""Who is there: verifies the JSON Web Token a client joins with (RFC 7519, with the advice of RFC 8725).

PyJWT checks signatures; the claims are checked here, against the server's own clock. Which key is used follows from
the algorithm (HMAC: JWT_SECRET, public key: JWT_JWKS_URL), and the algorithm must be one that the settings list, so
that neither `none` nor a public key used as an HMAC secret gets anybody in. No error or log line holds a token or a
claim's value. Whether a token was revoked is the store's to say.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from pydantic import SecretStr

from bonsai_core.jwks import KeySet, KeysUnavailable, UnknownKey
from bonsai_core.settings import HMAC_KEY_BYTES, Settings, SettingsError

if TYPE_CHECKING:
    from jwt.api_jws import PyJWS

MAX_TOKEN_BYTES = 4096
ROLES = frozenset({"student", "tutor", "admin"})

# RFC 7515 section 7.1. PyJWT would also take padding, so that one token could be spelt in several ways.
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")

# A timestamp beyond the year 9999 is a mistake (milliseconds, for instance), and dates cannot hold it.
_LAST_SECOND = 253_402_300_799

Reason = Literal["missing", "malformed", "invalid", "expired", "revoked", "unavailable"]


class TokenError(Exception):
    """A token that lets nobody in.

    Attributes:
        reason: `missing`; `malformed`: not a token at all; `invalid`: a token, but not a good one; `expired`;
            `revoked`; `unavailable`: the keys to check it with cannot be had now, so trying again makes sense.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a verified token names. Times are milliseconds since the epoch.

    `session_id` binds the token to one session when it is set; `jti` makes it revocable; `students` are those that a
    tutor may see; `claims` is everything the token says.
    """

    user: str
    roles: frozenset[str] = frozenset({"student"})
    students: frozenset[str] = frozenset()
    session_id: str | None = None
    jti: str | None = None
    issued_at: int = 0
    expires_at: int = 0
    claims: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), repr=False, compare=False)


def system_clock() -> int:
    """Now, in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


class Authenticator:
    """Verifies tokens as the settings ask.

    Args:
        settings: which keys, algorithms, audience and issuer count.
        clock: gives now, in milliseconds since the epoch.

    Raises:
        SettingsError: there is no key to verify anything with.
    """

    def __init__(self, settings: Settings, clock: Callable[[], int] = system_clock) -> None:
        secret = settings.secret
        self._secret = secret.get_secret_value().encode() if secret is not None else None
        self._keys = KeySet(settings.jwt_jwks_url, clock) if settings.jwt_jwks_url else None
        self._algorithms = frozenset(settings.algorithms)
        self._audience = settings.jwt_audience
        self._issuer = settings.jwt_issuer
        self._leeway_ms = settings.jwt_leeway_s * 1000
        self._clock = clock
        self._verifier: PyJWS | None = None
        self._loading: asyncio.Task[PyJWS] | None = None
        if self._secret is None and self._keys is None:
            raise SettingsError(["No way to verify tokens: set JWT_SECRET or JWT_JWKS_URL, or use --dev."])

    async def open(self) -> None:
        """Begin to load what verifying needs, but do not wait: an unreachable provider must not stop the start."""
        self._loading = asyncio.create_task(asyncio.to_thread(_make_verifier), name="load-jwt")
        if self._keys is not None:
            self._keys.refresh()

    async def close(self) -> None:
        """Give up a key fetch under way."""
        if self._keys is not None:
            await self._keys.close()
        if self._loading is not None:
            await asyncio.wait([self._loading])

    async def verify(self, token: str) -> Identity:
        """Whom the token names, if it holds now.

        Args:
            token: a signed JWT in compact form, at most `MAX_TOKEN_BYTES` long.

        Raises:
            TokenError: it does not let anybody in; `reason` says why. Nothing else is raised, whatever the token.
        """
        header = _header(token)
        algorithm = header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in self._algorithms:
            raise TokenError("invalid", "the token's algorithm is not accepted here; see JWT_ALGORITHMS")
        if "crit" in header or "b64" in header:
            raise TokenError("invalid", "the token's header asks for extensions that are not supported (crit, b64)")
        verifier = self._verifier or await self._load_verifier()
        key = await self._key(header, algorithm)
        from jwt import PyJWTError

        try:
            signed = verifier.decode_complete(token, key, algorithms=[algorithm])
        except (PyJWTError, ValueError, TypeError):
            raise TokenError("invalid", "the token's signature is not good") from None
        return self._identify(_json_object(signed["payload"], "claims"))

    async def _load_verifier(self) -> PyJWS:
        self._verifier = await asyncio.shield(self._loading) if self._loading is not None else _make_verifier()
        return self._verifier

    async def _key(self, header: Mapping[str, Any], algorithm: str) -> Any:
        if algorithm in HMAC_KEY_BYTES:
            if self._secret is None:
                raise TokenError("invalid", "the token's algorithm needs JWT_SECRET, which is not set")
            return self._secret
        if self._keys is None:
            raise TokenError("invalid", "the token's algorithm needs JWT_JWKS_URL, which is not set")
        kid = header.get("kid")
        if kid is not None and not isinstance(kid, str):
            raise TokenError("malformed", "the token's kid is not a string")
        try:
            return await self._keys.key(kid, algorithm)
        except UnknownKey:
            raise TokenError("invalid", "the token was signed with a key that JWT_JWKS_URL does not list") from None
        except KeysUnavailable:
            raise TokenError("unavailable", "the keys of JWT_JWKS_URL cannot be fetched now") from None

    def _identify(self, claims: dict[str, Any]) -> Identity:
        now = self._clock()
        issued_at, expires_at = _time(claims, "iat"), _time(claims, "exp")
        identity = Identity(
            user=_text(claims.get("sub"), "sub"),
            roles=ROLES & frozenset(_texts(claims, "roles", absent=("student",))),
            students=frozenset(_texts(claims, "students", absent=())),
            session_id=_optional_text(claims, "sid"),
            jti=_optional_text(claims, "jti"),
            issued_at=issued_at,
            expires_at=expires_at,
            claims=MappingProxyType(claims),
        )
        if issued_at > now + self._leeway_ms:
            raise TokenError("invalid", "the token was issued in the future; check the clocks, or JWT_LEEWAY_S")
        if "nbf" in claims and _time(claims, "nbf") > now + self._leeway_ms:
            raise TokenError("invalid", "the token is not valid yet (nbf)")
        self._check_audience(claims)
        if self._issuer is not None and claims.get("iss") != self._issuer:
            raise TokenError("invalid", "the token's iss is not JWT_ISSUER")
        if expires_at + self._leeway_ms <= now:
            raise TokenError("expired", "the token has expired")
        return identity

    def _check_audience(self, claims: Mapping[str, Any]) -> None:
        audience = claims.get("aud")
        named = [audience] if isinstance(audience, str) else audience
        if self._audience is not None:
            if not isinstance(named, list) or self._audience not in named:
                raise TokenError("invalid", "the token's aud is not JWT_AUDIENCE")
        elif named:
            # RFC 7519 section 4.1.3: a token made out to somebody who we do not say we are is refused.
            raise TokenError("invalid", "the token names an audience (aud), but JWT_AUDIENCE is not set")


def mint_token(
    secret: str | SecretStr,
    *,
    user: str,
    session: str | None = None,
    roles: Iterable[str] = ("student",),
    students: Iterable[str] = (),
    ttl_s: int = 3600,
    audience: str | None = None,
    issuer: str | None = None,
    now: int | None = None,
    jti: str | None = "auto",
) -> str:
    """Make an HS256 token, for development, tests and scripts; identity providers make those of real students.

    Args:
        secret: the server's JWT_SECRET, 32 bytes or more.
        user: the `sub`, 1 to 128 characters.
        session: binds the token to this session (`sid`).
        roles: of `ROLES`.
        students: those whom a tutor may see.
        ttl_s: seconds until it expires; negative makes an expired one.
        audience: `aud`, as the server's JWT_AUDIENCE asks.
        issuer: `iss`, as its JWT_ISSUER asks.
        now: when it is issued, in milliseconds since the epoch; by default now.
        jti: its id, by which it can be revoked; "auto" makes a random one, None leaves it out.

    Raises:
        ValueError: the secret is too short, or the user or a role is not one.
    """
    import jwt

    plain = secret.get_secret_value() if isinstance(secret, SecretStr) else secret
    if len(plain.encode()) < HMAC_KEY_BYTES["HS256"]:
        raise ValueError(f"the secret is too short: HS256 takes {HMAC_KEY_BYTES['HS256']} bytes or more")
    if not _is_text(user):
        raise ValueError("user must be 1 to 128 printable characters")
    if unknown := sorted(set(roles := list(roles)) - ROLES):
        raise ValueError(f"no such role: {', '.join(unknown)} (known: {', '.join(sorted(ROLES))})")
    issued_at = (system_clock() if now is None else now) // 1000
    claims: dict[str, Any] = {"sub": user, "iat": issued_at, "exp": issued_at + ttl_s, "roles": roles}
    optional = {"sid": session, "students": list(students) or None, "aud": audience, "iss": issuer}
    optional["jti"] = secrets.token_urlsafe(12) if jti == "auto" else jti
    claims |= {name: value for name, value in optional.items() if value is not None}
    return jwt.encode(claims, plain, algorithm="HS256")


def _make_verifier() -> PyJWS:
    # Imported late and off the loop: PyJWT loads cryptography, a tenth of a second that the start need not wait for.
    from jwt.api_jws import PyJWS

    return PyJWS(options={"verify_signature": True, "enforce_minimum_key_length": True})


def _header(token: object) -> dict[str, Any]:
    if not token:
        raise TokenError("missing", "no token was given")
    if isinstance(token, str) and len(token) > MAX_TOKEN_BYTES:
        raise TokenError("malformed", f"the token is longer than {MAX_TOKEN_BYTES} bytes")
    if not isinstance(token, str) or not _COMPACT.fullmatch(token):
        raise TokenError("malformed", "the token is not a JWT: it takes three parts of base64url, without padding")
    first, _, _ = token.partition(".")
    try:
        decoded = base64.urlsafe_b64decode(first + "=" * (-len(first) % 4))
    except binascii.Error:
        raise TokenError("malformed", "the token's header is not base64url") from None
    return _json_object(decoded, "header")


def _json_object(raw: bytes, what: str) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        # Parsers disagree on which of two equal keys counts, so neither does (RFC 8725 section 2.4).
        if len(found := dict(pairs)) != len(pairs):
            raise ValueError("repeated key")
        return found

    def refuse(name: str) -> float:
        raise ValueError(name)

    try:
        value = json.loads(raw, object_pairs_hook=once, parse_constant=refuse)
    except (ValueError, RecursionError):
        raise TokenError("malformed", f"the token's {what} is not JSON without repeated keys") from None
    if not isinstance(value, dict):
        raise TokenError("malformed", f"the token's {what} is not a JSON object")
    return value


def _is_text(value: object, limit: int = 128) -> bool:
    # Printable also keeps out lone surrogates, which JSON can spell and no database or socket can take.
    return isinstance(value, str) and 0 < len(value) <= limit and value.isprintable()


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or not _is_text(value):
        raise TokenError("invalid", f"the token's {name} must be a string of 1 to 128 printable characters")
    return value


def _optional_text(claims: Mapping[str, Any], name: str) -> str | None:
    return None if claims.get(name) is None else _text(claims[name], name)


def _texts(claims: Mapping[str, Any], name: str, *, absent: tuple[str, ...]) -> Iterable[str]:
    value = claims.get(name)
    if value is None:
        return absent
    if not isinstance(value, list):
        raise TokenError("invalid", f"the token's {name} must be a list of strings")
    return [_text(item, name) for item in value]


def _time(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenError("invalid", f"the token's {name} is missing or not a number")
    if not 0 <= value <= _LAST_SECOND:
        raise TokenError("invalid", f"the token's {name} is not a time in seconds")
    return int(value * 1000)
