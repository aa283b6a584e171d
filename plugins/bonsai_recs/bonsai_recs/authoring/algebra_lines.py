"""Templates for linear equations in two variables."""

from __future__ import annotations

import random
from fractions import Fraction

from bonsai_recs.authoring.kit import Draft, Proof, Unusable, template
from bonsai_recs.authoring.mathtext import by, lin, money, nonzero, num, pair, poly, question, typed

LINES = "Linear equations in two variables"


@template(LINES, count=4)
def slope_of_standard_form(rng: random.Random) -> Draft:
    """ax + by = c: what is the slope?"""
    a, b, c = rng.choice(nonzero(-9, 9)), rng.choice(nonzero(-8, 8)), rng.choice(nonzero(-30, 40))
    if abs(a) == abs(b) or abs(b) == 1 or abs(a) == 1:
        raise Unusable
    slope = Fraction(-a, b)
    line = f"{poly((a, 'x'), (b, 'y'))} = {num(c)}"
    return question(
        stem=f"What is the slope of the graph of {line} in the xy-plane?",
        answer=num(slope),
        wrong=[
            (
                num(-slope),
                "You divided the coefficients but did not change the sign when the x-term moved to the other side.",
            ),
            (num(1 / slope), "You divided by the coefficient of x. Solve for y, so divide by the coefficient of y."),
            (num(a), "You read off the coefficient of x. That is the slope only when the equation is solved for y."),
            (num(Fraction(c, b)), "You gave the y-intercept. The slope is the coefficient of x after you solve for y."),
        ],
        rationale=(
            f"Solving for y gives {lin(b, 0, 'y')} = {lin(-a, c)}, so y = {lin(slope, Fraction(c, b))}. "
            f"The coefficient of x is the slope, {num(slope)}."
        ),
        band=2 if a > 0 and b > 0 else 3,
        hints=(
            "Find how much y changes when x goes up by 1.",
            "Write the equation in the form y = mx + b. Then m is the slope.",
            f"Move the x-term: {lin(b, 0, 'y')} = {lin(-a, c)}.",
            f"Divide by {num(b)}: y = {lin(slope, Fraction(c, b))}. The slope is {num(slope)}.",
        ),
        strategy="Solve for y; the coefficient of x is then the slope.",
        proof=Proof(
            "solve",
            {
                "equations": [f"{num(a)} · 0 + {by(b)}p = {num(c)}", f"{num(a)} · 1 + {by(b)}q = {num(c)}"],
                "ask": "q − p",
            },
        ),
        discrimination=0.9,
    )


@template(LINES, count=3)
def where_it_crosses(rng: random.Random) -> Draft:
    """ax + by = c crosses an axis: where?"""
    a, b = rng.randint(2, 9), rng.choice(nonzero(-8, 9))
    at_x = rng.random() < 0.6
    crossing = rng.choice(nonzero(-9, 12))
    c = crossing * (a if at_x else b)
    if abs(b) == 1 or a == abs(b) or c % (b if at_x else a) == 0:
        raise Unusable
    line = f"{poly((a, 'x'), (b, 'y'))} = {num(c)}"
    axis, other, point = ("x-axis", "y", "(p, 0)") if at_x else ("y-axis", "x", "(0, p)")
    rest = f"{num(a)}p" if at_x else f"{num(b)}p"
    return question(
        stem=f"In the xy-plane, the graph of {line} crosses the {axis} at the point {point}. What is the value of p?",
        answer=typed(crossing),
        rationale=(
            f"On the {axis}, {other} = 0. Substituting the point {point} into the equation gives {rest} = {num(c)}, "
            f"so p = {num(crossing)}."
        ),
        band=1 if b > 0 and c > 0 else 2,
        hints=(
            f"Find where the line meets the {axis}.",
            f"Every point on the {axis} has {other} = 0. Put the point into the equation.",
            f"With {other} = 0 the equation is {rest} = {num(c)}.",
            f"{rest} = {num(c)}. Divide by {num(a if at_x else b)}. So p = {num(crossing)}.",
        ),
        strategy="An x-intercept has y = 0, and a y-intercept has x = 0: substitute and solve.",
        proof=Proof("solve", {"equations": [line, f"{other} = 0"], "ask": "x" if at_x else "y"}),
        discrimination=0.8,
    )


@template(LINES, count=2)
def parallel_through_a_point(rng: random.Random) -> Draft:
    """The line through a point that is parallel to a given line."""
    return _line_through_a_point(rng, parallel=True)


@template(LINES, count=2)
def perpendicular_through_a_point(rng: random.Random) -> Draft:
    """The line through a point that is perpendicular to a given line."""
    return _line_through_a_point(rng, parallel=False)


def _line_through_a_point(rng: random.Random, *, parallel: bool) -> Draft:
    top, bottom = rng.choice(nonzero(-5, 5)), rng.choice((1, 1, 2, 3, 4))
    slope = Fraction(top, bottom)
    mine = slope if parallel else -1 / slope
    if abs(slope) == 1 or slope.denominator != bottom:
        raise Unusable
    old_b, x0 = rng.choice(nonzero(-9, 9)), mine.denominator * rng.choice((-3, -2, 2, 3))
    b = rng.choice(nonzero(-9, 9))
    y0 = mine * x0 + b
    word = "parallel" if parallel else "perpendicular"
    first = "y = "

    def through(m: Fraction) -> str:
        return first + lin(m, y0 - m * x0)

    kept = -1 / slope if parallel else slope
    return question(
        stem=(
            f"Line k is defined by y = {lin(slope, old_b)}. Line j is {word} to line k in the xy-plane and passes"
            f" through the point {pair(x0, int(y0))}. Which equation defines line j?"
        ),
        answer=through(mine),
        wrong=[
            (
                through(kept) if (y0 - kept * x0).denominator == 1 else through(mine),
                (
                    "You used the slope of a perpendicular line. Parallel lines have the same slope."
                    if parallel
                    else (
                        "You kept the slope of line k. That makes a parallel line, but the lines have to meet at a"
                        " right angle."
                    )
                ),
            ),
            (
                through(-mine),
                (
                    "You changed the sign of the slope. Parallel lines rise or fall in the same way."
                    if parallel
                    else (
                        "You turned the slope over but did not change its sign. Perpendicular slopes have opposite"
                        " signs."
                    )
                ),
            ),
            (
                first + lin(mine, old_b),
                (
                    "Your slope is right, but you kept the y-intercept of line k. Line j has to pass through the given"
                    " point."
                ),
            ),
            (first + lin(mine, y0), "You used the y-coordinate of the point as the y-intercept, but x is not 0 there."),
        ],
        rationale=f"Line k has slope {num(slope)}, so line j has slope {num(mine)}"
        + (", the same. " if parallel else ", its negative reciprocal. ")
        + f"Substituting {pair(x0, int(y0))} gives {num(y0)} = {by(mine)} · {by(x0)} + b, so b = {num(b)}. "
        f"Line j is y = {lin(mine, b)}.",
        band=4 if parallel else 5,
        hints=(
            "Find the slope of line j, then its y-intercept.",
            "Parallel lines have equal slopes. If lines meet at a right angle, the product of their slopes is −1.",
            f"Line k has slope {num(slope)}. Line j passes through {pair(x0, int(y0))}.",
            (
                f"Line j has slope {num(mine)}. Put in the point: {num(y0)} = {num(mine * x0)} + b, so b = {num(b)}. "
                f"The equation is y = {lin(mine, b)}."
            ),
        ),
        strategy="Get the slope from the other line, then find the y-intercept from the point.",
        proof=Proof("satisfies", {"points": [[x0, num(y0)], [x0 + mine.denominator, num(y0 + mine.numerator)]]}),
        discrimination=1.2,
    )


_MIXES = (
    ("A florist sells bouquets for {p} each and single roses for {q} each", "b", "bouquets", "r", "roses", "sold"),
    (
        "A cinema sells adult tickets for {p} each and child tickets for {q} each",
        "a",
        "adult tickets",
        "c",
        "child tickets",
        "sold",
    ),
    ("A bookshop sells novels for {p} each and comic books for {q} each", "n", "novels", "c", "comic books", "sold"),
    ("A caterer charges {p} for each hot meal and {q} for each salad", "h", "hot meals", "s", "salads", "served"),
    ("A craft stall sells lanterns for {p} each and bracelets for {q} each", "n", "lanterns", "b", "bracelets", "sold"),
)


@template(LINES, count=3)
def equation_for_a_mix(rng: random.Random) -> Draft:
    """Which equation says that two kinds of items bring in a total?"""
    text, u, many_u, v, many_v, verb = rng.choice(_MIXES)
    p, q = rng.sample(range(4, 25), 2)
    p, q = max(p, q), min(p, q)
    x, y = rng.randint(8, 30), rng.randint(8, 30)
    if x == y:
        raise Unusable
    total = p * x + q * y
    return question(
        stem=(
            f"{text.format(p=money(p), q=money(q))}. On one day, the total income from these two items was"
            f" {money(total)}. Which equation represents this situation, where {u} is the number of {many_u} and {v} is"
            f" the number of {many_v} {verb}?"
        ),
        answer=f"{p}{u} + {q}{v} = {num(total)}",
        wrong=[
            (
                f"{q}{u} + {p}{v} = {num(total)}",
                "You swapped the two prices. Each price has to multiply the number of its own item.",
            ),
            (
                f"{u} + {v} = {num(total)}",
                (
                    "You added the numbers of items. The total is in dollars, so each number has to be multiplied by"
                    " its price."
                ),
            ),
            (
                f"{p + q}({u} + {v}) = {num(total)}",
                "You added the prices. That would charge both prices for every single item.",
            ),
        ],
        rationale=(
            f"The income from {many_u} is {p}{u} dollars, and the income from {many_v} is {q}{v} dollars. "
            f"Together they are {num(total)} dollars, so {p}{u} + {q}{v} = {num(total)}."
        ),
        band=1 if total < 400 else 2,
        hints=(
            "Write the total income in two ways.",
            "Income is price times number. Do this for both items, then add.",
            f"The income from {many_u} is {p}{u} dollars.",
            f"The other part is {q}{v} dollars. Both parts add up to the total: {p}{u} + {q}{v} = {num(total)}.",
        ),
        strategy="Multiply each number of items by its own price, then add the products.",
        proof=Proof("satisfies", {"points": [[x, y], [x - q, y + p]], "variables": [u, v]}),
        discrimination=0.8,
    )


@template(LINES, count=4)
def meaning_of_a_term(rng: random.Random) -> Draft:
    """In px + qy = total, what does qy (or p) mean?"""
    text, u, many_u, v, many_v, verb = rng.choice(_MIXES)
    p, q = rng.sample(range(4, 25), 2)
    p, q = max(p, q), min(p, q)
    total = p * rng.randint(8, 30) + q * rng.randint(8, 30)
    setting = text.partition(" for ")[0].replace(" charges {p}", " serves hot meals and salads")
    if "hot meals" not in setting:
        setting += f" and {many_v}"
    term = f"{q}{v}" if rng.random() < 0.5 else f"{p}{u}"
    mine, other, letter, price = (many_v, many_u, v, q) if term == f"{q}{v}" else (many_u, many_v, u, p)
    single = mine.removesuffix("s")
    swap = f"I({u}, 0)" if letter == v else f"I(0, {v})"
    claims = {
        f"The total income, in dollars, from {mine}": f"I({'0, ' + v if letter == v else u + ', 0'}) = {term}",
        f"The total income, in dollars, from {other}": f"{swap} = {term}",
        f"The price, in dollars, of each {single}": f"I({'0, 1' if letter == v else '1, 0'}) = {term}",
        f"The number of {mine} {verb}": f"{letter} = {term}",
    }
    right, swapped, unit_price, number = claims
    return question(
        stem=(
            f"{setting}. The equation {p}{u} + {q}{v} = {num(total)} represents the income on one day, in dollars,"
            f" where {u} is the number of {many_u} {verb} and {v} is the number of {many_v} {verb}. What is the best"
            f" interpretation of {term} in this context?"
        ),
        answer=right,
        wrong=[
            (swapped, f"You mixed up the two items. Look up what {letter} counts."),
            (unit_price, f"You looked at {price} alone. In the term {term}, it is multiplied by {letter}."),
            (number, f"You looked at {letter} alone. In the term {term}, it is multiplied by {price}."),
        ],
        rationale=(
            f"The letter {letter} is the number of {mine}, and {price} is the price of each one in dollars. "
            f"Their product {term} is the income from {mine}."
        ),
        band=3,
        hints=(
            f"Say in words what the product {term} stands for.",
            "Look up what the letter counts. Then ask what the number in front of it means.",
            f"The letter {letter} is the number of {mine}. The number {price} is a price in dollars.",
            f"Price times number is money, so {term} is an amount of income. The answer: {right.lower()}.",
        ),
        strategy="Name the unit of each factor; their product tells what the whole term means.",
        proof=Proof("meaning", {"functions": {f"I({u}, {v})": f"{p}{u} + {q}{v}"}, "claims": claims}),
        discrimination=1.0,
    )


@template(LINES, count=3)
def coefficient_for_a_direction(rng: random.Random) -> Draft:
    """kx + by = c is perpendicular or parallel to another line: find k."""
    b, top, bottom = rng.randint(2, 6), rng.choice(nonzero(-6, 6)), rng.randint(2, 5)
    c, d = rng.choice(nonzero(-20, 30)), rng.choice(nonzero(-15, 25))
    parallel = rng.random() < 0.4
    k = Fraction(b * top, bottom) if parallel else Fraction(-b * bottom, top)
    if abs(top) in (1, bottom) or k.denominator > 4 or Fraction(top, bottom).denominator != bottom:
        raise Unusable
    other = f"{poly((top, 'x'), (bottom, 'y'))} = {num(d)}"
    word = "parallel" if parallel else "perpendicular"
    theirs = Fraction(-top, bottom)
    mine = -k / b
    return question(
        stem=(
            f"In the xy-plane, the graph of kx + {b}y = {num(c)}, where k is a constant, is {word} to the graph of"
            f" {other}. What is the value of k?"
        ),
        answer=typed(k),
        rationale=(
            f"The slope of the second line is {num(theirs)}, and the slope of the first line is −k/{b}. The lines are "
            f"{word}, so −k/{b} = {num(mine)}. Therefore k = {num(k)}."
        ),
        band=5 if parallel else 6,
        hints=(
            f"Find the k that makes the two lines {word}.",
            "Write both slopes. Equal slopes mean parallel lines. A product of −1 means perpendicular lines.",
            f"Solve the second equation for y. Its slope is {num(theirs)}. The first slope is −k/{b}.",
            f"The first slope has to be {num(mine)}. So −k/{b} = {num(mine)}, and k = {num(k)}.",
        ),
        strategy=("Write both slopes. Parallel lines have equal slopes. For perpendicular lines, the product is −1."),
        proof=Proof(
            "solve",
            {
                "equations": [
                    f"{bottom}k = {num(top)} · {b}" if parallel else f"{num(top)}k + {bottom} · {b} = 0",
                ],
                "ask": "k",
            },
        ),
        discrimination=1.4,
    )


@template(LINES, count=4)
def moved_line(rng: random.Random) -> Draft:
    """A line is translated: what is the x-coordinate of its new x-intercept?"""
    a, b, x = rng.randint(2, 6), rng.choice(nonzero(-6, 6)), rng.choice(nonzero(-9, 12))
    up, left = rng.choice(nonzero(-6, 6)), rng.choice((0, 0, *nonzero(-5, 5)))
    c = a * (x + left) - b * up
    line = f"{poly((a, 'x'), (b, 'y'))} = {num(c)}"
    if not c or abs(b) == 1:
        raise Unusable

    def units(number: int, positive: str, negative: str) -> str:
        count = abs(number)
        return f"{count} unit{'s' if count > 1 else ''} {positive if number > 0 else negative}"

    moves = [units(up, "up", "down")] + ([units(left, "to the left", "to the right")] if left else [])
    moved = f"{a}({lin(1, left)}) {'+' if b > 0 else '−'} {abs(b)}({lin(1, -up, 'y')}) = {num(c)}".replace("(x)", "x")
    return question(
        stem=(
            f"In the xy-plane, the graph of {line} is translated {' and '.join(moves)}. "
            "What is the x-coordinate of the x-intercept of the resulting graph?"
        ),
        answer=num(x),
        wrong=[
            (num(Fraction(c, a)), "You found the x-intercept of the original line and did not move it."),
            (
                num(Fraction(c - b * up, a) - left),
                (
                    "You moved the line the wrong way along the y-axis. "
                    f"Moving it {moves[0]} replaces y with {lin(1, -up, 'y')} in the equation."
                ),
            ),
            (
                num(x + 2 * left) if left else num(Fraction(c, a) + up),
                (
                    "You moved the line the wrong way along the x-axis. Moving left makes x-coordinates smaller."
                    if left
                    else (
                        "You moved the x-intercept along the x-axis. A vertical translation moves the points up or"
                        " down."
                    )
                ),
            ),
            (
                num(Fraction(c + b * up - a * left, b)),
                "You set x equal to 0. That gives the y-intercept of the new line.",
            ),
            (
                num(Fraction(c, a) - left),
                "You moved the line only along the x-axis and left out the other translation.",
            ),
        ],
        rationale=(
            f"After the translation, the equation is {moved}. At the x-intercept y = 0, so "
            f"{lin(a, a * left)} = {num(c + b * up)}. "
            f"This gives x = {num(x)}."
        ),
        band=7 if left else 6,
        hints=(
            "Find the point where the moved line crosses the x-axis.",
            "Moving up by h replaces y with y − h. Moving left by h replaces x with x + h.",
            f"The moved line has the equation {moved}.",
            f"Set y = 0: {lin(a, a * left)} = {num(c + b * up)}. So x = {num(x)}.",
        ),
        strategy="Replace x and y for the translation, then set y = 0 and solve for x.",
        proof=Proof(
            "solve",
            {
                "equations": [f"{a}p + {by(b)}q = {num(c)}", f"x = p − {by(left)}", f"y = q + {by(up)}", "y = 0"],
                "ask": "x",
            },
        ),
        discrimination=1.4,
    )
