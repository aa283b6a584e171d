"""One bad plugin hurts nobody else: it is named in the log and in health, the others go on, and after its repair a
resent message takes effect once."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog
from pydantic import field_validator

from bonsai_core import App, Event, Payload, Plugin, Session, hookimpl, isolation, on
from bonsai_core.store.base import StoreUnavailable
from bonsai_core.testing import FakeClock, StartProcess, StartServer, TestServer, WireError

#: Everything that `broken` makes it do happens before its effect.
BAD = """
import asyncio, sys, time
from bonsai_core import Plugin, Session, on

class Bad(Plugin):
    name = "bad"
    broken = ""

    @on("bad:do")
    async def do(self, session: Session) -> dict:
        if self.broken == "raises":
            raise RuntimeError("as a bug does")
        elif self.broken == "hangs":
            await asyncio.sleep(3600)
        elif self.broken == "blocks":
            time.sleep(2)
        elif self.broken == "cancels":
            raise asyncio.CancelledError
        elif self.broken == "exits":
            sys.exit("goodbye")
        elif self.broken == "interrupts":
            raise KeyboardInterrupt
        elif self.broken == "swallows":
            for _ in range(200):  # not for ever, should the test fail
                if self.broken:
                    try:
                        await asyncio.sleep(0.05)
                    except asyncio.CancelledError:
                        pass
            return {}
        count = (await session.load("count") or 0) + 1
        session.save("count", count)
        session.emit("bad:done", {"count": count})
        return {"count": count}
"""


class Good(Plugin):
    name = "good"

    @on("good:do")
    async def do(self, session: Session) -> dict[str, int]:
        count = (await session.load("count") or 0) + 1
        session.save("count", count)
        return {"count": count}


@pytest.fixture(autouse=True)
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ignores its cancellation is given up sooner than in production."""
    monkeypatch.setattr(isolation, "GRACE", 0.2)


@pytest.fixture
def log() -> Iterator[list[Mapping[str, Any]]]:
    with structlog.testing.capture_logs() as lines:
        yield lines  # type: ignore[misc]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "bad.py").write_text(BAD)
    return folder


def plugin(server: TestServer, name: str) -> Any:
    return server.app.plugins.records[name].instance


async def health(server: TestServer) -> dict[str, Any]:
    async with aiohttp.ClientSession() as http:
        response = await http.post(f"{server.url}/api/websocket", json={"action": "health"})
        assert response.status == 200
        answer: dict[str, Any] = await response.json()
        return answer


@pytest.mark.parametrize(
    ("broken", "code", "named"),
    [
        ("raises", "handler_failed", "RuntimeError"),
        ("hangs", "handler_timeout", "timed out"),
        ("blocks", None, "blocks the event loop"),
        ("cancels", "handler_failed", "CancelledError"),
        ("exits", "handler_failed", "SystemExit"),
        ("interrupts", "handler_failed", "KeyboardInterrupt"),
    ],
)
async def test_a_broken_handler_is_named_and_hurts_nobody_else(
    bonsai_server: StartServer,
    folder: Path,
    log: list[Mapping[str, Any]],
    broken: str,
    code: str | None,
    named: str,
) -> None:
    server = await bonsai_server([Good()], plugins_dir=folder, only=["bad"], handler_timeout_ms=300, breaker_failures=0)
    victim = await server.connect(user="victim", session="s1", client="c1")
    bystander = await server.connect(user="other", session="s2", client="c2")
    plugin(server, "bad").broken = broken
    await victim.send("bad:do", id=1)
    assert await bystander.request("good:do") == {"count": 1}
    if code is None:
        assert await victim.answer(1) == {"count": 1}
    else:
        with pytest.raises(WireError) as refused:
            await victim.answer(1)
        assert refused.value.code == code
        assert "as a bug does" not in str(refused.value.frame)
    failure = next(line for line in log if line["event"] == "plugin failed")
    assert failure["plugin"] == "bad"
    assert named in failure["failure"]
    state = (await health(server))["plugins"]
    assert state["bad"]["failures"] == 1
    assert named in state["bad"]["lastFailure"]
    assert state["good"]["failures"] == 0
    assert await victim.request("good:do", id=2) == {"count": 1}, "the same connection goes on"

    plugin(server, "bad").broken = ""
    assert await victim.request("bad:do", id=1) == {"count": 1}, "the resend after the repair takes effect"
    assert await victim.request("bad:do", id=1) == {"count": 1}, "once"
    await victim.sync()
    assert len(victim.of("bad:done")) == 1


async def test_a_handler_that_swallows_its_cancellation_is_abandoned(
    bonsai_server: StartServer, folder: Path, log: list[Mapping[str, Any]]
) -> None:
    server = await bonsai_server([Good()], plugins_dir=folder, only=["bad"], handler_timeout_ms=100)
    victim = await server.connect(client="c1")
    same_session = await server.connect(client="c2")
    plugin(server, "bad").broken = "swallows"
    await victim.send("bad:do", id=1)
    assert await same_session.request("good:do") == {"count": 1}, "the session's turn is freed"
    assert await victim.closed() == 1011
    assert any(line.get("plugin") == "bad" and "abandoned" in line.get("failure", "") for line in log)
    await same_session.recv("user:disconnect")
    again = await server.connect(client="c1", resume=victim.positions)
    plugin(server, "bad").broken = ""
    assert await again.request("bad:do", id=1) == {"count": 1}
    await asyncio.sleep(0.1)  # the abandoned call comes back now, and must change nothing
    assert await again.request("bad:do", id=1) == {"count": 1}
    assert await again.request("bad:do", id=2) == {"count": 2}


async def test_a_concurrent_handler_that_hangs_for_good_is_answered_and_can_be_resent(
    bonsai_server: StartServer,
) -> None:
    class Slow(Plugin):
        name = "slow"
        hangs = True

        @on("slow:do", concurrent=True)
        async def do(self, session: Session) -> dict[str, int]:
            for _ in range(200):
                if self.hangs:
                    with contextlib.suppress(asyncio.CancelledError):
                        await asyncio.sleep(0.05)
            session.append("done", 1)
            return {"done": 1}

    slow = Slow()
    server = await bonsai_server([slow, Good()], handler_timeout_ms=100, breaker_failures=0)
    device = await server.connect()
    with pytest.raises(WireError) as refused:
        await device.request("slow:do", id=1)
    assert refused.value.code == "handler_timeout"
    assert await device.request("good:do", id=2) == {"count": 1}, "the connection goes on"
    slow.hangs = False
    assert await device.request("slow:do", id=1) == {"done": 1}
    await asyncio.sleep(0.1)
    await device.sync()
    assert len(device.of("ack")) == 2, "the abandoned call has come back and says nothing"


async def test_a_plugin_that_hangs_for_good_does_not_keep_the_process_from_stopping(
    bonsai_process: StartProcess, folder: Path
) -> None:
    source = BAD.replace('broken = ""', 'broken = "swallows"').replace("range(200)", "range(10**9)")
    (folder / "bad.py").write_text(source)
    server = await bonsai_process(plugins_dir=folder, plugins=["bad"], handler_timeout_ms=100, close_timeout_ms=200)
    victim = await server.connect()
    await victim.send("bad:do", id=1)
    assert await victim.closed() == 1011
    assert await server.terminate(15) == 0
    assert "plugin=bad" in server.logs.replace(" ", "").replace("\x1b", "")


async def test_every_way_to_fail_at_import_is_survived(
    bonsai_server: StartServer, folder: Path, log: list[Mapping[str, Any]]
) -> None:
    broken = {
        "raises": "raise RuntimeError('no')",
        "missing": "import a_module_that_nobody_has",
        "syntax": "def (:",
        "exits": "import sys; sys.exit(3)",
        "cancels": "import asyncio; raise asyncio.CancelledError",
        "two": "from bonsai_core import Plugin\nclass A(Plugin): name='a'\nclass B(Plugin): name='b'",
        "constructor": "from bonsai_core import Plugin\nclass C(Plugin):\n    def __init__(self): 1/0",
        "handler": "from bonsai_core import Plugin, on\nclass D(Plugin):\n    @on('d:d')\n    def d(self): ...",
        "hook": "from bonsai_core import hookimpl\n@hookimpl\ndef on_event(sesion, event): ...",
        "unknown_hook": "from bonsai_core import hookimpl\n@hookimpl\ndef on_evnt(session): ...",
        "wrapper": "import pluggy\n@pluggy.HookimplMarker('bonsai')(wrapper=True)\ndef on_event(event):\n    yield",
        "greedy": "from bonsai_core import Plugin, on\nclass G(Plugin):\n    @on('session:x')\n    def d(self, s): ...",
    }
    for name, source in broken.items():
        (folder / f"{name}.py").write_text(source)
    server = await bonsai_server(plugins_dir=folder)
    device = await server.connect()
    assert await device.request("bad:do") == {"count": 1}
    plugins = (await health(server))["plugins"]
    for name in broken:
        assert plugins[name]["status"] == "failed", name
        assert plugins[name]["error"]
        line = next(line for line in log if line.get("plugin") == name)
        assert line["event"] == "plugin failed to load"
        assert f"BONSAI_PLUGINS_DISABLED={name}" in line["remedy"]


class Odd(Payload):
    value: int

    @field_validator("value")
    @classmethod
    def check(cls, value: int) -> int:
        return {1: 1}[value]  # a KeyError, which pydantic lets through


async def _never(request: object) -> None:
    raise AssertionError


class Hooked(Plugin):
    """Implements every hook; `broken` names the one that fails, `how` says in which way."""

    name = "hooked"

    def __init__(self, broken: str, how: str = "raises") -> None:
        self.broken = broken
        self.how = how
        self.done: list[str] = []

    async def _do(self, hook: str) -> None:
        if hook == self.broken:
            if self.how == "raises":
                raise RuntimeError(hook)
            if self.how == "hangs":
                await asyncio.sleep(3600)
            for _ in range(500):  # not for ever, should the test fail
                if self.how == "swallows":
                    with contextlib.suppress(asyncio.CancelledError):
                        await asyncio.sleep(0.02)
        self.done.append(hook)

    @hookimpl(tryfirst=True)
    async def on_startup(self, app: App) -> None:
        await self._do("on_startup")

    @hookimpl(tryfirst=True)
    async def on_shutdown(self, app: App) -> None:
        await self._do("on_shutdown")

    @hookimpl(tryfirst=True)
    async def on_connect(self, session: Session) -> None:
        await self._do("on_connect")

    @hookimpl(tryfirst=True)
    async def on_disconnect(self, session: Session, reason: str) -> None:
        await self._do("on_disconnect")

    @hookimpl(tryfirst=True)
    async def on_event(self, session: Session, event: Event) -> None:
        await self._do("on_event")

    @hookimpl(tryfirst=True)
    async def on_session_end(self, session: Session) -> dict[str, int]:
        await self._do("on_session_end")
        return {"hooked": 1}

    @hookimpl(tryfirst=True)
    async def check_health(self, app: App) -> None:
        await self._do("check_health")

    @hookimpl(tryfirst=True)
    async def find_question(self, question_id: str) -> None:
        await self._do("find_question")

    @hookimpl(tryfirst=True)
    def add_routes(self, app: App) -> None:
        if self.broken == "add_routes":
            app.add_route("GET", "/healthz", _never)  # taken
            app.add_route("GET", "no slash", _never)
            raise SystemExit


class Next(Plugin):
    """Comes after `Hooked` in every hook, and writes down that it was called."""

    name = "next"

    def __init__(self) -> None:
        self.done: list[str] = []

    @hookimpl
    def on_startup(self) -> None:
        self.done.append("on_startup")

    @hookimpl
    def on_shutdown(self) -> None:
        self.done.append("on_shutdown")

    @hookimpl
    def on_connect(self, session: Session) -> None:
        self.done.append("on_connect")

    @hookimpl
    def on_disconnect(self, session: Session) -> None:
        self.done.append("on_disconnect")

    @hookimpl
    def on_event(self, event: Event) -> None:
        self.done.append("on_event")

    @hookimpl
    def on_session_end(self, session: Session) -> dict[str, int]:
        self.done.append("on_session_end")
        return {"next": 1}

    @hookimpl
    def check_health(self) -> None:
        self.done.append("check_health")

    @hookimpl
    def find_question(self, question_id: str) -> None:
        self.done.append("find_question")

    @hookimpl
    def add_routes(self, app: App) -> None:
        self.done.append("add_routes")


HOOKS = (
    "add_routes",
    "check_health",
    "find_question",
    "on_connect",
    "on_disconnect",
    "on_event",
    "on_session_end",
    "on_shutdown",
    "on_startup",
)


@pytest.mark.parametrize(
    ("broken", "how"),
    [
        (hook, how)
        for hook in HOOKS
        for how in ("raises", "hangs", "swallows")
        if hook != "add_routes" or how == "raises"
    ],
)
async def test_a_hook_that_fails_keeps_no_other_plugin_from_its_turn(
    bonsai_server: StartServer, log: list[Mapping[str, Any]], broken: str, how: str
) -> None:
    hooked, following = Hooked(broken, how), Next()
    # The end of a session waits for every plugin's part, each within half of the deadline and the grace.
    timeout_ms = 900 if broken == "on_session_end" else 100
    async with asyncio.timeout(20):
        server = await bonsai_server([hooked, following, Good()], handler_timeout_ms=timeout_ms, breaker_failures=0)
        device = await server.connect()
        await device.send("good:do", id=1)
        if broken == "on_event" and how == "swallows":
            assert await device.closed() == 1011
            device = await server.connect(client="c2")
            hooked.how = ""
        else:
            assert await device.answer(1) == {"count": 1}
        ended = await device.request("session:end", {}, id=2)
        assert ended["summary"]["next"] == {"next": 1}
        answer = await health(server)
        assert answer["ready"], "one bad plugin does not close the server"
        assert ("error" in answer["plugins"]["hooked"]) is (broken == "check_health")
        assert await server.app.find_question("q") is None
        await device.close()
        await server.stop()
    hooked.how = ""
    await asyncio.sleep(0.05)  # what was abandoned may end now
    assert set(following.done) == set(HOOKS)
    assert any(line.get("plugin") == "hooked" for line in log)


async def test_a_failing_access_check_lets_nobody_in(bonsai_server: StartServer) -> None:
    class Check(Plugin):
        name = "check"
        broken = True

        @hookimpl
        async def validate_user(self, user: str, claims: Mapping[str, Any]) -> bool | None:
            if self.broken:
                raise RuntimeError
            return None

    check = Check()
    server = await bonsai_server([check])
    device = await server.connect(join=False)
    with pytest.raises(WireError) as refused:
        await device.join(token=server.token())
    assert refused.value.code == "plugin_unavailable"
    assert await device.closed() == 1013, "come back later"
    check.broken = False
    assert (await server.connect()).joined


async def test_a_plugin_that_keeps_failing_rests_and_comes_back(
    bonsai_server: StartServer, folder: Path, fake_clock: FakeClock, log: list[Mapping[str, Any]]
) -> None:
    server = await bonsai_server(
        [Good()], plugins_dir=folder, only=["bad"], clock=fake_clock, breaker_failures=3, breaker_rest_ms=30_000
    )
    device = await server.connect()
    plugin(server, "bad").broken = "raises"
    codes, wait = [], 0
    for number in range(1, 6):
        with pytest.raises(WireError) as refused:
            await device.request("bad:do", id=number)
        codes.append(refused.value.code)
        wait = refused.value.data.get("retryAfterMs", 0)
    assert codes == ["handler_failed"] * 3 + ["plugin_unavailable"] * 2
    assert 0 < wait <= 30_001
    assert (await health(server))["plugins"]["bad"]["status"] == "resting"
    assert any(line["event"] == "plugin rests" and line["plugin"] == "bad" for line in log)
    assert await device.request("good:do") == {"count": 1}

    fake_clock.advance(31)
    with pytest.raises(WireError) as refused:
        await device.request("bad:do", id=4)
    assert refused.value.code == "handler_failed", "one try, and it rests again"
    with pytest.raises(WireError) as refused:
        await device.request("bad:do", id=4)
    assert refused.value.code == "plugin_unavailable"

    fake_clock.advance(31)
    plugin(server, "bad").broken = ""
    for number in (1, 4, 5):
        await device.request("bad:do", id=number)
    assert await device.request("bad:do", id=9) == {"count": 4}
    assert (await health(server))["plugins"]["bad"]["status"] == "loaded"


async def test_refusals_are_answers_and_rest_nobody(bonsai_server: StartServer) -> None:
    from bonsai_core import Refused

    class Strict(Plugin):
        name = "strict"

        @on("strict:do")
        async def do(self, session: Session) -> None:
            raise Refused("not_now", "later", retry_after_ms=5)

    server = await bonsai_server([Strict()], breaker_failures=1)
    device = await server.connect()
    for _ in range(3):
        with pytest.raises(WireError) as refused:
            await device.request("strict:do")
        assert refused.value.data == {"code": "not_now", "message": "later", "retryAfterMs": 5}


async def test_a_store_that_is_away_is_not_the_plugins_fault(
    bonsai_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await bonsai_server([Good()], breaker_failures=1)
    device = await server.connect()

    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("gone fishing")

    with monkeypatch.context() as patch:
        patch.setattr(server.app.store, "load", away)
        with pytest.raises(WireError) as refused:
            await device.request("good:do", id=1)
    assert refused.value.code == "overloaded"
    assert refused.value.data["retryAfterMs"] > 0
    assert (await health(server))["plugins"]["good"]["failures"] == 0
    assert await device.request("good:do", id=1) == {"count": 1}


async def test_a_payload_model_that_fails_in_its_own_way_is_its_plugins_failure(
    bonsai_server: StartServer, log: list[Mapping[str, Any]]
) -> None:
    class Modelled(Plugin):
        name = "modelled"

        @on("modelled:do")
        async def do(self, session: Session, odd: Odd) -> int:
            return odd.value

    server = await bonsai_server([Modelled(), Good()])
    device = await server.connect()
    with pytest.raises(WireError) as refused:
        await device.request("modelled:do", {"value": 2})
    assert refused.value.code == "handler_failed"
    assert any(line.get("plugin") == "modelled" for line in log)
    assert await device.request("modelled:do", {"value": 1}) == 1
    assert await device.request("good:do") == {"count": 1}


@pytest.mark.parametrize("details", [["a list"], "text", 1, {"odd": object()}, {"ready": "maybe"}])
async def test_health_works_whatever_a_plugin_says_of_itself(bonsai_server: StartServer, details: Any) -> None:
    class Chatty(Plugin):
        name = "chatty"

        @hookimpl
        def check_health(self) -> Any:
            return details

    server = await bonsai_server([Chatty(), Good()])
    answer = await health(server)
    assert answer["plugins"]["good"]["status"] == "loaded"
    assert "chatty" in answer["plugins"]


async def test_a_blocked_loop_of_nobody_is_reported_without_blame(
    bonsai_server: StartServer, log: list[Mapping[str, Any]]
) -> None:
    await bonsai_server(blocked_loop_ms=100)
    time.sleep(0.4)  # noqa: ASYNC251 - that is the point
    assert any(line["event"] == "event loop blocked" for line in log)
