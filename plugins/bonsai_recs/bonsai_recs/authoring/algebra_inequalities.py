"""Templates for linear inequalities in one or two variables."""

from __future__ import annotations

import math
import random
from fractions import Fraction

from bonsai_recs.authoring.kit import Draft, Proof, Unusable, template
from bonsai_recs.authoring.mathtext import NAMES, add, by, lin, money, nonzero, num, pair, question, typed

INEQUALITIES = "Linear inequalities in one or two variables"
_TURNED = {"<": ">", ">": "<", "≤": "≥", "≥": "≤"}


def _true(left: int, sign: str, right: int) -> bool:
    return {"<": left < right, ">": left > right, "≤": left <= right, "≥": left >= right}[sign]


@template(INEQUALITIES, count=4)
def solve_one(rng: random.Random) -> Draft:
    """ax + b < c, also with a negative a."""
    a, b, x, sign = (
        rng.choice([*range(2, 9), *range(2, 9), *range(-8, -1)]),
        rng.choice(nonzero(-7, 12)),
        rng.choice(nonzero(-9, 9)),
        rng.choice("<>≤≥"),
    )
    c = a * x + b
    given = f"{lin(a, b)} {sign} {num(c)}"
    right = sign if a > 0 else _TURNED[sign]
    return question(
        stem=f"{given}\n\nWhich of the following is equivalent to the given inequality?",
        answer=f"x {right} {num(x)}",
        wrong=[
            (
                f"x {_TURNED[right]} {num(x)}",
                (
                    "You kept the sign as it was. When you divide by a negative number, it turns around."
                    if a < 0
                    else ("You turned the sign around. Do so only when you divide or multiply by a negative number.")
                ),
            ),
            (
                f"x {right} {num(c - b)}",
                f"You did not divide by {num(a)}. The left side is still {lin(a, 0)} at this step.",
            ),
            (
                f"x {right} {num(Fraction(c + b, a))}",
                f"You moved {num(b)} to the other side without changing its sign.",
            ),
            (f"x {right} {num(-x)}", "You lost the sign of the number when you divided."),
        ],
        rationale=(
            f"To isolate the x-term, {add(-b)} both sides: {lin(a, 0)} {sign} {num(c - b)}. Dividing both sides by "
            f"{num(a)} gives x {right} {num(x)}"
        )
        + (
            ", because dividing by a negative number reverses the sign of the inequality."
            if a < 0
            else ", and the sign of the inequality stays the same."
        ),
        band=1 if a > 0 and b > 0 else 2 if a > 0 else 3,
        hints=(
            "Get x alone on one side of the inequality sign.",
            "Solve it like an equation. Watch the sign if you divide by a negative number.",
            f"First {add(-b)} both sides. You get {lin(a, 0)} {sign} {num(c - b)}.",
            f"Divide by {num(a)}. The sign {'turns around' if a < 0 else 'stays the same'}: x {right} {num(x)}.",
        ),
        strategy="Solve it like an equation. If you multiply or divide by a negative number, turn the sign around.",
        proof=Proof("equivalent", {"expression": given}),
        discrimination=0.9,
    )


_BUDGETS = (
    ("{n} has {t} to spend at a fair. Admission costs {f}, and each ride costs {r}.", "rides {n} can take"),
    (
        "{n} can spend at most {t} on a phone plan this month. The plan costs {f} plus {r} for each gigabyte of data.",
        "whole gigabytes of data that {n} can use",
    ),
    (
        "A community center has {t} for a workshop. The room costs {f}, and the materials cost {r} for each person.",
        "people who can take part",
    ),
    (
        "{n} has {t} for printing a school newspaper. The layout costs {f}, and each copy costs {r}.",
        "copies that can be printed",
    ),
)


@template(INEQUALITIES, count=3)
def most_within_a_budget(rng: random.Random) -> Draft:
    """fee + rate·n ≤ budget: the greatest whole number."""
    text, what = rng.choice(_BUDGETS)
    rate, fee, n, name = rng.randint(4, 13), rng.randint(15, 60), rng.randint(6, 24), rng.choice(NAMES)
    total = fee + rate * n + rng.randint(1, rate - 1)
    left = total - fee
    relation = f"{fee} + {rate}n ≤ {num(total)}"
    return question(
        stem=text.format(n=name, t=money(total), f=money(fee), r=money(rate))
        + f" What is the greatest number of {what.format(n=name)}?",
        answer=typed(n),
        rationale=(
            f"If n is that number, then {relation}, so {rate}n ≤ {left}. Dividing by {rate} gives "
            f"n ≤ {left}/{rate}, which is between {n} and {n + 1}. The greatest whole number that fits is {n}."
        ),
        band=3,
        hints=(
            "Find the largest whole number that the money allows.",
            f"Take away the part of the cost that is fixed. Then see how often {money(rate)} fits into the rest.",
            f"After the fixed cost, the rest of the money is {money(left)}.",
            f"{left} ÷ {rate} is between {n} and {n + 1}. Only whole numbers count, so round down to {n}.",
        ),
        strategy="Write fixed cost + rate × number ≤ budget, solve, and round down to a whole number.",
        proof=Proof("satisfies", {"relations": [relation], "variables": ["n"], "extreme": "greatest"}),
    )


_LIMITS = (
    (
        (
            "A truck can carry at most {t} pounds. It is loaded with crates that weigh {p} pounds each and sacks that"
            " weigh {q} pounds each."
        ),
        "c",
        "crates",
        "s",
        "sacks",
        "≤",
    ),
    (
        "A club wants to raise at least {t} dollars. It sells caps for {p} dollars each and mugs for {q} dollars each.",
        "c",
        "caps",
        "m",
        "mugs",
        "≥",
    ),
    (
        (
            "A gardener has no more than {t} minutes for planting. It takes {p} minutes to plant a shrub and {q}"
            " minutes to plant a fern."
        ),
        "s",
        "shrubs",
        "f",
        "ferns",
        "≤",
    ),
    (
        (
            "A student needs a total of at least {t} points. Each project is worth {p} points, and each quiz is worth"
            " {q} points."
        ),
        "p",
        "projects",
        "q",
        "quizzes",
        "≥",
    ),
)


@template(INEQUALITIES, count=4)
def inequality_for_a_limit(rng: random.Random) -> Draft:
    """Which inequality says that a limit is kept?"""
    text, u, many_u, v, many_v, sign = rng.choice(_LIMITS)
    p, q, total = rng.randint(21, 45), rng.randint(6, 18), rng.randrange(400, 1500, 50)
    word = {"≤": "at most this number", "≥": "at least this number"}[sign]
    past = total + 1 if sign == "≤" else total - 1
    on = [[f"{total}/{p}", 0], [0, f"{total}/{q}"]]
    off = [[f"{past}/{p}", 0], [0, f"{past}/{q}"]]
    return question(
        stem=(
            f"{text.format(t=num(total), p=p, q=q)} Which inequality represents this situation, where {u} is the number"
            f" of {many_u} and {v} is the number of {many_v}?"
        ),
        answer=f"{p}{u} + {q}{v} {sign} {num(total)}",
        wrong=[
            (
                f"{p}{u} + {q}{v} {_TURNED[sign]} {num(total)}",
                f"You reversed the inequality sign. The total in this situation has to be {word}.",
            ),
            (
                f"{q}{u} + {p}{v} {sign} {num(total)}",
                "You swapped the two coefficients. Match each number with its own item.",
            ),
            (
                f"{u}/{p} + {v}/{q} {sign} {num(total)}",
                "You divided by the amount for each item. The total is found by multiplying it by the number of items.",
            ),
        ],
        rationale=(
            f"The {many_u} account for {p}{u} and the {many_v} for {q}{v}. Their sum has to be "
            f"{'at most' if sign == '≤' else 'at least'} {num(total)}, so {p}{u} + {q}{v} {sign} {num(total)}."
        ),
        band=2,
        hints=(
            "Write the total as a sum, then compare it with the limit.",
            "Multiply each number of items by its own amount. Then choose the sign that fits the words.",
            f"The {many_u} add {p}{u} to the total.",
            (
                f"The total is {p}{u} + {q}{v}. It has to be {'at most' if sign == '≤' else 'at least'} {num(total)}: "
                f"{p}{u} + {q}{v} {sign} {num(total)}."
            ),
        ),
        strategy="“At most” means ≤ and “at least” means ≥; build the total from amount × number.",
        proof=Proof("satisfies", {"points": on, "rejects": off, "variables": [u, v]}),
        discrimination=0.9,
    )


def _table(points: list[tuple[int, int]]) -> str:
    return ", ".join(pair(x, y) for x, y in points)


@template(INEQUALITIES, count=4)
def table_of_solutions(rng: random.Random) -> Draft:
    """In which table are all pairs (x, y) solutions of y > mx + b?"""
    m, b, sign = rng.choice(nonzero(-5, 6)), rng.choice(nonzero(-9, 12)), rng.choice("<>")
    if abs(m) == 1:
        raise Unusable
    xs = sorted(rng.sample(range(-3, 8), 3))
    up = 1 if sign == ">" else -1
    line = [m * x + b for x in xs]
    near = [rng.randint(1, 4) for _ in xs]
    good = [(x, y + up * d) for x, y, d in zip(xs, line, near, strict=True)]
    on = [good[0], (xs[1], line[1]), good[2]]
    below = [(x, y - up * d) for x, y, d in zip(xs, line, near, strict=True)]
    mixed = [good[0], good[1], (xs[2], line[2] - up * near[2])]
    relation = f"y {sign} {lin(m, b)}"
    side = "greater" if up > 0 else "less"
    return question(
        stem=(
            f"In which of the following lists are all the ordered pairs (x, y) solutions to the inequality {relation}?"
        ),
        answer=_table(good),
        wrong=[
            (
                _table(on),
                (
                    f"You counted a point on the boundary line. The sign {sign} leaves out pairs for which both sides"
                    " are equal."
                ),
            ),
            (_table(below), f"You chose the other side of the boundary. Here y has to be {side} than the right side."),
            (_table(mixed), "You stopped checking too early. Every pair of the list has to satisfy the inequality."),
        ],
        rationale=(
            f"For x = {num(xs[0])}, {num(xs[1])}, and {num(xs[2])}, the expression {lin(m, b)} equals {num(line[0])},"
            f" {num(line[1])}, and {num(line[2])}. Only in the right list is each y-value {side} than the one found"
            " here. Each of the other lists has at least one pair that is not a solution."
        ),
        band=4 if m > 0 else 5,
        hints=(
            "Find the list in which every pair makes the inequality true.",
            "For each x, work out the right side. Then compare y with it.",
            (
                f"At x = {num(xs[1])}, the right side is {num(m)} · {by(xs[1])} {'+' if b > 0 else '−'} {abs(b)} ="
                f" {num(line[1])}. So y has to be {side} than {num(line[1])} there."
            ),
            (
                f"The right sides are {num(line[0])}, {num(line[1])}, and {num(line[2])}. Each y has to be {side}. "
                f"This holds for {_table(good)}."
            ),
        ),
        strategy="Substitute each pair, and drop a list as soon as one of its pairs fails.",
        proof=Proof("satisfies", {"relations": [relation]}),
        discrimination=1.1,
    )


@template(INEQUALITIES, count=3)
def point_of_a_system(rng: random.Random) -> Draft:
    """Which point satisfies both inequalities?"""
    m, n = rng.randint(1, 4), -rng.randint(1, 4)
    b, d = rng.randint(-8, 2), rng.randint(3, 12)
    top, bottom = rng.choice("<≤"), rng.choice(">≥")
    first, second = f"y {bottom} {lin(m, b)}", f"y {top} {lin(n, d)}"
    grid = [(x, y) for x in range(-5, 7) for y in range(-12, 16)]
    kinds: dict[tuple[bool, bool], list[tuple[int, int]]] = {}
    for x, y in grid:
        kinds.setdefault((_true(y, bottom, m * x + b), _true(y, top, n * x + d)), []).append((x, y))
    if any(len(kinds.get(kind, [])) < 2 for kind in ((True, True), (True, False), (False, True), (False, False))):
        raise Unusable
    good, one, other, none = (
        rng.choice(kinds[kind]) for kind in ((True, True), (True, False), (False, True), (False, False))
    )
    x, y = good
    return question(
        stem=(
            f"{first}\n{second}\n\nWhich point (x, y) is a solution to the given system of inequalities in the"
            " xy-plane?"
        ),
        answer=pair(x, y),
        wrong=[
            (pair(*one), "Your point satisfies the first inequality but not the second one. It has to satisfy both."),
            (pair(*other), "Your point satisfies the second inequality but not the first one. It has to satisfy both."),
            (pair(*none), "You reversed both inequality signs. Your point satisfies neither of them."),
        ],
        rationale=(
            f"At x = {num(x)}, the first inequality requires y {bottom} {num(m * x + b)}, and the second one requires "
            f"y {top} {num(n * x + d)}. The value y = {num(y)} satisfies both. "
            "Each of the other points breaks at least one of them."
        ),
        band=4,
        hints=(
            "Find the point that makes both inequalities true.",
            "Put the coordinates of each choice into both. Drop a choice as soon as one of them fails.",
            f"Take the first choice. Work out {lin(m, b)} and {lin(n, d)} for its x, and compare both with its y.",
            f"For {pair(x, y)}: {num(y)} {bottom} {num(m * x + b)} and {num(y)} {top} {num(n * x + d)} are both true.",
        ),
        strategy="Put each point into both of them. If one fails, drop the point.",
        proof=Proof("satisfies", {"relations": [first, second]}),
    )


_RANGES = (
    (
        (
            "A pallet weighs {f} pounds when it is empty. {n} boxes, each weighing between {a} and {b} pounds, are"
            " loaded onto it."
        ),
        "the total weight w, in pounds, of the loaded pallet",
        "w",
        "pallet",
        "boxes",
    ),
    (
        (
            "A baker needs {f} minutes to heat the oven. Then {n} trays are baked one after the other, each for between"
            " {a} and {b} minutes."
        ),
        "the total time w, in minutes,",
        "w",
        "oven",
        "trays",
    ),
    (
        (
            "A ferry trip takes {f} minutes. After it, a hiker walks {n} miles and needs between {a} and {b} "
            "minutes for each mile."
        ),
        "the total time w, in minutes,",
        "w",
        "ferry",
        "miles",
    ),
)


@template(INEQUALITIES, count=3)
def range_of_a_total(rng: random.Random) -> Draft:
    """Each of n parts lies between a and b: between what does the total lie?"""
    text, what, w, fixed, parts = rng.choice(_RANGES)
    a, n, f = rng.randint(12, 20), rng.randint(6, 12), rng.randrange(25, 60, 5)
    b = a + rng.randint(3, 9)
    low, high = f + n * a, f + n * b
    count = ("Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve")[n - 6]
    stem = (
        text.format(f=f, n=count, a=a, b=b)
        .replace(f"Then {count}", f"Then {n}")
        .replace(f"walks {count}", f"walks {n}")
    )
    return question(
        stem=f"{stem} Which inequality gives all possible values of {what}?".replace(",?", "?"),
        answer=f"{num(low)} ≤ {w} ≤ {num(high)}",
        wrong=[
            (f"{num(n * a)} ≤ {w} ≤ {num(n * b)}", f"You left out the {f} for the {fixed}. It is part of the total."),
            (
                f"{num(n * (a + f))} ≤ {w} ≤ {num(n * (b + f))}",
                f"You counted the {f} for the {fixed} once for each of the {parts}. It occurs only once.",
            ),
            (f"{num(f + a)} ≤ {w} ≤ {num(f + b)}", f"You counted only one of the {parts}. There are {n} of them."),
        ],
        rationale=(
            f"The {n} {parts} together are at least {n} · {a} = {num(n * a)} and at most {n} · {b} = {num(n * b)}. "
            f"Adding the {f} for the {fixed} gives {num(low)} ≤ {w} ≤ {num(high)}."
        ),
        band=5,
        hints=(
            "Find the smallest and the largest possible total.",
            f"Use the lower number for all the {parts}, then the higher number. Add the fixed part each time.",
            f"With the lower number, the {parts} add up to {n} · {a} = {num(n * a)}.",
            (
                f"Smallest: {num(n * a)} + {f} = {num(low)}. Largest: {num(n * b)} + {f} = {num(high)}. "
                f"So {num(low)} ≤ {w} ≤ {num(high)}."
            ),
        ),
        strategy="Find the total for the low number and for the high number. The answer goes from one to the other.",
        proof=Proof(
            "satisfies",
            {
                "points": [[f"{f} + {n} · {a}"], [f"{f} + {n} · {b}"]],
                "rejects": [[low - 1], [high + 1]],
                "variables": [w],
            },
        ),
        discrimination=1.1,
    )


@template(INEQUALITIES, count=4)
def least_of_one_kind(rng: random.Random) -> Draft:
    """At most n items and at least a total: the least number of the dearer kind."""
    p, gap, n, y = rng.randint(6, 15), rng.randint(3, 9), rng.randint(24, 70), rng.randint(6, 20)
    q = p + gap
    total = p * (n - y) + q * y - rng.randint(1, gap - 1)
    name = rng.choice(NAMES)
    item, cheap, dear = rng.choice(
        (
            ("hats", "cotton hats", "wool hats"),
            ("candles", "small candles", "large candles"),
            ("prints", "plain prints", "framed prints"),
            ("mugs", "white mugs", "painted mugs"),
        )
    )
    relation = f"{p}({n} − y) + {q}y ≥ {num(total)}"
    return question(
        stem=(
            f"{name} can make no more than {n} {item} for a market and wants to earn at least {money(total)} by selling"
            f" them. {cheap.capitalize()} sell for {money(p)} each, and {dear} sell for {money(q)} each. If {name}"
            f" sells all the {item}, what is the least number of {dear} that {name} has to make?"
        ),
        answer=typed(y),
        rationale=(
            f"If y of the {n} {item} are {dear}, the income is {p}({n} − y) + {q}y dollars; making fewer than {n}"
            f" {item} would only lower it. {relation} gives {gap}y ≥ {num(total - p * n)}, so y ≥"
            f" {num(Fraction(total - p * n, gap))}. The least whole number is {y}."
        ),
        band=6 if gap > 4 else 7,
        hints=(
            f"Find the smallest number of {dear} that still brings in enough money.",
            f"Suppose that {name} makes as many {item} as possible. Write the income with one variable.",
            (
                f"With {n} of the cheaper kind, the income would be {money(p * n)}. Each change to the other kind adds"
                f" {money(gap)}."
            ),
            (
                f"Another {money(total - p * n)} is needed. {num(total - p * n)} ÷ {gap} is between {y - 1} and {y}. "
                f"Round up: the answer is {y}."
            ),
        ),
        strategy=("Use the largest count that is allowed, so that one letter is left. Solve, and round the right way."),
        proof=Proof("satisfies", {"relations": [relation], "variables": ["y"], "extreme": "least"}),
        discrimination=1.4,
    )


@template(INEQUALITIES, count=3)
def greatest_coordinate(rng: random.Random) -> Draft:
    """y ≤ mx + b and y ≤ nx + d: the greatest possible y."""
    m, n, x = rng.randint(2, 6), -rng.randint(2, 7), rng.choice(nonzero(-6, 9))
    b = rng.choice(nonzero(-12, 20))
    y = m * x + b
    d = y - n * x
    if not d or not y or math.gcd(m, n) == 5:
        raise Unusable
    first, second = f"y ≤ {lin(m, b)}", f"y ≤ {lin(n, d)}"
    return question(
        stem=(
            f"{first}\n{second}\n\nIn the xy-plane, a point with coordinates (x, y) lies in the solution set of the"
            " given system of inequalities. What is the greatest possible value of y?"
        ),
        answer=num(y),
        wrong=[
            (num(x), "You gave the x-coordinate of the point where the boundary lines meet. The question asks for y."),
            (num(b), "You took the y-intercept of the first line. Points away from the y-axis can be higher."),
            (num(d), "You took the y-intercept of the second line. Such a point may break the first inequality."),
            (num(b + d), "You added the constants. Set the two right sides equal instead."),
        ],
        rationale=(
            "The first boundary line rises and the second one falls, so the highest point of the region is where they"
            f" meet. Setting {lin(m, b)} = {lin(n, d)} gives {lin(m - n, 0)} = {num(d - b)}, so x = {num(x)}. There, y"
            f" = {num(y)}."
        ),
        band=6 if x > 0 else 7,
        hints=(
            "Find the highest point of the region.",
            "The region lies below both lines. One line rises, and the other one falls. Where is the top?",
            f"The top is where the lines meet. Solve {lin(m, b)} = {lin(n, d)} for x first.",
            (
                f"{lin(m - n, 0)} = {num(d - b)}, so x = {num(x)}. Then y = {num(m)} · {by(x)} {'+' if b > 0 else '−'}"
                f" {abs(b)} = {num(y)}."
            ),
        ),
        strategy="The top or bottom of such a region is a corner. Find where the two lines meet.",
        proof=Proof("solve", {"equations": [f"y = {lin(m, b)}", f"y = {lin(n, d)}"], "ask": "y"}),
        discrimination=1.5,
    )
