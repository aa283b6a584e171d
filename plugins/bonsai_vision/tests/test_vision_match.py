"""Questions of a bank are recognised although letters are wrong and parts are off the page; their twins are not."""

from __future__ import annotations

from typing import Any

import pytest
from bonsai_vision.match import Matcher
from bonsai_vision.structure import Structure

KEYS = "ABCD"


def question(id: str, stem: str, *choices: str, passage: str = "") -> dict[str, Any]:
    rows = [{"key": key, "text": text} for key, text in zip(KEYS, choices, strict=False)]
    return {"id": id, "stem": stem, "choices": rows} | ({"passage": passage} if passage else {})


LINE = "A line in the xy-plane has a slope of {} and passes through the point (0, {}). Which equation defines the line?"
MOTHS = (
    "In 1927, the entomologist Evelyn Cho proposed that certain moths navigate by the stars. Few believed her: moths, "
    "her colleagues said, can barely see the stars at all."
)
BANK = [
    question("line-3", LINE.format(3, 7), "y = 3x + 7", "y = 7x + 3", "y = 3x − 7", "y = 7x − 3"),
    question("line-5", LINE.format(5, 7), "y = 5x + 7", "y = 7x + 5", "y = 5x − 7", "y = 7x − 5"),
    question("moths", "Which choice states the main idea of the text?", "Moths see stars.", "No.", passage=MOTHS),
    question("short", "What is x?", "1", "2", "3", "4"),
    question("typed", "If 3x + 7 = 22, what is the value of 6x?"),
]


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(BANK)


def read(stem: str, *choices: str, passage: str | None = None) -> Structure:
    return Structure(passage=passage, stem=stem, choices=list(zip(KEYS, choices, strict=False)))


def found(matcher: Matcher, structure: Structure) -> str | None:
    match = matcher.find(structure)
    return None if match is None else str(match.question["id"])


def test_a_question_is_recognised_with_a_few_letters_wrong(matcher: Matcher) -> None:
    seen = read(LINE.format(3, 7).replace("plane", "p1ane").replace("-", "–").replace("p1ane", "plame"), "y = 3x + 7")
    match = matcher.find(seen)
    assert match is not None
    assert match.question["id"] == "line-3"
    assert 0.9 < match.score < 1


def test_questions_of_one_template_are_told_apart_by_their_numbers(matcher: Matcher) -> None:
    assert found(matcher, read(LINE.format(5, 7), "y = 5x + 7", "y = 7x + 5")) == "line-5"
    assert found(matcher, read(LINE.format(4, 7), "y = 4x + 7", "y = 7x + 4")) is None


def test_other_choices_are_another_question(matcher: Matcher) -> None:
    assert found(matcher, read(LINE.format(3, 7), "x = 3", "x = 7")) is None
    assert found(matcher, read(LINE.format(3, 7), "y = 3x + 7", "y = 7x + 3", "y = 3x − 7", "y = 9x − 3")) is None


def test_what_is_off_the_page_is_not_missed(matcher: Matcher) -> None:
    stem = "Which choice states the main idea of the text?"
    cut = MOTHS.partition("proposed ")[2]
    assert found(matcher, read(stem, "Moths see stars.", "No.", passage=cut)) == "moths"
    assert found(matcher, read(stem, "Moths see stars.", passage=MOTHS)) == "moths"
    assert found(matcher, read(stem, passage=MOTHS)) == "moths"


def test_a_few_common_words_are_not_enough(matcher: Matcher) -> None:
    assert found(matcher, read("What is x?")) is None
    assert found(matcher, read("What is x?", "1", "2", "3", "4")) == "short"
    assert found(matcher, read("What is y?", "5", "6", "7", "8")) is None


def test_a_typed_answer_needs_no_choices(matcher: Matcher) -> None:
    assert found(matcher, read("If 3x + 7 = 22, what is the value of 6x?")) == "typed"
    assert found(matcher, read("If 3x + 7 = 22, what is the value of 6x?", "1", "2")) is None


def test_nothing_is_found_in_an_empty_bank_or_an_empty_page(matcher: Matcher) -> None:
    assert Matcher([]).find(read("What is x?", "1", "2", "3", "4")) is None
    assert matcher.find(read("")) is None


def test_of_two_questions_with_one_id_the_last_stays() -> None:
    matcher = Matcher([question("q", "What is x?", "1"), question("q", "What is the slope of the line shown?", "1")])
    assert len(matcher) == 1
    assert found(matcher, read("What is the slope of the line shown?", "1")) == "q"
