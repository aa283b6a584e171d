"""Templates for right triangles and trigonometry."""

from __future__ import annotations

import random
from fractions import Fraction

from bonsai_recs.authoring import figures_shapes as figure
from bonsai_recs.authoring.kit import Draft, Proof, Unusable
from bonsai_recs.authoring.making import draft, frac, num, root, template, times, typed

SKILL = "Right triangles and trigonometry"

TRIPLES = [(3, 4, 5), (5, 12, 13), (8, 15, 17), (7, 24, 25), (20, 21, 29), (9, 40, 41)]
LETTERS = ["ABC", "DEF", "JKL", "PQR", "STU", "XYZ"]


def _triangle(
    names: str, legs: tuple[float, float], sides: dict[str, str], angles: dict[str, str] | None = None
) -> str:
    """A right triangle with the right angle at the middle name, `legs` as drawn (across, up)."""
    a, b, c = tuple(names)
    return figure.shape(
        f"Right triangle {names}",
        {a: (0.0, legs[1]), b: (0.0, 0.0), c: (legs[0], 0.0)},
        [names],
        right=[(a, b, c)],
        sides={(pair[0], pair[1]): text for pair, text in sides.items()},
        angles={(b if at != b else a, at, {a: c, c: a}[at]): text for at, text in (angles or {}).items()},
    )


@template(SKILL, count=3)
def hypotenuse(rng: random.Random) -> Draft:
    """The hypotenuse from two legs."""
    x, y, z = rng.choice(TRIPLES[:5])
    k = rng.randint(1, 4)
    a, b, c = x * k, y * k, z * k
    if rng.random() < 0.5:
        a, b = b, a
    names = rng.choice(LETTERS)
    p, q, r = tuple(names)
    return draft(
        stem=f"In triangle {names}, angle {q} is a right angle, {p}{q} = {a}, and {q}{r} = {b}. What is the length of "
        f"{p}{r}?",
        figure=_triangle(
            names, (float(b), float(a)) if 0.4 < a / b < 2.5 else (4.0, 3.0), {p + q: str(a), q + r: str(b)}
        ),
        answer=num(c),
        wrong=[
            (num(a + b), "You added the two legs. It is their squares that are added."),
            (num(a * a + b * b), "You stopped at the sum of the squares. The length is the square root of this sum."),
            (
                root(abs(a * a - b * b)),
                "You subtracted the squares. That finds a leg, but here the hypotenuse is asked for.",
            ),
        ],
        spare=[(num(max(a, b)), "You gave the longer leg. The side across from the right angle is longer than that.")],
        why=f"By the Pythagorean theorem, {p}{r}² = {a}² + {b}² = {num(a * a + b * b)}. So {p}{r} = {c}.",
        band=1 if k == 1 else 2,
        hints=(
            f"You want the longest side, {p}{r}.",
            "In a right triangle, the squares of the two legs add up to the square of the longest side.",
            f"{a}² = {num(a * a)}, and {b}² = {num(b * b)}. Add these.",
            f"The sum is {num(a * a + b * b)}. Its square root is {c}.",
        ),
        strategy="Square both legs and add. The square root of the sum is the longest side.",
        proof=Proof("geometry", {"measure": "hypotenuse", "data": {"a": a, "b": b}}),
        seconds=50,
        slope=0.8,
    )


@template(SKILL, count=3)
def ladder(rng: random.Random) -> Draft:
    """A missing leg in a story. Typed."""
    x, y, z = rng.choice(TRIPLES[:4])
    k = rng.randint(1, 3)
    short, long, slant = x * k, y * k, z * k
    what, high = rng.choice(
        [
            (
                "A ladder {z} feet long leans against a wall. Its foot is {x} feet from the wall",
                "How high on the wall, in feet, does the ladder reach?",
            ),
            (
                (
                    "A cable {z} meters long runs from the top of a pole to a point on level ground {x} meters from "
                    "the foot of the pole"
                ),
                "How tall is the pole, in meters?",
            ),
            ("A ramp {z} feet long covers a horizontal distance of {y} feet", "How many feet does the ramp rise?"),
        ]
    )
    right, other = (short, long) if "{y}" in what else (long, short)
    return draft(
        stem=f"{what.format(x=short, y=long, z=slant)}. {high}",
        answer=typed(right),
        why=f"The slanted length {slant} is the hypotenuse of a right triangle with one leg {other}. The other leg is "
        f"the square root of {slant}² − {other}² = {num(slant * slant)} − {num(other * other)} = "
        f"{num(right * right)}. So it is {right}.",
        band=2,
        hints=(
            "You want one of the legs of a right triangle.",
            "The slanted side is the hypotenuse. Subtract the square of the known leg from its square.",
            f"{slant}² = {num(slant * slant)}, and {other}² = {num(other * other)}. Subtract these.",
            f"The difference is {num(right * right)}. Its square root is {right}.",
        ),
        strategy="For a leg: hypotenuse² − leg², then the square root.",
        proof=Proof(
            "geometry", {"measure": "legs_squared", "data": {"a": "choice", "b": other, "c": slant}, "equals": 0}
        ),
        seconds=60,
        slope=0.9,
    )


@template(SKILL, count=3)
def ratio_of_sides(rng: random.Random) -> Draft:
    """Sine, cosine or tangent from the sides of a triangle."""
    x, y, z = rng.choice(TRIPLES)
    if rng.random() < 0.5:
        x, y = y, x
    names = rng.choice(LETTERS)
    p, q, r = tuple(names)
    function, at = rng.choice([("sin", p), ("cos", p), ("tan", p), ("sin", r), ("cos", r), ("tan", r)])
    # Leg pq has length x, leg qr has length y.
    opposite, adjacent = (y, x) if at == p else (x, y)
    values = {"sin": Fraction(opposite, z), "cos": Fraction(adjacent, z), "tan": Fraction(opposite, adjacent)}
    said = {"sin": "sine", "cos": "cosine", "tan": "tangent"}
    ratio = {
        "sin": "opposite leg to hypotenuse",
        "cos": "adjacent leg to hypotenuse",
        "tan": "opposite leg to adjacent leg",
    }
    parts = {"sin": (opposite, z), "cos": (adjacent, z), "tan": (opposite, adjacent)}[function]
    others = [name for name in values if name != function]
    wrong = [
        (frac(values[name]), f"You used the ratio for the {said[name]}. It is the ratio of {ratio[name]}.")
        for name in others
    ]
    wrong.append((frac(1 / values[function]), "You turned the ratio upside down."))
    return draft(
        stem=f"In the right triangle shown, {p}{q} = {x}, {q}{r} = {y}, and {p}{r} = {z}. What is the value of "
        f"{function} {at}?",
        figure=_triangle(names, (4.2, 3.0), {p + q: str(x), q + r: str(y), p + r: str(z)}),
        answer=frac(values[function]),
        wrong=wrong,
        why=f"The {said[function]} of an acute angle is the ratio of {ratio[function]}. For angle {at}, the opposite "
        f"leg is {opposite} and the adjacent leg is {adjacent}. So {function} {at} = {frac(values[function])}.",
        band=3,
        hints=(
            f"You want the {said[function]} of angle {at}.",
            f"The {said[function]} is the ratio of {ratio[function]}. Find these sides as seen from angle {at}.",
            f"From angle {at}, the opposite leg is {opposite} and the adjacent leg is {adjacent}.",
            f"The ratio is {parts[0]} over {parts[1]}. So {function} {at} = {frac(values[function])}.",
        ),
        strategy="Look from the angle. Mark the side across from it, the leg next to it, and the longest side.",
        proof=Proof("ratio", {"start": parts[0], "steps": [["/", parts[1]]]}),
        seconds=60,
        slope=1.0,
    )


@template(SKILL, count=2)
def complementary(rng: random.Random) -> Draft:
    """sin a° = cos b° for complementary angles. Typed."""
    a = rng.choice([n for n in range(12, 79) if n != 45])
    first, second = rng.choice([("sin", "cos"), ("cos", "sin")])
    return draft(
        stem=f"If {first} {a}° = {second} k° and 0 < k < 90, what is the value of k?",
        answer=typed(90 - a),
        why=f"The sine of an acute angle equals the cosine of the angle that adds up to 90° with it. So {a} + k = 90, "
        f"and k = {90 - a}.",
        band=3,
        hints=(
            "You want the angle k.",
            "In a right triangle, the two acute angles add up to 90°. The sine of one is the cosine of the other.",
            f"So {a} and k add up to 90.",
            f"k = 90 − {a} = {90 - a}.",
        ),
        strategy="sin x° = cos(90 − x)°.",
        proof=Proof(
            "geometry",
            {
                "measure": "sine_less_cosine",
                "data": {"a": a, "b": "choice"} if first == "sin" else {"a": "choice", "b": a},
                "equals": 0,
            },
        ),
        seconds=45,
        slope=1.0,
    )


@template(SKILL, count=3)
def diagonal_of_square(rng: random.Random) -> Draft:
    """Special right triangle 45-45-90: from the diagonal or the hypotenuse."""
    m = rng.randint(3, 15)
    whole = rng.random() < 0.5
    side = times(m, "√2") if whole else str(m)
    diagonal = str(2 * m) if whole else times(m, "√2")
    what = rng.choice(["tile", "window", "field", "park", "sheet of paper"])
    return draft(
        stem=f"A square {what} has a diagonal of length {diagonal} meters. What is the length of one of its sides, "
        "in meters?".replace("meters", "inches" if what in ("tile", "window", "sheet of paper") else "meters"),
        answer=side,
        wrong=[
            (
                str(m) if whole else times(Fraction(m, 2), "√2"),
                "You took half of the diagonal. Half of the diagonal is shorter than a side.",
            ),
            (
                times(2 * m, "√2") if whole else str(2 * m),
                "You multiplied by √2. From the diagonal to the side, you divide.",
            ),
            (
                times(m, "√3"),
                "You used the factor √3 of a 30-60-90 triangle. The diagonal of a square makes angles of 45°.",
            ),
        ],
        spare=[
            (
                times(Fraction(m, 2), "√2") if whole else num(Fraction(m, 2)),
                "You took half after you had divided by √2. Only one of these two steps is needed.",
            )
        ],
        why="The diagonal and two sides form a 45-45-90 triangle, so the diagonal is √2 times a side. The side is "
        f"{diagonal} ÷ √2 = {side}.",
        band=4,
        hints=(
            "You want the side of the square.",
            "The diagonal cuts the square into two 45-45-90 triangles. The diagonal is √2 times the side.",
            f"So side · √2 = {diagonal}. Divide by √2.",
            f"{diagonal} ÷ √2 = {side}.",
        ),
        strategy="In a 45-45-90 triangle, the longest side is √2 times a leg.",
        proof=Proof(
            "geometry",
            {
                "measure": "legs_squared",
                "data": {"a": "choice", "b": "choice", "c": 2 * m if whole else f"{m}*sqrt(2)"},
                "equals": 0,
            },
        ),
        seconds=60,
        slope=1.1,
    )


@template(SKILL, count=3)
def thirty_sixty(rng: random.Random) -> Draft:
    """A side of a 30-60-90 triangle."""
    short = rng.randint(3, 18)
    names = rng.choice(LETTERS)
    p, q, r = tuple(names)
    # Angle at r is 30°, so leg pq is the short one and qr the long one.
    ask = rng.choice(["long from hypotenuse", "hypotenuse from short", "long from short"])
    answer, asked, given, known = {
        "long from hypotenuse": (times(short, "√3"), q + r, p + r, 2 * short),
        "hypotenuse from short": (num(2 * short), p + r, p + q, short),
        "long from short": (times(short, "√3"), q + r, p + q, short),
    }[ask]
    wrong = {
        "long from hypotenuse": [
            (num(short), "You found the side opposite the 30° angle. The question asks for the other leg."),
            (times(2 * short, "√3"), "You multiplied the hypotenuse by √3. The factor belongs to the shorter leg."),
            (times(short, "√2"), "You used the factor √2 of a 45-45-90 triangle."),
            (num(4 * short), "You doubled the hypotenuse. It is the longest side, so each leg is shorter."),
            (times(Fraction(short, 2), "√3"), "You took half twice. The shorter leg is half of the hypotenuse."),
        ],
        "hypotenuse from short": [
            (times(short, "√3"), "You found the longer leg. The hypotenuse is opposite the right angle."),
            (times(short, "√2"), "You used the factor √2 of a 45-45-90 triangle."),
            (times(2 * short, "√3"), "You used both factors, 2 and √3. Only one of them leads to the hypotenuse."),
            (num(3 * short), "You used a factor of 3. The sides have the factors 1, √3, and 2."),
        ],
        "long from short": [
            (num(2 * short), "You found the hypotenuse. The question asks for a leg."),
            (times(short, "√2"), "You used the factor √2 of a 45-45-90 triangle."),
            (times(Fraction(short, 3), "√3"), "You divided by √3. The side opposite the larger angle is longer."),
            (num(3 * short), "You used the factor 3. It has to be the square root of 3."),
            (times(Fraction(short, 2), "√3"), "You took half of the shorter leg first. It is the side s as it stands."),
        ],
    }[ask]
    return draft(
        stem=f"In right triangle {names}, angle {q} is a right angle and angle {r} measures 30°. If {given} = "
        f"{known}, what is the length of {asked}?",
        figure=_triangle(names, (5.2, 3.0), {given: str(known)}, {r: "30°", p: "60°"}),
        answer=answer,
        wrong=wrong[:3],
        spare=wrong[3:],
        why="In a 30-60-90 triangle, the sides are s, s√3, and 2s, where s is opposite the 30° angle. Here s = "
        f"{p}{q} = {short}. So {asked} = {answer}.",
        band=4,
        hints=(
            f"You want the length of {asked}.",
            "The sides of a 30-60-90 triangle are s, s√3, and 2s. The side s is opposite the 30° angle.",
            f"{p}{q} is the side s. "
            + (f"The hypotenuse is 2s = {known}." if "from hyp" in ask else f"So s = {known}."),
            f"s = {short}, and {asked} is {'2s' if ask.startswith('hyp') else 's√3'}. So {asked} = {answer}.",
        ),
        strategy="Find the short leg s first; the other sides are s√3 and 2s.",
        proof=Proof("geometry", {"measure": "cosine", "data": {"degrees": 30, "times": known}})
        if ask == "long from hypotenuse"
        else Proof("geometry", {"measure": "sine", "data": {"degrees": 30, "times": "choice"}, "equals": known})
        if ask == "hypotenuse from short"
        else Proof("geometry", {"measure": "tangent", "data": {"degrees": 30, "times": "choice"}, "equals": known}),
        seconds=65,
        slope=1.1,
    )


@template(SKILL, count=3)
def similar_right_triangles(rng: random.Random) -> Draft:
    """A trigonometric ratio carried over to a similar triangle. Typed."""
    x, y, z = rng.choice(TRIPLES[:5])
    if rng.random() < 0.5:
        x, y = y, x
    k = rng.randint(2, 5)
    one, two = rng.sample(LETTERS, 2)
    p, q, r = tuple(one)
    s, t, u = tuple(two)
    function = rng.choice(["sin", "cos", "tan"])
    opposite, adjacent = x, y
    value = {"sin": Fraction(opposite, z), "cos": Fraction(adjacent, z), "tan": Fraction(opposite, adjacent)}[function]
    ratio = {"sin": (p + q, p + r), "cos": (q + r, p + r), "tan": (p + q, q + r)}[function]
    lengths = {p + q: x, q + r: y, p + r: z}
    if len(frac(value)) > 5:
        raise Unusable("too long")
    return draft(
        stem=f"Triangle {one} is similar to triangle {two}, where {p} corresponds to {s}, and angles {q} and {t} are "
        f"right angles. In triangle {one}, {p}{q} = {x}, {q}{r} = {y}, and {p}{r} = {z}. Each side of triangle "
        f"{two} is {k} times as long as the corresponding side of triangle {one}. What is the value of "
        f"{function} {u}?",
        answer=frac(value),
        why=f"Angle {u} corresponds to angle {r}, so the two angles are equal and {function} {u} = {function} {r}. "
        f"The factor {k} does not matter, because it cancels in the ratio. So {function} {u} = "
        f"{ratio[0]}/{ratio[1]} = {frac(value)}.",
        band=5,
        hints=(
            f"You want a ratio for angle {u}.",
            "Equal angles have equal ratios. It does not matter how large the triangle is.",
            f"Angle {u} equals angle {r}. Use the sides {ratio[0]} and {ratio[1]} of triangle {one}.",
            (
                f"{ratio[0]} is {lengths[ratio[0]]}, and {ratio[1]} is {lengths[ratio[1]]}. So {function} {u} = "
                f"{frac(value)}."
            ),
        ),
        strategy="Match the angles. Equal angles have the same ratios, however large the triangle is.",
        proof=Proof("ratio", {"start": lengths[ratio[0]] * k, "steps": [["/", lengths[ratio[1]] * k]]}),
        seconds=80,
        slope=1.1,
    )


@template(SKILL, count=3)
def cofunction_equation(rng: random.Random) -> Draft:
    """sin(ax + b)° = cos(cx + d)° for acute angles."""
    x = rng.randint(4, 20)
    a, c = rng.choice([1, 2, 3]), rng.choice([2, 3, 4])
    first = rng.randint(15, 75)
    b, d = first - a * x, 90 - first - c * x
    if not b or not d or abs(b) > 40 or abs(d) > 60 or a == c or first == 45:
        raise Unusable("want simple expressions")

    def linear(m: int, n: int) -> str:
        return f"{'' if m == 1 else m}x {'+' if n > 0 else '−'} {abs(n)}"

    equal = Fraction(d - b, a - c)
    sum180 = Fraction(180 - b - d, a + c)
    if any(value.denominator > 2 for value in (equal, sum180)):
        raise Unusable("want simple choices")
    return draft(
        stem=f"The angles ({linear(a, b)})° and ({linear(c, d)})° are acute, and sin({linear(a, b)})° = "
        f"cos({linear(c, d)})°. What is the value of x?",
        answer=num(x),
        wrong=[
            (num(equal), "You set the two angles equal. Sine and cosine of the same angle are equal only at 45°."),
            (
                num(sum180),
                (
                    "You let the two angles add up to 180°. A sine equals a cosine when the two acute angles make a "
                    "right angle."
                ),
            ),
            (num(first), "You found the measure of one of the angles, not x."),
        ],
        why="The sine of an acute angle equals the cosine of its complement, so the angles add up to 90°. Then "
        f"({linear(a, b)}) + ({linear(c, d)}) = 90, so {a + c}x = {90 - b - d}. This gives x = {x}.",
        band=6,
        hints=(
            "You want the value of x.",
            "A sine equals a cosine when the two acute angles add up to 90°.",
            f"So ({linear(a, b)}) + ({linear(c, d)}) = 90. Collect the terms with x.",
            f"{a + c}x = {90 - b - d}, so x = {x}.",
        ),
        strategy="Use sin x° = cos(90 − x)° to turn the equation into a sum of 90.",
        proof=Proof(
            "geometry",
            {"measure": "sum", "data": {"terms": [*["choice"] * (a + c), b, d]}, "equals": 90},
        ),
        seconds=85,
        slope=1.3,
    )


@template(SKILL, count=3)
def leg_from_tangent(rng: random.Random) -> Draft:
    """A side or an area from a trigonometric ratio and another side."""
    x, y, z = rng.choice(TRIPLES[:5])
    if rng.random() < 0.5:
        x, y = y, x
    k = rng.randint(2, 5)
    names = rng.choice(LETTERS)
    p, q, r = tuple(names)
    # tan r = pq / qr = x / y; the hypotenuse is z·k.
    area = Fraction(x * y * k * k, 2)
    perimeter = (x + y + z) * k
    ask = rng.choice(["area", "perimeter"])
    right, other = (area, perimeter) if ask == "area" else (perimeter, area)
    flat = Fraction(x * y * k * k) if ask == "area" else Fraction((x + y) * k)
    flat_why = (
        "You forgot to take half of the product of the legs." if ask == "area" else "You left out the hypotenuse."
    )
    small = Fraction(x * y, 2) if ask == "area" else Fraction(x + y + z)
    return draft(
        stem=f"In right triangle {names}, angle {q} is the right angle and {p}{r} = {z * k}. If tan {r} = {x}/{y}, "
        f"what is the {ask} of triangle {names}?",
        figure=_triangle(names, (4.4, 3.0), {p + r: str(z * k)}),
        answer=num(right),
        wrong=[
            (num(other), f"You found the {'perimeter' if ask == 'area' else 'area'}. The question asks for the {ask}."),
            (num(flat), flat_why),
            (
                num(small),
                (
                    f"You used {x} and {y} as the legs. They only give the ratio of the legs; the hypotenuse sets the "
                    "size."
                ),
            ),
        ],
        spare=[
            (
                num(Fraction(max(x, y) * z * k * k, 2)) if ask == "area" else num((x + y + z) * z * k),
                "You used the hypotenuse as a height. The two legs are the base and the height."
                if ask == "area"
                else f"You multiplied all sides by {z * k}. The hypotenuse goes from {z} to {z * k}, so divide first.",
            ),
            (
                num(Fraction(right) / 2) if ask == "area" else num((y + z) * k),
                "You took half twice. Half of the product of the legs is enough."
                if ask == "area"
                else "You left out one of the legs.",
            ),
        ],
        why=f"The legs have the ratio {x} : {y}, so they are {x}s and {y}s, and the hypotenuse is {z}s. From {z}s = "
        f"{z * k} we get s = {k}, so the legs are {x * k} and {y * k}. The {ask} is {num(right)}.",
        band=6,
        hints=(
            f"You want the {ask} of the triangle.",
            "The tangent gives the ratio of the legs. Find the hypotenuse that fits this ratio, then scale.",
            f"Legs of {x} and {y} would give a hypotenuse of {z}. Here it is {z * k}, so multiply all sides by {k}.",
            f"The legs are {x * k} and {y * k}. "
            + (
                f"Half of their product is {num(right)}."
                if ask == "area"
                else f"All three sides add up to {num(right)}."
            ),
        ),
        strategy="Write the sides as multiples of one number s and use the known side to find s.",
        proof=Proof("geometry", {"measure": "polygon_area", "data": {"corners": [[0, 0], [y * k, 0], [0, x * k]]}})
        if ask == "area"
        else Proof("geometry", {"measure": "polygon_perimeter", "data": {"corners": [[0, 0], [y * k, 0], [0, x * k]]}}),
        seconds=95,
        slope=1.3,
    )


@template(SKILL, count=3)
def isosceles_right_perimeter(rng: random.Random) -> Draft:
    """The perimeter of an isosceles right triangle is given; find a leg or the hypotenuse."""
    m = rng.randint(3, 30)
    # Hypotenuse m√2·√2 = 2m with legs m√2: perimeter 2m + 2m√2.
    ask = rng.choice(["leg", "hypotenuse"])
    right = times(m, "√2") if ask == "leg" else num(2 * m)
    wrong = [
        (
            num(2 * m) if ask == "leg" else times(m, "√2"),
            f"You found the {'hypotenuse' if ask == 'leg' else 'length of a leg'}. Check which side is asked for.",
        ),
        (num(m), "You split the part without a root in two. The part without a root is one whole side here."),
        (
            times(2 * m, "√2"),
            "You gave both legs together. The question asks for one of them."
            if ask == "leg"
            else "You took the part with the root for the hypotenuse. That part is the two legs.",
        ),
    ]
    return draft(
        stem=f"An isosceles right triangle has a perimeter of {2 * m} + {times(2 * m, '√2')} inches. What is the "
        f"length, in inches, of {'one leg' if ask == 'leg' else 'the hypotenuse'} of this triangle?",
        answer=right,
        wrong=wrong,
        why=f"With legs of length a, the perimeter is 2a + a√2. For a = {times(m, '√2')}, the legs add up to "
        f"{times(2 * m, '√2')}, and the hypotenuse is {times(m, '√2')} · √2 = {2 * m}. This is the given "
        f"perimeter, so the answer is {right}.",
        band=7,
        hints=(
            f"You want the {ask}.",
            "Call a leg a. The hypotenuse is a√2. Write the perimeter with a.",
            (
                f"2a + a√2 = {2 * m} + {times(2 * m, '√2')}. Which part is a√2? Do not just match the parts that look "
                "alike."
            ),
            (
                f"If a = {times(m, '√2')}, then 2a = {times(2 * m, '√2')} and a√2 = {2 * m}. This fits. The answer is "
                f"{right}."
            ),
        ),
        strategy="Set up 2a + a√2 and test which part is the hypotenuse.",
        proof=Proof(
            "geometry",
            {
                "measure": "proportion",
                "data": {
                    "a": "choice",
                    "b": 1,
                    "c": f"{2 * m}+{2 * m}*sqrt(2)",
                    "d": "2+sqrt(2)" if ask == "leg" else "1+sqrt(2)",
                },
                "equals": 0,
            },
        ),
        seconds=110,
        slope=1.4,
    )
