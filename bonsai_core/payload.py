"""The base of all payload models, and attachments in them."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema
from pydantic.alias_generators import to_camel


class Payload(BaseModel):
    """Base of every payload model: camelCase on the wire, snake_case in Python.

    Unknown fields are ignored on input, NaN and infinity are refused.
    """

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="ignore", allow_inf_nan=False, ser_json_inf_nan="null"
    )


def _attachment_bytes(value: Any) -> Any:
    """Accept an attachment's bytes, base64 text, or a data URL (RFC 2397) with base64."""
    if not isinstance(value, str):
        return value
    if value.startswith("data:"):
        head, comma, value = value.partition(",")
        if not comma or not head.endswith(";base64"):
            raise ValueError("a data URL must be base64")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not base64") from None


class IsAttachment:
    """Marks the payload field that a binary frame's attachment fills."""


#: A payload field that is filled by a binary frame's attachment, or by base64 text or a data URL in JSON.
Attachment = Annotated[
    bytes,
    BeforeValidator(_attachment_bytes),
    WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
    IsAttachment(),
]
