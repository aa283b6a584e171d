"""An example of a plugin that replaces a stage of bonsai-vision, in a single file: its OCR spells as Americans do.

The server imports this file for the plugin, the worker processes for the stage, so what is heavy is imported by the
stage alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from bonsai_core import Plugin, QuestionAnalysis, hookimpl
from bonsai_core.domain import Insight

SPELLING = {"colour": "color", "centre": "center", "metres": "meters", "analyse": "analyze"}


class AmericanOcr(Plugin):
    """Names its stage, and adds to what is said about a question."""

    name = "american_ocr"

    @hookimpl(optionalhook=True)
    def ocr(self) -> str:
        """What reads lines, in the workers."""
        return f"{__file__}:Engine"

    @hookimpl(optionalhook=True)
    def insights(self, analysis: QuestionAnalysis) -> list[Insight]:
        """A piece of advice, in the server."""
        words = [word for word in SPELLING.values() if word in analysis.text]
        return [Insight(kind="spelling", text=f"Spelled the American way: {', '.join(words)}.")] if words else []


class Engine:
    """The stage: reads as bonsai-vision does, then changes the spelling. Made once in each worker."""

    def __init__(self) -> None:
        from bonsai_vision.ocr import Reader

        self._reader = Reader()

    def __call__(self, scan: Any, segments: Sequence[Any], tick: Callable[[int, Any], None]) -> list[Any]:
        from bonsai_vision.ocr import Text

        texts = []
        for number, segment in enumerate(segments):
            read = self._reader.read_one(scan, segment)
            text = re.sub(r"\w+", lambda word: SPELLING.get(word[0], word[0]), read.text)
            texts.append(Text(text, read.confidence))
            tick(number, texts[-1])
        return texts
