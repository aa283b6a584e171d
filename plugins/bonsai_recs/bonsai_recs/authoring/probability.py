"""Templates for probability and conditional probability."""

from __future__ import annotations

import random
from dataclasses import dataclass
from fractions import Fraction

from bonsai_recs.authoring.figures import bar_chart
from bonsai_recs.authoring.kit import Draft, Proof, Unusable
from bonsai_recs.authoring.making import draft, frac, num, template, text_table, typed

SKILL = "Probability and conditional probability"


@dataclass(frozen=True)
class Setting:
    """What a two-way table is about, with a phrase for selecting one of each row and column."""

    what: str
    kind: str
    corner: str
    top: str
    rows: tuple[str, str]
    columns: tuple[str, str]
    row: tuple[str, str]
    column: tuple[str, str]


TABLES = [
    Setting(
        "members of a theater group",
        "members",
        "Role",
        "Age group",
        ("Actor", "Crew"),
        ("Under 18", "18 or older"),
        ("an actor", "a crew member"),
        ("a member under 18", "a member 18 or older"),
    ),
    Setting(
        "trees in a park",
        "trees",
        "Type",
        "Condition",
        ("Oak", "Maple"),
        ("Healthy", "Damaged"),
        ("an oak", "a maple"),
        ("a healthy tree", "a damaged tree"),
    ),
    Setting(
        "packages at a depot",
        "packages",
        "Size",
        "Delivery",
        ("Small", "Large"),
        ("Express", "Standard"),
        ("a small package", "a large package"),
        ("an express package", "a standard package"),
    ),
    Setting(
        "students in a survey",
        "students",
        "Grade",
        "Lunch",
        ("Grade 11", "Grade 12"),
        ("Cafeteria", "From home"),
        ("a student in grade 11", "a student in grade 12"),
        ("a student who eats in the cafeteria", "a student who brings lunch from home"),
    ),
]


@template(SKILL, count=3)
def one_draw(rng: random.Random) -> Draft:
    """One thing is picked at random."""
    what, (a, b, c) = rng.choice(
        [
            ("tile", ("red", "blue", "green")),
            ("ticket", ("yellow", "white", "orange")),
            ("marble", ("clear", "black", "gold")),
            ("card", ("purple", "silver", "pink")),
        ]
    )
    x, y, z = (rng.randint(3, 15) for _ in range(3))
    total = x + y + z
    if len({x, y, z}) < 3:
        raise Unusable("want different numbers")
    right = Fraction(x, total)
    return draft(
        stem=f"A box holds {x} {a} {what}s, {y} {b} {what}s, and {z} {c} {what}s. If one {what} is selected at "
        f"random, what is the probability that it is {a}?",
        answer=frac(right),
        wrong=[
            (
                frac(Fraction(x, y + z)),
                f"You compared the {a} ones with the others. The denominator must count everything in the box.",
            ),
            (frac(Fraction(1, x)), f"You put the number of {a} ones in the denominator. It belongs in the numerator."),
            (
                frac(Fraction(y + z, total)),
                f"You found the chance that it is not {'an' if a[0] in 'aeiou' else 'a'} {a} {what}.",
            ),
        ],
        why=f"There are {x} + {y} + {z} = {total} {what}s, and {x} of them are {a}. The probability is {x} out of "
        f"{total}, or {frac(right)}.",
        band=1,
        hints=(
            f"You want the chance that the {what} is {a}.",
            f"Count the {a} ones. Divide by the number of all of them.",
            f"There are {x} {a} ones. In all there are {x} + {y} + {z}.",
            f"There are {total} in all. The probability is {x} out of {total}. As a fraction this is {frac(right)}.",
        ),
        strategy="Divide the number of outcomes you want by the number of all outcomes.",
        proof=Proof("count", {"table": [[x, y, z]], "event": {"columns": [0]}}),
        seconds=45,
        slope=0.7,
    )


def _cells(rng: random.Random) -> list[list[int]]:
    return [[rng.randrange(6, 60, 2) for _ in range(2)] for _ in range(2)]


def _show(setting: Setting, cells: list[list[int]]) -> str:
    body = [[name, *(str(n) for n in row), str(sum(row))] for name, row in zip(setting.rows, cells, strict=True)]
    down = [sum(row[i] for row in cells) for i in range(2)]
    return text_table(
        [setting.corner, *setting.columns, "Total"], [*body, ["Total", *(str(n) for n in down), str(sum(down))]]
    )


@template(SKILL, count=3)
def whole_table(rng: random.Random) -> Draft:
    """The probability of a row or column total. Typed."""
    setting = rng.choice(TABLES)
    about_it = f"{setting.what} by {setting.corner.lower()} and {setting.top.lower()}"
    cells = _cells(rng)
    total = sum(map(sum, cells))
    row = rng.randrange(2)
    part = sum(cells[row])
    right = Fraction(part, total)
    if len(frac(right)) > 5:
        raise Unusable("too long")
    return draft(
        passage=_show(setting, cells),
        stem=f"The table summarizes {total} {about_it}. If one of the {setting.kind} is selected at random, what is "
        f"the probability of selecting {setting.row[row]}?",
        answer=frac(right),
        why=f"In the row “{setting.rows[row]}” the total is {part}. There are {total} in all. The probability is "
        f"{part} out of {total}, which is {frac(right)}.",
        band=2,
        hints=(
            f"You want the chance of selecting {setting.row[row]}.",
            "Find the total of the row. Divide it by the total of the whole table.",
            f"The row has {part} in all.",
            f"There are {total} in the table. {part} out of {total} is {frac(right)}.",
        ),
        strategy="Read the totals at the edge of a two-way table first.",
        proof=Proof("count", {"table": cells, "event": {"rows": [row]}}),
        seconds=50,
        slope=0.8,
    )


@template(SKILL, count=3)
def given_a_row(rng: random.Random) -> Draft:
    """A conditional probability from a two-way table."""
    setting = rng.choice(TABLES)
    about_it = f"{setting.what} by {setting.corner.lower()} and {setting.top.lower()}"
    cells = _cells(rng)
    row, column = rng.randrange(2), rng.randrange(2)
    by_row = rng.random() < 0.5
    cell = cells[row][column]
    row_total, column_total, total = sum(cells[row]), cells[0][column] + cells[1][column], sum(map(sum, cells))
    base, other = (row_total, column_total) if by_row else (column_total, row_total)
    known, given = (setting.rows, setting.row) if by_row else (setting.columns, setting.column)
    asked, wanted = (setting.columns, setting.column) if by_row else (setting.rows, setting.row)
    here, there = (row, column) if by_row else (column, row)
    right = Fraction(cell, base)
    return draft(
        passage=_show(setting, cells),
        stem=f"The table summarizes {total} {about_it}. One of the {setting.kind} is selected at random. What is the "
        f"probability of selecting {wanted[there]}, given that {given[here]} is selected?",
        answer=frac(right),
        wrong=[
            (
                frac(Fraction(cell, total)),
                f"You divided by all {total}. Only those in the group “{known[here]}” can be selected.",
            ),
            (
                frac(Fraction(cell, other)),
                f"You divided by the total for “{asked[there]}”. The known group is “{known[here]}”.",
            ),
            (
                frac(Fraction(base, total)),
                f"You found the chance to be in the group “{known[here]}”. That is known already.",
            ),
        ],
        why=f"Only the {base} in the group “{known[here]}” can be selected. Of these, {cell} are in the group "
        f"“{asked[there]}”. So the probability is {cell} out of {base}, or {frac(right)}.",
        band=3,
        hints=(
            f"You want the chance of “{asked[there]}” inside the group “{known[here]}”.",
            "Use only the row or column that is known. Its total is the denominator.",
            f"The group “{known[here]}” has {base} in all. Find how many of them are also in “{asked[there]}”.",
            f"There are {cell} such cases out of {base}. The probability is {frac(right)}.",
        ),
        strategy="A condition makes the group smaller: divide by the total of that row or column.",
        proof=Proof(
            "count",
            {
                "table": cells,
                "event": {"columns": [column]} if by_row else {"rows": [row]},
                "within": {"rows": [row]} if by_row else {"columns": [column]},
            },
        ),
        seconds=65,
        slope=1.0,
    )


@template(SKILL, count=3)
def chart_of_outcomes(rng: random.Random) -> Draft:
    """A probability from a bar chart: at least or at most some number. Typed."""
    counts = [rng.randrange(2, 20, 2) for _ in range(5)]
    total = sum(counts)
    least = rng.choice([2, 3])
    part = sum(counts[least:])
    right = Fraction(part, total)
    if len(frac(right)) > 5 or right.denominator == 1:
        raise Unusable("too long")
    what, who, verb = rng.choice(
        [
            ("Number of languages learned", "club members", "learned"),
            ("Number of books borrowed", "library users", "borrowed"),
            ("Number of classes taken", "dancers", "took"),
        ]
    )
    noun = what.split()[2]
    return draft(
        stem=f"The bar chart shows how many {noun} each of {total} {who} {verb} in one year. If one of the {who} is "
        f"selected at random, what is the probability that this person {verb} at least {least} {noun}?",
        figure=bar_chart([str(i) for i in range(5)], counts, (0, 20, 2), what, f"Number of {who}"),
        answer=frac(right),
        why=f"“At least {least}” means the bars from {least} up. They stand for "
        f"{' + '.join(map(str, counts[least:]))} = {part} {who}. The probability is {part} out of {total}, or "
        f"{frac(right)}.",
        band=3,
        hints=(
            f"You want the chance of {least} or more.",
            f"Add the heights of all bars from {least} up. Divide by the number of all {who}.",
            f"The bar at {least} has the height {counts[least]}. Add the bars to its right.",
            f"The bars add up to {part}. {part} out of {total} is {frac(right)}.",
        ),
        strategy="“At least” includes the number itself; add all bars from there on.",
        proof=Proof("count", {"table": [counts], "event": {"columns": list(range(least, 5))}}),
        seconds=65,
        slope=0.9,
    )


@template(SKILL, count=3)
def not_either(rng: random.Random) -> Draft:
    """The probability of one or another of three kinds, from percents."""
    kinds, what = rng.choice(
        [
            (("sunny", "cloudy", "rainy", "snowy"), "day"),
            (("walk", "bus", "car", "bike"), "trip"),
            (("science", "history", "art", "sports"), "video"),
        ]
    )
    parts = [rng.randrange(10, 45, 5) / 100 for _ in range(3)]
    a, b, c = (Fraction(round(p * 100), 100) for p in parts)
    d = 1 - a - b - c
    if d <= 0 or len({a, b, c, d}) < 4 or a + b == Fraction(1, 2):
        raise Unusable("want four parts")
    right = c + d
    return draft(
        passage=text_table(
            ["Type", "Probability"], [[kinds[0], num(a)], [kinds[1], num(b)], [kinds[2], num(c)], [kinds[3], "?"]]
        ),
        stem=f"Each {what} on a list is of exactly one of four types. The table shows the probability that a {what} "
        f"selected at random is of each type, but one value is missing. What is the probability that the {what} "
        f"is of type “{kinds[2]}” or “{kinds[3]}”?",
        answer=num(right),
        wrong=[
            (num(d), "You found the missing value. The question asks for two types together."),
            (num(a + b), "You found the probability of the other two types."),
            (num(c * d), "You multiplied the two probabilities. For one type or another, they are added."),
        ],
        why=f"All four probabilities add up to 1. So types “{kinds[2]}” and “{kinds[3]}” together have the "
        f"probability 1 − {num(a)} − {num(b)} = {num(right)}.",
        band=4,
        hints=(
            "You want the chance of one type or the other.",
            "All four values add up to 1. Use that to find what is not in the other two types.",
            f"The other two types have {num(a)} and {num(b)}. Take both from 1.",
            f"1 − {num(a)} − {num(b)} = {num(right)}.",
        ),
        strategy="Use that all probabilities add up to 1.",
        proof=Proof("ratio", {"start": "choice", "steps": [["+", str(a)], ["+", str(b)]], "equals": 1}),
        seconds=65,
        slope=1.0,
    )


@template(SKILL, count=3)
def missing_cell(rng: random.Random) -> Draft:
    """A table with a missing count that a probability fixes."""
    setting = rng.choice(TABLES)
    about_it = f"{setting.what} by {setting.corner.lower()} and {setting.top.lower()}"
    share = Fraction(rng.randint(1, 5), rng.randint(3, 8))
    a = rng.randrange(12, 80, 2)
    if share >= 1 or share.denominator < 3 or share == Fraction(1, 2):
        raise Unusable("want a proper share")
    base = Fraction(a) / share
    if base.denominator != 1 or (a * share).denominator != 1 or base > 250:
        raise Unusable("want whole numbers")
    right = base - a
    c, d = rng.randrange(10, 60, 2), rng.randrange(10, 60, 2)
    if d * a % c:
        raise Unusable("want whole numbers")
    return draft(
        passage=text_table(
            [setting.corner, *setting.columns], [[setting.rows[0], str(a), "x"], [setting.rows[1], str(c), str(d)]]
        ),
        stem=f"The table shows the numbers of {about_it}; one number is x. If one of the {setting.kind} is selected "
        f"at random, the probability of selecting {setting.column[0]}, given that {setting.row[0]} is selected, "
        f"is {frac(share)}. What is the value of x?",
        answer=num(right),
        wrong=[
            (num(base), f"You found the total of the row “{setting.rows[0]}”. The number x is only a part of it."),
            (num(a * share), f"You multiplied {a} by the probability. The {a} is the part, not the whole."),
            (
                num(d * a // c),
                "You kept the ratio of the other row. The two rows need not have the same ratio.",
            ),
        ],
        why=f"The {a} in the first cell is {frac(share)} of the row total. So the row total is {a} ÷ {frac(share)} = "
        f"{num(base)}, and x = {num(base)} − {a} = {num(right)}.",
        band=5,
        hints=(
            "You want the missing number in the first row.",
            "Use the probability to find the total of the row. Then take away the part that is known.",
            f"The number {a} is {frac(share)} of the row total. Divide {a} by {frac(share)} to get the total.",
            f"The total is {num(base)}. So x = {num(base)} − {a} = {num(right)}.",
        ),
        strategy="Part divided by share gives the whole.",
        proof=Proof(
            "count",
            {
                "table": [[a, "choice"], [c, d]],
                "event": {"columns": [0]},
                "within": {"rows": [0]},
                "equals": str(share),
            },
        ),
        seconds=80,
        slope=1.2,
    )


@template(SKILL, count=2)
def added_marbles(rng: random.Random) -> Draft:
    """How many of one kind to add for a given probability."""
    x, y = rng.randint(4, 20), rng.randint(10, 40)
    p = Fraction(rng.randint(1, 4), rng.randint(2, 7))
    if not Fraction(x, x + y) < p < 1:
        raise Unusable("want a larger probability")
    k = (p * (x + y) - x) / (1 - p)
    if k.denominator != 1 or not 3 <= k <= 60 or (p * (x + y)).denominator != 1 or (p * y).denominator != 1:
        raise Unusable("want a whole number")
    a, b, what = rng.choice(
        [
            ("ripe", "unripe", "plum"),
            ("sharpened", "dull", "pencil"),
            ("blue", "gray", "bead"),
            ("new", "used", "tennis ball"),
        ]
    )
    wrong_fixed = p * (x + y) - x
    return draft(
        stem=f"A crate holds {x} {a} {what}s and {y} {b} {what}s, and nothing else. Only {a} {what}s are added, until "
        f"the probability of selecting {'an' if a[0] in 'aeiou' else 'a'} {a} {what} at random is {frac(p)}. How "
        f"many {a} {what}s are added?",
        answer=num(k),
        wrong=[
            (frac(wrong_fixed), f"You kept the total at {x + y}. Adding also makes the total larger."),
            (num(x + k), f"You found how many {a} ones there are in the end. Some were there before."),
            (frac(p * y), f"You took {frac(p)} of the {b} ones. The probability compares with the whole crate."),
        ],
        why=f"The {y} {b} ones stay, and in the end they are 1 − {frac(p)} = {frac(1 - p)} of the crate. So the crate "
        f"then holds {y} ÷ {frac(1 - p)} = {num(x + y + k)}. That is {num(x + y + k)} − {x + y} = {num(k)} more "
        "than before.",
        band=6,
        hints=(
            f"You want the number of {a} ones that are added.",
            f"The number of {b} ones does not change. Find what part of the crate they are in the end.",
            f"In the end the {y} {b} ones are 1 − {frac(p)} of all. Divide to find the new total.",
            (
                f"The new total is {y} ÷ {frac(1 - p)} = {num(x + y + k)}. So {num(x + y + k)} − {x + y} = {num(k)} "
                f"were added. The answer is {num(k)}."
            ),
        ),
        strategy="Look for the part that stays the same, and use its new share.",
        proof=Proof("count", {"table": [[f"{x}", y, "choice"]], "event": {"columns": [0, 2]}, "equals": str(p)}),
        seconds=100,
        slope=1.3,
    )


@template(SKILL, count=3)
def two_steps_of_percents(rng: random.Random) -> Draft:
    """Reverse the condition, from percents."""
    p = rng.choice([20, 25, 30, 40, 60])
    q, r = rng.choice([10, 20, 40, 50, 60, 80]), rng.choice([10, 15, 20, 30, 40])
    first, second = p * q, (100 - p) * r
    right = Fraction(first, first + second)
    if right in (Fraction(q, 100), Fraction(p, 100)) or right.denominator > 40:
        raise Unusable("want a simple fraction")
    where, who, group, has, one = rng.choice(
        [
            ("shoppers at a market", "shoppers", "are members", "used a coupon", "is a member"),
            ("drivers in a town", "drivers", "own an electric car", "work at home", "owns an electric car"),
            ("visitors of a castle", "visitors", "came by train", "joined a tour", "came by train"),
            ("students at a college", "students", "live on campus", "have a job", "lives on campus"),
        ]
    )
    return draft(
        stem=f"Of the {where}, {p}% {group}. Of the {who} who {group}, {q}% {has}. Of the other {who}, {r}% {has}. If "
        f"one of the {who} who {has} is selected at random, what is the probability that this person {one}?",
        answer=frac(right),
        wrong=[
            (
                frac(Fraction(q, 100)),
                f"You took the {q}% as it is given. That percent begins with the other group as the known one.",
            ),
            (
                frac(Fraction(first, 10000)),
                "You found the share of all that belong to both groups. Only some of them can be selected.",
            ),
            (frac(Fraction(q, q + r)), "You compared the two percents as if both groups had the same size."),
        ],
        why=f"Imagine 10,000 {who}. Then {num(p * 100)} {group}, and {num(first)} of these {has}. Of the others, "
        f"{num(second)} {has}. Together they are {num(first + second)}, so the probability is {num(first)} out of "
        f"{num(first + second)}, or {frac(right)}.",
        band=7,
        hints=(
            "You want a chance inside the group that is selected from.",
            "Imagine 10,000 in all. Find how many of each kind are in that group.",
            f"Of 10,000 {who}, {num(p * 100)} {group}. Take {q}% of them. Do the same for the others.",
            (
                f"The two counts are {num(first)} and {num(second)}. {num(first)} out of {num(first + second)} is "
                f"{frac(right)}."
            ),
        ),
        strategy="Turn percents into counts of an imagined group and build the two-way table.",
        proof=Proof(
            "count",
            {
                "table": [[first, p * (100 - q)], [second, (100 - p) * (100 - r)]],
                "event": {"rows": [0]},
                "within": {"columns": [0]},
            },
        ),
        seconds=115,
        slope=1.4,
    )


@template(SKILL, count=3)
def number_from_conditions(rng: random.Random) -> Draft:
    """A count from two given probabilities and a total. Typed."""
    share = Fraction(rng.randint(1, 4), rng.randint(3, 6))
    inner = Fraction(rng.randint(1, 4), rng.randint(3, 7))
    total = rng.choice([120, 180, 210, 240, 300, 360, 420])
    group = total * share
    right = group * (1 - inner)
    if not (0 < share < 1 and 0 < inner < 1) or right.denominator != 1 or group.denominator != 1:
        raise Unusable("want whole numbers")
    things, where, first, second, both = rng.choice(
        [
            (
                "plants",
                "in a greenhouse",
                "a fern",
                "younger than one year",
                "are ferns but are not younger than one year",
            ),
            (
                "songs",
                "in a collection",
                "instrumental",
                "older than ten years",
                "are instrumental but not older than ten years",
            ),
            ("houses", "in a village", "built of brick", "for sale", "are built of brick but not for sale"),
        ]
    )
    thing = things.removesuffix("s")
    return draft(
        stem=f"There are {total} {things} {where}. If one {thing} is selected at random, the probability that it is "
        f"{first} is {frac(share)}. If a {thing} that is {first} is selected at random, the probability that it "
        f"is {second} is {frac(inner)}. How many of the {things} {both}?",
        answer=typed(right),
        why=f"Of the {things}, {frac(share)} · {total} = {num(group)} {both.partition(' but ')[0]}. Of these, 1 − "
        f"{frac(inner)} = {frac(1 - inner)} are not {second}, and {frac(1 - inner)} · {num(group)} = {num(right)}.",
        band=5,
        hints=(
            f"You want the number of {things} with the first property but not the second.",
            "Find how many have the first property. Then take the part of them without the second.",
            f"The first number is {frac(share)} · {total} = {num(group)}.",
            (
                f"The part without the second property is 1 − {frac(inner)} = {frac(1 - inner)}. {frac(1 - inner)} · "
                f"{num(group)} = {num(right)}."
            ),
        ),
        strategy="Go from the whole to the group, and from the group to its part.",
        proof=Proof(
            "ratio",
            {"start": "choice", "steps": [["/", str(group)], ["*", -1], ["+", 1]], "equals": str(inner)},
        ),
        seconds=85,
        slope=1.1,
    )
