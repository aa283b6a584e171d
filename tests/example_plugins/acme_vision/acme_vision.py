"""An example of a package that replaces bonsai-vision.

It reads pictures of a site that puts a question's words into its PNG files as a comment (a `tEXt` chunk, PNG
specification section 11.3.3), so it needs no OCR.

It passes `bonsai_core.testing.contracts.VisionContract`, which is all that front ends and other plugins rely on.
"""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import BaseModel, model_validator

from bonsai_core import Attachment, ErrorCode, Payload, Plugin, QuestionAnalysis, Refused, Session, on
from bonsai_core.domain import DOMAIN_OF_SKILL, Choice

SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: Words that give a skill away.
WORDS = {
    "Linear equations in one variable": re.compile(r"\d[a-z] [+-] \d+ = \d+"),
    "Transitions": re.compile(r"transition", re.IGNORECASE),
    "Words in Context": re.compile(r"most nearly mean", re.IGNORECASE),
}
CHOICE = re.compile(r"^([A-D])\) (.+)$", re.MULTILINE)


class Analyze(Payload):
    """`question:analyze`."""

    question_id: str | None = None
    text: str = ""
    image: Attachment = b""

    @model_validator(mode="after")
    def _not_empty(self) -> Analyze:
        if not self.text and not self.image:
            raise ValueError("a text or an image is needed")
        return self


class Screenshot(Payload):
    """`extension:screenshot`."""

    extension_id: str
    screenshot: Attachment
    user_id: str | None = None


class Cancel(Payload):
    """`question:cancel`."""

    question_id: str


class Progress(Payload):
    """`question:progress`."""

    question_id: str
    stage: str
    fraction: float


class Analyzed(Payload):
    """`question:analyzed`."""

    question_id: str
    analysis: QuestionAnalysis
    timings: dict[str, float]
    timestamp: int


class Failed(Payload):
    """`question:error`."""

    question_id: str
    code: str
    message: str


class AcmeVision(Plugin):
    """Analyses questions."""

    name = "vision"
    emits: ClassVar[dict[str, type[BaseModel]]] = {
        "question:progress": Progress,
        "question:analyzed": Analyzed,
        "question:error": Failed,
    }

    @on("question:analyze", concurrent=True)
    async def analyze(self, session: Session, request: Analyze) -> None:
        """A client asks."""
        await self._analyze(session, request.question_id, request.text, request.image)

    @on("extension:screenshot", concurrent=True)
    async def screenshot(self, session: Session, shot: Screenshot) -> None:
        """A browser extension asks."""
        if shot.user_id not in (None, session.user):
            raise Refused(ErrorCode.FORBIDDEN, "this is another student's screenshot")
        await self._analyze(session, None, "", shot.screenshot)

    @on("question:cancel")
    async def cancel(self, session: Session, cancel: Cancel) -> None:
        """Nothing takes long enough here to be cancelled."""

    async def _analyze(self, session: Session, question_id: str | None, text: str, image: bytes) -> None:
        began = time.perf_counter()
        question_id = question_id or f"acme-{zlib.crc32(image or text.encode()):08x}"
        await session.notify("question:progress", Progress(question_id=question_id, stage="received", fraction=0.0))
        try:
            text = text or words_of(image)
        except ValueError as error:
            failed = Failed(question_id=question_id, code="unreadable", message=str(error))
            await session.notify("question:error", failed)
            raise Refused(failed.code, failed.message) from None
        timings = {"total": (time.perf_counter() - began) * 1000}
        analyzed = Analyzed(question_id=question_id, analysis=analysis_of(text), timings=timings, timestamp=session.now)
        session.emit("question:analyzed", analyzed)


def words_of(png: bytes) -> str:
    """The comments in a PNG file.

    Raises:
        ValueError: it is none.
    """
    return "\n".join(data.partition(b"\0")[2].decode("latin-1") for kind, data in _chunks(png) if kind == b"tEXt")


def analysis_of(text: str) -> QuestionAnalysis:
    """What the words say."""
    choices = [Choice(key=key, text=words) for key, words in CHOICE.findall(text)]
    found: dict[str, Any] = {"text": text, "stem": CHOICE.sub("", text).strip(), "choices": choices}
    for skill, words in WORDS.items():
        if words.search(text):
            domain = DOMAIN_OF_SKILL[skill]
            found |= {"section": domain.section, "domain": domain.name, "skill": skill}
            break
    return QuestionAnalysis(**found)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not png.startswith(SIGNATURE):
        raise ValueError("the picture is no PNG")
    at = len(SIGNATURE)
    while png[at + 4 : at + 8] != b"IEND":
        length = int.from_bytes(png[at : at + 4], "big")
        chunk = png[at + 4 : at + 8 + length]
        if zlib.crc32(chunk) != int.from_bytes(png[at + 8 + length : at + 12 + length], "big") or not chunk:
            raise ValueError("the PNG is damaged")
        yield chunk[:4], chunk[4:]
        at += 12 + length
