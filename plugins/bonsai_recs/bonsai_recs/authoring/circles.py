"""Templates for circles: equations, arcs, sectors, angles and tangents."""

from __future__ import annotations

import random
from fractions import Fraction

from bonsai_recs.authoring import figures_shapes as figure
from bonsai_recs.authoring.kit import Draft, Proof, Unusable
from bonsai_recs.authoring.making import draft, frac, num, root, template, times, typed

SKILL = "Circles"


def _square(variable: str, at: int) -> str:
    """`(x − 3)²` for 3."""
    return f"{variable}²" if not at else f"({variable} {'−' if at > 0 else '+'} {abs(at)})²"


def _standard(h: int, k: int, squared: int | str) -> str:
    return f"{_square('x', h)} + {_square('y', k)} = {squared}"


def _general(h: int, k: int, squared: int, factor: int = 1) -> str:
    """The equation multiplied out, the constant on the right."""
    right = squared - h * h - k * k
    lead = "" if factor == 1 else str(factor)
    terms = [f"{lead}x²", f"+ {lead}y²"]
    for value, variable in ((-2 * h * factor, "x"), (-2 * k * factor, "y")):
        if value:
            terms.append(f"{'+' if value > 0 else '−'} {abs(value)}{variable}")
    return f"{' '.join(terms)} = {num(right * factor)}"


def _point(x: int, y: int) -> str:
    return f"({num(x)}, {num(y)})"


@template(SKILL, count=3)
def around_or_inside(rng: random.Random) -> Draft:
    """Circumference or area from a radius, diameter or the other one."""
    r = rng.randint(3, 15)
    thing = rng.choice(["pond", "plate", "fountain", "clock face", "garden", "trampoline"])
    ask = rng.choice(["circumference", "area"])
    right, other = (
        (times(2 * r, "π"), times(r * r, "π")) if ask == "circumference" else (times(r * r, "π"), times(2 * r, "π"))
    )
    wide = times(4 * r, "π") if ask == "circumference" else times(4 * r * r, "π")
    unit = "inches" if thing in ("plate", "clock face") else "feet"
    what = f"circumference, in {unit}" if ask == "circumference" else f"area, in square {unit}"
    return draft(
        stem=f"A circular {thing} has a diameter of {2 * r} {unit}. What is its {what}?",
        answer=right,
        wrong=[
            (other, f"You found the {'area' if ask == 'circumference' else 'circumference'} instead."),
            (wide, "You used the diameter as the radius."),
            (
                (times(r, "π"), "You multiplied π by the radius. The circumference is π times the diameter.")
                if ask == "circumference"
                else (
                    times(2 * r * r, "π"),
                    "You multiplied the radius by the diameter. For the area, the radius is squared.",
                )
            ),
        ],
        spare=[
            (
                num(2 * r) if ask == "circumference" else times(r, "π"),
                "You left out π." if ask == "circumference" else "You did not square the radius.",
            ),
            *([] if ask == "circumference" else [(num(r * r), "You left out π.")]),
        ],
        why=f"The radius is {2 * r} ÷ 2 = {r}. "
        + (
            f"The circumference is 2π · {r} = {right}."
            if ask == "circumference"
            else f"The area is π · {r}² = {right}."
        ),
        band=1,
        hints=(
            f"You want the {ask} of the circle.",
            "Find the radius first. Then use the formula."
            if ask == "area"
            else "The distance around a circle is π times the diameter.",
            f"The radius is half of {2 * r}."
            if ask == "area"
            else f"You do not need the radius. The diameter is {2 * r}.",
            f"π · {r}² = {right}." if ask == "area" else f"π · {2 * r} = {right}.",
        ),
        strategy="The way around is 2πr. The space inside is πr². Check if you have the radius or the diameter.",
        proof=Proof(
            "geometry", {"measure": "circumference" if ask == "circumference" else "circle_area", "data": {"r": r}}
        ),
        seconds=40,
        slope=0.7,
    )


@template(SKILL, count=3)
def center_from_equation(rng: random.Random) -> Draft:
    """The center (or radius) from the standard form."""
    h, k = rng.choice([n for n in range(-9, 10) if n]), rng.choice([n for n in range(-9, 10) if n])
    r = rng.choice([4, 5, 6, 7, 8, 9, 10, 11])
    if abs(h) == abs(k):
        raise Unusable("want different coordinates")
    equation = _standard(h, k, r * r)
    return draft(
        stem=f"In the xy-plane, the graph of {equation} is a circle. What is the center of the circle?",
        answer=_point(h, k),
        wrong=[
            (_point(-h, -k), "You took the signs as they stand in the equation. The form is (x − h)² + (y − k)²."),
            (_point(k, h), "You swapped the two coordinates. The number with x comes first."),
            (_point(h, -k), "You have the wrong sign for y. Compare both parentheses with (x − h) and (y − k)."),
        ],
        why="The equation has the form (x − h)² + (y − k)² = r², where (h, k) is the center. Comparing gives h = "
        f"{num(h)} and k = {num(k)}, so the center is {_point(h, k)}.",
        band=2,
        hints=(
            "You want the center of the circle.",
            "Compare the equation with (x − h)² + (y − k)² = r². Watch the signs.",
            "The center is where both squares are zero. Find the x that makes the first square zero.",
            f"The squares are zero at x = {num(h)} and y = {num(k)}. The center is {_point(h, k)}.",
        ),
        strategy="The center is the point where both squares are zero.",
        proof=Proof("geometry", {"measure": "centre", "equation": equation}),
        seconds=45,
        slope=0.9,
    )


@template(SKILL, count=3)
def degrees_and_radians(rng: random.Random) -> Draft:
    """Degrees to radians."""
    degrees = rng.choice(
        [15, 20, 36, 40, 50, 72, 75, 80, 100, 105, 108, 140, 150, 160, 165, 195, 200, 210, 225, 240, 252, 300, 330]
    )
    right = Fraction(degrees, 180)
    return draft(
        stem=f"The measure of an angle is {degrees}°. What is its measure in radians?",
        answer=times(right, "π"),
        wrong=[
            (times(Fraction(degrees, 360), "π"), "You took 360° as π radians. A full turn is 2π radians."),
            (times(2 * right, "π"), "You took 90° as π radians. A straight angle, 180°, is π radians."),
            (times(1 / right, "π"), "You turned the fraction upside down."),
        ],
        why=f"180° is π radians. So {degrees}° is {degrees}/180 · π = {times(right, 'π')} radians.",
        band=3,
        hints=(
            "You want the same angle in radians.",
            "180° is π radians. Find what part of 180° the angle is.",
            f"The part is {degrees} out of 180. Write it in lowest terms and multiply by π.",
            f"{degrees} out of 180 is {frac(right)}. So the angle is {times(right, 'π')}.",
        ),
        strategy="A full turn is 2π. Multiply degrees by π/180.",
        proof=Proof("geometry", {"measure": "radians", "data": {"degrees": degrees}}),
        seconds=45,
        slope=0.9,
    )


def _arc_figure(degrees: int, radius: str, *, shaded: bool, arc: str | None = None, rng: random.Random) -> str:
    start = rng.choice([10, 20, 35])
    lengths = {"OA": radius} | ({"arc:AB": arc} if arc else {})
    return figure.circle(
        {"A": start, "B": start + degrees},
        radii=["A", "B"],
        sector="AB" if shaded else None,
        angle=f"{degrees}°",
        lengths=lengths,
    )


@template(SKILL, count=3)
def arc_length(rng: random.Random) -> Draft:
    """The length of an arc."""
    degrees, r = rng.choice([30, 40, 45, 60, 72, 80, 100, 120, 135, 150]), rng.randint(3, 18)
    right = Fraction(degrees * r, 180)
    if right.denominator > 2:
        raise Unusable("want simple numbers")
    return draft(
        stem=f"In the figure, O is the center of the circle, OA = {r}, and angle AOB measures {degrees}°. What is the "
        "length of minor arc AB?",
        figure=_arc_figure(degrees, str(r), shaded=False, rng=rng),
        answer=times(right, "π"),
        wrong=[
            (
                times(Fraction(degrees * r * r, 360), "π"),
                "You found the area of the sector. The length of an arc is a part of the circumference.",
            ),
            (times(right / 2, "π"), "You used πr as the circumference. It is twice that."),
            (times(2 * r - right, "π"), "You found the other, longer arc."),
        ],
        spare=[(num(right), "You left out π. A circle with radius r has the circumference 2πr.")],
        why=f"The arc is {degrees}/360 of the circumference. The circumference is 2π · {r} = {times(2 * r, 'π')}, so "
        f"the arc is {frac(Fraction(degrees, 360))} · {times(2 * r, 'π')} = {times(right, 'π')}.",
        band=3,
        hints=(
            "You want the length of the arc from A to B.",
            "Find what part of a full turn the angle is. The arc is the same part of the circumference.",
            f"The part is {degrees} out of 360. The circumference is {times(2 * r, 'π')}.",
            f"{frac(Fraction(degrees, 360))} · {times(2 * r, 'π')} = {times(right, 'π')}.",
        ),
        strategy="Arc length: angle over 360° times the circumference.",
        proof=Proof("geometry", {"measure": "arc", "data": {"degrees": degrees, "r": r}}),
        seconds=60,
        slope=1.0,
    )


@template(SKILL, count=3)
def sector_area(rng: random.Random) -> Draft:
    """The area of a sector."""
    degrees, r = rng.choice([30, 40, 45, 60, 72, 80, 90, 100, 120, 135, 150]), rng.randint(3, 15)
    right = Fraction(degrees * r * r, 360)
    if right.denominator > 2:
        raise Unusable("want simple numbers")
    return draft(
        stem=f"In the figure, O is the center of the circle with radius {r}, and the central angle of the shaded "
        f"sector measures {degrees}°. What is the area of the shaded sector?",
        figure=_arc_figure(degrees, str(r), shaded=True, rng=rng),
        answer=times(right, "π"),
        wrong=[
            (
                times(Fraction(degrees * r, 180), "π"),
                "You found the length of the arc. The area is a part of the area of the circle.",
            ),
            (times(r * r - right, "π"), "You found the area that is not shaded."),
            (times(2 * right, "π"), "You took the angle as a part of 180°. A full turn is 360°."),
        ],
        spare=[
            (times(right / r, "π"), "You did not square the radius. The area of a circle is πr²."),
            (num(right), "You left out π. The area of a circle is πr²."),
        ],
        why=f"The sector is {degrees}/360 of the circle. The circle has the area π · {r}² = {times(r * r, 'π')}, so "
        f"the sector has the area {frac(Fraction(degrees, 360))} · {times(r * r, 'π')} = {times(right, 'π')}.",
        band=4,
        hints=(
            "You want the area of the shaded part.",
            "Find what part of a full turn the angle is. The sector is the same part of the circle.",
            f"The part is {degrees} out of 360. The area of the circle is {times(r * r, 'π')}.",
            f"{frac(Fraction(degrees, 360))} · {times(r * r, 'π')} = {times(right, 'π')}.",
        ),
        strategy="Take the angle over 360. The sector is the same part of the whole circle.",
        proof=Proof("geometry", {"measure": "sector", "data": {"degrees": degrees, "r": r}}),
        seconds=60,
        slope=1.0,
    )


@template(SKILL, count=3)
def inscribed_angle(rng: random.Random) -> Draft:
    """An inscribed angle and its central angle, or an angle in a half circle. Typed."""
    half = rng.random() < 0.5
    if half:
        a = rng.choice([n for n in range(22, 69) if n != 45])
        return draft(
            stem="In the figure, AB is a diameter of the circle with center O, and C is a point on the circle. The "
            f"measure of angle BAC is {a}°. What is the measure, in degrees, of angle ABC?",
            figure=figure.circle(
                {"A": 180, "B": 0, "C": max(46, min(2 * a, 130))}, chords=["AB", "AC", "BC"], inscribed=("BAC", f"{a}°")
            ),
            answer=typed(90 - a),
            why="AB is a diameter, so angle ACB is a right angle. The angles of triangle ABC add up to 180°, so "
            f"angle ABC measures 180° − 90° − {a}° = {90 - a}°.",
            band=4,
            hints=(
                "You want angle ABC.",
                "One side of the triangle is a diameter. Then the angle across from it is a right angle.",
                f"Angle ACB is 90°. Angle BAC is {a}°. All three add up to 180°.",
                f"180 − 90 − {a} = {90 - a}.",
            ),
            strategy="An angle in a half circle is a right angle.",
            proof=Proof("geometry", {"measure": "angle_sum", "data": {"angles": ["choice", 90, a]}, "equals": 180}),
            seconds=60,
            slope=1.0,
        )
    a = rng.randint(48, 84)
    return draft(
        stem=f"In the figure, points A, B, and C lie on the circle with center O. The measure of angle ACB is {a}°. "
        "What is the measure, in degrees, of the smaller angle AOB?",
        figure=figure.circle(
            {"A": 270 - a, "B": 270 + a, "C": 80},
            radii=["A", "B"],
            chords=["AC", "BC"],
            angle="x°",
            inscribed=("ACB", f"{a}°"),
        ),
        answer=typed(2 * a),
        why="Angle ACB is an inscribed angle, and angle AOB is the central angle of the same arc. A central angle is "
        f"twice the inscribed angle of its arc: 2 · {a}° = {2 * a}°.",
        band=4,
        hints=(
            "You want the central angle AOB.",
            "Both angles open to the same arc. Recall how a central angle compares with an inscribed one.",
            f"The inscribed angle is {a}°. The central angle is twice as large.",
            f"2 · {a} = {2 * a}.",
        ),
        strategy="A central angle is twice any inscribed angle of the same arc.",
        proof=Proof(
            "geometry", {"measure": "proportion", "data": {"a": "choice", "b": a, "c": 2, "d": 1}, "equals": 0}
        ),
        seconds=55,
        slope=1.0,
    )


@template(SKILL, count=3)
def radius_from_general(rng: random.Random) -> Draft:
    """The radius by completing the square. Typed."""
    h, k = rng.choice([n for n in range(-7, 8) if n]), rng.choice([n for n in range(-7, 8) if n])
    r = rng.randint(3, 12)
    equation = _general(h, k, r * r)
    if abs(h) == abs(k) or r * r == h * h + k * k:
        raise Unusable("want different numbers")
    diameter = rng.random() < 0.3
    right = 2 * r if diameter else r
    rest = r * r - h * h - k * k
    return draft(
        stem=f"In the xy-plane, the graph of {equation} is a circle. What is the "
        f"{'diameter' if diameter else 'radius'} of the circle?",
        answer=typed(right),
        why=f"Complete both squares: add {h * h} and {k * k} to both sides. This gives "
        f"{_standard(h, k, f'{num(rest)} + {h * h} + {k * k}')}, and the right side is {r * r}. So the radius "
        f"is {r}" + (f", and the diameter is {2 * r}." if diameter else "."),
        band=5,
        hints=(
            f"You want the {'diameter' if diameter else 'radius'} of the circle.",
            "Complete the square for x and for y. Then the right side is the radius squared.",
            f"Half of {2 * abs(h)} is {abs(h)}, so add {h * h}. Do the same for y, and add both to the right side.",
            f"The equation is {_standard(h, k, r * r)}. The radius is {r}."
            + (f" The diameter is {2 * r}." if diameter else ""),
        ),
        strategy="Complete the square in x and in y to reach (x − h)² + (y − k)² = r².",
        proof=Proof("geometry", {"measure": "radius", "equation": equation, "times": 2 if diameter else 1}),
        seconds=85,
        slope=1.2,
    )


@template(SKILL, count=3)
def equation_from_diameter(rng: random.Random) -> Draft:
    """The equation of a circle from the ends of a diameter."""
    h, k = rng.choice([n for n in range(-6, 7) if n]), rng.choice([n for n in range(-6, 7) if n])
    dx, dy = rng.choice([(3, 4), (4, 3), (6, 8), (5, 12), (2, 1), (3, 1), (2, 3), (4, 1), (5, 2)])
    squared = dx * dx + dy * dy
    one, two = (h - dx, k - dy), (h + dx, k + dy)
    if abs(h) == abs(k):
        raise Unusable("want different coordinates")
    right = _standard(h, k, squared)
    return draft(
        stem=f"In the xy-plane, the points {_point(*one)} and {_point(*two)} are the endpoints of a diameter of a "
        "circle. Which equation represents this circle?",
        answer=right,
        wrong=[
            (
                _standard(-h, -k, squared),
                "You have the signs of the center reversed. The parentheses hold x − h and y − k.",
            ),
            (_standard(h, k, 4 * squared), "You used the diameter in place of the radius."),
            (
                _standard(*two, squared),
                "You used an endpoint of the diameter as the center. The center is the midpoint.",
            ),
        ],
        why=f"The center is the midpoint of the diameter, {_point(h, k)}. The radius squared is the squared distance "
        f"from there to an endpoint, {dx}² + {dy}² = {squared}. So the equation is {right}.",
        band=5,
        hints=(
            "You want the equation of the circle.",
            "The center is the midpoint of the diameter. The radius goes from the center to an endpoint.",
            f"The midpoint is {_point(h, k)}. From it to an endpoint, go {dx} across and {dy} up or down.",
            f"The radius squared is {dx}² + {dy}² = {squared}. The equation is {right}.",
        ),
        strategy="Midpoint gives the center, distance from it gives the radius; then fill in the standard form.",
        proof=Proof("geometry", {"measure": "circle", "centre": [h, k], "radius_squared": squared}),
        seconds=85,
        slope=1.2,
    )


@template(SKILL, count=3)
def tangent_length(rng: random.Random) -> Draft:
    """A tangent is perpendicular to the radius."""
    x, y, z = rng.choice([(3, 4, 5), (5, 12, 13), (8, 15, 17), (7, 24, 25)])
    k = rng.randint(1, 4)
    r, tangent, far = x * k, y * k, z * k
    ask = rng.choice(["far", "tangent"])
    right = far if ask == "far" else tangent
    gap = far - r
    given = f"AB = {tangent}" if ask == "far" else f"OB = {far}"
    return draft(
        stem=f"In the figure, line segment AB is tangent to the circle with center O at point A. If OA = {r} and "
        f"{given}, what is the length of {'OB' if ask == 'far' else 'AB'}?",
        figure=figure.circle(
            {"A": 60},
            radii=["A"],
            tangent=("A", "B", 1.9),
            lengths={"OA": str(r)} | ({"AB": str(tangent)} if ask == "far" else {}),
        ),
        answer=num(right),
        wrong=[
            (
                num(r + tangent),
                "You added the lengths themselves. In a right triangle, it is the squares that are added.",
            )
            if ask == "far"
            else (num(gap), "You subtracted the lengths themselves. In a right triangle, it is their squares."),
            (
                root(tangent * tangent - r * r) if ask == "far" else root(far * far + r * r),
                "You took AB as the hypotenuse. The right angle is at A, so OB is opposite to it.",
            ),
            (num(gap), "You found only the part of OB that lies outside the circle.")
            if ask == "far"
            else (num(2 * r), "You found the diameter of the circle. The segment AB is not a part of the circle."),
        ],
        why="A tangent is perpendicular to the radius at the point of contact. So OAB is a right triangle with "
        "hypotenuse OB, and OA² + AB² = OB². "
        + (
            f"OB² = {r}² + {tangent}² = {num(far * far)}, so OB = {far}."
            if ask == "far"
            else f"AB² = {far}² − {r}² = {num(tangent * tangent)}, so AB = {tangent}."
        ),
        band=6,
        hints=(
            f"You want the length of {'OB' if ask == 'far' else 'AB'}.",
            "A radius meets a tangent at a right angle. Look for a right triangle.",
            f"The right angle is at A, so OB is the longest side. {r}² = {num(r * r)}, and "
            + (f"{tangent}² = {num(tangent * tangent)}." if ask == "far" else f"{far}² = {num(far * far)}."),
            (
                f"{num(r * r)} + {num(tangent * tangent)} = {num(far * far)}. So OB = {far}."
                if ask == "far"
                else f"{num(far * far)} − {num(r * r)} = {num(tangent * tangent)}. So AB = {tangent}."
            ),
        ),
        strategy="A radius meets a tangent at a right angle. So look for a right triangle.",
        proof=Proof(
            "geometry",
            {
                "measure": "legs_squared",
                "data": {"a": r, "b": tangent, "c": "choice"} if ask == "far" else {"a": r, "b": "choice", "c": far},
                "equals": 0,
            },
        ),
        seconds=75,
        slope=1.2,
    )


@template(SKILL, count=3)
def moved_circle(rng: random.Random) -> Draft:
    """A circle in general form with a leading factor is moved; find its new equation."""
    h, k = rng.choice([n for n in range(-5, 6) if n]), rng.choice([n for n in range(-5, 6) if n])
    r = rng.randint(3, 8)
    factor = rng.choice([2, 3])
    left, up = rng.randint(2, 7), rng.randint(2, 7)
    equation = _general(h, k, r * r, factor)
    across, above = h - left, k + up
    if abs(h) == abs(k) or not across or not above or r * r * factor == (r * factor) ** 2:
        raise Unusable("want different numbers")
    right = _standard(across, above, r * r)
    return draft(
        stem=f"In the xy-plane, the graph of {equation} is a circle. The circle is translated {left} units to the "
        f"left and {up} units up. Which equation represents the resulting circle?",
        answer=right,
        wrong=[
            (
                _standard(h + left, k - up, r * r),
                "You moved the center the wrong way. To the left makes x smaller, and up makes y larger.",
            ),
            (
                _standard(across, above, r * r * factor),
                f"You did not divide the right side by {factor}. Divide the whole equation first.",
            ),
            (
                _standard(-across, -above, r * r),
                "You have the signs of the center reversed. The parentheses hold x − h and y − k.",
            ),
        ],
        why=f"Dividing by {factor} and completing both squares gives {_standard(h, k, r * r)}, a circle with center "
        f"{_point(h, k)} and radius {r}. The translation moves the center to {_point(across, above)} and keeps "
        f"the radius. The new equation is {right}.",
        band=7,
        hints=(
            "You want the equation of the circle after it was moved.",
            f"Divide the equation by {factor} and complete the squares. Then move the center.",
            f"After dividing by {factor} and completing the squares, the center is {_point(h, k)}.",
            f"The radius is {r}, and the new center is {_point(across, above)}. The equation is {right}.",
        ),
        strategy="Bring the equation to standard form, move the center, keep the radius.",
        proof=Proof("geometry", {"measure": "circle", "centre": [across, above], "radius_squared": r * r}),
        seconds=115,
        slope=1.4,
    )


@template(SKILL, count=3)
def arc_from_sector(rng: random.Random) -> Draft:
    """The arc length or the angle from a sector's area and the radius."""
    r = rng.choice([4, 5, 6, 8, 9, 10, 12])
    arc = Fraction(rng.randint(3, 24), rng.choice([1, 2]))
    area = arc * r / 2
    angle = arc / r
    if not Fraction(1, 6) < angle < 2 or area.denominator != 1:
        raise Unusable("want a simple sector")
    ask = rng.choice(["arc", "angle"])
    right = arc if ask == "arc" else angle
    stem = f"A sector of a circle with radius {r} has an area of {times(area, 'π')}. "
    return draft(
        stem=stem
        + (
            "What is the length of the arc of this sector?"
            if ask == "arc"
            else "What is the measure, in radians, of the central angle of this sector?"
        ),
        answer=times(right, "π"),
        wrong=[
            (
                times(angle if ask == "arc" else arc, "π"),
                f"You found the {'central angle' if ask == 'arc' else 'length of the arc'}. Check what is asked for.",
            ),
            (times(right / 2, "π"), "You left out the factor one half in the area of a sector."),
            (times(2 * right, "π"), "You used the factor one half twice."),
        ],
        why=f"The area of a sector is (1/2)r²θ, with the central angle θ in radians. So {times(area, 'π')} = (1/2) · "
        f"{r * r} · θ, which gives θ = {times(angle, 'π')}. "
        + (
            f"The arc has the length rθ = {r} · {times(angle, 'π')} = {times(arc, 'π')}."
            if ask == "arc"
            else "This is the central angle."
        ),
        band=6,
        hints=(
            f"You want the {'length of the arc' if ask == 'arc' else 'central angle'} of the sector.",
            "With the angle θ in radians, the area is (1/2)r²θ, and the arc is rθ.",
            f"The area gives {times(area, 'π')} = (1/2) · {r * r} · θ. Solve for θ.",
            f"θ = {times(angle, 'π')}. "
            + (
                f"The arc is {r} · {times(angle, 'π')} = {times(arc, 'π')}."
                if ask == "arc"
                else "This is the answer: " + times(angle, "π") + "."
            ),
        ),
        strategy="In radians: arc = rθ and sector area = (1/2)r²θ.",
        proof=Proof(
            "ratio",
            {"start": "choice", "steps": [["*", r if ask == "arc" else r * r], ["/", 2]], "equals": f"{area}*pi"},
        ),
        seconds=95,
        slope=1.3,
    )
