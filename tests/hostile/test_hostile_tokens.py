"""Hostile tokens: each is closed with 4401 or 4403, tells the reason, and gets nobody in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest

from bonsai_core.auth import mint_token
from bonsai_core.testing import FakeClock
from bonsai_core.testing.clock import BEGIN_MS
from bonsai_core.testing.wire import SECRET
from tests.hostile.conftest import Arena
from tests.hostile.raw import text

NOW = BEGIN_MS // 1000
CLAIMS: dict[str, Any] = {"sub": "mallory", "iat": NOW, "exp": NOW + 3600}
HEADER: dict[str, Any] = {"alg": "HS256", "typ": "JWT"}


def b64(data: bytes | str) -> str:
    return base64.urlsafe_b64encode(data.encode() if isinstance(data, str) else data).rstrip(b"=").decode()


def sign(
    header: dict[str, Any] | str, claims: dict[str, Any] | str, secret: str = SECRET, digest: str = "sha256"
) -> str:
    """A token with a good signature over whatever header and claims."""
    parts = [b64(part if isinstance(part, str) else json.dumps(part)) for part in (header, claims)]
    signed = ".".join(parts).encode()
    return ".".join([*parts, b64(hmac.new(secret.encode(), signed, digest).digest())])


def claims(**changed: Any) -> str:
    """A well signed token with claims changed; None leaves one out."""
    return sign(HEADER, {name: value for name, value in (CLAIMS | changed).items() if value is not None})


def header(**changed: Any) -> str:
    return sign(HEADER | changed, CLAIMS)


GOOD = sign(HEADER, CLAIMS)
FIRST, SECOND, THIRD = GOOD.split(".")

#: name -> (token, the reason that the error tells)
BAD: dict[str, tuple[str, str]] = {
    "no signature": (f"{FIRST}.{SECOND}.", "invalid"),
    "two parts": (f"{FIRST}.{SECOND}", "malformed"),
    "four parts": (f"{GOOD}.{THIRD}", "malformed"),
    "padding": (f"{GOOD}=", "malformed"),
    "white space": (f" {GOOD}", "malformed"),
    "line feed at the end": (f"{GOOD}\n", "malformed"),
    "a signature cut short": (GOOD[:-4], "invalid"),
    "a signature bit flipped": (GOOD[:-6] + ("A" if GOOD[-6] != "A" else "B") + GOOD[-5:], "invalid"),
    "another's claims under this signature": (
        f"{FIRST}.{b64(json.dumps(CLAIMS | {'sub': 'bystander'}))}.{THIRD}",
        "invalid",
    ),
    "another secret": (sign(HEADER, CLAIMS, "another secret of more than 32 bytes"), "invalid"),
    "empty secret": (sign(HEADER, CLAIMS, ""), "invalid"),
    "algorithm none": (f"{b64(json.dumps({'alg': 'none'}))}.{SECOND}.", "invalid"),
    "algorithm None": (f"{b64(json.dumps({'alg': 'None'}))}.{SECOND}.", "invalid"),
    "algorithm none, signed": (header(alg="none"), "invalid"),
    "algorithm hs256": (header(alg="hs256"), "invalid"),
    "algorithm HS512, not listed": (sign(HEADER | {"alg": "HS512"}, CLAIMS, digest="sha512"), "invalid"),
    "algorithm RS256, signed as HS256": (header(alg="RS256"), "invalid"),
    "algorithm missing": (sign({"typ": "JWT"}, CLAIMS), "invalid"),
    "algorithm a list": (header(alg=["HS256"]), "invalid"),
    "algorithm null": (header(alg=None), "invalid"),
    "algorithm twice": (sign('{"alg":"none","alg":"HS256"}', CLAIMS), "malformed"),
    "unknown critical header": (header(crit=["urn:example"], **{"urn:example": True}), "invalid"),
    "empty critical header": (header(crit=[]), "invalid"),
    "unencoded payload": (header(b64=False, crit=["b64"]), "invalid"),
    "header that is a list": (sign("[]", CLAIMS), "malformed"),
    "header that is no JSON": (sign("{", CLAIMS), "malformed"),
    "header nested deeply": (sign('{"alg":"HS256","x":' + "[" * 1300 + "]" * 1300 + "}", CLAIMS), "malformed"),
    "claims that are a list": (sign(HEADER, "[]"), "malformed"),
    "claims that are no JSON": (sign(HEADER, "{sub}"), "malformed"),
    "claims with NaN": (sign(HEADER, '{"sub":"mallory","iat":0,"exp":NaN}'), "malformed"),
    "sub twice": (sign(HEADER, f'{{"sub":"bystander","sub":"mallory","iat":{NOW},"exp":{NOW + 60}}}'), "malformed"),
    "exp twice": (sign(HEADER, f'{{"sub":"mallory","iat":{NOW},"exp":1,"exp":{NOW + 60}}}'), "malformed"),
    "no sub": (claims(sub=None), "invalid"),
    "empty sub": (claims(sub=""), "invalid"),
    "sub a number": (claims(sub=5), "invalid"),
    "sub a list": (claims(sub=["mallory"]), "invalid"),
    "sub of 129 characters": (claims(sub="m" * 129), "invalid"),
    "sub with a line feed": (claims(sub="mal\nlory"), "invalid"),
    "sub with NUL": (claims(sub="mallory\0"), "invalid"),
    "sub with a lone surrogate": (claims(sub="\ud800"), "invalid"),
    "no exp": (claims(exp=None), "invalid"),
    "no iat": (claims(iat=None), "invalid"),
    "exp a string": (claims(exp=str(NOW + 60)), "invalid"),
    "exp true": (claims(exp=True), "invalid"),
    "exp in milliseconds": (claims(exp=(NOW + 60) * 1000), "invalid"),
    "exp of 400 digits": (sign(HEADER, f'{{"sub":"mallory","iat":{NOW},"exp":{"9" * 400}}}'), "invalid"),
    "exp infinite": (sign(HEADER, f'{{"sub":"mallory","iat":{NOW},"exp":1e999}}'), "invalid"),
    "exp negative": (claims(exp=-1), "invalid"),
    "expired a minute ago": (claims(exp=NOW - 60), "expired"),
    "expired long ago": (claims(exp=1), "expired"),
    "expired, beyond the leeway by a moment": (claims(exp=NOW - 10), "expired"),
    "issued in the future": (claims(iat=NOW + 60), "invalid"),
    "not valid before tomorrow": (claims(nbf=NOW + 86_400), "invalid"),
    "for another audience": (claims(aud="elsewhere"), "invalid"),
    "roles a string": (claims(roles="admin"), "invalid"),
    "roles of objects": (claims(roles=[{}]), "invalid"),
    "students a string": (claims(students="bystander"), "invalid"),
    "sid a number": (claims(sid=5), "invalid"),
    "jti a list": (claims(jti=[]), "invalid"),
    "huge": (claims(pad="x" * 4000), "malformed"),
    "huge header": (header(kid="x" * 4000), "malformed"),
}


async def attempt(arena: Arena, token: str, **data: Any) -> tuple[int, list[str], str | None]:
    """Try to join: the close code, the error codes, the reason told."""
    peer = await arena.upgraded()
    await peer.send(text({"event": "user:connect", "id": 1, "data": {"token": token, **data}}))
    end = await peer.end()
    details = end.frames[-1]["data"].get("details") or {}
    assert not token or token not in end.reason
    return end.code, end.errors, details.get("reason")


@pytest.mark.parametrize(("token", "reason"), [pytest.param(*value, id=name) for name, value in BAD.items()])
async def test_a_bad_token_gets_nobody_in(timed: Arena, token: str, reason: str) -> None:
    assert await attempt(timed, token) == (4401, ["unauthenticated"], reason)
    assert token not in timed.log.getvalue()


async def test_the_token_that_the_others_are_made_of_is_good(timed: Arena) -> None:
    peer = await timed.peer()
    assert (await peer.join(GOOD))["userId"] == "mallory"


async def test_no_token_at_all(timed: Arena) -> None:
    assert await attempt(timed, "") == (4401, ["unauthenticated"], None)


@pytest.mark.parametrize(
    ("token", "data"),
    [
        pytest.param(GOOD, {"userId": "bystander"}, id="another user's id"),
        pytest.param(GOOD, {"userId": ""}, id="an empty user id"),
        pytest.param(GOOD, {"userId": "Mallory"}, id="a user id in another case"),
        pytest.param(GOOD, {"sessionId": "b"}, id="another user's session"),
        pytest.param(claims(sid="mine"), {"sessionId": "other"}, id="another session than the token's"),
        pytest.param(claims(roles=["admin"]), {"sessionId": "b"}, id="another user's session as an admin"),
        pytest.param(claims(roles=["tutor"], students=["bystander"]), {"sessionId": "b"}, id="a student's as a tutor"),
    ],
)
async def test_a_good_token_gets_nobody_in_where_they_do_not_belong(
    timed: Arena, token: str, data: dict[str, str]
) -> None:
    assert (await attempt(timed, token, **data))[:2] == (4403, ["forbidden"])


async def test_unknown_roles_are_no_roles(timed: Arena) -> None:
    peer = await timed.peer()
    await peer.join(claims(roles=["root", "ADMIN", "superuser"]))
    (connection,) = [c for c in timed.server.app.connections.all if c.client_id != "b"]
    assert connection.identity is not None
    assert connection.identity.roles == frozenset()


@pytest.mark.parametrize(
    ("make", "code"),
    [
        pytest.param(lambda: claims(sub="bystander"), "forbidden", id="of another user"),
        pytest.param(lambda: claims(sid="elsewhere"), "forbidden", id="of another session"),
        pytest.param(lambda: claims(exp=NOW - 60), "unauthenticated", id="expired"),
        pytest.param(lambda: f"{FIRST}.{SECOND}.", "unauthenticated", id="not signed"),
        pytest.param(lambda: "", "unauthenticated", id="empty"),
        pytest.param(lambda: claims(jti="revoked"), "unauthenticated", id="revoked"),
    ],
)
async def test_a_token_is_not_renewed_with_a_worse_one(timed: Arena, make: Callable[[], str], code: str) -> None:
    await timed.server.app.revoke("jti", "revoked")
    peer = await timed.joined()
    before = [c.identity for c in timed.server.app.connections.all]
    await peer.send(text({"event": "auth:refresh", "id": 1, "data": {"token": make()}}))
    assert (await peer.event("error"))["data"]["code"] == code
    assert [c.identity for c in timed.server.app.connections.all] == before
    await peer.send(text({"event": "echo:say", "id": 2, "data": {"text": "still me"}}))
    await peer.event("ack")


@pytest.mark.parametrize(("kind", "value"), [("jti", "j1"), ("user", "mallory")])
async def test_a_revoked_token_ends_its_connections_and_opens_none(timed: Arena, kind: str, value: str) -> None:
    token = claims(jti="j1")
    peer = await timed.peer()
    await peer.join(token)
    await timed.server.app.revoke(kind, value)
    assert (await peer.end()).code == 4401
    assert await attempt(timed, token) == (4401, ["unauthenticated"], "revoked")


async def test_a_refreshed_token_is_what_counts_when_the_old_one_expires(timed: Arena, fake_clock: FakeClock) -> None:
    peer = await timed.peer()
    await peer.join(claims(exp=NOW + 20))
    await peer.send(text({"event": "auth:refresh", "id": 1, "data": {"token": claims(exp=NOW + 25)}}))
    await peer.event("ack")
    fake_clock.advance(27)  # past the old one's grace, within the new one's
    await peer.send(text({"event": "ping"}))
    await peer.event("pong")
    fake_clock.advance(10)
    assert (await peer.end()).code == 4401


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("Bearer", id="nothing"),
        pytest.param(f"Basic {GOOD}", id="another scheme"),
        pytest.param(f"Bearer {GOOD}x", id="a bad token"),
        pytest.param(f"Bearer {GOOD}, Bearer {GOOD}", id="two"),
    ],
)
async def test_a_bad_authorization_header_gets_nobody_in(timed: Arena, value: str) -> None:
    peer = await timed.peer()
    assert await peer.upgrade(authorization=value) == 101
    await peer.send(text({"event": "user:connect", "data": {}}))
    end = await peer.end()
    assert (end.code, end.errors) == (4401, ["unauthenticated"])


async def test_a_token_in_the_url_is_not_looked_at(timed: Arena) -> None:
    peer = await timed.peer()
    assert await peer.upgrade(path=f"/ws?token={GOOD}&access_token={GOOD}") == 101
    await peer.send(text({"event": "user:connect", "data": {}}))
    assert (await peer.end()).code == 4401
    assert GOOD not in timed.log.getvalue()


async def test_tokens_with_public_keys_need_their_settings(timed: Arena) -> None:
    """The classic confusion: a public key used as an HMAC secret. There is no public key here, so nothing fits."""
    confused = mint_token(hashlib.sha256(b"public key").hexdigest(), user="mallory", now=BEGIN_MS)
    assert (await attempt(timed, confused))[0] == 4401
