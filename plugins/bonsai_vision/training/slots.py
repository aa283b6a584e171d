"""Fills the slots of the Math wordings in math.txt, and makes choices for them."""

from __future__ import annotations

import random
import re
from pathlib import Path

HERE = Path(__file__).parent
NAMES = (
    *("Amara", "Ben", "Carla", "Dmitri", "Elena", "Farid", "Grace", "Hugo", "Imani", "Jun"),
    *("Keisha", "Liam", "Mei", "Noor", "Omar", "Paula", "Quinn", "Rosa", "Sofia", "Tariq"),
)
THINGS = (
    *("notebooks", "marbles", "lamps", "oranges", "tickets", "bracelets", "pencils", "candles", "posters", "chairs"),
    *("trees", "sandwiches", "stickers", "beads", "flowers", "carpets", "robots", "mugs", "seeds", "bicycles"),
)
JOBS = ("nurses", "farmers", "teachers", "drivers", "students", "artists", "librarians", "engineers", "swimmers")
TOOLS = ("kayak", "drill", "camera", "bicycle", "tent", "projector", "truck", "scooter", "piano", "surfboard")
CHOICES = {
    "interp": (
        "The {w} at the start was {n}.",
        "The {w} increases by {n} for each additional one.",
        "The {w} decreases by {n} every year.",
        "The estimated {w} is {n} after {m} months.",
        "It takes {n} minutes until the {w} is 0.",
        "The total {w}, in dollars, for {n} items",
        "The maximum {w} is {n} feet.",
    ),
    "sol": ("Zero", "Exactly one", "Exactly two", "Infinitely many", "None", "One", "Two", "Three"),
    "statcmp": (
        "The means are equal, and the standard deviations are equal.",
        "The mean of data set A is greater than the mean of data set B.",
        "The median of the first group is less than the median of the second.",
        "The standard deviation of A is less than that of B.",
        "Only the range is different.",
        "The mean will increase, and the median will stay the same.",
        "Both the mean and the median will decrease.",
    ),
    "assoc": (
        "There is a strong negative association.",
        "There is a positive linear association.",
        "There is no association.",
        "As one increases, the other tends to decrease.",
        "As one increases, the other tends to increase.",
    ),
    "growth": (
        "Increasing linear",
        "Decreasing linear",
        "Increasing exponential",
        "Decreasing exponential",
        "Linear growth",
    ),
    "moe": (
        "It is plausible that the true mean is between {n} and {m}.",
        "All of the values in the population are between {n} and {m}.",
        "The mean of the population is exactly {n}.",
        "The estimate is plausibly within {n} of the true value.",
        "Sample A, because it has fewer members",
        "Between {n}% and {m}% of the sample answered yes.",
        "It is unlikely that the actual percent is more than {n}%.",
    ),
    "studies": (
        "The treatment is likely the cause of the difference for the participants in the study.",
        "The results can be generalized to all adults in the country.",
        "No conclusion about cause and effect can be drawn because there was no random assignment.",
        "There is an association, but it may not be a cause-and-effect relationship.",
        "The participants were assigned to the groups at random.",
        "The sample was large enough.",
        "Everyone who uses the treatment will improve.",
        "There will be the same result for any other sample.",
    ),
    "groups": (
        "All students at the school",
        "The {n} people who took part",
        "All residents of the state",
        "Only the volunteers who received the medicine",
        "All birds of this kind in the reserve",
        "People who own a car",
    ),
    "flaws": (
        "The sample was not selected at random.",
        "The sample size is too small.",
        "People who chose to answer may differ from those who did not.",
        "The population is too large.",
        "The number of people who did not answer",
        "Where the survey was given",
        "The people were not assigned to the groups at random.",
    ),
    "sampling": (
        "Surveying every tenth person who enters a library",
        "Selecting {n} names at random from a list of all residents",
        "Asking people to call a phone number",
        "Interviewing {n} members of one club",
        "Posting a form on a website",
        "Choosing {n} students at random from one class",
    ),
    "designs": (
        "Assign each participant to a group at random",
        "Let the participants choose their group",
        "Put the tallest plants in the first group",
        "Use more participants in each group",
        "Repeat the study in another city",
        "Flip a coin for each plant to decide its group",
    ),
    "suff": (
        "Angle A is congruent to angle X.",
        "The length of side AB is equal to the length of side XY.",
        "No additional information is needed.",
        "Both triangles have an area of {n}.",
        "x = {n}",
        "x + y = 180",
    ),
    "months": ("January", "March", "May", "June", "August", "October", "November"),
    "years": ("2010 to 2011", "2012 to 2013", "2014 to 2015", "2016 to 2017", "1998 to 2000"),
}


def _number(rng: random.Random, kind: str) -> str:
    if kind == "i":
        return str(rng.randint(2, 12))
    if kind == "j":
        return str(rng.randint(4, 60))
    if kind == "h":
        return str(rng.randint(24, 720))
    if kind == "t":
        return f"{rng.randint(11, 980) * 100:,}"
    if kind == "d":
        return f"{rng.uniform(0.2, 24):.{rng.choice([1, 2])}f}"
    if kind == "s":
        return str(rng.randint(-9, 9)).replace("-", "−")
    return str(rng.choice([5, 8, 10, 12, 15, 18, 20, 24, 25, 30, 35, 40, 45, 60, 62, 75, 80]))


def _linear(rng: random.Random, name: str = "x") -> str:
    slope, rest = rng.choice(["", "2", "3", "4", "5", "7", "8", "−", "−2", "−3", "0.5", "12", "25"]), rng.randint(1, 40)
    if rng.random() < 0.12:
        return f"{rest} {rng.choice('+−')} {slope.lstrip('−')}{name}"
    return f"{slope}{name} {rng.choice('+−')} {rest}"


def _quadratic(rng: random.Random, name: str = "x") -> str:
    lead = rng.choice(["", "", "", "2", "3", "5", "−", "4"])
    form = rng.random()
    if form < 0.12:
        return f"{lead}({name} − {rng.randint(1, 9)})² {rng.choice('+−')} {rng.randint(1, 30)}"
    if form < 0.22:
        return f"{lead}{name}² {rng.choice('+−')} {rng.randint(1, 60)}"
    return f"{lead}{name}² {rng.choice('+−')} {rng.randint(2, 20)}{name} {rng.choice('+−')} {rng.randint(1, 60)}"


def _exponential(rng: random.Random, name: str = "x") -> str:
    base = rng.choice(["2", "3", "1.04", "0.85", "1.2", "1/2", "5", "0.5"])
    power = {"x": "ˣ", "t": "ᵗ"}.get(name, f"^{name}") if rng.random() < 0.5 else f"^{name}"
    return f"{rng.choice([3, 12, 40, 150, 500, 2000])}({base}){power}"


def _point(rng: random.Random) -> str:
    return f"({_number(rng, 's')}, {_number(rng, 's')})"


def _list(rng: random.Random) -> str:
    return ", ".join(str(rng.randint(1, 60)) for _ in range(rng.randint(5, 9)))


def _table(rng: random.Random) -> str:
    heads = rng.choice(
        [("Yes", "No"), ("Tea", "Coffee"), ("On time", "Late"), ("Grade 11", "Grade 12"), ("Red", "Blue")]
    )
    sides = rng.choice(
        [("Adults", "Children"), ("Under 40", "40 and over"), ("Morning", "Evening"), ("Group 1", "Group 2")]
    )
    rows = [["", *heads, "Total"]]
    for side in (*sides, "Total"):
        left, right = rng.randint(4, 90), rng.randint(4, 90)
        rows.append([side, str(left), str(right), str(left + right)])
    bar = rng.choice([" | ", " ", "  "])
    return "\n".join(bar.join(row).strip() for row in rows)


def fill(wording: str, rng: random.Random) -> str:
    """A wording with its slots filled: names and letters stay the same throughout, numbers do not."""
    kept: dict[str, str] = {}
    first, second = rng.sample(NAMES, 2)
    one, two = rng.sample(THINGS, 2)
    corners = rng.choice(["ABC", "PQR", "RST", "JKL", "DEF", "LMN", "KLM", "XYZ"])
    kept.update({"name": first, "name2": second, "thing": one, "thing2": two, "tri": corners})
    kept.update({f"tri{at}": corner for at, corner in enumerate(corners)})
    kept.update(
        {"job": rng.choice(JOBS), "tool": rng.choice(TOOLS), "l": rng.choice(["ℓ", "k", "l", "m", "t", "p", "j"])}
    )
    kept["f"] = rng.choice(["f", "f", "f", "g", "h", "p"])

    def slot(match: re.Match[str]) -> str:
        kind, _, name = match[1].partition(":")
        if kind in kept:
            return kept[kind]
        made = {"lin": _linear, "quad": _quadratic, "exp": _exponential}
        if kind in made:
            return made[kind](rng, name or "x")
        if kind in {"pt", "list", "tab"}:
            return {"pt": _point, "list": _list, "tab": _table}[kind](rng)
        return _number(rng, kind)

    return re.sub(r"\{(\w+(?::\w)?)\}", slot, wording.replace("\\n", "\n"))


def _sides(rng: random.Random, kind: str) -> str:
    n = [str(rng.randint(2, 60)) for _ in range(4)]
    sign, turn = rng.choice(["≤", "≥", "<", ">"]), rng.choice("+−")
    small = [str(rng.randint(1, 9)) for _ in range(3)]
    return {
        "lineq": f"y = {_linear(rng)}",
        "fun": f"f(x) = {_linear(rng)}",
        "eq1": f"{small[0]}x {turn} {n[0]} = {n[1]}",
        "eq2": f"{n[0]}x {turn} {n[1]}y = {n[2]}",
        "ineq1": rng.choice([f"x {sign} {n[0]}", f"{small[0]}x {turn} {n[0]} {sign} {n[1]}", f"{n[0]} ≤ t ≤ {n[1]}"]),
        "ineq2": f"{n[0]}x {turn} {n[1]}y {sign} {n[2]}",
        "sys": f"x + y = {n[0]} {n[1]}x {turn} {n[2]}y = {n[3]}",
        "sysineq": f"x + y {sign} {n[0]} {n[1]}x + {n[2]}y {rng.choice('≤≥')} {n[3]}",
        "funexp": f"f(t) = {_exponential(rng, 't')}",
        "quads": f"f(x) = {_quadratic(rng)}",
        "quadeqs": f"x² {turn} {small[0]}x − {n[0]} = 0",
        "polys": _quadratic(rng),
        "factors": f"({_linear(rng)})({_linear(rng)})" if rng.random() < 0.6 else f"x {turn} {small[0]}",
        "powers": rng.choice(
            [f"x{rng.choice('²³⁴⁵')}y{rng.choice('²³⁴⁵')}", f"{small[0]}x³", f"x^({small[0]}/{small[1]})"]
        ),
        "ratexpr": rng.choice(
            [f"x {turn} {small[0]}", f"(2x {turn} {small[1]})/(x² − {n[0]})", f"{small[0]}/(x + {small[1]})"]
        ),
        "roots": f"{turn.replace('+', '')}{small[0]} {rng.choice(['and', 'or', '±'])} √{n[0]}",
        "formula": rng.choice(
            [f"r = {small[0]}A/(Pt)", "h = V/(πr²)", f"q = {small[0]}p(r + {n[0]})", "p = q − r", "b = 2A/h"]
        ),
        "expexpr": f"{n[0]}00(1.0{small[0]}){rng.choice(['⁵', '^12', '³'])}",
        "pctexpr": rng.choice([f"0.{n[0]}x", f"1.{n[0]}x", f"(0.{n[0]})(1.{n[1]})d", f"x + {n[0]}"]),
        "linmod": f"y = {rng.choice(['', '−'])}{rng.uniform(0.1, 9):.1f} {turn} {rng.uniform(0.1, 9):.1f}x",
        "quadmod": f"y = {small[0]}x² {turn} {n[0]}x + {n[1]}",
        "circeqs": f"(x {turn} {small[0]})² + (y {rng.choice('+−')} {small[1]})² = {n[0]}",
        "trig": rng.choice(
            [f"{n[0]} tan {n[1]}°", f"{n[0]}/sin {n[1]}°", f"sin a° = {small[0]}", f"{n[0]} cos {n[1]}°"]
        ),
        "pyth": rng.choice(["a² + b² = c²", "a + b = c", "c² − a² = 2b", "a² − b² = c²"]),
        "sides": f"{small[0]}, {small[1]}, and {n[0]}",
        "lists": _list(rng),
        "intervals": rng.choice(
            [f"Between {n[0]} and {n[1]}", f"From {small[0]} to {small[1]} seconds", f"{n[0]}% to {n[1]}%"]
        ),
        "ratios": f"{'bhk'[rng.randrange(3)]}/{'bhk'[rng.randrange(3)]}",
        "pts": _point(rng),
        "num": rng.choice([n[0], n[1], f"−{small[0]}", f"{int(n[0]) * 10}", f"{n[0]}.5"]),
        "dec": f"{rng.uniform(0.02, 30):.2f}",
        "frac": f"{rng.choice(['', '', '−'])}{n[0]}/{n[1]}",
        "pct": f"{n[0]}%",
        "money": f"${n[0]}.{rng.randint(10, 99)}",
        "deg": f"{n[0]}°",
        "pi": rng.choice([f"{n[0]}π", f"{small[0]}π/{small[1]}", f"{n[0]}π"]),
        "root": rng.choice([f"{small[0]}√{small[1]}", f"√{n[0]}", n[0], f"{n[0]} + {small[0]}√2"]),
    }[kind]


def answers(kind: str, rng: random.Random) -> list[str]:
    """Four choices of a kind; none for a typed answer."""
    if not kind:
        return [] if rng.random() < 0.75 else [_sides(rng, "num") for _ in range(4)]
    if "|" in kind:
        return [part.strip() for part in kind.split("|")]
    if kind in CHOICES:
        what = rng.choice(
            ["cost", "height", "number of members", "temperature", "population", "distance", "value", "amount"]
        )
        return [
            text.replace("{w}", what).replace("{n}", _number(rng, "j")).replace("{m}", _number(rng, "j"))
            for text in rng.sample(CHOICES[kind], 4)
        ]
    return [_sides(rng, kind) for _ in range(4)]


def wordings(path: Path) -> list[tuple[str, str]]:
    """(head, line) of a file of lines under [heads]."""
    found, head = [], ""
    for line in path.read_text().splitlines():
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            head = line[1:-1]
        elif line and not line.startswith("#"):
            found.append((head, line))
    return found
