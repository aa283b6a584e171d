"""Templates for linear equations in one variable."""

from __future__ import annotations

import math
import random
from fractions import Fraction

from bonsai_recs.authoring.kit import Draft, Proof, Unusable, template
from bonsai_recs.authoring.mathtext import NAMES, add, lin, money, nonzero, num, poly, question, typed

ONE_VARIABLE = "Linear equations in one variable"


@template(ONE_VARIABLE, count=4)
def two_steps(rng: random.Random) -> Draft:
    """ax + b = c."""
    a, b, x = rng.randint(3, 9), rng.choice(nonzero(-9, 15)), rng.choice(nonzero(-5, 12))
    c = a * x + b
    equation = f"{lin(a, b)} = {num(c)}"
    return question(
        stem=f"If {equation}, what is the value of x?",
        answer=num(x),
        wrong=[
            (num(c - b), f"You undid the {num(b)} but did not divide by {a}. That is the value of {a}x, not of x."),
            (
                num(c - b - a),
                f"You subtracted {a} from both sides. The {a} multiplies x, so it is undone by dividing.",
            ),
            (
                num(Fraction(c + b, a)),
                (
                    f"You moved {num(b)} to the other side without changing its sign. Do the opposite operation on both"
                    " sides."
                ),
            ),
            (
                num(c - a - b + 1),
                "You made an arithmetic slip while subtracting. Put your value back into the equation.",
            ),
        ],
        rationale=(
            f"To isolate the x-term, {add(-b)} both sides: {a}x = {num(c - b)}. "
            f"Dividing both sides by {a} gives x = {num(x)}."
        ),
        band=1 if x > 0 and b > 0 else 2,
        hints=(
            "You want to get x alone on one side.",
            "Undo the number that is added or subtracted first. Then undo the number that multiplies x.",
            f"First {add(-b)} both sides. You get {a}x = {num(c - b)}.",
            f"{a}x = {num(c - b)}. Divide both sides by {a}. So x = {num(x)}.",
        ),
        strategy="Undo the steps in reverse order. Undo the adding first, then the multiplying.",
        proof=Proof("solve", {"equations": [equation], "ask": "x"}),
        discrimination=0.8,
    )


@template(ONE_VARIABLE, count=2)
def value_of_a_group(rng: random.Random) -> Draft:
    """p(x + b) + q(x + b) = r, asked for x + b or a multiple of it."""
    p, q, b = rng.randint(3, 9), rng.randint(2, 8), rng.choice(nonzero(-9, 9))
    group, times = rng.randint(3, 15), rng.choice((1, 1, 2, 3))
    total = (p + q) * group
    inner = lin(1, b)
    equation = f"{p}({inner}) + {q}({inner}) = {num(total)}"
    asked = inner if times == 1 else f"{times}({inner})"
    last = "" if times == 1 else f" Then {asked} = {times} · {group} = {times * group}."
    return question(
        stem=f"{equation}\n\nBased on the given equation, what is the value of {asked}?",
        answer=typed(times * group),
        rationale=(
            f"Both terms on the left contain {inner}, so they combine to {p + q}({inner}) = {num(total)}. "
            f"Dividing both sides by {p + q} gives {inner} = {group}.{last}"
        ),
        band=3 if times == 1 else 4,
        hints=(
            f"You need the value of {asked}, not the value of x.",
            f"Look at {inner} as one thing. How many of them are on the left side in all?",
            f"Add the {p} groups and the {q} groups. You have {p + q}({inner}) on the left.",
            f"{p + q}({inner}) = {num(total)}. Divide both sides by {p + q}, so {inner} = {group}.{last}",
        ),
        strategy=("Look at what is asked before you start. If it is already there as a group, solve for the group."),
        proof=Proof("solve", {"equations": [equation], "ask": asked}),
        discrimination=1.1,
    )


@template(ONE_VARIABLE, count=4)
def x_on_both_sides(rng: random.Random) -> Draft:
    """a(x + s) = cx + d."""
    a, c, s = rng.randint(3, 9), rng.choice(nonzero(-5, 8)), rng.choice(nonzero(-8, 8))
    if a - c < 2 or a + c == 0:
        raise Unusable
    x = rng.choice(nonzero(-8, 9))
    d = (a - c) * x + a * s
    if not d:
        raise Unusable
    equation = f"{a}({lin(1, s)}) = {lin(c, d)}"
    return question(
        stem=f"{equation}\n\nWhat value of x is the solution to the given equation?",
        answer=num(x),
        wrong=[
            (
                num(Fraction(d - s, a - c)),
                f"You multiplied only x by {a}. The {a} also multiplies the {num(abs(s))} inside the parentheses.",
            ),
            (
                num(Fraction(d + a * s, a - c)),
                "You moved the constant term across the equal sign without changing its sign.",
            ),
            (
                num(Fraction(d - a * s, a + c)),
                (
                    f"You moved {poly((c, 'x'))} to the left side without changing its sign, "
                    "so the x-terms were combined wrongly."
                ),
            ),
            (num(-x), "You made a sign error in the last step. Divide with the signs that both sides have."),
        ],
        rationale=(
            f"Distributing {a} on the left gives {lin(a, a * s)} = {lin(c, d)}. Collecting the x-terms on the left "
            f"and the constants on the right gives {lin(a - c, 0)} = {num(d - a * s)}, so x = {num(x)}."
        ),
        band=3 if c > 0 and s > 0 else 4,
        hints=(
            "You want the one value of x that makes both sides equal.",
            "Clear the parentheses first. Then bring the x-terms to one side and the numbers to the other side.",
            f"After you distribute, the left side is {lin(a, a * s)}.",
            f"{lin(a, a * s)} = {lin(c, d)}. Collect like terms: {lin(a - c, 0)} = {num(d - a * s)}. So x = {num(x)}.",
        ),
        strategy="Distribute, collect the x-terms on one side and the constants on the other, then divide.",
        proof=Proof("solve", {"equations": [equation], "ask": "x"}),
    )


_FEES = (
    ("joins a climbing gym that charges a one-time fee of {fee} plus {rate} per month", "month", "for the gym", 45, 90),
    ("rents a kayak for a base fee of {fee} plus {rate} per hour", "hour", "for the rental", 8, 20),
    ("hires a piano mover who charges {fee} for the visit plus {rate} per hour", "hour", "to the mover", 40, 75),
    ("buys a bus card for {fee} and then pays {rate} per ride", "ride", "for the card and the rides", 2, 6),
    ("orders printed shirts for a setup fee of {fee} plus {rate} per shirt", "shirt", "for the order", 9, 18),
)


@template(ONE_VARIABLE, count=3)
def fee_and_rate(rng: random.Random) -> Draft:
    """A fixed fee and a rate lead to a total: how many units?"""
    phrase, unit, what, low, high = rng.choice(_FEES)
    rate, times, n = rng.randint(low, high), rng.randint(2, 4), rng.randint(5, 14)
    fee, name = rate * times, rng.choice(NAMES)
    total = fee + rate * n
    return question(
        stem=(
            f"{name} {phrase.format(fee=money(fee), rate=money(rate))}. {name} pays a total of {money(total)} {what}. "
            f"What is the number of {unit}s that {name} pays for?"
        ),
        answer=num(n),
        wrong=[
            (
                num(n + times),
                (
                    f"You divided the whole total by {money(rate)}. The {money(fee)} that is paid only once has to come"
                    " off first."
                ),
            ),
            (
                num(n + 2 * times),
                f"You added {money(fee)} to the total. It is already part of the total, so it has to be subtracted.",
            ),
            (
                num(rate * n),
                f"That is the amount in dollars that is left after the {money(fee)}, not the number of {unit}s.",
            ),
            (num(n - 1), f"You counted the {money(fee)} as if it also paid for one {unit}."),
        ],
        rationale=(
            f"If n is the number of {unit}s, then {num(fee)} + {num(rate)}n = {num(total)}. "
            f"Subtracting {num(fee)} from both sides gives {num(rate)}n = {num(rate * n)}, and dividing by {num(rate)} "
            f"gives n = {num(n)}."
        ),
        band=2,
        hints=(
            f"Find out how many {unit}s are in the bill.",
            f"Part of the total is paid only once. The rest is paid at the same price for each {unit}.",
            f"Take the one-time amount off: {num(total)} − {num(fee)} = {num(rate * n)} dollars.",
            (
                f"{num(rate * n)} dollars are left at {num(rate)} dollars per {unit}. "
                f"{num(rate * n)} ÷ {num(rate)} = {num(n)}, so the answer is {num(n)}."
            ),
        ),
        strategy="Write total = fixed amount + rate × number, then solve for the number.",
        proof=Proof("solve", {"equations": [f"{num(fee)} + {num(rate)}n = {num(total)}"], "ask": "n"}),
        discrimination=0.9,
    )


_DRAINS = (
    ("A water tank holds {start} gallons of water. A pump empties it", "gallons", "minute", "in the tank"),
    ("A bakery has {start} kilograms of flour. The bakers use it", "kilograms", "day", "in stock"),
    ("A printer has a queue of {start} pages. It prints them", "pages", "minute", "in the queue"),
    ("A phone card has a balance of {start} cents. Calls reduce it", "cents", "minute", "on the card"),
)


@template(ONE_VARIABLE, count=3)
def equation_for_a_decrease(rng: random.Random) -> Draft:
    """Which equation gives the time until an amount is left?"""
    phrase, unit, time, where = rng.choice(_DRAINS)
    rate, t, left = rng.randint(6, 24), rng.randint(6, 20), rng.randrange(20, 130, 10)
    start = left + rate * t
    return question(
        stem=(
            f"{phrase.format(start=num(start))} at a constant rate of {num(rate)} {unit} per {time}. Which equation can"
            f" be used to find the number of {time}s, t, after which {num(left)} {unit} are left {where}?"
        ),
        answer=f"{num(start)} − {rate}t = {num(left)}",
        wrong=[
            (
                f"{num(start)} + {rate}t = {num(left)}",
                "You added the change. The amount goes down, so it is subtracted.",
            ),
            (
                f"{rate} − {num(start)}t = {num(left)}",
                (
                    "You swapped the starting amount and the rate. The number that is multiplied by t is the change"
                    f" per {time}."
                ),
            ),
            (
                f"{rate}t − {num(start)} = {num(left)}",
                (
                    "You turned the subtraction around. What goes away is taken from the starting amount, and not the"
                    " other way."
                ),
            ),
        ],
        rationale=(
            f"In t {time}s, the amount goes down by {rate} {unit} t times, which is {rate}t. "
            f"What is left is {num(start)} − {rate}t, and this has to equal {num(left)}."
        ),
        band=2,
        hints=(
            f"Write what is left after t {time}s, and set it equal to the amount in the question.",
            f"Start with the first amount. How much goes away in one {time}? How much goes away in t {time}s?",
            f"In t {time}s, {rate}t {unit} go away.",
            (
                f"Start with {num(start)} and take away {rate}t. This is equal to {num(left)}: "
                f"{num(start)} − {rate}t = {num(left)}."
            ),
        ),
        strategy="Write starting amount plus or minus rate × time, then set it equal to the final amount.",
        proof=Proof("satisfies", {"points": [[t]], "variables": ["t"]}),
        discrimination=0.9,
    )


@template(ONE_VARIABLE, count=3)
def how_many_solutions(rng: random.Random) -> Draft:
    """Zero, exactly one, or infinitely many."""
    a, b, c = rng.randint(2, 7), rng.choice((2, 3, 4, 5)), rng.choice(nonzero(-7, 7))
    kind = rng.choice(("Zero", "Exactly one", "Infinitely many"))
    slope = a * b + (rng.choice((-2, -1, 1, 2)) if kind == "Exactly one" else 0)
    constant = a * c + (rng.choice((-3, -2, 1, 4)) if kind == "Zero" else 0)
    if not constant or not slope:
        raise Unusable
    equation = f"{a}({lin(b, c)}) = {lin(slope, constant)}"
    expanded = lin(a * b, a * c)
    why = {
        "Zero": "The x-terms are the same but the constants differ, so no value of x makes the sides equal.",
        "Exactly one": "The x-terms differ, so the equation can be solved for a single value of x.",
        "Infinitely many": "Both sides are the same expression, so every value of x makes them equal.",
    }
    mistakes = {
        "Zero": "You took the sides for ones that never agree. That needs equal x-terms and different constants.",
        "Exactly one": (
            "You expected one value of x as usual. Here the x-terms on both sides are the same, so x drops out."
        ),
        "Exactly two": (
            "You counted two values of x. A linear equation in one variable never has this number of solutions."
        ),
        "Infinitely many": (
            "You took the two sides for the same expression. Compare both the x-terms and the constants."
        ),
    }
    return question(
        stem=f"{equation}\n\nHow many solutions does the given equation have?",
        answer=kind,
        wrong=[(text, mistake) for text, mistake in mistakes.items() if text != kind],
        rationale=f"Distributing {a} on the left side gives {expanded} = {lin(slope, constant)}. {why[kind]}",
        band=4 if kind == "Exactly one" else 5,
        hints=(
            "Find out how many values of x make the equation true.",
            "Write both sides without parentheses. Then compare the x-terms, and after that the constants.",
            f"The left side is {expanded}. The right side is {lin(slope, constant)}.",
            f"{expanded} = {lin(slope, constant)}. {why[kind]} The answer: {kind.lower()}.",
        ),
        strategy="Simplify both sides. If the x-terms differ, there is one solution. If not, compare the constants.",
        proof=Proof("solve", {"equations": [equation], "unknowns": ["x"], "count": True}),
        discrimination=1.2,
    )


@template(ONE_VARIABLE, count=2)
def constant_for_no_solution(rng: random.Random) -> Draft:
    """a(bx + c) − ex = kx + d has no solution."""
    a, b, c, e = rng.randint(2, 7), rng.randint(2, 8), rng.choice(nonzero(-6, 6)), rng.randint(2, 9)
    d = rng.choice(nonzero(-20, 20))
    k = a * b - e
    if d == a * c or k in (0, 1):
        raise Unusable
    equation = f"{a}({lin(b, c)}) − {e}x = kx {'+' if d > 0 else '−'} {abs(d)}"
    return question(
        stem=(
            f"{equation}\n\nIn the given equation, k is a constant. If the equation has no solution, what is the value"
            " of k?"
        ),
        answer=typed(k),
        rationale=(
            f"Distributing gives {a * b}x {'+' if c > 0 else '−'} {abs(a * c)} − {e}x, which is {lin(k, a * c)}. "
            "A linear equation has no solution when the x-terms are equal and the constants are not. "
            f"The constants {num(a * c)} and {num(d)} differ, so k = {num(k)}."
        ),
        band=6,
        hints=(
            "Find the k for which no value of x can make the sides equal.",
            "There is no solution when both sides have the same x-term but different constants.",
            f"After you distribute, the left side has the x-terms {a * b}x and −{e}x.",
            (
                f"{a * b}x − {e}x = {lin(k, 0)}. The x-terms have to be the same, and the constants {num(a * c)} and"
                f" {num(d)} are different. So k = {num(k)}."
            ),
        ),
        strategy="No solution: the x-terms on both sides are the same, but the numbers are not.",
        proof=Proof("solve", {"equations": [equation], "unknowns": ["x"], "parameter": "k", "solutions": "none"}),
        discrimination=1.4,
    )


def _times(factor: int, group: str) -> str:
    return f"{'' if factor == 1 else factor}({group})"


@template(ONE_VARIABLE, count=2)
def fractions_on_the_left(rng: random.Random) -> Draft:
    """(x + a)/p + (x + b)/q = r."""
    p, q = rng.sample((2, 3, 4, 5, 6), 2)
    a, b, x = rng.choice(nonzero(-7, 7)), rng.choice(nonzero(-7, 7)), rng.choice(nonzero(-12, 25))
    if (x + a) % p or (x + b) % q:
        raise Unusable
    r = (x + a) // p + (x + b) // q
    equation = f"({lin(1, a)})/{p} + ({lin(1, b)})/{q} = {num(r)}"
    least = math.lcm(p, q)
    s, t = least // p, least // q
    cleared = f"{_times(s, lin(1, a))} + {_times(t, lin(1, b))} = {num(least * r)}"
    return question(
        stem=f"{equation}\n\nWhat is the solution to the given equation?",
        answer=typed(x),
        rationale=(
            f"Multiplying both sides by {least} clears the fractions: {cleared}. Distributing and combining like terms "
            f"gives {lin(s + t, s * a + t * b)} = {num(least * r)}, so {s + t}x = {num((s + t) * x)} and x = {num(x)}."
        ),
        band=5 if x > 0 else 6,
        hints=(
            "You want the value of x that makes the equation true.",
            "Clear the fractions. Multiply both sides by a number that both denominators divide.",
            f"Multiply both sides by {least}. You get {cleared}.",
            (
                f"Distribute and combine: {lin(s + t, s * a + t * b)} = {num(least * r)}. "
                f"Then {s + t}x = {num((s + t) * x)}, so x = {num(x)}."
            ),
        ),
        strategy="Multiply both sides by a number that both denominators divide. Then only whole numbers are left.",
        proof=Proof("solve", {"equations": [equation], "ask": "x"}),
        discrimination=1.2,
    )


@template(ONE_VARIABLE, count=3)
def constants_for_every_x(rng: random.Random) -> Draft:
    """p(qx + b) = ax + r holds for all x: what is a + b?"""
    p, q, b = rng.randint(3, 8), rng.randint(3, 7), rng.choice(nonzero(-9, 4))
    a, r = p * q, p * b
    equation = f"{p}({q}x + b) = ax {'+' if r > 0 else '−'} {abs(r)}"
    return question(
        stem=(
            f"{equation}\n\nIn the given equation, a and b are constants. If the equation has infinitely many"
            " solutions, what is the value of a + b?"
        ),
        answer=num(a + b),
        wrong=[
            (
                num(a + r),
                f"You took the constant on the right side as b. On the left side, b is also multiplied by {p}.",
            ),
            (num(q + b), f"You set a equal to {q}. When you distribute, {q}x is multiplied by {p} as well."),
            (num(a), "You stopped at the value of a. The question asks for the sum of both constants."),
            (num(a - b), "You subtracted b from a. The question asks for their sum, so keep the sign of b."),
            (num(b), "You stopped at the value of b. The question asks for the sum of both constants."),
        ],
        rationale=(
            f"Distributing gives {a}x + {p}b on the left side. For infinitely many solutions, both sides must be "
            f"identical, so a = {a} and {p}b = {num(r)}, which gives b = {num(b)}. "
            f"The sum a + b is {num(a + b)}."
        ),
        band=7 if b < 0 else 6,
        hints=(
            "Find a and b first. Then add them.",
            "An equation is true for every x when both sides are the same. Match the x-terms and the constants.",
            f"The left side is {p} · {q}x + {p}b. Its constant {p}b has to match {num(r)}.",
            (
                f"Match the x-terms: a = {a}. Match the constants: {p}b = {num(r)}, so b = {num(b)}. "
                f"The sum is {a} + {f'({num(b)})' if b < 0 else b} = {num(a + b)}."
            ),
        ),
        strategy="If every x works, both sides are the same. Match the x-terms, then match the numbers.",
        proof=Proof("solve", {"equations": [equation], "for_all": ["x"], "ask": "a + b"}),
        discrimination=1.4,
    )
