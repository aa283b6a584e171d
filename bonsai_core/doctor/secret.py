"""Checks of what tokens are verified with: the shared secret, the identity provider's keys."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from bonsai_core.doctor import Finding, ok, problem, warning
from bonsai_core.settings import HMAC_KEY_BYTES, Settings, mask_url

#: Fewer bits than this can be guessed by somebody who has one token: RFC 2104 and NIST SP 800-107 ask for 112 and more.
MIN_BITS = 112
#: Whoever has these has read a tutorial. Compared in lower case, without what is not a letter or a digit.
_KNOWN = (
    "changeme",
    "changethis",
    "examplesecret",
    "insecure",
    "jwtsecret",
    "mysecret",
    "password",
    "replaceme",
    "secretfortests",
    "secretkey",
    "supersecret",
    "testsecret",
    "topsecret",
    "your256bitsecret",
    "yoursecret",
)
_MAKE_ONE = "Set JWT_SECRET to the output of: openssl rand -base64 48 (in every server and token issuer at once)."


def strength(settings: Settings) -> Iterator[Finding]:
    """Is the shared secret one that nobody can guess?"""
    if settings.generates_secret:
        yield ok("Development mode signs tokens with a generated secret.")
        return
    if settings.jwt_secret is None:
        return
    secret = settings.jwt_secret.get_secret_value()
    needed = max((HMAC_KEY_BYTES[name] for name in settings.algorithms if name in HMAC_KEY_BYTES), default=32)
    plain = re.sub(r"[^a-z0-9]", "", secret.lower())
    if any(known in plain for known in _KNOWN) or "0123456789abcdef" in plain:
        yield problem(
            "JWT_SECRET is, or contains, one from documentation.",
            "Whoever knows it makes tokens for every user, admins too; such secrets are the first to be tried.",
            _MAKE_ONE,
        )
    elif (bits := entropy(secret)) < MIN_BITS:
        yield problem(
            f"JWT_SECRET is easy to guess: about {bits:.0f} bits, {MIN_BITS} are the least.",
            "Anybody with one token can try secrets on it at home, billions a second.",
            _MAKE_ONE,
        )
    elif len(secret.encode()) >= needed:
        yield ok(f"JWT_SECRET is {len(secret.encode())} bytes and looks random.")


def entropy(secret: str) -> float:
    """A generous estimate of a secret's bits: what its characters could say, without repetitions and sequences."""
    for length in range(1, len(secret) // 2 + 1):
        if secret == (secret[:length] * (len(secret) // length + 1))[: len(secret)]:
            secret = secret[:length]
            break
    kept = [
        character
        for before, character in zip([None, *secret], secret, strict=False)
        if before is None or ord(character) - ord(before) not in (-1, 0, 1)
    ]
    counts = Counter(kept)
    return -sum(count * math.log2(count / len(kept)) for count in counts.values()) if kept else 0.0


def audience(settings: Settings) -> Iterator[Finding]:
    """Would a token for another application of the same provider do?"""
    if settings.jwt_jwks_url and not (settings.jwt_audience and settings.jwt_issuer):
        missing = " and ".join(
            name for name in ("JWT_AUDIENCE", "JWT_ISSUER") if getattr(settings, name.lower()) is None
        )
        yield warning(
            f"JWT_JWKS_URL is set, but not {missing}.",
            "An identity provider signs tokens for all of its applications with the same keys.",
            f"Set {missing} to what the provider puts into the tokens meant for this server (aud, iss).",
        )


def env_file(settings: Settings) -> Iterator[Finding]:
    """May others on this machine read the secrets in .env?"""
    path = Path(".env")
    if not path.is_file() or not any(settings.source_of(name) == ".env" for name in ("jwt_secret", "redis_url")):
        return
    if path.stat().st_mode & 0o077:
        yield warning(
            f"{path.absolute()} holds secrets, and other users of this machine may read it.",
            "Whoever reads JWT_SECRET makes tokens for every user.",
            f"chmod 600 {path.absolute()}",
        )


def key_set(settings: Settings) -> Iterator[Finding]:
    """Does the identity provider answer, with keys that can be used, over a way that nobody can alter?"""
    if settings.jwt_jwks_url is None:
        return
    from bonsai_core.jwks import FETCH_TIMEOUT_S, download, usable

    url = mask_url(settings.jwt_jwks_url)
    host = urlsplit(settings.jwt_jwks_url).hostname or ""
    if settings.jwt_jwks_url.startswith("http://") and host not in ("localhost", "127.0.0.1", "::1"):
        yield problem(
            "JWT_JWKS_URL is http://, not https://.",
            "Whoever sits on the way can answer with keys of their own, and make tokens for every user.",
            "Use the provider's https:// address.",
        )
    try:
        keys = usable(download(settings.jwt_jwks_url, FETCH_TIMEOUT_S))
    except Exception as error:
        yield problem(
            f"No usable keys at {url}: {type(error).__name__}: {error}",
            "Without the provider's keys no student can join after a restart.",
            f"Try it from here: curl -v {url} (name, proxy, firewall, certificate, path).",
        )
    else:
        yield ok(f"{len(keys)} usable {'key' if len(keys) == 1 else 'keys'} at {url}.")
