"""Predicted scores, trends and goals: the numbers."""

import itertools
import json
import random

import pytest
from bonsai_analytics import days
from bonsai_analytics.model import scores
from bonsai_analytics.model.constants import Constants, shipped
from bonsai_analytics.model.learner import Known, Learner
from bonsai_analytics.model.student import Student
from bonsai_analytics.model.trend import Trend
from bonsai_analytics.offline import analytics
from bonsai_analytics.simulate import Outcome, simulate
from click.testing import CliRunner

from bonsai_core.domain import DOMAIN_OF_SKILL, Section

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


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return simulate(400, 1, (10, 40))


def test_four_of_five_true_scores_and_tests_fall_into_their_intervals(outcome: Outcome) -> None:
    every = outcome.document()["all"]
    for held in (every["sections"], every["totals"]):
        assert 0.75 <= held["trueScores"] <= 0.85
        assert 0.75 <= held["tests"] <= 0.85
    for held_then in (*outcome.sections.values(), *outcome.totals.values()):
        assert 0.74 <= held_then.true / held_then.predictions <= 0.86
        assert 0.74 <= held_then.test / held_then.predictions <= 0.86


def test_predictions_become_more_exact_with_practice(outcome: Outcome) -> None:
    for by_answers in (outcome.sections, outcome.totals):
        told = [held.document() for held in by_answers.values()]
        for earlier, later in itertools.pairwise(told):
            assert later["rmse"] < 0.8 * earlier["rmse"]
            assert later["width"] < 0.8 * earlier["width"]


def test_a_test_varies_more_than_the_true_score() -> None:
    c = shipped()
    student = practised(c, 60, 0.6, READING, practised(c, 60, 0.6, MATH))
    total = scores.total(student, c)
    assert total is not None
    for told in (total, *scores.predict(student, c).values()):
        assert told.test_low < told.low < told.score < told.high < told.test_high


def test_what_is_seen_of_one_section_counts_for_the_other() -> None:
    c = shipped()
    strong, weak = practised(c, 40, 0.95, MATH), practised(c, 40, 0.2, MATH)
    reading = [student.section_posterior("Reading and Writing", c) for student in (strong, weak)]
    assert reading[0][0] > reading[1][0] + 1
    own = strong.section_posterior("Math", c)[1]
    assert own < reading[0][1] < c.ability_variance + c.section_variance


def test_the_command_prints_how_often_intervals_held() -> None:
    arguments = ["simulate", "--students", "4", "--answers", "10", "--answers", "12"]
    done = CliRunner().invoke(analytics, [*arguments, "--json"], catch_exceptions=False)
    found = json.loads(done.stdout)
    assert [entry["answers"] for entry in found["byAnswers"]] == [10, 12]
    assert found["all"]["totals"]["predictions"] == 8
    assert found == json.loads(CliRunner().invoke(analytics, [*arguments, "--json"]).stdout)
    assert "the total" in CliRunner().invoke(analytics, arguments, catch_exceptions=False).stdout


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
