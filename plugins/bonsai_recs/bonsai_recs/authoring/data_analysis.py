"""Templates for one-variable data: distributions, measures of center and spread."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from fractions import Fraction

from bonsai_recs.authoring.figures import box_plots, dot_plots, histogram
from bonsai_recs.authoring.kit import Draft, Proof, Unusable
from bonsai_recs.authoring.making import NAMES, draft, listing, num, template, text_table, typed

SKILL = "One-variable data: Distributions and measures of center and spread"


def _mean(data: list[int]) -> Fraction:
    return Fraction(sum(data), len(data))


def _median(data: list[int]) -> Fraction:
    ranked, half = sorted(data), len(data) // 2
    return Fraction(ranked[half]) if len(data) % 2 else Fraction(ranked[half - 1] + ranked[half], 2)


@template(SKILL, count=3)
def center_of_list(rng: random.Random) -> Draft:
    """The mean or the median of a short list."""
    data = [rng.randint(4, 40) for _ in range(5)]
    ask = rng.choice(["mean", "median"])
    mean, median = _mean(data), _median(data)
    if mean.denominator != 1 or mean == median or data[2] == median or len(set(data)) < 5:
        raise Unusable("want different centers")
    right, other = (mean, median) if ask == "mean" else (median, mean)
    what = rng.choice(
        ["minutes that five bus rides took", "points that five players scored", "pages in five short stories"]
    )
    ranked = sorted(data)
    meaning = {
        "mean": "The mean is the sum divided by how many values there are.",
        "median": "The median is the middle value of the list in order.",
    }[ask]
    work = (
        f"The sum is {sum(data)}. Dividing by the 5 values gives {sum(data)} ÷ 5 = {num(mean)}"
        if ask == "mean"
        else f"In order the values are {listing(ranked)}. The third of the five is {num(median)}"
    )
    return draft(
        stem=f"The list gives the number of {what}: {listing(data)}. What is the {ask} of these values?",
        answer=num(right),
        wrong=[
            (num(other), f"You found the {'median' if ask == 'mean' else 'mean'}. The question asks for the {ask}."),
            (num(max(data) - min(data)), "You found the range, which tells how far the values spread."),
            (
                (num(data[2]), "You took the middle of the list as it is given. The values must be put in order first.")
                if ask == "median"
                else (
                    num(Fraction(max(data) + min(data), 2)),
                    "You took the middle between the least and greatest values. All values count.",
                )
            ),
        ],
        why=f"{meaning} {work}.",
        band=1,
        hints=(
            f"You want the {ask} of the five values.",
            "Add all values. Then divide by how many there are."
            if ask == "mean"
            else "Put the values in order. Then find the one in the middle.",
            f"The sum of the values is {sum(data)}. There are 5 of them."
            if ask == "mean"
            else f"The order begins {listing(ranked[:2])}. Find the third value.",
            f"{work}. The answer is {num(right)}.",
        ),
        strategy="Mean: add and divide. Median: put in order and take the middle.",
        proof=Proof("statistics", {"data": data, "measure": ask}),
        seconds=50,
        slope=0.8,
    )


@template(SKILL, count=3)
def median_of_dot_plot(rng: random.Random) -> Draft:
    """The median of a dot plot."""
    low = rng.randint(0, 4)
    n = rng.choice([11, 13, 15])
    data = sorted(low + rng.choice([0, 1, 1, 2, 2, 3, 4, 5, 5, 6]) for _ in range(n))
    data[0], data[-1] = low, low + 6
    median, mode = data[n // 2], max(set(data), key=data.count)
    if list(map(data.count, set(data))).count(data.count(mode)) > 1 or data.count(mode) > 5:
        raise Unusable("want one mode")
    what = rng.choice(["Number of siblings", "Goals in a game", "Number of museum visits", "Pets in the home"])
    spread = low + 3
    return draft(
        stem=f"The dot plot summarizes a data set with {n} values ({what.lower()}). What is the median of the data "
        "set?",
        figure=dot_plots([("", data)], what),
        answer=num(median),
        wrong=[
            (num(mode), "You chose the value with the most dots. That is the mode."),
            (
                num(spread),
                "You took the middle of the number line. The median depends on how many dots are on each side.",
            ),
            (num(n // 2 + 1), "You gave the place of the middle dot. The question asks for the value at this place."),
        ],
        why=f"There are {n} values, so the median is value number {n // 2 + 1} in order. Counting the dots from the "
        f"left, this value is {median}.",
        band=2,
        hints=(
            "You want the middle value of the data set.",
            "Each dot is one value. Count the dots from the left until you reach the middle one.",
            f"Half of {n} is not whole. So there are {n // 2} dots before the middle dot.",
            f"Dot number {n // 2 + 1} from the left stands over {median}. The answer is {median}.",
        ),
        strategy="Count dots from one end up to the middle place; then read the value below that dot.",
        proof=Proof("statistics", {"data": data, "measure": "median"}),
        seconds=55,
        slope=0.9,
    )


@template(SKILL, count=3)
def mean_of_frequencies(rng: random.Random) -> Draft:
    """The mean of a frequency table. Typed."""
    low = rng.randint(0, 3)
    values = list(range(low, low + 4))
    counts = [rng.randint(2, 9) for _ in values]
    total, n = sum(v * c for v, c in zip(values, counts, strict=True)), sum(counts)
    mean = Fraction(total, n)
    if n not in (16, 20, 25, 40, 10) or mean.denominator == 1 or (mean * 100).denominator != 1:
        raise Unusable("want a short decimal")
    what, who = rng.choice(
        [("Number of clubs", "students"), ("Number of errors", "reports"), ("Number of bedrooms", "homes")]
    )
    return draft(
        passage=text_table([what, f"Number of {who}"], [[str(v), str(c)] for v, c in zip(values, counts, strict=True)]),
        stem=f"The table summarizes a data set for {n} {who}. What is the mean of the data set?",
        answer=typed(mean),
        why=f"Each value counts as often as the table says. The sum of all values is {total}, and there are {n} "
        f"{who}. The mean is {total} ÷ {n} = {num(mean)}.",
        band=3,
        hints=(
            f"You want the mean over all {n} {who}.",
            "Multiply each value by how often it occurs. Add the results, then divide by how many values there are.",
            f"For example, the last row adds {values[3]} · {counts[3]} to the sum.",
            f"The sum is {total}. So the mean is {total} ÷ {n} = {num(mean)}.",
        ),
        strategy="In a frequency table, weigh each value by its frequency.",
        proof=Proof("statistics", {"data": {"values": values, "counts": counts}, "measure": "mean"}),
        seconds=75,
        slope=1.0,
    )


@template(SKILL, count=3)
def two_box_plots(rng: random.Random) -> Draft:
    """How two box plots differ in median or range, or the interquartile range of one."""
    step = rng.choice([2, 5])

    def five() -> tuple[int, int, int, int, int]:
        a, b, c, d, e = sorted(rng.sample(range(1, 12), 5))
        return a * step, b * step, c * step, d * step, e * step

    one, two = five(), five()
    measures: dict[str, Callable[[Sequence[int]], int]] = {
        "median": lambda numbers: numbers[2],
        "range": lambda numbers: numbers[4] - numbers[0],
        "interquartile range": lambda numbers: numbers[3] - numbers[1],
    }
    gaps = {name: measure(one) - measure(two) for name, measure in measures.items()}
    ask = rng.choice(sorted(gaps))
    right = gaps[ask]
    if right <= 0:
        raise Unusable("want the first larger")
    where = rng.choice(
        [
            ("Route A", "Route B", "Time (minutes)"),
            ("Farm A", "Farm B", "Mass (grams)"),
            ("Class A", "Class B", "Score"),
        ]
    )
    remarks = {
        "median": "You compared the medians, which are the lines inside the boxes.",
        "range": "You compared the ranges, from the least to the greatest value.",
        "interquartile range": "You compared the lengths of the boxes. Those are the interquartile ranges.",
    }
    others = [(num(abs(gaps[name])), remarks[name]) for name in sorted(gaps) if name != ask]
    low, high = measures[ask](one), measures[ask](two)
    parts = {"median": ["median"], "range": ["range"], "interquartile range": ["summary_iqr"]}[ask][0]
    how = {
        "median": "The median is the line inside a box.",
        "range": "The range is the greatest value minus the least, from end to end.",
        "interquartile range": "The interquartile range is the length of the box.",
    }[ask]
    return draft(
        stem=f"The box plots summarize two data sets, one for {where[0]} and one for {where[1]}. How much greater is "
        f"the {ask} for {where[0]} than the {ask} for {where[1]}?",
        figure=box_plots([(where[0], one), (where[1], two)], (0, 12 * step, step * 2 if step == 5 else 4), where[2]),
        answer=num(right),
        wrong=[
            *others,
            (num(low), f"You found the {ask} for {where[0]} only. The question asks how much greater it is."),
        ],
        why=f"{how} It is {low} for {where[0]} and {high} for {where[1]}. The difference is {low} − {high} = {right}.",
        band=3,
        hints=(
            f"You want the gap between two values of the {ask}.",
            how + " Find it for both plots, then subtract.",
            f"For {where[1]}, the {ask} is {high}." if high != right else f"Read the {ask} for {where[0]} first.",
            f"The two values are {low} and {high}. {low} − {high} = {right}.",
        ),
        strategy="Know what each part of a box plot stands for: ends, box, and the line inside.",
        proof=Proof("statistics", {"data": list(one), "measure": parts, "minus": {"data": list(two)}}),
        seconds=60,
        slope=1.0,
    )


@template(SKILL, count=3)
def missing_for_mean(rng: random.Random) -> Draft:
    """The value that brings the mean to a target."""
    n = rng.choice([4, 5, 6])
    data = [rng.randint(60, 95) for _ in range(n)]
    target = rng.randint(72, 90)
    right = target * (n + 1) - sum(data)
    name = rng.choice(NAMES)
    if not 55 <= right <= 100 or right == target:
        raise Unusable("want a possible score")
    if sum(data) % n or sum(data) >= target * n:
        raise Unusable("want a whole mean below the target")
    words = {4: "four", 5: "five", 6: "six"}
    return draft(
        stem=f"{name}'s scores on {words[n]} quizzes are {listing(data)}. What score does {name} need on the next "
        f"quiz so that the mean of all {n + 1} scores is {target}?",
        answer=num(right),
        wrong=[
            (num(target), f"You took the target itself. That works only if the mean is {target} already."),
            (
                num(target * n - sum(data)),
                f"You used {n} scores in the total. With the next quiz there are more.",
            ),
            (
                num(2 * target - sum(data) // n),
                "You averaged the present mean with the new score. The present mean stands for several scores.",
            ),
        ],
        why=f"A mean of {target} over {n + 1} scores needs a sum of {target} · {n + 1} = {target * (n + 1)}. The "
        f"scores so far add up to {sum(data)}. So the next one is {target * (n + 1)} − {sum(data)} = {right}.",
        band=4,
        hints=(
            "You want the one score that is missing.",
            "Find the sum that the target mean needs. Subtract the sum of the scores so far.",
            f"The sum must be {target} · {n + 1}. The scores so far add up to {sum(data)}.",
            f"{target} · {n + 1} = {target * (n + 1)}. Then {target * (n + 1)} − {sum(data)} = {right}.",
        ),
        strategy="Work with sums: mean times number of values.",
        proof=Proof(
            "statistics", {"data": data, "changes": [["append", "choice"]], "measure": "mean", "equals": target}
        ),
        seconds=75,
        slope=1.1,
    )


@template(SKILL, count=3)
def outlier_joins(rng: random.Random) -> Draft:
    """What a far value does to mean and median."""
    base = rng.randrange(20, 60, 5)
    middle = [base + 4] * 3
    data = sorted([base, base + rng.randint(1, 3), *middle, base + rng.randint(5, 8), base + rng.randint(9, 12)])
    high = rng.random() < 0.5
    extra = base + rng.randint(35, 45) if high else max(1, base - rng.randint(15, 19))
    if not high and base < 25:
        raise Unusable("want a far value")
    what = rng.choice(
        [
            "ages of the members of a chess club",
            "prices, in dollars, of seven chairs",
            "masses, in kilograms, of seven dogs",
        ]
    )
    what = what.replace("members of a chess club", "seven members of a chess club")
    word, wrong_word = ("greater than", "less than") if high else ("less than", "greater than")
    sign, opposite = ("greater", "less") if high else ("less", "greater")
    mean_up, both = (
        f"The mean is {word} before, and the median is the same.",
        f"Both the mean and the median are {word} before.",
    )
    median_only = f"The median is {word} before, and the mean is the same."
    mean_down = f"The mean is {wrong_word} before, and the median is the same."
    return draft(
        stem=f"The {what} are {listing(data)}. A value of {extra} is added to this data set. Which statement about "
        "the data set with the new value is true?",
        answer=mean_up,
        wrong=[
            (
                both,
                (
                    "You let the median move with the new value. With the new value, the two values in the middle "
                    f"are both {base + 4}."
                ),
            ),
            (
                median_only,
                "You mixed up the two measures. A far value pulls on the measure that uses the size of every value.",
            ),
            (mean_down, "You have the direction reversed. A mean moves toward a value that is added."),
        ],
        why=f"The new value is far {'above' if high else 'below'} the others, so it pulls the mean "
        f"{'up' if high else 'down'}. With eight values, the fourth and fifth in order are both {base + 4}, so "
        f"the median is still {base + 4}.",
        band=4,
        hints=(
            "You want to see how the new value changes the mean and the median.",
            "The mean uses the size of every value. The median only uses the middle of the order.",
            (
                f"In order, the middle values of the new set are {base + 4} and {base + 4}. Compare the new value "
                "with the rest."
            ),
            f"The middle stays at {base + 4}. The far value pulls the mean {'up' if high else 'down'}. So: {mean_up}",
        ),
        strategy="Outliers move the mean a lot and the median little or not at all.",
        proof=Proof(
            "judgement",
            {
                "rule": "compare",
                "facts": {"before": data, "after": [*data, extra]},
                "tags": {
                    mean_up: {"mean": sign, "median": "equal"},
                    both: {"mean": sign, "median": sign},
                    median_only: {"mean": "equal", "median": sign},
                    mean_down: {"mean": opposite, "median": "equal"},
                },
            },
        ),
        seconds=70,
        slope=1.1,
    )


@template(SKILL, count=3)
def spread_of_two(rng: random.Random) -> Draft:
    """Two dot plots with one mean and different standard deviations, or the same spread and different means."""
    start, gap = rng.randint(2, 9), rng.randint(0, 3)
    wide = [0, 0, 0, 1, 3, 5, 6, 6, 6]
    narrow = [0, 2, 3, 3, 3, 3, 3, 4, 6] if rng.random() < 0.5 else [1, 2, 2, 3, 3, 3, 4, 4, 5]
    first, second = (wide, narrow) if rng.random() < 0.5 else (narrow, wide)
    a, b = [v + start for v in first], [v + start + gap for v in second]
    unit = rng.choice(["hours", "points", "visits"])
    names = rng.choice([("Data set A", "Data set B"), ("Group 1", "Group 2"), ("Store X", "Store Y")])
    wide_is_b = second is wide
    mean, sd = ("greater" if gap else "equal"), ("greater" if wide_is_b else "less")
    say = {
        "greater": f"greater for {names[1]} than for {names[0]}",
        "less": f"less for {names[1]} than for {names[0]}",
        "equal": "the same for both",
    }

    def claim(m: str, s: str) -> str:
        return f"The mean is {say[m]}, and the standard deviation is {say[s]}."

    flip = {"greater": "less", "less": "greater"}
    right = (mean, sd)
    options = [right, (mean, flip[sd]), (mean, "equal"), ("equal" if gap else "greater", sd)]
    texts = [claim(*option) for option in options]
    wider = names[1] if wide_is_b else names[0]
    return draft(
        stem=f"The dot plots show the number of {unit} for {names[0]} and {names[1]}. Each dot stands for one value. "
        "Which statement correctly compares the means and the standard deviations of the two data sets?",
        figure=dot_plots([(names[0], a), (names[1], b)], f"Number of {unit}"),
        answer=texts[0],
        wrong=[
            (
                texts[1],
                (
                    "You have the two spreads reversed. Standard deviation is large when many values are far from "
                    "the mean."
                ),
            ),
            (
                texts[2],
                (
                    "You compared how many values there are, or only their ends. Standard deviation depends on how "
                    "far all values lie from the mean."
                ),
            ),
            (
                texts[3],
                (
                    f"You misjudged the centers. Both plots are symmetric, so each mean is at its center: {start + 3} "
                    f"and {start + 3 + gap}."
                ),
            ),
        ],
        why=f"Both dot plots are symmetric, so the means are at their centers, {start + 3} and {start + 3 + gap}. The "
        f"values of {wider} lie farther from their mean, so its standard deviation is greater.",
        band=5,
        hints=(
            "You want to compare two centers and two spreads.",
            (
                "For a symmetric plot, the mean is at the center. Standard deviation grows when dots lie far from "
                "the mean."
            ),
            (
                f"The centers are at {start + 3} and {start + 3 + gap}. Now see which plot has more dots far from its "
                "center."
            ),
            f"The dots of {wider} lie farther out. So: {texts[0]}",
        ),
        strategy="The mean is where the plot would balance. The spread is large when many dots lie far from it.",
        proof=Proof(
            "judgement",
            {
                "rule": "compare",
                "facts": {"before": a, "after": b},
                "tags": {text: {"mean": m, "sd": s} for text, (m, s) in zip(texts, options, strict=True)},
            },
        ),
        seconds=75,
        slope=1.2,
    )


@template(SKILL, count=3)
def median_in_histogram(rng: random.Random) -> Draft:
    """Which value can be the median of a histogram's data."""
    width = rng.choice([5, 10, 20])
    edges = [width * i for i in range(6)]
    counts = [rng.randint(2, 12) for _ in range(5)]
    n = sum(counts)
    reached, place = 0, 0
    while reached + counts[place] < n / 2 + 1:
        reached += counts[place]
        place += 1
    if reached >= n / 2 - 0.5 or place == 2 or counts[place] == max(counts) or place in (0, 4):
        raise Unusable("want a median off the middle")

    def inside(index: int) -> int:
        return edges[index] + rng.randint(1, width - 1)

    tallest = counts.index(max(counts))
    others = [index for index in (2, tallest, 4, 0) if index != place]
    first, second, third = list(dict.fromkeys(others))[:3]
    right = inside(place)
    why_wrong = {
        2: "You took the middle of the horizontal axis. The median has half of the values on each side.",
        tallest: "You took the tallest bar. It shows where most values are, not where the middle one is.",
        4: "You chose a value near the upper end. Far fewer than half of the values are greater.",
        0: "You chose a value near the lower end. Far fewer than half of the values are less.",
    }
    if tallest == 2:
        why_wrong[2] = "You took the tallest bar. It shows where most values are, not where the middle one is."
    what, who = rng.choice(
        [("Waiting time (minutes)", "patients"), ("Distance (miles)", "trips"), ("Donation (dollars)", "gifts")]
    )
    order = f"places {n // 2} and {n // 2 + 1}" if n % 2 == 0 else f"place {n // 2 + 1}"
    before = "first bar holds" if place == 1 else f"first {place} bars hold"
    return draft(
        stem=f"The histogram summarizes data for {n} {who}. Each interval includes its left endpoint but not its "
        "right endpoint. Which of the following could be the median of the data?",
        figure=histogram(edges, counts, (0, 12, 2), what, f"Number of {who}"),
        answer=num(right),
        wrong=[(num(inside(index)), why_wrong[index]) for index in (first, second, third)],
        why=f"With {n} values, the median comes from {order} in order. The {before} {reached} "
        f"values and the next bar reaches {reached + counts[place]}. So the median is at least {edges[place]} and "
        f"less than {edges[place + 1]}.",
        band=6,
        hints=(
            "You want a value that can be in the middle of the data.",
            "Add the heights of the bars from the left. Stop at the bar in which half of the data is reached.",
            f"There are {n} values, so look for {order}. The bars hold {', '.join(map(str, counts))} values.",
            (
                f"The {before} {reached} values. The next bar reaches {reached + counts[place]}. The "
                f"median is in that bar, so it could be {right}."
            ),
        ),
        strategy="Find the interval of the median by adding frequencies until half is reached.",
        proof=Proof("statistics", {"measure": "median_interval", "edges": edges, "counts": counts}),
        seconds=95,
        slope=1.3,
    )


@template(SKILL, count=2)
def greatest_removed(rng: random.Random) -> Draft:
    """The mean before and after the greatest value is taken away. Typed."""
    n, rest = rng.choice([6, 8, 10, 12]), rng.randint(15, 40)
    rise = rng.randint(2, 5)
    greatest = rest + n * rise
    name = rng.choice(NAMES)
    what = rng.choice(["melons", "packages", "pumpkins", "suitcases"])
    return draft(
        stem=f"{name} weighs {n} {what}. The mean mass is {rest + rise} kilograms. When the heaviest of the {what} is "
        f"left out, the mean mass of the others is {rest} kilograms. What is the mass, in kilograms, of the "
        "heaviest one?",
        answer=typed(greatest),
        why=f"All {n} have a total mass of {n} · {rest + rise} = {n * (rest + rise)}. The other {n - 1} have a total "
        f"of {n - 1} · {rest} = {(n - 1) * rest}. The difference, {n * (rest + rise)} − {(n - 1) * rest} = "
        f"{greatest}, is the mass of the heaviest one.",
        band=5,
        hints=(
            "You want the mass that was left out.",
            "Change each mean to a total. Then subtract the totals.",
            f"The total of all is {n} · {rest + rise}. The total of the others is {n - 1} · {rest}.",
            (
                f"{n} · {rest + rise} = {n * (rest + rise)}. {n - 1} · {rest} = {(n - 1) * rest}. The difference is "
                f"{greatest}."
            ),
        ),
        strategy="Turn means into totals; totals can be subtracted, means cannot.",
        proof=Proof(
            "ratio", {"start": rest, "steps": [["*", n - 1], ["+", "choice"], ["/", n]], "equals": rest + rise}
        ),
        seconds=85,
        slope=1.2,
    )


@template(SKILL, count=3)
def scaled_and_shifted(rng: random.Random) -> Draft:
    """How standard deviation, range or median change when every value is multiplied and then shifted."""
    k, c = rng.choice([2, 3, 4, 5]), rng.choice([6, 8, 10, 12, 15])
    measure, moves = rng.choice([("standard deviation", False), ("range", False), ("median", True), ("mean", True)])
    value = Fraction(rng.randint(14, 60), 2 if measure == "standard deviation" else 1)
    right = k * value + (c if moves else 0)
    what = rng.choice(["temperature readings", "raw scores", "prices", "lengths"])
    shift = "an amount that is added moves every value alike"
    return draft(
        stem=f"The {measure} of a list of {rng.choice([20, 24, 30, 36])} different {what} is {num(value)}. A second "
        f"list is made by multiplying each value of the first list by {k} and then adding {c}. What is the "
        f"{measure} of the second list?",
        answer=num(right),
        wrong=[
            (
                num(k * value + (0 if moves else c)),
                f"You left out the {c}. The center of the data moves along with the values."
                if moves
                else f"You added the {c} to a measure of spread. The distances between values do not change when all "
                "of them move.",
            ),
            (num(value + c), f"You left out the factor {k}. Multiplying changes both the center and the spread."),
            (
                num(k * (value + c)) if moves else num(value),
                f"You added before you multiplied. Each value is multiplied by {k} first."
                if moves
                else "You left the spread unchanged. Multiplying moves the values apart.",
            ),
        ],
        why=f"Multiplying every value by {k} multiplies the {measure} by {k}. "
        + (
            f"Adding {c} to every value also adds {c} to the {measure}: {k} · {num(value)} + {c} = {num(right)}."
            if moves
            else f"Adding {c} moves all values alike, so the spread stays: {k} · {num(value)} = {num(right)}."
        ),
        band=7 if not moves else 6,
        hints=(
            f"You want the {measure} after both steps.",
            "Take one step at a time. Ask if the step changes the distances between values.",
            f"Multiplying by {k} stretches everything by {k}. Note that {shift}.",
            f"So the {measure} is now {k} · {num(value)}{f' + {c}' if moves else ''} = {num(right)}.",
        ),
        strategy="Adding a number moves the center only. Multiplying changes both the center and the spread.",
        proof=Proof("ratio", {"start": "choice", "steps": [["-", c if moves else 0], ["/", k]], "equals": str(value)}),
        seconds=75,
        slope=1.3,
    )
