"""The contract of vision plugins: the example of another package keeps it, and whoever breaks it is found out."""

from __future__ import annotations

import importlib.util
import inspect
import itertools
import struct
import sys
import zlib
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bonsai_core import Plugin, Session, on
from bonsai_core.testing import StartServer
from bonsai_core.testing.contracts import VisionContract, blank_png

EXAMPLE = Path(__file__).parent / "example_plugins" / "acme_vision" / "acme_vision.py"


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("acme_vision", EXAMPLE)
    assert spec is not None and spec.loader is not None
    module = sys.modules["acme_vision"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


acme = _load()


def with_words(png: bytes, words: str) -> bytes:
    """The picture with a comment in it."""
    data = b"tEXtComment\0" + words.encode("latin-1")
    chunk = struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))
    return png[:33] + chunk + png[33:]


class TestAcmeVision(VisionContract):
    @pytest.fixture
    def plugin(self) -> Plugin:
        return acme.AcmeVision()  # type: ignore[no-any-return]

    @pytest.fixture
    def screenshot(self) -> bytes:
        return with_words(blank_png(), "If 3x + 7 = 22, what is x?\nA) 3\nB) 5")

    async def test_it_reads_what_the_picture_says(
        self, bonsai_server: StartServer, plugin: Plugin, screenshot: bytes, ids: Iterator[int]
    ) -> None:
        server = await self.start(bonsai_server, plugin)
        analysis = (await self.analyze(await server.connect(), next(ids), attachment=screenshot))["analysis"]
        assert (analysis["stem"], len(analysis["choices"])) == ("If 3x + 7 = 22, what is x?", 2)
        assert analysis["skill"] == "Linear equations in one variable"


def breaks(change: Callable[[str, dict[str, Any]], tuple[str, dict[str, Any]] | None]) -> type[Plugin]:
    """The example, but what it emits and notifies passes `change(event, data)`, which may drop it (None)."""

    class Broken(acme.AcmeVision):  # type: ignore[misc,name-defined]
        async def _analyze(self, session: Session, *asked: Any) -> None:
            await super()._analyze(Changed(session), *asked)

    class Changed:
        def __init__(self, session: Session) -> None:
            self._session = session
            self.now = session.now

        def emit(self, event: str, payload: Any) -> None:
            if (
                changed := change(event, payload.model_dump(mode="json", by_alias=True, exclude_none=True))
            ) is not None:
                self._session.emit(*changed)

        async def notify(self, event: str, payload: Any) -> None:
            if (
                changed := change(event, payload.model_dump(mode="json", by_alias=True, exclude_none=True))
            ) is not None:
                await self._session.notify(*changed)

    return Broken


def _without_progress(event: str, data: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    return None if event == "question:progress" else (event, data)


def _other_name(event: str, data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return event, data | ({"questionId": "other"} if event == "question:analyzed" else {})


def _too_far(event: str, data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return event, data | ({"fraction": 7.0} if event == "question:progress" else {})


def _gives_away(event: str, data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if event == "question:analyzed":
        data["analysis"]["answers"] = ["B"]
    return event, data


def _mixes_labels(event: str, data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if event == "question:analyzed":
        data["analysis"] |= {"section": "Math", "domain": "Algebra", "skill": "Transitions"}
    return event, data


def _no_error(event: str, data: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    return None if event == "question:error" else (event, data)


class Unlogged(acme.AcmeVision):  # type: ignore[misc,name-defined]
    async def _analyze(self, session: Session, *asked: Any) -> None:
        class Changed:
            now = session.now
            notify = session.notify

            def emit(self, event: str, payload: Any) -> None:
                session.reply(event, payload)

        await super()._analyze(Changed(), *asked)


class Everybody(acme.AcmeVision):  # type: ignore[misc,name-defined]
    @on("extension:screenshot", concurrent=True)
    async def screenshot(self, session: Session, shot: acme.Screenshot) -> None:  # type: ignore[name-defined]
        await self._analyze(session, None, "", shot.screenshot)


class Fragile(acme.AcmeVision):  # type: ignore[misc,name-defined]
    async def _analyze(self, session: Session, name: str | None, text: str, image: bytes) -> None:
        if image and not image.startswith(acme.SIGNATURE):
            raise ZeroDivisionError
        await super()._analyze(session, name, text, image)


class WithoutCancel(Plugin):
    name = "vision"
    emits = acme.AcmeVision.emits

    def __init__(self) -> None:
        self._acme = acme.AcmeVision()

    @on("question:analyze")
    async def analyze(self, session: Session, request: acme.Analyze) -> None:  # type: ignore[name-defined]
        await self._acme.analyze(session, request)


BROKEN: dict[str, tuple[type[Plugin], str]] = {
    "shows no progress": (breaks(_without_progress), "test_a_text_is_analysed"),
    "renames questions": (breaks(_other_name), "test_a_text_is_analysed"),
    "counts beyond the end": (breaks(_too_far), "test_a_text_is_analysed"),
    "gives the answer away": (breaks(_gives_away), "test_a_text_is_analysed"),
    "mixes labels": (breaks(_mixes_labels), "test_a_question_without_a_name_gets_one"),
    "tells devices no error": (breaks(_no_error), "test_what_is_no_picture_is_refused_and_nothing_breaks"),
    "tells the sender alone": (Unlogged, "test_all_devices_of_the_session_and_nobody_else_get_the_result"),
    "is not observable": (Unlogged, "test_other_plugins_observe_the_result"),
    "takes anybody's screenshot": (Everybody, "test_an_extensions_screenshot_is_analysed"),
    "fails at junk": (Fragile, "test_what_is_no_picture_is_refused_and_nothing_breaks"),
    "cannot be cancelled": (WithoutCancel, "test_cancelling_is_answered"),
}


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_plugin_that_breaks_the_contract_is_found_out(fault: str, bonsai_server: StartServer) -> None:
    plugin, check = BROKEN[fault]
    contract = VisionContract()
    contract.timeout = 1.0
    run: Callable[..., Awaitable[None]] = getattr(contract, check)
    given = {
        "bonsai_server": bonsai_server,
        "plugin": plugin(),
        "screenshot": blank_png(),
        "ids": itertools.count(1),
    }
    needed = inspect.signature(run).parameters
    with pytest.raises((AssertionError, TimeoutError, pytest.fail.Exception)):
        await run(**{name: value for name, value in given.items() if name in needed})
