"""Predicted scores, trends and goals: the numbers."""

import math
import random
from dataclasses import replace

import pytest
from bonsai_analytics import days
from bonsai_analytics.model import scores
from bonsai_analytics.model.constants import Constants, shipped
from bonsai_analytics.model.learner import Known, Learner
from bonsai_analytics.model.simulated import chance
from bonsai_analytics.model.student import Student
from bonsai_analytics.model.trend import Trend

from bonsai_core.domain import DOMAIN_OF_SKILL, DOMAINS, Section

MATH = [skill for skill, domain in DOMAIN_OF_SKILL.items() if domain.section is Section.MATH]
READING = [skill for skill, domain in DOMAIN_OF_SKILL.items() if domain.section is Section.READING_AND_WRITING]


def practised(c: Constants, answers: int, right: float, skills: list[str], student: Student | None = None) -> Student:
    student, learner, rng = student or Student.new(c), Learner(c), random.Random(1)
    for number in range(answers):
        skill = skills[number % len(skills)]
        section = str(DOMAIN_OF_SKILL[skill].section)
        forecast = learner.forecast(student, skill, known=Known(0.0, 0.01), section=section)
        learner.learn(student, forecast, rng.random() < right)
    return student


def test_a_section_is_told_from_ten_answers_and_the_total_when_both_are() -> None:
    c = shipped()
    assert scores.shown(practised(c, 9, 0.5, MATH), c) is None
    one = practised(c, 10, 0.5, MATH)
    told = scores.shown(one, c)
    assert told is not None
    assert told.keys() == {"sections"}
    assert told["sections"].keys() == {"Math"}
    both = scores.shown(practised(c, 10, 0.5, READING, one), c)
    assert both is not None
    assert both["total"] == pytest.approx(sum(s["score"] for s in both["sections"].values()), abs=10)
    assert both["low"] < both["total"] < both["high"]


def test_scores_rise_with_ability_and_stay_on_the_scale() -> None:
    c = shipped()
    told = [scores.total(practised(c, 200, r, READING, practised(c, 200, r, MATH)), c) for r in (0, 0.3, 0.6, 0.9, 1)]
    values = [score.score for score in told if score is not None]
    assert values == sorted(values)
    assert len(set(values)) == 5
    for score in told:
        assert score is not None
        assert 400 <= score.low <= score.score <= score.high <= 1600
        assert score.score % 10 == 0
        assert score.chance(400) > 0.5
        assert score.chance(score.score + 200) < 0.2


def test_intervals_narrow_with_answers() -> None:
    c = shipped()
    few, many = (scores.predict(practised(c, n, 0.5, MATH), c)[Section.MATH] for n in (10, 300))
    assert many.deviation < few.deviation


def test_four_of_five_simulated_tests_fall_into_the_interval() -> None:
    """Students and a paper form drawn as the model has them; each takes the test after 60 answers of practice."""
    rng, c = random.Random(7), replace(shipped(), ability_drift=0.0, skill_drift=0.0)
    learner, held, n = Learner(c), 0, 300
    shares = {s: d.share / len(d.skills) for d in DOMAINS if d.section is Section.MATH for s in d.skills}
    middle, width = scores.tables()[Section.MATH]
    for _ in range(n):
        ability = rng.gauss(0, math.sqrt(c.ability_variance)) + rng.gauss(0, math.sqrt(c.section_variance))
        own = {skill: rng.gauss(0, math.sqrt(c.skill_variance)) for skill in MATH}
        student = Student.new(c)
        for _ in range(60):
            skill, difficulty = rng.choice(MATH), rng.gauss(0, 1)
            forecast = learner.forecast(student, skill, known=Known(difficulty, 0.01, 0.2), section="Math")
            learner.learn(student, forecast, rng.random() < chance(ability + own[skill] - difficulty, 0.2))
        form = rng.choices(list(shares), list(shares.values()), k=54)
        spread = math.sqrt(scores.FORM_VARIANCE)
        raw = sum(rng.random() < chance(ability + own[s] - rng.gauss(0, spread), 0.2) for s in form)
        score = scores.scaled(middle, raw) + (rng.random() - 0.5) * width[raw]
        told = scores.predict(student, c)[Section.MATH]
        held += told.low - 5 <= score <= told.high + 5
    assert 0.74 < held / n < 0.88


def test_tables_are_those_of_the_paper_form() -> None:
    tables = scores.tables()
    assert {section: len(table) - 1 for section, (table, _) in tables.items()} == {
        Section.READING_AND_WRITING: 66,
        Section.MATH: 54,
    }
    for middle, _ in tables.values():
        assert middle == sorted(middle)
        assert scores.scaled(middle, -1) == middle[0] == 200
        assert scores.scaled(middle, 99) == middle[-1]


def test_a_trend_tells_slowing_down_and_getting_worse() -> None:
    steady, tired = Trend(), Trend()
    for number in range(40):
        steady.add(0.6, number % 5 < 3, 50, 50)
        late = number >= 25
        tired.add(0.6, number % 5 < 3 and not late, 100 if late else 50, 50)
        if number < 9:
            assert steady.shown() is None
    calm, told = steady.shown(), tired.shown()
    assert calm is not None
    assert told is not None
    assert calm["pace"] == pytest.approx(1, abs=0.01)
    assert calm["fatigue"] < 0.3 < 0.6 < told["fatigue"] <= 1
    assert told["pace"] > 1.25
    assert told["accuracy"] < -0.4
    assert Trend.read(tired.document()).shown() == pytest.approx(told, abs=1e-3)


def test_weeks_begin_on_monday() -> None:
    def day(date: str) -> dict[str, object]:
        return {"date": date, "answered": 2, "correct": 1, "seconds": 1.5}

    weeks = days.by_week([day("2026-03-01"), day("2026-03-02"), day("2026-03-08"), day("2026-03-09")])
    assert [(w["start"], w["answered"], w["seconds"]) for w in weeks] == [
        ("2026-02-23", 2, 1.5),
        ("2026-03-02", 4, 3.0),
        ("2026-03-09", 2, 1.5),
    ]
    sunday = 1_772_323_200_000 + 23 * 3_600_000  # 2026-03-01, 23:00
    assert days.days_of_week(sunday, 0) == 7
    assert days.days_of_week(sunday, 60) == 1
