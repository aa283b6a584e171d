"""Templates for data analysis and geometry: every draw is a sound question, and the proofs refuse wrong answers."""

from __future__ import annotations

import functools
import importlib
import os
import random
import re
import xml.etree.ElementTree as ET
from fractions import Fraction

import pytest
from bonsai_recs.authoring import figures, figures_shapes
from bonsai_recs.authoring.kit import REGISTRY, Draft, Proof, ProofError, Template
from bonsai_recs.authoring.making import frac, gives_away, money, num, numbers_in, root, times, typed, value_of
from bonsai_recs.authoring.proofs_data import CHECKERS

from bonsai_core.domain import DOMAIN_BY_NAME, number_of

MODULES = (
    "ratios", "percentages", "data_analysis", "scatterplots", "probability", "statistics_claims", "studies",
    "geometry", "angles", "trigonometry", "circles",
)  # fmt: skip
for module in MODULES:
    importlib.import_module(f"bonsai_recs.authoring.{module}")
TEMPLATES = [t for t in REGISTRY.templates if t.name.partition(".")[0] in MODULES]
SKILLS = [
    skill
    for domain in ("Problem-Solving and Data Analysis", "Geometry and Trigonometry")
    for skill in DOMAIN_BY_NAME[domain].skills
]
CLAIMS = "Evaluating statistical claims: Observational studies and experiments"
#: Draws of each template; more with BONSAI_AUTHORING_SEEDS.
SEEDS = int(os.environ.get("BONSAI_AUTHORING_SEEDS", "20"))


@functools.cache
def drafts(template: Template) -> list[Draft]:
    return [template.make(random.Random(f"{template.name}/{seed}")) for seed in range(SEEDS)]


def grade_level(text: str) -> float:
    """The Flesch-Kincaid grade of a text, syllables counted by groups of vowels."""
    sentences = max(1, len(re.findall(r"[.!?](?:\s|$)", text)))
    words = re.findall(r"[A-Za-z']+|\d[\d,./]*", text)
    syllables = sum(max(1, len(re.findall(r"[aeiouy]+", re.sub(r"e$", "", word.lower())))) for word in words)
    return 0.39 * len(words) / sentences + 11.8 * syllables / len(words) - 15.59


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_every_draw_is_a_sound_question(template: Template) -> None:
    seen = set()
    for draft in drafts(template):
        seen.add((draft.stem, draft.passage, draft.figure))
        texts = [draft.answer, *(wrong.text for wrong in draft.wrong)]
        assert len(texts) == len(set(texts)) == (4 if draft.wrong else 1), texts
        values = [value for value in map(value_of, texts) if value is not None]
        assert all(value not in values[:place] for place, value in enumerate(values)), texts
        if not draft.wrong:
            assert len(draft.answer.lstrip("-")) <= 5
            assert number_of(draft.answer) is not None
        assert len(draft.hints) == 4
        known = f"{draft.stem}\n{draft.passage or ''}"
        for hint in draft.hints[:3]:
            assert not gives_away(hint, draft.answer, known=known), (hint, draft.answer)
        assert draft.answer.rstrip(".") in draft.hints[3]
        for wrong in draft.wrong:
            assert not gives_away(wrong.misconception, draft.answer), (wrong, draft.answer)
            assert 1 <= len(re.findall(r"[.!?](?:\s|$)", wrong.misconception)) <= 3
        assert 1 <= len(re.findall(r"[.!?](?:\s|$)", draft.rationale)) <= 5
        assert grade_level(" ".join(draft.hints)) <= 9, draft.hints
        assert 1 <= draft.band <= 7
        assert 40 <= (draft.expected_seconds or 75) <= 150
        assert 0.7 <= draft.discrimination <= 1.6
        CHECKERS[draft.proof.kind](draft.proof, [draft.answer], [wrong.text for wrong in draft.wrong])
        whole = " ".join(
            [draft.stem, draft.rationale, draft.strategy, *draft.hints, *(w.misconception for w in draft.wrong)]
        )
        for flaw in ("  ", "..", " ,", "{", "}", "+ −", "− −", "None", "An decrease", "a increase"):
            assert flaw not in whole, whole
    assert len(seen) >= 2 * template.count


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_a_proof_refuses_the_wrong_answer(template: Template) -> None:
    for draft in drafts(template)[:6]:
        check = CHECKERS[draft.proof.kind]
        for wrong in draft.wrong:
            with pytest.raises(ProofError):
                check(draft.proof, [wrong.text], [])
            with pytest.raises(ProofError):
                check(draft.proof, [draft.answer], [draft.answer])
        if not draft.wrong:
            with pytest.raises(ProofError):
                check(draft.proof, ["98765"], [])


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_figures_are_plain_svg_with_a_title_and_a_description(template: Template) -> None:
    for draft in drafts(template):
        if draft.figure is None:
            continue
        picture = ET.fromstring(draft.figure)
        assert picture.get("role") == "img"
        assert 300 <= float(picture.get("width", 0)) <= 480
        assert picture.get("viewBox") == f"0 0 {picture.get('width')} {picture.get('height')}"
        assert [child.tag.rpartition("}")[2] for child in picture][:2] == ["title", "desc"]
        assert {e.tag.rpartition("}")[2] for e in picture.iter()} <= {"svg", "title", "desc", "path", "circle", "text"}
        assert all(e.get("fill") in ("none", "currentColor") for e in list(picture)[2:])
        assert not gives_away(picture[0].text or "", draft.answer)


@pytest.mark.parametrize("skill", SKILLS)
def test_each_skill_has_enough_questions_of_all_levels(skill: str) -> None:
    templates = [t for t in TEMPLATES if t.skill == skill]
    assert len(templates) >= 5
    assert sum(t.count for t in templates) >= 22
    bands = {draft.band for t in templates for draft in drafts(t)}
    assert min(bands) <= 2
    assert max(bands) == 7
    assert len(bands) >= 6
    typed_share = sum(t.count for t in templates if not drafts(t)[0].wrong) / sum(t.count for t in templates)
    assert typed_share == 0 if skill == CLAIMS else 0.1 <= typed_share <= 0.4


def test_many_questions_have_a_figure_or_a_table() -> None:
    shown = sum(t.count for t in TEMPLATES if (first := drafts(t)[0]).figure or first.passage)
    assert shown >= 60


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


def test_a_figure_escapes_its_text() -> None:
    picture = figures.bar_chart(["<a>", "b & c"], [1, 2], (0, 2, 1), "x", "y")
    assert "<a>" not in picture
    ET.fromstring(picture)
    ET.fromstring(figures_shapes.cylinder("r < 2", "h"))
