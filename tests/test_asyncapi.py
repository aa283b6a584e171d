"""The AsyncAPI document: valid by the official parser, and complete."""

from __future__ import annotations

import json
import subprocess
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
    assert messages["sketch.drawn.out"]["payload"]["properties"]["data"] == {"$ref": "#/components/schemas/Drawing"}
    assert messages["sketch.clear.in"]["payload"]["properties"]["data"] == {}
    schemas = made["components"]["schemas"]
    assert schemas["Drawing"]["properties"]["points"]["items"] == {"$ref": "#/components/schemas/Point"}
    assert schemas["Point"]["required"] == ["x", "y"]
    assert set(made["operations"]) == {"receive", "send"}
