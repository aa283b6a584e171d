"""Templates for lines, angles and triangles."""

from __future__ import annotations

import random
from fractions import Fraction

from bonsai_recs.authoring import figures_shapes as figure
from bonsai_recs.authoring.kit import Draft, Proof, Unusable
from bonsai_recs.authoring.making import draft, frac, num, template, typed

SKILL = "Lines, angles, and triangles"


def _linear(a: int, b: int) -> str:
    """`3x + 10`."""
    return f"{'' if a == 1 else a}x" + (f" {'+' if b > 0 else '−'} {abs(b)}" if b else "")


@template(SKILL, count=3)
def crossing_lines(rng: random.Random) -> Draft:
    """Two lines cross; an angle next to or opposite a given one."""
    given = rng.choice([n for n in range(96, 160) if n != 120])
    opposite = rng.random() < 0.4
    right = given if opposite else 180 - given
    points = {"A": (0.0, 0.0), "B": (6.0, 2.6), "C": (0.0, 2.6), "D": (6.0, 0.0), "E": (3.0, 1.3)}
    a, b, c, d, e = tuple(rng.choice(["ABCDE", "PQRST", "JKLMN", "UVWXY"]))
    points = dict(zip((a, b, c, d, e), points.values(), strict=True))
    told, asked = c + e + b, (a if opposite else b) + e + d
    return draft(
        stem=f"In the figure, lines {a}{b} and {c}{d} intersect at point {e}. The measure of angle {told} is "
        f"{given}°. What is the measure of angle {asked}?",
        figure=figure.shape(
            "Two lines that cross",
            points,
            [],
            extra=[(a, b), (c, d)],
            angles={(c, e, b): f"{given}°"},
            below=e,
        ),
        answer=f"{right}°",
        wrong=[
            (
                f"{180 - right}°",
                "You mixed up angles that are opposite with angles that lie next to each other on a line.",
            ),
            (f"{360 - given}°", "You subtracted from 360°. Two angles next to each other on a line add up to 180°."),
            (f"{given - 90}°", "You subtracted 90°. The lines need not be perpendicular."),
        ],
        why=(
            f"Angles {told} and {asked} are opposite each other where two lines cross. Such vertical angles are "
            f"equal, so the measure is {right}°."
            if opposite
            else f"Angles {told} and {asked} lie next to each other on line {c}{d}. Together they make 180°, so the "
            f"measure is 180° − {given}° = {right}°."
        ),
        band=1,
        hints=(
            f"You want the measure of angle {asked}.",
            "See where the two angles lie. Opposite angles are equal; angles side by side on a line add up to 180°.",
            f"Angles {told} and {asked} are {'opposite each other' if opposite else f'side by side on line {c}{d}'}.",
            f"So the measure is {f'the same, {right}°' if opposite else f'180° − {given}° = {right}°'}.",
        ),
        strategy="Where two lines cross: opposite angles are equal, neighbors add up to 180°.",
        proof=Proof("geometry", {"measure": "angles_differ", "data": {"angles": ["choice", given]}, "equals": 0})
        if opposite
        else Proof("geometry", {"measure": "angle_sum", "data": {"angles": ["choice", given]}, "equals": 180}),
        seconds=40,
        slope=0.7,
    )


@template(SKILL, count=3)
def third_angle(rng: random.Random) -> Draft:
    """The third angle of a triangle, or the sum of two."""
    a, b = rng.randint(28, 75), rng.randint(35, 85)
    c = 180 - a - b
    if c in (a, b) or c < 30 or a == b:
        raise Unusable("want three angles")
    p, q, r = tuple(rng.choice(["ABC", "JKL", "PQR", "RST", "XYZ"]))
    return draft(
        stem=f"In triangle {p}{q}{r}, the measure of angle {p} is {a}° and the measure of angle {q} is {b}°. What is "
        f"the measure of angle {r}?",
        figure=figure.shape(
            "Triangle",
            {p: (0.0, 0.0), q: (5.0, 0.0), r: (1.9, 3.0)},
            [p + q + r],
            angles={(q, p, r): f"{a}°", (p, q, r): f"{b}°"},
        ),
        answer=f"{c}°",
        wrong=[
            (f"{a + b}°", "You added the two given angles. That is the part that is taken away from 180°."),
            (f"{180 - a}°", "You took only one of the two angles away."),
            (
                f"{abs(90 - a) if abs(90 - a) != c else 90 - b}°",
                "You worked as if there were a right angle. But no right angle is given.",
            ),
        ],
        why=f"The three angles of a triangle add up to 180°. So angle {r} measures 180° − {a}° − {b}° = {c}°.",
        band=1,
        hints=(
            f"You want the measure of angle {r}.",
            "The angles of a triangle add up to 180°.",
            f"The two known angles add up to {a}° + {b}°. Take that from 180°.",
            f"{a}° + {b}° = {a + b}°, and 180° − {a + b}° = {c}°.",
        ),
        strategy="Use the angle sum of a triangle, 180°.",
        proof=Proof("geometry", {"measure": "angle_sum", "data": {"angles": ["choice", a, b]}, "equals": 180}),
        seconds=40,
        slope=0.7,
    )


@template(SKILL, count=3)
def parallel_lines(rng: random.Random) -> Draft:
    """An angle at parallel lines. Typed."""
    given = rng.choice([n for n in range(52, 130) if abs(n - 90) > 8])
    first = rng.choice([("top", "NE"), ("top", "NW"), ("top", "SE"), ("top", "SW")])
    second = rng.choice([("bottom", "NE"), ("bottom", "NW"), ("bottom", "SE"), ("bottom", "SW")])
    # NE and SW are equal, NW and SE are equal.
    same = (first[1] in ("NE", "SW")) == (second[1] in ("NE", "SW"))
    x = given if same else 180 - given
    lean = given if first[1] in ("NE", "SW") else 180 - given
    if same:
        raise Unusable("the answer would stand in the stem")
    return draft(
        stem=f"In the figure, line ℓ is parallel to line m, and line t intersects both. One angle measures {given}°, "
        "and another one measures x°, as shown. What is the value of x?",
        figure=figure.transversal({first: f"{given}°", second: "x°"}, lean=max(48, min(lean, 132))),
        answer=typed(x),
        why=f"At parallel lines, the angles at line m have the same measures as those at line ℓ: {given}° and 180° − "
        f"{given}° = {180 - given}°. The angle marked x° is of the other kind, so x = {x}.",
        band=2,
        hints=(
            "You want the angle that is marked x°.",
            "Parallel lines make the same angles with line t. Find the place of x° at the other line.",
            f"At each line there are only two measures. One is {given}°, and the two add up to 180°.",
            f"The angle x° lies next to an angle of {given}°. So x = 180 − {given} = {x}.",
        ),
        strategy="At parallel lines there are only two angle measures, and they add up to 180°.",
        proof=Proof("geometry", {"measure": "angle_sum", "data": {"angles": ["choice", given]}, "equals": 180}),
        seconds=50,
        slope=0.8,
    )


@template(SKILL, count=3)
def isosceles(rng: random.Random) -> Draft:
    """An angle of an isosceles triangle."""
    apex = rng.randrange(24, 130, 2)
    base = (180 - apex) // 2
    ask_apex = rng.random() < 0.5
    given, right = (base, apex) if ask_apex else (apex, base)
    if apex in (60, 90) or base == apex:
        raise Unusable("want a general triangle")
    p, q, r = tuple(rng.choice(["ABC", "DEF", "LMN", "RST", "UVW"]))
    known, asked = (q, p) if ask_apex else (p, q)
    alike = Fraction(180 - given, 2) if ask_apex else 180 - 2 * given if given < 90 else 180 - given // 2
    return draft(
        stem=f"In triangle {p}{q}{r}, the lengths of {p}{q} and {p}{r} are equal. The measure of angle {known} is "
        f"{given}°. What is the measure of angle {asked}?",
        answer=f"{right}°",
        wrong=[
            (
                f"{given}°",
                (
                    f"You took angles {known} and {asked} as the equal ones. The equal angles lie opposite the equal "
                    "sides."
                ),
            ),
            (f"{180 - given}°", "You used only one of the other two angles. All three angles add up to 180°."),
            (
                f"{num(alike)}°",
                "You split what is left in half. That is right only if the given angle lies between the equal sides."
                if ask_apex
                else "You treated the given angle as one of the equal ones."
                if given < 90
                else "You took half too early. Subtract the given angle from 180° first.",
            ),
        ],
        why=f"The sides {p}{q} and {p}{r} are equal, so the angles opposite them, at {r} and {q}, are equal. "
        + (
            f"So angle {p} measures 180° − 2 · {given}° = {right}°."
            if ask_apex
            else f"So angle {q} measures (180° − {given}°)/2 = {right}°."
        ),
        band=3,
        hints=(
            f"You want the measure of angle {asked}.",
            "Equal sides have equal angles opposite them. Find the two equal angles.",
            f"Angles {q} and {r} are equal. "
            + (f"Each of them is {given}°." if ask_apex else f"Together they are 180° − {given}°."),
            (
                f"180° − 2 · {given}° = {right}°."
                if ask_apex
                else f"180° − {given}° = {180 - given}°. Half of it is {right}°."
            ),
        ),
        strategy="Mark the equal angles opposite the equal sides, then use the sum of 180°.",
        proof=Proof(
            "geometry",
            {
                "measure": "angle_sum",
                "data": {"angles": ["choice", given, given] if ask_apex else ["choice", "choice", given]},
                "equals": 180,
            },
        ),
        seconds=55,
        slope=0.9,
    )


@template(SKILL, count=3)
def parallel_with_algebra(rng: random.Random) -> Draft:
    """Two angles at parallel lines given by expressions. Typed."""
    x = rng.randint(8, 30)
    a, c = rng.sample([2, 3, 4, 5], 2)
    equal = rng.random() < 0.5
    b = rng.choice([n for n in range(-30, 41, 5) if n])
    first = a * x + b
    second = first if equal else 180 - first
    d = second - c * x
    if not (40 <= first <= 140) or abs(first - 90) < 8 or not d or abs(d) > 90:
        raise Unusable("want readable angles")
    corners = {("top", "NE"): first, ("top", "NW"): 180 - first}
    place = rng.choice(sorted(corners))
    opposite = {"NE": "SW", "NW": "SE"}[place[1]]
    other = ("bottom", opposite) if equal else ("bottom", {"SW": "NW", "SE": "NE"}[opposite])
    lean = first if place[1] == "NE" else 180 - first
    one, two = _linear(a, b), _linear(c, d)
    relation = f"{one} = {two}" if equal else f"({one}) + ({two}) = 180"
    return draft(
        stem=f"In the figure, line ℓ is parallel to line m. The marked angles measure ({one})° and ({two})°. What is "
        "the value of x?",
        figure=figure.transversal({place: f"({one})°", other: f"({two})°"}, lean=max(50, min(lean, 130))),
        answer=typed(x),
        why=f"At parallel lines, the two marked angles {'are equal' if equal else 'add up to 180°'}. So {relation}. "
        f"Solving this gives x = {x}.",
        band=4,
        hints=(
            "You want the value of x.",
            "Decide if the two angles are equal or add up to 180°. Then write an equation.",
            f"The two angles {'are equal' if equal else 'add up to 180°'}. So {relation}.",
            (
                f"Then {_linear(a - c, 0) if a > c else _linear(c - a, 0)} = {d - b if a > c else b - d}, so x = {x}."
                if equal
                else f"Then {_linear(a + c, 0)} = {180 - b - d}, so x = {x}."
            ).replace("-", "−"),
        ),
        strategy="Translate the position of the angles into an equation: equal, or a sum of 180°.",
        proof=Proof(
            "geometry",
            {"measure": "angles_differ", "data": {"angles": ["choice", f"({d}-({b}))/({a - c})"]}, "equals": 0}
            if equal
            else {"measure": "angle_sum", "data": {"angles": [*["choice"] * (a + c), b, d]}, "equals": 180},
        ),
        seconds=80,
        slope=1.1,
    )


@template(SKILL, count=3)
def exterior_angle(rng: random.Random) -> Draft:
    """The exterior angle theorem with an expression."""
    x = rng.randint(12, 40)
    a = rng.choice([2, 3])
    remote = rng.randint(35, 75)
    inner = x + rng.randint(5, 25)
    b = inner - x
    exterior = remote + inner
    c = exterior - a * x
    if not 60 < exterior < 160 or not c or abs(c) > 80:
        raise Unusable("want an obtuse or acute exterior angle")
    wrong_line = Fraction(180 - b - c, 1 + a)
    wrong_all = Fraction(180 - remote - b - c, 1 + a)
    wrong_equal = Fraction(remote - c, a)
    if any(value.denominator > 1 or value <= 0 for value in (wrong_line, wrong_all, wrong_equal)):
        raise Unusable("want whole numbers")
    last = f"Take x from both sides: {_linear(a - 1, c)} = {remote + b}. This gives x = {x}."
    return draft(
        stem=f"In the figure, point C lies on segment BD. The measures of angles A, ABC, and ACD are {remote}°, "
        f"({_linear(1, b)})°, and ({_linear(a, c)})°. What is the value of x?",
        figure=figure.shape(
            "Triangle with an exterior angle",
            {"A": (1.6, 3.2), "B": (0.0, 0.0), "C": (4.2, 0.0), "D": (6.6, 0.0)},
            ["ABC"],
            extra=[("C", "D")],
            below="BCD",
            angles={
                ("B", "A", "C"): f"{remote}°",
                ("A", "B", "C"): f"({_linear(1, b)})°",
                ("D", "C", "A"): f"({_linear(a, c)})°",
            },
        ),
        answer=num(x),
        wrong=[
            (frac(wrong_line), "You let the two angles with x add up to 180°. They do not lie side by side on a line."),
            (frac(wrong_all), "You let the three marked angles add up to 180°. One of them is outside the triangle."),
            (frac(wrong_equal), "You set the angle outside equal to just one of the two angles inside."),
        ],
        why="An exterior angle of a triangle equals the sum of the two inner angles that do not touch it. So "
        f"{_linear(a, c)} = {remote} + {_linear(1, b)}. {last}",
        band=5,
        hints=(
            "You want the value of x.",
            "The exterior angle equals the sum of the two inner angles far from it.",
            f"So {_linear(a, c)} = {remote} + {_linear(1, b)}.",
            f"{_linear(a, c)} = {remote + b} + x. {last}",
        ),
        strategy="Exterior angle = sum of the two remote inner angles.",
        proof=Proof(
            "ratio", {"start": "choice", "steps": [["*", a], ["+", c], ["-", "choice"], ["-", b]], "equals": remote}
        ),
        seconds=80,
        slope=1.1,
    )


@template(SKILL, count=3)
def nested_triangles(rng: random.Random) -> Draft:
    """A segment parallel to a side: similar triangles inside one another."""
    k, m = rng.choice([(2, 3), (3, 5), (2, 5), (3, 4), (4, 7), (1, 3), (5, 8)])
    unit, width = rng.randint(2, 5), rng.randint(2, 6)
    ad, ab = k * unit, m * unit
    de, bc = k * width, m * width
    db = ab - ad
    t = min(max(k / m, 0.42), 0.62)
    tip, left, right_ = (2.2, 4.0), (0.0, 0.0), (6.5, 0.0)
    d = (tip[0] + (left[0] - tip[0]) * t, tip[1] * (1 - t))
    e = (tip[0] + (right_[0] - tip[0]) * t, tip[1] * (1 - t))
    return draft(
        stem=f"In the figure, segment DE is parallel to side BC of triangle ABC. If AD = {ad}, DB = {db}, and DE = "
        f"{de}, what is the length of BC?",
        figure=figure.shape(
            "Triangle ABC with segment DE parallel to BC",
            {"A": tip, "B": left, "C": right_, "D": d, "E": e},
            ["ABC"],
            extra=[("D", "E")],
            sides={("A", "D"): str(ad), ("D", "B"): str(db)},
        ),
        answer=num(bc),
        wrong=[
            (
                num(Fraction(de * db, ad)),
                "You used the ratio of DB to AD. The sides of the two triangles are AD and AB.",
            ),
            (num(de + db), "You added the same length to both sides. Similar triangles keep ratios, not differences."),
            (num(Fraction(de * ad, ab)), "You used the ratio upside down. BC belongs to the larger triangle."),
        ],
        why=f"Since DE is parallel to BC, triangles ADE and ABC are similar. AB = {ad} + {db} = {ab}, so each side of "
        f"ABC is {ab}/{ad} times as long as in ADE. BC = {de} · {ab}/{ad} = {bc}.",
        band=5,
        hints=(
            "You want the length of BC.",
            "The small triangle ADE and the large triangle ABC are similar. Compare sides in the same place.",
            f"AB = {ad} + {db} = {ab}. The sides of ABC are {ab}/{ad} times those of ADE.",
            f"BC = {de} · {ab}/{ad} = {bc}.",
        ),
        strategy="A line parallel to a side cuts off a similar triangle. Compare whole sides with whole sides.",
        proof=Proof(
            "geometry", {"measure": "proportion", "data": {"a": "choice", "b": de, "c": ab, "d": ad}, "equals": 0}
        ),
        seconds=80,
        slope=1.2,
    )


@template(SKILL, count=3)
def what_is_enough(rng: random.Random) -> Draft:
    """Which further fact proves that two triangles are congruent."""
    first, second = rng.choice([("ABC", "DEF"), ("JKL", "PQR"), ("RST", "UVW"), ("GHI", "XYZ")])
    a, b, c = tuple(first)
    d, e, f = tuple(second)
    sides = rng.random() < 0.5
    known, right = (["AB", "BC"], "B") if sides else (["AB", "A"], "CA")
    names = {"A": (a, d), "B": (b, e), "C": (c, f)}

    def say(part: str) -> str:
        if len(part) == 1:
            return f"Angle {names[part][0]} is congruent to angle {names[part][1]}"
        x, y = tuple(part)
        return f"{names[x][0]}{names[y][0]} = {names[x][1]}{names[y][1]}"

    none = "No additional information is needed"
    if sides:
        options = {say("B"): "B", say("A"): "A", say("C"): "C", none: "none"}
        remark = (
            "You chose an angle that does not lie between the two known sides. Two different triangles can fit then."
        )
        loose = "You took two equal sides as enough. The angle between them can still change."
        remarks = {say("A"): remark, say("C"): remark, none: loose}
        rule = "the angle between the two known sides"
    else:
        always = f"The perimeter of triangle {first} is greater than the length of {a}{b}"
        options = {say("CA"): "CA", say("BC"): "BC", none: "none", always: "always"}
        remarks = {
            say("BC"): "You chose the side opposite the known angle. Two different triangles can fit then.",
            none: "You took a side and an angle as enough. The triangle can still change its shape.",
            always: "You chose a fact that is true for any triangle. It adds nothing.",
        }
        rule = "the other side of the known angle"
    answer = say(right)
    facts = " and ".join(say(part).replace("Angle", "angle") for part in known)
    return draft(
        stem=f"In triangles {first} and {second}, {facts}. Which additional piece of information is sufficient to "
        f"prove that triangle {first} is congruent to triangle {second}?",
        answer=answer,
        wrong=[(text, remarks[text]) for text in options if text != answer],
        why=f"Two sides and the angle between them fix a triangle (SAS). With {rule}, these three parts are known to "
        "be equal, so the triangles are congruent.",
        band=6,
        hints=(
            "You want a third fact that leaves only one possible triangle.",
            "Recall the tests SSS, SAS, ASA, and AAS. See which one the known facts nearly complete.",
            f"The known facts are that {facts}. Try to complete SAS.",
            f"SAS needs {rule}. The answer is: {answer}.",
        ),
        strategy="Check each choice against SSS, SAS, ASA, and AAS; two sides and an angle not between them is not a "
        "test.",
        proof=Proof(
            "judgement",
            {
                "rule": "congruence",
                "facts": {"known": known},
                "tags": {text: {"enough": part} for text, part in options.items()},
            },
        ),
        seconds=85,
        slope=1.2,
    )


@template(SKILL, count=3)
def bend_between_parallels(rng: random.Random) -> Draft:
    """A bend between two parallel lines."""
    a, b = rng.randint(25, 70), rng.randint(25, 70)
    right = a + b
    if a == b or right in (90, 180 - a, 180 - b):
        raise Unusable("want different angles")
    points = {
        "A": (0.0, 4.0),
        "P": (3.6, 4.0),
        "Q": (1.4, 2.2),
        "R": (3.6, 0.0),
        "C": (0.0, 0.0),
        "1": (6.0, 4.0),
        "2": (6.0, 0.0),
    }
    return draft(
        stem="In the figure, line AP is parallel to line CR, and point Q lies between the lines. The measure of "
        f"angle APQ is {a}°, and the measure of angle CRQ is {b}°. What is the measure of angle PQR?",
        figure=figure.shape(
            "Two parallel lines joined by a bend",
            points,
            [],
            extra=[("A", "1"), ("C", "2"), ("P", "Q"), ("Q", "R")],
            angles={("A", "P", "Q"): f"{a}°", ("C", "R", "Q"): f"{b}°"},
            size=(360, 280),
        ),
        answer=f"{right}°",
        wrong=[
            (
                f"{180 - a - b}°",
                "You treated the figure as a triangle. The lines AP and CR are parallel, so they never meet.",
            ),
            (
                f"{abs(a - b)}°",
                "You subtracted the two angles. A line through Q splits the angle into two parts that are added.",
            ),
            (f"{360 - a - b}°", "You found the angle on the other side of Q. The angle asked for is the smaller one."),
        ],
        why="Draw a line through Q that is parallel to AP and CR. It splits angle PQR into two parts. By alternate "
        f"angles, these parts measure {a}° and {b}°, so the whole angle measures {a}° + {b}° = {right}°.",
        band=7,
        hints=(
            "You want the angle at the bend, Q.",
            "Draw a third line through Q, parallel to the other two. It splits the angle in two.",
            f"By alternate angles, the upper part is {a}°. Find the lower part in the same way.",
            f"The lower part is {b}°. So the angle is {a}° + {b}° = {right}°.",
        ),
        strategy="Add a parallel line through the bend and use alternate angles.",
        proof=Proof(
            "geometry", {"measure": "angle_sum", "data": {"angles": ["choice", 180 - a, 180 - b]}, "equals": 360}
        ),
        seconds=95,
        slope=1.3,
    )


@template(SKILL, count=2)
def similar_areas(rng: random.Random) -> Draft:
    """The perimeter of a similar triangle from the areas. Typed."""
    a, b = rng.choice([(2, 3), (3, 4), (3, 5), (4, 5), (2, 5), (5, 7)])
    unit, k = rng.randint(2, 9), rng.randint(4, 12)
    small_area, large_area = a * a * unit, b * b * unit
    small, large = a * k, b * k
    p, q = rng.choice([("ABC", "DEF"), ("JKL", "MNP"), ("RST", "XYZ")])
    return draft(
        stem=f"Triangles {p} and {q} are similar. The area of triangle {p} is {small_area}, and the area of triangle "
        f"{q} is {large_area}. If the perimeter of triangle {p} is {small}, what is the perimeter of triangle "
        f"{q}?",
        answer=typed(large),
        why=f"The areas have the ratio {large_area}/{small_area} = {b * b}/{a * a}. Lengths have the square root of "
        f"this ratio, {b}/{a}. The perimeter is a length, so it is {small} · {b}/{a} = {large}.",
        band=6,
        hints=(
            f"You want the perimeter of triangle {q}.",
            "Areas of similar figures have the square of the ratio of the lengths.",
            f"The ratio of the areas is {b * b}/{a * a}. Take the square root to get the ratio of the lengths.",
            f"The lengths have the ratio {b}/{a}. So the perimeter is {small} · {b}/{a} = {large}.",
        ),
        strategy="Take the square root of the ratio of the areas. All lengths have this ratio, and so have perimeters.",
        proof=Proof(
            "ratio", {"start": "choice", "steps": [["/", small], ["**", 2]], "equals": f"{large_area}/{small_area}"}
        ),
        seconds=85,
        slope=1.2,
    )
