"""Finds tables on a page by their lines, however thin and faint these are."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from bonsai_vision.boxes import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bonsai_vision.picture import Grey

    Numbers = NDArray[Any]

#: A line differs from what is beside it by so many grey levels, on the average along it.
_FAINT = 10
#: Shortest line across and down, in heights of a letter.
_ACROSS, _DOWN = 5.0, 2.2
#: A line of a table takes at least this share of the table's width or height.
_SHARE = 0.5
#: Of the cells, at least this share holds text; fewer do in a coordinate plane.
_FILLED = 0.6


@dataclass(frozen=True, slots=True)
class Table:
    """A grid of lines with text in its cells.

    Attributes:
        box: around all of it.
        across: heights of its horizontal lines, in pixels.
        down: places of its vertical lines, in pixels.
    """

    box: Box
    across: tuple[int, ...]
    down: tuple[int, ...]

    def cell(self, box: Box) -> tuple[int, int] | None:
        """Row and column of a piece of text, each from 0; None outside."""
        if not self.box.holds(box):
            return None
        return bisect(self.across, (box.top + box.bottom) // 2), bisect(self.down, (box.left + box.right) // 2)

    def is_filled(self, texts: Iterable[Box]) -> bool:
        """Whether there is text in enough of its cells."""
        filled = {self.cell(box) for box in texts} - {None}
        return len(filled) >= _FILLED * max(len(self.across) - 1, 1) * max(len(self.down) - 1, 1)


def find_grids(ink: Grey, size: float) -> list[Table]:
    """All grids of at least two rows and two columns; some of them may be coordinate planes.

    Args:
        ink: how much each pixel differs from its background.
        size: height of a letter, in pixels.
    """
    across = _thin(ink, round(_ACROSS * size))
    down = np.ascontiguousarray(_thin(np.ascontiguousarray(ink.T), round(_DOWN * size)).T)
    across[(across[:, :4].max(axis=1) > 0) & (across[:, -4:].max(axis=1) > 0)] = 0  # edges of bars
    both = cv2.dilate(across | down, np.ones((5, 5), np.uint8))
    _, labels, parts, _ = cv2.connectedComponentsWithStats(both, connectivity=8, ltype=cv2.CV_32S)
    found = []
    for part, (left, top, width, height, _) in enumerate(parts.tolist()):
        if part == 0 or width < 8 * size or height < 3 * size:
            continue
        here = (slice(top, top + height), slice(left, left + width))
        mine = labels[here] == part
        rows = _places((across[here] & mine).mean(axis=1) > _SHARE)
        columns = _places((down[here] & mine).mean(axis=0) > _SHARE)
        if min(len(rows), len(columns)) < 2 or max(len(rows), len(columns)) < 3:
            continue
        # The lines down tell where a table goes on whose edge is off the page, and those across likewise.
        rows = _with_ends(rows, (down[here] & mine)[:, columns].any(axis=1), size)
        columns = _with_ends(columns, (across[here] & mine)[rows, :].any(axis=0), size)
        if min(len(rows), len(columns)) >= 3:
            y, x = (tuple(at + first for at in places) for places, first in ((rows, top), (columns, left)))
            found.append(Table(Box(x[0], y[0], x[-1], y[-1]), y, x))
    return found


def _thin(ink: Numbers, length: int) -> Numbers:
    """Pixels of thin lines across, at least this long: what differs from the rows above and below."""
    length = max(length, 12)
    smooth = cv2.blur(ink, (max(length // 3, 3), 1)).astype(np.int16)
    peak = np.zeros_like(smooth)
    peak[3:-3] = smooth[3:-3] - np.maximum(smooth[:-6], smooth[6:])
    # A line that is not quite level may step by a pixel on its way.
    strong = cv2.dilate((peak > _FAINT).astype(np.uint8), np.ones((2, 1), np.uint8))
    return np.array(cv2.morphologyEx(strong, cv2.MORPH_OPEN, np.ones((1, length), np.uint8)))


def _places(lines: Numbers) -> list[int]:
    """Where lines are, each once."""
    return np.flatnonzero(np.diff(lines.astype(np.int8), prepend=0) == 1).tolist()


def _with_ends(places: list[int], crossing: Numbers, size: float) -> list[int]:
    """Places of lines, and the ends of the lines that cross them if these go on for more than a row of text."""
    reach = np.flatnonzero(crossing)
    if not len(reach):
        return places
    first, last = int(reach[0]), int(reach[-1])
    before = [first] if places[0] - first > 1.2 * size else []
    return before + places + ([last] if last - places[-1] > 1.2 * size else [])
