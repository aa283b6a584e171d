"""Templates for linear functions."""

from __future__ import annotations

import random
from fractions import Fraction

from bonsai_recs.authoring.kit import Draft, Proof, Unusable, template
from bonsai_recs.authoring.mathtext import NAMES, add, by, lin, nonzero, num, pair, poly, question, typed

FUNCTIONS = "Linear functions"


@template(FUNCTIONS, count=4)
def value_at_a_number(rng: random.Random) -> Draft:
    """f(x) = mx + b: what is f(k)?"""
    m, b, k = rng.choice(nonzero(-7, 9)), rng.choice(nonzero(-12, 15)), rng.choice(nonzero(-6, 8))
    if abs(m) == 1 or abs(k) == 1:
        raise Unusable
    value = m * k + b
    rule = lin(m, b)
    return question(
        stem=f"The function f is defined by f(x) = {rule}. What is the value of f({num(k)})?",
        answer=num(value),
        wrong=[
            (
                num(m * (k + b)),
                f"You multiplied {num(m)} by both terms. Only x is multiplied by {num(m)} in this rule.",
            ),
            (num(m * k - b), "You used the wrong sign for the constant term. Copy the sign from the rule."),
            (
                num(-m * k + b),
                f"You made a sign error in the product {num(m)} · {by(k)}. Check the signs of both factors.",
            ),
            (num(m + k + b), f"You added {num(m)} and {num(k)}. A number written next to x multiplies it."),
        ],
        rationale=(
            f"Substituting {num(k)} for x gives f({num(k)}) = {num(m)} · {by(k)} {'+' if b > 0 else '−'} {abs(b)}. "
            f"The product is {num(m * k)}, so the value is {num(value)}."
        ),
        band=1 if k > 0 and m > 0 else 2,
        hints=(
            f"Find the output of f when the input is {num(k)}.",
            "Put the input in place of x. Multiply first, then add or subtract.",
            f"Multiply first: {num(m)} · {by(k)} = {num(m * k)}.",
            f"f({num(k)}) = {num(m * k)} {'+' if b > 0 else '−'} {abs(b)} = {num(value)}.",
        ),
        strategy="Put the input in parentheses in place of each x. Then multiply first and add last.",
        proof=Proof("solve", {"equations": [f"y = {rule}", f"x = {num(k)}"], "ask": "y"}),
        discrimination=0.8,
    )


@template(FUNCTIONS, count=3)
def input_for_an_output(rng: random.Random) -> Draft:
    """g(x) = mx + b: for which x is g(x) = v?"""
    m, b, x = rng.choice([2, 3, 4, 5, 6, -2, -3, -4]), rng.choice(nonzero(-15, 15)), rng.choice(nonzero(-9, 12))
    v = m * x + b
    rule = lin(m, b)
    return question(
        stem=f"The function g is defined by g(x) = {rule}. For what value of x does g(x) = {num(v)}?",
        answer=typed(x),
        rationale=(
            f"Setting the rule equal to {num(v)} gives {rule} = {num(v)}. To isolate the x-term, {add(-b)} both sides: "
            f"{lin(m, 0)} = {num(v - b)}, so x = {num(x)}."
        ),
        band=2 if m > 0 else 3,
        hints=(
            f"The output {num(v)} is given. Find the input x.",
            "Set the rule equal to the output. Then solve for x.",
            f"To undo the constant, {add(-b)} both sides. You get {lin(m, 0)} = {num(v - b)}.",
            f"{lin(m, 0)} = {num(v - b)}. Divide both sides by {num(m)}. So x = {num(x)}.",
        ),
        strategy="When the output is given, set the rule equal to it and solve; do not put it in place of x.",
        proof=Proof("solve", {"equations": [f"y = {rule}", f"y = {num(v)}"], "ask": "x"}),
        discrimination=0.9,
    )


@template(FUNCTIONS, count=4)
def rule_from_a_table(rng: random.Random) -> Draft:
    """Three rows of a table: which equation defines f?"""
    m, b, start, step = rng.choice(nonzero(-6, 8)), rng.choice(nonzero(-9, 20)), rng.randint(1, 3), rng.randint(2, 4)
    if abs(m) == 1 or m == b:
        raise Unusable
    xs = [start, start + step, start + 2 * step]
    ys = [m * x + b for x in xs]
    rise = ys[1] - ys[0]
    table = f"x | {' | '.join(map(num, xs))}\nf(x) | {' | '.join(map(num, ys))}"
    return question(
        stem=(
            "For the linear function f, the table shows three values of x and their corresponding values of f(x).\n\n"
            f"{table}\n\nWhich equation defines f?"
        ),
        answer=f"f(x) = {lin(m, b)}",
        wrong=[
            (
                f"f(x) = {lin(rise, ys[0] - rise * xs[0])}",
                (
                    f"You used the change in f(x), {num(rise)}, as the slope. Divide it by the change in x, which is"
                    f" {step}."
                ),
            ),
            (
                f"f(x) = {lin(m, ys[0])}",
                f"You used {num(ys[0])} as the constant. That is the output at x = {start}, not at x = 0.",
            ),
            (
                f"f(x) = {lin(b, m)}",
                "You swapped the slope and the constant. The slope is the number that multiplies x.",
            ),
            (
                f"f(x) = {lin(-m, b)}",
                "You reversed the sign of the slope. Check whether f(x) rises or falls as x grows.",
            ),
        ],
        rationale=(
            f"From x = {xs[0]} to x = {xs[1]}, f(x) changes by {num(rise)}, so the slope is {num(rise)}/{step} ="
            f" {num(m)}. Substituting the first point gives {num(ys[0])} = {num(m)} · {xs[0]} + b, so b = {num(b)}."
            f" Therefore f(x) = {lin(m, b)}."
        ),
        band=3 if m > 0 and b > 0 else 4,
        hints=(
            "Find the slope and the constant of the rule that fits all three columns.",
            "Slope is the change in f(x) divided by the change in x. Then use one point to find the constant.",
            f"When x goes from {xs[0]} to {xs[1]}, x changes by {step} and f(x) changes by {num(rise)}.",
            (
                f"The slope is {num(rise)} ÷ {step} = {num(m)}. At x = {xs[0]}, {num(m)} · {xs[0]} + b = {num(ys[0])}, "
                f"so b = {num(b)}. The rule is f(x) = {lin(m, b)}."
            ),
        ),
        strategy="Find the slope from two columns, then the constant from one column, and test the third column.",
        proof=Proof("satisfies", {"points": [list(point) for point in zip(xs, ys, strict=True)]}),
    )


_COSTS = (
    (
        "rents a carpet cleaner. The total cost C(h), in dollars, of renting it for h hours is given by",
        "h",
        "hour",
        (16, 44),
    ),
    ("hires a tutor. The total cost C(n), in dollars, of n lessons is given by", "n", "lesson", (50, 110)),
    ("orders concert posters. The total cost C(p), in dollars, of p posters is given by", "p", "poster", (5, 16)),
    ("rents a bicycle. The total cost C(d), in dollars, of renting it for d days is given by", "d", "day", (25, 60)),
)


@template(FUNCTIONS, count=4)
def meaning_of_a_number(rng: random.Random) -> Draft:
    """What does the slope or the constant of a cost function mean?"""
    phrase, v, unit, (low, high) = rng.choice(_COSTS)
    rate, fee = Fraction(rng.randint(low, high), 2), rng.randrange(20, 95, 5)
    ask_rate = rng.random() < 0.5
    if rate == fee:
        raise Unusable
    shown = f"{float(rate):.2f}" if rate.denominator != 1 else num(rate)
    rule = f"C({v}) = {shown}{v} + {fee}"
    number = shown if ask_rate else str(fee)
    texts = {
        f"Each additional {unit} increases the total cost by ${number}.": f"C({v} + 1) − C({v}) = {number}",
        f"The part of the cost that does not depend on the number of {unit}s is ${number}.": f"C(0) = {number}",
        f"The total cost for 1 {unit} is ${number}.": f"C(1) = {number}",
        f"The total cost increases by $1 for every {number} additional {unit}s.": f"C({v} + {number}) − C({v}) = 1",
    }
    each, constant, single, inverse = texts
    name = rng.choice(NAMES)
    mistakes = {
        each: f"You took this number for the price per {unit}. The price per {unit} is the number that multiplies {v}.",
        constant: (
            f"You took this number for the fixed part of the cost. It multiplies {v}, so its part grows with {v}."
        ),
        single: f"You read this number as a total. The total for 1 {unit} needs both numbers of the rule.",
        inverse: f"You turned the rate around. The rule gives dollars per {unit}, not {unit}s per dollar.",
    }
    right = each if ask_rate else constant
    why = (
        f"The number {number} multiplies {v}, so raising {v} by 1 raises C({v}) by {number}."
        if ask_rate
        else f"When {v} = 0, the rule gives C(0) = {number}, which stays in the total whatever {v} is."
    )
    return question(
        stem=f"{name} {phrase}\n\n{rule}\n\nWhat is the best interpretation of {number} in this context?",
        answer=right,
        wrong=[(text, mistakes[text]) for text in texts if text != right],
        rationale=f"The total cost is a fixed amount plus an amount for each {unit}. {why}",
        band=2 if ask_rate else 3,
        hints=(
            f"Say in words what the number {number} stands for.",
            f"Test the rule. What happens to the total when {v} is 0? What happens when {v} goes up by 1?",
            f"Look at where {number} stands: "
            + (f"it is multiplied by {v}." if ask_rate else f"it is not next to {v}."),
            f"{why} So the answer is: {right}",
        ),
        strategy="The number next to the letter is the change per unit. The number alone is the value at zero.",
        proof=Proof("meaning", {"functions": {f"C({v})": f"{shown}{v} + {fee}"}, "claims": texts}),
        discrimination=1.1,
    )


_CHANGES = (
    (
        (
            "A candle burns at a constant rate. It is {p} millimeters tall {a} hours after it was lit and {q}"
            " millimeters tall {b} hours after it was lit."
        ),
        "h",
        "gives the height, in millimeters, of the candle t hours after it was lit",
        -1,
    ),
    (
        (
            "Snow falls at a constant rate. Its depth on the ground is {p} millimeters {a} hours after the snowfall"
            " begins and {q} millimeters {b} hours after it begins."
        ),
        "d",
        "gives the depth, in millimeters, t hours after the snowfall begins",
        1,
    ),
    (
        (
            "A water tank is filled at a constant rate. It holds {p} liters {a} minutes after a pump is turned on and"
            " {q} liters {b} minutes after the pump is turned on."
        ),
        "w",
        "gives the number of liters t minutes after the pump is turned on",
        1,
    ),
    (
        (
            "A drone descends at a constant rate. It is {p} meters above the ground {a} seconds after it starts to"
            " descend and {q} meters above the ground {b} seconds after it starts."
        ),
        "h",
        "gives the height above the ground, in meters, t seconds after the drone starts to descend",
        -1,
    ),
)


@template(FUNCTIONS, count=4)
def model_from_two_moments(rng: random.Random) -> Draft:
    """Two measurements at a constant rate: which function models it?"""
    text, name, asks, sign = rng.choice(_CHANGES)
    m, a, step = sign * rng.randint(3, 9), rng.randint(2, 5), rng.randint(2, 5)
    b = a + step
    start = rng.randrange(10, 60) if sign > 0 else rng.randrange(12 * abs(m), 160)
    p, q = m * a + start, m * b + start
    letter = "t"
    first = f"{name}(t) = "
    return question(
        stem=f"{text.format(a=a, b=b, p=p, q=q)} Which function {asks}?",
        answer=first + lin(m, start, letter),
        wrong=[
            (
                first + poly((p, ""), (m, "t")) if sign < 0 else first + lin(m, p, letter),
                f"You used {p} as the starting value. It was measured at t = {a}, so it is not the value at t = 0.",
            ),
            (
                first + lin(q - p, p - a * (q - p), letter),
                f"You used the whole change, {num(q - p)}, as the rate. That change took {step} units of time, not 1.",
            ),
            (
                first + lin(-m, p + m * a, letter),
                "You gave the rate the wrong sign. Check if the amount goes up or down.",
            ),
            (
                first + lin(Fraction(step, q - p), start, letter),
                "You divided time by amount. A rate is the change in the amount divided by the change in time.",
            ),
        ],
        rationale=(
            f"The rate of change is ({q} − {p})/({b} − {a}) = {num(m)}. At t = {a} the value is {p}, so the value at t"
            f" = 0 is {p} − {by(m)} · {a} = {start}. The function is {first}{lin(m, start, letter)}."
        ),
        band=5 if sign < 0 else 4,
        hints=(
            "Find the rate of change and the value at t = 0.",
            "Divide the change in the amount by the change in time. Then go back from the first time to t = 0.",
            f"Between t = {a} and t = {b}, the amount changes by {num(q - p)} in {step} units of time.",
            (
                f"The rate is {num(q - p)} ÷ {step} = {num(m)}. Going back from t = {a} to t = 0 gives {start}. "
                f"So {first}{lin(m, start, letter)}."
            ),
        ),
        strategy="Two measurements are two points: find the slope between them, then the value at time 0.",
        proof=Proof("satisfies", {"points": [[a, p], [b, q]], "variables": ["t", name]}),
        discrimination=1.2,
    )


@template(FUNCTIONS, count=3)
def value_from_a_rate(rng: random.Random) -> Draft:
    """f is linear, its change per step and one value are given: what is f(r)?"""
    step, m, p = rng.randint(3, 6), rng.choice(nonzero(-6, 7)), rng.choice(nonzero(-4, 9))
    q, r = rng.choice(nonzero(-20, 40)), rng.randint(11, 24)
    change, value = m * step, q + m * (r - p)
    verb = "increases" if change > 0 else "decreases"
    if value in (0, 1):
        raise Unusable
    return question(
        stem=(
            f"The function f is linear. Whenever x increases by {step}, the value of f(x) {verb} by {abs(change)}. "
            f"If f({num(p)}) = {num(q)}, what is the value of f({r})?"
        ),
        answer=typed(value),
        rationale=(
            f"The slope of f is {num(change)}/{step} = {num(m)}. From x = {num(p)} to x = {r}, x increases by {r - p}, "
            f"so f(x) changes by {num(m)} · {r - p} = {num(m * (r - p))}. Therefore f({r}) = {num(value)}."
        ),
        band=5 if m > 0 else 6,
        hints=(
            f"Find the value of f at x = {r}.",
            "First find how much f(x) changes when x increases by 1. Then count how far x moves from the known point.",
            f"From x = {num(p)} to x = {r}, x increases by {r - p}.",
            (
                f"f(x) changes by {num(m)} for each step of 1. Over {r - p} steps that is {num(m * (r - p))}. "
                f"So f({r}) = {num(q)} {'+' if m > 0 else '−'} {abs(m * (r - p))} = {num(value)}."
            ),
        ),
        strategy="Turn the given change into a slope, then move from the known point to the one that is asked for.",
        proof=Proof(
            "solve",
            {"equations": [f"{step}m = {num(change)}", f"{by(p)}m + b = {num(q)}", f"y = {r}m + b"], "ask": "y"},
        ),
        discrimination=1.2,
    )


@template(FUNCTIONS, count=3)
def shifted_graph(rng: random.Random) -> Draft:
    """The graph of y = f(x) + k goes through two points: which equation defines f?"""
    m, b, k = rng.choice(nonzero(-5, 6)), rng.choice(nonzero(-12, 12)), rng.choice(nonzero(-9, 14))
    x1, gap = rng.choice(nonzero(-4, 4)), rng.randint(2, 4)
    x2 = x1 + gap
    y1, y2 = m * x1 + b + k, m * x2 + b + k
    if abs(m) == 1 or b + 2 * k == 0 or b + k == 0:
        raise Unusable
    graph = f"y = f(x) {'+' if k > 0 else '−'} {abs(k)}"
    move = f"{'down' if k > 0 else 'up'} by {abs(k)}"
    return question(
        stem=(
            f"In the xy-plane, the graph of {graph} is a line that passes through the points {pair(x1, y1)} and "
            f"{pair(x2, y2)}. Which equation defines the linear function f?"
        ),
        answer=f"f(x) = {lin(m, b)}",
        wrong=[
            (
                f"f(x) = {lin(m, b + k)}",
                f"That is the line through the two points, {graph}. You did not undo the shift.",
            ),
            (
                f"f(x) = {lin(m, b + 2 * k)}",
                f"You shifted the line the wrong way. To get back to f(x), undo the {num(k)}.",
            ),
            (
                f"f(x) = {lin(Fraction(1, m), b)}",
                "You divided the change in x by the change in y. Slope is the change in y over the change in x.",
            ),
            (f"f(x) = {lin(-m, b)}", "You lost the sign of the slope. Subtract the coordinates in the same order."),
        ],
        rationale=(
            f"The slope of the line is ({num(y2)} − {by(y1)})/({num(x2)} − {by(x1)}) = {num(m)}, and the line is y ="
            f" {lin(m, b + k)}. Because y = f(x) {'+' if k > 0 else '−'} {abs(k)}, the graph of f is this line moved"
            f" {move}. So f(x) = {lin(m, b)}."
        ),
        band=6 if k > 0 and m > 0 else 7,
        hints=(
            "Find the rule for f, not for the line in the question.",
            "First find the line through the two points. Then undo the shift.",
            f"From the first point to the second, x changes by {gap} and y changes by {num(y2 - y1)}.",
            f"The slope is {num(m)}, and the line is y = {lin(m, b + k)}. Move it {move}: f(x) = {lin(m, b)}.",
        ),
        strategy="Write the equation of the given line first, then solve it for f(x).",
        proof=Proof("satisfies", {"points": [[x1, f"{num(y1)} − {by(k)}"], [x2, f"{num(y2)} − {by(k)}"]]}),
        discrimination=1.3,
    )
