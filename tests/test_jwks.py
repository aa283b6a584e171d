"""Authentication with an identity provider's public keys: a real HTTP endpoint that rotates, fails, hangs and lies."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from bonsai_core import jwks
from bonsai_core.auth import Authenticator, TokenError
from bonsai_core.jwks import FRESH_MS, RETRY_MS, STALE_MS, KeySet, KeysUnavailable
from bonsai_core.settings import Settings

NOW = 1_800_000_000_000
SECRET = "correct horse battery staple, twice over"

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SMALL_RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=1024)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
EC_384_KEY = ec.generate_private_key(ec.SECP384R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()


def public(key: Any, kid: str | None, **members: Any) -> dict[str, Any]:
    kinds: list[tuple[type, Any]] = [(rsa.RSAPrivateKey, RSAAlgorithm), (ec.EllipticCurvePrivateKey, ECAlgorithm)]
    algorithm = next((one for kind, one in kinds if isinstance(key, kind)), OKPAlgorithm)
    found: dict[str, Any] = {**algorithm.to_jwk(key.public_key(), as_dict=True), **members}
    return found | ({} if kid is None else {"kid": kid})


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


class Provider:
    """An identity provider whose endpoint does as the test says."""

    def __init__(self) -> None:
        self.keys: list[Any] = [public(RSA_KEY, "r1")]
        self.requests = 0
        self.status = 200
        self.body: bytes | None = None
        self.gate: asyncio.Event | None = None
        self.asked = asyncio.Event()
        self.location: str | None = None
        self.url = ""

    async def answer(self, _: web.Request) -> web.Response:
        self.requests += 1
        self.asked.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.location is not None:
            raise web.HTTPFound(self.location)
        body = self.body if self.body is not None else json.dumps({"keys": self.keys}).encode()
        return web.Response(body=body, status=self.status)


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    one = Provider()
    app = web.Application()
    app.router.add_get("/keys", one.answer)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    one.url = f"http://127.0.0.1:{runner.addresses[0][1]}/keys"
    yield one
    if one.gate is not None:
        one.gate.set()
    await runner.cleanup()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def auth(provider: Provider, clock: Clock) -> AsyncIterator[Authenticator]:
    one = Authenticator(Settings(env_file=None, jwt_jwks_url=provider.url), clock)
    yield one
    await one.close()


def sign(key: Any, kid: str | None = "r1", algorithm: str = "RS256", **changes: Any) -> str:
    claims = {"sub": "ada", "iat": NOW // 1000, "exp": NOW // 1000 + 86_400} | changes
    return jwt.encode(claims, key, algorithm=algorithm, headers={} if kid is None else {"kid": kid})


async def refusal(auth: Authenticator, token: str) -> str:
    with pytest.raises(TokenError) as caught:
        await auth.verify(token)
    return caught.value.reason


async def background_fetch(auth: Authenticator) -> None:
    keys = auth._keys
    assert keys is not None
    assert keys._fetching is not None
    await asyncio.wait([keys._fetching])


@pytest.mark.parametrize(("key", "algorithm"), [(RSA_KEY, "RS256"), (EC_KEY, "ES256"), (ED_KEY, "EdDSA")])
async def test_a_published_key_lets_in(auth: Authenticator, provider: Provider, key: Any, algorithm: str) -> None:
    provider.keys = [public(RSA_KEY, "r0"), public(key, "k"), {"kty": "new-kind", "kid": "k"}, 7]
    identity = await auth.verify(sign(key, "k", algorithm))
    assert identity.user == "ada"


async def test_keys_are_fetched_once_and_kept(auth: Authenticator, provider: Provider) -> None:
    for _ in range(5):
        await auth.verify(sign(RSA_KEY))
    assert provider.requests == 1


async def test_many_at_once_share_one_fetch(auth: Authenticator, provider: Provider) -> None:
    provider.gate = asyncio.Event()
    waiting = [asyncio.create_task(auth.verify(sign(RSA_KEY))) for _ in range(20)]
    await provider.asked.wait()
    waiting[0].cancel()
    provider.gate.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert [one.user for one in results[1:] if not isinstance(one, BaseException)] == ["ada"] * 19
    assert provider.requests == 1


async def test_open_fetches_ahead_without_waiting(auth: Authenticator, provider: Provider) -> None:
    provider.gate = asyncio.Event()
    await auth.open()
    provider.gate.set()
    await background_fetch(auth)
    await auth.verify(sign(RSA_KEY))
    assert provider.requests == 1


async def test_a_rotated_key_is_found_without_a_restart(auth: Authenticator, provider: Provider, clock: Clock) -> None:
    await auth.verify(sign(RSA_KEY))
    provider.keys.append(public(EC_KEY, "e2"))
    clock.now += RETRY_MS
    await auth.verify(sign(EC_KEY, "e2", "ES256"))
    await auth.verify(sign(RSA_KEY))
    assert provider.requests == 2


async def test_made_up_key_ids_fetch_at_most_once_a_while(
    auth: Authenticator, provider: Provider, clock: Clock
) -> None:
    for number in range(50):
        assert await refusal(auth, sign(RSA_KEY, f"made-up-{number}")) == "invalid"
    assert provider.requests == 1
    clock.now += RETRY_MS
    for number in range(50):
        assert await refusal(auth, sign(RSA_KEY, f"made-up-{number}")) == "invalid"
    assert provider.requests == 2


async def test_keys_are_renewed_in_the_background(auth: Authenticator, provider: Provider, clock: Clock) -> None:
    await auth.verify(sign(RSA_KEY))
    provider.keys = [public(EC_KEY, "e2")]
    clock.now += FRESH_MS
    provider.gate = asyncio.Event()
    await auth.verify(sign(RSA_KEY))
    provider.gate.set()
    await background_fetch(auth)
    assert await refusal(auth, sign(RSA_KEY)) == "invalid"


async def test_a_withdrawn_key_ends_when_the_set_is_stale(
    auth: Authenticator, provider: Provider, clock: Clock
) -> None:
    await auth.verify(sign(RSA_KEY))
    provider.keys = [public(EC_KEY, "e2")]
    clock.now += STALE_MS
    assert await refusal(auth, sign(RSA_KEY)) == "invalid"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"keys":[]}', b'{"keys":[{"kty":"oct","k":"AAAA"}]}'])
async def test_a_failing_provider_locks_nobody_out_who_was_known(
    auth: Authenticator, provider: Provider, clock: Clock, body: bytes
) -> None:
    await auth.verify(sign(RSA_KEY))
    provider.body, provider.status = body, 500 if not body else 200
    for _ in range(3):
        clock.now += STALE_MS
        await auth.verify(sign(RSA_KEY))
    assert await refusal(auth, sign(EC_KEY, "e2", "ES256")) == "unavailable"
    provider.body, provider.status, provider.keys = None, 200, [public(EC_KEY, "e2")]
    clock.now += RETRY_MS
    await auth.verify(sign(EC_KEY, "e2", "ES256"))


async def test_a_provider_down_from_the_start_is_unavailable_until_it_is_back(
    auth: Authenticator, provider: Provider, clock: Clock
) -> None:
    provider.status = 503
    assert await refusal(auth, sign(RSA_KEY)) == "unavailable"
    provider.status = 200
    assert await refusal(auth, sign(RSA_KEY)) == "unavailable"
    assert provider.requests == 1
    clock.now += RETRY_MS
    await auth.verify(sign(RSA_KEY))


async def test_a_clock_set_back_does_not_stop_fetching(auth: Authenticator, provider: Provider, clock: Clock) -> None:
    provider.status = 503
    assert await refusal(auth, sign(RSA_KEY)) == "unavailable"
    provider.status = 200
    clock.now -= 5_000
    await auth.verify(sign(RSA_KEY))


async def test_a_hanging_provider_is_given_up(provider: Provider, clock: Clock) -> None:
    provider.gate = asyncio.Event()
    keys = KeySet(provider.url, clock, timeout_s=0.2)
    with pytest.raises(KeysUnavailable):
        await keys.key("r1", "RS256")
    provider.gate.set()
    clock.now += RETRY_MS
    assert (await keys.key("r1", "RS256")).key_type == "RSA"
    await keys.close()


async def test_closing_ends_the_wait_for_a_hanging_provider(auth: Authenticator, provider: Provider) -> None:
    provider.gate = asyncio.Event()
    waiting = asyncio.create_task(refusal(auth, sign(RSA_KEY)))
    await provider.asked.wait()
    await auth.close()
    assert await waiting == "unavailable"


async def test_an_endless_answer_is_cut_off(auth: Authenticator, provider: Provider) -> None:
    provider.body = b'{"keys":[],"x":"' + b"x" * (jwks.MAX_BYTES + 1) + b'"}'
    assert await refusal(auth, sign(RSA_KEY)) == "unavailable"


async def test_a_redirect_is_not_followed(auth: Authenticator, provider: Provider) -> None:
    provider.location = provider.url + "?elsewhere"
    assert await refusal(auth, sign(RSA_KEY)) == "unavailable"
    assert provider.requests == 1


async def test_a_token_without_a_key_id_works_only_when_one_key_fits(
    auth: Authenticator, provider: Provider, clock: Clock
) -> None:
    provider.keys = [public(RSA_KEY, None), public(EC_KEY, "e1")]
    await auth.verify(sign(RSA_KEY, None))
    provider.keys.append(public(rsa.generate_private_key(public_exponent=65537, key_size=2048), "r2"))
    clock.now += STALE_MS
    assert await refusal(auth, sign(RSA_KEY, None)) == "invalid"


@pytest.mark.parametrize(
    "members", [{"use": "enc"}, {"key_ops": ["encrypt"]}, {"alg": "PS256"}, {"n": 7}, {"n": "AQAB"}, {"kid": 7}]
)
async def test_a_key_not_meant_for_this_verifies_nothing(
    auth: Authenticator, provider: Provider, members: dict[str, Any]
) -> None:
    provider.keys = [public(EC_KEY, "e1"), public(RSA_KEY, "r1") | members]
    assert await refusal(auth, sign(RSA_KEY)) == "invalid"


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
async def test_a_weak_key_verifies_nothing(auth: Authenticator, provider: Provider) -> None:
    provider.keys = [public(SMALL_RSA_KEY, "r1")]
    assert await refusal(auth, sign(SMALL_RSA_KEY)) == "invalid"


async def test_a_key_of_another_curve_verifies_nothing(auth: Authenticator, provider: Provider) -> None:
    provider.keys = [public(EC_384_KEY, "e1")]
    header = {"alg": "ES256", "kid": "e1"}
    assert await refusal(auth, sign(EC_384_KEY, "e1", "ES384")) == "invalid"
    good = sign(EC_KEY, "e1", "ES256")
    assert jwt.get_unverified_header(good).items() >= header.items()
    assert await refusal(auth, good) == "invalid"


async def test_another_key_under_a_published_id_is_refused(auth: Authenticator) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert await refusal(auth, sign(other, "r1")) == "invalid"


@pytest.mark.parametrize("secret", [None, SECRET])
async def test_a_public_key_is_no_hmac_secret(provider: Provider, secret: str | None) -> None:
    """The classic confusion (RFC 8725 section 2.1): sign with HS256, the published key as the secret."""
    auth = Authenticator(Settings(env_file=None, jwt_jwks_url=provider.url, jwt_secret=secret), lambda: NOW)
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    claims = {"sub": "ada", "iat": NOW // 1000, "exp": NOW // 1000 + 60}
    parts = [urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in ({"alg": "HS256", "kid": "r1"}, claims)]
    for encoding in (serialization.Encoding.PEM, serialization.Encoding.DER):
        key = RSA_KEY.public_key().public_bytes(encoding, spki)
        signature = hmac.new(key, b".".join(parts), hashlib.sha256).digest()
        token = b".".join([*parts, urlsafe_b64encode(signature).rstrip(b"=")]).decode()
        assert await refusal(auth, token) == "invalid"
    assert provider.requests == 0
    await auth.close()


async def test_a_secret_and_public_keys_work_side_by_side(provider: Provider) -> None:
    auth = Authenticator(Settings(env_file=None, jwt_jwks_url=provider.url, jwt_secret=SECRET), lambda: NOW)
    await auth.verify(sign(SECRET, None, "HS256"))
    assert provider.requests == 0
    await auth.verify(sign(RSA_KEY))
    await auth.close()


def test_only_http_urls_are_fetched() -> None:
    for url in ("file:///etc/passwd", "ftp://h/keys", "data:,x"):
        with pytest.raises(ValueError, match="http"):
            KeySet(url, lambda: NOW)
