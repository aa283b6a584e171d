"""Checks every question of a bank by program: its answer, its wrong choices, its hints, its texts, its figure."""

from __future__ import annotations

import functools
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

from bonsai_core.domain import SKILLS, Section, number_of
from bonsai_recs import authoring
from bonsai_recs.authoring.kit import Proof, ProofError
from bonsai_recs.authoring.leaks import leaks, right_and_wrong, shows
from bonsai_recs.authoring.reading_level import grade
from bonsai_recs.bank.figures import figure_problem
from bonsai_recs.bank.files import BankItem

Checker = Callable[[Proof, Sequence[str], Sequence[str]], None]

HINTS = 4
CHOICES = 4
#: What a bank shall hold at least.
MIN_ITEMS = 600
MIN_PER_SKILL = 15
#: Highest Flesch-Kincaid grade of hints, strategies and remarks on wrong choices.
MAX_GRADE = 9.0
#: Words of a passage, as on the test.
PASSAGE_WORDS = (25, 150)
BLANK = "______"
_FILLS = re.compile(r"completes? the text|quotation")
#: A letter is right so often at most, and so often the right choice may be the longest; both would help to guess.
MAX_LETTER_SHARE, MAX_LONGEST_SHARE = 0.32, 0.35

_SLIPS = {
    "a space too many": re.compile(r"^\s|\s$|(?<=\S)  (?=\S)|[ \t]\n|\n[ \t]"),
    "two marks in a row": re.compile(r",[.,;:]|;[.,;]|(?<!\.)\.\.(?!\.)| [,;](?!\w)"),
    "a gap that was not filled": re.compile(r"[{}]|\bNone\b(?! of)|\bnan\b"),
    "a hyphen for a minus sign": re.compile(r"(?<![\w-])-\d"),
    "a number without commas": re.compile(r"\$\d{4}"),
    "one of several": re.compile(
        r"(?<![\d.,/·+−÷=] )(?<![\d.,/−])\b1 (?:hours|minutes|days|weeks|years|feet|inches)\b"
    ),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with a question, or with the bank (`question` is then empty)."""

    question: str
    problem: str


@functools.cache
def checkers() -> Mapping[str, Checker]:
    """Every proof checker of this package, by kind."""
    found: dict[str, Checker] = {}
    for module in iter_modules(authoring.__path__):
        if module.name.startswith("proofs"):
            found.update(getattr(import_module(f"{authoring.__name__}.{module.name}"), "CHECKERS", {}))
    return found


def check(items: Sequence[BankItem], *, progress: Callable[[int, int], None] | None = None) -> list[Finding]:
    """Every finding about a bank; empty when it is good."""
    findings: list[Finding] = []
    for done, item in enumerate(items):
        findings += [Finding(item.id, problem) for problem in problems(item)]
        if progress is not None:
            progress(done + 1, len(items))
    return [*findings, *_of_the_whole(items)]


def problems(item: BankItem) -> list[str]:
    """Everything that is wrong with one question by itself."""
    return [*_answer(item), *_help(item), *_texts(item), *_conventions(item)]


def _answer(item: BankItem) -> Iterable[str]:
    """Recompute the answer from the proof, and that every wrong choice is wrong."""
    right, wrong = right_and_wrong(item)
    texts = [*right, *wrong]
    if item.choices and len({text.casefold() for text in texts}) != len(texts):
        yield "two choices are the same"
    values = [value for value in map(number_of, texts) if value is not None]
    if item.choices and len(set(values)) != len(values):
        yield "two choices have the same value"
    proof = item.proof
    checker = checkers().get(str(proof.get("kind")))
    if checker is None:
        yield f"nobody checks a proof of kind {proof.get('kind')!r}"
        return
    try:
        checker(Proof(str(proof["kind"]), proof["given"]), right, wrong)
    except ProofError as error:
        yield f"proof: {error}"
    except Exception as error:
        yield f"the proof cannot be checked: {type(error).__name__}: {error}"


def _help(item: BankItem) -> Iterable[str]:
    """The ladder helps step by step, and only its last rung gives the answer."""
    if len(item.hints) != HINTS:
        yield f"{len(item.hints)} hints instead of {HINTS}"
    for rung, hint in enumerate(item.hints[:-1], start=1):
        if leak := leaks(item, hint):
            yield f"hint {rung} gives the answer away: {leak}"
    if len(set(item.hints)) != len(item.hints):
        yield "a hint comes twice"
    if item.hints and not shows(item, item.hints[-1]):
        yield "the last hint does not give the answer"
    for choice in item.choices:
        if choice.key == item.answers[0]:
            continue
        if not choice.misconception:
            yield f"choice {choice.key} has no misconception"
        elif leak := leaks(item, choice.misconception):
            yield f"the remark on choice {choice.key} gives the answer away: {leak}"
    if not item.rationale or not item.strategy:
        yield "rationale or strategy is missing"


def _texts(item: BankItem) -> Iterable[str]:
    """Slips of writing, and texts that are harder to read than they need be."""
    read = {f"hint {rung}": hint for rung, hint in enumerate(item.hints, start=1)} | {"strategy": item.strategy}
    read |= {f"the remark on choice {choice.key}": choice.misconception or "" for choice in item.choices}
    rest = {"stem": item.stem, "rationale": item.rationale} | {f"choice {c.key}": c.text for c in item.choices}
    for name, text in read.items():
        if (level := grade(text)) > MAX_GRADE:
            yield f"{name} reads at grade {level:.1f}"
    for name, text in (read | rest).items():
        yield from (f"{name} has {slip}" for slip, pattern in _SLIPS.items() if pattern.search(text))
    if item.figure is not None and (problem := figure_problem(item.figure)):
        yield f"figure: {problem}"


def _conventions(item: BankItem) -> Iterable[str]:
    """What every question of the digital SAT has in common."""
    if item.choices and [choice.key for choice in item.choices] != list("ABCD"):
        yield f"the choices are not A to D but {', '.join(choice.key for choice in item.choices)}"
    if not item.choices and any(len(a.lstrip("-\N{MINUS SIGN}")) > 5 for a in item.answers):
        yield "a typed answer does not fit the field of five characters"
    if item.section is Section.MATH:
        return
    low, high = PASSAGE_WORDS
    words = len((item.passage or "").split())
    if not low <= words <= high:
        yield f"the passage has {words} words, not {low} to {high}"
    if not item.choices:
        yield "a question of Reading and Writing has choices"
    blanks, wanted = (item.passage or "").count(BLANK), int(bool(_FILLS.search(item.stem)))
    if blanks != wanted:
        yield f"the passage has {blanks} blanks instead of {wanted}"


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
    first: dict[tuple[str | None, ...], str] = {}
    for item in items:
        content = (item.passage, None if item.section is not Section.MATH else item.stem, item.figure)
        if content in first:
            yield Finding(item.id, f"asks about the same as {first[content]}")
        first.setdefault(content, item.id)
    yield from _guessable(items)


def _guessable(items: Sequence[BankItem]) -> Iterable[Finding]:
    """Where a student who knows nothing would do better than by chance."""
    groups: dict[str, list[BankItem]] = defaultdict(list)
    for item in items:
        if item.choices:
            groups[item.section.value].append(item)
            groups[item.skill].append(item)
    for name, group in groups.items():
        if len(group) < MIN_PER_SKILL:
            continue
        letters = Counter(item.answers[0] for item in group)
        letter, most = letters.most_common(1)[0]
        if name in list(Section) and most > MAX_LETTER_SHARE * len(group):
            yield Finding("", f"{letter} is right in {most} of {len(group)} questions of {name}")
        longest = sum(len(right_and_wrong(i)[0][0]) > max(map(len, right_and_wrong(i)[1])) for i in group)
        if longest > MAX_LONGEST_SHARE * len(group):
            yield Finding("", f"the right choice is the longest in {longest} of {len(group)} questions of {name}")
