"""Templates for ratios, rates, proportional relationships and units."""

from __future__ import annotations

import math
import random
from fractions import Fraction

from bonsai_recs.authoring.kit import Draft, Proof, Unusable
from bonsai_recs.authoring.making import NAMES, about, draft, frac, num, plural, template, text_table, typed

SKILL = "Ratios, rates, proportional relationships, and units"


@template(SKILL, count=3)
def scaled_mixture(rng: random.Random) -> Draft:
    """Keep a ratio while one part grows."""
    thing, first, second, unit = rng.choice(
        [
            ("soup recipe", "lentils", "broth", "cups"),
            ("paint mix", "blue paint", "white paint", "quarts"),
            ("concrete mix", "cement", "sand", "buckets"),
            ("trail mix", "raisins", "almonds", "scoops"),
        ]
    )
    a, b, k = rng.randint(2, 7), rng.randint(3, 11), rng.randint(3, 8)
    if a >= b:
        raise Unusable("want the second part larger")
    name = rng.choice(NAMES)
    return draft(
        stem=f"A {thing} uses {a} {unit} of {first} for every {b} {unit} of {second}. At this ratio, how many {unit} "
        f"of {second} does {name} need for {a * k} {unit} of {first}?",
        answer=num(b * k),
        wrong=[
            (
                num(a * k + b - a),
                (
                    "You kept the difference between the two amounts the same. A ratio is kept by multiplying both "
                    f"parts by the same number, so adding {b - a} does not work."
                ),
            ),
            (num(k), f"You found how many times larger the batch is. That still has to be used on the {second}."),
            (
                num(a * k * b),
                (
                    f"You multiplied the two given amounts. Each set of {b} {unit} goes with {a} {unit} of {first}, "
                    "not with 1."
                ),
            ),
        ],
        spare=[(num((a + b) * k), f"You found the amount of both together. The question is about the {second} alone.")],
        why=f"There are {a * k} ÷ {a} = {k} sets of {a} {unit} of {first}. Each set needs {b} {unit} of {second}, so "
        f"{k} · {b} = {b * k} {unit} are needed.",
        band=1,
        hints=(
            f"You want the amount of {second} that keeps the same ratio.",
            f"Find how many times larger the amount of {first} is. Then make the {second} larger in the same way.",
            f"The amount of {first} grows from {a} to {a * k}. That is {a * k} ÷ {a} times as much.",
            f"{a * k} ÷ {a} = {k}. Then {k} · {b} = {b * k}.",
        ),
        strategy="Find the number that the given part is multiplied by, and multiply the other part by it too.",
        proof=Proof("ratio", {"start": "choice", "steps": [["/", a * k]], "equals": f"{b}/{a}"}),
        seconds=50,
        slope=0.8,
    )


@template(SKILL, count=3)
def rate_and_hours(rng: random.Random) -> Draft:
    """A rate in minutes is used for hours."""
    who, verb, noun = rng.choice(
        [
            ("A printer", "prints", "pages"),
            ("A bottling machine", "fills", "bottles"),
            ("A scanner", "scans", "photos"),
            ("A packing robot", "packs", "boxes"),
        ]
    )
    minutes, hours = rng.choice([3, 4, 5, 6, 10, 12]), rng.choice([2, 3, 4])
    each = rng.randint(4, 25)
    amount = each * minutes
    right = each * 60 * hours
    return draft(
        stem=f"{who} {verb} {amount} {noun} every {minutes} minutes. At this rate, how many {noun} does it "
        f"{verb.removesuffix('s') if verb != 'fills' else 'fill'} in {hours} hours?",
        answer=num(right),
        wrong=[
            (
                num(each * hours),
                f"You multiplied the rate for 1 minute by {hours}. The {hours} counts hours, not minutes.",
            ),
            (num(amount * hours), f"You treated {minutes} minutes as if it were one hour."),
            (
                num(amount * 60 * hours),
                f"You took {amount} as the number for each minute. It takes {minutes} minutes to get that many.",
            ),
        ],
        spare=[
            (
                num(amount * minutes * 60 * hours),
                f"You multiplied by the {minutes} minutes. To get the rate for 1 minute, divide by them.",
            ),
            (num(each * 60), f"You found the number for one hour. The question is about {hours} hours."),
        ],
        why=f"In 1 minute, {amount} ÷ {minutes} = {each} {noun} are done. There are {hours} · 60 = {60 * hours} "
        f"minutes in {hours} hours, so the total is {each} · {60 * hours} = {num(right)}.",
        band=2,
        hints=(
            f"You want the number of {noun} in {hours} hours.",
            "Find the rate for one minute. Then change the hours to minutes.",
            f"The rate is {amount} ÷ {minutes} = {each} each minute. And {hours} hours is {hours} · 60 minutes.",
            f"{hours} hours is {60 * hours} minutes. So the total is {each} · {60 * hours} = {num(right)}.",
        ),
        strategy="Write both times in the same unit before you use the rate.",
        proof=Proof("ratio", {"start": f"{amount}/{minutes}", "steps": [["*", 60], ["*", hours]]}),
        seconds=55,
        slope=0.9,
    )


@template(SKILL, count=3)
def mixed_units(rng: random.Random) -> Draft:
    """A length, weight or volume in two units becomes one unit. Typed."""
    big, small, ratio, what = rng.choice(
        [
            ("foot", "inch", 12, "A shelf is"),
            ("pound", "ounce", 16, "A melon weighs"),
            ("gallon", "quart", 4, "A tank holds"),
            ("yard", "foot", 3, "A rope is"),
            ("quart", "cup", 4, "A jug holds"),
        ]
    )
    many = {"foot": "feet", "inch": "inches"}
    bigs, smalls = many.get(big, big + "s"), many.get(small, small + "s")
    a, b = rng.randint(3, 14), rng.randint(1, ratio - 1)
    tail = " long" if what.endswith("is") else ""
    right = a * ratio + b
    return draft(
        stem=f"{what} {a} {bigs} and {plural(b, small, smalls)}{tail}. What is this measurement in {smalls}? (1 {big} "
        f"= {ratio} {smalls})",
        answer=typed(right),
        why=f"Each {big} is {ratio} {smalls}, so {a} {bigs} are {a} · {ratio} = {a * ratio} {smalls}. Adding the "
        f"other {plural(b, small, smalls)} gives {right}.",
        band=1 if ratio < 10 else 2,
        hints=(
            f"You want the whole measurement in {smalls}.",
            f"Change the {bigs} to {smalls} first. Then add the rest.",
            f"{a} {bigs} are {a} · {ratio} {smalls}.",
            f"{a} · {ratio} = {a * ratio}. Then {a * ratio} + {b} = {right}.",
        ),
        strategy="Convert each part to the smaller unit, then add.",
        proof=Proof("ratio", {"start": a, "steps": [["*", ratio], ["+", b]]}),
        seconds=45,
        slope=0.7,
    )


@template(SKILL, count=3)
def mass_from_density(rng: random.Random) -> Draft:
    """Density gives a mass or a volume."""
    thing, low, high = rng.choice([("cooking oil", 90, 94), ("a glass marble", 240, 280), ("a wooden block", 55, 75)])
    density = Fraction(rng.randrange(low, high, 2), 100)
    volume = rng.choice([25, 50, 75, 150, 200, 250])
    mass = density * volume
    ask_mass = rng.random() < 0.5
    given, known, unit = (volume, "volume", "cubic centimeters") if ask_mass else (mass, "mass", "grams")
    right = mass if ask_mass else Fraction(volume)
    turned = given / density if ask_mass else given * density
    sentence = f"The density of {thing} is {num(density)} gram{'s' if density > 1 else ''} per cubic centimeter. "
    sample = {"cooking oil": "a sample of the oil", "a glass marble": "the marble", "a wooden block": "the block"}[
        thing
    ]
    if (turned * 10000).denominator != 1:
        turned = about(turned)
    operation = f"{num(density)} · {num(volume)}" if ask_mass else f"{num(mass)} ÷ {num(density)}"
    return draft(
        stem=sentence + f"If the {known} of {sample} is {num(given)} {unit}, what is its "
        f"{'mass, in grams' if ask_mass else 'volume, in cubic centimeters'}?",
        answer=num(right),
        wrong=[
            (
                num(turned),
                (
                    f"You {'divided' if ask_mass else 'multiplied'} where the other operation is needed. Look at the "
                    "units of density: they are mass over volume."
                ),
            ),
            (
                num(given + density),
                "You added the two numbers. Density is a rate, so it is used to multiply or divide.",
            ),
            (num(right * 10), "You lost a decimal place. Check the size of your result against the numbers given."),
        ],
        why="Density is mass divided by volume. "
        + (f"So mass is density times volume: {operation} = {num(right)}." if ask_mass else "")
        + ("" if ask_mass else f"So volume is mass divided by density: {operation} = {num(right)}."),
        band=3,
        hints=(
            f"You want the {'mass' if ask_mass else 'volume'}.",
            "Density means mass for each unit of volume. Let the units tell you to multiply or divide.",
            f"The work to do is {operation}.",
            f"{operation} = {num(right)}.",
        ),
        strategy="Write density as mass over volume and solve for the quantity that is asked.",
        proof=Proof("ratio", {"start": "choice", "steps": [["/", str(volume)]], "equals": str(density)})
        if ask_mass
        else Proof("ratio", {"start": "choice", "steps": [["*", str(density)]], "equals": str(mass)}),
        seconds=60,
        slope=1.0,
    )


@template(SKILL, count=3)
def speed_conversion(rng: random.Random) -> Draft:
    """Feet per second to miles per hour, or kilometers per hour to meters per second."""
    name = rng.choice(["A cyclist", "A drone", "A greyhound", "A delivery van", "A sailboat"])
    if rng.random() < 0.5:
        start = rng.choice([11, 22, 33, 44, 55, 66])
        right = Fraction(start * 3600, 5280)
        stem = (
            f"{name} moves at a constant speed of {start} feet per second. What is this speed in miles per hour? (1 "
            "mile = 5,280 feet)"
        )
        wrong = [
            (
                num(start * 60),
                "You changed seconds to minutes and stopped. The speed also has to be in miles and hours.",
            ),
            (num(start * 2), "You guessed that the two units differ by a factor of 2. Use the lengths and times."),
            (
                num(about(Fraction(start * 5280, 3600))),
                "You turned it upside down. Feet become miles by dividing by 5,280.",
            ),
        ]
        spare = (num(Fraction(start, 2)), "You took half, as if two feet per second were one mile per hour.")
        steps = [["*", 3600], ["/", 5280]]
        partial = f"In one hour it goes {start} · 3,600 = {num(start * 3600)} feet. Now change feet to miles."
        full = f"{num(start * 3600)} ÷ 5,280 = {num(right)}."
        why = f"One hour has 3,600 seconds, so in one hour it goes {start} · 3,600 = {num(start * 3600)} feet. {full}"
    else:
        start = rng.choice([18, 27, 36, 45, 54, 63, 72, 81, 90])
        right = Fraction(start * 1000, 3600)
        stem = (
            f"{name} moves at a constant speed of {start} kilometers per hour. What is this speed in meters per "
            "second? (1 kilometer = 1,000 meters)"
        )
        wrong = [
            (num(start * 1000), "You changed kilometers to meters and stopped. The hour still has to become seconds."),
            (
                num(about(Fraction(start * 1000, 60))),
                "You used 60 seconds in an hour. An hour has 60 minutes, and each of these has 60 seconds.",
            ),
            (
                num(Fraction(start * 36, 10)),
                "You went the other way. In one second it goes much less far than in one hour.",
            ),
        ]
        spare = (
            num(Fraction(start, 6)),
            "You divided by 6 only. Both units have to be changed, with the numbers 1,000 and 3,600.",
        )
        steps = [["*", 1000], ["/", 3600]]
        partial = f"In one hour it goes {start} · 1,000 = {num(start * 1000)} meters. An hour has 3,600 seconds."
        full = f"{num(start * 1000)} ÷ 3,600 = {num(right)}."
        why = f"In one hour it goes {start} · 1,000 = {num(start * 1000)} meters. One hour has 3,600 seconds. {full}"
    return draft(
        stem=stem,
        answer=num(right),
        wrong=wrong,
        spare=[spare],
        why=why + " Both units have now been changed.",
        band=4,
        hints=(
            "You want the same speed with other units.",
            "Change one unit at a time. First the length, then the time.",
            partial,
            f"{partial} {full}",
        ),
        strategy="Multiply by one conversion factor at a time, so that the old unit cancels.",
        proof=Proof("ratio", {"start": start, "steps": steps}),
        seconds=75,
        slope=1.1,
    )


@template(SKILL, count=3)
def square_units(rng: random.Random) -> Draft:
    """An area in one unit becomes another unit: the factor is squared."""
    big, bigs, _small, smalls, ratio = rng.choice(
        [
            ("yard", "yards", "foot", "feet", 3),
            ("foot", "feet", "inch", "inches", 12),
            ("meter", "meters", "centimeter", "centimeters", 100),
        ]
    )
    what = rng.choice(["carpet", "garden bed", "mural", "solar panel", "banner"])
    area = rng.randint(4, 24)
    down = rng.random() < 0.6
    start = area if down else area * ratio**2
    right = area * ratio**2 if down else area
    source, target = (bigs, smalls) if down else (smalls, bigs)
    once = Fraction(start) * ratio if down else Fraction(start, ratio)
    other = Fraction(start) * ratio * 2 if down else Fraction(start, 2 * ratio)
    word = "multiply" if down else "divide"
    return draft(
        stem=f"The area of a {what} is {num(start)} square {source}. What is this area in square {target}? (1 {big} = "
        f"{ratio} {smalls})",
        answer=num(right),
        wrong=[
            (
                num(once),
                (
                    f"You used the factor {ratio} once, as for a length. An area has two dimensions, so both must be "
                    "converted."
                ),
            ),
            (
                num(other),
                (
                    f"You doubled the factor {ratio}. Two dimensions mean that the factor is used twice in "
                    "multiplying, not added to itself."
                ),
            ),
            (
                num(Fraction(start) * ratio**3 if down else Fraction(start * ratio)),
                f"You used the factor {ratio} three times, as for a volume."
                if down
                else "You multiplied instead of dividing. A larger unit fits fewer times.",
            ),
        ],
        why=f"One {big} is {ratio} {smalls}, so one square {big} is {ratio}² = {num(ratio**2)} square {smalls}. "
        f"{'Multiplying' if down else 'Dividing'} gives {num(start)} {'·' if down else '÷'} {num(ratio**2)} = "
        f"{num(right)}.",
        band=5,
        hints=(
            f"You want the area in square {target}.",
            "Draw one large unit square. Ask how many small squares fit in it.",
            f"One square {big} holds {ratio} rows of {ratio} small squares. Now {word} by that number.",
            (
                f"{ratio} · {ratio} = {num(ratio**2)}. Then {num(start)} {'·' if down else '÷'} {num(ratio**2)} = "
                f"{num(right)}."
            ),
        ),
        strategy="Square the conversion factor of the lengths before you use it on an area.",
        proof=Proof("ratio", {"start": start, "steps": [["*" if down else "/", ratio], ["*" if down else "/", ratio]]}),
        seconds=70,
        slope=1.2,
    )


@template(SKILL, count=3)
def linked_ratios(rng: random.Random) -> Draft:
    """Two ratios that share a part, and a total. Typed."""
    group, (x, y, z) = rng.choice(
        [
            ("A farm keeps only goats, sheep, and cows.", ("goats", "sheep", "cows")),
            ("A band has only flutes, drums, and horns.", ("flutes", "drums", "horns")),
            ("A nursery sells only ferns, palms, and cacti.", ("ferns", "palms", "cacti")),
        ]
    )
    a, b, c, d = (rng.randint(2, 7) for _ in range(4))
    while Fraction(a, b).denominator != b or a == b:
        a, b = rng.randint(2, 7), rng.randint(2, 7)
    if b == c or Fraction(a, b).denominator != b or Fraction(c, d).denominator != d or a == b or c == d:
        raise Unusable("ratios not in lowest terms")
    lcm = math.lcm(b, c)
    first, middle, last = a * lcm // b, lcm, d * lcm // c
    k = rng.randint(2, 4)
    total = k * (first + middle + last)
    if total > 400:
        raise Unusable("too many")
    right = k * last
    return draft(
        stem=f"{group} The ratio of {x} to {y} is {a} to {b}, and the ratio of {y} to {z} is {c} to {d}. If there are "
        f"{total} in all, how many {z} are there?",
        answer=typed(right),
        why=f"Write both ratios with the same number of {y}, {middle}. Then {x} : {y} : {z} is {first} : {middle} : "
        f"{last}, which is {first + middle + last} parts. Each part is {total} ÷ {first + middle + last} = {k}, "
        f"so there are {last} · {k} = {right} {z}.",
        band=6,
        hints=(
            f"You want the number of {z}.",
            f"The {y} are in both ratios. Make their number the same in both, so that you can join the ratios.",
            f"Use {middle} for the {y}. Then the {x} are {first} parts, for {a} to {b} is {first} to {middle}.",
            (
                f"{x.capitalize()} : {y} : {z} is {first} : {middle} : {last}. That is {first + middle + last} parts "
                f"of {total} ÷ {first + middle + last} = {k}. So {last} · {k} = {right}."
            ),
        ),
        strategy="Join two ratios by giving the shared quantity the same number in both.",
        proof=Proof(
            "ratio",
            {
                "start": "choice",
                "steps": [["*", f"{c}/{d}"], ["*", f"{a}/{b}+1"], ["+", "choice"]],
                "equals": total,
            },
        ),
        seconds=110,
        slope=1.3,
    )


@template(SKILL, count=2)
def rates_from_table(rng: random.Random) -> Draft:
    """A table of machines; which share of the work one does, or how long all take together."""
    name = rng.choice(NAMES)
    item = rng.choice(["badges", "labels", "candles", "wristbands"])
    rates = rng.sample([6, 8, 9, 10, 12, 15, 18, 20], 3)
    minutes = [rng.choice([5, 10, 20]) for _ in rates]
    total_rate = sum(rates)
    hours = rng.choice([2, 3, 4])
    amount = total_rate * 60 * hours
    wrong_sum = sum(rate * minute for rate, minute in zip(rates, minutes, strict=True))
    if len(set(minutes)) < 2:
        raise Unusable("want different times")
    rows = [
        [letter, str(rate * minute), str(minute)] for letter, rate, minute in zip("PQR", rates, minutes, strict=True)
    ]
    slip = Fraction(wrong_sum * 60, sum(minutes)) * hours
    return draft(
        passage=text_table(["Machine", f"Number of {item}", "Time (minutes)"], rows),
        stem=f"The table shows how many {item} each of three machines makes in a given time. {name} runs all three "
        f"machines at these constant rates for {hours} hours. How many {item} do they make in total?",
        answer=num(amount),
        wrong=[
            (
                num(wrong_sum * hours),
                (
                    "You added the numbers in the table and multiplied by the hours. The times in the table are in "
                    "minutes and are not all the same."
                ),
            ),
            (num(total_rate * hours), "You used the rates for one minute with a time in hours."),
            (
                num(slip if slip.denominator == 1 else round(slip)),
                (
                    "You divided the total number by the total time. The machines run at the same time, so their "
                    "rates are added instead."
                ),
            ),
        ],
        spare=[
            (
                num(wrong_sum * 60 * hours),
                "You took each number as made in one minute. The table says how many minutes they take.",
            )
        ],
        why=f"For one minute the rates are {', '.join(map(str, rates[:2]))}, and {rates[2]}, which add up to "
        f"{total_rate}. There are {60 * hours} minutes in {hours} hours, so the machines make {total_rate} · "
        f"{60 * hours} = {num(amount)}.",
        band=5,
        hints=(
            f"You want the number of {item} from all three machines.",
            "Find the rate of each machine for one minute. Add the rates, since the machines run at the same time.",
            f"The rates are {rates[0]}, {rates[1]}, and {rates[2]} each minute.",
            (
                f"Together they make {total_rate} each minute. In {60 * hours} minutes they make {total_rate} · "
                f"{60 * hours} = {num(amount)}."
            ),
        ),
        strategy="Bring every rate to the same unit of time before you add.",
        proof=Proof(
            "ratio",
            {
                "start": f"{rows[0][1]}/{rows[0][2]}+{rows[1][1]}/{rows[1][2]}+{rows[2][1]}/{rows[2][2]}",
                "steps": [["*", 60 * hours]],
            },
        ),
        seconds=90,
        slope=1.1,
    )


@template(SKILL, count=3)
def pool_and_hose(rng: random.Random) -> Draft:
    """Dimensions, cubic feet to gallons, gallons per minute, hours."""
    long, wide, deep = rng.choice([10, 12, 15, 18, 20]), rng.choice([8, 10, 12]), rng.choice([3, 4, 5])
    what = rng.choice(["pool", "fish tank", "storage tank", "pond liner"])
    rate = rng.choice([10, 15, 20, 25, 30])
    volume = long * wide * deep
    hours = Fraction(volume * 15, 2 * rate * 60)
    if (hours * 100).denominator != 1 or hours < 2:
        raise Unusable("want a short decimal")
    gallons = Fraction(volume * 15, 2)
    what = what.replace("pond liner", "pond")
    return draft(
        stem=f"A {what} in the shape of a rectangular box is {long} feet long, {wide} feet wide, and {deep} feet "
        f"deep. It is filled by a hose at a constant rate of {rate} gallons per minute. Using 1 cubic foot = 7.5 "
        f"gallons, how many hours does it take to fill the empty {what}?",
        answer=num(hours),
        wrong=[
            (num(hours * 60), "You found the time in minutes. The question asks for hours."),
            (num(about(hours / deep, 2)), "You found the area of the bottom only. The volume also needs the depth."),
            (num(about(Fraction(volume, rate * 60), 2)), "You used cubic feet as if they were gallons."),
        ],
        spare=[(num(hours * 3600), "You multiplied the minutes by 60. There are fewer hours than minutes, so divide.")],
        why=f"The volume is {long} · {wide} · {deep} = {num(volume)} cubic feet, which is {num(volume)} · 7.5 = "
        f"{num(gallons)} gallons. At {rate} gallons per minute this takes {num(gallons)} ÷ {rate} = "
        f"{num(hours * 60)} minutes. Dividing by 60 gives {num(hours)} hours.",
        band=7,
        hints=(
            "You want the filling time in hours.",
            "Go step by step. Find cubic feet, then gallons, then minutes, then hours.",
            f"The volume is {num(volume)} cubic feet. That is {num(volume)} · 7.5 gallons.",
            (
                f"{num(volume)} · 7.5 = {num(gallons)} gallons. Then {num(gallons)} ÷ {rate} = {num(hours * 60)} "
                f"minutes. So it takes {num(hours * 60)} ÷ 60 = {num(hours)} hours. The answer is {num(hours)}."
            ),
        ),
        strategy="Plan the chain of units from what is given to what is asked, then multiply or divide once for each "
        "link.",
        proof=Proof(
            "ratio",
            {
                "start": "choice",
                "steps": [["*", 60], ["*", rate], ["/", "15/2"], ["/", long], ["/", wide]],
                "equals": deep,
            },
        ),
        seconds=120,
        slope=1.3,
    )


@template(SKILL, count=2)
def map_distance(rng: random.Random) -> Draft:
    """A map scale with fractions. Typed."""
    inches = Fraction(rng.choice([1, 3, 5]), rng.choice([4, 8]))
    per = rng.choice([6, 9, 12, 15, 18])
    distance = Fraction(rng.randint(5, 30), 4)
    miles = distance / inches * per
    if distance.denominator == 1 or miles.denominator != 1 or inches == distance:
        raise Unusable("want whole miles")
    one, two = rng.sample(["Alder", "Brook", "Cedar", "Dune", "Elm"], 2)
    unit = Fraction(per) / inches
    return draft(
        stem=f"On a map, {frac(inches)} inch stands for {per} miles. The towns of {one} and {two} are {num(distance)} "
        "inches apart on the map. How many miles apart are the towns?",
        answer=typed(miles),
        why=f"One inch stands for {per} ÷ {frac(inches)} = {num(unit)} miles. So {num(distance)} inches stand for "
        f"{num(distance)} · {num(unit)} = {num(miles)} miles.",
        band=4,
        hints=(
            "You want the real distance in miles.",
            "Find how many miles one inch stands for. Then use the distance on the map.",
            (
                f"One inch stands for {per} ÷ {frac(inches)} miles. To divide by {frac(inches)}, multiply by "
                f"{frac(1 / inches)}."
            ),
            (
                f"{per} ÷ {frac(inches)} = {num(unit)}. Then {num(distance)} · {num(unit)} = {num(miles)}. The answer "
                f"is {typed(miles)}."
            ),
        ),
        strategy="Find the rate for one unit first, even when the scale has a fraction in it.",
        proof=Proof("ratio", {"start": "choice", "steps": [["/", str(distance)]], "equals": f"{per}/({inches})"}),
        seconds=75,
        slope=1.1,
    )
