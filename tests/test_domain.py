"""The SAT vocabulary: shares add up, questions are consistent, typed answers are compared as values."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bonsai_core.domain import (
    BANDS,
    DOMAINS,
    FORMATS,
    SKILLS,
    Choice,
    Question,
    Section,
    difficulty_of_band,
    level_of_band,
    number_of,
    same_answer,
)


def question(**fields: object) -> Question:
    values: dict[str, object] = {
        "id": "q",
        "section": "Math",
        "domain": "Algebra",
        "skill": "Linear functions",
        "stem": "?",
        "answers": ["3/4"],
    }
    return Question.model_validate(values | fields)


def test_shares_add_up_and_there_are_29_skills() -> None:
    shares: dict[Section, float] = defaultdict(float)
    for domain in DOMAINS:
        shares[domain.section] += domain.share
    assert {section: round(share, 9) for section, share in shares.items()} == dict.fromkeys(Section, 1.0)
    assert len(SKILLS) == len(set(SKILLS)) == 29


def test_pace_is_that_of_the_test() -> None:
    assert round(FORMATS[Section.READING_AND_WRITING].seconds_per_question) == 71
    assert round(FORMATS[Section.MATH].seconds_per_question) == 95


def test_bands_map_to_words_and_levels() -> None:
    assert [difficulty_of_band(band) for band in BANDS] == ["easy"] * 3 + ["medium"] * 2 + ["hard"] * 2
    levels = [level_of_band(band) for band in BANDS]
    assert levels == sorted(levels)
    assert (levels[0], levels[-1]) == (1, 5)


@pytest.mark.parametrize("typed", ["3/4", ".75", "0.75", "0.750", " 75% ", "6/8", "+.75", "1.5/2"])
def test_equal_numbers_are_the_same_answer(typed: str) -> None:
    assert question().grade(typed)


@pytest.mark.parametrize("typed", ["", "3", "0.7", "75", "3/0", "3//4", "x", "1e999", "/", "9" * 70, "--.75", "nan"])
def test_other_text_is_not(typed: str) -> None:
    assert not question().grade(typed)


@pytest.mark.parametrize(
    ("typed", "right"),
    [
        (".6667", True),
        (".6666", True),
        ("0.6667", True),
        (".66667", True),
        (".67", False),
        (".666", False),
        ("2/3", True),
    ],
)
def test_a_decimal_that_does_not_end_fills_the_field(typed: str, right: bool) -> None:
    assert same_answer(typed, "2/3") is right
    assert same_answer("-" + typed, "-2/3") is right


def test_mixed_numbers_dollars_and_thousands() -> None:
    assert number_of("-1 1/2") == Fraction(-3, 2)
    assert number_of("$1,200.50") == Fraction(2401, 2)
    assert number_of("1,20") is None
    assert same_answer("2X + 1", "2x+1")


@given(st.fractions(max_denominator=999).filter(lambda value: abs(value) < 10_000))
def test_every_fraction_is_read_back(value: Fraction) -> None:
    assert number_of(f"{value.numerator}/{value.denominator}") == value


@given(st.text(max_size=40))
def test_no_text_breaks_grading(typed: str) -> None:
    assert question().grade(typed) in (True, False)


def test_a_choice_is_named_by_its_letter() -> None:
    choices = [Choice(key=key, text=key) for key in "ABCD"]
    asked = question(choices=choices, answers=["B"])
    assert asked.grade("b")
    assert asked.grade(" B) ")
    assert not asked.grade("A")
    assert not asked.grade("E")


@pytest.mark.parametrize("wrong", [{"skill": "Circles"}, {"domain": "Magic"}, {"section": "Reading and Writing"}])
def test_section_domain_and_skill_belong_together(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="belong together"):
        question(**wrong)


def test_the_answer_of_a_multiple_choice_question_is_one_of_its_letters() -> None:
    with pytest.raises(ValidationError, match="letter"):
        question(choices=[Choice(key="A", text="1")], answers=["B"])
