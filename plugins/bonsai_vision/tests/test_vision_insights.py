"""What is said of a question before it is answered: true of that question, and never its answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bonsai_vision.insights import advise, asked_for, expected_seconds, quantities

from bonsai_core import QuestionAnalysis
from bonsai_core.domain import SKILLS

UNSEEN = Path(__file__).parents[1] / "render" / "unseen.jsonl"
ROWS = [json.loads(line) for line in UNSEEN.read_text().splitlines()]


def analysis(stem: str, skill: str = "Linear equations in one variable", **more: Any) -> QuestionAnalysis:
    labels = {"section": "Math", "domain": "Algebra", "skill": skill}
    return QuestionAnalysis.model_validate({"text": stem, "stem": stem, "choices": [], **labels, **more})


def said(found: QuestionAnalysis, kind: str) -> list[str]:
    return [insight.text for insight in advise(found) if insight.kind == kind]


STEM = "A taxi charges a flat fee of $4 and $3 per mile. The ride costs $25. How many miles longer is it than 5 miles?"


def test_a_math_question_gets_goal_quantities_first_step_strategy_traps_and_pace() -> None:
    found = analysis(STEM, difficulty={"easy": 0.2, "medium": 0.5, "hard": 0.3})
    kinds = [insight.kind for insight in advise(found)]
    assert list(dict.fromkeys(kinds)) == ["goal", "quantity", "first_step", "strategy", "trap", "pace"]
    assert "How many miles longer is it than 5 miles?" in said(found, "goal")[0]
    assert "The ride costs $25" in said(found, "quantity")
    assert "A difference is asked for, not one of the two amounts." in said(found, "trap")
    assert "seconds" in said(found, "pace")[0]


@pytest.mark.parametrize("skill", SKILLS)
def test_every_skill_has_advice(skill: str) -> None:
    row = next((row for row in ROWS if row["skill"] == skill), None)
    labels = {name: row[name] for name in ("section", "domain", "skill")} if row else {"skill": skill}
    found = analysis(row["stem"] if row else "What is it?", **{"skill": skill} | labels)
    assert {"goal", "first_step", "strategy", "trap"} <= {insight.kind for insight in advise(found)}
    assert (expected_seconds(found) or 0) > 20


def test_no_advice_holds_an_answer() -> None:
    for row in ROWS:
        answers = {c["text"] for c in row.get("choices", []) if c["key"] in row.get("answers", [])}
        labels = {name: row[name] for name in ("section", "domain", "skill")}
        found = analysis(row["stem"], **labels, passage=row.get("passage"))
        given = f"{row.get('passage')} {row['stem']}"
        for insight in advise(found):
            for answer in answers:
                assert len(answer) < 4 or answer in given or answer not in insight.text, (row["id"], insight)


def test_what_is_no_question_gets_no_advice() -> None:
    unknown = dict.fromkeys(("section", "domain", "skill"), "unknown")
    assert advise(analysis("Hello", **unknown)) == []
    assert expected_seconds(analysis("Hello", **unknown)) is None


def test_a_harder_question_takes_longer() -> None:
    easy, hard = (analysis(STEM, difficulty={level: 1.0}) for level in ("easy", "hard"))
    assert (expected_seconds(easy) or 0) < (expected_seconds(hard) or 0)


def test_the_sentence_that_asks_is_told_where_there_is_more_than_that() -> None:
    assert asked_for("A car drives 60.5 miles in 2 hours. What is its speed?") == "What is its speed?"
    assert asked_for("What is its speed?") == ""


def test_quantities_are_the_facts_in_numbers_and_not_the_question() -> None:
    text = "A cone has a height of 6 inches, and its radius is 4 inches.\nYear | 2010\nWhat is 3 times its volume?"
    assert quantities(text) == ["A cone has a height of 6 inches", "its radius is 4 inches"]
    assert quantities("Nobody was there.") == []
    assert len(quantities(" ".join(f"x = {n}," for n in range(20)))) <= 6


def test_units_that_are_mixed_are_a_trap() -> None:
    found = analysis("A board is 3 feet long. It is cut into pieces of 4 inches. How many pieces are there?")
    assert any("both inches and feet" in trap for trap in said(found, "trap"))
