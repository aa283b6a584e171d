"""Templates for two-variable data: models and scatterplots."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction

from bonsai_recs.authoring.figures import scatterplot, year_graph
from bonsai_recs.authoring.kit import Draft, Proof, Unusable
from bonsai_recs.authoring.making import draft, frac, num, template, text_table, typed

SKILL = "Two-variable data: Models and scatterplots"

SETTINGS = [
    ("Time (weeks)", "Height (cm)", "weeks since planting", "height of a bean plant, in centimeters"),
    ("Practice (hours)", "Score (points)", "hours of practice", "score in a video game, in points"),
    ("Age (years)", "Value ($100s)", "age of a motorbike, in years", "value, in hundreds of dollars"),
    ("Distance (km)", "Cost (dollars)", "distance of a delivery, in kilometers", "cost, in dollars"),
]


def _cloud(rng: random.Random, a: Fraction, b: Fraction, size: int, step: int = 1) -> list[tuple[float, float]]:
    """Points near y = a + bx at x = 1, 2, ..., on both sides and none on the line."""
    signs = [1 if place % 2 else -1 for place in range(size)]
    signs[rng.randrange(size)] *= -1
    rng.shuffle(signs)
    bumps = [sign * rng.choice((1, 2)) * Fraction(step, 2) for sign in signs]
    return [(x, float(a + b * x + bump)) for x, bump in zip(range(1, size + 1), bumps, strict=True)]


@template(SKILL, count=3)
def greatest_change(rng: random.Random) -> Draft:
    """Between which two years a line graph rises or falls most."""
    first = rng.randint(2008, 2017)
    years = list(range(first, first + 6))
    values = [rng.randrange(10, 70, 5) for _ in years]
    changes = [b - a for a, b in itertools.pairwise(values)]
    ask = rng.choice(["increase", "decrease"])
    pick = max(changes) if ask == "increase" else min(changes)
    opposite = min(changes) if ask == "increase" else max(changes)
    if changes.count(pick) > 1 or changes.count(opposite) > 1 or pick * opposite >= 0 or abs(pick) < 15:
        raise Unusable("want one clear change")
    place, against = changes.index(pick), changes.index(opposite)
    level = max(values) if ask == "increase" else min(values)
    near = min(max(values.index(level), 0), 4)
    label, where = rng.choice(
        [
            ("Visitors (thousands)", "visitors to a zoo"),
            ("Books (thousands)", "books lent by a library"),
            ("Riders (thousands)", "riders of a ferry"),
        ]
    )

    def say(index: int) -> str:
        return f"From {years[index]} to {years[index + 1]}"

    rest = [i for i in range(5) if i not in (place, against, near)]
    fourth = max(rest, key=lambda i: changes[i] if ask == "increase" else -changes[i])
    texts = [say(place), say(against), say(near), say(fourth)]
    most = "highest" if ask == "increase" else "lowest"
    return draft(
        stem=f"The line graph shows the number of {where} each year from {first} to {first + 5}. Over which one-year "
        f"period did the number show its greatest {ask}?",
        figure=year_graph(list(zip(years, values, strict=True)), (0, 70, 10), label),
        answer=texts[0],
        wrong=[
            (
                texts[1],
                "You chose the steepest part that goes the other way. Check if the line goes up or down there.",
            ),
            (
                texts[2],
                (
                    f"You chose the part where the graph begins or ends at its {most} point. The question is about "
                    "the change."
                ),
            ),
            (texts[3], "You chose a part where the change has a smaller size. Compare how steep the parts are."),
        ],
        why=f"The greatest {ask} is where the line {'rises' if ask == 'increase' else 'falls'} most steeply. That is "
        f"from {values[place]} to {values[place + 1]} thousand, a change of {abs(pick)} thousand in one year.",
        band=1,
        hints=(
            f"You want the year with the greatest {ask}.",
            f"Look for the steepest part of the line that goes {'up' if ask == 'increase' else 'down'}.",
            f"Find the change for each part. The greatest {ask} is {abs(pick)} thousand.",
            f"The line goes from {values[place]} to {values[place + 1]} in that part. The answer is: {texts[0]}.",
        ),
        strategy="On a line graph, a change over one step is shown by how steep that step is.",
        proof=Proof(
            "judgement",
            {
                "rule": "trend",
                "facts": {"values": values, "labels": years, "ask": "rise" if ask == "increase" else "fall"},
                "tags": {
                    text: {"start": years[i]} for text, i in zip(texts, (place, against, near, fourth), strict=True)
                },
            },
        ),
        seconds=50,
        slope=0.8,
    )


@template(SKILL, count=3)
def read_the_line(rng: random.Random) -> Draft:
    """The value that a line of best fit predicts, read from the graph."""
    x_label, y_label, x_name, y_name = rng.choice(SETTINGS)
    b, a = rng.choice([2, 3, 4]), rng.choice([4, 6, 8, 10])
    if x_label.startswith("Age"):
        a, b = a + 36, -b
    points = _cloud(rng, Fraction(a), Fraction(b), 8, 4)
    if any(not 0 <= y <= 48 for _, y in points):
        raise Unusable("off the chart")
    x = rng.randint(2, 7)
    right, actual = a + b * x, points[x - 1][1]
    if right % 2:
        raise Unusable("hard to read")
    return draft(
        stem=f"The scatterplot shows the relationship between x, the {x_name}, and y, the {y_name}. A line of best "
        f"fit is also shown. At x = {x}, what is the y-value that the line of best fit predicts?",
        figure=scatterplot(points, (0, 9, 1), (0, 48, 4), x_label, y_label, fit=(a, b)),
        answer=num(right),
        wrong=[
            (num(Fraction(actual)), f"You read the data point at x = {x}. The question is about the line."),
            (num(a), "You gave the y-intercept of the line, its value at x = 0."),
            (num(a + b * (x + 2)), f"You read the line at another value of x. Start on the x-axis at {x}."),
        ],
        why=f"Start at x = {x} on the horizontal axis and go to the line. At this place, the line has y-value {right}.",
        band=2,
        hints=(
            "You want a y-value on the line, not on a point.",
            "Find the x-value on the bottom axis. Go straight up to the line, then left to the y-axis.",
            f"Begin at x = {x}. The line starts at {a} on the y-axis, so use it as a check.",
            f"At x = {x} the line is at the height {right}. The answer is {right}.",
        ),
        strategy="Predictions come from the line; actual values come from the points.",
        proof=Proof("ratio", {"start": x, "steps": [["*", b], ["+", a]]}),
        seconds=50,
        slope=0.8,
    )


@template(SKILL, count=3)
def slope_in_words(rng: random.Random) -> Draft:
    """What the slope of a line of best fit means."""
    things = [
        (
            "the number of days since a phone was charged",
            "day",
            "the charge, in percent, that is left",
            "percentage points",
            -1,
        ),
        ("the number of weeks since a tree was planted", "week", "its height, in centimeters", "centimeters", 1),
        ("the number of pages in a book", "page", "its mass, in grams", "grams", 1),
        (
            "the outside temperature, in degrees Celsius,",
            "degree",
            "the gas used for heating a school, in cubic meters",
            "cubic meters",
            -1,
        ),
        ("the number of people in a workshop", "person", "its total cost, in dollars", "dollars", 1),
    ]
    x, one, y, unit, sign = rng.choice(things)
    m = Fraction(rng.choice([12, 15, 18, 22, 24, 27, 32, 35, 45]), 10)
    c = rng.choice([20, 36, 40, 48, 60, 75, 84, 90])
    op = "+" if sign > 0 else "−"
    way, other = ("increase", "decrease") if sign > 0 else ("decrease", "increase")
    quantity = y.split(",")[0]

    def per(direction: str, amount: str) -> str:
        change = "an increase" if direction == "increase" else "a decrease"
        return f"For each additional {one}, the model predicts {change} of {amount} {unit} in {quantity}."

    right = per(way, num(m))
    zero = {
        "day": "When the phone was just charged",
        "week": "When the tree was planted",
        "page": "For a book with 0 pages",
        "degree": "At 0 degrees Celsius",
        "person": "For a workshop with 0 people",
    }[one]
    start = f"{zero}, the model predicts that {quantity} is {num(m)} {unit}."
    flipped, swapped = per(other, num(m)), per(way, num(c))
    return draft(
        stem=f"A line of best fit for a data set is y = {c} {op} {num(m)}x, where x is {x} and y is {y}. Which is "
        f"the best interpretation of the number {num(m)} in this equation?".replace(",,", ",").replace(
            "Celsius, and", "Celsius, and"
        ),
        answer=right,
        wrong=[
            (
                start,
                f"You took the number as the value at x = 0. At x = 0, the term with x is zero and only {c} is left.",
            ),
            (flipped, "You missed the sign of the slope. The sign says if y grows or shrinks as x grows."),
            (swapped, f"You used {c}, the constant. The change for each step of x is the number that multiplies x."),
        ],
        why=f"In the equation, {num(m)} multiplies x{' with a minus sign' if sign < 0 else ''}, so it belongs to the "
        f"slope. The slope says how y changes when x grows by 1: it {'goes up' if sign > 0 else 'goes down'} by "
        f"{num(m)} {unit}.",
        band=3,
        hints=(
            f"You want to know what {num(m)} says about the situation.",
            "See which number goes with x. That number tells the change in y for one more x.",
            f"The number {num(m)} multiplies x. Find y at x = 0 and x = 1, and compare.",
            f"From x = 0 to x = 1, y goes from {c} to {num(c + sign * m)}. So: {right}",
        ),
        strategy="Slope: change in y for one more x. Constant: value of y at x = 0.",
        proof=Proof(
            "judgement",
            {
                "rule": "linear_meaning",
                "facts": {"slope": str(sign * m), "intercept": c, "role": "slope"},
                "tags": {
                    right: {"amount": str(m), "way": "up" if sign > 0 else "down", "for": "one more x"},
                    start: {"amount": str(m), "way": "is", "for": "x is zero"},
                    flipped: {"amount": str(m), "way": "down" if sign > 0 else "up", "for": "one more x"},
                    swapped: {"amount": str(c), "way": "up" if sign > 0 else "down", "for": "one more x"},
                },
            },
        ),
        seconds=65,
        slope=1.0,
    )


@template(SKILL, count=3)
def points_off_the_line(rng: random.Random) -> Draft:
    """How many points lie above or below the line. Typed."""
    x_label, y_label, x_name, y_name = rng.choice(SETTINGS)
    b, a = rng.choice([2, 3, 4]), rng.choice([4, 6, 8])
    if x_label.startswith("Age"):
        a, b = 40, -b
    points = _cloud(rng, Fraction(a), Fraction(b), rng.choice([7, 8]), 4)
    if any(not 0 <= y <= 48 for _, y in points):
        raise Unusable("off the chart")
    side = rng.choice(["greater", "less"])
    right = sum((y > a + b * x) == (side == "greater") for x, y in points)
    if right in (0, len(points)):
        raise Unusable("want both kinds")
    return draft(
        stem=f"The scatterplot shows x, the {x_name}, and y, the {y_name}, for {len(points)} data points, together "
        f"with a line of best fit. For how many of the points is the actual y-value {side} than the y-value that "
        "the line predicts?",
        figure=scatterplot(points, (0, 9, 1), (0, 48, 4), x_label, y_label, fit=(a, b)),
        answer=typed(right),
        why=f"An actual value is {side} than predicted where the point lies "
        f"{'above' if side == 'greater' else 'below'} the line. Counting these points gives {right}.",
        band=2,
        hints=(
            "You want to count points on one side of the line.",
            "The height of the line is the predicted value. Compare each point with the line at the same x.",
            (
                f"You need the points {'above' if side == 'greater' else 'below'} the line. Go through the points "
                "from left to right."
            ),
            f"There are {right} points {'above' if side == 'greater' else 'below'} the line. The answer is {right}.",
        ),
        strategy="Above the line means greater than predicted; below the line means less.",
        proof=Proof(
            "statistics",
            {
                "measure": "points_above" if side == "greater" else "points_below",
                "line": [a, b],
                "points": [[int(x), int(y)] for x, y in points],
            },
        ),
        seconds=55,
        slope=0.9,
    )


@template(SKILL, count=3)
def actual_and_predicted(rng: random.Random) -> Draft:
    """How far an actual value is from the prediction of an equation."""
    m, c = Fraction(rng.choice([15, 25, 35, 45, 12, 18]), 10), rng.randint(10, 60)
    x = rng.choice([10, 20, 30, 40])
    predicted = c + m * x
    gap = rng.choice([3, 4, 6, 7, 9])
    high = rng.random() < 0.5
    actual = predicted + (gap if high else -gap)
    thing, x_name, y_name = rng.choice(
        [
            (
                "A gardener",
                "the daily water, in milliliters, that a plant gets",
                "its growth in a month, in millimeters",
            ),
            ("A coach", "the number of training sessions", "the distance, in meters, of a long throw"),
            ("A café owner", "the high temperature of a day, in degrees Celsius,", "the number of cold drinks sold"),
        ]
    )
    if "drinks" in y_name and (predicted.denominator != 1):
        raise Unusable("want whole drinks")
    which, subject = ("greater", "actual") if high else ("less", "actual")
    return draft(
        stem=f"{thing} models data with the line of best fit y = {num(m)}x + {c}, where x is {x_name} and y is "
        f"{y_name}. For one data point, x = {x} and the actual y-value is {num(actual)}. By how much is the "
        f"{subject} y-value {which} than the predicted one?".replace("gets and", "gets, and"),
        answer=num(gap),
        wrong=[
            (num(abs(actual - c)), f"You compared the actual value with {c}. That is the prediction for x = 0."),
            (num(abs(actual - m * x)), f"You left out the {c} in the prediction."),
            (num(predicted), "You gave the predicted value. The question asks for the difference from it."),
        ],
        why=f"For x = {x} the model predicts {num(m)} · {x} + {c} = {num(predicted)}. The actual value is "
        f"{num(actual)}, so the difference is {gap}.",
        band=4,
        hints=(
            "You want the gap between the actual value and the prediction.",
            "Put x into the equation. Then compare the result with the actual value.",
            f"The prediction is {num(m)} · {x} + {c} = {num(predicted)}.",
            f"The prediction is {num(predicted)}, and the actual value is {num(actual)}. They differ by {gap}.",
        ),
        strategy="Compute the prediction first; then subtract it from the actual value.",
        proof=Proof("statistics", {"measure": "residual", "line": [c, str(m)], "point": [x, str(actual)]})
        if high
        else Proof("ratio", {"start": x, "steps": [["*", str(m)], ["+", c], ["-", str(actual)]]}),
        seconds=70,
        slope=1.0,
    )


@template(SKILL, count=3)
def kind_of_model(rng: random.Random) -> Draft:
    """Linear or exponential, increasing or decreasing, from a table."""
    exponential, up = rng.random() < 0.6, rng.random() < 0.5
    if exponential:
        ratio = rng.choice([2, 3]) if up else rng.choice([Fraction(1, 2), Fraction(1, 3)])
        start = (
            rng.choice([3, 4, 5, 6, 8])
            if up
            else rng.choice([5, 7, 10]) * ratio.denominator**4
            if isinstance(ratio, Fraction)
            else 4
        )
        values = [Fraction(start) * ratio**i for i in range(5)]
    else:
        step = rng.choice([6, 8, 12, 15])
        start = rng.choice([10, 14, 20]) if up else rng.choice([90, 100, 120])
        values = [Fraction(start + (step if up else -step) * i) for i in range(5)]
    what, unit = rng.choice(
        [
            ("mass of a mold sample", "grams"),
            ("number of active users of an app", "users"),
            ("amount of a salt in a tank", "grams"),
        ]
    )
    kind, way = ("exponential" if exponential else "linear"), ("increasing" if up else "decreasing")

    def say(k: str, w: str) -> str:
        return f"{w.capitalize()} {k}"

    other_kind, other_way = ("linear" if exponential else "exponential"), ("decreasing" if up else "increasing")
    options = [(kind, way), (other_kind, way), (kind, other_way), (other_kind, other_way)]
    texts = [say(*option) for option in options]
    the = what.replace(" a ", " the ").replace(" an ", " the ")
    if exponential:
        reason = f"Each value is {frac(values[1] / values[0])} times the one before, so the model is exponential."
    else:
        reason = f"Each value differs from the one before by {num(abs(values[1] - values[0]))}, so the model is linear."
    return draft(
        passage=text_table(
            ["Time (hours)", f"{'Amount' if unit == 'grams' else 'Number'} ({unit})"],
            [[str(i), num(v)] for i, v in enumerate(values)],
        ),
        stem=f"The table shows the {what} at several times. Which type of function best models the relationship "
        f"between time and the {the}?",
        answer=texts[0],
        wrong=[
            (
                texts[1],
                "You looked at the direction only. Check if the values change by equal amounts or by equal factors.",
            ),
            (
                texts[2],
                "You have the right kind of change but the wrong direction. Compare the first and the last value.",
            ),
            (texts[3], "You missed both the kind of change and its direction."),
        ],
        why=f"{reason} The values {'grow' if up else 'shrink'} over time, so the function is {way}.",
        band=4,
        hints=(
            "You want the type of function that fits the table.",
            "Look at neighbors in the table. Test their differences, then their ratios.",
            (
                f"The first two differences are {num(values[1] - values[0])} and {num(values[2] - values[1])}. Are "
                "they equal?"
            ),
            f"{reason} The values {'grow' if up else 'shrink'}. The answer is: {texts[0]}.",
        ),
        strategy="If the steps are equal, the model is linear. If the factors are equal, it is exponential.",
        proof=Proof(
            "judgement",
            {
                "rule": "model",
                "facts": {"values": [str(v) for v in values]},
                "tags": {text: {"kind": k, "way": w} for text, (k, w) in zip(texts, options, strict=True)},
            },
        ),
        seconds=55,
        slope=1.0,
    )


@template(SKILL, count=3)
def equation_of_best_fit(rng: random.Random) -> Draft:
    """Which of four lines fits a scatterplot."""
    x_label, y_label, x_name, y_name = rng.choice(SETTINGS)
    down = x_label.startswith("Age")
    b = Fraction(rng.choice([21, 26, 29, 34, 38]), 10)
    a = Fraction(rng.choice([62, 58, 74, 83]), 10)
    if down:
        a, b = a + 32, -b
    points = _cloud(rng, a, b, 8, 2)
    points = [(x, float(round(y))) for x, y in points]
    high = float(a + b * 5) - 5

    def say(intercept: Fraction, slope: Fraction) -> str:
        return f"y = {num(intercept)} {'+' if slope > 0 else '−'} {num(abs(slope))}x"

    options = [(a, b), (a, -b), (abs(b), a if not down else -a), (a * 3 if not down else a - 21, b)]
    texts = [say(*option) for option in options]
    if any(not 0 < y < 48 for _, y in points) or high < 0:
        raise Unusable("off the chart")
    return draft(
        stem=f"The scatterplot shows the relationship between x, the {x_name}, and y, the {y_name}. Which equation is "
        "the most appropriate linear model for the data?",
        figure=scatterplot(points, (0, 9, 1), (0, 48, 4), x_label, y_label),
        answer=texts[0],
        wrong=[
            (texts[1], "You chose the wrong sign for the slope. See if the points go up or down from left to right."),
            (texts[2], "You swapped the slope and the y-intercept. The constant is where the line meets the y-axis."),
            (texts[3], "You chose the wrong y-intercept. Follow the points back to x = 0."),
        ],
        why=f"The points {'fall' if down else 'rise'} from left to right, by about {num(abs(b))} for each step of x. "
        f"Followed back to x = 0, they reach about {num(a)}. So the model is {texts[0]}.",
        band=5,
        hints=(
            "You want the line that runs closest to the points.",
            "Picture a line through the middle of the points. Judge where it meets the y-axis, and its slope.",
            (
                f"The points {'fall' if down else 'rise'} from left to right. Near x = 1 they are close to y = "
                f"{num(Fraction(points[0][1]))}."
            ),
            (
                f"At x = 0 the line is near {num(a)}, and y changes by about {num(abs(b))} for each step. So it is "
                f"{texts[0]}."
            ),
        ),
        strategy="Check the sign of the slope first, then the intercept, then the size of the slope.",
        proof=Proof(
            "statistics",
            {
                "measure": "best_line",
                "points": [[int(x), int(y)] for x, y in points],
                "lines": {text: [str(option[0]), str(option[1])] for text, option in zip(texts, options, strict=True)},
            },
        ),
        seconds=75,
        slope=1.1,
    )


@template(SKILL, count=2)
def slope_from_two_points(rng: random.Random) -> Draft:
    """The slope of a line of best fit through two given points, or a later value. Typed."""
    x1, gap = rng.randint(2, 6), rng.choice([4, 5, 8, 10])
    m = Fraction(rng.choice([5, 7, 9, 11, 13]), rng.choice([2, 4, 5]))
    y1 = rng.randint(12, 40)
    y2 = y1 + m * gap
    later = x1 + gap * rng.choice([2, 3])
    right = y1 + m * (later - x1)
    if y2.denominator != 1 or right.denominator != 1:
        raise Unusable("want whole numbers")
    what = rng.choice(
        [
            "a study of lizards, x is the age in months and y is the length in millimeters",
            "a survey of homes, x is the number of rooms and y is the weekly water use in cubic feet",
        ]
    )
    return draft(
        stem=f"In {what}. A line of best fit for the data passes through the points ({x1}, {y1}) and ({x1 + gap}, "
        f"{num(y2)}). What y-value does this line predict for x = {later}?",
        answer=typed(right),
        why=f"The slope is ({num(y2)} − {y1})/({x1 + gap} − {x1}) = {num(m)}. From x = {x1} to x = {later} the line "
        f"rises by {num(m)} · {later - x1} = {num(m * (later - x1))}. So y = {y1} + {num(m * (later - x1))} = "
        f"{num(right)}.",
        band=6,
        hints=(
            f"You want the height of the line at x = {later}.",
            "Find the slope from the two points. Then step from one point to the new x.",
            f"From the first point to the second, y changes by {num(y2 - y1)} while x changes by {gap}.",
            (
                f"The slope is {num(m)}. From x = {x1} it is {later - x1} steps to x = {later}. So y = {y1} + "
                f"{num(m)} · {later - x1} = {num(right)}. The answer is {typed(right)}."
            ),
        ),
        strategy="Two points fix a line: find the slope, then extend it.",
        proof=Proof(
            "ratio",
            {"start": "choice", "steps": [["-", y1], ["/", later - x1], ["*", gap], ["+", y1]], "equals": str(y2)},
        ),
        seconds=85,
        slope=1.2,
    )


@template(SKILL, count=3)
def growth_in_words(rng: random.Random) -> Draft:
    """What a·b^(t/p) means."""
    p = rng.choice([2, 3, 4, 5, 6])
    percent = rng.choice([12, 15, 20, 30, 40, 60])
    up = rng.random() < 0.5
    base = Fraction(100 + percent, 100) if up else Fraction(100 - percent, 100)
    start = rng.choice([150, 240, 500, 800, 1200])
    what, unit, time = rng.choice(
        [
            ("number of bacteria in a dish", "", "hours"),
            ("number of subscribers of a channel", "", "months"),
            ("number of ants in a colony", "", "weeks"),
        ]
    )
    del unit
    way, verb = ("increases", "increase") if up else ("decreases", "decrease")
    one = time.removesuffix("s")
    the = what.replace(" a ", " the ")

    def say(amount: str, every: str) -> str:
        return f"The {the} {way} by {amount} every {every}."

    shown = num(base)
    whole = num(base * 100)
    right, inverse = (
        say(f"{percent}%", f"{p} {time}"),
        say(f"{percent}%", f"1/{p} {one}"),
    )
    each, full = say(f"{percent}%", one), say(f"{whole}%", f"{p} {time}")
    return draft(
        stem=f"The function f(t) = {num(start)}({shown})^(t/{p}) models the {what}, where t is the number of {time} "
        "since a count began. According to the model, which statement is true?",
        answer=right,
        wrong=[
            (each, f"You left out the {p} in the exponent. For the exponent to grow by 1, t must grow by more than 1."),
            (
                inverse,
                f"You divided where you should multiply. For the exponent t/{p} to grow by 1, t must grow, not shrink.",
            ),
            (
                full,
                (
                    f"You read {shown} itself as the percent of change. It tells what part of the amount there is "
                    "after the change."
                ),
            ),
        ],
        why=f"When t grows by {p}, the exponent t/{p} grows by 1, so the value is multiplied by {shown}. Multiplying "
        f"by {shown} is {'an' if up else 'a'} {verb} of {percent}%.",
        band=6,
        hints=(
            "You want the percent of change and how long one change takes.",
            f"See what happens when the exponent grows by 1. The value is then multiplied once more by {shown}.",
            f"The exponent is t/{p}. It goes from 0 to 1 while t goes from 0 to {p}.",
            f"In {p} {time} the value is multiplied by {shown}. That is a change of {percent}%. So: {right}",
        ),
        strategy="Set the exponent equal to 1 to find the time of one change; compare the base with 1 for its percent.",
        proof=Proof(
            "judgement",
            {
                "rule": "growth_meaning",
                "facts": {"base": str(base), "period": str(p), "start": start},
                "tags": {
                    right: {"percent": str(percent), "every": str(p), "way": "up" if up else "down"},
                    each: {"percent": str(percent), "every": "1", "way": "up" if up else "down"},
                    inverse: {"percent": str(percent), "every": f"1/{p}", "way": "up" if up else "down"},
                    full: {"percent": str(base * 100), "every": str(p), "way": "up" if up else "down"},
                },
            },
        ),
        seconds=85,
        slope=1.3,
    )


@template(SKILL, count=2)
def two_models(rng: random.Random) -> Draft:
    """How far a linear and an exponential model with two common values are apart later. Typed."""
    start, ratio, end = (
        rng.choice([20, 40, 50, 80, 120, 160]),
        rng.choice([Fraction(3, 2), Fraction(2)]),
        rng.choice([3, 4]),
    )
    linear = start + end * start * (ratio - 1)
    growth = start * ratio**end
    right = growth - linear
    if right.denominator != 1:
        raise Unusable("want whole numbers")
    second = start * ratio
    what = rng.choice(
        ["number of members of a club", "number of beetles on a farm", "number of homes with solar panels"]
    )
    return draft(
        stem=f"The {what} was {start} at the beginning of a study and {num(second)} one year later. A linear model "
        f"and an exponential model both agree with these two numbers. For {end} years after the beginning of the "
        "study, how much greater is the prediction of the exponential model than that of the linear model?",
        answer=typed(right),
        why=f"The linear model adds {num(second - start)} each year: {start} + {end} · {num(second - start)} = "
        f"{num(linear)}. The exponential model multiplies by {num(ratio)} each year: {start} · "
        f"{num(ratio)}{'³' if end == 3 else '⁴'} = {num(growth)}. The difference is {num(right)}.",
        band=7,
        hints=(
            "You want the gap between the two predictions.",
            (
                "A linear model adds the same amount each year. An exponential model multiplies by the same number "
                "each year."
            ),
            (
                f"The linear model adds {num(second - start)} each year. The other one multiplies by {num(ratio)} "
                "each year."
            ),
            (
                f"Linear: {num(linear)}. Exponential: {num(growth)}. The gap is {num(growth)} − {num(linear)} = "
                f"{num(right)}. The answer is {typed(right)}."
            ),
        ),
        strategy="Find the yearly step of each model from the two shared values, then go on separately.",
        proof=Proof(
            "ratio",
            {
                "start": "choice",
                "steps": [["+", f"{start}+{end}*({second}-{start})"], ["/", f"({ratio})**{end}"]],
                "equals": start,
            },
        ),
        seconds=105,
        slope=1.3,
    )
