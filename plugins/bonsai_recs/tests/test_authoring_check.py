"""The program that checks a bank finds what it looks for, and nothing where all is well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bonsai_recs.authoring.build import by_size, story
from bonsai_recs.authoring.check import check, problems
from bonsai_recs.authoring.leaks import leaks, shows
from bonsai_recs.authoring.reading_level import grade, syllables
from bonsai_recs.bank import read_bank
from bonsai_recs.bank.bank import SHIPPED
from bonsai_recs.bank.figures import figure_problem
from bonsai_recs.bank.files import BankItem

from bonsai_core.domain import Section, number_of

ITEMS = read_bank(SHIPPED)
NUMBER = next(item for item in ITEMS if item.choices and all(number_of(c.text) is not None for c in item.choices))
TYPED = next(item for item in ITEMS if not item.choices)
TEXT = next(item for item in ITEMS if item.section is Section.READING_AND_WRITING)
DRAWN = next(item for item in ITEMS if item.figure)


def spoiled(item: BankItem, **changes: Any) -> BankItem:
    return item.model_copy(update=changes)


def with_hint(item: BankItem, rung: int, text: str) -> BankItem:
    return spoiled(item, hints=[*item.hints[: rung - 1], text, *item.hints[rung:]])


def right(item: BankItem) -> str:
    return next(choice.text for choice in item.choices if choice.key == item.answers[0])


def other_letter(item: BankItem) -> str:
    return next(choice.key for choice in item.choices if choice.key != item.answers[0])


@pytest.mark.parametrize("item", [NUMBER, TYPED, TEXT, DRAWN], ids=["number", "typed", "text", "drawn"])
def test_a_sound_question_has_no_problem(item: BankItem) -> None:
    assert problems(item) == []


@pytest.mark.parametrize(
    ("problem", "spoil"),
    [
        ("proof:", lambda: spoiled(NUMBER, answers=[other_letter(NUMBER)])),
        ("proof cannot be checked", lambda: spoiled(NUMBER, proof=NUMBER.proof | {"given": {}})),
        ("nobody checks", lambda: spoiled(NUMBER, proof={"kind": "faith", "given": {}})),
        ("two choices are the same", lambda: spoiled(NUMBER, choices=[NUMBER.choices[0]] * 4)),
        ("hint 3 gives the answer away: its value", lambda: with_hint(NUMBER, 3, f"So it is {right(NUMBER)}.")),
        ("hint 1 gives the answer away: its letter", lambda: with_hint(TEXT, 1, "Look at choice B again.")),
        ("hint 2 gives the answer away: its words", lambda: with_hint(TEXT, 2, f"It says: {right(TEXT)}")),
        ("a hint comes twice", lambda: with_hint(TEXT, 2, TEXT.hints[0])),
        ("3 hints instead of 4", lambda: spoiled(TEXT, hints=TEXT.hints[:3])),
        ("the last hint does not give the answer", lambda: with_hint(TEXT, 4, "Now you know.")),
        (
            "has no misconception",
            lambda: spoiled(TEXT, choices=[c.model_copy(update={"misconception": None}) for c in TEXT.choices]),
        ),
        (
            "the remark on choice",
            lambda: spoiled(
                TEXT, choices=[c.model_copy(update={"misconception": f"It is {right(TEXT)}"}) for c in TEXT.choices]
            ),
        ),
        ("rationale or strategy is missing", lambda: spoiled(TEXT, strategy="")),
        (
            "hint 1 reads at grade",
            lambda: with_hint(TEXT, 1, "Recapitulate the argumentation underlying contemporaneous historiography."),
        ),
        ("stem has a space too many", lambda: spoiled(TEXT, stem="Which  choice?")),
        ("stem has two marks in a row", lambda: spoiled(TEXT, stem="Is it so,.")),
        ("stem has a gap that was not filled", lambda: spoiled(TEXT, stem="What about {about}?")),
        ("stem has a hyphen for a minus sign", lambda: spoiled(NUMBER, stem="If x = -3, what is x?")),
        ("stem has a number without commas", lambda: spoiled(NUMBER, stem="It cost $1200. Why?")),
        ("stem has one of several", lambda: spoiled(NUMBER, stem="After 1 hours, what is x?")),
        ("figure: not XML", lambda: spoiled(DRAWN, figure="<svg")),
        ("figure: <script> is not allowed", lambda: spoiled(DRAWN, figure='<svg viewBox="0 0 1 1"><script/></svg>')),
        ("the choices are not A to D", lambda: spoiled(TEXT, choices=TEXT.choices[:3])),
        ("does not fit the field", lambda: spoiled(TYPED, answers=["123456"])),
        ("the passage has 3 words", lambda: spoiled(TEXT, passage="Only three words.")),
        ("the passage has 1 blanks instead of 0", lambda: spoiled(TEXT, passage=f"{TEXT.passage} ______")),
    ],
)
def test_a_spoiled_question_is_found_out(problem: str, spoil: Callable[[], BankItem]) -> None:
    found = problems(spoil())
    assert any(problem in each for each in found), found


def test_a_bank_is_checked_as_a_whole() -> None:
    always_a = [spoiled(item, id=f"{item.id}-{n}", answers=["A"]) for n, item in enumerate([TEXT] * 20 + [NUMBER] * 20)]
    found = [finding.problem for finding in check(always_a)]
    assert any("questions instead of at least" in problem for problem in found)
    assert any("asks about the same as" in problem for problem in found)
    assert any("A is right in 20 of 20 questions of Math" in problem for problem in found)
    long = [c.model_copy(update={"text": c.text + " and so on" * (c.key == TEXT.answers[0])}) for c in TEXT.choices]
    told = [finding.problem for finding in check([spoiled(TEXT, id=str(n), choices=long) for n in range(20)])]
    assert any("the right choice is the longest in 20 of 20" in problem for problem in told)


def question(answer: str, *, stem: str = "What is it?", section: str = "Math", choices: bool = True) -> BankItem:
    skill, domain = (
        ("Circles", "Geometry and Trigonometry") if section == "Math" else ("Transitions", "Expression of Ideas")
    )
    texts = [answer, "one wrong thing", "two wrong things", "three wrong things"]
    return BankItem.model_validate(
        {
            "id": "q",
            "section": section,
            "domain": domain,
            "skill": skill,
            "stem": stem,
            "choices": [{"key": key, "text": text} for key, text in zip("ABCD", texts, strict=True)] if choices else [],
            "answers": ["A" if choices else answer],
        }
    )


@pytest.mark.parametrize(
    ("answer", "text", "how"),
    [
        ("1/2", "Then you have 0.5 of it.", "its value"),
        ("0.5", "Then you have 2/4 of it.", "its value"),
        ("1,200", "The total is 1200 now.", "its value"),
        ("35%", "As a decimal, this is 0.35.", "its value"),
        ("12", "That makes twelve.", "its value"),
        ("42", "That makes forty-two.", "its value"),
        ("−3", "Then x is -3.", "its value"),
        ("5√3/2", "Half of it is 5√3/2.", "its value"),
        ("2√3", "It is √12.", "its value"),
        ("24π", "Its area is 24π.", "its value"),
        ("y = 2x + 1", "So y=2x+1 fits.", "its words"),
        ("(3, −1)", "They meet at (3, −1).", "its words"),
        ("However,", "The word however fits.", "its words"),
        ("7", "The answer is C.", "its letter"),
        ("7", "Look at option (B).", "its letter"),
        ("7", "B is the right choice.", "its letter"),
        ("7", "The first one, (D), fits.", "its letter"),
    ],
)
def test_a_text_that_gives_the_answer_away_is_found(answer: str, text: str, how: str) -> None:
    section = "Reading and Writing" if answer == "However," else "Math"
    assert leaks(question(answer, section=section), text) == how


@pytest.mark.parametrize(
    ("answer", "stem", "text"),
    [
        ("12", "Of 12 cats, how many?", "Start with 12."),
        ("2", "How many?", "There are two kinds of mistakes."),
        ("10", "What is the radius of x² − 10x + y² = 75?", "Half of 10 is 5."),
        ("7", "How many?", "Add 17 and 0.7."),
        ("7", "How long is AB?", "Angle B is right angle B of triangle ABC. Side A is known."),
        ("5π", "How long?", "Divide by 5."),
        ("y = 2x + 1", "Which line?", "The slope is 2, so look for 2x."),
        ("90", "What is angle A?", "B is right angle here."),
    ],
)
def test_a_text_that_keeps_the_answer_to_itself_passes(answer: str, stem: str, text: str) -> None:
    assert leaks(question(answer, stem=stem), text) is None


def test_numbers_in_a_reading_question_are_words_like_others() -> None:
    assert leaks(question("1958, the", section="Reading and Writing"), "You put a colon after 1958.") is None


def test_a_worked_solution_shows_a_typed_answer_in_any_form() -> None:
    assert shows(question("3/4", choices=False), "So x is 0.75.")
    assert not shows(question("3/4", choices=False), "So x is 0.7.")


def test_the_reading_level_grows_with_long_words_and_sentences() -> None:
    assert grade("") == 0
    assert grade("Cut it. Add it. See it.") < 1 < grade("Look at the second part of the sentence once more.") < 6
    assert grade("Simultaneous consideration of alternative interpretations is indispensable.") > 20
    # 9 words of one syllable, since the sign is no word.
    assert grade("Add 3x + 4 to the sum of both sides.") == pytest.approx(0.39 * 9 + 11.8 - 15.59)


@pytest.mark.parametrize(("word", "count"), [("cat", 1), ("table", 2), ("made", 1), ("teacher's", 2), ("two-way", 2)])
def test_syllables_are_counted(word: str, count: int) -> None:
    assert syllables(word) == count


@pytest.mark.parametrize(
    ("figure", "problem"),
    [
        ('<svg viewBox="0 0 1 1"><title>t</title><path d="M0 0"/></svg>', None),
        ('<svg viewBox="0 0 1 1"><path d="M0 0"/></svg>', "no title for screen readers"),
        ("<svg><title>t</title></svg>", "no SVG document with a viewBox"),
        ('<svg viewBox="0 0 1 1"><image href="x"/></svg>', "<image> is not allowed"),
        ('<svg viewBox="0 0 1 1"><path onclick="x()"/></svg>', "event handlers are not allowed"),
        ('<svg viewBox="0 0 1 1"><path style="fill:red"/></svg>', "the attribute style is not allowed"),
        ('<svg viewBox="0 0 1 1"><path fill="url(http://x.test)"/></svg>', "the attribute fill is not allowed"),
        ('<!DOCTYPE svg [<!ENTITY a "b">]><svg viewBox="0 0 1 1">&a;</svg>', "refused"),
    ],
)
def test_a_figure_only_draws(figure: str, problem: str | None) -> None:
    found = figure_problem(figure)
    assert found == problem or (problem == "refused" and str(found).startswith("refused"))


def test_choices_are_put_in_order_by_their_size() -> None:
    assert by_size(["1/2", "−3", "0.25", "2"]) == [1, 2, 0, 3]
    assert by_size(["6π", "√2", "27π", "12"]) == [1, 3, 0, 2]
    assert by_size(["From 2016 to 2017", "From 2014 to 2015"]) == [1, 0]
    assert by_size(["$12", "$9.50"]) == [1, 0]
    assert by_size(["7", "There is no solution."]) is None
    assert by_size(["x + 1", "x + 2"]) is None
    assert by_size(["7", "7 and 14"]) is None


def test_a_story_is_its_words_without_numbers_and_names() -> None:
    assert story("Ana buys 3 pens.") == story("Ben buys 12 pens.") == {"buys", "pens"}
