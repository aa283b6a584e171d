"""A rectangle on a page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Box(NamedTuple):
    """A rectangle in pixels; right and bottom are the first column and row outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """In pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """In pixels."""
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        """Its height on the page, in pixels."""
        return (self.top + self.bottom) / 2

    def grown(self, by: float, by_y: float | None = None) -> Box:
        """This box with a margin."""
        x, y = round(by), round(by if by_y is None else by_y)
        return Box(self.left - x, self.top - y, self.right + x, self.bottom + y)

    def overlap_x(self, other: Box) -> int:
        """Columns that both have; negative is the gap between them."""
        return min(self.right, other.right) - max(self.left, other.left)

    def overlap_y(self, other: Box) -> int:
        """Rows that both have; negative is the gap between them."""
        return min(self.bottom, other.bottom) - max(self.top, other.top)

    def holds(self, other: Box) -> bool:
        """Whether the other box's centre lies inside."""
        x, y = (other.left + other.right) / 2, (other.top + other.bottom) / 2
        return self.left <= x < self.right and self.top <= y < self.bottom

    @staticmethod
    def around(boxes: Iterable[Box]) -> Box:
        """The smallest box that holds all of these, of which there is at least one."""
        lefts, tops, rights, bottoms = zip(*boxes, strict=True)
        return Box(min(lefts), min(tops), max(rights), max(bottoms))
