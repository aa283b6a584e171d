"""What the worker processes run: the pipeline with its models loaded, and with the stages that other packages bring."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from bonsai_vision.match import Matcher
from bonsai_vision.picture import Limits, PictureError
from bonsai_vision.pipeline import Stages, analyze_image, analyze_text
from bonsai_vision.worker import Progress, TaskError, load

log = logging.getLogger("bonsai.vision")


class Reading:
    """The task of the pool.

    Args:
        stages: by stage (`ocr`, `classify`), the import path of the factory that replaces ours.
        max_bytes, max_pixels: of a picture.
    """

    def __init__(self, stages: Mapping[str, str], max_bytes: int, max_pixels: int) -> None:
        self._limits = Limits(max_bytes=max_bytes, max_pixels=max_pixels)
        own = Stages()
        ours: dict[str, Callable[[], Any]] = {"ocr": own.read, "classify": own.labels}
        brought = {name: _brought(name, path, ours[name]) for name, path in stages.items()}
        self._stages = Stages(**brought)
        self._stages.warm_up()
        self._bank: Matcher | None = None
        analyze_image(_sample(), limits=self._limits, stages=self._stages)  # the first time takes longer

    def configure(self, data: bytes) -> None:
        """Take the questions that can be recognised: JSON, as `known.collect` makes it."""
        self._bank = Matcher(json.loads(data))

    def __call__(self, request: Mapping[str, Any], data: bytes, progress: Progress) -> dict[str, Any]:
        """Analyse a picture, or a text as UTF-8, as `request["kind"]` says.

        Returns:
            `{"analysis", "timings"}`.

        Raises:
            TaskError: the picture cannot be read.
        """
        options: dict[str, Any] = {
            "limits": self._limits,
            "progress": progress,
            "bank": self._bank,
            "stages": self._stages,
        }
        try:
            if request["kind"] == "image":
                analysis, timings = analyze_image(data, **options)
            else:
                analysis, timings = analyze_text(data.decode(), **options)
        except PictureError as error:
            raise TaskError(error.code, error.message) from None
        # Sums of rounded probabilities may be a hair above 1.
        analysis.confidence = {name: min(max(sure, 0.0), 1.0) for name, sure in analysis.confidence.items()}
        return {"analysis": analysis.model_dump(mode="json", by_alias=True, exclude_none=True), "timings": timings}


def _brought(name: str, path: str, own: Callable[[], Any]) -> Any:
    """Another package's stage, behind which ours stands: where it fails, ours does the work."""
    try:
        stage = load(path)()
    except Exception as error:
        log.error("the stage %s of %s cannot be loaded (%s); ours is used", name, path, type(error).__name__)
        return None

    def guarded(*args: Any, **named: Any) -> Any:
        try:
            result = stage(*args, **named)
            if name == "ocr" and len(result) != len(args[1]):
                raise ValueError("not one text for each segment")
            return result
        except Exception as error:
            log.error("the stage %s of %s failed (%s); ours is used", name, path, type(error).__name__)
            return own()(*args, **named)

    return guarded


def _sample() -> bytes:
    """A small page."""
    from PIL import Image, ImageDraw

    page = Image.new("L", (320, 80), "white")
    ImageDraw.Draw(page).text((10, 30), "What is the value of x?", fill="black", font_size=18)
    file = io.BytesIO()
    page.save(file, "PNG")
    return file.getvalue()
