"""The wire protocol's functions: what decodes, what is refused and how, and what is sent."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonsai_core import protocol
from bonsai_core.protocol import CloseCode, Frame, ProtocolError

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=12,
)


def refusal(raw: bytes) -> ProtocolError:
    with pytest.raises(ProtocolError) as caught:
        protocol.decode_text(raw)
    return caught.value


@given(st.text(min_size=1, max_size=128), st.none() | st.integers(1, protocol.MAX_ID), json_values)
def test_a_frame_survives_the_journey(event: str, id: int | None, data: Any) -> None:
    frame = {"event": event, "data": data, **({} if id is None else {"id": id})}
    try:
        raw = json.dumps(frame, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return  # a lone surrogate is no UTF-8
    decoded = protocol.decode_text(raw)
    assert isinstance(decoded, Frame)
    assert (decoded.event, decoded.id) == (event, id)
    assert json.loads(bytes(decoded.data)) == data


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=5))
def test_a_batch_is_decoded_in_order(events: list[str]) -> None:
    decoded = protocol.decode_text(json.dumps([{"event": event} for event in events]).encode())
    assert isinstance(decoded, list)
    assert [frame.event for frame in decoded] == events


@given(st.binary(max_size=200))
def test_no_bytes_break_the_decoders(raw: bytes) -> None:
    for decode in (protocol.decode_text, lambda data: protocol.decode_binary(data, 100)):
        with contextlib.suppress(ProtocolError):
            decode(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nul",
        b"{",
        b'{"event":"a"} x',
        b'{"event":"a","data":NaN}',
        b'{"event":"a","data":' + b"[" * 100_000,
        b'{"event":"a","data":"\\ud800"}',
    ],
)
def test_what_is_no_json_is_told_apart(raw: bytes) -> None:
    assert not refusal(raw).json


@pytest.mark.parametrize(
    "raw",
    [
        b"[]",
        b"1",
        b"{}",
        b'{"event":""}',
        b'{"event":5}',
        b'{"event":"a","id":0}',
        b'{"event":"a","id":-1}',
        b'{"event":"a","id":1.5}',
        b'{"event":"a","id":true}',
        b'{"event":"a","id":1e400}',
        b'{"event":"a","id":9007199254740992}',
        b'[{"event":"a"},5]',
        json.dumps({"event": "x" * 129}).encode(),
        json.dumps([{"event": "a"}] * (protocol.MAX_BATCH + 1)).encode(),
    ],
)
def test_json_that_is_no_frame_is_refused(raw: bytes) -> None:
    assert refusal(raw).json


def test_a_bad_frame_still_names_its_id() -> None:
    assert refusal(b'{"event":5,"id":7}').id == 7


def test_bytes_that_are_not_utf8_close_the_connection() -> None:
    assert refusal(b'{"event":"a","data":"\xff"}').close is CloseCode.INVALID_DATA


@given(st.binary(max_size=300))
def test_a_binary_frame_survives_the_journey(attachment: bytes) -> None:
    header = b'{"event":"question:analyze","id":1,"data":{}}'
    frame, decoded = protocol.decode_binary(protocol.encode_binary(header, attachment), 100)
    assert frame.event == "question:analyze"
    assert decoded == attachment


def test_a_binary_frames_header_is_bounded_and_single() -> None:
    with pytest.raises(ProtocolError, match="does not fit"):
        protocol.decode_binary(protocol.encode_binary(b'{"event":"a"}', b""), 5)
    with pytest.raises(ProtocolError, match="not a batch"):
        protocol.decode_binary(protocol.encode_binary(b'[{"event":"a"}]', b""), 100)
    with pytest.raises(ProtocolError, match="four bytes"):
        protocol.decode_binary(b"abc", 100)


@given(json_values)
def test_canonical_json_depends_on_the_value_alone(value: Any) -> None:
    try:
        compact = json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return
    spaced = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False).encode()
    assert protocol.canonical(compact) == protocol.canonical(spaced)


def test_outgoing_frames_are_what_the_protocol_says() -> None:
    assert json.loads(protocol.encode_ack(17, b'{"a":1}', 5)) == {"event": "ack", "id": 17, "data": {"a": 1}, "ts": 5}
    error = json.loads(protocol.error_data("rate_limited", "slow", retry_after_ms=10, incident="ab"))
    assert error == {"code": "rate_limited", "message": "slow", "retryAfterMs": 10, "incident": "ab"}
    assert "id" not in json.loads(protocol.encode_event("error", b"{}", 5))
    logged = json.loads(protocol.encode_room_message("e", "r", 3, b"[]", 5))
    assert logged == {"event": "e", "room": "r", "offset": 3, "data": [], "ts": 5}
    assert "offset" not in json.loads(protocol.encode_room_message("e", "r", 0, b"[]", 5))
    assert json.loads(protocol.encode_pong(5))["event"] == "pong"


# The test cases of RFC 7396, appendix A.
@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch_as_in_rfc_7396(target: Any, patch: Any, result: Any) -> None:
    assert protocol.merge_patch(target, patch) == result
