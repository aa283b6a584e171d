"""Every limit: by address, connection, user and event; how it is told; and that buckets are forgotten again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_asyncio import fixture as async_fixture

from bonsai_core import Payload, Plugin, Refused, Session, hookimpl, on
from bonsai_core.admission import Admission, client_address
from bonsai_core.ratelimit import Bucket, Buckets
from bonsai_core.settings import SettingsError
from bonsai_core.testing import FakeClock, StartServer, TestServer, WireClient, WireError
from tests.hostile.raw import RawPeer, handshake


class Say(Payload):
    text: str = ""


class Chat(Plugin):
    name = "chat"

    @on("chat:say")
    async def say(self, session: Session, say: Say) -> str:
        return say.text

    @on("chat:shout", rate=(2, 60.0))
    async def shout(self, session: Session, say: Say) -> str:
        return say.text.upper()


class Doorman(Plugin):
    """Lets clients in by their user agent."""

    name = "doorman"

    @hookimpl
    async def allow_handshake(self, address: str, headers: Mapping[str, str]) -> bool | None:
        agent = headers.get("User-Agent", "")
        if agent == "broken":
            raise RuntimeError("a bug of the plugin")
        if agent == "rude":
            raise Refused("forbidden", "no")
        return not agent.startswith("EvilBot/")


class Door:
    """Shakes hands, and keeps the connections open."""

    def __init__(self) -> None:
        self.peers: list[RawPeer] = []

    async def knock(self, server: TestServer, *more: tuple[str, str]) -> tuple[int, dict[str, str]]:
        """The status and the headers of a handshake."""
        peer = await RawPeer.open(server.server.port)
        self.peers.append(peer)
        await peer.send(handshake(more=more))
        status, headers, _ = await peer.response()
        return status, headers


@async_fixture
async def door() -> AsyncIterator[Door]:
    """A door that is closed after the test."""
    door = Door()
    yield door
    for peer in door.peers:
        await peer.close()


async def refused(client: WireClient, event: str, data: Any = None) -> WireError:
    with pytest.raises(WireError) as caught:
        await client.request(event, data or {})
    assert caught.value.code == "rate_limited"
    return caught.value


# Buckets


requests = st.lists(st.tuples(st.floats(0, 30), st.integers(1, 20)), max_size=60)


@given(st.integers(1, 50), st.floats(0.1, 100), requests)
def test_a_bucket_never_gives_more_than_its_size_and_its_rate_in_any_interval(
    size: int, per_second: float, script: list[tuple[float, int]]
) -> None:
    now, given_at = 1000.0, []
    bucket = Bucket(size, per_second, now)
    for pause, count in script:
        now += pause
        for _ in range(count):
            wait = bucket.take(now)
            assert wait >= 0
            if not wait:
                given_at.append(now)
    for first, begin in enumerate(given_at):
        for last in range(first, len(given_at)):
            assert last - first + 1 <= size + (given_at[last] - begin) * per_second + 1e-6


@given(st.integers(1, 50), st.floats(0.1, 100), requests)
def test_a_bucket_keeps_its_word_on_when_to_come_back(
    size: int, per_second: float, script: list[tuple[float, int]]
) -> None:
    now = 0.0
    bucket = Bucket(size, per_second, now)
    for pause, count in script:
        now += pause
        for _ in range(count):
            wait = bucket.take(now)
            if wait:
                now += wait + 1e-6
                assert bucket.take(now) == 0.0


@given(
    st.integers(1, 20), st.floats(0.5, 60), st.lists(st.tuples(st.sampled_from("abcd"), st.floats(0, 20)), max_size=80)
)
def test_forgetting_full_buckets_changes_no_answer(size: int, window: float, script: list[tuple[str, float]]) -> None:
    swept, kept, now = Buckets(size, window), Buckets(size, window), 0.0
    for key, pause in script:
        now += pause
        swept.sweep(now)
        assert swept.take(key, now) == pytest.approx(kept.take(key, now), abs=1e-6)
    swept.sweep(now + window + 1)
    assert len(swept) == 0


def test_a_limit_of_zero_counts_nothing() -> None:
    buckets = Buckets(0, 60)
    assert [buckets.take("a", 0.0) for _ in range(1000)] == [0.0] * 1000
    assert len(buckets) == 0


# Addresses


def test_admission_forgets_addresses_that_are_quiet() -> None:
    clock = FakeClock()
    admission = Admission(max_connections=10, per_address=2, attempts=5, now=clock.monotonic)
    for number in range(100):
        assert admission.ask(f"192.0.2.{number}") == (0, 0.0)
    admission.opened("192.0.2.1")
    clock.advance(61)
    admission.sweep()
    assert len(admission) == 1
    admission.closed("192.0.2.1")
    assert len(admission) == 0


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        pytest.param("203.0.113.5", "198.51.100.1", "203.0.113.5", id="a stranger says who they are"),
        pytest.param("10.0.0.1", None, "10.0.0.1", id="our proxy says nothing"),
        pytest.param("10.0.0.1", "198.51.100.1", "198.51.100.1", id="our proxy vouches"),
        pytest.param("10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1", id="what stands left anybody wrote"),
        pytest.param("10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1", id="two of our proxies"),
        pytest.param("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3", id="all are ours"),
        pytest.param("10.0.0.1", "evil, 10.0.0.2", "10.0.0.2", id="garbage ends it"),
        pytest.param("10.0.0.1", "", "10.0.0.1", id="an empty header"),
        pytest.param("10.0.0.1", ",,,", "10.0.0.1", id="only commas"),
        pytest.param("10.0.0.1", "[2001:db8::1]", "2001:db8::1", id="brackets"),
        pytest.param("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1", id="a mapped proxy"),
        pytest.param("10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1", id="a mapped client"),
        pytest.param("fe80::1%eth0", None, "fe80::1%eth0", id="a scope"),
        pytest.param("10.0.0.1", "198.51.100.1:4711", "10.0.0.1", id="a port is no address"),
    ],
)
def test_who_asks_is_told_by_trusted_proxies_alone(peer: str, forwarded: str | None, expected: str) -> None:
    import ipaddress

    assert client_address(peer, forwarded, [ipaddress.ip_network("10.0.0.0/8")]) == expected


async def test_open_connections_of_an_address(bonsai_server: StartServer, door: Door) -> None:
    server = await bonsai_server(connections_per_ip=3)
    assert [(await door.knock(server))[0] for _ in range(3)] == [101] * 3
    status, headers = await door.knock(server)
    assert (status, headers["retry-after"]) == (429, "5")
    await door.peers[0].close()
    async with asyncio.timeout(5):
        while (await door.knock(server))[0] != 101:  # noqa: ASYNC110 - until the server has noticed
            await asyncio.sleep(0.01)


async def test_attempts_of_an_address_and_when_to_come_back(
    bonsai_server: StartServer, fake_clock: FakeClock, door: Door
) -> None:
    server = await bonsai_server(clock=fake_clock, handshakes_per_ip=6)
    for _ in range(6):
        assert (await door.knock(server))[0] == 101
    status, headers = await door.knock(server)
    assert (status, headers["retry-after"]) == (429, "10")
    fake_clock.advance(10.1)
    assert (await door.knock(server))[0] == 101
    assert (await door.knock(server))[0] == 429
    assert server.app.metrics.refused[429] == 2


async def test_connections_of_the_process(bonsai_server: StartServer, door: Door) -> None:
    server = await bonsai_server(max_connections=2)
    assert [(await door.knock(server))[0] for _ in range(2)] == [101, 101]
    status, headers = await door.knock(server)
    assert (status, headers["retry-after"]) == (503, "5")


async def test_addresses_behind_a_trusted_proxy_are_counted_apart(bonsai_server: StartServer, door: Door) -> None:
    server = await bonsai_server(connections_per_ip=1, trusted_proxies=["127.0.0.0/8"])
    for address in ("198.51.100.1", "198.51.100.2", "2001:db8::1"):
        assert (await door.knock(server, ("X-Forwarded-For", address)))[0] == 101
        assert (await door.knock(server, ("X-Forwarded-For", f"1.1.1.1, {address}")))[0] == 429
    # Two headers are one list, in order.
    forged = (("X-Forwarded-For", "9.9.9.9"), ("X-Forwarded-For", "198.51.100.1"))
    assert (await door.knock(server, *forged))[0] == 429
    assert {c.address for c in server.app.connections.all} == {"198.51.100.1", "198.51.100.2", "2001:db8::1"}


async def test_without_a_trusted_proxy_nobody_escapes_by_a_header(bonsai_server: StartServer, door: Door) -> None:
    server = await bonsai_server(connections_per_ip=1)
    assert (await door.knock(server))[0] == 101
    assert (await door.knock(server, ("X-Forwarded-For", "198.51.100.7")))[0] == 429


@pytest.mark.parametrize(
    ("agent", "status"), [("Mozilla/5.0", 101), ("EvilBot/1.0", 403), ("rude", 403), ("broken", 403)]
)
async def test_a_plugin_may_refuse_a_handshake(bonsai_server: StartServer, agent: str, status: int, door: Door) -> None:
    server = await bonsai_server(plugins=[Doorman()])
    assert (await door.knock(server, ("User-Agent", agent)))[0] == status


# Messages


async def test_messages_of_a_connection_and_of_all_of_a_users_connections(
    bonsai_server: StartServer, fake_clock: FakeClock
) -> None:
    server = await bonsai_server(plugins=[Chat()], clock=fake_clock, rate_max_requests=4, rate_window_ms=4000)
    one = await server.connect(user="ada", session="s", client="one")
    two = await server.connect(user="ada", session="s", client="two")
    bob = await server.connect(user="bob", session="t", client="bob")
    for client in (one, two, one, two):
        await client.request("chat:say", {})
    for client in (one, two):
        assert 0 < (await refused(client, "chat:say")).data["retryAfterMs"] <= 1001
    await bob.request("chat:say", {})
    fake_clock.advance(1.01)
    await one.request("chat:say", {})
    await refused(two, "chat:say")


async def test_what_was_refused_has_no_effect_and_may_be_sent_again(
    bonsai_server: StartServer, fake_clock: FakeClock
) -> None:
    server = await bonsai_server(plugins=[Chat()], clock=fake_clock, rate_max_requests=1, rate_window_ms=1000)
    client = await server.connect()
    await client.request("chat:say", {"text": "a"}, id=1)
    with pytest.raises(WireError):
        await client.request("chat:say", {"text": "b"}, id=2)
    fake_clock.advance(1.1)
    assert await client.request("chat:say", {"text": "b"}, id=2) == "b"


async def test_messages_of_an_address(bonsai_server: StartServer, fake_clock: FakeClock) -> None:
    server = await bonsai_server(plugins=[Chat()], clock=fake_clock, rate_per_ip=3, trusted_proxies=["127.0.0.1/32"])
    header = {"X-Forwarded-For": "198.51.100.1"}
    ada = await server.connect(user="ada", session="s", client="a", headers=header)
    bob = await server.connect(user="bob", session="t", client="b", headers=header)
    eve = await server.connect(user="eve", session="u", client="e", headers={"X-Forwarded-For": "198.51.100.2"})
    for client in (ada, bob, ada):
        await client.request("chat:say", {})
    await refused(bob, "chat:say")
    await eve.request("chat:say", {})


@pytest.mark.parametrize(
    ("settings", "allowed"),
    [
        pytest.param({}, 2, id="as the plugin declares it"),
        pytest.param({"rate_events": ["chat:shout=5/60000"]}, 5, id="more by the settings"),
        pytest.param({"rate_events": ["chat:shout=1/60000"]}, 1, id="less by the settings"),
        pytest.param({"rate_events": ["chat:shout=0/60000"]}, 20, id="switched off by the settings"),
    ],
)
async def test_messages_of_one_event(
    bonsai_server: StartServer, fake_clock: FakeClock, settings: dict[str, Any], allowed: int
) -> None:
    server = await bonsai_server(plugins=[Chat()], clock=fake_clock, **settings)
    one = await server.connect(user="ada", session="s", client="one")
    two = await server.connect(user="ada", session="s", client="two")
    for number in range(allowed):
        await (one, two)[number % 2].request("chat:shout", {})
    if allowed < 20:
        await refused(one, "chat:shout")
        await refused(two, "chat:shout")
        fake_clock.advance(60 / allowed + 0.1)
        await two.request("chat:shout", {})
    await one.request("chat:say", {})


async def test_a_limit_of_the_settings_for_an_event_without_one(
    bonsai_server: StartServer, fake_clock: FakeClock
) -> None:
    server = await bonsai_server(plugins=[Chat()], clock=fake_clock, rate_events=["chat:say=1/1000"])
    client = await server.connect()
    await client.request("chat:say", {})
    await refused(client, "chat:say")
    await client.request("chat:shout", {})


@pytest.mark.parametrize("text", ["chat:say", "chat:say=5", "=5/1000", "chat:say=5/0", "chat:say=-1/1000", "a b=1/1"])
async def test_a_limit_that_makes_no_sense_stops_the_start(bonsai_server: StartServer, text: str) -> None:
    with pytest.raises(SettingsError):
        await bonsai_server(rate_events=[text])


async def test_pings_of_a_connection(bonsai_server: StartServer, fake_clock: FakeClock) -> None:
    server = await bonsai_server(clock=fake_clock, pings_per_minute=5)
    client = await server.connect()
    for _ in range(5):
        await client.sync()
    fake_clock.advance(13)
    await client.sync()
    await client.send_raw('{"event":"ping"}')
    assert await client.closed() == 1008
    assert client.close_reason == "too many pings"


async def test_a_flood_is_closed_with_4429_and_told_when_to_come_back(
    bonsai_server: StartServer, fake_clock: FakeClock
) -> None:
    server = await bonsai_server(plugins=[Chat()], clock=fake_clock, rate_max_requests=6, flood_refusals=10)
    client = await server.connect()
    for _ in range(6 + 10):
        await client.send("chat:say", {})
    assert await client.closed() == 4429
    assert client.close_reason == "flood; reconnect in 10001 ms"
    assert len(client.of("error")) == 10


async def test_refusals_in_between_are_no_flood(bonsai_server: StartServer, fake_clock: FakeClock) -> None:
    server = await bonsai_server(
        plugins=[Chat()], clock=fake_clock, rate_max_requests=1, rate_window_ms=1000, flood_refusals=3
    )
    client = await server.connect()
    for _ in range(5):
        await client.request("chat:say", {})
        await refused(client, "chat:say")
        await refused(client, "chat:say")
        fake_clock.advance(1.01)


async def test_buckets_are_forgotten_when_they_are_full_again(
    bonsai_server: StartServer, fake_clock: FakeClock
) -> None:
    server = await bonsai_server(
        plugins=[Chat()],
        clock=fake_clock,
        rate_max_requests=60,
        rate_per_ip=600,
        handshakes_per_ip=600,
        join_timeout_ms=80,  # looks after everything often
    )
    for number in range(10):
        client = await server.connect(user=f"u{number}", session=f"s{number}", client="c")
        await client.request("chat:shout", {})
        await client.close()
    limits, admission = server.app.limits, server.app.admission
    assert len(limits) == 10 + 1 + 10
    fake_clock.advance(61)
    async with asyncio.timeout(5):
        while len(limits) or len(admission):  # noqa: ASYNC110 - until the next look
            await asyncio.sleep(0.01)
