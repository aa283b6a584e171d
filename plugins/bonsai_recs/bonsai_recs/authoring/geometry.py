"""Templates for area and volume."""

from __future__ import annotations

import random
from fractions import Fraction

from bonsai_recs.authoring import figures_shapes as figure
from bonsai_recs.authoring.kit import Draft, Proof, Unusable
from bonsai_recs.authoring.making import draft, num, template, times, typed

SKILL = "Area and volume"


@template(SKILL, count=3)
def side_of_rectangle(rng: random.Random) -> Draft:
    """A rectangle's side from its area, or its perimeter from its area and a side."""
    length, width = rng.randint(8, 24), rng.randint(3, 12)
    area = length * width
    ask = rng.choice(["perimeter", "width"])
    if width >= length:
        raise Unusable("want the length larger")
    what = rng.choice(["garden", "floor", "poster", "field", "rug"])
    right = 2 * (length + width) if ask == "perimeter" else width
    wrong = (
        [
            (num(length + width), "You added two of the four sides. The perimeter goes around all of them."),
            (num(width), "You found the other side. The question asks for the distance around."),
            (
                num(2 * (area - length)),
                "You found the other side by subtracting. The area is the product of the two sides.",
            ),
        ]
        if ask == "perimeter"
        else [
            (num(area - length), "You subtracted the length from the area. The area is a product, so divide."),
            (num(Fraction(area, 2) - length), "You treated the area as if it were the perimeter."),
            (num(2 * (length + width)), "You found the perimeter. The question asks for one side."),
        ]
    )
    last = f" The perimeter is 2 · ({length} + {width}) = {right}." if ask == "perimeter" else ""
    return draft(
        stem=f"A rectangular {what} has an area of {area} square feet and a length of {length} feet. What is its "
        f"{ask}, in feet?",
        answer=num(right),
        wrong=wrong,
        why=f"The area is length times width, so the width is {area} ÷ {length} = {width}.{last} The unit is feet.",
        band=1 if ask == "width" else 2,
        hints=(
            f"You want the {ask} of the rectangle.",
            "Area is length times width. Use it to find the side that is missing.",
            f"The missing side is {area} ÷ {length}.",
            f"{area} ÷ {length} = {width}.{last} The answer is {right}.",
        ),
        strategy="Undo area = length · width by dividing.",
        proof=Proof("geometry", {"measure": "prism_volume", "data": {"base": length, "h": "choice"}, "equals": area})
        if ask == "width"
        else Proof("ratio", {"start": "choice", "steps": [["/", 2], ["-", length], ["*", length]], "equals": area}),
        seconds=45,
        slope=0.8,
    )


@template(SKILL, count=3)
def trapezoid(rng: random.Random) -> Draft:
    """The area of a trapezoid from a figure."""
    top, extra, high = rng.randint(4, 12), rng.randint(4, 10), rng.randint(4, 12)
    bottom = top + extra
    area = Fraction((top + bottom) * high, 2)
    corners = {"A": (0.0, 0.0), "B": (8.0, 0.0), "C": (6.2, 3.6), "D": (2.4, 3.6), "1": (2.4, 0.0)}
    return draft(
        stem="In the figure, ABCD is a trapezoid with parallel sides AB and CD. What is the area of the trapezoid "
        f"with AB = {bottom}, CD = {top}, and a height of {high}?",
        figure=figure.shape(
            "Trapezoid ABCD with its height",
            corners,
            ["ABCD"],
            extra=[("D", "1")],
            right=[("D", "1", "B")],
            sides={("A", "B"): str(bottom), ("C", "D"): str(top), ("D", "1"): str(high)},
        ),
        answer=num(area),
        wrong=[
            (
                num((top + bottom) * high),
                "You forgot to take half. The mean of the parallel sides is multiplied by the height.",
            ),
            (num(bottom * high), "You used the longer side as if the figure were a rectangle."),
            (num(Fraction(bottom * high, 2)), "You found the area of a triangle with the longer side as base."),
        ],
        spare=[
            (num(top * high), "You used the shorter side as if the figure were a rectangle."),
            (num(Fraction(top * high, 2)), "You found the area of a triangle with the shorter side as base."),
        ],
        why=f"The area of a trapezoid is half the sum of the parallel sides times the height. Here that is ({bottom} "
        f"+ {top})/2 · {high} = {num(area)}.",
        band=2,
        hints=(
            "You want the area of the trapezoid.",
            "Add the two parallel sides and take half. Then multiply by the height.",
            f"The parallel sides add up to {bottom} + {top} = {bottom + top}.",
            (
                f"Half of {bottom + top} is {num(Fraction(bottom + top, 2))}. Then {num(Fraction(bottom + top, 2))} · "
                f"{high} = {num(area)}."
            ),
        ),
        strategy="Area of a trapezoid: mean of the parallel sides times the height.",
        proof=Proof(
            "geometry",
            {"measure": "polygon_area", "data": {"corners": [[0, 0], [bottom, 0], [top + 1, high], [1, high]]}},
        ),
        seconds=60,
        slope=0.9,
    )


@template(SKILL, count=3)
def height_of_box(rng: random.Random) -> Draft:
    """The missing edge of a box from its volume. Typed."""
    a, b, c = rng.randint(4, 15), rng.randint(3, 12), rng.randint(3, 20)
    volume = a * b * c
    name, unit = rng.choice(
        [("storage bin", "inches"), ("fish tank", "inches"), ("crate", "feet"), ("gift box", "centimeters")]
    )
    short = {"inches": "in", "feet": "ft", "centimeters": "cm"}[unit]
    return draft(
        stem=f"The figure shows a {name} in the shape of a right rectangular prism with length {a} {unit}, width {b} "
        f"{unit}, and height x {unit}. Its volume is {num(volume)} cubic {unit}. What is the value of x?",
        figure=figure.box(f"{a} {short}", f"{b} {short}", f"x {short}"),
        answer=typed(c),
        why=f"The volume is length times width times height: {a} · {b} · x = {num(volume)}. Since {a} · {b} = "
        f"{a * b}, x = {num(volume)} ÷ {a * b} = {c}.",
        band=2,
        hints=(
            "You want the height x of the box.",
            "Volume is length times width times height. Divide the volume by the area of the base.",
            f"The area of the base is {a} · {b}. So {a} · {b} · x = {num(volume)}.",
            f"{a} · {b} = {a * b}. Then x = {num(volume)} ÷ {a * b} = {c}.",
        ),
        strategy="Height is volume divided by the area of the base.",
        proof=Proof("geometry", {"measure": "box_volume", "data": {"l": a, "w": b, "h": "choice"}, "equals": volume}),
        seconds=50,
        slope=0.8,
    )


@template(SKILL, count=3)
def cylinder_volume(rng: random.Random) -> Draft:
    """The volume of a cylinder in terms of π, sometimes from the diameter."""
    r, h = rng.randint(2, 9), rng.randint(5, 20)
    thing = rng.choice(["can", "water tank", "candle", "drum"])
    unit, short = rng.choice([("inches", "in"), ("centimeters", "cm"), ("feet", "ft")])
    volume = r * r * h
    return draft(
        stem=f"A {thing} has the shape of a right circular cylinder with a base diameter of {2 * r} {unit} and a "
        f"height of {h} {unit}. What is its volume, in cubic {unit}?",
        figure=figure.cylinder(f"{2 * r} {short}", f"{h} {short}", diameter=True),
        answer=times(volume, "π"),
        wrong=[
            (times(4 * volume, "π"), "You used the diameter in place of the radius. The radius is half of it."),
            (
                times(2 * r * h, "π"),
                "You found the area of the curved side. The volume is the area of the base times the height.",
            ),
            (times(r * h, "π"), "You did not square the radius. The area of the base is π times the radius squared."),
        ],
        spare=[
            (times(2 * volume, "π"), "You doubled the area of the base. A circle has the area πr², without a 2."),
            (num(volume), "You left out π. The area of the base is π times the radius squared."),
        ],
        why=f"The radius is {2 * r} ÷ 2 = {r}. The volume is πr²h = π · {r}² · {h} = {times(volume, 'π')}.",
        band=3,
        hints=(
            "You want the volume of the cylinder.",
            "Find the area of the round base. Multiply it by the height.",
            f"The radius is {2 * r} ÷ 2 = {r}. The area of the base is {times(r * r, 'π')}.",
            f"{times(r * r, 'π')} · {h} = {times(volume, 'π')}.",
        ),
        strategy="Take half of the diameter first. The volume is π times the radius squared times the height.",
        proof=Proof("geometry", {"measure": "cylinder_volume", "data": {"r": r, "h": h}}),
        seconds=60,
        slope=1.0,
    )


@template(SKILL, count=3)
def l_shape(rng: random.Random) -> Draft:
    """The area of an L-shaped floor."""
    wide, high = rng.randint(10, 18), rng.randint(9, 16)
    cut_x, cut_y = rng.randint(3, wide - 4), rng.randint(3, high - 4)
    area = wide * high - cut_x * cut_y
    points = {
        "A": (0.0, 0.0),
        "B": (float(wide), 0.0),
        "C": (float(wide), float(high - cut_y)),
        "D": (float(wide - cut_x), float(high - cut_y)),
        "E": (float(wide - cut_x), float(high)),
        "F": (0.0, float(high)),
    }
    room = rng.choice(["floor of a studio", "deck of a house", "lawn of a school", "roof of a garage"])
    return draft(
        stem=f"The figure shows the {room}. All angles are right angles, and all lengths are in feet. The left side "
        f"is {high} feet long and the bottom side {wide} feet. What is its area, in square feet?",
        figure=figure.shape(
            "L-shaped region",
            points,
            ["ABCDEF"],
            named=False,
            right=[("F", "A", "B"), ("A", "B", "C"), ("D", "E", "F"), ("E", "F", "A")],
            sides={
                ("A", "B"): str(wide),
                ("F", "A"): str(high),
                ("E", "F"): str(wide - cut_x),
                ("B", "C"): str(high - cut_y),
            },
        ),
        answer=num(area),
        wrong=[
            (
                num(wide * high),
                "You found the area of the whole rectangle around the figure. A corner of it is missing.",
            ),
            (
                num(wide * (high - cut_y) + (wide - cut_x) * high),
                "You counted one part twice. The two rectangles you used overlap.",
            ),
            (num(2 * (wide + high)), "You found the distance around the figure, not its area."),
        ],
        spare=[
            (num((wide - cut_x) * high), "You found the area of one rectangle. A part on its right is missing."),
            (num(cut_x * cut_y), "You found the area of the corner that is missing."),
        ],
        why=f"The area of the rectangle around the figure is {wide} · {high} = {wide * high}. The missing corner is "
        f"{cut_x} by {cut_y}, so its area is {cut_x * cut_y}. The area is {wide * high} − {cut_x * cut_y} = "
        f"{area}.",
        band=4,
        hints=(
            "You want the area of the L-shaped figure.",
            "Cut the figure into two rectangles, or take the missing corner from a large one.",
            f"The large rectangle is {wide} by {high}. The missing corner is {cut_x} by {cut_y}.",
            (
                f"{wide} · {high} = {wide * high}, and {cut_x} · {cut_y} = {cut_x * cut_y}. So the area is "
                f"{wide * high} − {cut_x * cut_y} = {area}."
            ),
        ),
        strategy="Split a figure into rectangles or complete it to one, and find missing lengths by subtraction.",
        proof=Proof(
            "geometry", {"measure": "polygon_area", "data": {"corners": [[int(x), int(y)] for x, y in points.values()]}}
        ),
        seconds=75,
        slope=1.0,
    )


@template(SKILL, count=3)
def cone_or_sphere(rng: random.Random) -> Draft:
    """The volume of a cone or a sphere in terms of π."""
    if rng.random() < 0.5:
        r, h = rng.choice([3, 4, 5, 6, 9]), rng.choice([6, 8, 9, 10, 12, 15])
        right = Fraction(r * r * h, 3)
        return draft(
            stem=f"A right circular cone has a base radius of {r} inches and a height of {h} inches. What is its "
            "volume, in cubic inches?",
            figure=figure.cone(f"{r} in", f"{h} in"),
            answer=times(right, "π"),
            wrong=[
                (
                    times(3 * right, "π"),
                    "You found the volume of a cylinder. A cone with this base and height fills only a part of it.",
                ),
                (
                    times(Fraction(r * h, 3), "π"),
                    "You did not square the radius. The area of the base is π times the radius squared.",
                ),
                (
                    times(Fraction(r * r * h, 2), "π"),
                    "You took half of the cylinder, as for a triangle. A cone is a smaller part of its cylinder.",
                ),
            ],
            why="The volume of a cone is a third of the area of the base times the height. The base has the area "
            f"{times(r * r, 'π')}, so the volume is 1/3 · {times(r * r, 'π')} · {h} = {times(right, 'π')}.",
            band=4,
            hints=(
                "You want the volume of the cone.",
                "A cone has a third of the volume of a cylinder with the same base and height.",
                f"The area of the base is π · {r}² = {times(r * r, 'π')}. Multiply by the height and divide by 3.",
                f"1/3 · {times(r * r, 'π')} · {h} = {times(right, 'π')}.",
            ),
            strategy="Use the reference sheet: a cone has the volume (1/3)πr²h.",
            proof=Proof("geometry", {"measure": "cone_volume", "data": {"r": r, "h": h}}),
            seconds=65,
            slope=1.0,
        )
    r = rng.choice([2, 3, 4, 5, 6, 9, 10, 12])
    right = Fraction(4 * r**3, 3)
    return draft(
        stem=f"A ball has the shape of a sphere with a diameter of {2 * r} centimeters. What is its volume, in cubic "
        "centimeters?",
        answer=times(right, "π"),
        wrong=[
            (times(8 * right, "π"), "You used the diameter in place of the radius."),
            (times(4 * r * r, "π"), "You found the area of the surface. The volume needs the radius cubed."),
            (times(Fraction(4 * r * r, 3), "π"), "You squared the radius. The volume needs the radius cubed."),
        ],
        why=f"The radius is {2 * r} ÷ 2 = {r}. The volume is 4/3 · π · {r}³ = 4/3 · π · {num(r**3)} = "
        f"{times(right, 'π')}.",
        band=4,
        hints=(
            "You want the volume of the sphere.",
            "Halve the diameter to get the radius. Then use the formula for a sphere.",
            f"The radius is {r}, and {r}³ = {num(r**3)}. Multiply by 4/3 and by π.",
            f"4/3 · π · {num(r**3)} = {times(right, 'π')}.",
        ),
        strategy="Use the reference sheet: a sphere has the volume (4/3)πr³.",
        proof=Proof("geometry", {"measure": "sphere_volume", "data": {"r": r}}),
        seconds=65,
        slope=1.0,
    )


@template(SKILL, count=3)
def square_with_circle(rng: random.Random) -> Draft:
    """The region between a square and a circle."""
    outside = rng.random() < 0.5
    s = rng.choice([4, 6, 8, 10, 12, 14, 16, 18, 20])
    if outside:
        square, round_ = s * s, Fraction(s * s, 2)
        answer = f"{times(round_, 'π')} − {square}"
        wrong = [
            (
                f"{times(2 * round_, 'π')} − {square}",
                "You used the side as the radius. The diagonal of the square is the diameter of the circle.",
            ),
            (
                f"{times(round_ / 2, 'π')} − {square}" if s % 4 == 0 else f"{times(4 * round_, 'π')} − {square}",
                "You used the wrong length as the radius. It is half of the diagonal of the square.",
            ),
            (
                f"{square} − {times(round_, 'π')}",
                "You subtracted in the wrong order. The circle is the larger of the two here.",
            ),
        ]
        stem = (
            f"In the figure, a square with side length {s} is inscribed in a circle. What is the area of the shaded "
            "region?"
        )
        why = (
            f"The diagonal of the square is {s}√2, so the radius is {times(Fraction(s, 2), '√2')} and the circle has "
            "the area "
        )
        why += (
            f"{times(round_, 'π')}. The area of the square is {square}. The shaded region is the circle without the "
            "square."
        )
        partial = (
            f"The area of the square is {square}. Half of its diagonal is {times(Fraction(s, 2), '√2')}, and this is "
            "the radius."
        )
        proof = Proof("geometry", {"measure": "circle_less_square", "data": {"side": s}})
        last = f"The area of the circle is {times(round_, 'π')}. Take away the square. The answer is {answer}."
    else:
        square, round_ = s * s, Fraction(s * s, 4)
        answer = f"{square} − {times(round_, 'π')}"
        wrong = [
            (
                f"{square} − {times(4 * round_, 'π')}",
                "You used the side of the square as the radius. It is the diameter of the circle.",
            ),
            (f"{square} − {times(s, 'π')}", "You used the distance around the circle in place of its area."),
            (f"{4 * s} − {times(round_, 'π')}", "You used the distance around the square in place of its area."),
        ]
        stem = (
            f"In the figure, a circle touches all four sides of a square with side length {s}. What is the area of "
            "the shaded region?"
        )
        why = (
            f"The diameter of the circle is the side of the square, so the radius is {s} ÷ 2 = {num(Fraction(s, 2))}. "
            "The area of the circle is "
        )
        why += (
            f"{times(round_, 'π')}, and the area of the square is {square}. The shaded region is the square without "
            "the circle."
        )
        partial = f"The area of the square is {square}. The radius of the circle is {s} ÷ 2 = {num(Fraction(s, 2))}."
        proof = Proof("geometry", {"measure": "square_less_circle", "data": {"r": str(Fraction(s, 2))}})
        last = f"The area of the circle is {times(round_, 'π')}. Take it away from the square. The answer is {answer}."
    return draft(
        stem=stem,
        figure=figure.square_and_circle(str(s), outside=outside),
        answer=answer,
        wrong=wrong,
        why=why,
        band=5 if not outside else 6,
        hints=(
            "You want the area between the two shapes.",
            "Find the area of each shape. Then take the smaller area from the larger one.",
            partial,
            f"The area of the square is {square}. {last}",
        ),
        strategy="For a shaded region, take the area of the inner shape from the area of the outer one.",
        proof=proof,
        seconds=80,
        slope=1.2,
    )


@template(SKILL, count=3)
def similar_solids(rng: random.Random) -> Draft:
    """How volume or surface area scales with length, from one measure to another."""
    a, b = rng.choice([(2, 3), (3, 4), (3, 5), (2, 5), (4, 5), (1, 3), (1, 4), (5, 6)])
    solid = rng.choice(["cylinders", "cones", "rectangular prisms", "pyramids"])
    unit = rng.randint(2, 9)
    area_small = a * a * unit * rng.choice([4, 6, 10])
    area_large = area_small * b * b // (a * a)
    small = a**3 * rng.randint(2, 9)
    large = small * b**3 // a**3
    if large > 3000:
        raise Unusable("too large")
    # Of all four solids, a pyramid holds the least for its surface S: at most S^1.5 / (12√2).
    if 288 * small**2 > area_small**3:
        raise Unusable("no such solid")
    x, y = rng.sample("ABPQ", 2)
    return draft(
        stem=f"Two {solid}, {x} and {y}, are similar. The surface area of {x} is {num(area_small)} square inches, and "
        f"the surface area of {y} is {num(area_large)} square inches. If the volume of {x} is {num(small)} cubic "
        f"inches, what is the volume of {y}, in cubic inches?",
        answer=num(large),
        wrong=[
            (
                num(Fraction(small * b * b, a * a)),
                (
                    "You used the ratio of the areas for the volumes. Volumes grow with one more factor of the "
                    "length ratio."
                ),
            ),
            (num(Fraction(small * b, a)), "You used the ratio of the lengths for the volumes."),
            (
                num(small + area_large - area_small),
                "You added the difference of the areas. Areas and volumes have different units.",
            ),
        ],
        why=f"The areas have the ratio {num(area_large)} : {num(area_small)} = {b * b} : {a * a}, so lengths have "
        f"the ratio {b} : {a}. Volumes have the ratio {b**3} : {a**3}. The volume of {y} is {num(small)} · "
        f"{b**3}/{a**3} = {num(large)}.".replace("/1 =", " ="),
        band=6,
        hints=(
            f"You want the volume of solid {y}.",
            "Areas scale with the square of the length ratio. Volumes scale with its cube.",
            f"The ratio of the areas is {b * b} to {a * a}. Its square root gives the ratio of the lengths.",
            (
                f"Lengths have the ratio {b} to {a}, so volumes have the ratio {b**3} to {a**3}. Then {num(small)} ÷ "
                f"{a**3} · {b**3} = {num(large)}."
            ),
        ),
        strategy="Find the length ratio first: square root of the area ratio. Then cube it for volumes.",
        proof=Proof(
            "ratio",
            {"start": "choice", "steps": [["/", small], ["**", 2]], "equals": f"({area_large}/{area_small})**3"},
        ),
        seconds=100,
        slope=1.3,
    )


@template(SKILL, count=3)
def regular_hexagon(rng: random.Random) -> Draft:
    """The area of an equilateral triangle or a regular hexagon from its perimeter."""
    sides = rng.choice([3, 6])
    side = rng.choice([2, 4, 6, 8, 10, 12, 14, 16])
    perimeter = sides * side
    coefficient = Fraction(side * side, 4) * (1 if sides == 3 else 6)
    name = "equilateral triangle" if sides == 3 else "regular hexagon"
    kind = "triangle" if sides == 3 else "hexagon"
    piece = Fraction(side * side, 4)
    article = "an" if sides == 3 else "a"
    return draft(
        stem=f"The perimeter of {article} {name} is {perimeter} centimeters. What is the area of this {kind}, in "
        "square centimeters?",
        answer=times(coefficient, "√3"),
        wrong=[
            (times(2 * coefficient, "√3"), "You left out the factor one half in the area of a triangle."),
            (
                num(2 * coefficient),
                "You used a side as the height. The height of an equilateral triangle is shorter than its side.",
            ),
            (
                (times(piece, "√3"), "You found the area of one of the six equal triangles only.")
                if sides == 6
                else (
                    times(Fraction(perimeter * perimeter, 4), "√3"),
                    "You used the perimeter as the side. Divide it by the number of sides first.",
                )
            ),
        ],
        why=f"Each side is {perimeter} ÷ {sides} = {side}. An equilateral triangle with side {side} has the height "
        f"{times(Fraction(side, 2), '√3')} and the area {times(piece, '√3')}."
        + (
            f" The hexagon is made of six of them, so its area is 6 · {times(piece, '√3')} = "
            f"{times(coefficient, '√3')}."
            if sides == 6
            else " This is the area of the whole figure."
        ),
        band=6,
        hints=(
            f"You want the area of the {kind}.",
            "Find the side first. A line from the top cuts the triangle into two 30-60-90 triangles."
            if sides == 3
            else "Find the side first. The hexagon is made of six triangles with equal sides.",
            (
                f"The side is {perimeter} ÷ {sides} = {side}. The height of a triangle with this side is "
                f"{times(Fraction(side, 2), '√3')}."
            ),
            f"One triangle has the area 1/2 · {side} · {times(Fraction(side, 2), '√3')} = {times(piece, '√3')}. "
            + (
                f"The answer is {times(coefficient, '√3')}."
                if sides == 3
                else f"Six of them make {times(coefficient, '√3')}."
            ),
        ),
        strategy="Cut the figure into triangles with equal sides. Find the area of one of them.",
        proof=Proof("geometry", {"measure": "regular_area", "data": {"sides": sides, "side": side}}),
        seconds=90,
        slope=1.2,
    )


@template(SKILL, count=2)
def percent_of_volume(rng: random.Random) -> Draft:
    """The percent change of a cylinder's volume when radius and height change. Typed."""
    p, q = rng.choice([10, 20, 30, 40, 50, 100]), rng.choice([10, 20, 25, 40, 50, 60])
    factor = Fraction(100 + p, 100) ** 2 * Fraction(100 - q, 100)
    change = (factor - 1) * 100
    if change <= 0 or len(num(change)) > 5:
        raise Unusable("want an increase")
    solid = rng.choice(["right circular cylinder", "right circular cone"])
    return draft(
        stem=f"The radius of a {solid} is increased by {p}%, and its height is decreased by {q}%. By what percent "
        "does its volume increase? (Disregard the % sign when entering your answer.)",
        answer=typed(change),
        why="The volume has the radius twice as a factor and the height once. So it is multiplied by "
        f"{num(Fraction(100 + p, 100))}² · {num(Fraction(100 - q, 100))} = {num(factor)}. That is an increase of "
        f"{num(change)}%.",
        band=7,
        hints=(
            "You want the percent by which the volume grows.",
            "Turn each change into a number to multiply by. The radius is squared in the volume.",
            (
                f"The radius is multiplied by {num(Fraction(100 + p, 100))}, and the height by "
                f"{num(Fraction(100 - q, 100))}."
            ),
            (
                f"{num(Fraction(100 + p, 100))}² · {num(Fraction(100 - q, 100))} = {num(factor)}. Compare it with 1. "
                f"The volume grows by {num(change)}%. The answer is {typed(change)}."
            ),
        ),
        strategy="Use multipliers, each as often as its length is a factor of the volume.",
        proof=Proof(
            "ratio",
            {
                "start": "choice",
                "steps": [["/", 100], ["+", 1], ["/", f"({100 + p}/100)**2"], ["*", 100], ["-", 100]],
                "equals": -q,
            },
        ),
        seconds=105,
        slope=1.4,
    )
