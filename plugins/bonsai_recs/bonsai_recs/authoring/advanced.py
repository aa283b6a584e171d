"""Templates for equivalent expressions."""

from __future__ import annotations

import math
import random
from fractions import Fraction

from bonsai_recs.authoring.kit import Draft, Proof, Unusable, template
from bonsai_recs.authoring.mathtext import lin, nonzero, num, poly, power, quad, question, typed

EQUIVALENT = "Equivalent expressions"


@template(EQUIVALENT, count=4)
def combine_like_terms(rng: random.Random) -> Draft:
    """(ax² + bx + c) ± (dx² + ex + f)."""
    a, d = rng.randint(2, 9), rng.randint(2, 9)
    b, c, e, f = (rng.choice(nonzero(-9, 9)) for _ in range(4))
    minus = rng.random() < 0.4
    s = -1 if minus else 1
    result = (a + s * d, b + s * e, c + s * f)
    if 0 in result:
        raise Unusable
    given = f"({quad(a, b, c)}) {'−' if minus else '+'} ({quad(d, e, f)})"
    return question(
        stem=f"Which expression is equivalent to {given}?",
        answer=quad(*result),
        wrong=[
            (
                quad(a + s * d, b + s * e, c - s * f),
                (
                    "You used the wrong sign for the last constant. The operation applies to every term in the"
                    " parentheses."
                ),
            ),
            (
                quad(a + s * d, b - s * e, c - s * f),
                (
                    "You applied the operation only to the first term in the second parentheses. It applies to all"
                    " three terms."
                ),
            ),
            (
                poly((a + s * d, "x⁴"), (b + s * e, "x²"), (c + s * f, "")),
                "You added the exponents. Combining like terms changes the coefficients, not the exponents.",
            ),
            (
                quad(a - s * d, b - s * e, c - s * f),
                "You used the opposite operation. Look at the sign between the parentheses.",
            ),
        ],
        rationale=(
            f"Combining the x²-terms gives {lin(a + s * d, 0, 'x²')}, the x-terms give {lin(b + s * e, 0)}, "
            f"and the constants give {num(c + s * f)}. The result is {quad(*result)}."
        ),
        band=2 if minus else 1,
        hints=(
            "Write the expression with as few terms as possible.",
            "Remove the parentheses. Then combine terms with the same power of x.",
            (
                f"Drop the parentheses. You get {quad(a, b, c)} "
                f"{poly((1, '@'), (s * d, 'x²'), (s * e, 'x'), (s * f, '')).removeprefix('@ ')}."
            ),
            f"Combine like terms, one power at a time. The result is {quad(*result)}.",
        ),
        strategy="Distribute the sign to every term in the parentheses, then combine like terms.",
        proof=Proof("equivalent", {"expression": given}),
        discrimination=0.8,
    )


@template(EQUIVALENT, count=3)
def common_factor(rng: random.Random) -> Draft:
    """Factor out the greatest common factor."""
    g, n, m = rng.randint(2, 9), rng.randint(2, 4), rng.randint(1, 3)
    p, q = rng.randint(2, 8), rng.choice(nonzero(-9, 9))
    if math.gcd(p, q) > 1 or abs(q) == 1:
        raise Unusable
    given = poly((g * p, f"x{power(n + m)}"), (g * q, f"x{power(n)}"))
    factor = f"{g}x{power(n)}"
    inner = poly((p, f"x{power(m)}"), (q, ""))
    return question(
        stem=f"Which of the following is equivalent to {given}?",
        answer=f"{factor}({inner})",
        wrong=[
            (
                f"{factor}({poly((p, f'x{power(n + m)}'), (q, ''))})",
                "You divided only the coefficient of the first term. Its power of x has to be divided as well.",
            ),
            (f"{factor}({poly((p, f'x{power(m)}'), (-q, ''))})", "You changed the sign inside the parentheses."),
            (
                f"{factor}({poly((p, f'x{power(m)}'), (g * q, ''))})",
                f"You did not divide the second coefficient by {g}. The common factor is taken out of both terms.",
            ),
        ],
        rationale=(
            f"The greatest common factor of the two terms is {factor}. Dividing each term by it leaves "
            f"{poly((p, f'x{power(m)}'))} and {num(q)}, so the expression equals {factor}({inner})."
        ),
        band=2 if q > 0 else 3,
        hints=(
            "Write the sum as a product.",
            "Find the largest number and the largest power of x that divide both terms. Take them out.",
            f"Both terms can be divided by {factor}.",
            f"Divide each term by {factor}. The result is {factor}({inner}).",
        ),
        strategy="Take the greatest common factor out of all terms, and check by distributing.",
        proof=Proof("equivalent", {"expression": given}),
        discrimination=0.8,
    )


@template(EQUIVALENT, count=3)
def product_of_binomials(rng: random.Random) -> Draft:
    """(ax + b)(cx + d), or (ax + b)²."""
    a, c, b, d = rng.randint(1, 5), rng.randint(2, 6), rng.choice(nonzero(-9, 9)), rng.choice(nonzero(-9, 9))
    if a * d + b * c == 0:
        raise Unusable
    given = f"({lin(a, b)})({lin(c, d)})"
    return question(
        stem=f"Which expression is equivalent to {given}?",
        answer=quad(a * c, a * d + b * c, b * d),
        wrong=[
            (
                quad(a * c, 0, b * d),
                (
                    "You multiplied only the first terms and the last terms. The products of the outer and inner terms"
                    " are missing."
                ),
            ),
            (
                quad(a * c, a * d + b * c, -b * d),
                "You made a sign error in the product of the constants. Check the signs of both of them.",
            ),
            (
                quad(a * c, b + d, b * d),
                "You added the constants for the x-term. Each constant has to be multiplied by the other x-term.",
            ),
            (quad(a * c, a * d - b * c, b * d), "You made a sign error in one of the two products that have x."),
            (lin(a + c, b + d), "You added the two factors. Parentheses next to each other are multiplied."),
        ],
        rationale=(
            f"Multiplying each term of the first factor by each term of the second gives {quad(a * c, a * d, 0)} "
            f"{poly((1, '@'), (b * c, 'x'), (b * d, '')).removeprefix('@ ')}. "
            f"Combining the x-terms gives {quad(a * c, a * d + b * c, b * d)}."
        ),
        band=3 if b > 0 and d > 0 else 4,
        hints=(
            "Write the product as a sum.",
            "Multiply each term of the first factor by each term of the second factor.",
            f"The products with x are {lin(a * d, 0)} and {lin(b * c, 0)}.",
            (
                f"The x²-term is {lin(a * c, 0, 'x²')}, the x-terms add up to {lin(a * d + b * c, 0)}, and the constant"
                f" is {num(b * d)}. Together: {quad(a * c, a * d + b * c, b * d)}."
            ),
        ),
        strategy="Form all four products, then combine the two x-terms.",
        proof=Proof("equivalent", {"expression": given}),
        discrimination=0.9,
    )


@template(EQUIVALENT, count=4)
def match_a_coefficient(rng: random.Random) -> Draft:
    """(px + q)² − (rx + s) = ax² + bx + c: what is one of a, b, c, or their sum?"""
    p, q, r, s = rng.randint(2, 6), rng.choice(nonzero(-7, 7)), rng.randint(2, 9), rng.choice(nonzero(-9, 9))
    a, b, c = p * p, 2 * p * q - r, q * q - s
    ask, value = rng.choice((("b", b), ("c", c), ("a + b + c", a + b + c), ("a + b", a + b)))
    if not b or not c:
        raise Unusable
    given = f"({lin(p, q)})² − ({lin(r, s)})"
    square = quad(a, 2 * p * q, q * q)
    return question(
        stem=(
            f"The expression {given} can be written as ax² + bx + c, where a, b, and c are constants. "
            f"What is the value of {ask}?"
        ),
        answer=typed(value),
        rationale=(
            f"Squaring gives {square}. Subtracting {lin(r, s)} then gives {quad(a, b, c)}, so {ask} = {num(value)}."
        ),
        band=4 if len(ask) == 1 else 5,
        hints=(
            f"Write the expression in the form ax² + bx + c. Then read off {ask}.",
            "Square the first binomial with its middle term. Then subtract every term of the second one.",
            f"Inside the square, the middle term is two times {lin(p, 0)} times {num(q)}.",
            f"The square is {square}. Subtract {lin(r, s)} to get {quad(a, b, c)}. So {ask} = {num(value)}.",
        ),
        strategy="Expand, collect terms by powers of x, and match coefficients.",
        proof=Proof("solve", {"equations": [f"{given} = ax² + bx + c"], "for_all": ["x"], "ask": ask}),
        discrimination=1.1,
    )


@template(EQUIVALENT, count=3)
def difference_of_squares(rng: random.Random) -> Draft:
    """a²x⁴ − b²y² and the like."""
    a, b, n, m = rng.randint(2, 9), rng.randint(2, 11), rng.randint(1, 4), rng.randint(0, 3)
    if math.gcd(a, b) > 1:
        raise Unusable
    left, right = f"{a}x{power(n)}", f"{b}" + (f"y{power(m)}" if m else "")
    right_square = f"{b * b}" + (f"y{power(2 * m)}" if m else "")
    given = f"{a * a}x{power(2 * n)} − {right_square}"
    rest = f"y{power(m)}" if m else ""
    return question(
        stem=f"Which of the following is equivalent to {given}?",
        answer=f"({left} + {right})({left} − {right})",
        wrong=[
            (
                f"({left} − {right})²",
                "You squared a difference. That product has a middle term, which is not in the expression.",
            ),
            (
                f"({left} + {right})²",
                "You squared a sum. That gives a plus sign before the last term and also a middle term.",
            ),
            (
                f"({a * a}x{power(n)} + {b * b}{rest})({a * a}x{power(n)} − {b * b}{rest})",
                "You did not take the square roots of the coefficients. Multiply the first terms to check.",
            ),
        ],
        rationale=(
            f"Both terms are squares: {a * a}x{power(2 * n)} = ({left})² and {right_square} ="
            f" {f'({right})' if m else right}². A difference of squares u² − v² equals (u + v)(u − v), which gives"
            f" ({left} + {right})({left} − {right})."
        ),
        band=3 if n == 1 and m == 0 else 4,
        hints=(
            "Write the difference as a product of two factors.",
            "Check if both terms are squares. Use the rule u² − v² = (u + v)(u − v).",
            f"The first term is the square of {left}. What is the second term the square of?",
            f"The second term is the square of {right}. So the product is ({left} + {right})({left} − {right}).",
        ),
        strategy="Recognize u² − v² = (u + v)(u − v), with u and v the square roots of the two terms.",
        proof=Proof("equivalent", {"expression": given}),
    )


@template(EQUIVALENT, count=4)
def rational_exponents(rng: random.Random) -> Draft:
    """A root of a power, written with a fraction as exponent, or the other way around."""
    index, p, coefficient = rng.choice((2, 3)), rng.randint(4, 11), rng.randint(2, 5)
    q = rng.randint(4, 9)
    if p % index == 0 or q % index or math.gcd(p, index) > 1:
        raise Unusable
    root = "√" if index == 2 else "∛"
    given = f"{root}({coefficient**index}x{power(p)}y{power(q)})"

    def form(k: int, x: Fraction, y: Fraction) -> str:
        return f"{k}" + "".join(
            letter + (f"^({num(e)})" if e.denominator > 1 else power(int(e))) for letter, e in (("x", x), ("y", y))
        )

    x, y = Fraction(p, index), Fraction(q, index)
    word = "square root" if index == 2 else "cube root"
    return question(
        stem=f"Which expression is equivalent to {given}, where x and y are positive?",
        answer=form(coefficient, x, y),
        wrong=[
            (
                form(coefficient, 1 / x, 1 / y),
                f"You turned the fractions over. A {word} divides each exponent by {index}.",
            ),
            (
                form(coefficient**index, x, y),
                f"You changed the exponents but not the coefficient. The {word} applies to the coefficient as well.",
            ),
            (
                form(coefficient, Fraction(p - index), Fraction(q - index)),
                f"You subtracted {index} from the exponents. A root divides exponents.",
            ),
            (
                form(coefficient, Fraction(p * index), Fraction(q * index)),
                "You multiplied the exponents. A root divides them.",
            ),
        ],
        rationale=(
            f"The {word} is the same as the exponent 1/{index}, so each exponent is divided by {index}. "
            f"The coefficient becomes {coefficient}, because {coefficient}{power(index)} = {coefficient**index}. "
            f"The result is {form(coefficient, x, y)}."
        ),
        band=5 if index == 2 else 6,
        hints=(
            "Write the root with exponents.",
            f"The {word} is the exponent 1/{index}. A power of a power multiplies the exponents.",
            (
                f"Start with the coefficient. Which number gives {coefficient**index} when it is raised to the power of"
                f" {index}?"
            ),
            (
                f"That number is {coefficient}. The exponents are {p} ÷ {index} and {q} ÷ {index}. "
                f"The result is {form(coefficient, x, y)}."
            ),
        ),
        strategy=(
            "Write the nth root as the power 1/n. Then multiply the exponents, and take the root of the number too."
        ),
        proof=Proof("equivalent", {"expression": given, "positive": True}),
        discrimination=1.2,
    )


@template(EQUIVALENT, count=4)
def sum_of_rationals(rng: random.Random) -> Draft:
    """p/(x + a) ± q/(x + b) as one fraction."""
    a, b = rng.sample(nonzero(-7, 8), 2)
    p, q, s = rng.randint(2, 7), rng.randint(2, 7), rng.choice((1, -1))
    top = (p + s * q, p * b + s * q * a)
    if 0 in top or p == q or a + b == 0:
        raise Unusable
    sign = "+" if s > 0 else "−"
    left, right = lin(1, a), lin(1, b)
    given = f"{p}/({left}) {sign} {q}/({right})"
    below = f"(({left})({right}))"
    answer = f"({lin(*top)})/{below}"
    return question(
        stem=f"Which expression is equivalent to {given}, where x is not equal to {num(-a)} or {num(-b)}?",
        answer=answer,
        wrong=[
            (
                f"{num(p + s * q)}/({lin(2, a + b)})",
                "You added the tops and the bottoms. Fractions need a common denominator first.",
            ),
            (
                f"{num(p + s * q)}/{below}",
                "Your bottom is right. But each top has to be multiplied by the factor that its own bottom lacks.",
            ),
            (
                f"({lin(p + s * q, p * a + s * q * b)})/{below}",
                "You multiplied each numerator by its own denominator. It has to be multiplied by the other one.",
            ),
            (
                f"({lin(p + s * q, p * b - s * q * a)})/{below}",
                "You lost a sign when you multiplied out the second part on top.",
            ),
        ],
        rationale=(
            f"With the common denominator ({left})({right}), the numerator is {p}({right}) {sign} {q}({left}). "
            f"Distributing and combining like terms gives {lin(*top)}. The expression equals {answer}."
        ),
        band=6 if s > 0 else 7,
        hints=(
            "Write the two fractions as one fraction.",
            "Give both fractions the same denominator. Multiply the two denominators to get it.",
            f"The numerator of the result is {p}({right}) {sign} {q}({left}).",
            f"{p}({right}) {sign} {q}({left}) = {lin(*top)}. So the expression equals {answer}.",
        ),
        strategy=(
            "Multiply the denominators to get a new one. Then multiply each top by the factor that its bottom lacks."
        ),
        proof=Proof("equivalent", {"expression": given}),
        discrimination=1.3,
    )


@template(EQUIVALENT, count=3)
def unknown_factors(rng: random.Random) -> Draft:
    """(ax + p)(qx² − bx + r) = a cubic: what is ab?"""
    a, p, q, b, r = (
        rng.randint(2, 6),
        rng.choice(nonzero(-6, 6)),
        rng.randint(2, 6),
        rng.randint(2, 8),
        rng.randint(2, 9),
    )
    cubic = (a * q, p * q - a * b, a * r - p * b, p * r)
    ask, value = rng.choice((("ab", a * b), ("a + b", a + b)))
    if 0 in cubic or value in (a, b) or math.gcd(*cubic) > 1:
        raise Unusable
    right = poly((cubic[0], "x³"), (cubic[1], "x²"), (cubic[2], "x"), (cubic[3], ""))
    left = f"(ax {'+' if p > 0 else '−'} {abs(p)})({q}x² − bx + {r})"
    return question(
        stem=(
            f"The equation {left} = {right} is true for all values of x, where a and b are constants. "
            f"What is the value of {ask}?"
        ),
        answer=typed(value),
        rationale=(
            f"The x³-terms give a · {q} = {cubic[0]}, so a = {a}. The x²-terms give {num(p * q)} − ab ="
            f" {num(cubic[1])}, so ab = {a * b} and b = {b}. Therefore {ask} = {value}."
        ),
        band=7 if ask == "a + b" else 6,
        hints=(
            f"Find {ask} from the coefficients.",
            "Both sides are equal for all x. So the coefficients of each power of x have to match.",
            f"On the left, the x³-term is {q}ax³, and the x²-terms are {lin(p * q, 0, 'x²')} and −abx².",
            (
                f"{num(p * q)} − ab = {num(cubic[1])}, so ab = {a * b}. From {q}a = {cubic[0]}, a = {a}, so b = {b}. "
                f"Then {ask} = {value}."
            ),
        ),
        strategy="Expand only as far as needed, and match the coefficients of the powers of x.",
        proof=Proof("solve", {"equations": [f"{left} = {right}"], "for_all": ["x"], "ask": ask}),
        discrimination=1.5,
    )


@template(EQUIVALENT, count=2)
def quotient_and_remainder(rng: random.Random) -> Draft:
    """(ax² + bx + c)/(x − d) = ax + e + r/(x − d)."""
    a, d, e, r = rng.randint(2, 6), rng.choice(nonzero(-5, 6)), rng.choice(nonzero(-8, 9)), rng.randint(2, 15)
    b, c = e - a * d, r - d * e
    if not b or not c:
        raise Unusable
    below, top = lin(1, -d), quad(a, b, c)
    given = f"({top})/({below})"

    def form(x: int, constant: int, rest: int) -> str:
        return f"{lin(x, constant)} {'+' if rest > 0 else '−'} {abs(rest)}/({below})"

    if 0 in (c, b - a * d, c - d * e, c - d * (b - a * d)):
        raise Unusable
    return question(
        stem=f"Which expression is equivalent to {given}, where x is not equal to {num(d)}?",
        answer=form(a, e, r),
        wrong=[
            (form(a, b, c), "You divided only the first term and left the other coefficients as they were."),
            (
                form(a, b - a * d, c - d * (b - a * d)),
                "You added the product to the x-term. In long division, it has to be subtracted.",
            ),
            (
                form(a, e, c - d * e),
                "You made a sign error in the last step of the division, so the remainder is wrong.",
            ),
        ],
        rationale=(
            f"Multiplying {lin(a, e)} by {below} gives {quad(a, b, -d * e)}. "
            f"To get {top}, {r} has to be added, so the remainder is {r}. "
            f"Dividing by {below} gives {form(a, e, r)}."
        ),
        band=7,
        hints=(
            "Divide the top by the bottom, and find the remainder.",
            "Use long division. Ask each time which term, multiplied by the bottom, gives the leading term.",
            (
                f"The first term is {lin(a, 0)}, because {lin(a, 0)} · x = {lin(a, 0, 'x²')}. Subtract"
                f" {lin(a, 0)}({below}) from the top."
            ),
            f"What is left is {lin(e, c)}. It is {num(e)}({below}) with remainder {r}. The result is {form(a, e, r)}.",
        ),
        strategy="Use long division. Or multiply each choice by the denominator and compare.",
        proof=Proof("equivalent", {"expression": given}),
        discrimination=1.4,
    )
