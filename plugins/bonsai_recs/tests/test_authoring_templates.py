"""The Mathematics templates: every draw makes a question without a problem, whose wrong choices are refuted.

Each test goes through all templates of one module; a failure names the template and the draw. `BONSAI_AUTHORING_SEEDS`
sets the draws of each template: few by default, many to search for rare faults.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import os
import random
import re

import pytest
from bonsai_recs.authoring.build import templates, to_item
from bonsai_recs.authoring.check import checkers, problems
from bonsai_recs.authoring.kit import Draft, ProofError, Template, Unusable
from bonsai_recs.authoring.making import gives_away

from bonsai_core.domain import DOMAIN_OF_SKILL, Section

SEEDS = int(os.environ.get("BONSAI_AUTHORING_SEEDS", "2"))
TEMPLATES = [template for template in templates() if DOMAIN_OF_SKILL[template.skill].section is Section.MATH]
MODULES = sorted({template.name.partition(".")[0] for template in TEMPLATES})


def of(module: str) -> list[Template]:
    return [template for template in TEMPLATES if template.name.startswith(f"{module}.")]


@functools.cache
def drawn(template: Template) -> list[Draft]:
    return [draw(template, seed) for seed in range(SEEDS)]


def draw(template: Template, seed: int) -> Draft:
    rng = random.Random(f"{template.name}/{seed}")
    for _ in range(400):
        try:
            return template.make(rng)
        except Unusable:
            continue
    raise AssertionError(f"{template.name} finds no usable numbers")


def with_each_choice(draft: Draft) -> list[Draft]:
    """Drafts of three wrong choices in which every wrong choice of a draft appears."""
    if not draft.wrong:
        return [draft]
    ends = {tuple(draft.wrong[:3]), tuple(draft.wrong[-3:])}
    return [dataclasses.replace(draft, wrong=three) for three in ends]


@pytest.mark.parametrize("module", MODULES)
def test_every_draw_makes_a_question_without_a_problem(module: str) -> None:
    for template in of(module):
        for seed, draft in enumerate(drawn(template)):
            assert not draft.wrong or len(draft.wrong) >= 3, template.name
            for whole in with_each_choice(draft):
                item = to_item(whole, template, range(4))
                assert problems(item) == [], f"{template.name}, draw {seed}: {draft.stem}"


@pytest.mark.parametrize("module", MODULES)
def test_a_wrong_answer_is_refuted_and_a_right_one_among_the_wrong(module: str) -> None:
    for template in of(module):
        draft = drawn(template)[0]
        check = checkers()[draft.proof.kind]
        for text in [wrong.text for wrong in draft.wrong] or ["98765"]:
            with pytest.raises(ProofError):
                check(draft.proof, [text], [])
        if draft.wrong:
            with pytest.raises(ProofError):
                check(draft.proof, [draft.answer], [draft.answer])


@pytest.mark.parametrize("module", MODULES)
def test_texts_have_their_form(module: str) -> None:
    for template in of(module):
        for draft in drawn(template):
            where = f"{template.name}: {draft.stem}"
            assert 1 <= sentences(draft.rationale) <= 5, where
            assert 1 <= sentences(draft.strategy) <= 3, where
            for wrong in draft.wrong:
                assert 1 <= sentences(wrong.misconception) <= 3, wrong
                assert re.match(r"(You|Your|That)\b", wrong.misconception), wrong
            assert 1 <= draft.band <= 7, where
            assert 40 <= (draft.expected_seconds or 75) <= 150, where
            assert 0.7 <= draft.discrimination <= 1.6, where
            assert not re.search(r"\+ −|− −|\ba increase|\ban decrease", draft.stem + draft.rationale), where


def sentences(text: str) -> int:
    return len(re.findall(r"[.!?](?:\s|$)", text))


def test_a_template_makes_more_different_questions_than_it_has_to() -> None:
    for template in TEMPLATES:
        different = {
            (d.stem, d.passage, d.figure) for d in (draw(template, seed) for seed in range(2 * template.count))
        }
        assert len(different) > template.count, template.name


def test_two_triangles_of_one_question_share_no_letter() -> None:
    for template in TEMPLATES:
        for draft in drawn(template):
            names = set(re.findall(r"[Tt]riangles? ([A-Z]{3})\b", draft.stem)) | set(
                re.findall(r"[Tt]riangles [A-Z]{3} and ([A-Z]{3})\b", draft.stem)
            )
            assert sum(map(len, names)) == len(set("".join(names))), draft.stem


def test_similar_solids_could_exist() -> None:
    (template,) = (template for template in TEMPLATES if template.name == "geometry.similar_solids")
    for draft in drawn(template):
        surface, _, volume = (int(n.replace(",", "")) for n in re.findall(r"is ([\d,]+) (?:square|cubic)", draft.stem))
        # No solid holds more for its surface than a sphere.
        assert 36 * math.pi * volume**2 <= surface**3, draft.stem


def test_the_title_of_a_figure_keeps_the_answer_to_itself() -> None:
    for template in TEMPLATES:
        for draft in drawn(template):
            title = re.search("<title>(.*?)</title>", draft.figure or "")
            assert not title or not gives_away(title[1], draft.answer), template.name
