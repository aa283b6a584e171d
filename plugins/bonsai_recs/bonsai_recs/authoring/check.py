"""Checks every question of a bank by program: its answer, its wrong choices, its hints, its figure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from pkgutil import iter_modules

from bonsai_core.domain import SKILLS, Question, number_of
from bonsai_recs import authoring
from bonsai_recs.authoring.kit import Proof, ProofError
from bonsai_recs.bank.files import BankItem

Checker = Callable[[Proof, Sequence[str], Sequence[str]], None]

HINTS = 4
#: What a bank shall hold at least.
MIN_ITEMS = 600
MIN_PER_SKILL = 15
_NUMBERS = re.compile(r"(?<![\w.])[-+\N{MINUS SIGN}]?(?:\d+(?:,\d{3})+|\d+)?\.?\d+(?:/\d+)?(?![\w/])")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with a question, or with the bank (`question` is then empty)."""

    question: str
    problem: str


def checkers() -> dict[str, Checker]:
    """Every proof checker of this package, by kind."""
    found: dict[str, Checker] = {}
    for module in iter_modules(authoring.__path__):
        if module.name.startswith("proofs"):
            found.update(getattr(import_module(f"{authoring.__name__}.{module.name}"), "CHECKERS", {}))
    return found


def check(items: Sequence[BankItem], *, progress: Callable[[int, int], None] | None = None) -> list[Finding]:
    """Every finding about a bank; empty when it is good."""
    known = checkers()
    findings: list[Finding] = []
    for done, item in enumerate(items):
        findings += [Finding(item.id, problem) for problem in _problems(item, known)]
        if progress is not None:
            progress(done + 1, len(items))
    return [*findings, *_of_the_whole(items)]


def _problems(item: BankItem, known: dict[str, Checker]) -> Iterable[str]:
    right, wrong = right_and_wrong(item)
    texts = [choice.text for choice in item.choices]
    if item.choices and len(set(texts)) != len(texts):
        yield "two choices are the same"
    values = [value for value in map(number_of, texts) if value is not None]
    if len(set(values)) != len(values):
        yield "two choices have the same value"
    if not item.choices and any(len(a.lstrip("-\N{MINUS SIGN}")) > 5 for a in item.answers):
        yield "a typed answer does not fit the field of five characters"
    proof = item.proof
    checker = known.get(str(proof.get("kind")))
    if checker is None:
        yield f"nobody checks a proof of kind {proof.get('kind')!r}"
    else:
        try:
            checker(Proof(str(proof["kind"]), proof["given"]), right, wrong)
        except ProofError as error:
            yield f"proof: {error}"
        except Exception as error:
            yield f"the proof cannot be checked: {type(error).__name__}: {error}"
    if len(item.hints) != HINTS:
        yield f"{len(item.hints)} hints instead of {HINTS}"
    for rung, hint in enumerate(item.hints[:-1], start=1):
        if leak := leaks(item, hint):
            yield f"hint {rung} gives the answer away: {leak}"
    for choice in item.choices:
        if choice.key != item.answers[0] and not choice.misconception:
            yield f"choice {choice.key} has no misconception"
    if not item.rationale or not item.strategy:
        yield "rationale or strategy is missing"
    if item.figure is not None and (problem := figure_problem(item.figure)):
        yield f"figure: {problem}"


def right_and_wrong(item: Question) -> tuple[list[str], list[str]]:
    """The texts of right answers and of wrong choices."""
    if not item.choices:
        return list(item.answers), []
    right = [choice.text for choice in item.choices if choice.key == item.answers[0]]
    return right, [choice.text for choice in item.choices if choice.key != item.answers[0]]


def leaks(item: Question, text: str) -> str | None:
    """How a text gives the answer away: by its letter, its words or an equal value; None when it does not.

    A number that the student reads in the question anyway gives nothing away.
    """
    right, _ = right_and_wrong(item)
    given = f"{item.stem} {item.passage or ''}"
    if item.choices and re.search(rf"\b(?i:choice|option|answer|letter)\s+(?:is\s+)?\(?{item.answers[0]}\b", text):
        return "its letter"
    seen = set(_values(given))
    for answer in right:
        value = number_of(answer)
        if value is not None:
            if value not in seen and value in _values(text):
                return "its value"
        elif _contains(text, answer) and not _contains(given, answer):
            return "its words"
    return None


def _values(text: str) -> list[Fraction]:
    found = (number_of(match) for match in _NUMBERS.findall(text))
    return [value for value in found if value is not None]


def _contains(text: str, answer: str) -> bool:
    plain = " ".join(text.casefold().split())
    wanted = " ".join(answer.casefold().split()).rstrip(".")
    return re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", plain) is not None


def figure_problem(svg: str) -> str | None:
    """What is wrong with a figure; None when it is an SVG document that stands on its own and does nothing."""
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        root = fromstring(svg, forbid_dtd=True)
    except ParseError as error:
        return f"not XML: {error}"
    except ValueError as error:
        return f"refused: {error}"
    if not root.tag.endswith("svg") or "viewBox" not in root.attrib:
        return "no SVG document with a viewBox"
    for element in root.iter():
        name = element.tag.rpartition("}")[2]
        if name in ("script", "foreignObject", "image", "use", "a") or any("href" in key for key in element.attrib):
            return f"<{name}> is not allowed"
        if any(key.startswith("on") for key in element.attrib):
            return "event handlers are not allowed"
    return None if any(e.tag.endswith("title") for e in root.iter()) else "no title for screen readers"


def _of_the_whole(items: Sequence[BankItem]) -> Iterable[Finding]:
    if len(items) < MIN_ITEMS:
        yield Finding("", f"{len(items)} questions instead of at least {MIN_ITEMS}")
    count = Counter(item.skill for item in items)
    for skill in SKILLS:
        if count[skill] < MIN_PER_SKILL:
            yield Finding("", f"{count[skill]} questions on {skill!r} instead of at least {MIN_PER_SKILL}")
    for item_id, times in Counter(item.id for item in items).items():
        if times > 1:
            yield Finding(item_id, "the id is there more than once")
