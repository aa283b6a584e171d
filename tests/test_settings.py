"""Settings: where values come from, what is refused, what is shown, and the development secret."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonsai_core.settings import (
    MASK,
    Settings,
    SettingsError,
    describe,
    env_name,
    flag_name,
    mask_url,
    normal_origin,
)

SECRET = "0123456789abcdef0123456789abcdef"

# The names that DESIGN.md promises, and their defaults.
PROMISED = {
    "WEBSOCKET_HOST": "127.0.0.1",
    "WEBSOCKET_PORT": 3001,
    "JWT_SECRET": None,
    "JWT_JWKS_URL": None,
    "JWT_AUDIENCE": None,
    "JWT_ISSUER": None,
    "ALLOWED_ORIGINS": [],
    "FRONTEND_URL": "http://localhost:3000",
    "STORE_URL": "sqlite:///.bonsai/bonsai.db",
    "REDIS_URL": None,
    "BONSAI_RATE_MAX_REQUESTS": 60,
    "BONSAI_RATE_WINDOW_MS": 60_000,
    "BONSAI_CONNECTIONS_PER_IP": 50,
    "BONSAI_HANDSHAKES_PER_IP": 60,
    "BONSAI_MAX_MESSAGE_BYTES": 65_536,
    "BONSAI_MAX_ATTACHMENT_BYTES": 8_388_608,
    "BONSAI_HEARTBEAT_INTERVAL_MS": 30_000,
    "BONSAI_HEARTBEAT_TIMEOUT_MS": 5000,
    "BONSAI_LOG_MAX_MESSAGES": 1000,
    "BONSAI_LOG_MAX_AGE_S": 3600,
    "BONSAI_DEV": False,
    "BONSAI_PLUGINS": [],
    "BONSAI_PLUGINS_DISABLED": [],
    "BONSAI_PLUGINS_DIR": None,
}


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the machine and no .env of the checkout takes part."""
    for name in Settings.model_fields:
        monkeypatch.delenv(env_name(name), raising=False)
    monkeypatch.chdir(tmp_path)


def problems(**flags: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        Settings(**flags)
    return str(caught.value)


def start_problems(**flags: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        Settings(**flags).check_startable()
    return str(caught.value)


def test_the_promised_names_and_defaults_hold() -> None:
    shown = {info.env: info.default for info in describe(Settings())}
    assert PROMISED.items() <= shown.items()


def test_every_setting_is_described_with_a_unit_when_it_is_an_amount() -> None:
    for info in describe(Settings()):
        assert info.description.endswith("."), info.name
        assert info.flag == flag_name(info.name) == "--" + info.name.replace("_", "-")
        suffix = info.name.rpartition("_")[2]
        assert info.unit == {"ms": "ms", "s": "s", "bytes": "bytes"}.get(suffix, info.unit), info.name


def test_a_flag_wins_over_the_environment_that_over_env_file_that_over_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path(".env").write_text("WEBSOCKET_PORT=1\nBONSAI_MAX_PENDING=11\nBONSAI_DEDUP_WINDOW=111\nUNRELATED=x\n")
    monkeypatch.setenv("WEBSOCKET_PORT", "2")
    monkeypatch.setenv("BONSAI_MAX_PENDING", "22")
    settings = Settings(websocket_port=3)
    assert (settings.websocket_port, settings.max_pending, settings.dedup_window) == (3, 22, 111)
    sources = {info.name: info.source for info in describe(settings)}
    assert sources["websocket_port"] == "flag"
    assert sources["max_pending"] == "environment"
    assert sources["dedup_window"] == ".env"
    assert sources["strict"] == "default"


def test_no_env_file_is_read_when_none_is_asked_for() -> None:
    Path(".env").write_text("WEBSOCKET_PORT=1\n")
    assert Settings(env_file=None).websocket_port == 3001


def test_an_unreadable_env_file_is_named() -> None:
    Path(".env").write_bytes(b"JWT_SECRET=\xff\xfe\n")
    assert ".env cannot be read" in problems()


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", "")
    monkeypatch.setenv("BONSAI_RATE_WINDOW_MS", " ")
    settings = Settings()
    assert settings.jwt_secret is None
    assert settings.source_of("rate_window_ms") == "default"


def test_only_the_exact_names_count(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("dev", "DEBUG", "debug", "STRICT", "plugins", "BONSAI_WEBSOCKET_PORT"):
        monkeypatch.setenv(name, "1")
    settings = Settings()
    assert (settings.dev, settings.debug, settings.strict, settings.websocket_port) == (False, False, False, 3001)


def test_lists_are_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_ORIGINS", "https://A.example.com/ , http://localhost:80,")
    monkeypatch.setenv("BONSAI_PLUGINS", "coaching, analytics")
    settings = Settings(plugins_disabled="vision")
    assert settings.allowed_origins == ("https://a.example.com", "http://localhost")
    assert settings.plugins == ("coaching", "analytics")
    assert settings.plugins_disabled == ("vision",)
    assert Settings(plugins="all").plugins == ()


def test_every_wrong_value_is_named_where_it_was_set_and_none_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("BONSAI_RATE_WINDOW_MS=soon\n")
    monkeypatch.setenv("BONSAI_MAX_PENDING", "-77")
    text = problems(websocket_port="66666", jwt_algorithms="none,HS256", store_url="mysql://root:hunter2@db")
    lines = dict(line.split(": ", 1) for line in text.splitlines())
    assert set(lines) == {
        "BONSAI_RATE_WINDOW_MS in .env",
        "BONSAI_MAX_PENDING",
        "--websocket-port",
        "--jwt-algorithms",
        "--store-url",
    }
    assert "hunter2" not in text
    assert "-77" not in text


def test_a_misspelt_flag_is_refused() -> None:
    assert "websocket_prot is not a setting" in problems(websocket_prot=1)


@pytest.mark.parametrize("origin", ["*", "https://*.example.com", "example.com", "https://a.example.com/app", "null"])
def test_an_origin_must_be_exact(origin: str) -> None:
    assert "scheme://host" in problems(allowed_origins=origin)


@pytest.mark.parametrize(
    ("given", "sent_by_browsers"),
    [
        ("HTTPS://App.Example.com:443", "https://app.example.com"),
        ("http://h:80/", "http://h"),
        ("http://h:443", "http://h:443"),
        ("chrome-extension://abcdef", "chrome-extension://abcdef"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_an_origin_is_compared_as_browsers_send_it(given: str, sent_by_browsers: str) -> None:
    assert normal_origin(given) == sent_by_browsers


def test_origins_are_those_allowed_else_the_front_ends() -> None:
    assert Settings().origins == {"http://localhost:3000"}
    assert Settings(frontend_url="https://sat.example.com/app?x").origins == {"https://sat.example.com"}
    both = Settings(frontend_url="https://sat.example.com", allowed_origins="https://other.example.com")
    assert both.origins == {"https://other.example.com"}


def test_in_development_the_servers_own_pages_may_connect() -> None:
    assert Settings(dev=True).origins >= {"http://127.0.0.1:3001", "http://localhost:3001", "http://localhost:3000"}
    assert "http://[::1]:3001" in Settings(dev=True, websocket_host="::1").origins


def test_redis_url_counts_unless_store_url_is_set_too() -> None:
    assert Settings().effective_store_url == "sqlite:///.bonsai/bonsai.db"
    assert Settings(redis_url="redis://r").effective_store_url == "redis://r"
    assert Settings(redis_url="redis://r", store_url="sqlite://").effective_store_url == "sqlite://"


def test_algorithms_follow_from_the_keys() -> None:
    assert Settings(jwt_secret=SECRET).algorithms == ("HS256",)
    assert Settings(jwt_jwks_url="https://id/keys").algorithms == ("RS256", "ES256", "EdDSA")
    assert Settings(jwt_secret=SECRET, jwt_jwks_url="https://id/keys").algorithms[0] == "HS256"
    assert Settings(jwt_algorithms="ES384").algorithms == ("ES384",)


def test_settings_can_be_looked_at_without_a_secret_but_not_started() -> None:
    Settings()
    text = start_problems()
    assert "JWT_SECRET" in text
    assert "JWT_JWKS_URL" in text
    assert "--dev" in text


def test_all_start_problems_are_told_at_once() -> None:
    text = start_problems(
        dev=True,
        websocket_host="0.0.0.0",
        jwt_secret="short",
        heartbeat_interval_ms=100,
        heartbeat_timeout_ms=200,
        plugins="a,b",
        plugins_disabled="b",
        plugins_dir="absent",
    )
    assert len(text.splitlines()) == 5
    for name in ("WEBSOCKET_HOST", "JWT_SECRET", "BONSAI_HEARTBEAT_TIMEOUT_MS", "BONSAI_PLUGINS", "BONSAI_PLUGINS_DIR"):
        assert name in text


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"jwt_secret": "é" * 15}, "too short for HS256"),
        ({"jwt_secret": SECRET, "jwt_algorithms": "HS512"}, "too short for HS512"),
        ({"jwt_secret": SECRET, "jwt_algorithms": "HS256,RS256"}, "needs JWT_JWKS_URL"),
        ({"jwt_jwks_url": "https://id/keys", "jwt_algorithms": "HS256,RS256"}, "needs JWT_SECRET"),
        ({"jwt_secret": SECRET, "jwt_jwks_url": "https://id", "jwt_algorithms": "RS256"}, "none of HS256"),
    ],
)
def test_keys_and_algorithms_must_fit(flags: dict[str, str], said: str) -> None:
    assert said in start_problems(**flags)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_development_mode_starts_on_loopback(host: str) -> None:
    Settings(dev=True, websocket_host=host).check_startable()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.com", "localhost.example.com"])
def test_development_mode_never_leaves_loopback(host: str) -> None:
    settings = Settings(dev=True, websocket_host=host)
    assert not settings.generates_secret
    assert settings.secret is None
    assert "BONSAI_DEV" in start_problems(dev=True, websocket_host=host)


def test_production_settings_start() -> None:
    Settings(jwt_secret=SECRET, websocket_host="0.0.0.0").check_startable()
    Settings(jwt_jwks_url="https://id/keys", websocket_host="0.0.0.0").check_startable()


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().websocket_port = 5  # type: ignore[misc]


def test_secrets_are_masked_wherever_settings_are_shown() -> None:
    settings = Settings(
        jwt_secret=SECRET,
        redis_url="redis://user:hunter2@host:6379/0",
        store_url="redis://h/1?password=hunter2",
        jwt_jwks_url="https://hunter2@id/keys",
    )
    everything = repr(settings) + str(settings) + f"{settings}" + json.dumps([str(info) for info in describe(settings)])
    assert SECRET not in everything
    assert "hunter2" not in everything
    assert f"redis://user:{MASK}@host:6379/0" in everything


@given(st.text(min_size=1), st.sampled_from(["redis://u:{}@h:1/0", "redis://:{}@h", "rediss://h/0?password={}"]))
def test_no_password_survives_masking(password: str, template: str) -> None:
    marked = "§" + password.replace("&", "").replace("#", "").replace("\n", "") + "§"
    assert "§" not in mask_url(template.format(marked))


def test_a_url_without_a_password_is_shown_as_it_is() -> None:
    for url in ("sqlite:///.bonsai/bonsai.db", "sqlite://", "redis://h:6379/0?timeout=5", "https://id/keys"):
        assert mask_url(url) == url


def test_the_development_secret_survives_a_restart_and_is_private() -> None:
    first, second = Settings(dev=True), Settings(dev=True)
    assert first.generates_secret
    assert first.secret is not None
    assert second.secret is not None
    assert first.secret.get_secret_value() == second.secret.get_secret_value()
    assert len(first.secret.get_secret_value()) >= 48
    assert stat.S_IMODE(Path(".bonsai/dev-secret").stat().st_mode) == 0o600
    assert [path.name for path in Path(".bonsai").iterdir()] == ["dev-secret"]


def test_looking_at_settings_makes_no_secret() -> None:
    settings = Settings(dev=True)
    settings.check_startable()
    repr(settings)
    assert not Path(".bonsai").exists()


def test_a_given_secret_wins_over_a_generated_one() -> None:
    settings = Settings(dev=True, jwt_secret=SECRET)
    assert not settings.generates_secret
    assert settings.secret is not None
    assert settings.secret.get_secret_value() == SECRET


def test_a_spoilt_secret_file_is_replaced_and_a_readable_one_closed() -> None:
    Path(".bonsai").mkdir()
    path = Path(".bonsai/dev-secret")
    path.write_text("half")
    made = Settings(dev=True).dev_secret.get_secret_value()
    assert path.read_text() == made
    path.chmod(0o644)
    assert Settings(dev=True).dev_secret.get_secret_value() == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_processes_that_start_together_agree_on_the_secret() -> None:
    with ThreadPoolExecutor(16) as pool:
        made = set(pool.map(lambda _: Settings(dev=True).dev_secret.get_secret_value(), range(32)))
    assert len(made) == 1


def test_where_no_file_can_be_made_the_secret_is_kept_in_memory() -> None:
    Path(".bonsai").write_text("a file where the folder should be")
    settings = Settings(dev=True)
    assert settings.dev_secret is settings.dev_secret
    assert len(settings.dev_secret.get_secret_value()) >= 48


def test_nodes_have_names_of_their_own() -> None:
    assert Settings().node_id != Settings().node_id
    assert Settings(node_id="node-1").node_id == "node-1"
    assert "--node-id" in problems(node_id="a b")
