"""Templates for nonlinear equations in one variable and for systems with a parabola."""

from __future__ import annotations

import math
import random
from fractions import Fraction

from bonsai_recs.authoring.kit import Draft, Proof, Unusable, template
from bonsai_recs.authoring.mathtext import by, lin, nonzero, num, pair, poly, quad, question, typed

EQUATIONS = "Nonlinear equations in one variable and systems of equations in two variables"


@template(EQUATIONS, count=4)
def square_equals_number(rng: random.Random) -> Draft:
    """(x + a)² = k²: what is the positive (or negative) solution?"""
    a, k = rng.choice((*[0] * 10, *nonzero(-7, 7))), rng.randint(3, 12)
    if k <= abs(a) + 1:
        raise Unusable
    positive = rng.random() < 0.6
    x = k - a if positive else -k - a
    group = f"({lin(1, a)})²" if a else "x²"
    equation = f"{group} = {k * k}"
    word = "positive" if positive else "negative"
    root = k if positive else -k
    return question(
        stem=f"{equation}\n\nWhat is the {word} solution to the given equation?",
        answer=num(x),
        wrong=[
            (
                num(root + a),
                "You moved the number to the other side but did not change its sign.",
            ),
            (num(root), "You gave the value of the whole parentheses. You still have to solve for x."),
            (num((k * k if positive else -k * k) - a), "You did not take the square root of the right side."),
            (num(-k - a if positive else k - a), f"You gave the other solution. The question asks for the {word} one."),
            (
                num(Fraction(k * k, 2 if positive else -2)),
                "You divided the right side by 2. A square is undone by a square root.",
            ),
            (num(2 * root), "You doubled the square root. Take it once only."),
        ],
        rationale=f"Taking square roots gives {lin(1, a)} = {k} or {lin(1, a)} = −{k}."
        + (f" The solutions are x = {num(k - a)} and x = {num(-k - a)}." if a else "")
        + f" The {word} solution is {num(x)}.",
        band=1 if a == 0 else 2,
        hints=(
            f"Find the {word} number that makes the equation true.",
            "Undo the square with a square root. There are two roots, one with each sign.",
            (
                f"Which two numbers have the square {k * k}? {lin(1, a)} has to be one of them."
                if a
                else f"Which two numbers have the square {k * k}? Choose the one with the right sign."
            ),
            f"{lin(1, a)} = {k} or {lin(1, a)} = −{k}. The {word} solution is x = {num(x)}.",
        ),
        strategy="Take both square roots, then solve each linear equation.",
        proof=Proof("roots", {"equations": [equation], "ask": "x", "combine": "greatest" if positive else "least"}),
        discrimination=0.8,
    )


@template(EQUATIONS, count=4)
def factor_and_solve(rng: random.Random) -> Draft:
    """ax² + bx + c = 0 with a positive and a negative root."""
    a, r, s = rng.choice((1, 1, 2, 3)), rng.randint(2, 9), -rng.randint(2, 9)
    positive = rng.random() < 0.5
    # the factors are (ax − s)(x − r): the roots s/a and r
    b, c = -(a * r + s), r * s
    small = Fraction(s, a)
    if not b or r == -s or small.denominator not in (1, 2, 3) or (a > 1 and s % a == 0):
        raise Unusable
    x = Fraction(r) if positive else small
    word = "positive" if positive else "negative"
    equation = f"{quad(a, b, c)} = 0"
    factors = f"({lin(a, -s)})({lin(1, -r)})"
    other = small if positive else Fraction(r)
    return question(
        stem=f"{equation}\n\nWhat is the {word} solution to the given equation?",
        answer=num(x),
        wrong=[
            (num(-other), "You read the solution off a factor without changing its sign. Set the factor equal to 0."),
            (num(-x), "You gave the solution the wrong sign. Put your value into the equation to check it."),
            (num(other), f"You gave the other solution. The question asks for the {word} one."),
            (
                num(x * a if a > 1 else c),
                (
                    "You stopped before you divided by the coefficient of x."
                    if a > 1
                    else "You gave the constant term. It is the product of the two solutions."
                ),
            ),
            (num(b), "You gave the coefficient of x. It is not a solution."),
        ],
        rationale=(
            f"The left side factors as {factors}. A product is 0 when one of its factors is 0, so x = {num(r)} or "
            f"x = {num(small)}. The {word} solution is {num(x)}."
        ),
        band=3 if a == 1 else 4,
        hints=(
            f"Find the {word} number that makes the left side equal to 0.",
            "Write the left side as a product of two factors. One of them has to be 0.",
            f"Look for two numbers with the product {num(a * c)} and the sum {num(b)}.",
            f"The equation is {factors} = 0. Its solutions are {num(r)} and {num(small)}. The {word} one is {num(x)}.",
        ),
        strategy="Factor, set each factor equal to 0, and choose the solution that is asked for.",
        proof=Proof("roots", {"equations": [equation], "ask": "x", "combine": "greatest" if positive else "least"}),
        discrimination=0.9,
    )


@template(EQUATIONS, count=3)
def sum_of_solutions(rng: random.Random) -> Draft:
    """ax² + bx = d: what is the sum of the solutions?"""
    a, b, d = rng.randint(2, 6), rng.choice(nonzero(-40, 40)), rng.randint(3, 40)
    value = Fraction(-b, a)
    if value.denominator > 2 or abs(value) == 1 or math.isqrt(b * b + 4 * a * d) ** 2 == b * b + 4 * a * d:
        raise Unusable
    equation = f"{poly((a, 'x²'), (b, 'x'))} = {d}"
    return question(
        stem=f"{equation}\n\nWhat is the sum of the solutions to the given equation?",
        answer=typed(value),
        rationale=(
            f"In standard form the equation is {quad(a, b, -d)} = 0. The sum of the solutions of ax² + bx + c = 0 is"
            f" −b/a, which is {num(value)} here. The solutions are real because b² − 4ac is positive."
        ),
        band=5,
        hints=(
            "You need only the sum of the two solutions.",
            "For ax² + bx + c = 0, the two solutions add up to −b/a.",
            f"Write the equation as {quad(a, b, -d)} = 0. Read off a and b.",
            f"a = {a} and b = {num(b)}. The sum −b/a is {num(value)}.",
        ),
        strategy="The solutions of ax² + bx + c = 0 have the sum −b/a and the product c/a.",
        proof=Proof("roots", {"equations": [equation], "ask": "x", "combine": "sum"}),
        discrimination=1.2,
    )


@template(EQUATIONS, count=3)
def quadratic_formula(rng: random.Random) -> Draft:
    """x² + 2px + q = 0 with roots −p ± √D."""
    p, inside = rng.choice(nonzero(-7, 7)), rng.choice((2, 3, 5, 6, 7, 10, 11, 13, 14, 15, 17, 19))
    q = p * p - inside
    if not q or abs(p) == 1 or p * p + q < 2:
        raise Unusable
    sign = rng.choice("+−")
    equation = f"{quad(1, 2 * p, q)} = 0"

    def root(first: int, under: int) -> str:
        return f"{num(first)} {sign} √{under}"

    return question(
        stem=f"{equation}\n\nWhich of the following is a solution to the given equation?",
        answer=root(-p, inside),
        wrong=[
            (root(p, inside), "You used b instead of −b in the quadratic formula."),
            (
                root(-2 * p, inside),
                "You did not divide −b by 2. In the formula, all of the numerator is divided by 2a.",
            ),
            (
                root(-p, 4 * inside),
                "You divided −b by 2 but not the square root. Divide both parts of the numerator by 2a.",
            ),
            (root(-p, p * p + q), "You added 4ac under the square root. The formula has b² − 4ac."),
        ],
        rationale=(
            f"Completing the square gives ({lin(1, p)})² = {inside}, because {num(p * p)} − {by(q)} = {inside}. "
            f"So {lin(1, p)} is √{inside} or −√{inside}, and x = {num(-p)} ± √{inside}. "
            f"One of these is {root(-p, inside)}."
        ),
        band=5,
        hints=(
            "Find an exact solution. It has a square root in it.",
            "The left side does not factor with whole numbers. Complete the square or use the quadratic formula.",
            (
                f"Half of {num(2 * p)} is {num(p)}. So start with the square of {lin(1, p)}, which is"
                f" {quad(1, 2 * p, p * p)}."
            ),
            f"({lin(1, p)})² = {inside}, so x = {num(-p)} ± √{inside}. One solution is {root(-p, inside)}.",
        ),
        strategy="When a quadratic does not factor, complete the square or use x = (−b ± √(b² − 4ac))/(2a).",
        proof=Proof("roots", {"equations": [equation], "ask": "x"}),
        discrimination=1.1,
    )


@template(EQUATIONS, count=4)
def radical_with_extra_root(rng: random.Random) -> Draft:
    """√(ax + b) = x − c, where squaring adds a false solution."""
    r, c = rng.randint(4, 14), rng.randint(1, 8)
    s = rng.randint(-4, c - 1)
    # (x − c)² = ax + b has the roots r and s
    a, b = r + s - 2 * c, c * c - r * s
    if r <= c or a < 1 or not b or a * s + b < 0 or s in (0, 1) or c - s == r - c:
        raise Unusable
    under = lin(a, b)
    equation = f"√({under}) = {lin(1, -c)}"
    squared = quad(1, -2 * c - a, c * c - b)
    return question(
        stem=f"{equation}\n\nWhat are all the solutions to the given equation?",
        answer=num(r),
        wrong=[
            (
                f"{num(min(r, s))} and {num(max(r, s))}",
                (
                    "You kept both solutions of the squared equation. Squaring can add false ones, so check each in the"
                    " original equation."
                ),
            ),
            (num(s), "You kept the wrong solution. Put it in: a square root is never negative."),
            ("There is no solution.", "You rejected both values. Put each of them into the original equation."),
        ],
        rationale=(
            f"Squaring both sides gives {under} = {quad(1, -2 * c, c * c)}, or {squared} = 0. This factors as"
            f" ({lin(1, -r)})({lin(1, -s)}) = 0. For x = {num(s)} the right side of the original equation is"
            f" {num(s - c)}, which is negative, so only x = {num(r)} is a solution."
        ),
        band=6 if s < 0 else 5,
        hints=(
            "Find every x that makes the given equation true.",
            "Square both sides to remove the root. Then check each result in the original equation.",
            f"Squaring gives {under} = {quad(1, -2 * c, c * c)}. Move all terms to one side and factor.",
            (
                f"{squared} = 0 gives x = {num(r)} or x = {num(s)}. For x = {num(s)} the right side is negative. "
                f"So the only solution is {num(r)}."
            ),
        ),
        strategy="Isolate the root, square both sides, solve, and check each value in the original equation.",
        proof=Proof("roots", {"equations": [equation], "ask": "x"}),
        discrimination=1.3,
    )


@template(EQUATIONS, count=2)
def absolute_value(rng: random.Random) -> Draft:
    """p|ax + b| + c = d: one possible solution, or the greater one."""
    p, b, c = rng.randint(2, 6), rng.choice(nonzero(-9, 9)), rng.choice(nonzero(-9, 15))
    k = rng.randint(2, 14)
    one, two = k - b, -k - b
    d = p * k + c
    if 0 in (one, two) or abs(b) == k:
        raise Unusable
    either = rng.random() < 0.5
    equation = f"{p}|{lin(1, b)}| {'+' if c > 0 else '−'} {abs(c)} = {num(d)}"
    asked = "What is one possible solution" if either else "What is the least solution"
    return question(
        stem=f"{equation}\n\n{asked} to the given equation?",
        answer=typed(one if either else two),
        also=[typed(two)] if either else [],
        rationale=(
            f"Isolating the absolute value gives |{lin(1, b)}| = {k}. So {lin(1, b)} = {k} or {lin(1, b)} = −{k}, "
            f"and the solutions are x = {num(one)} and x = {num(two)}."
        )
        + (" Either one is accepted." if either else f" The least of them is {num(two)}."),
        band=4,
        hints=(
            "Find a value of x that makes the equation true." if either else "Find the smaller of the two solutions.",
            "Get the absolute value alone first. Then what is inside can be positive or negative.",
            f"Undo the {num(c)} first. You get {p}|{lin(1, b)}| = {p * k}.",
            f"|{lin(1, b)}| = {k}, so {lin(1, b)} = {k} or {lin(1, b)} = −{k}. The solutions are {num(one)} and"
            f" {num(two)}." + ("" if either else f" The least one is {num(two)}."),
        ),
        strategy="Isolate the absolute value, then solve one equation for each sign.",
        proof=Proof("roots", {"equations": [equation], "ask": "x"} | ({} if either else {"combine": "least"})),
        discrimination=1.0,
    )


@template(EQUATIONS, count=4)
def line_meets_parabola(rng: random.Random) -> Draft:
    """y = x² + bx + c and y = mx + k: which point is a solution?"""
    r, s = rng.sample(nonzero(-6, 7), 2)
    m, k = rng.choice(nonzero(-4, 5)), rng.choice(nonzero(-9, 12))
    b, c = m - (r + s), k + r * s
    if r + s == 0 or not b or not c:
        raise Unusable
    y = m * r + k
    line, parabola = f"y = {lin(m, k)}", f"y = {quad(1, b, c)}"
    if {(-r, -m * r + k), (r, m * r - k), (y, r), (0, k), (0, c)} & {(r, y), (s, m * s + k)}:
        raise Unusable
    return question(
        stem=f"{line}\n{parabola}\n\nWhich ordered pair (x, y) is a solution to the given system of equations?",
        answer=pair(r, y),
        wrong=[
            (
                pair(-r, -m * r + k),
                "You read x off a factor without changing its sign. Your point is only on the line.",
            ),
            (pair(r, m * r - k), "You found x but made a sign error in the constant when you found y."),
            (pair(y, r), "You swapped the coordinates. The x-value comes first."),
            (pair(0, k), "You took the y-intercept of the line. It is not on the parabola."),
            (pair(0, c), "You took the y-intercept of the parabola. It is not on the line."),
        ],
        rationale=(
            f"Setting the right sides equal gives {quad(1, b, c)} = {lin(m, k)}, or {quad(1, b - m, c - k)} = 0. This"
            f" factors as ({lin(1, -r)})({lin(1, -s)}) = 0, so x = {num(r)} or x = {num(s)}. For x = {num(r)}, the line"
            f" gives y = {num(y)}."
        ),
        band=4 if r > 0 and s > 0 else 5,
        hints=(
            "Find a point that lies on both graphs.",
            "Both right sides equal y, so set them equal. Then solve the quadratic equation.",
            f"Move all terms to one side: {quad(1, b - m, c - k)} = 0.",
            (
                f"({lin(1, -r)})({lin(1, -s)}) = 0, so x = {num(r)} or x = {num(s)}. For x = {num(r)}, y = {num(y)}. "
                f"The point is {pair(r, y)}."
            ),
        ),
        strategy="Set the expressions for y equal, solve for x, and use the line to find y; or test the choices.",
        proof=Proof("satisfies", {"relations": [line, parabola]}),
    )


@template(EQUATIONS, count=3)
def tangent_line(rng: random.Random) -> Draft:
    """The line y = mx + k meets a parabola at exactly one point: what is k?"""
    a, b, c, m = (
        rng.choice([1, 2, 3, -1, -2]),
        rng.choice(nonzero(-8, 8)),
        rng.choice(nonzero(-9, 12)),
        rng.choice(nonzero(-6, 6)),
    )
    middle = b - m
    k = c - Fraction(middle * middle, 4 * a)
    if not middle or k.denominator > 4 or abs(middle) == 1:
        raise Unusable
    line, parabola = f"y = {lin(m, 0)} + k", f"y = {quad(a, b, c)}"
    return question(
        stem=(
            f"{line}\n{parabola}\n\nIn the given system of equations, k is a constant. The graphs of the equations in"
            " the xy-plane intersect at exactly one point. What is the value of k?"
        ),
        answer=num(k),
        wrong=[
            (
                num(c + Fraction(middle * middle, 4 * a)),
                "You made a sign error when you solved the equation of the discriminant for k.",
            ),
            (
                num(c - Fraction(b * b, 4 * a)),
                "You left out the x-term of the line. That k belongs to a horizontal line.",
            ),
            (
                num(c - Fraction((b + m) ** 2, 4 * a)),
                "You added the x-terms. When all terms are on one side, the x-term of the line is subtracted.",
            ),
            (num(c), "You compared only the constants. Then the graphs meet at x = 0 and at a second point."),
            (num(Fraction(middle * middle, 4 * a)), "You forgot the constant term of the parabola."),
        ],
        rationale=(
            f"Setting the right sides equal gives {quad(a, middle, c)} − k = 0. There is exactly one solution when the "
            f"discriminant is 0: {by(middle)}² − 4 · {by(a)} · ({num(c)} − k) = 0. Solving for k gives k = {num(k)}."
        ),
        band=7,
        hints=(
            "Find the k for which the line touches the parabola just once.",
            "Set the right sides equal. A quadratic equation has one solution when b² − 4ac is 0.",
            f"With all terms on one side: {quad(a, middle, c)} − k = 0.",
            (
                f"{middle * middle} − 4 · {by(a)} · ({num(c)} − k) = 0. So {num(c)} − k ="
                f" {num(Fraction(middle * middle, 4 * a))}, and k = {num(k)}."
            ),
        ),
        strategy="Set both sides equal to get one quadratic equation. Its discriminant has to be 0.",
        proof=Proof(
            "solve", {"equations": [line, parabola], "unknowns": ["x", "y"], "parameter": "k", "solutions": "one"}
        ),
        discrimination=1.5,
    )


@template(EQUATIONS, count=2)
def no_real_solution(rng: random.Random) -> Draft:
    """ax² + bx + c = 0 has no real solution: the least (or greatest) whole c."""
    a, b = rng.choice([1, 2, 3, 4, 5, -1, -2, -3]), rng.choice(nonzero(-17, 17))
    border = Fraction(b * b, 4 * a)
    c = math.floor(border) + 1 if a > 0 else math.ceil(border) - 1
    word = "least" if a > 0 else "greatest"
    if abs(b) < 3 or abs(c) < 2:
        raise Unusable
    equation = f"{poly((a, 'x²'), (b, 'x'))} + c = 0"
    sign = ">" if a > 0 else "<"
    return question(
        stem=(
            f"{equation}\n\nIn the given equation, c is an integer constant. If the equation has no real solution, what"
            f" is the {word} possible value of c?"
        ),
        answer=typed(c),
        rationale=(
            f"The equation has no real solution when its discriminant is negative: {by(b)}² − 4 · {by(a)} · c < 0. "
            f"This gives c {sign} {num(border)}. The {word} integer for which this holds is {num(c)}."
        ),
        band=6,
        hints=(
            f"Find the {word} whole number c for which no real x works.",
            "There is no real solution when b² − 4ac is less than 0.",
            f"The discriminant is {b * b} − 4 · {by(a)} · c. Write that it is less than 0.",
            f"Solving gives c {sign} {num(border)}. The {word} whole number that fits is {num(c)}.",
        ),
        strategy="The sign of the discriminant b² − 4ac gives the number of real solutions.",
        proof=Proof(
            "solve",
            {
                "equations": [equation],
                "unknowns": ["x"],
                "parameter": "c",
                "solutions": "none",
                "limit": -1 if a > 0 else 1,
            },
        ),
        discrimination=1.4,
    )
