"""Public keys of an identity provider (a JSON Web Key Set, RFC 7517), fetched off the loop and kept.

The fetch runs in a thread of its own, since it may resolve names and block; it is bounded in time and size, follows
no redirect, and there is never more than one. Keys older than `FRESH_MS` are fetched again in the background while
the old ones still serve; older than `STALE_MS` a verification waits for the fetch, and only when that fails do the
last good keys go on serving: an identity provider that is down must not lock every student out. A key that the
provider withdrew is therefore accepted for at most `STALE_MS` longer, unless the provider cannot be reached.
"""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import structlog
from typing_extensions import override

from bonsai_core.settings import mask_url
from bonsai_core.threads import in_thread

if TYPE_CHECKING:
    from jwt import PyJWK

FRESH_MS = 300_000
STALE_MS = 900_000
# An unknown key id asks again at most this often, whatever ids strangers make up.
RETRY_MS = 5_000
FETCH_TIMEOUT_S = 5.0
MAX_BYTES = 256 * 1024

# Only the public members of a key are used (RFC 7518 section 6, RFC 8037); a symmetric key published here is ignored.
_PUBLIC_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
_KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}

_log = structlog.get_logger(__name__)


class KeysUnavailable(Exception):
    """The key may exist, but the identity provider could not be asked."""


class UnknownKey(Exception):
    """The identity provider publishes no key that fits."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    @override
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class KeySet:
    """The keys behind one URL.

    Args:
        url: where the key set is, http or https.
        clock: gives now, in milliseconds since the epoch.
        timeout_s: limit of one fetch.
    """

    def __init__(self, url: str, clock: Callable[[], int], *, timeout_s: float = FETCH_TIMEOUT_S) -> None:
        if not url.lower().startswith(("http://", "https://")):
            raise ValueError("a key set's URL starts with http:// or https://")
        self._url = url
        self._clock = clock
        self._timeout = timeout_s
        # Of each key: its published id, type, algorithm (or None), and public members. None: never fetched.
        self._keys: list[dict[str, Any]] | None = None
        # Keys built for use, by id and algorithm; emptied when the set changes.
        self._built: dict[tuple[str | None, str], PyJWK] = {}
        self._fetched_at = 0
        self._tried_at: int | None = None
        self._failed = False
        self._fetching: asyncio.Task[None] | None = None

    def refresh(self) -> None:
        """Have the keys fetched in the background. A failure is logged, and the old keys stay."""
        if self._fetching is None or self._fetching.done():
            self._tried_at = self._clock()
            self._fetching = asyncio.create_task(self._fetch(), name="jwks")

    async def key(self, kid: str | None, algorithm: str) -> PyJWK:
        """The key with this id for this algorithm; without an id the only one that fits.

        Raises:
            UnknownKey: no such key is published.
            KeysUnavailable: not among the keys at hand, and the provider could not be asked.
        """
        now = self._clock()
        age = None if self._keys is None else now - self._fetched_at
        if age is None or not 0 <= age < STALE_MS:
            await self._refresh_if_due(now)
        elif age >= FRESH_MS and self._is_due(now):
            self.refresh()
        found = self._find(kid, algorithm)
        if found is None:
            await self._refresh_if_due(now)
            found = self._find(kid, algorithm)
        if found is None:
            raise KeysUnavailable if self._failed else UnknownKey
        return found

    async def close(self) -> None:
        """Give up a fetch under way."""
        if self._fetching is not None:
            self._failed = self._failed or self._fetching.cancel()
            await asyncio.wait([self._fetching])

    def _is_due(self, now: int) -> bool:
        # The wall clock may have been set back, so a last try in the future is no reason to wait.
        return self._tried_at is None or not 0 <= now - self._tried_at < RETRY_MS

    async def _refresh_if_due(self, now: int) -> None:
        if self._is_due(now):
            self.refresh()
        if self._fetching is not None:
            # Waiting like this, a client that goes away does not end the fetch that others wait for.
            await asyncio.wait([self._fetching])

    def _find(self, kid: str | None, algorithm: str) -> PyJWK | None:
        if (built := self._built.get((kid, algorithm))) is not None:
            return built
        fitting = [
            key
            for key in self._keys or ()
            if key["kty"] == _KEY_TYPES[algorithm[:2]]
            and key["alg"] in (None, algorithm)
            and (kid is None or key["kid"] == kid)
        ]
        # A token that does not say which of several keys signed it is not tried against each.
        if not fitting or (kid is None and len(fitting) > 1):
            return None
        from jwt import PyJWK, PyJWTError

        for key in fitting:
            try:
                built = PyJWK({"kty": key["kty"], **key["public"]}, algorithm=algorithm)
            except PyJWTError:
                continue
            self._built[kid, algorithm] = built
            return built
        return None

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                keys = usable(await in_thread(lambda: download(self._url, self._timeout)))
        except Exception as error:  # whatever an unreachable or broken provider makes of it
            self._failed = True
            _log.warning("jwks_fetch_failed", url=mask_url(self._url), error=f"{type(error).__name__}: {error}")
            return
        if keys != self._keys:
            self._built.clear()
            _log.info("jwks_fetched", url=mask_url(self._url), keys=len(keys))
        self._keys = keys
        self._fetched_at = self._clock()
        self._failed = False


def download(url: str, timeout_s: float) -> bytes:
    deadline = time.monotonic() + timeout_s
    opener = urllib.request.build_opener(_NoRedirect())
    request = urllib.request.Request(url, headers={"Accept": "application/jwk-set+json, application/json"})
    parts: list[bytes] = []
    size = 0
    try:
        response = opener.open(request, timeout=timeout_s)
    except urllib.error.HTTPError as error:
        error.close()
        raise ValueError(f"status {error.code}") from None
    with response:
        while part := response.read1(65_536):
            parts.append(part)
            size += len(part)
            if size > MAX_BYTES:
                raise ValueError("key set too large")
            if time.monotonic() > deadline:
                raise TimeoutError
    return b"".join(parts)


def usable(body: bytes) -> list[dict[str, Any]]:
    document = json.loads(body)
    published = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(published, list):
        raise TypeError("not a key set")
    keys = [key for item in published if (key := _public(item)) is not None]
    if not keys:
        raise ValueError("no usable key")
    return keys


def _public(item: object) -> dict[str, Any] | None:
    """What of a published key is used, or None when it is not for verifying signatures."""
    if not isinstance(item, Mapping) or item.get("kty") not in _PUBLIC_MEMBERS:
        return None
    operations = item.get("key_ops")
    if item.get("use", "sig") != "sig" or (isinstance(operations, list) and "verify" not in operations):
        return None
    public = {name: item.get(name) for name in _PUBLIC_MEMBERS[item["kty"]]}
    if not all(isinstance(value, str) for value in public.values()):
        return None
    return {"kty": item["kty"], "kid": item.get("kid"), "alg": item.get("alg"), "public": public}
