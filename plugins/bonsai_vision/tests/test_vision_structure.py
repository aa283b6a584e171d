"""A question's parts, from lines that were read or a text that was pasted: passage, stem, choices or a typed answer."""

from __future__ import annotations

from typing import Any

import pytest
from bonsai_vision.boxes import Box
from bonsai_vision.choices import find_choices
from bonsai_vision.furniture import is_furniture, is_number, without_number
from bonsai_vision.layout import Line
from bonsai_vision.structure import build, parse
from bonsai_vision.tidy import tidy

LETTER, SIZE, PITCH = 8, 8.0, 24


def line(text: str, at: float, *, left: int = 40, **more: Any) -> Line:
    """A line of 8 pixels a letter; `at` counts lines of a paragraph."""
    top = round(at * PITCH)
    box = Box(left, top, left + LETTER * len(text), top + 12)
    return Line(text, box, SIZE, 0.99, pieces=[(box, text)], **more)


def page(*rows: str | None, left: int = 40, column: int = 0, first: float = 0) -> list[Line]:
    """Lines below one another; None leaves a row empty."""
    return [line(text, first + at, left=left, column=column) for at, text in enumerate(rows) if text]


STEM = "What is the value of x?"
CHOICES = ("A) 3", None, "B) 5", None, "C) 7", None, "D) 15")
FOUND = [("A", "3"), ("B", "5"), ("C", "7"), ("D", "15")]


def test_a_question_with_choices() -> None:
    found = build(page("If 3x + 7 = 22, what is", "the value of x?", None, *CHOICES))
    assert found.stem == "If 3x + 7 = 22, what is the value of x?"
    assert found.choices == FOUND
    assert (found.passage, found.figure) == (None, False)
    assert found.text.endswith("A. 3\nB. 5\nC. 7\nD. 15")
    assert [(part.role, part.key) for part in found.parts] == [("stem", ""), *(("choice", key) for key in "ABCD")]


@pytest.mark.parametrize(
    "letters",
    ["{}) ", "({}) ", "{}. ", "{} ", "○ {}. ", "O {}) ", "({}] ", "{{{}) ", "|{}) "],
    ids=lambda form: form.strip(),
)
def test_the_letters_of_choices_are_set_and_read_in_many_ways(letters: str) -> None:
    rows = [f"{letters.format(key)}{text}" for key, text in (("A", "tall"), ("B", "wide"), ("C", "deep"), ("D", "far"))]
    found = build(page("Which word means high?", None, rows[0], None, rows[1], None, rows[2], None, rows[3]))
    assert found.choices == [("A", "tall"), ("B", "wide"), ("C", "deep"), ("D", "far")]


@pytest.mark.parametrize("indent", [0, 3], ids=["flush", "hanging"])
def test_a_choice_of_two_lines_keeps_both(indent: int) -> None:
    rows = ["A) It objects to a claim that was", None, None, "B) It tells of a test.", None]
    rows += ["C) It says why some doubted a", None, None, "D) It finds a flaw."]
    more = {1: "made before.", 6: "proposal of hers."}
    lines = [*page("Which choice says what the text does?"), *page(*rows, first=2)]
    lines += [line(text, 2 + at, left=40 + indent * LETTER) for at, text in more.items()]
    found = build(sorted(lines, key=lambda entry: entry.box.top))
    assert [text for _, text in found.choices] == [
        "It objects to a claim that was made before.",
        "It tells of a test.",
        "It says why some doubted a proposal of hers.",
        "It finds a flaw.",
    ]


def test_lines_that_are_as_far_apart_as_all_others_part_the_question_from_its_choices() -> None:
    found = build(page("If 3x + 7 = 22,", STEM.lower(), "A) 3", "B) 5", "C) 7", "D) 15"))
    assert found.stem == "If 3x + 7 = 22, what is the value of x?"
    assert found.choices == FOUND


def test_a_letter_that_stands_at_the_middle_of_its_lines_owns_them_all() -> None:
    above, below = page("Which choice says it best?"), []
    for number, key in enumerate("ABCD"):
        row = 3 + 4 * number
        below += [line("The first line of this one", row - 0.5, left=90), line(f"{key}.", row, left=40)]
        below += [line("and the second one.", row + 0.5, left=90)]
    found = build([*above, *below])
    assert found.choices == [(key, "The first line of this one and the second one.") for key in "ABCD"]


def test_choices_in_a_grid_are_read_in_the_letters_order() -> None:
    rows = [*page("Which is it?"), *page("A) 1", None, "C) 3", first=2), *page("B) 2", None, "D) 4", first=2, left=400)]
    assert build(rows).choices == [("A", "1"), ("B", "2"), ("C", "3"), ("D", "4")]


def test_a_letter_that_could_not_be_read_is_filled_in() -> None:
    found = build(page(STEM, None, "A) 30", None, "B) 50", None, "x 70", None, "D) 90"))
    assert [key for key, _ in found.choices] == ["A", "B", "C", "D"]


def test_four_texts_after_the_question_are_its_choices_even_without_letters() -> None:
    found = build(
        page("Which one is it?", None, None, "Tall trees", None, None, "Wide", None, None, "Deep", None, None, "Far")
    )
    assert found.choices == [("A", "Tall trees"), ("B", "Wide"), ("C", "Deep"), ("D", "Far")]


def test_a_mark_that_was_read_apart_from_its_letter_is_no_part_of_the_choice() -> None:
    lines = page("Which is it?")
    for number, key in enumerate("ABCD"):
        whole = line(f"{key} . {number}x + 1", 2 + 2 * number)
        first, rest = whole.box._replace(right=whole.box.left + 8), whole.box._replace(left=whole.box.left + 24)
        whole.pieces = [(first, key), (rest, f". {number}x + 1")]
        lines.append(whole)
    assert build(lines).choices == [(key, f"{number}x + 1") for number, key in enumerate("ABCD")]


def test_a_page_that_ends_within_the_choices_has_those_that_are_there() -> None:
    assert build(page(STEM, None, "A) 30", None, "B) 50")).choices == [("A", "30"), ("B", "50")]
    assert build(page(STEM, None, "A) 30")).choices == [("A", "30")]


def test_a_letter_among_numbers_is_a_digit() -> None:
    found = build(page(STEM, None, "A) 5", None, "B) 3", None, "C) O", None, "D) l"))
    assert [text for _, text in found.choices] == ["5", "3", "0", "1"]
    found = build(page("Which is the center?", None, "A) P", None, "B) Q", None, "C) O", None, "D) I"))
    assert [text for _, text in found.choices] == ["P", "Q", "O", "I"]


def test_an_article_at_the_beginning_of_a_line_is_no_choice() -> None:
    assert find_choices(page("A car drives on a road for", "B hours. What is its speed?")) is None


def test_a_typed_answer_has_no_choices() -> None:
    found = build(
        page("A car drives 60 miles in 2 hours.", "What is its speed, in miles per hour?", None, "Your answer")
    )
    assert found.stem == "A car drives 60 miles in 2 hours. What is its speed, in miles per hour?"
    assert found.choices == []


def test_a_remark_may_follow_the_sentence_that_asks() -> None:
    found = build(page("What is the probability? (Express your", "answer as a decimal.)", None, "Your answer"))
    assert found.stem == "What is the probability? (Express your answer as a decimal.)"
    assert found.passage is None


def test_of_two_columns_the_one_with_a_box_for_the_answer_asks() -> None:
    question = page("By what percent does its volume", "increase? (Disregard the sign.)", None, "Your answer:")
    chat = page("can you help me with this one?", None, "Sure! What have you tried?", left=600, column=1)
    found = build([*question, *chat])
    assert found.stem == "By what percent does its volume increase? (Disregard the sign.)"


def test_a_box_right_below_the_question_tells_it_from_other_questions() -> None:
    question = page("What percent of them are violinists?")
    chat = page("Sure! What have you tried?", "nothing yet", left=600, column=1)
    boxes = [Box(40, 40, 180, 70), Box(600, 200, 900, 230)]
    assert build([*question, *chat], frames=boxes).stem == "What percent of them are violinists?"
    assert build([*question, *chat]).stem == "Sure! What have you tried?"


def test_the_passage_stands_on_the_left_of_its_question() -> None:
    passage = page("Ada Lovelace wrote of a machine", "that might compose music. Few", "believed her.")
    question = page("Which choice states the main idea?", None, *CHOICES, left=600, column=1)
    found = build([*passage, *question])
    assert found.passage == "Ada Lovelace wrote of a machine that might compose music. Few believed her."
    assert found.stem == "Which choice states the main idea?"
    assert [part.role for part in found.parts] == ["passage", "stem", *4 * ["choice"]]


def test_a_passage_above_its_question_is_parted_from_it_in_words_and_on_the_page() -> None:
    found = build(
        page(
            "Ada Lovelace wrote of a machine.",
            "Few believed her.",
            None,
            "Which choice states the main idea?",
            None,
            *CHOICES,
        )
    )
    assert (found.passage, found.stem) == (
        "Ada Lovelace wrote of a machine. Few believed her.",
        "Which choice states the main idea?",
    )
    passage, stem = (part for part in found.parts if part.role != "choice")
    assert (passage.role, stem.role) == ("passage", "stem")
    assert passage.box.bottom < stem.box.top


def test_a_line_at_the_scrolled_edge_belongs_to_the_text_below_it() -> None:
    edge = line("makes them useful to people. Few of them", 0, strip=True)
    text = page("believed her.", None, "Which choice states the main idea?", None, *CHOICES, first=1, column=1)
    assert build([edge, *text]).passage == "makes them useful to people. Few of them believed her."
    title = line("Practice set four of the reading lab", -3, strip=True)
    assert build([title, *text]).passage == "believed her."


def test_rows_of_a_table_are_a_figure_of_the_question() -> None:
    table = [line("Year | Visitors", 0, row=True), line("2010 | 540", 1, row=True)]
    found = build([*table, *page("How many visitors came in 2010?", None, *CHOICES, first=3)])
    assert found.figure
    assert found.passage == "Year | Visitors\n2010 | 540"
    assert found.stem == "How many visitors came in 2010?"


def test_what_is_no_question_has_no_stem() -> None:
    found = build(page("News of the day", None, "The river rose by two feet on Monday.", "Nobody was hurt."))
    assert (found.stem, found.choices, found.parts) == ("", [], [])
    assert found.text == found.read == "News of the day\nThe river rose by two feet on Monday.\nNobody was hurt."
    assert build([]).text == ""


@pytest.mark.parametrize(
    "text",
    [
        *("Mark for Review", "☐ Mark for Review", "ABC", "Directions", "Next", "Question 12 of 27", "3 / 24", "31:11"),
        *("https://practice.example.org/set/4", "@ https://learn.example.com/quiz?id = 17", "Your answer", "LTE 82%"),
        *("Check answer", "‹ Back Question 9 of 27", "(Note: Figure not drawn to scale.)", "..."),
    ],
)
def test_labels_of_the_page_are_no_words_of_the_question(text: str) -> None:
    assert is_furniture(text)
    assert STEM in build(page(text, None, None, STEM, None, *CHOICES)).text
    assert text not in build(page(text, None, None, STEM, None, *CHOICES)).text


@pytest.mark.parametrize(
    "text", ["Mark ran for review of his case.", "The answer is a number.", "3 of 7 birds", "x = 31:11"]
)
def test_words_of_a_question_are_no_labels(text: str) -> None:
    assert not is_furniture(text)


def test_the_questions_number_is_left_out() -> None:
    assert is_number("12.")
    assert not is_number("12%")
    assert without_number("12. What is x?") == "What is x?"
    assert without_number("12.5 is what percent of 50?") == "12.5 is what percent of 50?"
    assert build(page("14.", "What is x?", None, *CHOICES)).stem == "What is x?"


@pytest.mark.parametrize(
    ("read", "tidied"),
    [
        ("3x+7=22", "3x + 7 = 22"),
        ("y - 5 > −2", "y − 5 > −2"),
        ("f(x)=x²-4", "f(x) = x² − 4"),
        ("a well-known text", "a well-known text"),
        ("from 1790-1810", "from 1790-1810"),
        ("(3,-2)", "(3, −2)"),
        ("It rose , then fell .", "It rose, then fell."),
        ("", ""),
    ],
)
def test_lines_are_spaced_as_a_typesetter_would(read: str, tidied: str) -> None:
    assert tidy(read) == tidied
    assert tidy(tidied) == tidied, "what is right stays"


PASTED = """Ada Lovelace wrote of a machine that might compose music.

Which choice states the main idea?

A. She composed.
B. She foresaw that machines
might do more than count.
C. Few believed her.
D. Music is hard."""


def test_a_pasted_text_is_parted_likewise() -> None:
    found = parse(PASTED)
    assert found.passage == "Ada Lovelace wrote of a machine that might compose music."
    assert found.stem == "Which choice states the main idea?"
    assert [key for key, _ in found.choices] == ["A", "B", "C", "D"]
    assert found.choices[1][1] == "She foresaw that machines might do more than count."


@pytest.mark.parametrize("text", ["", "   \n\n ", "hello there", "A man walks.\nB is a letter."])
def test_a_text_that_asks_nothing_has_no_stem(text: str) -> None:
    assert parse(text).stem == ""
