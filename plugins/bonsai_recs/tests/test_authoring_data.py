"""Values, figures and checkers of data analysis and geometry."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from fractions import Fraction

import pytest
from bonsai_recs.authoring import figures, figures_shapes
from bonsai_recs.authoring.kit import Proof, ProofError
from bonsai_recs.authoring.making import draft, frac, gives_away, money, num, numbers_in, root, times, typed, value_of
from bonsai_recs.authoring.proofs_data import CHECKERS
from bonsai_recs.bank import read_bank
from bonsai_recs.bank.bank import SHIPPED


def test_values_are_read_as_students_write_them() -> None:
    assert value_of("$1,250") == {(1, 0): Fraction(1250)}
    assert value_of("12 square feet") == value_of("12")
    assert value_of("36 − 9π") == {(1, 0): Fraction(36), (1, 1): Fraction(-9)}
    assert value_of("5√8/2") == value_of("5√2")
    assert value_of("x + 3") is None
    assert numbers_in("Divide 3/4 by 12 and 5√3.") == [value_of("3/4"), value_of("12"), value_of("5√3")]
    assert gives_away("So it is 0.35.", "35%")
    assert not gives_away("The base is 12.", "12", known="A base of 12")


def test_numbers_are_written_as_the_test_prints_them() -> None:
    part = Fraction(6, 8)
    assert [num(1250), num(-3), num(part), frac(part), money(19)] == ["1,250", "−3", "0.75", "3/4", "$19"]
    assert [typed(-12), typed(part), times(Fraction(3, 2), "π")] == ["-12", "3/4", "3π/2"]
    assert [root(12), root(49)] == ["2√3", "7"]


@pytest.mark.parametrize(
    ("kind", "given", "right", "wrong"),
    [
        ("ratio", {"start": "3/4", "steps": [["*", 8], ["-", 1]]}, "5", "6"),
        ("ratio", {"start": "choice", "steps": [["*", "6/5"]], "equals": 60}, "50", "48"),
        ("statistics", {"data": [2, 9, 4], "measure": "median"}, "4", "5"),
        ("statistics", {"data": {"values": [1, 3], "counts": [3, 1]}, "measure": "mean"}, "1.5", "2"),
        ("statistics", {"data": [5, 7], "changes": [["append", "choice"]], "measure": "mean", "equals": 7}, "9", "7"),
        ("statistics", {"data": [1, 5], "measure": "sd", "minus": {"data": [2, 4]}}, "1", "2"),
        ("statistics", {"measure": "median_interval", "edges": [0, 10, 20], "counts": [2, 5]}, "13", "7"),
        ("count", {"table": [[3, 5], [2, 10]], "event": {"rows": [0]}, "within": {"columns": [1]}}, "1/3", "1/4"),
        ("count", {"table": [[3, "choice"]], "event": {"columns": [0]}, "equals": "1/5"}, "12", "15"),
        ("geometry", {"measure": "cone_volume", "data": {"r": 3, "h": 4}}, "12π", "36π"),
        ("geometry", {"measure": "regular_area", "data": {"sides": 6, "side": 2}}, "6√3", "6"),
        ("geometry", {"measure": "circle", "centre": [2, -1], "radius_squared": 9}, "x² + y² − 4x + 2y = 4", ("x² "
"+ "
"y² "
"= 9")),
        ("geometry", {"measure": "centre", "equation": "2x² + 2y² − 4x = 6"}, "(1, 0)", "(2, 0)"),
        ("geometry", {"measure": "sine_less_cosine", "data": {"a": 20, "b": "choice"}, "equals": 0}, "70", "20"),
    ],
)  # fmt: skip
def test_checkers_tell_right_from_wrong(kind: str, given: dict[str, object], right: str, wrong: str) -> None:
    CHECKERS[kind](Proof(kind, given), [right], [wrong])
    with pytest.raises(ProofError):
        CHECKERS[kind](Proof(kind, given), [wrong], [])
    with pytest.raises(ProofError):
        CHECKERS[kind](Proof(kind, given), [right], [right])


def test_a_claim_of_a_cause_needs_random_assignment() -> None:
    facts = {"random_sample": True, "random_assignment": False, "population": "all", "participants": "sample"}
    tags = {"cause": {"about": "all", "cause": True}, "link": {"about": "all", "cause": False}}
    check = CHECKERS["judgement"]
    check(Proof("judgement", {"rule": "claim", "facts": facts, "tags": tags}), ["link"], ["cause"])
    facts["random_assignment"] = True
    check(Proof("judgement", {"rule": "claim", "facts": facts, "tags": tags}), ["cause"], ["link"])
    with pytest.raises(ProofError):
        check(Proof("judgement", {"rule": "claim", "facts": facts, "tags": {}}), ["cause"], [])


@pytest.mark.parametrize(
    ("known", "added", "enough"),
    [(["AB", "BC"], "B", True), (["AB", "BC"], "A", False), (["A", "B"], "C", False), (["A", "B"], "CA", True)],
)
def test_congruence_needs_a_test_that_holds(known: list[str], added: str, enough: bool) -> None:
    proof = Proof("judgement", {"rule": "congruence", "facts": {"known": known}, "tags": {"it": {"enough": added}}})
    CHECKERS["judgement"](proof, ["it"] if enough else [], [] if enough else ["it"])


def test_spare_wrong_choices_are_kept_where_they_differ() -> None:
    proof = Proof("ratio", {"start": "5"})
    made = draft(
        stem="?",
        answer="5",
        wrong=[("1", "You."), ("2", "You."), ("3", "You.")],
        spare=[("2", "You."), ("5", "You."), ("4", "You.")],
        why=".",
        band=1,
        hints=("a", "b", "c", "5"),
        strategy=".",
        proof=proof,
    )
    assert [wrong.text for wrong in made.wrong] == ["1", "2", "3", "4"]


def test_every_figure_is_plain_svg_with_a_title_and_a_description() -> None:
    shown = [ET.fromstring(item.figure) for item in read_bank(SHIPPED) if item.figure]
    assert len(shown) >= 60
    for picture in shown:
        assert picture.get("role") == "img"
        assert 300 <= float(picture.get("width", 0)) <= 480
        assert picture.get("viewBox") == f"0 0 {picture.get('width')} {picture.get('height')}"
        assert [child.tag.rpartition("}")[2] for child in picture][:2] == ["title", "desc"]
        used = {element.tag.rpartition("}")[2] for element in picture.iter()}
        assert used <= {"svg", "title", "desc", "path", "circle", "text", "tspan"}
        # Drawn in the color of the page's text, so that it reads on light and dark pages.
        assert all(element.get("fill") in ("none", "currentColor") for element in list(picture)[2:])


def test_variables_in_a_figure_are_italic_and_other_letters_are_not() -> None:
    drawing = figures.Drawing(100, 100, "t", "d")
    drawing.text((0, 0), "(3x − 5)°")
    drawing.text((0, 0), "Goals in a game")
    drawing.text((0, 0), "Value ($100s)")
    assert re.findall("<tspan[^>]*>(.*?)</tspan>", drawing.svg()) == ["x"]


def test_a_figure_escapes_its_text() -> None:
    picture = figures.bar_chart(["<a>", "b & c"], [1, 2], (0, 2, 1), "x", "y")
    assert "<a>" not in picture
    ET.fromstring(picture)
    ET.fromstring(figures_shapes.cylinder("r < 2", "h"))
