"""Payloads of the `question:*` events and of `extension:screenshot`: camelCase on the wire, times in milliseconds."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from bonsai_core import Attachment, Payload, QuestionAnalysis

Name = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class Analyze(Payload):
    """`question:analyze` from a client: a text or a picture of a question.

    Attributes:
        question_id: what the client calls it; by default a name made from the content.
        image: PNG, JPEG or WebP: the attachment of a binary frame, base64 or a data URL.
        store: keep the picture, where the operator has given a folder for that.
    """

    question_id: Name | None = None
    text: Annotated[str, StringConstraints(max_length=20_000)] = ""
    image: Attachment = b""
    store: bool = False

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if bool(self.text.strip()) == bool(self.image):
            raise ValueError("either a text or an image is needed")
        return self


class Dimensions(Payload):
    """In pixels."""

    width: Annotated[float, Field(ge=0, le=1e6)]
    height: Annotated[float, Field(ge=0, le=1e6)]


class Metadata(Payload):
    """Where a screenshot was taken.

    Attributes:
        timestamp: ms since the epoch, or as the extension writes it.
    """

    url: Annotated[str, StringConstraints(max_length=8192)] = ""
    timestamp: int | float | Annotated[str, StringConstraints(max_length=64)] | None = None
    dimensions: Dimensions | None = None


class Screenshot(Payload):
    """`extension:screenshot` from a browser extension.

    Attributes:
        user_id: if given, whose token it must be.
        question_id: as in `question:analyze`.
        screenshot: PNG, JPEG or WebP, as `image` of `question:analyze`.
        store: as in `question:analyze`.
    """

    extension_id: Name
    screenshot: Annotated[Attachment, Field(min_length=1)]
    user_id: Name | None = None
    question_id: Name | None = None
    metadata: Metadata = Metadata()
    store: bool = False


class Cancel(Payload):
    """`question:cancel` from a client: the analyses of this question that the session has under way."""

    question_id: Name


class Accepted(Payload):
    """The ack of an analysis: it was done, and `question:analyzed` was sent before.

    Attributes:
        cached: the content was analysed before.
        stored: the picture was kept, as was asked for.
    """

    question_id: str
    cached: bool
    stored: bool = False


class Cancelled(Payload):
    """The ack of `question:cancel`: how many analyses were ended."""

    cancelled: int


class Progress(Payload):
    """`question:progress`: sent at once to all devices of the session, not logged.

    Attributes:
        stage: `received`, then each stage that is done.
        fraction: of the whole work.
        partial: what is known so far, such as `text`, `stem` or `section`.
    """

    question_id: str
    stage: str
    fraction: Fraction
    partial: dict[str, Any] | None = None
    extension_id: str | None = None


class Analyzed(Payload):
    """`question:analyzed`: the result, to all devices of the session, logged.

    Attributes:
        timings: milliseconds by stage, and `total` from the request on.
        timestamp: ms since the epoch.
    """

    question_id: str
    analysis: QuestionAnalysis
    timings: dict[str, float]
    timestamp: int
    cached: bool = False
    extension_id: str | None = None


class Failed(Payload):
    """`question:error`: an analysis came to nothing; to all devices of the session, not logged.

    Attributes:
        code: `unsupported_type`, `broken_image`, `too_large`, `too_small`, `overloaded`, `cancelled`, `replaced`,
            `timeout`, `worker_lost`, `out_of_memory`, `failed` or `plugin_unavailable`.
    """

    question_id: str
    code: str
    message: str
    extension_id: str | None = None
