"""Figures of questions as small SVG documents: what draws them, and charts of data. Geometry is in `figures_shapes`.

Everything is drawn in `currentColor`, so that a figure reads on light and dark pages. Its `<title>` says what it is and
its `<desc>` what it shows, for people who cannot see it. Widths are 320 to 400 units, one unit being a CSS pixel.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from xml.sax.saxutils import escape

Point = tuple[float, float]
Span = tuple[float, float, float]
"""First tick, last tick and step of an axis."""
_VARIABLE = re.compile(r"(?<![^\d(])[a-rt-z](?![a-z])")
"""A letter that stands for a number: `x°`, `(3x − 5)°`, but not the `a` of a sentence or the `s` of `$100s`."""


class Drawing:
    """An SVG document that is being drawn; y grows downwards.

    Arguments:
        title: what the figure is, for its `<title>`.
        about: what it shows, for its `<desc>`.
    """

    def __init__(self, width: int, height: int, title: str, about: str) -> None:
        self.width, self.height, self.title, self.about = width, height, title, about
        self._parts: list[str] = []

    def line(self, start: Point, end: Point, *, width: float = 1.5, dashed: bool = False, faint: bool = False) -> None:
        """A straight line."""
        self.path(f"M{start[0]:.1f} {start[1]:.1f}L{end[0]:.1f} {end[1]:.1f}", width=width, dashed=dashed, faint=faint)

    def path(
        self, d: str, *, width: float = 1.5, dashed: bool = False, faint: bool = False, filled: bool = False
    ) -> None:
        """A path, with a light tint inside when it is `filled`."""
        fill = 'fill="currentColor" fill-opacity="0.15"' if filled else 'fill="none"'
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        opacity = ' stroke-opacity="0.25"' if faint else ""
        self._parts.append(f'<path d="{d}" {fill} stroke="currentColor" stroke-width="{width}"{dash}{opacity}/>')

    def polygon(self, points: Sequence[Point], *, filled: bool = False, dashed: bool = False) -> None:
        """A closed polygon."""
        self.path("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + "Z", filled=filled, dashed=dashed)

    def circle(self, centre: Point, radius: float, *, filled: bool = False) -> None:
        """A circle, with a light tint inside when it is `filled`."""
        fill = 'fill="currentColor" fill-opacity="0.15"' if filled else 'fill="none"'
        self._parts.append(
            f'<circle cx="{centre[0]:.1f}" cy="{centre[1]:.1f}" r="{radius:.1f}" {fill} '
            'stroke="currentColor" stroke-width="1.5"/>'
        )

    def dot(self, centre: Point, radius: float = 3.5) -> None:
        """A filled point."""
        self._parts.append(f'<circle cx="{centre[0]:.1f}" cy="{centre[1]:.1f}" r="{radius}" fill="currentColor"/>')

    def text(self, at: Point, words: str, *, size: int = 14, turned: bool = False, anchor: str = "middle") -> None:
        """Text whose middle is at `at`; `turned` reads upwards. Names and variables are set in italics."""
        style = ' font-style="italic"' if len(words) == 1 and words.isalpha() else ""
        shown = escape(words) if style else _VARIABLE.sub(r'<tspan font-style="italic">\g<0></tspan>', escape(words))
        turn = f' transform="rotate(-90 {at[0]:.1f} {at[1]:.1f})"' if turned else ""
        self._parts.append(
            f'<text x="{at[0]:.1f}" y="{at[1] + size * 0.35:.1f}" font-size="{size}" text-anchor="{anchor}"{style}'
            f'{turn} fill="currentColor">{shown}</text>'
        )

    def not_to_scale(self) -> None:
        """The note that measuring the figure does not help."""
        self.text((self.width / 2, self.height - 12), "Note: Figure not drawn to scale.", size=13)

    def svg(self) -> str:
        """The document."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{self.width}" height="{self.height}" '
            f'viewBox="0 0 {self.width} {self.height}" font-family="Helvetica, Arial, sans-serif">'
            f"<title>{escape(self.title)}</title><desc>{escape(self.about)}</desc>{''.join(self._parts)}</svg>"
        )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value - round(value)) < 1e-9 else f"{value:g}"


def _ticks(span: Span) -> list[float]:
    first, last, step = span
    return [first + step * i for i in range(round((last - first) / step) + 1)]


def _axes(
    drawing: Drawing, xs: Span, ys: Span, x_label: str, y_label: str, *, grid: bool = True
) -> Callable[[float, float], Point]:
    """Draw axes with ticks and labels; what maps data to the drawing."""
    left, right, top, bottom = 62.0, drawing.width - 18.0, 14.0, drawing.height - 52.0

    def place(x: float, y: float) -> Point:
        across = left + (x - xs[0]) / (xs[1] - xs[0]) * (right - left)
        return across, bottom - (y - ys[0]) / (ys[1] - ys[0]) * (bottom - top)

    for x in _ticks(xs):
        if grid:
            drawing.line(place(x, ys[0]), place(x, ys[1]), width=1, faint=True)
        drawing.text((place(x, ys[0])[0], bottom + 14), _number(x), size=12)
    for y in _ticks(ys):
        drawing.line(place(xs[0], y), place(xs[1], y), width=1, faint=True)
        drawing.text((left - 7, place(xs[0], y)[1]), _number(y), size=12, anchor="end")
    drawing.line((left, top), (left, bottom))
    drawing.line((left, bottom), (right, bottom))
    drawing.text(((left + right) / 2, bottom + 36), x_label, size=13)
    drawing.text((14, (top + bottom) / 2), y_label, size=13, turned=True)
    return place


def scatterplot(
    points: Sequence[Point],
    xs: Span,
    ys: Span,
    x_label: str,
    y_label: str,
    *,
    fit: tuple[float, float] | None = None,
) -> str:
    """A scatterplot, with the line of best fit y = fit[0] + fit[1] x when given."""
    shown = ", ".join(f"({_number(x)}, {_number(y)})" for x, y in points)
    about = f"Points: {shown}. x: {x_label}. y: {y_label}."
    if fit:
        about += f" The line goes from {_number(fit[0] + fit[1] * xs[0])} at {_number(xs[0])}"
        about += f" to {_number(fit[0] + fit[1] * xs[1])} at {_number(xs[1])}."
    drawing = Drawing(400, 320, "Scatterplot" + (" with a line of best fit" if fit else ""), about)
    place = _axes(drawing, xs, ys, x_label, y_label)
    if fit:
        intercept, slope = fit
        inside = [
            (x, intercept + slope * x)
            for x in (xs[0] + (xs[1] - xs[0]) * i / 400 for i in range(401))
            if ys[0] <= intercept + slope * x <= ys[1]
        ]
        drawing.line(place(*inside[0]), place(*inside[-1]), width=2)
    for x, y in points:
        drawing.dot(place(x, y))
    return drawing.svg()


def year_graph(points: Sequence[tuple[int, float]], ys: Span, y_label: str) -> str:
    """A line graph over years, one tick each."""
    about = f"{y_label} by year: " + ", ".join(f"{x}: {_number(y)}" for x, y in points) + "."
    drawing = Drawing(400, 300, "Line graph", about)
    left, right, top, bottom = 62.0, 376.0, 14.0, 248.0
    step = (right - left) / len(points)

    def place(index: int, y: float) -> Point:
        return left + step * (index + 0.5), bottom - (y - ys[0]) / (ys[1] - ys[0]) * (bottom - top)

    _frame(drawing, ys, (left, right, top, bottom), y_label)
    for index, (year, _) in enumerate(points):
        drawing.text((place(index, ys[0])[0], bottom + 14), str(year), size=12)
    drawing.text(((left + right) / 2, bottom + 36), "Year", size=13)
    spots = [place(index, y) for index, (_, y) in enumerate(points)]
    drawing.path("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in spots), width=2)
    for spot in spots:
        drawing.dot(spot)
    return drawing.svg()


def _frame(drawing: Drawing, ys: Span, box: tuple[float, float, float, float], y_label: str) -> None:
    left, right, top, bottom = box
    for y in _ticks(ys):
        height = bottom - (y - ys[0]) / (ys[1] - ys[0]) * (bottom - top)
        drawing.line((left, height), (right, height), width=1, faint=True)
        drawing.text((left - 7, height), _number(y), size=12, anchor="end")
    drawing.line((left, top), (left, bottom))
    drawing.line((left, bottom), (right, bottom))
    drawing.text((14, (top + bottom) / 2), y_label, size=13, turned=True)


def bar_chart(labels: Sequence[str], values: Sequence[float], ys: Span, x_label: str, y_label: str) -> str:
    """Bars with gaps, one for each label."""
    about = f"{y_label} by {x_label}: " + ", ".join(f"{a}: {_number(b)}" for a, b in zip(labels, values, strict=True))
    drawing = Drawing(400, 300, "Bar chart", about + ".")
    left, right, top, bottom = 62.0, 390.0, 14.0, 248.0
    _frame(drawing, ys, (left, right, top, bottom), y_label)
    step = (right - left) / len(labels)
    for index, (label, value) in enumerate(zip(labels, values, strict=True)):
        x = left + step * (index + 0.18)
        height = (value - ys[0]) / (ys[1] - ys[0]) * (bottom - top)
        box = [(x, bottom), (x, bottom - height), (x + step * 0.64, bottom - height), (x + step * 0.64, bottom)]
        drawing.polygon(box, filled=True)
        drawing.text((x + step * 0.32, bottom + 14), label, size=12)
    drawing.text(((left + right) / 2, bottom + 36), x_label, size=13)
    return drawing.svg()


def histogram(edges: Sequence[float], counts: Sequence[int], ys: Span, x_label: str, y_label: str) -> str:
    """Bars that touch, one for each interval between two edges."""
    parts = (f"{_number(a)} to {_number(b)}: {n}" for a, b, n in zip(edges, edges[1:], counts, strict=False))
    drawing = Drawing(400, 300, "Histogram", f"{y_label} by {x_label}: " + ", ".join(parts) + ".")
    place = _axes(drawing, (edges[0], edges[-1], edges[1] - edges[0]), ys, x_label, y_label, grid=False)
    for low, high, count in zip(edges, edges[1:], counts, strict=False):
        drawing.polygon([place(low, 0), place(low, count), place(high, count), place(high, 0)], filled=True)
    return drawing.svg()


def dot_plots(rows: Sequence[tuple[str, Sequence[int]]], x_label: str) -> str:
    """One dot plot for each (name, values), under one another on the same scale."""
    low = min(min(values) for _, values in rows)
    high = max(max(values) for _, values in rows)
    tallest = max(values.count(value) for _, values in rows for value in values)
    each = tallest * 14 + 50
    drawing = Drawing(
        380,
        each * len(rows) + 30,
        "Dot plot" if len(rows) == 1 else "Dot plots",
        " ".join(f"{name or x_label}: {', '.join(str(v) for v in sorted(values))}." for name, values in rows),
    )
    step = (drawing.width - 70) / max(1, high - low)
    for index, (name, values) in enumerate(rows):
        base = each * (index + 1) - 24
        drawing.line((20, base), (drawing.width - 20, base))
        for value in range(low, high + 1):
            x = 35 + (value - low) * step
            drawing.line((x, base - 4), (x, base + 4), width=1)
            drawing.text((x, base + 15), str(value), size=12)
            for height in range(values.count(value)):
                drawing.dot((x, base - 12 - 14 * height), 5)
        if name:
            drawing.text((20, base - tallest * 14 - 14), name, size=13, anchor="start")
    drawing.text((drawing.width / 2, drawing.height - 12), x_label, size=13)
    return drawing.svg()


def box_plots(rows: Sequence[tuple[str, Sequence[int]]], xs: Span, x_label: str) -> str:
    """One box plot for each (name, five-number summary) on the same scale."""
    about = " ".join(
        f"{name}: least {five[0]}, first quartile {five[1]}, median {five[2]}, third quartile {five[3]}, greatest "
        f"{five[4]}."
        for name, five in rows
    )
    drawing = Drawing(400, 70 * len(rows) + 70, "Box plots" if len(rows) > 1 else "Box plot", about)
    left, right, bottom = 90.0, 380.0, 70.0 * len(rows) + 18

    def at(value: float) -> float:
        return left + (value - xs[0]) / (xs[1] - xs[0]) * (right - left)

    for tick in _ticks(xs):
        drawing.line((at(tick), 8), (at(tick), bottom), width=1, faint=True)
        drawing.text((at(tick), bottom + 14), _number(tick), size=12)
    drawing.line((left, bottom), (right, bottom))
    for index, (name, five) in enumerate(rows):
        middle = 42 + 70 * index
        low, first, median, third, high = (at(value) for value in five)
        drawing.text((left - 10, middle), name, size=13, anchor="end")
        drawing.line((low, middle), (first, middle))
        drawing.line((third, middle), (high, middle))
        for end in (low, high):
            drawing.line((end, middle - 8), (end, middle + 8))
        drawing.polygon(
            [(first, middle - 17), (third, middle - 17), (third, middle + 17), (first, middle + 17)], filled=True
        )
        drawing.line((median, middle - 17), (median, middle + 17), width=2.5)
    drawing.text(((left + right) / 2, bottom + 36), x_label, size=13)
    return drawing.svg()
