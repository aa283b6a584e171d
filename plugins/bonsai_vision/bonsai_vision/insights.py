"""What is useful to know of a question before it is answered: goal, key quantities, first step, strategy, traps, pace.

What is said of a skill is data, in `data/insights.toml`. What stands in the question itself is added: what is asked,
the quantities that are given, and wordings that lead many astray. None of it gives the answer.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from bonsai_core.domain import FORMATS, Insight, QuestionAnalysis, Section

_MOST_QUANTITIES, _LONGEST_QUANTITY, _MOST_TRAPS = 6, 110, 3
_QUESTION = re.compile(r"[^.?!\n]*(?:[.](?=\d)[^.?!\n]*)*\?")
#: Where one fact ends and the next begins: after a mark, not inside brackets or numbers.
_BREAK = re.compile(r"(?<=[,;:.?!])\s+|\n+")
_NUMERIC = re.compile(r"\d|[=<>≤≥]")
_OPENING = re.compile(r"^(?:and|but|where|if|so|then|when)\s+(?=\S+ )", re.IGNORECASE)

#: Wordings and what to look out for, in Math.
_WORDINGS: tuple[tuple[str, str], ...] = (
    (r"\bnot\b(?=[^.?]*\?)|\bexcept\b", "The question asks for the one that does not fit."),
    (
        r"\b(?:least|smallest|minimum|lowest)\b[^.]*\?",
        "The least value is asked for: check whether the next smaller one works too.",
    ),
    (
        r"\b(?:greatest|largest|maximum|highest)\b[^.]*\?",
        "The greatest value is asked for: check whether the next larger one works too.",
    ),
    (
        r"\bvalue of (?:\d+\w? ?[+−/*] ?|\(?[a-z] ?[+−/*] ?|\d+[a-z]\b|\d+\()",
        "The value of a whole expression is asked for, not that of the unknown alone.",
    ),
    (
        r"\bhow (?:many|much) (?:\w+ )?(?:more|less|fewer|greater|longer)\b",
        "A difference is asked for, not one of the two amounts.",
    ),
    (r"\bdiameter\b", "The diameter is twice the radius; formulas use the radius."),
    (r"\bnearest\b|\bround", "The answer is to be rounded: round once, at the end."),
    (r"\bin terms of\b", "The answer is an expression, with the other letters left in it."),
    (r"−\d*[a-z][^=.?]*[<>≤≥]", "Dividing by the negative factor turns the inequality sign around."),
    (
        r"\d% (?:greater|more|less|fewer|higher|lower)\b",
        '"Percent more than" a number is that number plus the percent of it.',
    ),
)
#: Units that are easily mixed up.
_UNITS = (
    ("inches", "feet", "yards", "miles"),
    ("millimeters", "centimeters", "meters", "kilometers"),
    ("seconds", "minutes", "hours", "days", "weeks", "months", "years"),
    ("grams", "kilograms", "milligrams"),
    ("ounces", "pounds", "tons"),
    ("cups", "pints", "quarts", "gallons"),
)
_ONE = {"inches": "inch", "feet": "foot"}


def advise(analysis: QuestionAnalysis) -> list[Insight]:
    """What to say of a question whose labels are known; nothing where they are not."""
    rules = _rules(analysis)
    if rules is None:
        return []
    asked = asked_for(analysis.stem)
    goal = f"Asked: “{asked}” {rules['goal']}" if asked else rules["goal"]
    said = [("goal", goal)]
    if analysis.section == Section.MATH:
        said += [("quantity", text) for text in quantities(_whole(analysis))]
    said += [("first_step", rules["first_step"]), ("strategy", rules["strategy"])]
    said += [("trap", text) for text in [rules["trap"], *_traps(analysis)][:_MOST_TRAPS]]
    seconds = expected_seconds(analysis)
    if seconds is not None:
        said.append(("pace", _pace(seconds, Section(analysis.section))))
    return [Insight(kind=kind, text=text) for kind, text in said]


def expected_seconds(analysis: QuestionAnalysis) -> float | None:
    """The usual time to answer, in seconds: of the skill, weighted by how likely each difficulty is."""
    rules = _rules(analysis)
    if rules is None:
        return None
    seconds: list[float] = rules["seconds"]
    weights = [analysis.difficulty.get(level, 0.0) for level in ("easy", "medium", "hard")]
    if sum(weights) <= 0:
        return float(seconds[1])
    return round(sum(w * s for w, s in zip(weights, seconds, strict=True)) / sum(weights), 1)


def asked_for(stem: str) -> str:
    """The sentence that asks, if the stem has more than that; else nothing."""
    questions = [" ".join(match[0].split()) for match in _QUESTION.finditer(stem)]
    if not questions or len(stem) - len(questions[-1]) < 20 or len(questions[-1]) > 240:
        return ""
    return questions[-1]


def quantities(text: str) -> list[str]:
    """What is given in numbers or signs, in the question's own words and order: short clauses and equations.

    Rows of a table and the sentence that asks are left out, but for a condition (`If x = 3, what is ...?`).
    """
    found: dict[str, None] = {}
    for clause in _clauses(text):
        if not _NUMERIC.search(clause) or " | " in clause or clause.endswith("?") or len(clause) > _LONGEST_QUANTITY:
            continue
        clause = _OPENING.sub("", clause.strip(" ,;:.•"))
        if not re.fullmatch(r"(?:Text|Note|Figure) ?\d*", clause):
            found.setdefault(clause)
    return list(found)[:_MOST_QUANTITIES]


def _clauses(text: str) -> list[str]:
    clauses = [""]
    for part in _BREAK.split(text):
        last = clauses[-1]
        if last.count("(") > last.count(")"):  # a comma inside brackets ends nothing
            clauses[-1] = f"{last} {part}"
        else:
            clauses.append(part)
    return [part for clause in clauses for part in _halves(clause)]


def _halves(clause: str) -> list[str]:
    """A long clause with two facts joined by `and`, cut there."""
    first, joint, second = clause.partition(" and ")
    if joint and len(clause) > 50 and _NUMERIC.search(first) and _NUMERIC.search(second):
        return [first, second]
    return [clause]


def _traps(analysis: QuestionAnalysis) -> list[str]:
    if analysis.section != Section.MATH:
        return []
    text = _whole(analysis)
    found = [advice for pattern, advice in _WORDINGS if re.search(pattern, text, re.IGNORECASE)]
    for family in _UNITS:
        used = [unit for unit in family if re.search(rf"\b(?:{unit}|{_ONE.get(unit, unit[:-1])})\b", text)]
        if len(used) > 1:
            found.insert(0, f"Mind the units: both {used[0]} and {used[1]} occur.")
            break
    return found


def _pace(seconds: float, section: Section) -> str:
    usual = FORMATS[section].seconds_per_question
    return f"Usually takes about {5 * round(seconds / 5)} seconds; the section leaves {round(usual)} for each question."


def _whole(analysis: QuestionAnalysis) -> str:
    return "\n".join(part for part in (analysis.passage, analysis.stem) if part)


def _rules(analysis: QuestionAnalysis) -> Mapping[str, Any] | None:
    """What is said of the skill, in the variant for this question."""
    rules = _data().get(analysis.skill)
    if rules is None:
        return None
    for variant in rules.get("variant", ()):
        text = _whole(analysis) if variant.get("in") == "text" else analysis.stem
        if re.search(variant["if"], text, re.IGNORECASE):
            return {**rules, **variant}
    return dict(rules)


@cache
def _data() -> dict[str, dict[str, Any]]:
    return tomllib.loads((files("bonsai_vision") / "data" / "insights.toml").read_text(encoding="utf-8"))
