"""Templates for inference from sample statistics and margin of error."""

from __future__ import annotations

import random
from fractions import Fraction

from bonsai_recs.authoring.kit import Draft, Proof, Unusable
from bonsai_recs.authoring.making import about, draft, num, template, text_table, typed

SKILL = "Inference from sample statistics and margin of error"

POLLS = [
    ("residents of a town", "support a new bike path", "residents"),
    ("customers of an online shop", "would pay for faster delivery", "customers"),
    ("students at a university", "study in the library every week", "students"),
    ("subscribers of a newspaper", "read the science section", "subscribers"),
    ("employees of a hospital", "travel to work by bus", "employees"),
]


def _the(who: str) -> str:
    """`residents of the town` from `residents of a town`."""
    return who.replace(" a ", " the ").replace(" an ", " the ")


@template(SKILL, count=3)
def scale_up(rng: random.Random) -> Draft:
    """A sample proportion applied to the population."""
    who, does, short = rng.choice(POLLS)
    n, k = rng.choice([40, 50, 80, 120, 150]), rng.randint(8, 60)
    population = n * rng.randint(12, 60)
    share = Fraction(k, n)
    if not Fraction(1, 10) < share < Fraction(9, 10) or k * 2 == n:
        raise Unusable("want a middle share")
    right = share * population
    return draft(
        stem=f"In a random sample of {n} {who}, {k} said that they {does}. There are {num(population)} {short} in "
        f"all. Based on the sample, which is the best estimate of the number of {short} who {does}?",
        answer=num(right),
        wrong=[
            (num(population - right), "You estimated the number of those who do not."),
            (
                num(Fraction(population, n)),
                (
                    "You divided the population by the sample size and stopped. This still has to be used on the "
                    "sample's count."
                ),
            ),
            (
                num(about(Fraction(population, k), 0)),
                f"You divided the population by {k}. The share comes from {k} out of {n}.",
            ),
        ],
        why=f"In the sample, the share is {k} out of {n}. Applied to all {num(population)}, this gives {k}/{n} · "
        f"{num(population)} = {num(right)}.",
        band=1,
        hints=(
            f"You want to estimate a number for all {short}.",
            "Find the share in the sample. Use the same share for the whole group.",
            f"The share is {k} out of {n}. The whole group has {num(population)}.",
            f"{k}/{n} · {num(population)} = {num(right)}.",
        ),
        strategy="A random sample has about the same share as its population; scale the share up.",
        proof=Proof("ratio", {"start": "choice", "steps": [["/", population]], "equals": f"{k}/{n}"}),
        seconds=55,
        slope=0.8,
    )


@template(SKILL, count=2)
def faulty_items(rng: random.Random) -> Draft:
    """An estimate for a batch from a sample. Typed."""
    n, k = rng.choice([60, 75, 80, 90, 120, 150]), rng.randint(2, 6)
    times = rng.randint(12, 60)
    what = rng.choice(["light bulbs", "batteries", "zippers", "ceramic mugs", "circuit boards"])
    return draft(
        stem=f"A random sample of {n} {what} from one day's production was tested, and {k} of them were faulty. On "
        f"that day, {num(n * times)} {what} were made. Based on the sample, how many of them are expected to be "
        "faulty?",
        answer=typed(k * times),
        why=f"The production is {num(n * times)} ÷ {n} = {times} times as large as the sample. So about {k} · {times} "
        f"= {k * times} faulty {what} are expected.",
        band=2,
        hints=(
            f"You want the expected number of faulty {what}.",
            "The share in the sample is about the share in all. Find how many times larger the whole is.",
            f"The whole is {num(n * times)} ÷ {n} times as large as the sample.",
            f"{num(n * times)} ÷ {n} = {times}. Then {k} · {times} = {k * times}. The answer is {k * times}.",
        ),
        strategy="Scale the count of the sample by population size over sample size.",
        proof=Proof("ratio", {"start": "choice", "steps": [["/", n * times]], "equals": f"{k}/{n}"}),
        seconds=55,
        slope=0.8,
    )


@template(SKILL, count=3)
def interval_of_percent(rng: random.Random) -> Draft:
    """The range that an estimate and its margin give, about the right group."""
    who, does, short = rng.choice(POLLS)
    p, m = rng.randint(28, 72), rng.randint(2, 6)
    n = rng.choice([200, 300, 400, 500])
    right = f"It is plausible that between {p - m}% and {p + m}% of all {_the(who)} {does}."
    sample = f"It is plausible that between {p - m}% and {p + m}% of the {n} {short} in the sample {does}."
    sure = f"Exactly {p}% of all {_the(who)} {does}."
    wide = f"It is plausible that at most {m}% of all {_the(who)} {does}."
    return draft(
        stem=f"A random sample of {n} {who} was asked a question. Based on the answers, it is estimated that {p}% of "
        f"all {_the(who)} {does}, with an associated margin of error of {m} percentage points. Which is the most "
        "appropriate conclusion?",
        answer=right,
        wrong=[
            (
                sample,
                (
                    "You applied the margin to the sample. What the people in the sample said is known exactly; the "
                    "unknown is the whole group."
                ),
            ),
            (
                sure,
                (
                    "You took the estimate as certain. A sample gives only an estimate, and the margin shows how far "
                    "off it may be."
                ),
            ),
            (
                wide,
                (
                    "You took the margin of error as the percent itself. It tells how far the true value may be from "
                    "the estimate."
                ),
            ),
        ],
        why=f"The estimate with its margin gives the range from {p}% − {m}% to {p}% + {m}%. It is about all "
        f"{_the(who)}, since the sample was drawn from them at random. Values in this range are plausible for the "
        "true percent.",
        band=3,
        hints=(
            "You want what the margin of error lets you say.",
            "Add the margin to the estimate and subtract it. Ask which group the result is about.",
            f"The estimate is {p}%, and the margin is {m} points on each side. The sample stands for all {_the(who)}.",
            f"The range is from {p - m}% to {p + m}%, for the whole group. So: {right}",
        ),
        strategy="Add and subtract the margin. The range you get is about the whole group, not about the sample.",
        proof=Proof(
            "judgement",
            {
                "rule": "interval",
                "facts": {"estimate": p, "margin": m, "population": "all"},
                "tags": {
                    right: {"low": str(p - m), "high": str(p + m), "population": "all", "certain": False},
                    sample: {"low": str(p - m), "high": str(p + m), "population": "sample"},
                    sure: {"low": str(p), "high": str(p), "certain": True},
                    wide: {"low": "0", "high": str(m)},
                },
            },
        ),
        seconds=70,
        slope=1.0,
    )


@template(SKILL, count=3)
def mean_with_margin(rng: random.Random) -> Draft:
    """What a margin of error of a mean says."""
    what, unit, who, low, high = rng.choice(
        [
            ("mean daily screen time", "minutes", "teenagers in a city", 110, 240),
            ("mean mass", "grams", "apples from an orchard", 120, 210),
            ("mean length", "millimeters", "trout in a lake", 220, 390),
            ("mean travel time", "minutes", "commuters in a county", 24, 48),
        ]
    )
    x, m = rng.randint(low, high), rng.randint(3, 9)
    the = _the(who)
    each = f"Each of the {the} has a value between {x - m} and {x + m} {unit}."
    right = f"Plausible values for the {what} of all {the} lie between {x - m} and {x + m} {unit}."
    sample = f"The {what} of those in the sample lies between {x - m} and {x + m} {unit}, but its value is not known."
    most = f"The {what} of all {the} is certain to be {x} {unit}."
    return draft(
        stem=f"From a random sample, the {what} of {who} is estimated to be {x} {unit}, with an associated margin of "
        f"error of {m} {unit}. Which is the best interpretation of the margin of error?",
        answer=right,
        wrong=[
            (
                each,
                (
                    "You read the range as one for single values. It is about a mean, and single values can lie far "
                    "outside."
                ),
            ),
            (
                sample,
                "You read the range as one for the sample. The mean of the sample was calculated, so it is known.",
            ),
            (
                most,
                "You left the margin out. Because only a sample was taken, the true mean may differ from the estimate.",
            ),
        ],
        why=f"A margin of error belongs to the estimate of a value of the whole population, here the {what}. The "
        f"estimate minus and plus the margin, {x} − {m} and {x} + {m}, bound the plausible values.",
        band=4,
        hints=(
            "You want to say in words what the margin means.",
            "Ask three things. Is it about one value or a mean? About the sample or all? Is it certain?",
            f"The estimate {x} is a mean. From it, go {m} down and {m} up.",
            f"The range goes from {x - m} to {x + m}, for the mean of all. So: {right}",
        ),
        strategy="A margin of error is about the mean of the whole group. It says nothing of single members.",
        proof=Proof(
            "judgement",
            {
                "rule": "interval",
                "facts": {"estimate": x, "margin": m, "population": "all"},
                "tags": {
                    right: {"low": str(x - m), "high": str(x + m), "subject": "population value", "certain": False},
                    each: {"low": str(x - m), "high": str(x + m), "subject": "single values"},
                    sample: {"low": str(x - m), "high": str(x + m), "subject": "sample value"},
                    most: {"low": str(x), "high": str(x), "certain": True},
                },
            },
        ),
        seconds=70,
        slope=1.1,
    )


@template(SKILL, count=3)
def smaller_margin(rng: random.Random) -> Draft:
    """Which change of a study makes the margin of error smaller."""
    who, does, short = rng.choice(POLLS)
    n = rng.choice([80, 100, 120, 150])
    sizes = [n * 4, n // 2, n, n // 4]
    once = f"Selecting {n * 4} of the {short} at random"
    texts = [
        once,
        f"Selecting {n // 2} of the {short} at random",
        f"Selecting another {n} of the {short} at random",
        f"Selecting {n // 4} of the {short} at random",
    ]
    return draft(
        stem=f"A researcher asked {n} {who}, who were selected at random, if they {does}. The researcher wants to "
        "repeat the survey with the same method, so that the estimate has a smaller margin of error. Which "
        "change is most likely to do this?",
        answer=once,
        wrong=[
            (texts[1], "You made the sample smaller. With fewer people, chance has more effect on the result."),
            (texts[2], "You kept the size of the sample. A new sample of the same size gives about the same margin."),
            (texts[3], "You made the sample much smaller. That makes an estimate less exact."),
        ],
        why="With the same method, a larger random sample gives a smaller margin of error, because chance evens out "
        f"over more people. Only one choice has more than {n} people.",
        band=3,
        hints=(
            "You want the change that makes the estimate more exact.",
            "Think about chance. Does it matter more in a small sample or in a large one?",
            f"Compare each size with {n}, the size that was used first.",
            f"A larger random sample gives a smaller margin of error. So: {once}.",
        ),
        strategy="Larger random samples have smaller margins of error.",
        proof=Proof(
            "judgement",
            {
                "rule": "least_margin",
                "facts": {"sizes": sizes},
                "tags": {text: {"size": size} for text, size in zip(texts, sizes, strict=True)},
            },
        ),
        seconds=55,
        slope=1.0,
    )


@template(SKILL, count=3)
def estimate_from_interval(rng: random.Random) -> Draft:
    """Find the margin from the range of plausible values."""
    low, m = rng.randrange(30, 90), rng.randint(3, 12)
    tenth = rng.choice([1, 10])
    a, b = Fraction(low, tenth), Fraction(low + 2 * m, tenth)
    margin = Fraction(m, tenth)
    what, unit = rng.choice(
        [
            ("mean sleep time of a group of cats", "hours"),
            ("mean mass of the turtles in a pond", "kilograms"),
            ("mean waiting time at an office", "minutes"),
        ]
    )
    if unit == "hours":
        a, b, margin = Fraction(low, 10) + 5, Fraction(low + 2 * m, 10) + 5, Fraction(m, 10)
        if b > 20:
            raise Unusable("too sleepy")
    return draft(
        stem=f"Based on a random sample, the {what} is estimated with a margin of error. The plausible values for "
        f"this mean are from {num(a)} to {num(b)} {unit}. What is the margin of error, in {unit}?",
        answer=num(margin),
        wrong=[
            (
                num(b - a),
                "You found the width of the whole range. It holds the margin twice, once on each side of the estimate.",
            ),
            (num((a + b) / 2), "You found the middle of the range. That is the estimate, not the margin."),
            (num(b), "You took the greatest plausible value. The margin is a distance from the estimate."),
        ],
        why="The estimate is in the middle of the range, and the margin is the distance from it to either end. The "
        f"width is {num(b)} − {num(a)} = {num(b - a)}, so the margin is {num(b - a)} ÷ 2 = {num(margin)}.",
        band=5,
        hints=(
            "You want the distance from the estimate to each end of the range.",
            "The estimate lies in the middle. So the margin is half of the width.",
            f"The width is {num(b)} − {num(a)} = {num(b - a)}.",
            f"{num(b - a)} ÷ 2 = {num(margin)}.",
        ),
        strategy="The range is estimate minus margin to estimate plus margin; half its width is the margin.",
        proof=Proof("ratio", {"start": "choice", "steps": [["*", 2], ["+", str(a)]], "equals": str(b)}),
        seconds=60,
        slope=1.1,
    )


@template(SKILL, count=3)
def greatest_plausible(rng: random.Random) -> Draft:
    """The least or greatest plausible number in a population. Typed."""
    who, does, short = rng.choice(POLLS)
    p, m, population = rng.randint(30, 70), rng.randint(2, 6), rng.choice([800, 1200, 1500, 2000, 2400, 3000, 4500])
    high = rng.random() < 0.5
    bound = p + m if high else p - m
    right = Fraction(bound * population, 100)
    if right.denominator != 1:
        raise Unusable("want whole people")
    return draft(
        stem=f"From a random sample of the {num(population)} {who}, it is estimated that {p}% of them {does}. The "
        f"margin of error is {m} percentage points. Based on this, what is the {'greatest' if high else 'least'} "
        f"plausible number of {short} who {does}?",
        answer=typed(right),
        why=f"The {'greatest' if high else 'least'} plausible percent is {p}% {'+' if high else '−'} {m}% = {bound}%. "
        f"For {num(population)} {short} that is {num(Fraction(bound, 100))} · {num(population)} = {num(right)}.",
        band=5,
        hints=(
            f"You want one end of the plausible range, as a number of {short}.",
            f"{'Add' if high else 'Subtract'} the margin first. Then take this percent of the whole group.",
            f"The percent you need is {p}% {'+' if high else '−'} {m}%.",
            (
                f"{bound}% of {num(population)} is {num(Fraction(bound, 100))} · {num(population)} = {num(right)}. "
                f"The answer is {typed(right)}."
            ),
        ),
        strategy="Apply the margin to the percent before you turn the percent into a number.",
        proof=Proof(
            "ratio",
            {"start": "choice", "steps": [["/", population], ["*", 100], ["-", p]], "equals": m if high else -m},
        ),
        seconds=75,
        slope=1.2,
    )


@template(SKILL, count=3)
def estimate_from_table(rng: random.Random) -> Draft:
    """A difference of two groups in a population from a table of a sample."""
    who, options = rng.choice(
        [
            ("voters in a district", ("Plan A", "Plan B", "Undecided")),
            ("members of a sports club", ("Logo 1", "Logo 2", "No opinion")),
            ("readers of a magazine", ("Print", "Online", "Both")),
        ]
    )
    short = who.split()[0]
    counts = [rng.randrange(20, 90, 2) for _ in range(3)]
    n = sum(counts)
    times = rng.randint(15, 40)
    a, b = counts[0], counts[1]
    if a - b < 6 or n % 10:
        raise Unusable("want a clear gap")
    right = (a - b) * times
    only = about(Fraction((a - b) * n * times, a + b), 0)
    return draft(
        passage=text_table(
            ["Choice", "Number in the sample"], [[o, str(c)] for o, c in zip(options, counts, strict=True)]
        ),
        stem=f"The table shows what a random sample of {n} {who} chose. There are {num(n * times)} {short} in all. "
        f"Based on the sample, about how many more of them would choose “{options[0]}” than “{options[1]}”?",
        answer=num(right),
        wrong=[
            (num(a * times), f"You found the number for “{options[0]}” alone. The question asks for a difference."),
            (num(only), f"You left “{options[2]}” out of the sample. The shares must be out of all {n}."),
            (num(a - b), "You gave the difference in the sample. It still has to be scaled up to all."),
        ],
        why=f"In the sample the difference is {a} − {b} = {a - b}. The whole group is {num(n * times)} ÷ {n} = "
        f"{times} times as large, so the difference is about {a - b} · {times} = {num(right)}.",
        band=4,
        hints=(
            "You want a difference for the whole group.",
            "Find the difference in the sample. Then scale it up.",
            f"The difference in the sample is {a} − {b}. The whole group is {num(n * times)} ÷ {n} times as large.",
            f"{a - b} · {times} = {num(right)}.",
        ),
        strategy="Find how many times larger the whole group is. Scale the sample's difference up by that.",
        proof=Proof("ratio", {"start": "choice", "steps": [["/", n * times], ["*", n], ["+", b]], "equals": a}),
        seconds=75,
        slope=1.1,
    )


@template(SKILL, count=3)
def two_estimates(rng: random.Random) -> Draft:
    """Whether two estimates differ beyond their margins."""
    one, two, what = rng.choice(
        [
            ("Hotel Aurora", "Hotel Baobab", "percent of satisfied guests of each hotel"),
            ("Clinic X", "Clinic Y", "percent of patients who wait more than an hour at each clinic"),
            ("Route 5", "Route 9", "percent of late buses on each route"),
        ]
    )
    p, m = rng.randint(35, 50), rng.randint(2, 4)
    apart = rng.random() < 0.5
    gap = 2 * m + rng.randint(2, 4) if apart else rng.randint(2, 2 * m - 1)
    q = p + gap
    sure_two = f"The true percent is plausibly larger for {two} than for {one}, since the two ranges do not meet."
    sure_one = f"The true percent is plausibly larger for {one} than for {two}, since the two ranges do not meet."
    open_ = "It cannot be told which true percent is larger, since the two ranges meet."
    same = "The true percents must be equal, since the margins of error are equal."
    right = sure_two if apart else open_
    remark_open = "You let the ranges meet, but they do not. Find both ends of each range."
    remark_two = (
        "You compared only the estimates. The true values may lie anywhere in their ranges, and these ranges meet."
    )
    verdict = (
        "These ranges do not meet, so the second percent is plausibly larger."
        if apart
        else "These ranges meet, so either true percent may be the larger one."
    )
    return draft(
        stem=f"Based on random samples, the {what} was estimated. The estimate is {p}% for {one} and {q}% for {two}. "
        f"Each has a margin of error of {m} percentage points. Which conclusion is best supported?",
        answer=right,
        wrong=[
            (open_, remark_open) if apart else (sure_two, remark_two),
            (sure_one, "You mixed up the two estimates. Check which of them is higher."),
            (same, "You compared the margins. If they are equal, both estimates are just as exact."),
        ],
        why=f"The plausible values are from {p - m}% to {p + m}% for {one}, and from {q - m}% to {q + m}% for {two}. "
        f"{verdict}",
        band=6,
        hints=(
            "You want to know if the two estimates differ for sure.",
            "Find the range of plausible values for each. See if the ranges share any values.",
            f"The first range is {p - m}% to {p + m}%. Find the second one in the same way.",
            f"The second range is {q - m}% to {q + m}%. The ranges {'do not meet' if apart else 'meet'}. So: {right}",
        ),
        strategy="Compare the ranges, not the estimates. If the ranges meet, you cannot tell which is larger.",
        proof=Proof(
            "judgement",
            {
                "rule": "plausible",
                "facts": {"estimates": [[p, m], [q, m]]},
                "tags": {
                    sure_two: {"differ": True, "larger": 1},
                    sure_one: {"differ": True, "larger": 0},
                    open_: {"differ": False},
                    same: {"differ": "equal"},
                },
            },
        ),
        seconds=90,
        slope=1.3,
    )


@template(SKILL, count=3)
def total_with_margin(rng: random.Random) -> Draft:
    """A plausible total from a mean with its margin."""
    x, m = Fraction(rng.randint(24, 80), 10), Fraction(rng.randint(2, 8), 10)
    homes = rng.choice([400, 500, 600, 800, 1200, 1500])
    what, unit, where = rng.choice(
        [
            ("waste per week", "kilograms", "homes in a village"),
            ("milk per day", "gallons", "cows in a valley"),
            ("fruit per season", "kilograms", "bushes on a farm"),
        ]
    )
    low, high = (x - m) * homes, (x + m) * homes
    if low <= 0:
        raise Unusable("want positive numbers")
    inside = low + (high - low) * Fraction(rng.choice([1, 3]), 4)
    under, over, far = low - homes * Fraction(1, 2), high + homes * Fraction(1, 4), high + homes * Fraction(9, 10)
    if under <= 0:
        raise Unusable("want positive numbers")
    noun = where.split()[0]
    return draft(
        stem=f"From a random sample of the {num(homes)} {where}, the mean amount of {what} for all of them is "
        f"estimated to be {num(x)} {unit}, with a margin of error of {num(m)} {unit}. Which of the following is "
        f"a plausible total amount, in {unit}, for all {num(homes)} {noun}?",
        answer=num(inside),
        wrong=[
            (
                num(under),
                "You went below the least plausible mean. Subtract the margin from the estimate to find the lower end.",
            ),
            (num(over), "You went above the greatest plausible mean. Add the margin to the estimate only once."),
            (num(far), "You added far more than the margin. The mean must stay within one margin of the estimate."),
        ],
        why=f"Plausible means are from {num(x - m)} to {num(x + m)} {unit}. For {num(homes)} {noun}, the totals are "
        f"from {num(low)} to {num(high)} {unit}. Only {num(inside)} lies in this range.",
        band=7,
        hints=(
            "You want a total that fits the estimate and its margin.",
            "Find the range for the mean. Multiply both ends by the number in the whole group.",
            f"Plausible means are from {num(x - m)} to {num(x + m)}. There are {num(homes)} {noun}.",
            f"Totals are from {num(low)} to {num(high)}. Only one choice is in this range. It is {num(inside)}.",
        ),
        strategy="Turn the range of the mean into a range of the total before comparing.",
        proof=Proof(
            "statistics",
            {"measure": "between", "low": str((x - m) * homes), "high": str((x + m) * homes)},
        ),
        seconds=100,
        slope=1.3,
    )
