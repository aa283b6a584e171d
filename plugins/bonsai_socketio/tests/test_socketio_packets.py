"""Packets of Engine.IO 4 and Socket.IO 5, and what clients show when they come back: bytes in, bytes out."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from bonsai_socketio import packets, recovery
from bonsai_socketio.engine.packets import POLLING, WEBSOCKET, split, to_websocket
from bonsai_socketio.engine.packets import PacketError as EngineError
from bonsai_socketio.packets import PacketError, Type, decode, encode
from hypothesis import given
from hypothesis import strategies as st

from bonsai_core.transport import BINARY, TEXT, Position

scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.binary(max_size=20)
values = st.recursive(scalars, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(), v, max_size=3))
namespaces = st.just("/") | st.from_regex(r"/[a-z0-9/_-]{1,20}", fullmatch=True)


@given(st.lists(st.text(st.characters(exclude_characters="\x1e", exclude_categories=["Cs"])) | st.binary(), min_size=1))
def test_a_polled_body_says_what_was_put_into_it(contents: list[str | bytes]) -> None:
    wanted = [(BINARY, c) if isinstance(c, bytes) else (TEXT, b"4" + c.encode()) for c in contents]
    written = b"".join(POLLING.binary(data) if kind == BINARY else POLLING.text(data) for kind, data in wanted)
    assert split(written[1:]) == wanted
    framed = b"".join(WEBSOCKET.binary(data) if kind == BINARY else WEBSOCKET.text(data) for kind, data in wanted)
    assert to_websocket(written) == framed, "an upgrade takes along what waits"


@pytest.mark.parametrize("body", [b"", b"x", b"4a\x1e", b"\x1e4a", b"b!", b"bAQ", b"7", b"4a\x1ehello"])
def test_what_is_no_packet_is_refused(body: bytes) -> None:
    with pytest.raises(EngineError):
        split(body)


@given(namespaces, st.none() | st.integers(0, 2**53 - 1), st.lists(values, max_size=3), st.sampled_from(["a", "b:c"]))
def test_what_is_encoded_is_decoded(namespace: str, id: int | None, arguments: list[Any], name: str) -> None:
    text, blobs = encode(Type.EVENT, namespace, [name, *arguments], id)
    packet = decode(text, 100)
    assert (packet.namespace, packet.id, packet.attachments) == (namespace, id, len(blobs))
    assert packet.type is (Type.BINARY_EVENT if blobs else Type.EVENT)
    array = packets.read_array(packet)
    assert packets.read_event_name(array) == name
    if not any("_placeholder" in repr(a) for a in arguments):
        assert packets.join_blobs([json.loads(bytes(raw)) for raw in array[1:]], blobs) == arguments


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_a_packet_or_refused(text: bytes) -> None:
    try:
        packet = decode(text, 10)
        array = packets.read_array(packet)
        packets.read_event_name(array)
    except PacketError:
        return
    assert packet.namespace.startswith("/")


@pytest.mark.parametrize(
    "text",
    [b"", b"7", b"abc", b'5["a"]', b"5-[]", b'2-["a"]', b'511-["a"]', b"2" + b"9" * 16 + b"[]"],
)
def test_what_is_no_socketio_packet_is_refused(text: bytes) -> None:
    with pytest.raises(PacketError):
        packets.read_event_name(packets.read_array(decode(text, 10)))


@pytest.mark.parametrize("text", [b"2{}", b"2[]", b"2[1]", b'2["connect"]', b'2["disconnect",1]', b"2abc[]", b"2"])
def test_an_event_begins_with_a_name_that_is_not_the_librarys_own(text: bytes) -> None:
    packet = decode(text, 10)
    with pytest.raises(PacketError):
        packets.read_event_name(packets.read_array(packet))


@pytest.mark.parametrize("number", [-1, 2, True, "0", None])
def test_a_placeholder_stands_for_an_attachment_that_is_there(number: Any) -> None:
    with pytest.raises(PacketError):
        packets.join_blobs({"image": {"_placeholder": True, "num": number}}, [b"a", b"b"])


# Recovery

rooms = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30),
    st.builds(Position, st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.integers(0, 2**53)),
    max_size=5,
)


@given(rooms, rooms, st.integers(0, 2**53), st.text(max_size=10), st.text(max_size=10))
def test_a_client_shows_where_its_rooms_were(
    joined: dict[str, Position], later: dict[str, Position], number: int, client: str, session: str
) -> None:
    client, session = client.encode(errors="ignore").decode(), session.encode(errors="ignore").decode()
    track = recovery.Track(client, session, positions=joined, acknowledged=number)
    pid = track.make_pid()
    shown = recovery.read(pid, None)
    assert shown is not None
    assert (shown.client, shown.session, shown.acknowledged) == (client, session, number)
    assert shown.positions == joined, "before the first event: as they were at the join"
    track.positions, track.acknowledged = later, number + 1
    offset = track.offset().decode()
    assert json.loads(f'"{offset}"') == offset, "it stands in JSON as it is"
    shown = recovery.read(pid, offset)
    assert shown is not None
    assert (shown.positions, shown.acknowledged, shown.pid) == (later, number + 1, pid)


def test_the_offset_of_another_pid_is_not_believed() -> None:
    old = recovery.Track("c", "s", positions={"r": Position("e", 5)})
    new = recovery.Track("c", "s", positions={"r": Position("e", 9)})
    shown = recovery.read(new.make_pid(), old.offset().decode())
    assert shown is not None
    assert shown.positions == {"r": Position("e", 9)}


@given(st.none() | st.text() | st.integers() | st.binary().map(lambda b: base64.urlsafe_b64encode(b).decode()))
def test_a_pid_of_somebody_else_is_none_of_ours(pid: Any) -> None:
    assert recovery.read(pid, "x") is None


@given(st.text())
def test_any_offset_leaves_the_positions_of_the_join_or_says_others(offset: str) -> None:
    track = recovery.Track("c", "s", positions={"r": Position("e", 5)})
    shown = recovery.read(track.make_pid(), f"{track.tag};{offset}")
    assert shown is not None
    assert all(position.offset >= 0 for position in shown.positions.values())
