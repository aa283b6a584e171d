"""The shipped bank: complete, made by its templates, and free of findings."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter

from bonsai_recs.authoring.build import STORY, build, by_size, story
from bonsai_recs.authoring.check import MIN_ITEMS, MIN_PER_SKILL, check
from bonsai_recs.bank import load_bank, read_bank
from bonsai_recs.bank.bank import SHIPPED
from bonsai_recs.bank.files import Header
from bonsai_recs.plugin import Recs

from bonsai_core.domain import SKILLS, Section
from bonsai_core.testing import StartServer

ITEMS = read_bank(SHIPPED)


def test_every_question_passes_every_check() -> None:
    assert check(ITEMS) == []


def test_the_templates_make_this_very_bank() -> None:
    header = Header.model_validate_json(SHIPPED.read_text(encoding="utf-8").partition("\n")[0])
    assert header.seed is not None
    assert build(header.seed) == ITEMS


def test_there_are_enough_questions_of_every_skill() -> None:
    assert len(ITEMS) >= MIN_ITEMS
    skills = Counter(item.skill for item in ITEMS)
    assert all(skills[skill] >= MIN_PER_SKILL for skill in SKILLS)


def test_choices_that_have_a_size_are_in_order() -> None:
    for item in ITEMS:
        order = by_size([choice.text for choice in item.choices])
        assert order is None or order == sorted(order), item.id


def test_right_answers_spread_over_the_letters_of_each_skill() -> None:
    for skill in SKILLS:
        letters = Counter(item.answers[0] for item in ITEMS if item.skill == skill and item.choices)
        assert set(letters) == set("ABCD")
        assert max(letters.values()) <= 0.4 * letters.total(), (skill, letters)


def test_every_skill_has_all_levels_and_mathematics_some_typed_answers() -> None:
    for skill in SKILLS:
        items = [item for item in ITEMS if item.skill == skill]
        bands = {item.band for item in items}
        assert min(bands) <= 2 and max(bands) == 7 and len(bands) >= 6, (skill, bands)
        typed = sum(not item.choices for item in items) / len(items)
        text_only = items[0].section is Section.READING_AND_WRITING or skill.startswith("Evaluating statistical claims")
        assert typed == 0 if text_only else 0.1 <= typed <= 0.4, skill


def test_no_story_is_told_twice_with_the_same_numbers() -> None:
    told: set[tuple[object, ...]] = set()
    for item in ITEMS:
        text = f"{item.passage or ''} {item.stem}"
        content = (item.skill, story(text), tuple(sorted(re.findall(r"\d+", text))), item.figure)
        assert content not in told or len(story(text)) < STORY, item.id
        told.add(content)


async def test_the_server_grades_answers_to_the_banks_questions(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Recs()])
    for item in ITEMS[::97]:
        found = await server.app.find_question(item.id)
        assert found == item
        assert found.grade(item.answers[0])
    assert await server.app.find_question("nobody") is None
    health = await server.app.health()
    assert health["plugins"]["recs"]["questions"] == len(ITEMS) == len(load_bank())


def test_the_entry_point_is_cheap_to_import() -> None:
    heavy = ("sympy", "numpy", "bonsai_recs.bank", "bonsai_recs.authoring")
    code = f"import sys, bonsai_recs.plugin; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
