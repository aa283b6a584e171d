"""Templates for nonlinear functions: exponential models, and what the numbers of a model mean."""

from __future__ import annotations

import random
from fractions import Fraction

from bonsai_recs.authoring.kit import Draft, Proof, template
from bonsai_recs.authoring.mathtext import dec, num, question

NONLINEAR = "Nonlinear functions"


_GROWTH = (
    (
        (
            "A savings account has a balance of ${s}. The balance {w} by {p}% each year, and no money is added or taken"
            " out."
        ),
        "B",
        "gives the balance, in dollars, after t years",
        1,
    ),
    (
        "A town has {s} residents. The number of residents {w} by {p}% each year.",
        "R",
        "gives the number of residents after t years",
        0,
    ),
    (
        "A machine is worth ${s} when it is new. Its value {w} by {p}% each year.",
        "V",
        "gives the value, in dollars, of the machine t years after it was new",
        -1,
    ),
    (
        "A lab sample contains {s} cells. The number of cells {w} by {p}% each hour.",
        "C",
        "gives the number of cells after t hours",
        0,
    ),
)


@template(NONLINEAR, count=4)
def model_for_a_percent(rng: random.Random) -> Draft:
    """An amount changes by p% each period: which function models it?"""
    text, name, asks, direction = rng.choice(_GROWTH)
    grows = direction > 0 or (direction == 0 and rng.random() < 0.5)
    start, p = rng.randrange(1200, 9600, 100), rng.randint(2, 24)
    rate = Fraction(p, 100)
    factor, other = (1 + rate, 1 - rate) if grows else (1 - rate, 1 + rate)
    first = f"{name}(t) = "
    s = num(start)
    return question(
        stem=f"{text.format(s=s, w='increases' if grows else 'decreases', p=p)} Which function {asks}?",
        answer=f"{first}{s}({dec(factor)})ᵗ",
        wrong=[
            (
                f"{first}{s}({dec(other)})ᵗ",
                (
                    f"You turned the change around. A factor {'below' if grows else 'above'} 1 makes the amount "
                    f"{'smaller' if grows else 'larger'}."
                ),
            ),
            (
                f"{first}{s}({dec(rate)})ᵗ",
                f"You used only {p}% as the factor. That would leave just {p}% of the amount after each period.",
            ),
            (
                f"{first}{s}({dec(1 + p)})ᵗ" if grows else f"{first}{s} − {dec(start * rate)}t",
                (
                    f"You did not write {p}% as {p} hundredths, so your factor is far too large."
                    if grows
                    else "You took away the same amount each time. A percent of a smaller amount is smaller."
                ),
            ),
        ],
        rationale=(
            f"{'Increasing' if grows else 'Decreasing'} by {p}% means multiplying by 1 {'+' if grows else '−'}"
            f" {dec(rate)} = {dec(factor)}. The starting amount is {s} and the factor applies t times, so"
            f" {first}{s}({dec(factor)})ᵗ."
        ),
        band=3 if grows else 4,
        hints=(
            "Find the starting amount and the factor for one period.",
            "A change by a percent means that you multiply by the same factor each time. Start with 100%.",
            f"As a decimal, {p}% is {dec(rate)}. {'Add it to' if grows else 'Take it away from'} 1 to get the factor.",
            f"The factor is {dec(factor)} and the start is {s}. So {first}{s}({dec(factor)})ᵗ.",
        ),
        strategy="Write the start times a power. The factor is 1 plus or minus the rate as a decimal.",
        proof=Proof(
            "satisfies",
            {
                "points": [
                    [0, start],
                    [1, f"{start} {'+' if grows else '−'} {start} · {p}/100"],
                    [2, f"({start} {'+' if grows else '−'} {start} · {p}/100)(1 {'+' if grows else '−'} {p}%)"],
                ],
                "variables": ["t", name],
            },
        ),
    )


@template(NONLINEAR, count=4)
def meaning_in_a_model(rng: random.Random) -> Draft:
    """What does a number of an exponential or quadratic model mean?"""
    if rng.random() < 0.5:
        start, p = rng.randrange(150, 990, 10), rng.randint(3, 18)
        rule = f"{start}({dec(1 + Fraction(p, 100))})ᵗ"
        where = rng.choice(
            ("a nature reserve, the number of deer", "a lake, the number of turtles", "an orchard, the number of bees")
        )
        animals = where.rpartition(" ")[2]
        texts = {
            f"There were {start} {animals} when the count began.": f"N(0) = {start}",
            f"There were {start} {animals} one year after the count began.": f"N(1) = {start}",
            f"The number of {animals} increases by {start} each year.": f"N(t + 1) − N(t) = {start}",
            f"The number of {animals} is multiplied by {start} each year.": f"N(t + 1) = {start}N(t)",
        }
        right, later, more, times = texts
        return question(
            stem=(
                f"In {where} t years after a count began is modeled by the function N(t) = {rule}. "
                f"What is the best interpretation of {start} in this context?"
            ),
            answer=right,
            wrong=[
                (
                    later,
                    (
                        "You read this number as the value at t = 1. At t = 1, it has already been multiplied by the"
                        " factor once."
                    ),
                ),
                (
                    more,
                    (
                        "You read the model as a linear one. Here the number is multiplied each year, not raised by a"
                        " fixed amount."
                    ),
                ),
                (
                    times,
                    "You mixed up the starting amount and the factor. The factor is the number with the exponent t.",
                ),
            ],
            rationale=(
                f"At t = 0, the power equals 1, so N(0) = {start}. This is the number of {animals} when the count"
                " began."
            ),
            band=3,
            hints=(
                f"Say in words what {start} stands for.",
                "Try some values of t. What does the model give for t = 0?",
                "For t = 0, the power is equal to 1. So only the number in front of it is left.",
                f"N(0) = {start}, and t = 0 is the start of the count. So the answer is: {right}",
            ),
            strategy="In a · bᵗ, a is the value at t = 0 and b is the factor for one unit of time.",
            proof=Proof("meaning", {"functions": {"N(t)": rule}, "claims": texts}),
        )
    v, h = rng.randrange(24, 68, 2), rng.randint(3, 30)
    rule = f"−5t² + {v}t + {h}"
    thing = rng.choice(("A ball", "A model rocket", "A pebble"))
    it = thing.removeprefix("A ")
    texts = {
        f"The height of the {it}, in meters, when it is launched": f"h(0) = {h}",
        f"The height of the {it}, in meters, 1 second after it is launched": f"h(1) = {h}",
        f"The greatest height of the {it}, in meters": f"h({v}/10) = {h}",
        f"The time, in seconds, until the {it} reaches the ground": f"h({h}) = 0",
    }
    right, later, top, time = texts
    return question(
        stem=(
            f"{thing} is launched upward from a platform. Its height above the ground, in meters, t seconds after the"
            f" launch is modeled by h(t) = {rule}. What is the best interpretation of {h} in this context?"
        ),
        answer=right,
        wrong=[
            (top, "You took the constant for the maximum. The maximum is at the vertex of the parabola."),
            (later, "You took the constant for the value at t = 1. At t = 1, the other two terms are not 0."),
            (time, "You took the constant for a time. It is added to heights, so it is a height in meters."),
        ],
        rationale=(
            f"Substituting t = 0 gives h(0) = {h}. The time t = 0 is the moment of the launch, so {h} meters is the"
            " height at which the motion starts."
        ),
        band=3 if h > 12 else 4,
        hints=(
            f"Say in words what {h} stands for.",
            "Find a value of t that leaves only this number.",
            f"For t = 0, both −5t² and {v}t are 0.",
            f"h(0) = {h}. The time t = 0 is the moment of the launch. The answer: {right.lower()}.",
        ),
        strategy="The constant of a quadratic model is its value at t = 0.",
        proof=Proof("meaning", {"functions": {"h(t)": rule}, "claims": texts}),
    )


_CULTURES = (
    ("The number of views of a video", "month", "year", 12, (2, 3, 4, 6)),
    ("The number of bacteria in a dish", "hour", "day", 24, (3, 4, 6, 8)),
    ("The number of cells in a flask", "minute", "hour", 60, (10, 12, 15, 20, 30)),
)


@template(NONLINEAR, count=2)
def periods_within_a_unit(rng: random.Random) -> Draft:
    """Grows by p% every few months: which function gives it after t years?"""
    return _change_of_time_unit(rng, to_larger=True)


@template(NONLINEAR, count=2)
def units_within_a_period(rng: random.Random) -> Draft:
    """Grows by p% every few years: which function gives it after t months?"""
    return _change_of_time_unit(rng, to_larger=False)


def _change_of_time_unit(rng: random.Random, *, to_larger: bool) -> Draft:
    what, small, large, count, steps = rng.choice(_CULTURES)
    k, p, start = rng.choice(steps), rng.choice((2, 3, 4, 5, 6, 8, 10, 12, 15, 20)), rng.randrange(200, 3000, 100)
    n = count // k
    factor = dec(1 + Fraction(p, 100))
    s, first = num(start), "N(t) = "

    def form(exponent: str, base: str = factor) -> str:
        return f"{first}{s}({base})^({exponent})"

    if to_larger:
        stem = (
            f"{what} is {s} and increases by {p}% every {k} {small}s. Which function gives the number after t {large}s?"
        )
        right, turned = f"{n}t", f"t/{n}"
        why = f"There are {count} ÷ {k} = {n} such periods in a {large}, so there are {n}t periods in t {large}s."
        band, exponent = 6, f"t · {count}/{k}"
        partial = f"There are {count} {small}s in a {large}. One period lasts {k} {small}s."
    else:
        stem = (
            f"{what} is {s} and increases by {p}% every {k} {large}s. Which function gives the number after t {small}s?"
        )
        right, turned = f"t/{k * count}", f"{k * count}t"
        why = (
            f"One period of {k} {large}s has {k} · {count} = {k * count} {small}s, so t {small}s are t/{k * count}"
            " periods."
        )
        band, exponent = 7, f"t/({k} · {count})"
        partial = f"There are {count} {small}s in a {large}, so one period has {k} · {count} {small}s."
    return question(
        stem=stem,
        answer=form(right),
        wrong=[
            (form(turned), "You turned the time units around. Count how many periods there are in the time t."),
            (
                form(f"{k}t" if right != f"{k}t" else f"t/{k}"),
                f"You used the length of a period, {k}, as the number of periods in each unit of time.",
            ),
            (
                form(f"t/{k}" if right != f"t/{k}" else f"{k}t"),
                "You did not convert the time units. The period and t have different units.",
            ),
            (
                form(right, dec(Fraction(p, 100))),
                f"You used {p}% itself as the factor. The amount that was there before has to stay.",
            ),
        ],
        rationale=f"Each period multiplies the number by {factor}. {why} The function is {form(right)}.",
        band=band,
        hints=(
            "Find how many growth periods there are in the time t.",
            "Write both times in the same unit. Divide the whole time by the length of one period.",
            partial,
            f"{why} So {form(right)}.",
        ),
        strategy="The exponent counts the growth periods. Divide the whole time by the length of one period.",
        proof=Proof("equivalent", {"expression": f"{start}(1 + {p}%)^({exponent})"}),
        discrimination=1.4,
    )
