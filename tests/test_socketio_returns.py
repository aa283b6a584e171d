"""Stock Socket.IO clients that come back: after a server was killed, on another node, after days, with resends."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bonsai_core.testing import FakeClock, ServerProcess, StartProcess, StartProxy, StartServer, TestServer
from tests.stock_clients import GATEWAY, GATEWAY_PROCESS, Failed, StockClient, StockClients, until

WEBSOCKET, POLLING = ["websocket"], ["polling"]
PHONE = {"sessionId": "s1", "clientId": "phone"}
#: What is added while the client is away.
MISSED = [f"missed {number}" for number in range(30)]

Process = Callable[..., Awaitable[ServerProcess]]
Gateway = Callable[..., Awaitable[TestServer]]


@pytest.fixture
def process(bonsai_process: StartProcess) -> Process:
    async def start(**settings: Any) -> ServerProcess:
        return await bonsai_process(**GATEWAY_PROCESS, **settings)

    return start


@pytest.fixture
def gateway(bonsai_server: StartServer) -> Gateway:
    async def start(**settings: Any) -> TestServer:
        return await bonsai_server(**GATEWAY, **settings)

    return start


async def add(server: TestServer | ServerProcess, items: list[str]) -> None:
    """A new device of the session adds something, and leaves."""
    native = await server.connect(user="ada", session="s1", client=uuid.uuid4().hex)
    for item in items:
        await native.request("counter:add", {"item": item})
    await native.close()


def items(client: StockClient) -> list[str]:
    """What it was told, in order."""
    return [told["item"] for told in client.events("counter:added")]


@pytest.mark.parametrize("transports", [WEBSOCKET, POLLING])
async def test_what_was_missed_while_the_server_was_killed_comes_once_and_in_order(
    process: Process, stock_clients: StockClients, tcp_proxy: StartProxy, transports: list[str]
) -> None:
    server = await process()
    proxy = await tcp_proxy(server.url)
    client = await stock_clients.joined(server, url=proxy.url, transports=transports, auth=PHONE)
    await add(server, ["before"])
    assert (await client.recv("counter:added"))["item"] == "before"
    await server.kill()
    await client.recv("disconnect")
    proxy.refuse()
    await server.start()
    await add(server, MISSED)
    proxy.refuse(False)
    back = await client.recv("connect", 20)
    assert (back["recovered"], back["transport"]) == (True, transports[0])
    await until(lambda: len(items(client)) == 1 + len(MISSED))
    assert (await client.request("counter:add", {"item": "after"}))["count"] == 1
    await until(lambda: items(client)[-1] == "after")
    assert items(client) == ["before", *MISSED, "after"]
    assert client.events("session:state") == client.events("session:state")[:1], "nothing but the first join's"


async def test_what_was_missed_before_the_first_event_comes_too(process: Process, stock_clients: StockClients) -> None:
    server = await process()
    client = await stock_clients.joined(server, auth=PHONE, reconnectionDelay=1000, reconnectionDelayMax=1000)
    await client.cut()  # nothing has told it an offset
    await client.recv("disconnect")
    await add(server, MISSED)
    assert (await client.recv("connect"))["recovered"]
    await until(lambda: len(items(client)) >= len(MISSED))
    assert items(client) == MISSED


@pytest.mark.parametrize("transports", [WEBSOCKET, POLLING])
async def test_the_other_node_has_what_was_missed_when_the_first_is_killed(
    process: Process, stock_clients: StockClients, tcp_proxy: StartProxy, redis_url: str, transports: list[str]
) -> None:
    nodes = [await process(store_url=redis_url) for _ in range(2)]
    proxy = await tcp_proxy(nodes[0].url)
    client = await stock_clients.joined(nodes[0], url=proxy.url, transports=transports, auth=PHONE)
    await add(nodes[1], ["before"])
    assert (await client.recv("counter:added"))["item"] == "before"
    proxy.refuse()
    await nodes[0].kill()
    await client.recv("disconnect")
    await add(nodes[1], MISSED)
    proxy.target_port = nodes[1].port
    proxy.refuse(False)
    assert (await client.recv("connect"))["recovered"]
    await until(lambda: len(items(client)) >= 1 + len(MISSED))
    assert (await client.request("counter:add", {"item": "after"}))["count"] == 1
    await until(lambda: items(client)[-1] == "after")
    assert items(client) == ["before", *MISSED, "after"]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("explicit", [True, False], ids=["own ids", "no ids"])
async def test_retries_never_double_an_effect_while_servers_are_killed_and_networks_cut(
    process: Process, stock_clients: StockClients, tcp_proxy: StartProxy, explicit: bool
) -> None:
    """With `retries` the client sends the next event when the last one was acked; what was lost it sends again."""
    count, kills, clients = 150, 4, 3
    server = await process()
    proxy = await tcp_proxy(server.url)
    options = {"retries": 1000, "ackTimeout": 20_000}
    stock = [
        await stock_clients.joined(server, url=proxy.url, auth={"sessionId": "s1", "clientId": f"c{c}"}, **options)
        for c in range(clients)
    ]

    def content(number: int, event: int) -> str:
        """With ids the same content may come twice in a row; without them it comes again later."""
        return f"{number}.{event // 2 if explicit else event % 7}"

    async def work(number: int) -> None:
        for event in range(1, count + 1):
            item = content(number, event)
            more = [{"id": event}] if explicit else []
            answer = await stock[number].request("counter:add", {"item": item}, *more, timeout=60)
            assert answer["item"] == item, answer
            await asyncio.sleep(0.01)

    async def trouble() -> None:
        dice = random.Random(7)
        for _ in range(kills):
            for _ in range(3):
                await asyncio.sleep(dice.uniform(0.1, 0.3))
                proxy.cut(reset=dice.random() < 0.5)
            await server.kill()
            await server.start()

    async with asyncio.TaskGroup() as group:
        _ = group.create_task(trouble())
        for number in range(clients):
            _ = group.create_task(work(number))
    assert (proxy.cuts, server.starts) >= (kills, kills + 1)
    reader = await server.connect(user="ada", session="s1", client="reader")
    expected: dict[str, int] = {}
    for number in range(clients):
        for event in range(1, count + 1):
            expected[content(number, event)] = expected.get(content(number, event), 0) + 1
    counted = (await reader.request("counter:read"))["counted"]
    assert {item: times for item, times in counted.items() if expected.get(item) != times} == {}
    assert counted == expected
    for client in stock:
        assert len(client.events("counter:added")) == clients * count, "each device has seen each effect once"


async def test_a_page_that_is_loaded_again_does_not_get_the_answers_of_the_old_one(
    gateway: Gateway, stock_clients: StockClients
) -> None:
    server = await gateway()
    old = await stock_clients.joined(server, auth=PHONE)
    await old.emit("counter:tick")  # so that the server works on the next one when the new page comes
    asked = asyncio.create_task(old.request("counter:think", {"item": "old"}))
    await old.recv("counter:ticked")
    await asyncio.sleep(0.05)
    new = await stock_clients.joined(server, auth=PHONE)  # counts its acks from 0 as the old one did
    assert await new.request("counter:think", {"item": "new"}) == {"item": "new"}
    with pytest.raises(Failed, match="disconnected"):
        await asked


async def test_an_event_after_a_return_is_not_taken_for_one_that_still_runs(
    gateway: Gateway, stock_clients: StockClients
) -> None:
    server = await gateway()
    _ = await server.connect(user="ada", session="s1", client="laptop")
    client = await stock_clients.joined(server, auth=PHONE, reconnectionDelay=150)
    asked = asyncio.create_task(client.request("counter:think", {"item": "a"}))
    (live,) = server.app.sessions
    await until(lambda: bool(live.running))
    await client.cut()
    assert (await client.recv("connect"))["recovered"]
    assert await client.request("counter:think", {"item": "b"}) == {"item": "b"}
    with pytest.raises(Failed, match="disconnected"):
        await asked


@pytest.mark.parametrize("missed", [False, True])
async def test_a_device_comes_back_after_two_days(
    gateway: Gateway, stock_clients: StockClients, fake_clock: FakeClock, missed: bool
) -> None:
    server = await gateway(clock=fake_clock, heartbeat_interval_ms=3_600_000)
    client = await stock_clients.joined(
        server, auth=PHONE, reconnectionDelay=500, reconnectionDelayMax=500, token=server.token("ada", ttl_s=3 * 86_400)
    )
    await client.request("counter:add", {"item": "before"})
    await client.recv("counter:added")
    seen = len(client.events("session:state"))
    await client.cut()
    await client.recv("disconnect")
    await until(lambda: not server.app.stats()["joined"])
    if missed:
        await add(server, ["missed"])
    fake_clock.advance(2 * 86_400)
    back = await client.recv("connect")
    assert await client.request("counter:add", {"item": "after"}) == {"item": "after", "count": 1}
    if back["recovered"]:
        await until(lambda: "after" in items(client))
        assert items(client) == ["before", *(["missed"] if missed else []), "after"], "nothing is missing silently"
        assert len(client.events("session:state")) == seen
    else:
        state = client.events("session:state")[seen:]
        assert len(state) == 1, "what cannot be proved is said"
        assert "state" in state[0]


async def test_a_drain_tells_clients_to_come_back_and_they_do(process: Process, stock_clients: StockClients) -> None:
    server = await process()
    clients = [
        await stock_clients.joined(server, transports=transports, auth={"sessionId": "s1", "clientId": transports[0]})
        for transports in (WEBSOCKET, POLLING)
    ]
    answers = [await client.request("counter:add", {"item": f"{c}"}) for c, client in enumerate(clients)]
    assert await server.terminate() == 0
    for client in clients:
        gone = await client.recv("disconnect", 3)
        assert gone["active"], f"it was told to stay away: {gone}"
    await server.start()
    for number, client in enumerate(clients):
        assert (await client.recv("connect"))["recovered"]
        assert (await client.request("counter:add", {"item": f"{number} after"}))["count"] == answers[number]["count"]


async def test_a_reader_that_is_too_slow_is_cut_off_and_recovers(
    gateway: Gateway, stock_clients: StockClients, tcp_proxy: StartProxy
) -> None:
    server = await gateway()
    proxy = await tcp_proxy(server.url)
    client = await stock_clients.joined(server, url=proxy.url, auth=PHONE)
    native = await server.connect(user="ada", session="s1", client="laptop")
    proxy.stall("down")
    (slow,) = [c for c in server.app.connections.all if c.client_id == "phone"]
    sent = 0
    while slow.close_code is None:
        assert sent < 2000, "40 MB were taken for a client that reads nothing"
        await native.request("counter:fill", {"count": 10, "size": 20_000})
        sent += 10
    assert slow.close_code == 4008
    proxy.cut()
    proxy.resume()
    assert (await client.recv("connect"))["recovered"]
    await until(lambda: len(client.events("counter:filled")) >= sent)
    assert [told["number"] for told in client.events("counter:filled")] == list(range(10)) * (sent // 10)
    assert (await client.request("counter:tick")) == {"ticks": 1}
