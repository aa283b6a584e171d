"""The AsyncAPI 3 document of every event that the core and the installed plugins declare."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import structlog
from pydantic import BaseModel
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic.json_schema import models_json_schema

from bonsai_core import notices
from bonsai_core.app import App
from bonsai_core.gate import JoinRequest, RefreshRequest
from bonsai_core.plugins import CORE
from bonsai_core.protocol import SUBPROTOCOL

log = structlog.get_logger("bonsai.asyncapi")

#: Events of the core that are not handled by `core_events`, with their payload models.
_GATE_EVENTS: dict[str, type[BaseModel] | None] = {
    "user:connect": JoinRequest,
    "user:disconnect": None,
    "auth:refresh": RefreshRequest,
}
_GATE_EMITS: dict[str, type[BaseModel] | None] = {
    "user:joined": notices.Joined,
    "user:connect": notices.DeviceChange,
    "user:disconnect": notices.DeviceChange,
    "auth:expiring": notices.Expiring,
    "room:joined": notices.RoomJoined,
    "room:left": notices.RoomLeft,
    "notice:dropped": notices.Dropped,
    "ack": None,
    "error": notices.Failure,
}


@dataclass(frozen=True, slots=True)
class _Event:
    name: str
    plugin: str
    received: bool
    model: Any
    summary: str

    @property
    def key(self) -> str:
        return f"{re.sub(r'[^A-Za-z0-9]+', '.', self.name)}.{'in' if self.received else 'out'}"


def document(app: App) -> dict[str, Any]:
    """The AsyncAPI 3.0 document of this server's events (https://www.asyncapi.com/docs/reference/specification/v3.0.0).

    Operations are named from the server's view: it receives what clients send, and sends what they receive. A schema's
    name begins with its plugin's, for several plugins may have an `Update`.
    """
    events = list(_events(app))
    schemas: dict[str, Any] = {}
    references: dict[tuple[str, Any], dict[str, Any]] = {}
    for plugin in dict.fromkeys(event.plugin for event in events):
        models = [event.model for event in events if event.plugin == plugin]
        for model, reference in _add_schemas(schemas, plugin, models).items():
            references[plugin, model] = reference
    messages = {
        event.key: {
            "name": event.name,
            "title": event.name,
            "summary": event.summary,
            "contentType": "application/json",
            "payload": _envelope(event.name, references.get((event.plugin, event.model), {})),
            "tags": [{"name": event.plugin}],
        }
        for event in events
    }
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
            "receive": _operation("receive", [event.key for event in events if event.received]),
            "send": _operation("send", [event.key for event in events if not event.received]),
        },
        "components": {"messages": messages, "schemas": schemas},
    }


def _events(app: App) -> Iterator[_Event]:
    for name, model in _GATE_EVENTS.items():
        yield _Event(name, CORE, True, model, _first_line(model))
    for name, model in _GATE_EMITS.items():
        yield _Event(name, CORE, False, model, _first_line(model))
    for record in app.plugins.records.values():
        if record.instance is None:
            continue
        for name in record.handles:
            route = app.plugins.routes[name]
            assert route.owner is not None and route.owner.signature is not None
            signature = route.owner.signature
            yield _Event(name, record.name, True, signature.model, _first_line(signature.function))
        for name, emitted in record.emits.items():
            yield _Event(name, record.name, False, emitted, _first_line(emitted))


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


def _add_schemas(schemas: dict[str, Any], plugin: str, models: list[Any]) -> dict[Any, dict[str, Any]]:
    """Add the schemas of a plugin's models, with all that they need; returns a reference to each model's."""
    known = [model for model in dict.fromkeys(models) if isinstance(model, type) and issubclass(model, BaseModel)]
    prefix = re.sub(r"[^A-Za-z0-9_-]+", "_", plugin)
    try:
        found, definitions = models_json_schema(
            [(model, "validation") for model in known], ref_template=f"#/components/schemas/{prefix}.{{model}}"
        )
    except PydanticInvalidForJsonSchema as error:  # the other plugins' payloads are told all the same
        log.warning("payloads of a plugin cannot be described", plugin=plugin, reason=error.message)
        return {}
    schemas.update({f"{prefix}.{name}": schema for name, schema in definitions.get("$defs", {}).items()})
    return {model: dict(reference) for (model, _), reference in found.items()}


def _first_line(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0] if thing is not None else ""


def _version(records: Any) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("bonsai-core")
    except PackageNotFoundError:
        return "0"
