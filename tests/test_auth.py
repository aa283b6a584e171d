"""Authentication with a shared secret: who gets in, who does not, and what is never told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonsai_core.auth import MAX_TOKEN_BYTES, Authenticator, Identity, TokenError, mint_token
from bonsai_core.settings import Settings, SettingsError

SECRET = "correct horse battery staple, twice over"
NOW = 1_800_000_000_000


def authenticator(**flags: Any) -> Authenticator:
    return Authenticator(Settings(env_file=None, jwt_secret=SECRET, **flags), clock=lambda: NOW)


def mint(**kwargs: Any) -> str:
    return mint_token(SECRET, **dict[str, Any](user="ada", now=NOW) | kwargs)


def raw_token(header: object, claims: object, secret: str = SECRET) -> str:
    """A signed token of anything at all, as no library would make it; text is taken as it is."""
    parts = [
        base64.urlsafe_b64encode(p.encode() if isinstance(p, str) else json.dumps(p).encode()).rstrip(b"=")
        for p in (header, claims)
    ]
    signature = hmac.new(secret.encode(), b".".join(parts), hashlib.sha256).digest()
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def claims(**changes: Any) -> dict[str, Any]:
    made = {"sub": "ada", "iat": NOW // 1000, "exp": NOW // 1000 + 60} | changes
    return {name: value for name, value in made.items() if value is not ...}


def token_of(**changes: Any) -> str:
    return raw_token({"alg": "HS256"}, claims(**changes))


async def refusal(token: Any, **flags: Any) -> TokenError:
    with pytest.raises(TokenError) as caught:
        await authenticator(**flags).verify(token)
    return caught.value


async def test_a_minted_token_names_its_user_and_all_it_carries() -> None:
    token = mint(session="s1", roles=["tutor"], students=["bob", "eve"], ttl_s=60, jti="t1")
    identity = await authenticator().verify(token)
    assert identity == Identity(
        user="ada",
        roles=frozenset({"tutor"}),
        students=frozenset({"bob", "eve"}),
        session_id="s1",
        jti="t1",
        issued_at=NOW,
        expires_at=NOW + 60_000,
    )
    assert identity.claims["sub"] == "ada"
    assert "claims" not in repr(identity)
    assert hash(identity)


async def test_every_minted_token_can_be_revoked_on_its_own() -> None:
    first, second = [await authenticator().verify(mint()) for _ in range(2)]
    assert first.jti
    assert first.jti != second.jti
    assert (await authenticator().verify(mint(jti=None))).jti is None


async def test_a_token_works_before_and_after_open() -> None:
    one = authenticator()
    await one.verify(mint())
    await one.open()
    await one.verify(mint())
    await one.close()
    opened = authenticator()
    await opened.open()
    await opened.verify(mint())
    await opened.close()


async def test_a_user_without_roles_is_a_student_and_unknown_roles_give_nothing() -> None:
    assert (await authenticator().verify(token_of())).roles == {"student"}
    assert (await authenticator().verify(token_of(roles=["admin", "root"]))).roles == {"admin"}
    assert (await authenticator().verify(token_of(roles=["root"]))).roles == frozenset()
    assert (await authenticator().verify(token_of(roles=[]))).roles == frozenset()


@pytest.mark.parametrize("nothing", ["", None])
async def test_no_token_is_missing(nothing: str | None) -> None:
    assert (await refusal(nothing)).reason == "missing"


@pytest.mark.parametrize(
    "junk",
    [
        "x",
        "a.b",
        "a.b.c.d",
        "...",
        "é.é.é",
        7,
        b"a.b.c",
        "\ud800",
        raw_token("[]", "{}"),
        raw_token('{"alg":"HS256","alg":"HS256"}', claims()),
        raw_token("[" * 2000, "{}"),
        raw_token({"alg": "HS256"}, '{"sub":"ada","sub":"eve","iat":1,"exp":2}'),
        raw_token({"alg": "HS256"}, '{"sub":"ada","iat":1,"exp":NaN}'),
        raw_token({"alg": "HS256"}, "[1]"),
        raw_token({"alg": "HS256"}, "not json"),
    ],
)
async def test_what_is_no_token_is_malformed(junk: Any) -> None:
    assert (await refusal(junk)).reason == "malformed"


async def test_a_token_too_long_is_refused_before_it_is_decoded() -> None:
    token = mint(students=["x" * 100] * 40)
    assert len(token) > MAX_TOKEN_BYTES
    assert "longer than" in str(await refusal(token))


async def test_the_expiry_counts_with_leeway_to_the_millisecond() -> None:
    one = authenticator(jwt_leeway_s=10)
    assert (await one.verify(token_of(exp=NOW / 1000 - 9.999))).expires_at == NOW - 9_999
    assert (await refusal(token_of(exp=NOW / 1000 - 10), jwt_leeway_s=10)).reason == "expired"
    assert (await refusal(mint(ttl_s=-1), jwt_leeway_s=0)).reason == "expired"


async def test_a_token_from_the_future_is_invalid_beyond_the_leeway() -> None:
    later = NOW // 1000 + 10
    await authenticator().verify(token_of(iat=later, nbf=later))
    assert (await refusal(token_of(iat=later + 1))).reason == "invalid"
    assert (await refusal(token_of(nbf=later + 1))).reason == "invalid"


@pytest.mark.parametrize("name", ["sub", "exp", "iat"])
@pytest.mark.parametrize("value", [..., None, True, [], {}, ["ada"]])
async def test_required_claims_must_be_there_and_of_their_type(name: str, value: Any) -> None:
    assert (await refusal(token_of(**{name: value}))).reason == "invalid"


@pytest.mark.parametrize("value", ["1", -1, 1e300, 10**400, NOW])
async def test_times_are_seconds(value: Any) -> None:
    assert (await refusal(token_of(exp=value))).reason == "invalid"


async def test_an_infinite_expiry_is_invalid() -> None:
    token = raw_token({"alg": "HS256"}, json.dumps(claims(exp="∞")).replace('"\\u221e"', "1e999"))
    assert (await refusal(token)).reason == "invalid"


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": ""},
        {"sub": "x" * 129},
        {"sub": 7},
        {"sub": "a\nb"},
        {"sub": "\ud800"},
        {"sid": 7},
        {"sid": ""},
        {"jti": ["x"]},
        {"roles": "admin"},
        {"roles": [1]},
        {"roles": {"admin": True}},
        {"students": "bob"},
        {"students": [None]},
        {"nbf": "now"},
    ],
)
async def test_claims_of_the_wrong_form_are_invalid(changes: dict[str, Any]) -> None:
    assert (await refusal(token_of(**changes))).reason == "invalid"


async def test_a_user_id_may_be_128_characters_of_any_script() -> None:
    assert (await authenticator().verify(token_of(sub="é" * 128))).user == "é" * 128


@pytest.mark.parametrize("audience", ["bonsai", ["other", "bonsai"]])
async def test_the_audience_must_include_ours(audience: Any) -> None:
    await authenticator(jwt_audience="bonsai").verify(token_of(aud=audience))


@pytest.mark.parametrize("audience", [..., "other", [], ["other"], 7, {"bonsai": 1}, "bonsai2"])
async def test_another_audience_is_refused(audience: Any) -> None:
    assert (await refusal(token_of(aud=audience), jwt_audience="bonsai")).reason == "invalid"


async def test_a_token_made_out_to_somebody_is_refused_where_no_audience_is_set() -> None:
    assert "JWT_AUDIENCE is not set" in str(await refusal(token_of(aud="other")))


@pytest.mark.parametrize("issuer", [..., "https://evil", ["https://id"], 7])
async def test_the_issuer_must_be_ours(issuer: Any) -> None:
    await authenticator(jwt_issuer="https://id").verify(token_of(iss="https://id"))
    assert (await refusal(token_of(iss=issuer), jwt_issuer="https://id")).reason == "invalid"


async def test_another_secret_signs_for_nobody() -> None:
    assert (await refusal(mint_token("another secret of at least 32 bytes", user="ada", now=NOW))).reason == "invalid"


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", None, 7, ["HS256"], "HS512", "RS256", "hs256"])
async def test_only_listed_algorithms_count(alg: Any) -> None:
    assert (await refusal(raw_token({"alg": alg}, claims()))).reason == "invalid"
    unsigned = raw_token({"alg": alg}, claims()).rpartition(".")[0] + "."
    assert (await refusal(unsigned)).reason == "invalid"


@pytest.mark.parametrize(
    "extension", [{"crit": ["exp"]}, {"crit": []}, {"b64": False}, {"crit": ["b64"], "b64": False}]
)
async def test_critical_header_extensions_are_refused(extension: dict[str, Any]) -> None:
    assert (await refusal(raw_token({"alg": "HS256"} | extension, claims()))).reason == "invalid"


async def test_a_changed_or_cut_signature_is_invalid() -> None:
    token = mint()
    flipped = token[:-5] + ("A" if token[-5] != "A" else "B") + token[-4:]
    for spoilt in (flipped, token[:-1], token.rpartition(".")[0] + "."):
        assert (await refusal(spoilt)).reason == "invalid"
    assert (await refusal(token + "=")).reason == "malformed"


async def test_claims_cannot_be_swapped_under_a_signature() -> None:
    header, _, signature = mint().split(".")
    _, others, _ = mint(user="eve", roles=["admin"]).split(".")
    assert (await refusal(f"{header}.{others}.{signature}")).reason == "invalid"


async def test_a_keyless_authenticator_cannot_be_made() -> None:
    with pytest.raises(SettingsError, match="JWT_SECRET"):
        Authenticator(Settings(env_file=None))


async def test_other_hmac_sizes_work_when_listed() -> None:
    secret = "x" * 64
    one = Authenticator(Settings(env_file=None, jwt_secret=secret, jwt_algorithms="HS512"), clock=lambda: NOW)
    assert (await one.verify(jwt.encode(claims(), secret, algorithm="HS512"))).user == "ada"


@pytest.mark.parametrize(
    "wrong", [{"user": ""}, {"user": "x" * 129}, {"user": "a\nb"}, {"roles": ["root"]}, {"roles": "admin"}]
)
def test_no_token_is_minted_that_would_be_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"user must be|no such role"):
        mint(**wrong)


def test_a_short_secret_mints_nothing() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        mint_token("short", user="ada")


async def test_no_refusal_repeats_the_token_or_its_claims() -> None:
    marked = "marked-value"
    for token in (
        marked,
        f"{marked}.{marked}.{marked}",
        token_of(sub=[marked]),
        token_of(roles=marked),
        mint(ttl_s=-60),
    ):
        error = await refusal(token, jwt_audience="a" if token.count(".") else None)
        assert marked not in f"{error!r} {error} {error.__cause__}"
        assert error.__suppress_context__ or error.__context__ is None


_SEGMENT = st.one_of(
    st.text(max_size=30),
    st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).rstrip(b"=").decode()),
)
_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_NAMES = st.sampled_from(["sub", "exp", "iat", "nbf", "roles", "students", "sid", "jti", "aud", "iss"])


@settings(deadline=None)
@given(
    st.one_of(
        st.text(), st.binary(max_size=300).map(lambda raw: raw.decode("latin-1")), st.lists(_SEGMENT).map(".".join)
    )
)
async def test_random_text_never_raises_anything_but_a_token_error(text: str) -> None:
    await refusal(text)


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(["alg", "kid", "crit", "b64", "typ", "jwk", "jku", "x5c"]), _ANYTHING),
    st.booleans(),
)
async def test_random_headers_never_get_in_unsigned(header: dict[str, Any], hs256: bool) -> None:
    if hs256:
        header["alg"] = "HS256"
    await refusal(raw_token(header, claims(), secret="some other secret than the server's"))


@settings(deadline=None)
@given(st.dictionaries(_NAMES, _ANYTHING))
async def test_random_claims_are_taken_or_refused_but_break_nothing(changes: dict[str, Any]) -> None:
    try:
        identity = await authenticator().verify(token_of(**changes))
    except TokenError:
        return
    identity.user.encode()
    assert all(isinstance(student, str) for student in identity.students)


@settings(deadline=None)
@given(st.integers(min_value=0), st.integers(min_value=0, max_value=127))
async def test_any_one_changed_character_spoils_a_token(position: int, code: int) -> None:
    token = mint(jti="fixed")
    position %= len(token)
    changed = token[:position] + chr(code) + token[position + 1 :]
    if changed != token:
        await refusal(changed)
