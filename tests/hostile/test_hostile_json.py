"""Hostile JSON, ids and batches: each with its error code, and the connection stays open."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bonsai_core import protocol
from tests.hostile.conftest import Arena
from tests.hostile.raw import BINARY, frame, text


def say(data: str, id: object = 1) -> str:
    return f'{{"event":"echo:say","id":{id},"data":{data}}}'


def keep(data: str) -> str:
    return f'{{"event":"echo:keep","id":1,"data":{data}}}'


def patch(data: str) -> str:
    return f'{{"event":"session:update","id":1,"data":{{"patch":{data}}}}}'


def nested(depth: int, opening: str, closing: str = "") -> str:
    return opening * depth + "1" + closing * depth


NOT_JSON = {
    "empty": "",
    "white space": " \t\r\n ",
    "truncated": '{"event":"echo:say","id":1,"data":',
    "truncated string": '{"event":"echo:s',
    "trailing word": '{"event":"echo:say","id":1} x',
    "two frames": '{"event":"ping"}{"event":"ping"}',
    "trailing comma": '{"event":"ping",}',
    "single quotes": "{'event':'ping'}",
    "comment": '{"event":"ping"/* hello */}',
    "byte order mark": '\ufeff{"event":"ping"}',
    "NaN": keep("NaN"),
    "Infinity": keep("-Infinity"),
    "NaN deep inside": say('{"number":NaN}'),
    "hexadecimal": keep("0x10"),
    "leading zero": keep("01"),
    "plus sign": keep("+1"),
    "bare point": keep(".5"),
    "control character in a string": say('{"text":"a\nb"}'),
    "unknown escape": say(r'{"text":"\x41"}'),
    "lone high surrogate": say(r'{"text":"\ud800"}'),
    "high surrogate and a letter": say(r'{"text":"\ud800x"}'),
    "two high surrogates": say(r'{"text":"\ud800\ud800"}'),
    "lone low surrogate": say(r'{"text":"\udfff"}'),
    "lone surrogate as a key": keep(r'{"\udfff":1}'),
    "lone surrogate in the event": r'{"event":"\ud800","id":1}',
    "lone surrogate, nobody reads it": r'{"event":"echo:say","id":1,"more":"\ud800"}',
    "deep arrays": keep(nested(20_000, "[", "]")),
    "deep objects": keep(nested(10_000, '{"a":', "}")),
    "deep and never closed": nested(10_000, '{"a":'),
}

NO_FRAME = {
    "null": "null",
    "a number": "1",
    "a string": '"ping"',
    "no event": "{}",
    "event is a number": '{"event":1}',
    "event is null": '{"event":null}',
    "event is empty": '{"event":""}',
    "event is long": json.dumps({"event": "x" * 129}),
    "empty batch": "[]",
    "batch in a batch": '[[{"event":"ping"}]]',
    "batch with a number": '[{"event":"ping"},5]',
    "batch of 257": json.dumps([{"event": "echo:say"}] * 257),
    "many brackets": "[" * 60_000,
    "id zero": say("{}", 0),
    "id negative": say("{}", -1),
    "id a fraction": say("{}", 1.5),
    "id 1.0": say("{}", "1.0"),
    "id with exponent": say("{}", "1e3"),
    "id a string": say("{}", '"1"'),
    "id true": say("{}", "true"),
    "id a list": say("{}", "[1]"),
    "id beyond doubles": say("{}", 2**53),
    "id beyond 64 bits": say("{}", 2**64),
    "id of 400 digits": say("{}", "9" * 400),
}


@pytest.mark.parametrize("message", [pytest.param(m, id=name) for name, m in (NOT_JSON | NO_FRAME).items()])
async def test_what_is_no_frame_is_a_bad_frame(hostile: Arena, message: str) -> None:
    peer = await hostile.joined()
    await peer.send(text(message))
    assert (await peer.event("error"))["data"]["code"] == "bad_frame"
    await peer.send(text(say('{"text":"still here"}', 7)))
    assert (await peer.event("ack"))["id"] == 7


@pytest.mark.parametrize(
    ("message", "code"),
    [
        pytest.param(say("[]"), "invalid_payload", id="a list for an object"),
        pytest.param(say("null"), "invalid_payload", id="null for an object"),
        pytest.param(say('"x"'), "invalid_payload", id="a string for an object"),
        pytest.param('{"event":"echo:say","id":1}', "invalid_payload", id="no data"),
        pytest.param(say('{"text":5}'), "invalid_payload", id="a number for a string"),
        pytest.param(say('{"text":null}'), "invalid_payload", id="null for a string"),
        pytest.param(say('{"number":1e999}'), "invalid_payload", id="infinity by exponent"),
        pytest.param(say(f'{{"number":{"9" * 400}}}'), "invalid_payload", id="infinity by digits"),
        pytest.param(say(f'{{"count":{"9" * 5000}}}'), "invalid_payload", id="an integer of 5000 digits"),
        pytest.param(
            say('{"text":' + nested(900, "[", "]") + "}"), "invalid_payload", id="deep where a string belongs"
        ),
        pytest.param(keep("1e999"), "invalid_payload", id="infinity for a handler without a model"),
        pytest.param(keep("9" * 5000), "invalid_payload", id="5000 digits for a handler without a model"),
        pytest.param(patch('{"a":1e999}'), "invalid_payload", id="infinity for the shared state"),
        pytest.param(patch('{"a":{"b":[1,-1e999]}}'), "invalid_payload", id="infinity deep in the shared state"),
        pytest.param(patch(nested(300, '{"a":', "}")), "invalid_payload", id="deep for the shared state"),
        pytest.param(patch("[]"), "invalid_payload", id="a list for a patch"),
        pytest.param(
            '{"event":"session:update","id":1,"data":{"patch":{},"version":-1}}', "invalid_payload", id="version -1"
        ),
        pytest.param(say('{"text":"%s"}' % ("x" * 70_000)), "too_large", id="longer than a message may be"),
        pytest.param('{"event":"echo:nothing","id":1}', "unknown_event", id="an event nobody has"),
        pytest.param('{"event":"echo:say ","id":1}', "unknown_event", id="an event with a space"),
        pytest.param(r'{"event":"echo:say\u0000","id":1}', "unknown_event", id="an event with NUL"),
        pytest.param('{"event":"ECHO:SAY","id":1}', "unknown_event", id="an event in upper case"),
        pytest.param('{"event":"ack","id":1}', "unknown_event", id="an event only the server sends"),
        pytest.param('{"event":"user:joined","id":1}', "unknown_event", id="another one"),
        pytest.param('{"event":"__class__","id":1}', "unknown_event", id="a name of Python's"),
        pytest.param('{"event":"user:connect","id":1,"data":{}}', "bad_frame", id="joining twice"),
        pytest.param(
            '{"event":"auth:refresh","id":1,"data":{"token":5}}', "invalid_payload", id="a token that is a number"
        ),
        pytest.param('{"event":"auth:refresh","id":1}', "invalid_payload", id="no token"),
    ],
)
async def test_a_frame_that_asks_too_much_is_refused(hostile: Arena, message: str, code: str) -> None:
    peer = await hostile.joined()
    await peer.send(text(message))
    error = await peer.event("error")
    assert error["data"]["code"] == code
    assert error.get("id") == (None if code == "too_large" else 1)
    await peer.send(text(say('{"text":"still here"}', 7)))
    assert (await peer.event("ack"))["id"] == 7
    assert hostile.server.app.plugins.records["echo"].guard.failures.total == 0


@pytest.mark.parametrize(
    ("message", "event", "expected"),
    [
        pytest.param('{"event":"a","event":"echo:say","id":1,"data":{"text":"x"}}', "ack", {"text": "x"}, id="event"),
        pytest.param('{"event":"echo:say","id":9,"id":1,"data":{"text":"x"}}', "ack", {"text": "x"}, id="id"),
        pytest.param('{"event":"echo:say","id":1,"data":5,"data":{"text":"x"}}', "ack", {"text": "x"}, id="data"),
        pytest.param(say('{"text":5,"text":"x"}'), "ack", {"text": "x"}, id="in a payload with a model"),
        pytest.param(keep('{"a":1,"a":2}'), "ack", {"a": 2}, id="in a payload without"),
    ],
)
async def test_of_repeated_keys_the_last_counts_everywhere(
    hostile: Arena, message: str, event: str, expected: Any
) -> None:
    peer = await hostile.joined()
    await peer.send(text(message))
    answer = await peer.event(event, "error")
    assert (answer["event"], answer["id"], answer["data"]) == (event, 1, expected)


async def test_a_repeated_key_is_no_way_around_an_id_conflict(hostile: Arena) -> None:
    peer = await hostile.joined()
    await peer.send(text(keep('{"a":1}')))
    assert (await peer.event("ack"))["data"] == {"a": 1}
    await peer.send(text(keep('{"a":2,"a":1}')), text(keep('{"a":1,"a":2}')))
    assert (await peer.event("ack"))["data"] == {"a": 1}
    assert (await peer.event("error"))["data"]["code"] == "id_conflict"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(r'"\u0000"', id="NUL"),
        pytest.param(r'"\ud83d\ude00"', id="a pair of surrogates"),
        pytest.param('"\u202e\u200b\ufffe"', id="characters that are not seen"),
        pytest.param('{"__proto__":{"a":1},"constructor":1}', id="names of JavaScript's"),
        pytest.param('{"":""}', id="an empty key"),
        pytest.param("-0", id="minus zero"),
        pytest.param("1e-999", id="a number too small"),
        pytest.param("9" * 300, id="300 digits"),
        pytest.param(nested(100, "[", "]"), id="a hundred deep"),
    ],
)
async def test_odd_json_passes_through_unharmed(hostile: Arena, data: str) -> None:
    peer = await hostile.joined()
    await peer.send(text(keep(data)))
    assert (await peer.event("echo:kept"))["data"]["value"] == json.loads(data)
    assert (await peer.event("ack"))["data"] == json.loads(data)


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"abc", id="three bytes"),
        pytest.param(b"\0\0\0\0", id="no header"),
        pytest.param(b"\0\0\0\x05{}", id="header beyond the message"),
        pytest.param(b"\xff\xff\xff\xff{}", id="header of 4 GiB"),
        pytest.param(b"\0\x01\x00\x01" + b" " * 65_537, id="header beyond the limit"),
        pytest.param(protocol.encode_binary(b"[]", b""), id="an empty batch for a header"),
        pytest.param(protocol.encode_binary(b'[{"event":"ping"}]', b""), id="a batch for a header"),
        pytest.param(protocol.encode_binary(b'{"event":', b"x"), id="header that is no JSON"),
        pytest.param(protocol.encode_binary(b'{"event":7}', b"x"), id="header that is no frame"),
    ],
)
async def test_binary_messages_that_are_none_are_bad_frames(hostile: Arena, message: bytes) -> None:
    peer = await hostile.joined()
    await peer.send(frame(BINARY, message))
    assert (await peer.event("error"))["data"]["code"] == "bad_frame"
    await peer.send(text({"event": "ping"}))
    await peer.event("pong")


async def test_a_plugin_is_not_put_to_rest_by_what_a_client_sends(hostile: Arena) -> None:
    """Five failures in a row rest a plugin for everybody: what one client sends must not count as one."""
    peer = await hostile.joined()
    for id in range(1, 20):
        await peer.send(text(f'{{"event":"echo:keep","id":{id},"data":1e999}}'))
        assert (await peer.event("error"))["data"]["code"] == "invalid_payload"
    await hostile.bystander.request("echo:say", {"text": "fine"})


async def test_ids_are_the_clients_own(hostile: Arena) -> None:
    """Neither another user nor another client of the same user can use up, see or change a client's ids."""
    one, two = await hostile.joined("ada", clientId="one"), await hostile.joined("ada", clientId="two")
    for peer, word in ((one, "a"), (two, "b")):
        await peer.send(text(say(json.dumps({"text": word}))))
        assert (await peer.event("ack"))["data"] == {"text": word}


async def test_the_largest_id_is_taken_and_what_is_far_below_is_stale(arena: Arena) -> None:
    await arena.begin(dedup_window=10)
    peer = await arena.joined()
    await peer.send(text(say('{"text":"x"}', 2**53 - 1)))
    assert (await peer.event("ack"))["id"] == 2**53 - 1
    await peer.send(text(say('{"text":"x"}', 1)))
    assert (await peer.event("error"))["data"]["code"] == "stale_id"


async def test_a_batch_that_repeats_an_id_takes_effect_once(hostile: Arena) -> None:
    peer = await hostile.joined()
    await peer.send(text("[" + ",".join([keep('{"n":1}'), keep('{"n":1}'), keep('{"n":2}')]) + "]"))
    assert [(await peer.event("ack"))["id"] for _ in range(2)] == [1, 1]
    assert (await peer.event("error"))["data"]["code"] == "id_conflict"
