"""The shipped bank: complete, made by its templates, and free of findings."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from itertools import pairwise

from bonsai_recs.authoring.build import build
from bonsai_recs.authoring.check import MIN_ITEMS, MIN_PER_SKILL, check, leaks
from bonsai_recs.bank import load_bank, read_bank
from bonsai_recs.bank.bank import SHIPPED
from bonsai_recs.bank.files import Header
from bonsai_recs.plugin import Recs

from bonsai_core.domain import SKILLS, number_of
from bonsai_core.testing import StartServer

ITEMS = read_bank(SHIPPED)


def test_every_question_passes_every_check() -> None:
    assert check(ITEMS) == []


def test_the_templates_make_this_very_bank() -> None:
    header = Header.model_validate_json(SHIPPED.read_text(encoding="utf-8").partition("\n")[0])
    assert header.seed is not None
    assert build(header.seed) == ITEMS


def test_there_are_enough_questions_of_every_skill_and_band() -> None:
    assert len(ITEMS) >= MIN_ITEMS
    skills = Counter(item.skill for item in ITEMS)
    assert all(skills[skill] >= MIN_PER_SKILL for skill in SKILLS)
    assert set(Counter(item.band for item in ITEMS)) == set(range(1, 8))
    assert any(not item.choices for item in ITEMS)
    assert any(item.figure for item in ITEMS)


def test_the_check_finds_what_it_looks_for() -> None:
    item = next(item for item in ITEMS if item.choices and number_of(item.choices[0].text) is not None)
    right = next(choice for choice in item.choices if choice.key == item.answers[0])
    other = next(choice for choice in item.choices if choice.key != item.answers[0])
    spoiled = {
        "proof": item.model_copy(update={"answers": [other.key]}),
        "gives the answer away": item.model_copy(
            update={"hints": [*item.hints[:2], f"It is {right.text}.", item.hints[3]]}
        ),
        "no misconception": item.model_copy(
            update={"choices": [c.model_copy(update={"misconception": None}) for c in item.choices]}
        ),
        "not XML": item.model_copy(update={"figure": "<svg"}),
        "not allowed": item.model_copy(update={"figure": '<svg viewBox="0 0 1 1"><script/></svg>'}),
    }
    for problem, broken in spoiled.items():
        assert any(problem in finding.problem for finding in check([broken]) if finding.question), problem
    assert leaks(item, f"Choice {item.answers[0]} is right.") == "its letter"


def test_choices_that_are_numbers_are_in_order() -> None:
    for item in ITEMS:
        values = [number_of(choice.text) for choice in item.choices]
        if values and all(value is not None for value in values):
            assert all(a < b for a, b in pairwise(values) if a is not None and b is not None), item.id


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
