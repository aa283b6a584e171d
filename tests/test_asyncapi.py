"""The AsyncAPI document: valid by the official parser, and complete."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bonsai_core import Attachment, Payload, Plugin, Session, asyncapi, on
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
