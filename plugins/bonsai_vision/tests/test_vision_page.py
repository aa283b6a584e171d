"""What is found on a page before anything is read, and in which order it is read: pieces, lines, columns, figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from bonsai_vision.boxes import Box
from bonsai_vision.layout import Line, columns, lines, paragraphs
from bonsai_vision.locate import body_rows, locate
from bonsai_vision.ocr import BLANK, Reader, Text
from bonsai_vision.segments import Scan, scan
from PIL import Image, ImageDraw, ImageFont

WORDS = "The quick brown fox jumps over it"


class Page:
    """A page to draw on; lengths in pixels."""

    def __init__(self, width: int = 900, height: int = 500, paper: str = "white", ink: str = "#202020") -> None:
        self.image = Image.new("RGB", (width, height), paper)
        self.draw = ImageDraw.Draw(self.image)
        self.ink = ink

    def write(self, x: int, y: int, text: str, size: int = 20, ink: str | None = None) -> tuple[int, int, int, int]:
        """Write a line; returns where its ink is."""
        font = ImageFont.load_default(size)
        self.draw.text((x, y), text, fill=ink or self.ink, font=font)
        left, top, right, bottom = self.draw.textbbox((x, y), text, font=font)
        return round(left), round(top), round(right), round(bottom)

    def scan(self) -> Scan:
        """What is found on it."""
        return scan(np.asarray(self.image.convert("L")))


def places(page: Page) -> list[Box]:
    return [segment.box for segment in page.scan().segments]


def near(box: Box, expected: tuple[int, int, int, int], by: int = 4) -> bool:
    return all(abs(have - want) <= by for have, want in zip(box, expected, strict=True))


@pytest.mark.parametrize(("paper", "ink"), [("white", "black"), ("#121212", "#e6e6e6"), ("#f3efe4", "#8c7f68")])
def test_a_line_is_one_piece_whatever_its_colours(paper: str, ink: str) -> None:
    page = Page(paper=paper, ink=ink)
    first, second = page.write(40, 60, WORDS), page.write(40, 90, "and then it sleeps.")
    found = places(page)
    assert len(found) == 2
    assert near(found[0], first)
    assert near(found[1], second)


def test_an_empty_page_has_nothing_on_it() -> None:
    page = Page().scan()
    assert (page.segments, page.size) == ([], 0.0)
    assert locate(page).box is None


def test_words_in_a_button_are_read_on_its_colour() -> None:
    page = Page()
    page.write(40, 40, WORDS)
    page.draw.rounded_rectangle((40, 120, 260, 170), 10, fill="#1f5fbf")
    inside = page.write(60, 132, "Check answer", ink="white")
    found = page.scan()
    assert any(near(segment.box, inside) for segment in found.segments)


def test_the_frames_of_choices_are_not_read() -> None:
    page = Page()
    page.write(40, 40, WORDS)
    for number in range(4):
        top = 100 + 60 * number
        page.draw.rounded_rectangle((40, top, 700, top + 44), 10, outline="#c8c8c8")
        page.write(60, top + 10, f"{'ABCD'[number]}. {WORDS}")
    found = page.scan()
    assert [round(box.left, -1) for box in places(page)] == [40, 60, 60, 60, 60]
    assert len(found.frames) + len(found.rules) >= 4
    assert locate(found).figures == []


def test_an_underline_is_cut_off_the_words_that_touch_it() -> None:
    page = Page()
    page.write(40, 40, WORDS)
    left, _, right, bottom = page.write(40, 80, "a sleepy jumping gypsy dog plays by the quay")
    page.draw.line((left, bottom - 4, right, bottom - 4), fill="black", width=2)
    found = page.scan()
    (under,) = [segment for segment in found.segments if segment.box.top > 70]
    assert abs(under.box.left - left) <= 4
    assert abs(under.box.right - right) <= 4
    assert any(rule.width > 0.9 * (right - left) for rule in found.rules)


def test_a_blank_to_fill_in_belongs_to_its_line() -> None:
    page = Page()
    _, _, right, bottom = page.write(40, 60, "It is a")
    page.draw.line((right + 8, bottom, right + 88, bottom), fill="black", width=2)
    page.write(right + 96, 60, "day.")
    page.write(40, 100, WORDS)
    found = page.scan()
    blanks = [blank for segment in found.segments for blank in segment.blanks]
    assert len(blanks) == 1
    assert abs(blanks[0][0] - right - 8) <= 3
    said = [Text("It is a day.", 1.0) for _ in found.segments]
    assert lines(found, columns(found, found.segments)[0], said)
    texts = Reader()(found, found.segments)
    assert f"It is a {BLANK} day." in " ".join(text.text for text in texts[: len(found.segments) - 1])


def test_raised_digits_are_powers() -> None:
    page = Page()
    _, _, right, _ = page.write(40, 60, "The value of 3x", 32)
    page.write(right + 1, 56, "2", 20)
    page.write(right + 16, 60, "+ 5 is given", 32)
    page.write(40, 120, "and so is the value of x", 32)
    found = page.scan()
    text = " ".join(text.text for text in Reader()(found, found.segments))
    assert "3x²" in text, text


def boxes_of(found: Scan) -> list[tuple[bool, Box]]:
    return [(column.strip, column.box) for column in locate(found).columns]


def test_a_passage_on_the_left_is_read_before_the_question_on_the_right() -> None:
    page = Page(1000, 500)
    page.write(30, 20, "Practice with a long title that stands over both of the columns of this page", 18)
    for number in range(6):
        page.write(30, 90 + 28 * number, "The passage goes on and on here")
        page.write(560, 100 + 30 * number, "What is asked stands here")
    page.draw.line((500, 60, 500, 480), fill="#999999")
    found = boxes_of(page.scan())
    assert [strip for strip, _ in found] == [True, False, False]
    assert found[1][1].right < 500 < found[2][1].left


def test_a_side_panel_is_not_read() -> None:
    page = Page(1000, 500, paper="white")
    page.draw.rectangle((0, 0, 160, 500), fill="#f0f0f0")
    for number, label in enumerate(["Practice tests", "My progress", "Leaderboard", "Log out"]):
        page.write(20, 100 + 40 * number, label, 16)
    for number in range(6):
        page.write(260, 100 + 30 * number, "A question that is much longer than any label of the panel")
    place = locate(page.scan())
    assert place.box is not None
    assert place.box.left > 200
    assert len(place.left_out) >= 4


def test_bars_of_the_browser_and_the_site_are_not_read() -> None:
    page = Page(1000, 600)
    page.draw.rectangle((0, 0, 1000, 40), fill="#d5d9e2")
    page.write(20, 8, "Inbox   Maps   News", 16)
    page.draw.rectangle((0, 40, 1000, 100), fill="#0b6e4f")
    page.write(20, 58, "PrepGarden", 18, "white")
    for number in range(8):
        page.write(100, 160 + 32 * number, "A question that is written right across the page, line by line")
    page.draw.rectangle((0, 560, 1000, 600), fill="#e6ecf7")
    page.write(450, 570, "Next", 16)
    found = page.scan()
    top, bottom = body_rows(found)
    assert abs(top - 100) <= 8
    assert abs(bottom - 560) <= 8
    box = locate(found).box
    assert box is not None
    assert 150 < box.top < box.bottom < 450


def test_a_drawing_is_a_figure_with_its_labels() -> None:
    page = Page(900, 600)
    page.draw.line(((100, 60), (100, 260), (300, 260), (100, 60)), fill="black", width=2)
    for spot, label in zip(((80, 40), (80, 255), (305, 255)), "ABC", strict=True):
        page.write(*spot, label)
    for number in range(4):
        page.write(60, 330 + 30 * number, "In the triangle shown, what is the value of the sine of C?")
    place = locate(page.scan())
    (figure,) = place.figures
    assert near(figure, (78, 45, 318, 275), 14)
    assert place.box is not None
    assert place.box.top > 300, "the labels are not read"


def test_the_background_of_a_page_is_no_figure() -> None:
    shade = np.linspace(40, 200, 900)[None, :].repeat(500, axis=0)
    page = Page()
    page.image = Image.fromarray(shade.astype(np.uint8)).convert("RGB")
    page.draw = ImageDraw.Draw(page.image)
    page.draw.rounded_rectangle((100, 40, 620, 400), 14, fill="white")
    for number in range(6):
        page.write(130, 80 + 40 * number, "What is the value of x in the equation?")
    place = locate(page.scan())
    assert place.figures == []
    assert sum(len(column.segments) for column in place.columns) == 6


def test_a_divider_and_a_button_below_it_are_no_figure() -> None:
    page = Page(1000, 560)
    for number in range(6):
        page.write(30, 60 + 28 * number, "The passage goes on and on here")
        page.write(560, 70 + 30 * number, "What is asked stands here")
    page.draw.rectangle((480, 20, 496, 480), outline="#888888", width=2)
    page.draw.rectangle((0, 500, 1000, 560), fill="#e6ecf7")
    page.draw.rounded_rectangle((420, 508, 590, 548), 10, fill="#101010")
    page.write(440, 516, "Question 2 of 27", ink="white")
    place = locate(page.scan())
    assert place.figures == []
    assert [len(column.segments) for column in place.columns] == [6, 6]


def table_page() -> Page:
    page = Page(900, 460)
    for x in (60, 240, 420):
        page.draw.line((x, 40, x, 160), fill="#777777")
    for y in (40, 80, 120, 160):
        page.draw.line((60, y, 420, y), fill="#777777")
    for number, row in enumerate((("Year", "Visitors"), ("2010", "540"), ("2011", "402"))):
        for place, text in zip((75, 255), row, strict=True):
            page.write(place, 48 + 40 * number, text)
    for number in range(3):
        page.write(60, 220 + 30 * number, "The table shows the visitors of a zoo in two years of its life.")
    return page


def test_a_table_is_read_row_by_row() -> None:
    found = table_page().scan()
    assert len(found.tables) == 1
    place = locate(found)
    assert place.figures == []
    (column,) = place.columns
    said = [Text(f"{segment.box.left // 100}{segment.box.top // 40}", 1.0) for segment in column.segments]
    rows = [line.text for line in lines(found, column, said) if line.row]
    assert [row.count(" | ") for row in rows] == [1, 1, 1]


def line(text: str, top: int, *, left: int = 20, **more: Any) -> Line:
    return Line(text, Box(left, top, left + 8 * len(text), top + 12), 8.0, 1.0, **more)


def test_paragraphs_end_where_there_is_more_room() -> None:
    found = paragraphs([line("one", 0), line("two", 20), line("three", 40), line("four", 76), line("five", 96)])
    assert [[entry.text for entry in group] for group in found] == [["one", "two", "three"], ["four", "five"]]


def test_the_reader_tells_each_piece_and_how_sure_it_is() -> None:
    page = Page()
    page.write(40, 60, WORDS)
    page.write(40, 100, "What is the value of 3x + 7?")
    found = page.scan()
    ticks: list[tuple[int, Text]] = []
    texts = Reader()(found, found.segments, lambda number, text: ticks.append((number, text)))
    assert [text.text for text in texts] == [WORDS, "What is the value of 3x + 7?"]
    assert ticks == list(enumerate(texts))
    assert all(0.9 < text.confidence <= 1 for text in texts)


def test_what_a_tick_raises_ends_the_reading() -> None:
    page = Page()
    for number in range(3):
        page.write(40, 40 + 40 * number, WORDS)
    found = page.scan()

    class Cancelled(BaseException):
        pass

    def tick(number: int, text: Text) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        Reader()(found, found.segments, tick)
