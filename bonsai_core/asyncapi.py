"""The AsyncAPI 3 document of every event that the core and the installed plugins declare."""

from __future__ import annotations

import inspect
import re
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from bonsai_core.app import App
from bonsai_core.gate import JoinRequest, RefreshRequest
from bonsai_core.plugins import CORE
from bonsai_core.protocol import SUBPROTOCOL

_REF = "#/components/schemas/{model}"

#: Events of the core that are not handled by `core_events`, with their payload models.
_GATE_EVENTS: dict[str, type[BaseModel] | None] = {
    "user:connect": JoinRequest,
    "user:disconnect": None,
    "auth:refresh": RefreshRequest,
}
_GATE_EMITS = (
    "user:joined",
    "user:connect",
    "user:disconnect",
    "auth:expiring",
    "room:joined",
    "room:left",
    "notice:dropped",
    "ack",
    "error",
)


def document(app: App) -> dict[str, Any]:
    """The AsyncAPI 3.0 document of this server's events (https://www.asyncapi.com/docs/reference/specification/v3.0.0).

    Operations are named from the server's view: it receives what clients send, and sends what they receive.
    """
    schemas: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    receive: list[str] = []
    send: list[str] = []

    def add(event: str, model: Any, plugin: str, direction: list[str], summary: str) -> None:
        key = f"{re.sub(r'[^A-Za-z0-9]+', '.', event)}.{'in' if direction is receive else 'out'}"
        messages[key] = {
            "name": event,
            "title": event,
            "summary": summary,
            "contentType": "application/json",
            "payload": _envelope(event, _schema(model, schemas)),
            "tags": [{"name": plugin}],
        }
        direction.append(key)

    for event, model in _GATE_EVENTS.items():
        add(event, model, CORE, receive, _first_line(model))
    for event in _GATE_EMITS:
        add(event, None, CORE, send, "")
    for record in app.plugins.records.values():
        if record.instance is None:
            continue
        for event in record.handles:
            route = app.plugins.routes[event]
            assert route.owner is not None and route.owner.signature is not None
            signature = route.owner.signature
            add(event, signature.model, record.name, receive, _first_line(signature.function))
        for event, emitted in record.emits.items():
            add(event, emitted, record.name, send, _first_line(emitted))
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Bonsai Real-Time",
            "version": _version(app.plugins.records.values()),
            "description": "Events over one WebSocket; see the protocol page for frames and close codes.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "this": {
                "host": f"{app.settings.websocket_host}:{app.settings.websocket_port}",
                "protocol": "ws",
                "pathname": "/ws",
                "description": f"WebSocket subprotocol {SUBPROTOCOL}",
            }
        },
        "channels": {
            "socket": {
                "address": "/ws",
                "messages": {key: {"$ref": f"#/components/messages/{key}"} for key in messages},
            }
        },
        "operations": {
            "receive": _operation("receive", receive),
            "send": _operation("send", send),
        },
        "components": {"messages": messages, "schemas": schemas},
    }


def _operation(action: str, keys: list[str]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": "#/channels/socket"},
        "messages": [{"$ref": f"#/channels/socket/messages/{key}"} for key in keys],
    }


def _envelope(event: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["event"],
        "properties": {"event": {"const": event}, "id": {"type": "integer", "minimum": 1}, "data": data},
    }


def _schema(model: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    """A reference to the model's schema, which is added to `schemas` with all that it needs."""
    if model is None:
        return {}
    if isinstance(model, type) and issubclass(model, BaseModel):
        _, definitions = models_json_schema([(model, "validation")], ref_template=_REF)
        schemas.update(definitions.get("$defs", {}))
        if model.__name__ not in schemas:
            schemas[model.__name__] = model.model_json_schema(ref_template=_REF)
        return {"$ref": _REF.format(model=model.__name__)}
    return TypeAdapter(model).json_schema(ref_template=_REF, schema_generator=GenerateJsonSchema)


def _first_line(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0] if thing is not None else ""


def _version(records: Any) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("bonsai-core")
    except PackageNotFoundError:
        return "0"
