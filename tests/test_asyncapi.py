"""The AsyncAPI document: valid by the official parser, and complete."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bonsai_core import Attachment, Payload, Plugin, Session, asyncapi, hookimpl, notices, on
from bonsai_core.testing import StartServer, WireError
from bonsai_core.testing.server import make_app

NODE = Path(__file__).parent / "node"
#: Severities of the parser's findings: 0 error, 1 warning, 2 information, 3 hint.
WARNING = 1


class Point(Payload):
    """A place on a figure."""

    x: float
    y: float


class Drawing(Payload):
    """A figure with an optional picture."""

    points: list[Point]
    picture: Attachment | None = None


class Sketch(Plugin):
    name = "sketch"
    emits = {"sketch:drawn": Drawing}

    @on("sketch:draw")
    async def draw(self, session: Session, drawing: Drawing) -> None:
        """Draw a figure."""

    @on("sketch:clear")
    async def clear(self, session: Session) -> None:
        """Remove the figure."""


def document() -> dict[str, Any]:
    app = make_app()
    app.plugins.add(Sketch())
    app.plugins.discover()
    return asyncapi.document(app)


def test_the_official_parser_finds_nothing_wrong() -> None:
    done = subprocess.run(
        ["node", "validate.mjs"], cwd=NODE, input=json.dumps(document()), capture_output=True, text=True, check=True
    )
    result = json.loads(done.stdout)
    assert result["valid"]
    assert [f for f in result["findings"] if f["severity"] <= WARNING] == []


def test_every_event_is_there_with_the_shape_of_its_payload() -> None:
    made = document()
    messages = made["components"]["messages"]
    assert messages["sketch.draw.in"]["summary"] == "Draw a figure."
    assert messages["sketch.drawn.out"]["payload"]["properties"]["data"] == {
        "$ref": "#/components/schemas/sketch.Drawing"
    }
    assert messages["sketch.clear.in"]["payload"]["properties"]["data"] == {}
    schemas = made["components"]["schemas"]
    assert schemas["sketch.Drawing"]["properties"]["points"]["items"] == {"$ref": "#/components/schemas/sketch.Point"}
    assert schemas["sketch.Point"]["required"] == ["x", "y"]
    assert set(made["operations"]) == {"receive", "send"}


def test_models_of_the_same_name_stay_apart() -> None:
    app = make_app()
    app.plugins.discover()
    made = asyncapi.document(app)
    schemas = made["components"]["schemas"]
    updates = {key: made["components"]["messages"][key] for key in ("session.update.in", "analytics.update.out")}
    references = {key: message["payload"]["properties"]["data"]["$ref"] for key, message in updates.items()}
    fields = {key: set(schemas[ref.rpartition("/")[2]]["properties"]) for key, ref in references.items()}
    assert fields["session.update.in"] == {"patch", "version"}
    assert "currentSession" in fields["analytics.update.out"]


class Rooms(Plugin):
    name = "rooms"

    @hookimpl
    async def authorize_room(self, session: Session, room: str, owner: str) -> bool:
        return True

    @on("rooms:join")
    async def enter(self, session: Session) -> None:
        """Join a room and leave it."""
        await session.join("class:7b")
        await session.leave("class:7b")


def keys(data: Any) -> Any:
    """The keys of a payload, however deep; those of mappings by name are the values' own."""
    if isinstance(data, list):
        return [keys(data[0])]
    return {name: keys(value) for name, value in data.items()} if isinstance(data, dict) else None


async def test_the_cores_own_frames_have_the_fields_that_the_document_says(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Rooms()], token_expiring_s=3600)
    phone = await server.connect(client="phone")
    laptop = await server.connect(client="laptop")
    await laptop.request("rooms:join")
    with pytest.raises(WireError):
        await laptop.request("session:update", {"patch": 1})
    await phone.recv("auth:expiring")
    await laptop.close()
    await phone.recv("user:disconnect")
    told: list[tuple[dict[str, Any], type[Payload]]] = [
        (phone.of("user:joined")[0], notices.Joined),
        (phone.of("user:connect")[0], notices.DeviceChange),
        (phone.of("user:disconnect")[0], notices.DeviceChange),
        (phone.of("auth:expiring")[0], notices.Expiring),
        (laptop.of("room:joined")[0], notices.RoomJoined),
        (laptop.of("room:left")[0], notices.RoomLeft),
        (laptop.of("error")[0], notices.Failure),
    ]
    for frame, model in told:
        read = model.model_validate(frame["data"]).model_dump(by_alias=True, exclude_none=True)
        assert keys(read) == keys(frame["data"]), frame["event"]


class Given(Payload):
    call: Callable[[], None]


class Odd(Plugin):
    name = "odd"

    @on("odd:call")
    async def call(self, session: Session, given: Given) -> None:
        """Nothing that JSON can say."""


def test_a_plugin_whose_payloads_have_no_schema_hides_nobody_elses() -> None:
    app = make_app()
    app.plugins.add(Sketch())
    app.plugins.add(Odd())
    messages = asyncapi.document(app)["components"]["messages"]
    assert messages["odd.call.in"]["payload"]["properties"]["data"] == {}
    assert messages["sketch.drawn.out"]["payload"]["properties"]["data"]
