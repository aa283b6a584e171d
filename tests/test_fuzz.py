"""Whatever is sent: no traceback in the log, no task left, no connection but the sender's closed.

The suite spends some seconds here. `BONSAI_FUZZ_EXAMPLES=20000 pytest tests/test_fuzz.py --timeout 0` looks longer.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bonsai_core import logs, protocol
from bonsai_core.testing.server import StartServer, TestServer
from tests.hostile.conftest import Echo
from tests.hostile.raw import BINARY, CONTINUATION, PING, PONG, TEXT, RawPeer, close_frame, frame, text

EXAMPLES = int(os.environ.get("BONSAI_FUZZ_EXAMPLES", "40"))
fuzz = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)

EVENTS = ("echo:say", "echo:raw", "echo:keep", "echo:room", "session:update", "session:state", "session:end", "ping",
          "pong", "user:connect", "user:disconnect", "auth:refresh", "nobody:knows", "")  # fmt: skip

numbers = st.one_of(st.integers(), st.floats(), st.sampled_from([2**53, 2**63, 2**64, -1, 0, 1e308]))
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=30)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)
payloads = st.one_of(
    json_values,
    st.fixed_dictionaries({"text": json_values, "number": json_values, "count": numbers}),
    st.fixed_dictionaries({"patch": st.dictionaries(st.text(max_size=8), json_values, max_size=3)}),
    st.fixed_dictionaries({"token": json_values, "sessionId": json_values, "resume": json_values}),
)
ids = st.one_of(st.integers(-2, 12), st.none(), numbers, st.text(max_size=3))
envelopes = st.fixed_dictionaries(
    {"event": st.one_of(st.sampled_from(EVENTS), json_values)}, optional={"id": ids, "data": payloads}
)
messages = st.one_of(
    envelopes.map(json.dumps),
    st.lists(envelopes, max_size=6).map(json.dumps),
    json_values.map(json.dumps),
    envelopes.map(lambda e: json.dumps(e, ensure_ascii=False)[:-3]),
).map(lambda m: m.encode("utf-8", "surrogatepass"))

opcodes = st.sampled_from([CONTINUATION, TEXT, BINARY, PING, PONG, 3, 8, 11])
wild_frames = st.builds(
    lambda opcode, payload, fin, rsv, mask: frame(opcode, payload, fin=fin, rsv=rsv, mask=mask),
    opcodes,
    st.binary(max_size=140) | messages,
    st.sampled_from([True, True, True, False]),
    st.sampled_from([0] * 9 + [1, 4]),
    st.sampled_from([True] * 9 + [False]),
)
good_frames = st.one_of(
    messages.map(text),
    st.builds(lambda m, a: frame(BINARY, protocol.encode_binary(m, a)), messages, st.binary(max_size=50)),
    st.integers(0, 65_535).map(close_frame),
    st.binary(max_size=125).map(lambda p: frame(PING, p)),
)


class Field:
    """One server for all examples of a test, on a loop of its own, with a bystander who must notice nothing."""

    def __init__(self) -> None:
        self.log = io.StringIO()
        logs.configure(debug=True, stream=self.log)
        self.runner = asyncio.Runner()
        self.start = StartServer()
        self.server: TestServer = self.run(self._begin())
        self._number = 0

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    async def _begin(self) -> TestServer:
        # Between two examples the loop stands still, which is nobody's fault.
        server = await self.start(plugins=[Echo()], close_timeout_ms=50, blocked_loop_ms=60_000)
        self.bystander = await server.connect(user="bystander", session="b", client="b")
        await self.bystander.sync()
        self.before = asyncio.all_tasks()
        return server

    async def attack(self, data: list[bytes], *, upgrade: bool = True, join: bool = False) -> None:
        """Send all of it, then check that nothing has happened to anybody else."""
        self._number += 1
        peer = await RawPeer.open(self.server.server.port)
        if join:
            user = f"u{self._number}"
            await peer.join(self.server.token(user=user), sessionId=user, clientId=user)
        elif upgrade:
            assert await peer.upgrade() == 101
        for part in data:
            await peer.send(part)
        await self.bystander.request("echo:say", {"text": "fine"})
        await peer.close()
        app = self.server.app
        left: set[asyncio.Task[Any]] = set()
        for _ in range(1500):  # aiohttp reads what may remain of a refused request for a second
            left = {t for t in asyncio.all_tasks() - self.before if t.get_name() != "worker"}  # these stay, a few
            left.discard(asyncio.current_task())
            if not left and len(app.connections.all) == 1 and len(app.rooms) == 2 and len(app.sessions) == 1:
                break
            await asyncio.sleep(0.002)
        else:
            raise AssertionError(f"left behind: {left} {app.connections.all} {len(app.rooms)} {len(app.sessions)}")
        written = self.log.getvalue()
        assert "Traceback" not in written, written
        assert "[error" not in written, written
        assert app.plugins.records["echo"].guard.failures.total == 0

    def close(self) -> None:
        self.run(self.start.stop_all())
        self.runner.close()


@pytest.fixture
def field(everything_logged: io.StringIO) -> Any:
    field = Field()
    yield field
    field.close()


def test_no_bytes_before_the_handshake_hurt(field: Field) -> None:
    http = st.builds(
        lambda method, path, headers, body: b"%b %b HTTP/1.1\r\nHost: x\r\n%b\r\n%b" % (method, path, headers, body),
        st.sampled_from([b"GET", b"POST", b"PUT", b"HEAD"]),
        st.sampled_from([b"/ws", b"/healthz", b"/readyz", b"/api/websocket", b"/api/token", b"/metrics", b"/nope"]),
        st.sampled_from(
            [
                b"",
                b"Upgrade: websocket\r\nConnection: upgrade\r\n",
                b"Content-Length: 20\r\n",
                b"Transfer-Encoding: chunked\r\n",
                b"Authorization: Bearer x.y.z\r\n",
            ]
        ),
        st.binary(max_size=60) | messages,
    )

    @fuzz
    @given(st.lists(st.binary(max_size=200) | http, max_size=4))
    def attack(data: list[bytes]) -> None:
        field.run(field.attack(data, upgrade=False))

    attack()


@pytest.mark.parametrize("join", [False, True], ids=["before the join", "after it"])
def test_no_bytes_hurt(field: Field, join: bool) -> None:
    @fuzz
    @given(st.lists(st.binary(max_size=300), max_size=5))
    def attack(data: list[bytes]) -> None:
        field.run(field.attack(data, join=join))

    attack()


@pytest.mark.parametrize("join", [False, True], ids=["before the join", "after it"])
def test_no_frames_hurt(field: Field, join: bool) -> None:
    @fuzz
    @given(st.lists(st.one_of(wild_frames, good_frames), max_size=12))
    def attack(data: list[bytes]) -> None:
        field.run(field.attack(data, join=join))

    attack()


@pytest.mark.parametrize("join", [False, True], ids=["before the join", "after it"])
def test_no_json_hurts(field: Field, join: bool) -> None:
    @fuzz
    @given(st.lists(messages.map(text), max_size=20))
    def attack(data: list[bytes]) -> None:
        field.run(field.attack(data, join=join))

    attack()


@fuzz
@given(st.one_of(st.binary(max_size=300), messages))
def test_decoding_raises_nothing_but_protocol_errors(raw: bytes) -> None:
    for decode in (protocol.decode_text, lambda raw: protocol.decode_binary(raw, 1000)):
        with contextlib.suppress(protocol.ProtocolError):
            decode(raw)
    protocol.canonical(raw)
