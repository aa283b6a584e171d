"""Templates for nonlinear functions: quadratic functions, their values and their forms."""

from __future__ import annotations

import random

from bonsai_recs.authoring.kit import Draft, Proof, Unusable, template
from bonsai_recs.authoring.mathtext import by, lin, nonzero, num, quad, question, typed

NONLINEAR = "Nonlinear functions"


@template(NONLINEAR, count=4)
def value_of_a_quadratic(rng: random.Random) -> Draft:
    """f(x) = ax² + bx + c: what is f(k)?"""
    a, b, c = rng.choice([2, 3, 4, 5, -2, -3]), rng.choice([0, 0, 0, *nonzero(-6, 6)]), rng.choice(nonzero(-12, 15))
    k = rng.choice([2, 3, 4, 5, 6, -2])
    value = a * k * k + b * k + c
    rule = quad(a, b, c)
    square, linear = a * k * k, b * k
    middle = f" {'+' if linear > 0 else '−'} {abs(linear)}" if b else ""
    last = f" {'+' if c > 0 else '−'} {abs(c)}"
    return question(
        stem=f"The function f is defined by f(x) = {rule}. What is the value of f({num(k)})?",
        answer=num(value),
        wrong=[
            (
                num((a * k) ** 2 + b * k + c),
                f"You multiplied by {num(a)} before squaring. Only x is squared, so the square comes first.",
            ),
            (
                num(2 * a * k + b * k + c),
                f"You doubled {num(k)} instead of squaring it. The exponent 2 means {by(k)} · {by(k)}.",
            ),
            (num(-square + linear + c), "You lost a sign in the squared term. Check the sign of the square first."),
            (num(square + linear - c), "You used the wrong sign for the constant term."),
            (num(square - linear + c), "You made a sign error in the x-term."),
        ],
        rationale=(
            f"Substituting {num(k)} for x gives {num(a)} · {by(k)}²{f' + {by(b)} · {by(k)}' if b else ''}{last}. "
            f"The square is {k * k}, so the value is {num(square)}{middle}{last} = {num(value)}."
        ),
        band=1 if k > 0 and a > 0 and b >= 0 else 2,
        hints=(
            f"Find the output of f for the input {num(k)}.",
            "Put the input in parentheses in place of x. Square first, then multiply, then add or subtract.",
            f"Start with the square: {by(k)}² = {k * k}. So the first term is {num(a)} · {k * k}.",
            f"f({num(k)}) = {num(square)}{middle}{last} = {num(value)}.",
        ),
        strategy="Put the input in parentheses. Then square, multiply, and add, in that order.",
        proof=Proof("solve", {"equations": [f"y = {rule}", f"x = {num(k)}"], "ask": "y"}),
        discrimination=0.8,
    )


@template(NONLINEAR, count=3)
def extreme_value(rng: random.Random) -> Draft:
    """The minimum or maximum of ax² + bx + c."""
    a, h, k = rng.choice([1, 1, 2, 3, -1, -2]), rng.choice(nonzero(-6, 7)), rng.choice(nonzero(-40, 50))
    b, c = -2 * a * h, a * h * h + k
    ask_x = rng.random() < 0.35
    if not c or abs(h) == 1:
        raise Unusable
    word = "minimum" if a > 0 else "maximum"
    rule = quad(a, b, c)
    value = h if ask_x else k
    asked = f"For what value of x does f(x) reach its {word}?" if ask_x else f"What is the {word} value of f(x)?"
    return question(
        stem=f"The function f is defined by f(x) = {rule}. {asked}",
        answer=typed(value),
        rationale=f"The vertex of the graph is at x = −b/(2a) = {num(-b)}/{by(2 * a)} = {num(h)}. "
        + (
            f"Because the coefficient of x² is {'positive' if a > 0 else 'negative'}, f(x) has its {word} there."
            if ask_x
            else (
                f"The {word} value is f({num(h)}) = {num(a * h * h)} {'+' if b * h > 0 else '−'} {abs(b * h)} "
                f"{'+' if c > 0 else '−'} {abs(c)} = {num(k)}."
            )
        ),
        band=4 if ask_x else 5,
        hints=(
            f"Find the {'x-coordinate' if ask_x else 'y-coordinate'} of the vertex.",
            "The x-coordinate of the vertex is −b/(2a)."
            + ("" if ask_x else " Put it into the rule to get the y-coordinate."),
            f"In this rule a = {num(a)} and b = {num(b)}.",
            f"x = {num(-b)}/{by(2 * a)} = {num(h)}."
            + ("" if ask_x else f" Then f({num(h)}) = {num(k)}, so the {word} is {num(k)}."),
        ),
        strategy="Find the vertex with x = −b/(2a), or complete the square.",
        proof=Proof(
            "solve", {"equations": [f"{rule} = {num(a)}(x − h)² + k"], "for_all": ["x"], "ask": "h" if ask_x else "k"}
        ),
        discrimination=1.2,
    )


@template(NONLINEAR, count=3)
def form_that_shows(rng: random.Random) -> Draft:
    """Which equivalent form displays the minimum, or the x-intercepts?"""
    r, s = rng.choice(nonzero(-9, 9)), rng.choice(nonzero(-9, 9))
    if (r + s) % 2 or abs(r - s) < 4 or r + s == 0:
        raise Unusable
    h = (r + s) // 2
    b, c = -(r + s), r * s
    k = c - h * h
    rule = quad(1, b, c)
    square = f"({lin(1, -h)})² {'+' if k > 0 else '−'} {abs(k)}"
    factored = f"({lin(1, -min(r, s))})({lin(1, -max(r, s))})"
    pulled = f"x({lin(1, b)}) {'+' if c > 0 else '−'} {abs(c)}"
    want_min = rng.random() < 0.5
    what = "the minimum value of f(x)" if want_min else "the x-coordinates of the x-intercepts of the graph of y = f(x)"
    right = square if want_min else factored
    shows = [str(abs(k))] if want_min else [str(abs(r)), str(abs(s))]
    first = "f(x) = "
    if abs(c) == abs(k) or abs(k) in (abs(r), abs(s)) or abs(r) == abs(s):
        raise Unusable
    return question(
        stem=(
            f"The function f is defined by f(x) = {rule}. Which of the following equivalent forms of f(x) displays"
            f" {what} as {'a constant' if want_min else 'constants or their opposites'}?"
        ),
        answer=first + right,
        wrong=[
            (
                first + (factored if want_min else square),
                (
                    "You chose the factored form. Its constants show where f(x) is 0."
                    if want_min
                    else "You chose the vertex form. Its constants show the lowest point, not the x-intercepts."
                ),
            ),
            (first + rule, "You kept the standard form. Its constant term shows the y-intercept."),
            (
                first + pulled,
                "You factored out x from two terms only. The constant that is left shows the y-intercept.",
            ),
        ],
        rationale=(
            f"A square is never negative, so ({lin(1, -h)})² is least when it is 0. Then f(x) = {num(k)}, which is the"
            f" constant in {square}."
            if want_min
            else (
                f"The graph meets the x-axis where f(x) = 0. A product is 0 when one factor is 0, and {factored} is 0"
                f" for x = {num(min(r, s))} and x = {num(max(r, s))}."
            )
        )
        + " The other forms are equivalent but do not show this.",
        band=5,
        hints=(
            "All forms are equal. Find the one from which you can read off the answer.",
            "Ask what each form tells you: standard form, vertex form, and factored form.",
            (
                "A square is never less than 0. Which form uses this?"
                if want_min
                else "At an x-intercept, f(x) is 0. When is a product equal to 0?"
            ),
            f"The {'vertex' if want_min else 'factored'} form shows it: {first}{right}.",
        ),
        strategy=(
            "Vertex form shows the top or bottom. Factored form shows the zeros. Standard form shows the y-intercept."
        ),
        proof=Proof(
            "equivalent",
            {"expression": rule, "shows": shows} if want_min else {"expression": rule, "shows": [*shows, ")("]},
        ),
        discrimination=1.2,
    )


@template(NONLINEAR, count=3)
def value_from_zeros(rng: random.Random) -> Draft:
    """f(x) = a(x − r)(x − s) with one more point: what is f(w)?"""
    a, r, s = rng.choice([2, 3, 4, -2, -3]), rng.choice(nonzero(-6, 6)), rng.choice(nonzero(-6, 6))
    p, w = rng.choice(range(-5, 7)), rng.choice(range(-4, 6))
    if r >= s or len({r, s, p, w}) < 4:
        raise Unusable
    q, value = a * (p - r) * (p - s), a * (w - r) * (w - s)
    product = f"({lin(1, -r)})({lin(1, -s)})"
    return question(
        stem=(
            f"The quadratic function f is defined by f(x) = a{product}, where a is a constant. In the xy-plane, the"
            f" graph of y = f(x) passes through the point ({num(p)}, {num(q)}). What is the value of f({num(w)})?"
        ),
        answer=typed(value),
        rationale=(
            f"Substituting the point gives {num(q)} = a · {by(p - r)} · {by(p - s)}, which is"
            f" {lin((p - r) * (p - s), 0, 'a')}, so a = {num(a)}. Then f({num(w)}) = {num(a)} · {by(w - r)} ·"
            f" {by(w - s)} = {num(value)}."
        ),
        band=5 if a > 0 else 6,
        hints=(
            f"First find a. Then find f({num(w)}).",
            "The coordinates of the point satisfy the equation. Put them in to get a.",
            (
                f"At x = {num(p)}, the product is {by(p - r)} · {by(p - s)} = {num((p - r) * (p - s))}, and f(x) is"
                f" {num(q)}."
            ),
            (
                f"a = {num(q)} ÷ {by((p - r) * (p - s))} = {num(a)}. Then f({num(w)}) = {num(a)} · {by(w - r)} ·"
                f" {by(w - s)} = {num(value)}."
            ),
        ),
        strategy="Use the known point to find the constant, then evaluate the function.",
        proof=Proof(
            "solve",
            {
                "equations": [
                    f"{num(q)} = a({num(p)} − {by(r)})({num(p)} − {by(s)})",
                    f"y = a({num(w)} − {by(r)})({num(w)} − {by(s)})",
                ],
                "ask": "y",
            },
        ),
        discrimination=1.3,
    )


@template(NONLINEAR, count=3)
def sum_of_coefficients(rng: random.Random) -> Draft:
    """ax² + bx + c has vertex (h, k) and an x-intercept: what is a + b + c?"""
    a, h, d = rng.choice([1, 2, 3, -1, -2, -3]), rng.choice(nonzero(-6, 7)), rng.randint(2, 5)
    k, r = -a * d * d, h + d
    value = a * (1 - h) ** 2 + k
    c = a * h * h + k
    if h == 1 or r == 1 or r == 0 or not value:
        raise Unusable
    return question(
        stem=(
            "In the xy-plane, the graph of y = ax² + bx + c, where a, b, and c are constants, is a parabola with"
            f" vertex ({num(h)}, {num(k)}). The parabola crosses the x-axis at the point ({num(r)}, 0). What is the"
            " value of a + b + c?"
        ),
        answer=num(value),
        wrong=[
            (num((1 - h) ** 2 + k), "You took a to be 1. The x-intercept has to be used to find a."),
            (num(c), "You found c, which is the value at x = 0. The sum of the coefficients is the value at x = 1."),
            (
                num(a * (1 + h) ** 2 + k),
                "You used the wrong sign in the vertex form. It has x minus the x-coordinate of the vertex.",
            ),
            (num(a + h + k), "You added a and the coordinates of the vertex. They are not the coefficients b and c."),
        ],
        rationale=(
            f"In vertex form, y = a({lin(1, -h)})² {'+' if k > 0 else '−'} {abs(k)}. The point ({num(r)}, 0) gives 0 ="
            f" {d * d}a {'+' if k > 0 else '−'} {abs(k)}, so a = {num(a)}. The sum a + b + c is the value of y at x ="
            f" 1, which is {num(a)} · {by(1 - h)}² {'+' if k > 0 else '−'} {abs(k)} = {num(value)}."
        ),
        band=6 if abs(a) == 1 else 7,
        hints=(
            "Find a + b + c. For which x is y equal to this sum?",
            "Write the parabola in vertex form. Use the x-intercept to find a. Then use x = 1.",
            f"The vertex form is y = a({lin(1, -h)})² {'+' if k > 0 else '−'} {abs(k)}. Put in x = {num(r)} and y = 0.",
            (
                f"0 = {d * d}a {'+' if k > 0 else '−'} {abs(k)}, so a = {num(a)}. At x = 1, "
                f"y = {num(a)} · {by(1 - h)}² {'+' if k > 0 else '−'} {abs(k)} = {num(value)}."
            ),
        ),
        strategy="Use vertex form with the known point to find a; a + b + c is the value at x = 1.",
        proof=Proof(
            "solve",
            {
                "equations": [f"ax² + bx + c = a(x − {by(h)})² + {by(k)}"],
                "for_all": ["x"],
                "also": [f"a · {by(r)}² + {by(r)}b + c = 0"],
                "ask": "a + b + c",
            },
        ),
        discrimination=1.5,
    )
