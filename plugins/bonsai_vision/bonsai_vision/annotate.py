"""Draws on a picture what was found in it: the question's parts, the reading order of its lines, labels."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING

from bonsai_core import QuestionAnalysis
from bonsai_vision.boxes import Box
from bonsai_vision.pipeline import Work

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

    Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_COLOURS = {"passage": "#2563eb", "stem": "#c2410c", "choice": "#15803d", "figure": "#7e22ce"}
_LEFT_OUT, _ORDER, _BAR = "#9ca3af", "#8492a6", "#111827"
_TINT = 26


def annotate(data: bytes, work: Work, analysis: QuestionAnalysis) -> bytes:
    """The picture as PNG, upright, with a bar below it that says what the question was taken for.

    Parts are tinted boxes with their names beside them; the numbers are the lines in reading order; what was found and
    not read is crossed out in grey.

    Args:
        data: the file that was analysed.
        work: the analysis under way, as `pipeline.read_image` has filled it.
    """
    from PIL import Image, ImageDraw, ImageFont, ImageOps

    with Image.open(io.BytesIO(data)) as image:
        page = ImageOps.exif_transpose(image).convert("RGBA")
    size = max(11, round(1.6 * work.scan.size) if work.scan else 0)
    font, small = ImageFont.load_default(size), ImageFont.load_default(max(9, round(0.75 * size)))
    parts = work.structure.parts if work.structure and analysis.section != "unknown" else []
    tint = Image.new("RGBA", page.size)
    paint = ImageDraw.Draw(tint)
    for part in parts:
        paint.rectangle(_inside(part.box.grown(size // 3), page), fill=(*_rgb(_COLOURS[part.role]), _TINT))
    page.alpha_composite(tint)
    draw = ImageDraw.Draw(page)
    for segment in work.place.left_out if work.place else ():
        left, top, right, bottom = _inside(segment.box, page)
        draw.line((left, (top + bottom) // 2, right, (top + bottom) // 2), fill=_LEFT_OUT, width=max(1, size // 8))
    taken = [line.box for line in work.lines]
    for part in parts:
        draw.rectangle(_inside(part.box.grown(size // 3), page), outline=_COLOURS[part.role], width=max(2, size // 8))
    for part in parts:
        _name(draw, part.box.grown(size // 3), part.key or part.role, _COLOURS[part.role], font, page, taken)
    for number, line in enumerate(work.lines, 1):
        _number(draw, line.box, str(number), small, page, taken)
    return _with_bar(page, _summary(analysis), size)


def _name(
    draw: ImageDraw.ImageDraw, box: Box, text: str, colour: str, font: Font, page: Image.Image, taken: list[Box]
) -> None:
    """A part's name on a plate of its colour, beside the part where that covers no words."""
    wide, high = _measured(draw, text, font)
    wide, high = wide + high // 2, high + high // 3
    spots = [
        (box.left - wide, box.top),
        (box.left, box.top - high),
        (box.right - wide, box.top - high),
        (box.right, box.top),
        (box.right - wide, box.bottom),
        (box.left, box.bottom),
    ]
    left, top = _free(spots, wide, high, page, taken)
    taken.append(Box(left, top, left + wide, top + high))
    draw.rectangle((left, top, left + wide - 1, top + high - 1), fill=colour)
    draw.text((left + wide / 2, top + high / 2), text, fill="white", font=font, anchor="mm")


def _number(draw: ImageDraw.ImageDraw, box: Box, text: str, font: Font, page: Image.Image, taken: list[Box]) -> None:
    """A line's number, right of it."""
    wide, high = _measured(draw, text, font)
    middle = (box.top + box.bottom - high) // 2
    away = high // 2 + 4
    spots = [(box.right + away, middle), (box.left - wide - away, middle), (box.right + 2, middle)]
    left, top = _free(spots, wide, high, page, taken)
    draw.text((left + wide / 2, top + high / 2), text, fill=_ORDER, font=font, anchor="mm")


def _free(
    spots: Iterable[tuple[int, int]], wide: int, high: int, page: Image.Image, taken: Iterable[Box]
) -> tuple[int, int]:
    """The first spot on the page that covers nothing; the first one, moved inside, where each does."""
    spots = list(spots)
    for left, top in spots:
        here = Box(left, top, left + wide, top + high)
        inside = left >= 0 and top >= 0 and here.right <= page.width and here.bottom <= page.height
        if inside and not any(here.overlap_x(box) > 0 and here.overlap_y(box) > 0 for box in taken):
            return left, top
    left, top = spots[0]
    return min(max(left, 0), max(page.width - wide, 0)), min(max(top, 0), max(page.height - high, 0))


def _measured(draw: ImageDraw.ImageDraw, text: str, font: Font) -> tuple[int, int]:
    _, top, _, bottom = draw.textbbox((0, 0), "Ag", font=font)
    return round(draw.textlength(text, font=font)), round(bottom - top)


def _inside(box: Box, page: Image.Image) -> tuple[int, int, int, int]:
    left, top = min(max(box.left, 0), page.width - 1), min(max(box.top, 0), page.height - 1)
    return left, top, max(left, min(box.right, page.width - 1)), max(top, min(box.bottom, page.height - 1))


def _rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue


def _with_bar(page: Image.Image, text: str, size: int) -> bytes:
    from PIL import Image, ImageDraw, ImageFont

    sheet = Image.new("RGB", (page.width, page.height + 2 * size), _BAR)
    sheet.paste(page, mask=page)
    draw = ImageDraw.Draw(sheet)
    room = page.width - 2 * size
    fitting = min(1.0, room / max(draw.textlength(text, font=ImageFont.load_default(size)), 1.0))
    font = ImageFont.load_default(max(8, round(fitting * size)))
    draw.text((size, page.height + size), text, fill="white", font=font, anchor="lm")
    out = io.BytesIO()
    sheet.save(out, "PNG", optimize=True)
    return out.getvalue()


def _summary(analysis: QuestionAnalysis) -> str:
    if analysis.section == "unknown":
        return "No question of the test"
    level = max(analysis.difficulty, key=lambda name: analysis.difficulty[name], default="")
    sure = analysis.confidence.get("skill")
    known = f"   =  {analysis.matched_question_id}" if analysis.matched_question_id else ""
    percent = "" if sure is None else f"  {sure:.0%}"
    return f"{analysis.section}  ›  {analysis.domain}  ›  {analysis.skill}{percent}   {level}{known}"
