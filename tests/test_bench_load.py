"""The benchmark's load generator and arithmetic: what it counts is what servers did, and ratios are paired."""

import os

import pytest

from bench.dialects import Native, Plain, SocketIo
from bench.load import Exchange, FanOut, LoadError, Requests, connect, masked_frame
from bench.measure import Sample
from bench.report import summary
from bench.servers import OURS, PLAIN, Kind, Server
from bench.work import ANSWER, SAY

CORE = min(os.sched_getaffinity(0))


def unmasked(frame: bytes) -> tuple[int, bytes]:
    """Opcode byte and payload of a client's frame."""
    assert frame[1] & 0x80, "client frames are masked"
    at, length = 2, frame[1] & 0x7F
    if length > 125:
        at += 2 if length == 126 else 8
        length = int.from_bytes(frame[2:at], "big")
    mask, body = frame[at : at + 4], frame[at + 4 :]
    assert any(mask), "a server may skip a mask of zeros"
    assert len(body) == length
    return frame[0], bytes(byte ^ mask[i % 4] for i, byte in enumerate(body))


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65535, 65536])
def test_a_frame_made_beforehand_is_a_masked_websocket_frame(length: int) -> None:
    payload = bytes(i % 251 for i in range(length))
    assert unmasked(masked_frame(payload)) == (0x81, payload)


@pytest.mark.parametrize("dialect", [Native(), Plain(), SocketIo()], ids=lambda dialect: type(dialect).__name__)
def test_all_dialects_carry_the_same_payload(dialect: Native | Plain | SocketIo) -> None:
    requests = Requests(dialect, "bench:answer", ANSWER)
    for id in (2, 1500):
        _, text = unmasked(requests.frame(id))
        assert ANSWER in text
        assert str(id).encode() in text


@pytest.mark.parametrize("kind", [OURS, PLAIN], ids=lambda kind: kind.name)
async def test_every_answer_and_every_delivery_is_counted(kind: Kind) -> None:
    dialect = kind.dialect
    async with Server(kind, CORE) as server:
        clients = await connect(server.port, [dialect.join(f"a{n}") for n in range(5)], dialect, dialect.ack)
        exchange = Exchange(clients, Requests(dialect, "bench:answer", ANSWER))
        assert await exchange.run(0.2) == sum(client.id - 1 for client in clients) > 5
        scripts = [[*dialect.join(f"b{n}"), *dialect.enter()] for n in range(7)]
        receivers = await connect(server.port, scripts, dialect, dialect.said)
        room = FanOut(clients[:4], receivers, Requests(dialect, "bench:say", SAY), window=4)
        sent = sum(client.id for client in clients[:4])
        assert await room.run(0.2) == 7 * (sum(client.id for client in clients[:4]) - sent) > 7
        assert server.cpu() > 0
        assert await server.memory() > 1 << 20
        exchange.close()
        room.close()


async def test_a_refusal_ends_the_measurement() -> None:
    dialect = OURS.dialect
    async with Server(OURS, CORE) as server:
        clients = await connect(server.port, [dialect.join("a")], dialect, dialect.ack)
        exchange = Exchange(clients, Requests(dialect, "bench:answer", b"{}"))
        with pytest.raises(LoadError, match="invalid_payload"):
            await exchange.run(0.2)
        exchange.close()


def test_a_ratio_is_the_median_of_ratios_within_rounds() -> None:
    rounds = [[Sample("acked", "ours", o), Sample("acked", "node", n)] for o, n in ((30, 20), (60, 50), (33, 30))]
    node = summary(rounds)["acked"]["node"]
    assert node["median"] == 30
    assert node["oursTimes"]["rounds"] == [1.5, 1.2, 1.1]
    assert node["oursTimes"]["median"] == 1.2
