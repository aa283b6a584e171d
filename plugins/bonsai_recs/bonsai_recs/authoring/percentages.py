"""Templates for percentages."""

from __future__ import annotations

import random
from fractions import Fraction

from bonsai_recs.authoring.figures import bar_chart
from bonsai_recs.authoring.kit import Draft, Proof, Unusable
from bonsai_recs.authoring.making import NAMES, about, draft, money, num, template, text_table, typed

SKILL = "Percentages"


@template(SKILL, count=3)
def part_of_group(rng: random.Random) -> Draft:
    """p percent of a number."""
    p, n = rng.choice([15, 20, 30, 35, 40, 60, 65, 80]), rng.randrange(40, 400, 20)
    group, verb = rng.choice(
        [
            ("members of a hiking club", "own a tent"),
            ("students at a music school", "play the piano"),
            ("shops on a street", "open on Sundays"),
            ("books on a cart", "are novels"),
        ]
    )
    right = Fraction(p * n, 100)
    return draft(
        stem=f"Of the {n} {group}, {p}% {verb}. How many of them {verb}?",
        answer=num(right),
        wrong=[
            (num(n - right), f"You found the others, the {100 - p}% that do not belong to this part."),
            (num(n - p), f"You subtracted {p} from {n}. A percent is a part of the whole, not an amount to take away."),
            (num(p), f"You took the percent for the number. Of every 100, {p} belong to this part, but there are {n}."),
        ],
        spare=[(num(Fraction(n, p)), f"You divided {n} by {p}. For {p}% of a number, multiply by {p}/100.")]
        if n % p == 0
        else [],
        why=f"{p}% means {p}/100. So the number is {p}/100 · {n} = {num(right)}.",
        band=1,
        hints=(
            "You want a part of the whole group.",
            "Write the percent as a fraction over 100. Multiply it by the whole.",
            f"The fraction is {p}/100, and the whole is {n}.",
            f"{p}/100 · {n} = {num(right)}.",
        ),
        strategy="To find a percent of a number, multiply the number by the percent over 100.",
        proof=Proof("ratio", {"start": "choice", "steps": [["/", n], ["*", 100]], "equals": p}),
        seconds=45,
        slope=0.7,
    )


@template(SKILL, count=3)
def percent_of_total(rng: random.Random) -> Draft:
    """Two parts are given; one as a percent of the whole."""
    p, total = rng.choice([15, 20, 24, 30, 35, 36, 40, 45]), rng.choice([40, 50, 80, 100, 120, 200])
    if p * total % 100:
        raise Unusable("want whole numbers")
    a = p * total // 100
    b = total - a
    thing, first, second = rng.choice(
        [
            ("A jar contains", "green beads", "white beads"),
            ("A shelter has", "cats", "dogs"),
            ("A parking lot has", "electric cars", "gasoline cars"),
            ("A bakery sold", "muffins", "bagels"),
        ]
    )
    whole = {"beads": "beads", "dogs": "animals", "cars": "cars", "bagels": "items"}[second.split()[-1]]
    verb = "sold" if "sold" in thing else "there"
    tail = f"of the {whole} sold" if verb == "sold" else f"of these {whole}"
    return draft(
        stem=f"{thing} {a} {first} and {b} {second}, and no other {whole}. What percent {tail} are {first}?",
        answer=f"{p}%",
        wrong=[
            (
                f"{num(about(Fraction(100 * a, b)))}%",
                f"You compared the {first} with the {second}. The whole is both together.",
            ),
            (f"{100 - p}%", f"You found the percent for the {second}."),
            (
                f"{a}%",
                (
                    f"You used the number of {first} as the percent. A percent is out of 100, and there are {total} "
                    "in all."
                ),
            ),
        ],
        why=f"There are {a} + {b} = {total} {whole} in all. The share of {first} is {a}/{total} = "
        f"{num(Fraction(p, 100))}, which is {p}%.",
        band=2,
        hints=(
            f"You want the {first} as a percent of all {whole}.",
            "Find the whole first. Then divide the part by the whole.",
            f"The whole is {a} + {b}. The part is {a}.",
            f"The whole is {total}. {a}/{total} = {num(Fraction(p, 100))}, so the answer is {p}%.",
        ),
        strategy="Divide the part by the whole and multiply by 100.",
        proof=Proof("count", {"table": [[a, b]], "event": {"columns": [0]}, "as": "percent"}),
        seconds=50,
        slope=0.8,
    )


@template(SKILL, count=3)
def sale_price(rng: random.Random) -> Draft:
    """A discount. Typed."""
    price, off = rng.randrange(24, 200, 4), rng.choice([15, 20, 25, 30, 35, 40])
    right = Fraction(price * (100 - off), 100)
    if (right * 10).denominator != 1:
        raise Unusable("want simple prices")
    what = rng.choice(["backpack", "lamp", "jacket", "keyboard", "rug", "helmet"])
    return draft(
        stem=f"The regular price of a {what} is ${price}. During a sale, the price is {off}% less than the regular "
        "price. What is the sale price, in dollars?",
        answer=typed(right),
        why=f"After {off}% is taken off, {100 - off}% of the price is left. So the sale price is "
        f"{num(Fraction(100 - off, 100))} · {price} = {num(right)} dollars.",
        band=2,
        hints=(
            "You want the price after the discount.",
            "Find what percent of the price is left. Then take that percent of the regular price.",
            f"What is left is 100% − {off}% = {100 - off}%.",
            (
                f"{100 - off}% of {price} is {num(Fraction(100 - off, 100))} · {price} = {num(right)}. The answer is "
                f"{typed(right)}."
            ),
        ),
        strategy="Multiply by the part that is left, instead of finding the discount and subtracting.",
        proof=Proof("ratio", {"start": price, "steps": [["*", f"{off}/100"], ["*", -1], ["+", price]]}),
        seconds=55,
        slope=0.8,
    )


@template(SKILL, count=3)
def change_in_chart(rng: random.Random) -> Draft:
    """The percent increase between two bars of a chart."""
    p, old = rng.choice([20, 25, 40, 50, 60, 75, 80]), rng.choice([8, 12, 16, 20, 24])
    if p * old % 100:
        raise Unusable("want whole numbers")
    new = old + p * old // 100
    begin = rng.randint(2008, 2019)
    years = [str(begin + i) for i in range(4)]
    values = [rng.randrange(8, 40, 4), old, new, rng.randrange(8, 40, 4)]
    if max(values) > 40 or len(set(values)) < 4 or new % 4:
        raise Unusable("want different bars")
    what, noun = rng.choice(
        [("Trees planted", "trees planted"), ("Concerts", "concerts held"), ("New shops", "new shops opened")]
    )
    back = about(Fraction(100 * (new - old), new))
    return draft(
        stem=f"The bar chart shows the number of {noun} in a town in each of four years. What was the percent "
        f"increase in this number from {years[1]} to {years[2]}?",
        figure=bar_chart(years, values, (0, 40, 4), "Year", what),
        answer=f"{p}%",
        wrong=[
            (
                f"{num(back)}%",
                "You divided the increase by the later number. A percent increase is measured from the earlier one.",
            ),
            (f"{new - old}%", "You gave the increase itself. It has to be compared with the earlier number."),
            (f"{p + 100}%", "You gave the later number as a percent of the earlier one. That includes the first 100%."),
        ],
        spare=[
            (
                f"{num(about(Fraction(100 * old, new)))}%",
                "You gave the earlier number as a percent of the later one. The question is about the increase.",
            )
        ],
        why=f"The increase is {new} − {old} = {new - old}. Compared with the earlier number it is {new - old}/{old} = "
        f"{num(Fraction(p, 100))}, which is {p}%.",
        band=3,
        hints=(
            "You want the growth as a percent of where it began.",
            "Find the increase. Divide it by the earlier number.",
            f"The increase is {new} − {old}. The earlier number is {old}.",
            f"{new} − {old} = {new - old}, and {new - old} ÷ {old} = {num(Fraction(p, 100))}. So the answer is {p}%.",
        ),
        strategy="Percent change is the change divided by the starting value.",
        proof=Proof("ratio", {"start": "choice", "steps": [["/", 100], ["+", 1], ["*", old]], "equals": new}),
        seconds=60,
        slope=1.0,
    )


@template(SKILL, count=3)
def before_the_change(rng: random.Random) -> Draft:
    """The original value from the value after one change."""
    p, original = rng.choice([10, 20, 25, 30, 40, 60]), rng.randrange(40, 400, 20)
    up = rng.random() < 0.5
    factor = Fraction(100 + p, 100) if up else Fraction(100 - p, 100)
    after = original * factor
    if after.denominator != 1:
        raise Unusable("want whole numbers")
    name = rng.choice(NAMES)
    word, more = ("increased", "more") if up else ("decreased", "less")
    what = rng.choice(["monthly rent for a studio", "number of members of a gym", "weekly pay"])
    subject = {
        "monthly rent for a studio": "The monthly rent for a studio",
        "number of members of a gym": "The number of members of a gym",
        "weekly pay": f"{name}'s weekly pay",
    }[what]
    money_like = "number" not in what
    shown = money if money_like else num
    turned = after * (Fraction(100 - p, 100) if up else Fraction(100 + p, 100))
    return draft(
        stem=f"{subject} {word} by {p}% this year and is now {shown(after)}. What was it before this change?",
        answer=shown(Fraction(original)),
        wrong=[
            (
                shown(turned),
                f"You took {p}% of the new value. The {p}% was taken of the old value, which is not the same.",
            ),
            (
                shown(after * factor),
                f"You applied the change once more. The value that is given is already {p}% {more}.",
            ),
            (shown(after - p if up else after + p), f"You used {p} as an amount. It is a percent of the old value."),
        ],
        why=f"The new value is {num(factor * 100)}% of the old one. So {num(factor)} times the old value is "
        f"{num(after)}, and the old value is {num(after)} ÷ {num(factor)} = {num(original)}.",
        band=4,
        hints=(
            "You want the value before the change.",
            "Write the new value as a multiple of the old value. Then divide.",
            (
                f"The new value is {num(factor * 100)}% of the old one. So {num(factor)} times the old value is "
                f"{num(after)}."
            ),
            f"{num(after)} ÷ {num(factor)} = {num(original)}. The answer is {shown(Fraction(original))}.",
        ),
        strategy="To undo a percent change, divide by its multiplier. Do not apply the opposite percent.",
        proof=Proof(
            "ratio",
            {"start": "choice", "steps": [["*", 100 + (p if up else -p)], ["/", 100]], "equals": str(after)},
        ),
        seconds=75,
        slope=1.2,
    )


@template(SKILL, count=2)
def multiplier(rng: random.Random) -> Draft:
    """The k in y = kx for a percent change. Typed."""
    p = rng.choice([4, 6, 7, 8, 12, 15, 18, 35, 45])
    up = rng.random() < 0.5
    what, unit = rng.choice(
        [("mass of a sample", "grams"), ("price of a ticket", "dollars"), ("length of a spring", "inches")]
    )
    k = Fraction(100 + p, 100) if up else Fraction(100 - p, 100)
    shown = num(k).replace("−", "-").removeprefix("0")
    return draft(
        stem=f"The {what} was x {unit}. After {'an increase' if up else 'a decrease'} of {p}%, it was y {unit}. The "
        "relationship can be written as y = kx, where k is a constant. What is the value of k?",
        answer=shown,
        why=f"An {'increase' if up else 'decrease'} of {p}% gives 100% {'+' if up else '−'} {p}% = {num(k * 100)}% "
        "of x.".replace("An decrease", "A decrease")
        + f" As a decimal, {num(k * 100)}% is {num(k)}, so k = {num(k)}.",
        band=4,
        hints=(
            "You want the number that x is multiplied by.",
            "Find what percent of x the value y is. Then write the percent as a decimal.",
            f"Begin with 100% of x, then {'add' if up else 'subtract'} {p}%.",
            f"100% {'+' if up else '−'} {p}% = {num(k * 100)}%. As a decimal, k = {shown}.",
        ),
        strategy="A change of p% multiplies a value by 1 + p/100 or by 1 − p/100.",
        proof=Proof("ratio", {"start": "choice", "steps": [["-", 1], ["*", 100]], "equals": p if up else -p}),
        seconds=50,
        slope=1.0,
    )


@template(SKILL, count=3)
def two_changes(rng: random.Random) -> Draft:
    """Two changes, one after the other, as one percent."""
    first, second = rng.choice([10, 20, 25, 30, 40, 50, 60]), rng.choice([10, 15, 20, 30, 40, 50])
    up, again = rng.choice([(True, True), (True, False), (False, False), (False, True)])
    a, b = (first if up else -first), (second if again else -second)
    total = Fraction((100 + a) * (100 + b), 100) - 100
    if total == 0 or total.denominator != 1 or a == -b:
        raise Unusable("want a whole percent")
    what = rng.choice(["value of a painting", "number of followers of a page", "size of a herd", "price of a share"])
    way = "increase" if total > 0 else "decrease"
    plain = a + b
    if plain == 0 or (plain > 0) != (total > 0) or abs(plain) == 100:
        raise Unusable("want one direction")
    size = abs(total)
    article = "an" if way == "increase" else "a"
    word = {True: "increased", False: "decreased"}
    product = Fraction(first * second, 100)
    return draft(
        stem=f"The {what} {word[up]} by {first}% in one year and then {word[again]} by {second}% in the next year. "
        f"Over the two years, the result was {article} {way} of what percent?",
        answer=f"{num(size)}%",
        wrong=[
            (
                f"{num(abs(plain))}%",
                (
                    "You combined the two percents as if both were taken of the same value. The second one is taken "
                    "of the new value."
                ),
            ),
            (
                f"{num(100 + total)}%",
                "You gave the final value as a percent of the first one. The question asks for the change.",
            ),
            (
                f"{num(product)}%" if product not in (size, abs(plain)) else f"{num(abs(a - b))}%",
                "You multiplied the two percents themselves. Multiply what is left after each change instead."
                if product not in (size, abs(plain))
                else "You lost the direction of one of the changes.",
            ),
        ],
        why=f"The first change multiplies the value by {num(Fraction(100 + a, 100))}, and the second by "
        f"{num(Fraction(100 + b, 100))}. Together they multiply it by {num(1 + total / 100)}. That is {article} "
        f"{way} of {num(size)}%.",
        band=5,
        hints=(
            "You want one percent change that does the same as both.",
            "Turn each change into a number to multiply by. Multiply these two numbers.",
            (
                f"The first change multiplies by {num(Fraction(100 + a, 100))}. The second multiplies by "
                f"{num(Fraction(100 + b, 100))}."
            ),
            (
                f"{num(Fraction(100 + a, 100))} · {num(Fraction(100 + b, 100))} = {num(1 + total / 100)}. Compare it "
                f"with 1. The change is {num(size)}%."
            ),
        ),
        strategy="Write each change as a number to multiply by. Multiply these, and compare the result with 1.",
        proof=Proof(
            "ratio",
            {
                "start": 100,
                "steps": [["*", f"{100 + a}/100"], ["*", f"{100 + b}/100"], ["-", 100], ["*", 1 if total > 0 else -1]],
            },
        ),
        seconds=80,
        slope=1.2,
    )


@template(SKILL, count=3)
def joined_groups(rng: random.Random) -> Draft:
    """Different percents of groups of different size, from a table."""
    one, two = rng.choice([("Juniors", "Seniors"), ("Morning", "Evening"), ("North", "South"), ("Adults", "Teens")])
    sizes = rng.sample([60, 80, 120, 140, 160, 180, 240, 300], 2)
    percents = rng.sample([20, 25, 30, 35, 40, 45, 55, 60, 70, 75, 80], 2)
    counts = [Fraction(s * p, 100) for s, p in zip(sizes, percents, strict=True)]
    total = Fraction(100 * sum(counts), sum(sizes))
    if any(c.denominator != 1 for c in counts) or total.denominator != 1:
        raise Unusable("want whole numbers")
    mean = Fraction(sum(percents), 2)
    verb = rng.choice(["voted for a new logo", "bought a season pass", "signed up for the newsletter"])
    swapped = about(Fraction(sizes[0] * percents[1] + sizes[1] * percents[0], sum(sizes)))
    return draft(
        passage=text_table(
            ["Group", "Number of people", f"Percent who {verb}"],
            [[one, str(sizes[0]), f"{percents[0]}%"], [two, str(sizes[1]), f"{percents[1]}%"]],
        ),
        stem=f"The table shows the size of two groups and the percent of each group that {verb}. What percent of all "
        f"the people in the two groups {verb}?",
        answer=f"{num(total)}%",
        wrong=[
            (
                f"{num(mean)}%",
                "You took the middle of the two percents. The groups differ in size, so the larger one counts more.",
            ),
            (f"{num(swapped)}%", "You matched each percent with the size of the other group."),
            (f"{num(100 - total)}%", "You found the percent of the people who did not."),
        ],
        why=f"In the first group {percents[0]}% of {sizes[0]} is {num(counts[0])}, and in the second {percents[1]}% "
        f"of {sizes[1]} is {num(counts[1])}. Together that is {num(sum(counts))} of {sum(sizes)} people, or "
        f"{num(total)}%.",
        band=6,
        hints=(
            "You want one percent for both groups together.",
            "Change each percent to a number of people. Add the people, then divide by the size of both groups.",
            f"The numbers of people are {num(counts[0])} and {num(counts[1])}.",
            (
                f"{num(counts[0])} + {num(counts[1])} = {num(sum(counts))}. The groups have {sum(sizes)} people. "
                f"{num(sum(counts))}/{sum(sizes)} is {num(total)}%."
            ),
        ),
        strategy="Never average percents of groups of different size; go back to the counts.",
        proof=Proof(
            "count",
            {
                "table": [[int(c), s - int(c)] for c, s in zip(counts, sizes, strict=True)],
                "event": {"columns": [0]},
                "as": "percent",
            },
        ),
        seconds=95,
        slope=1.3,
    )


@template(SKILL, count=3)
def chain_of_numbers(rng: random.Random) -> Draft:
    """a is p% greater than b, b is q% less than c; a as a percent of c."""
    p, q = rng.choice([10, 20, 25, 40, 50, 60]), rng.choice([10, 20, 30, 40, 60])
    right = Fraction((100 + p) * (100 - q), 100)
    if right.denominator != 1 or right in (100 + p - q, 100):
        raise Unusable("want a whole percent")
    letters = rng.choice(["abc", "xyz", "mnp", "rst"])
    a, b, c = tuple(letters)
    return draft(
        stem=f"The positive number {a} is {p}% greater than the number {b}, and {b} is {q}% less than the number {c}. "
        f"The number {a} is what percent of {c}?",
        answer=f"{num(right)}%",
        wrong=[
            (
                f"{100 + p - q}%",
                f"You added and subtracted the percents. One is a percent of {b}, the other is a percent of {c}.",
            ),
            (f"{num(Fraction((100 + p) * q, 100))}%", f"You took {b} as {q}% of {c}. It is {q}% less than {c}."),
            (f"{num(Fraction(p * (100 - q), 100))}%", f"You took {a} as {p}% of {b}. It is {p}% greater than {b}."),
        ],
        why=f"{a} = {num(Fraction(100 + p, 100))}{b} and {b} = {num(Fraction(100 - q, 100))}{c}. So {a} = "
        f"{num(Fraction(100 + p, 100))} · {num(Fraction(100 - q, 100))}{c} = {num(right / 100)}{c}, which is "
        f"{num(right)}% of {c}.",
        band=6,
        hints=(
            f"You want {a} as a percent of {c}.",
            "Write each statement as an equation. Then replace the middle letter.",
            f"{a} = {num(Fraction(100 + p, 100))}{b}, and {b} = {num(Fraction(100 - q, 100))}{c}.",
            (
                f"{a} = {num(Fraction(100 + p, 100))} · {num(Fraction(100 - q, 100))}{c} = {num(right / 100)}{c}. So "
                f"{a} is {num(right)}% of {c}, and the answer is {num(right)}%."
            ),
        ),
        strategy="Write each percent as a number to multiply by. Then put one equation into the other.",
        proof=Proof("ratio", {"start": "choice", "steps": [["/", 100 + p], ["/", 100 - q], ["*", 100]], "equals": 1}),
        seconds=90,
        slope=1.3,
    )


@template(SKILL, count=2)
def undo_two_changes(rng: random.Random) -> Draft:
    """The first value from the value after two changes. Typed."""
    start = rng.randrange(200, 2000, 100)
    p, q = rng.choice([20, 25, 40, 50, 60]), rng.choice([10, 20, 25, 30, 40])
    end = Fraction(start * (100 + p) * (100 - q), 10000)
    if end.denominator != 1 or end == start:
        raise Unusable("want whole numbers")
    what = rng.choice(
        ["butterflies in a reserve", "bees in a hive", "fish in a lake", "visitors to a museum each week"]
    )
    m, n = Fraction(100 + p, 100), Fraction(100 - q, 100)
    return draft(
        stem=f"The number of {what} rose by {p}% in the spring and then fell by {q}% in the fall. After both changes "
        f"the number was {num(end)}. What was the number before the spring?",
        answer=typed(start),
        why=f"The two changes multiply the number by {num(m)} · {num(n)} = {num(m * n)}. So the first number was "
        f"{num(end)} ÷ {num(m * n)} = {num(start)}.",
        band=7,
        hints=(
            "You want the number before both changes.",
            "Write each change as a number to multiply by. Undo them by dividing.",
            f"Taken as one, the two changes multiply by {num(m)} · {num(n)}.",
            (
                f"{num(m)} · {num(n)} = {num(m * n)}. Then {num(end)} ÷ {num(m * n)} = {num(start)}. The answer is "
                f"{typed(start)}."
            ),
        ),
        strategy="Combine the multipliers of all changes, then divide the final value by them.",
        proof=Proof(
            "ratio",
            {"start": "choice", "steps": [["*", f"{100 + p}/100"], ["*", f"{100 - q}/100"]], "equals": str(end)},
        ),
        seconds=105,
        slope=1.3,
    )
