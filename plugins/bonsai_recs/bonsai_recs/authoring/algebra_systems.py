"""Templates for systems of two linear equations."""

from __future__ import annotations

import random
from fractions import Fraction

from bonsai_recs.authoring.kit import Draft, Proof, Unusable, template
from bonsai_recs.authoring.mathtext import NAMES, by, lin, money, nonzero, num, pair, plural, poly, question, typed

SYSTEMS = "Systems of two linear equations in two variables"


def _equation(a: int, b: int, c: int) -> str:
    return f"{poly((a, 'x'), (b, 'y'))} = {num(c)}"


@template(SYSTEMS, count=4)
def substitute(rng: random.Random) -> Draft:
    """y = kx + b and px + y = s: which point is the solution?"""
    k, p, b = rng.randint(2, 5), rng.randint(1, 4), rng.choice((*[0] * 14, *nonzero(-6, 6)))
    x = rng.choice(nonzero(-3, 9))
    y = k * x + b
    s = p * x + y
    if y == x or not s:
        raise Unusable
    first, second = f"y = {lin(k, b)}", _equation(p, 1, s)
    return question(
        stem=f"{first}\n{second}\n\nWhat is the solution (x, y) to the given system of equations?",
        answer=pair(x, y),
        wrong=[
            (pair(y, x), "You swapped the coordinates. The x-value comes first in an ordered pair."),
            (
                pair(x + 1, k * (x + 1) + b),
                "Your point satisfies only the first equation. A solution has to satisfy both.",
            ),
            (
                pair(x - 1, s - p * (x - 1)),
                "Your point satisfies only the second equation. A solution has to satisfy both.",
            ),
            (pair(x, s - y), "You found x, but then made an error in finding y. Put x into the first equation."),
        ],
        rationale=(
            f"Substituting {lin(k, b)} for y in the second equation gives {poly((p, 'x'))} + {lin(k, b)} = {num(s)}, "
            f"or {lin(p + k, b)} = {num(s)}. This gives x = {num(x)}, and then y = {num(k)} · {by(x)}"
        )
        + (f" {'+' if b > 0 else '−'} {abs(b)}" if b else "")
        + f" = {num(y)}.",
        band=1 if b == 0 and x > 0 else 2,
        hints=(
            "Find the pair of numbers that makes both equations true.",
            "The first equation says what y equals. Put that in place of y in the second equation.",
            f"After the substitution you have {lin(p + k, b)} = {num(s)}.",
            (
                f"{lin(p + k, b)} = {num(s)}, so x = {num(x)}. Then y = {lin(k, b)} = {num(y)}. The solution is"
                f" {pair(x, y)}."
            ),
        ),
        strategy="When one letter stands alone, put what it equals into the other equation.",
        proof=Proof("satisfies", {"relations": [first, second]}),
        discrimination=0.8,
    )


@template(SYSTEMS, count=3)
def add_the_equations(rng: random.Random) -> Draft:
    """ax + by = c and bx + ay = d: what is x + y (or x − y)?"""
    a, b = rng.sample(range(2, 10), 2)
    x, y = rng.choice(nonzero(-6, 9)), rng.choice(nonzero(-6, 9))
    c, d = a * x + b * y, b * x + a * y
    plus = rng.random() < 0.6
    value, factor = (x + y, a + b) if plus else (x - y, a - b)
    ask, total = ("x + y", c + d) if plus else ("x − y", c - d)
    if not value or not c or not d or (not plus and factor < 2):
        raise Unusable
    first, second = _equation(a, b, c), _equation(b, a, d)
    verb = "Adding the two equations" if plus else "Subtracting the second equation from the first"
    return question(
        stem=(
            f"{first}\n{second}\n\nThe solution to the given system of equations is (x, y). What is the value of {ask}?"
        ),
        answer=typed(value),
        rationale=(
            f"{verb} gives {factor}x {'+' if plus else '−'} {factor}y = {num(total)}. "
            f"Dividing both sides by {factor} gives {ask} = {num(value)}."
        ),
        band=3 if plus else 4,
        hints=(
            f"You need only {ask}. You do not need x and y one by one.",
            f"Look at the coefficients. Try to {'add' if plus else 'subtract'} the equations.",
            f"{verb} gives {num(total)} on the right side.",
            (
                f"The left side becomes {factor}({ask}), so {factor}({ask}) = {num(total)}. Divide by {factor}: "
                f"{ask} = {num(value)}."
            ),
        ),
        strategy="See if you can add or subtract the equations to get what is asked right away.",
        proof=Proof("solve", {"equations": [first, second], "ask": ask}),
        discrimination=1.2,
    )


_COUNTS = (
    (
        (
            "A museum sold {n} tickets one morning. Adult tickets cost {p} each, student tickets cost {q} each, and the"
            " total income was {t}."
        ),
        "adult tickets",
        "student tickets",
        "a",
        "s",
        "were sold",
    ),
    (
        "A parking garage was paid {t} by {n} vehicles one evening. Each van paid {p}, and each car paid {q}.",
        "vans",
        "cars",
        "v",
        "c",
        "paid",
    ),
    (
        (
            "A farm stand sold {n} boxes of fruit for a total of {t}. A box of cherries cost {p}, and a box of apples"
            " cost {q}."
        ),
        "boxes of cherries",
        "boxes of apples",
        "c",
        "a",
        "were sold",
    ),
    (
        (
            "A choir ordered {n} shirts for a total of {t}. Each long-sleeved shirt cost {p}, and each short-sleeved"
            " shirt cost {q}."
        ),
        "long-sleeved shirts",
        "short-sleeved shirts",
        "m",
        "s",
        "were ordered",
    ),
)


def _counts(rng: random.Random) -> tuple[str, str, str, str, str, str, int, int, int, int]:
    text, many_u, many_v, u, v, verb = rng.choice(_COUNTS)
    p, q = rng.randint(10, 22), rng.randint(4, 9)
    x, y = rng.randint(12, 60), rng.randint(12, 60)
    if abs(x - y) < 4:
        raise Unusable
    stem = text.format(n=num(x + y), p=money(p), q=money(q), t=money(p * x + q * y))
    return stem, many_u, many_v, u, v, verb, p, q, x, y


@template(SYSTEMS, count=4)
def how_many_of_one_kind(rng: random.Random) -> Draft:
    """A count and a total cost: how many of the dearer kind?"""
    stem, many_u, many_v, u, v, verb, p, q, x, y = _counts(rng)
    n, total = x + y, p * x + q * y
    return question(
        stem=f"{stem} How many {many_u} {verb}?".replace("vans paid?", "of the vehicles were vans?"),
        answer=num(x),
        wrong=[
            (num(y), f"You found the number of {many_v}. Read again which kind the question asks for."),
            (
                num(total // (p + q)),
                "You divided the total by the sum of both prices. The two kinds need not be equal in number.",
            ),
            (
                num(total // p),
                f"You divided the whole total by {money(p)}. Part of the total comes from the other kind.",
            ),
            (num(abs(x - y)), "You found the difference between the two numbers. The question asks for one of them."),
        ],
        rationale=(
            f"Let {u} and {v} be the numbers of {many_u} and {many_v}. Then {u} + {v} = {n} and {p}{u} + {q}{v} ="
            f" {num(total)}. Substituting {n} − {u} for {v} gives {p - q}{u} + {num(q * n)} = {num(total)}, so {u} ="
            f" {x}."
        ),
        band=4,
        hints=(
            f"Find the number of {many_u}.",
            "Write one equation for the count and one for the money. Then remove one variable.",
            (
                f"If all {n} had the lower price, the total would be {money(q * n)}. "
                f"The real total is {money(total - q * n)} more."
            ),
            (
                f"Each of the {many_u} adds {money(p - q)} more. {num(total - q * n)} ÷ {p - q} = {x}, so the answer is"
                f" {x}."
            ),
        ),
        strategy="Write one equation for the count and one for the money. Then remove the kind that is not asked for.",
        proof=Proof("solve", {"equations": [f"{u} + {v} = {n}", f"{p}{u} + {q}{v} = {num(total)}"], "ask": u}),
    )


@template(SYSTEMS, count=4)
def which_system(rng: random.Random) -> Draft:
    """A count and a total cost: which system of equations?"""
    stem, many_u, many_v, u, v, _, p, q, x, y = _counts(rng)
    n, total = num(x + y), num(p * x + q * y)
    return question(
        stem=(
            f"{stem} Which system of equations can be used to find the number of {many_u}, {u}, and the number of "
            f"{many_v}, {v}?"
        ),
        answer=f"{u} + {v} = {n} and {p}{u} + {q}{v} = {total}",
        wrong=[
            (
                f"{u} + {v} = {n} and {q}{u} + {p}{v} = {total}",
                "You swapped the two prices. Each price has to multiply the number of its own kind.",
            ),
            (
                f"{u} + {v} = {total} and {p}{u} + {q}{v} = {n}",
                "You swapped the totals. The sum of the numbers is a count, and the sum with the prices is in dollars.",
            ),
            (
                f"{u} + {v} = {n} and {p}{u} − {q}{v} = {total}",
                (
                    "You subtracted one amount of money from the other. Both amounts are part of the total, so they are"
                    " added."
                ),
            ),
        ],
        rationale=(
            f"The two numbers add up to {n}, so {u} + {v} = {n}. The {many_u} bring {p}{u} dollars and the {many_v}"
            f" bring {q}{v} dollars, which add up to {total} dollars."
        ),
        band=2 if u == "a" else 3,
        hints=(
            "Write one equation for how many there are. Write another one for the money.",
            "In the equation for the money, multiply each number by its own price.",
            f"The money for the {many_u} is {p}{u} dollars.",
            f"Count the items, then the money: {u} + {v} = {n} and {p}{u} + {q}{v} = {total}.",
        ),
        strategy="Sort the facts by unit: one equation counts items, the other counts dollars.",
        proof=Proof("satisfies", {"points": [[x, y]], "variables": [u, v]}),
        discrimination=0.9,
    )


@template(SYSTEMS, count=4)
def eliminate(rng: random.Random) -> Draft:
    """Two equations in standard form: what is y, or x + y?"""
    a, b, d, e = rng.randint(2, 7), rng.choice(nonzero(-6, 6)), rng.randint(2, 7), rng.choice(nonzero(-6, 6))
    x, y = rng.choice(nonzero(-6, 8)), rng.choice(nonzero(-6, 8))
    if a * e == b * d or a == d or abs(b) == abs(e) or d % a == 0 or a % d == 0:
        raise Unusable
    c, f = a * x + b * y, d * x + e * y
    whole = rng.random() < 0.5
    ask, value = ("x + y", x + y) if whole else ("y", y)
    first, second = _equation(a, b, c), _equation(d, e, f)
    factor, total = d * b - a * e, d * c - a * f
    if not value or not c or not f:
        raise Unusable
    return question(
        stem=(
            f"{first}\n{second}\n\nThe solution to the given system of equations is (x, y). What is the value of {ask}?"
        ),
        answer=num(value),
        wrong=[
            (num(x), "You gave the value of x. Read again what the question asks for."),
            (
                num(x - y if whole else x + y),
                (
                    "You subtracted y from x. The question asks for their sum."
                    if whole
                    else "You added x and y. The question asks for y alone."
                ),
            ),
            (num(-value), "You lost a sign when you subtracted one equation from the other."),
            (
                num(y if whole else x - y),
                "You gave the value of y. The question asks for the sum."
                if whole
                else "You subtracted y from x. The question asks for y alone.",
            ),
        ],
        rationale=(
            f"Multiplying the first equation by {d} and the second by {a} makes the x-terms equal. Subtracting then"
            f" gives {lin(factor, 0, 'y')} = {num(total)}, so y = {num(y)}."
        )
        + (f" The first equation then gives x = {num(x)}, so x + y = {num(value)}." if whole else ""),
        band=5 if whole else 4,
        hints=(
            f"Find the value of {ask}.",
            "Multiply each equation so that the x-terms match. Then subtract.",
            f"Multiply the first equation by {d} and the second one by {a}. Both x-terms are then {a * d}x.",
            f"Subtract: {lin(factor, 0, 'y')} = {num(total)}, so y = {num(y)}."
            + (f" Then x = {num(x)}. The sum is {num(value)}." if whole else ""),
        ),
        strategy="Multiply the equations so that the x-terms match. Then subtract to get rid of x.",
        proof=Proof("solve", {"equations": [first, second], "ask": ask}),
    )


@template(SYSTEMS, count=3)
def parameter_for_no_solution(rng: random.Random) -> Draft:
    """ax + by = c and kx + ey = f has no solution: what is k?"""
    a, b = rng.randint(2, 8), rng.choice(nonzero(-7, 7))
    ratio = rng.choice(
        (Fraction(1, 2), Fraction(2), Fraction(3), Fraction(3, 2), Fraction(-2), Fraction(-3), Fraction(4))
    )
    e, k = b * ratio, a * ratio
    c, f = rng.randint(3, 20), rng.randint(3, 30)
    if (
        e.denominator != 1
        or c * ratio == f
        or abs(b) == 1
        or abs(k) == abs(e)
        or k.denominator != 1
        or abs(a) == abs(b)
    ):
        raise Unusable
    first = _equation(a, b, c)
    second = f"kx {'+' if e > 0 else '−'} {'' if abs(e) == 1 else abs(e)}y = {f}"
    return question(
        stem=(
            f"{first}\n{second}\n\nIn the given system of equations, k is a constant. "
            "If the system has no solution, what is the value of k?"
        ),
        answer=num(k),
        wrong=[
            (num(-k), "You made a sign error. The x-coefficients have to be in the same ratio as the y-coefficients."),
            (num(a), "You copied the number at x from the first equation. The numbers at y are not equal either."),
            (
                num(Fraction(b * e, a)),
                "You set up the ratio the wrong way. Compare x with x and y with y.",
            ),
            (
                num(Fraction(a * f, c)),
                (
                    "You matched the numbers at x with those on the right. For parallel lines, compare the numbers at x"
                    " with those at y."
                ),
            ),
            (
                num(a + int(e) - b),
                "You added the difference of the numbers at y. They have to be multiplied instead.",
            ),
        ],
        rationale=(
            "The system has no solution when the lines are parallel and different. The y-coefficients are in the ratio"
            f" {num(e)} : {num(b)}, so the second left side has to be {num(ratio)} times the first one. So k ="
            f" {num(ratio)} · {a} = {num(k)}, and the constants {c} and {f} are not in that ratio."
        ),
        band=5 if ratio > 0 else 6,
        hints=(
            "Find the k for which the two lines never meet.",
            "Parallel lines have coefficients in the same ratio. Compare the y-terms first.",
            (
                f"The y-coefficients are {num(b)} and {num(e)}. Find the number that turns the first one into the"
                " second one."
            ),
            (
                f"{num(b)} · {by(ratio)} = {num(e)}. Multiply the x-coefficient in the same way: {a} · {by(ratio)} ="
                f" {num(k)}. So k = {num(k)}."
            ),
        ),
        strategy="No solution: the x-terms and y-terms have the same ratio, but the numbers on the right do not.",
        proof=Proof(
            "solve", {"equations": [first, second], "unknowns": ["x", "y"], "parameter": "k", "solutions": "none"}
        ),
        discrimination=1.4,
    )


@template(SYSTEMS, count=3)
def parameters_for_all_solutions(rng: random.Random) -> Draft:
    """ax + qy = c and px + ey = f are the same line: what is p + q?"""
    ratio = Fraction(rng.choice(("2", "3", "1/2", "3/2", "-2", "-3")))
    a, q, c = rng.choice(nonzero(-8, 8)), rng.choice(nonzero(-9, 9)), rng.randint(2, 18)
    p, e, f = a * ratio, q * ratio, c * ratio
    ask = rng.choice(("p + q", "pq", "p − q"))
    value = {"p + q": p + q, "pq": p * q, "p − q": p - q}[ask]
    if any(Fraction(part).denominator != 1 for part in (p, e, f)) or value in (0, 1) or abs(value) > 9999:
        raise Unusable
    first = f"{lin(a, 0)} + qy = {num(c)}"
    second = f"px {'+' if e > 0 else '−'} {'' if abs(e) == 1 else num(abs(e))}y = {num(f)}"
    return question(
        stem=(
            f"{first}\n{second}\n\nIn the given system of equations, p and q are constants. "
            f"If the system has infinitely many solutions, what is the value of {ask}?"
        ),
        answer=typed(value),
        rationale=(
            "The system has infinitely many solutions when one equation is a multiple of the other. The constants show"
            f" that the second equation is {num(ratio)} times the first one. So p = {num(ratio)} · {by(a)} = {num(p)},"
            f" and {num(ratio)}q = {num(e)} gives q = {num(q)}. Therefore {ask} = {num(value)}."
        ),
        band=7 if ratio not in (2, 3, 4) else 6,
        hints=(
            f"Find p and q. Then find {ask}.",
            "Both equations have to describe the same line. So one of them is a multiple of the other.",
            f"Compare the constants {num(c)} and {num(f)}. They tell you the number to multiply by.",
            (
                f"{num(c)} · {by(ratio)} = {num(f)}. So p = {num(a)} · {by(ratio)} = {num(p)}. "
                f"From q · {by(ratio)} = {num(e)}, q = {num(q)}. Then {ask} = {num(value)}."
            ),
        ),
        strategy="If every point of a line works, one equation is a multiple of the other, in all its numbers.",
        proof=Proof(
            "solve",
            {"equations": [f"p = {by(a)}k", f"{num(e)} = qk", f"{num(f)} = {num(c)}k"], "ask": ask},
        ),
        discrimination=1.5,
    )


_PACES = (
    (
        "{a} has saved {x} and saves {p} each week. {b} has saved {y} and saves {q} each week.",
        "week",
        "saved the same amount",
    ),
    (
        (
            "{a} has already read {x} pages of a novel and reads {p} pages each day. {b} has already read {y} pages of"
            " the same novel and reads {q} pages each day."
        ),
        "day",
        "read the same number of pages",
    ),
)


@template(SYSTEMS, count=2)
def when_are_they_equal(rng: random.Random) -> Draft:
    """Two amounts grow at two rates: when are they equal?"""
    text, unit, equal = rng.choice(_PACES)
    first, second = rng.sample(NAMES, 2)
    q, gap, t = rng.randint(8, 20), rng.randint(3, 9), rng.randint(4, 14)
    p, y = q + gap, gap * t + rng.randrange(20, 80)
    x = y - gap * t
    dollars = unit == "week"
    show = money if dollars else num
    return question(
        stem=text.format(a=first, b=second, x=show(x), y=show(y), p=show(p), q=show(q))
        + f" After how many {unit}s will {first} and {second} have {equal}?",
        answer=num(t),
        wrong=[
            (num(Fraction(x + y, p + q)), "You added the amounts and the rates. Compare them: use their differences."),
            (num(y - x), f"You found the difference at the start. Divide it by how much of it is made up each {unit}."),
            (
                num(gap),
                f"You found how much the difference shrinks each {unit}. The question asks for the number of {unit}s.",
            ),
            (num(p * t + x), f"You found the amount at that time. The question asks for the number of {unit}s."),
        ],
        rationale=(
            f"After t {unit}s the amounts are {num(x)} + {p}t and {num(y)} + {q}t. Setting them equal gives "
            f"{gap}t = {num(y - x)}, so t = {t}. After {plural(t, unit)}, both amounts are {num(x + p * t)}."
        ),
        band=3,
        hints=(
            f"Find the number of {unit}s after which the two amounts are equal.",
            f"Write both amounts after t {unit}s. Then set them equal.",
            f"The amounts are {num(x)} + {p}t and {num(y)} + {q}t.",
            f"{num(x)} + {p}t = {num(y)} + {q}t, so {gap}t = {num(y - x)}. Divide by {gap}: t = {t}.",
        ),
        strategy="Write an expression for each amount, set them equal, and solve for the time.",
        proof=Proof("solve", {"equations": [f"y = {num(x)} + {p}t", f"y = {num(y)} + {q}t"], "ask": "t"}),
        discrimination=0.9,
    )
