"""Figures of geometry as SVG documents: polygons, lines with a transversal, circles and solids."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from bonsai_recs.authoring.figures import Drawing, Point


def _away(origin: Point, end: Point, distance: float) -> Point:
    """The point that lies `distance` from `end`, on the far side from `origin`."""
    dx, dy = end[0] - origin[0], end[1] - origin[1]
    size = math.hypot(dx, dy) or 1.0
    return end[0] + dx / size * distance, end[1] + dy / size * distance


def _fit(points: Mapping[str, Point], box: tuple[float, float, float, float]) -> dict[str, Point]:
    """The points, y upwards, scaled into the box (left, top, right, bottom) of a drawing."""
    left, top, right, bottom = box
    xs, ys = [x for x, _ in points.values()], [y for _, y in points.values()]
    wide, high = max(xs) - min(xs) or 1.0, max(ys) - min(ys) or 1.0
    scale = min((right - left) / wide, (bottom - top) / high)
    dx = left + ((right - left) - wide * scale) / 2
    dy = top + ((bottom - top) - high * scale) / 2
    return {name: (dx + (x - min(xs)) * scale, dy + (max(ys) - y) * scale) for name, (x, y) in points.items()}


def shape(
    title: str,
    points: Mapping[str, Point],
    outline: Sequence[str],
    *,
    extra: Sequence[tuple[str, str]] = (),
    sides: Mapping[tuple[str, str], str] | None = None,
    angles: Mapping[tuple[str, str, str], str] | None = None,
    right: Sequence[tuple[str, str, str]] = (),
    named: bool = True,
    below: str = "",
    to_scale: bool = False,
    size: tuple[int, int] = (360, 260),
) -> str:
    """A figure of straight lines: triangles, quadrilaterals, L-shapes, similar or nested triangles.

    Arguments:
        points: named points, y upwards, in any unit.
        outline: one closed polygon for each string of point names, such as `ABC`.
        extra: further segments.
        sides: text beside the segment between two points, on the side away from the polygon's middle.
        angles: text in the angle (arm, vertex, arm).
        right: angles (arm, vertex, arm) that get the square of a right angle.
        named: whether one-letter points get their names.
        below: points whose names stand straight below them.
    """
    shown = [f"{a}{b} = {text}" for (a, b), text in (sides or {}).items()]
    shown += [f"angle {a}{b}{c} = {text}" for (a, b, c), text in (angles or {}).items()]
    shown += [f"angle {a}{b}{c} is a right angle" for a, b, c in right]
    about = "Polygons " + ", ".join(outline) + ("; " + "; ".join(shown) if shown else "") + "."
    drawing = Drawing(*size, title, about)
    spots = _fit(points, (48, 30, size[0] - 48, size[1] - (30 if to_scale else 50)))
    for names in outline:
        drawing.polygon([spots[name] for name in names])
    for a, b in extra:
        drawing.line(spots[a], spots[b])
    home = {name: _middle([spots[other] for other in names]) for names in reversed(outline) for name in names}
    centre = _middle(list(spots.values()))
    for a, b, c in right:
        _square(drawing, spots[a], spots[b], spots[c])
    for (a, b), words in (sides or {}).items():
        middle = _middle([spots[a], spots[b]])
        from_ = home.get(a, centre) if home.get(a) == home.get(b) else centre
        drawing.text(_beside(spots[a], spots[b], middle, from_, 9 + 4.2 * len(words)), words)
    for (a, b, c), words in (angles or {}).items():
        _angle(drawing, spots[a], spots[b], spots[c], words)
    if named:
        for name, spot in spots.items():
            if name.isalpha():
                away = (spot[0], spot[1] + 15) if name in below else _away(home.get(name, centre), spot, 14)
                drawing.text(away, name)
    if not to_scale:
        drawing.not_to_scale()
    return drawing.svg()


def _middle(points: Sequence[Point]) -> Point:
    return sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)


def _beside(start: Point, end: Point, middle: Point, inside: Point, room: float) -> Point:
    """A place next to the segment's middle, on the other side from `inside`; sloping text needs `room` across."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    size = math.hypot(dx, dy) or 1.0
    nx, ny = -dy / size, dx / size
    if (inside[0] - middle[0]) * nx + (inside[1] - middle[1]) * ny > 0:
        nx, ny = -nx, -ny
    distance = abs(nx) * room + abs(ny) * 12
    return middle[0] + nx * distance, middle[1] + ny * distance


def _square(drawing: Drawing, a: Point, vertex: Point, c: Point, side: float = 12) -> None:
    first, second = _away(a, vertex, -side), _away(c, vertex, -side)
    corner = first[0] + second[0] - vertex[0], first[1] + second[1] - vertex[1]
    drawing.path("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in (first, corner, second)), width=1.2)


def _angle(drawing: Drawing, a: Point, vertex: Point, c: Point, words: str) -> None:
    """An arc at the vertex and its text on the bisector, farther out in a narrow angle."""
    one = math.atan2(a[1] - vertex[1], a[0] - vertex[0])
    two = math.atan2(c[1] - vertex[1], c[0] - vertex[0])
    turn = (two - one + math.pi) % (2 * math.pi) - math.pi
    radius = 18.0
    start = vertex[0] + radius * math.cos(one), vertex[1] + radius * math.sin(one)
    end = vertex[0] + radius * math.cos(one + turn), vertex[1] + radius * math.sin(one + turn)
    drawing.path(
        f"M{start[0]:.1f} {start[1]:.1f}A{radius} {radius} 0 0 {int(turn > 0)} {end[0]:.1f} {end[1]:.1f}", width=1.2
    )
    need = (6 + 3.6 * len(words)) / max(0.25, math.sin(abs(turn) / 2))
    reach = max(radius + 10 + 2 * len(words), min(need + 6, 64))
    bisector = one + turn / 2
    drawing.text((vertex[0] + reach * math.cos(bisector), vertex[1] + reach * math.sin(bisector)), words, size=13)


def transversal(
    labels: Mapping[tuple[str, str], str],
    *,
    lean: float = 62,
    names: tuple[str, str, str] = ("ℓ", "m", "t"),
    parallel: bool = True,
) -> str:
    """Two lines cut by a third one.

    Arguments:
        labels: text at (`top` or `bottom`, `NE`, `NW`, `SE` or `SW`).
        lean: degrees between the lines and the transversal, as drawn, 35 to 145.
    """
    where = {"NE": "upper right", "NW": "upper left", "SE": "lower right", "SW": "lower left"}
    shown = "; ".join(
        f"the {where[corner]} angle at line {names[0] if line == 'top' else names[1]} is {text}"
        for (line, corner), text in labels.items()
    )
    kind = "parallel lines" if parallel else "lines"
    drawing = Drawing(
        360, 260, f"Two {kind} and a transversal", f"Line {names[2]} crosses {kind} {names[0]} and {names[1]}; {shown}."
    )
    top, bottom, middle = 80.0, 165.0, 180.0
    run = 1 / math.tan(math.radians(lean))

    def x_at(y: float) -> float:
        return middle + ((top + bottom) / 2 - y) * run

    for y, name in ((top, names[0]), (bottom, names[1])):
        drawing.line((30, y), (318, y))
        drawing.text((334, y), name)
    drawing.line((x_at(22), 22), (x_at(222), 222))
    drawing.text((x_at(12), 11), names[2])
    for (line, corner), words in labels.items():
        y = (top if line == "top" else bottom) + (-17 if corner[0] == "N" else 17)
        room = 7 + 3.6 * len(words) + 8 * abs(run)
        drawing.text((x_at(y) + (room if corner[1] == "E" else -room), y), words, size=13)
    drawing.not_to_scale()
    return drawing.svg()


def circle(
    points: Mapping[str, float],
    *,
    radii: Sequence[str] = (),
    chords: Sequence[str] = (),
    sector: str | None = None,
    angle: str | None = None,
    lengths: Mapping[str, str] | None = None,
    tangent: tuple[str, str, float] | None = None,
    inscribed: tuple[str, str] | None = None,
    centre: str = "O",
) -> str:
    """A circle with points at given degrees, counterclockwise from the right.

    Arguments:
        radii: points joined to the centre.
        chords: pairs of points that are joined.
        sector: two points, counterclockwise; their sector is shaded.
        angle: text in the central angle of `sector`'s points, or of the first two `radii`.
        lengths: text beside a segment named by its ends; two points of `arc:AB` place it outside the arc.
        tangent: (point of contact, name of the far point, length in radii); the far point is joined to the centre.
        inscribed: (three points with the vertex in the middle, text).
    """
    parts = [f"radius {centre}{name}" for name in radii] + [f"chord {pair}" for pair in chords]
    parts += [f"sector {sector} is shaded"] if sector else []
    parts += [f"the central angle is {angle}"] if angle else []
    parts += [f"angle {inscribed[0]} is {inscribed[1]}"] if inscribed else []
    parts += [f"tangent {tangent[0]}{tangent[1]}"] if tangent else []
    parts += [f"{name} is {text}" for name, text in (lengths or {}).items()]
    wide = 400 if tangent else 320
    drawing = Drawing(
        wide, 300, f"Circle with center {centre}", f"Circle with center {centre}: " + "; ".join(parts) + "."
    )
    middle, radius = ((135.0 if tangent else wide / 2), 138.0), 100.0

    def on(degrees: float, distance: float = radius) -> Point:
        turn = math.radians(degrees)
        return middle[0] + distance * math.cos(turn), middle[1] - distance * math.sin(turn)

    spots = {name: on(degrees) for name, degrees in points.items()} | {centre: middle}
    drawing.circle(middle, radius)
    if sector:
        start, end = spots[sector[0]], spots[sector[1]]
        sweep = (points[sector[1]] - points[sector[0]]) % 360
        drawing.path(
            f"M{middle[0]} {middle[1]}L{start[0]:.1f} {start[1]:.1f}A{radius} {radius} 0 {int(sweep > 180)} 0 "
            f"{end[0]:.1f} {end[1]:.1f}Z",
            filled=True,
        )
    for name in radii:
        drawing.line(middle, spots[name])
    for pair in chords:
        drawing.line(spots[pair[0]], spots[pair[1]])
    if tangent:
        contact, far, reach = tangent
        turn = math.radians(points[contact])
        along = (math.sin(turn), math.cos(turn))
        end = spots[contact][0] + along[0] * reach * radius, spots[contact][1] + along[1] * reach * radius
        spots[far] = end
        drawing.line(spots[contact], end)
        drawing.line(middle, end)
        drawing.text(_away(spots[contact], end, 14), far)
    arms = sector or "".join(radii[:2])
    if angle:
        _central(drawing, middle, points[arms[0]], points[arms[1]], angle)
    if inscribed:
        arm, vertex, other = (spots[name] for name in inscribed[0])
        _angle(drawing, arm, vertex, other, inscribed[1])
    for name, words in (lengths or {}).items():
        if name.startswith("arc:"):
            half = points[name[4]] + ((points[name[5]] - points[name[4]]) % 360) / 2
            drawing.text(on(half, radius + 12 + 3.6 * len(words) * abs(math.cos(math.radians(half)))), words)
        else:
            ends = spots[name[0]], spots[name[1]]
            others = [spots[other] for other in spots if other not in name] or [middle]
            drawing.text(_beside(*ends, _middle(ends), _middle(others), 9 + 4 * len(words)), words)
    drawing.dot(middle, 3)
    used = [points[name] for name in radii]
    spot = max(range(0, 360, 15), key=lambda way: min((abs((way - u + 180) % 360 - 180) for u in used), default=180.0))
    drawing.text(on(spot if used else 225, 15), centre)
    for name, degrees in points.items():
        drawing.text(on(degrees, radius + 14), name)
    drawing.not_to_scale()
    return drawing.svg()


def _central(drawing: Drawing, middle: Point, start: float, end: float, words: str) -> None:
    sweep = (end - start) % 360
    half = math.radians(start + sweep / 2)
    one, two = math.radians(start), math.radians(end)
    a = middle[0] + 20 * math.cos(one), middle[1] - 20 * math.sin(one)
    b = middle[0] + 20 * math.cos(two), middle[1] - 20 * math.sin(two)
    drawing.path(f"M{a[0]:.1f} {a[1]:.1f}A20 20 0 {int(sweep > 180)} 0 {b[0]:.1f} {b[1]:.1f}", width=1.2)
    reach = min(66.0, 34 + 14 / max(0.22, math.sin(math.radians(min(sweep, 180)) / 2)) * 0.6 + 2 * len(words))
    drawing.text((middle[0] + reach * math.cos(half), middle[1] - reach * math.sin(half)), words, size=13)


def cylinder(across: str, height: str, *, diameter: bool = False) -> str:
    """A right circular cylinder with its radius (or diameter) and height."""
    drawing = Drawing(
        320,
        260,
        "Right circular cylinder",
        f"Cylinder: {'diameter' if diameter else 'radius'} {across}, height {height}.",
    )
    left, right, top, bottom, bulge = 95.0, 225.0, 50.0, 180.0, 24.0
    drawing.path(f"M{left} {top}A65 {bulge} 0 0 1 {right} {top}A65 {bulge} 0 0 1 {left} {top}Z", filled=True)
    drawing.line((left, top), (left, bottom))
    drawing.line((right, top), (right, bottom))
    drawing.path(f"M{left} {bottom}A65 {bulge} 0 0 0 {right} {bottom}")
    drawing.path(f"M{left} {bottom}A65 {bulge} 0 0 1 {right} {bottom}", dashed=True, width=1.2)
    drawing.line((left if diameter else 160, top), (right, top))
    drawing.dot((160, top), 2.5)
    drawing.text((160 if diameter else 192, top - 9), across, size=13)
    drawing.text((right + 12, (top + bottom) / 2), height, anchor="start")
    drawing.not_to_scale()
    return drawing.svg()


def cone(radius: str, height: str, *, level: str | None = None) -> str:
    """A right circular cone, its tip up; with `level` its tip is down and it is filled up to that height."""
    about = f"Cone: radius {radius}, height {height}" + (f", filled to a height of {level}" if level else "") + "."
    drawing = Drawing(320, 270, "Right circular cone", about)
    base, tip = (55.0, 215.0) if level else (195.0, 35.0)
    sign = 0 if level else 1
    drawing.path(f"M80 {base}A80 22 0 0 {1 - sign} 240 {base}", dashed=False)
    drawing.path(f"M80 {base}A80 22 0 0 {sign} 240 {base}", dashed=not level, width=1.5 if level else 1.2)
    drawing.line((80, base), (160, tip))
    drawing.line((240, base), (160, tip))
    drawing.line((160, base), (240, base), width=1.2)
    drawing.dot((160, base), 2.5)
    if level:
        drawing.path("M120 135A40 11 0 0 1 200 135L160 215Z", filled=True, width=1)
        drawing.path("M120 135A40 11 0 0 0 200 135", width=1)
        drawing.line((258, base), (258, tip), width=1, dashed=True)
        drawing.text((266, 125), height, anchor="start")
        drawing.line((62, 135), (62, tip), width=1, dashed=True)
        drawing.text((54, 175), level, anchor="end")
        drawing.text((198, base - 9), radius, size=13)
    else:
        drawing.line((160, base), (160, tip), width=1.2, dashed=True)
        drawing.text((152, 135), height, anchor="end", size=13)
        drawing.text((200, base - 9), radius, size=13)
    drawing.not_to_scale()
    return drawing.svg()


def box(length: str, width: str, height: str, *, title: str = "Right rectangular prism") -> str:
    """A box with its three edges, hidden edges dashed."""
    drawing = Drawing(340, 250, title, f"{title}: length {length}, width {width}, height {height}.")
    a, b, c, d = (60.0, 190.0), (220.0, 190.0), (220.0, 90.0), (60.0, 90.0)
    shift = (62.0, -42.0)
    e, f, g, h = ((x + shift[0], y + shift[1]) for x, y in (a, b, c, d))
    drawing.polygon([a, b, c, d], filled=True)
    for start, end in ((b, f), (c, g), (d, h), (f, g), (g, h)):
        drawing.line(start, end)
    for start, end in ((a, e), (e, f), (e, h)):
        drawing.line(start, end, dashed=True, width=1.2)
    drawing.text((140, 205), length)
    drawing.text((258, 180), width, anchor="start")
    drawing.text((52, 140), height, anchor="end")
    drawing.not_to_scale()
    return drawing.svg()


def square_and_circle(side: str, *, outside: bool = False) -> str:
    """A circle in a square that touches its sides, the corners shaded; or with `outside` around its corners."""
    where = "The square is inscribed in the circle" if outside else "The circle touches all four sides of the square"
    drawing = Drawing(300, 260, "Square and circle", f"{where}; the region between them is shaded; side {side}.")
    middle, half = (150.0, 112.0), (66.0 if outside else 92.0)
    left, right, top, bottom = middle[0] - half, middle[0] + half, middle[1] - half, middle[1] + half
    radius = half * math.sqrt(2) if outside else half
    drawing.path(
        f"M{left:.1f} {top:.1f}H{right:.1f}V{bottom:.1f}H{left:.1f}ZM{middle[0] - radius:.1f} "
        f"{middle[1]}A{radius:.1f} {radius:.1f} 0 1 0 {middle[0] + radius:.1f} {middle[1]}A{radius:.1f} {radius:.1f} "
        f"0 1 0 {middle[0] - radius:.1f} {middle[1]}Z",
        filled=True,
    )
    drawing.text((middle[0], bottom - 12 if outside else bottom + 14), side)
    drawing.not_to_scale()
    return drawing.svg().replace('fill-opacity="0.15"', 'fill-opacity="0.15" fill-rule="evenodd"', 1)
