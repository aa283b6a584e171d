"""The learner model: its properties on any answers, and that it finds what simulated students are like."""

import itertools
import json
import math
import random
from dataclasses import replace

import pytest
from bonsai_analytics.model import calibration, shared
from bonsai_analytics.model.constants import Constants, shipped
from bonsai_analytics.model.known import KnownItems
from bonsai_analytics.model.learner import Forecast, Known, Learner, is_rapid
from bonsai_analytics.model.mastery import mastery
from bonsai_analytics.model.predict import Shared, area_under_curve, calibration_error, figures, forecasts
from bonsai_analytics.model.simulated import answers as simulate
from bonsai_analytics.model.simulated import chance
from bonsai_analytics.model.student import VARIANCE, Student
from bonsai_analytics.recorded import Row
from hypothesis import given, settings
from hypothesis import strategies as st

LEARNER = Learner(shipped())
STEP = st.tuples(st.sampled_from("abc"), st.integers(0, 5), st.booleans(), st.sampled_from([0.0, 1.0, 30.0, 86_400.0]))


def replayed(steps: list[tuple[str, int, bool, float]]) -> tuple[Student, Shared, list[Forecast]]:
    student, known = Student.new(LEARNER.constants), Shared()
    made = []
    for skill, number, correct, seconds in steps:
        item = f"q{number}" if number else ""
        forecast = LEARNER.forecast(
            student,
            skill,
            of_skill=known.skills.get(skill),
            of_item=known.items.get(item),
            of_all=known.everyone,
            has_item=bool(item),
            known=Known(1.0, 0.5, 0.2) if number == 5 else None,
            section="Math" if skill == "a" else None,
        )
        made.append(forecast)
        of_item, of_skill, everyone = LEARNER.learn(student, forecast, correct, seconds)
        known.skills[skill] = shared.fold(known.skills.get(skill), (of_skill,))
        if of_item is not None:
            known.items[item] = shared.fold(known.items.get(item), (of_item,))
        if everyone is not None:
            known.everyone = calibration.fold(known.everyone, (everyone,))
    return student, known, made


@settings(deadline=None, max_examples=60)
@given(st.lists(STEP, max_size=60))
def test_whatever_the_answers_all_numbers_stay_finite_and_within_bounds(
    steps: list[tuple[str, int, bool, float]],
) -> None:
    student, known, made = replayed(steps)
    c = LEARNER.constants
    for forecast in made:
        assert 0 < forecast.p < 1
        assert 0 < forecast.ability_p < 1
        assert all(math.isfinite(value) for value in forecast.features)
    assert 0 < student.variance <= c.ability_variance
    for name, skill in student.skills.items():
        assert 0 < skill[VARIANCE] <= c.skill_variance
        told = mastery(*student.posterior(name, None, c))
        assert 0 <= told["low"] <= told["mastery"] <= told["high"] <= 1
    json.dumps([student.document(), known.items, known.skills], allow_nan=False)


@settings(deadline=None, max_examples=40)
@given(st.lists(STEP, max_size=40))
def test_a_student_read_back_from_the_document_is_the_same(steps: list[tuple[str, int, bool, float]]) -> None:
    student, known, _ = replayed(steps)
    document = json.loads(json.dumps(student.document()))
    again = Student.read(document, LEARNER.constants)
    assert again.document() == document
    for skill in "abc":
        here = LEARNER.forecast(student, skill, of_skill=known.skills.get(skill)).p
        there = LEARNER.forecast(again, skill, of_skill=known.skills.get(skill)).p
        assert there == here


@settings(deadline=None, max_examples=40)
@given(st.lists(STEP, max_size=30), st.sampled_from("abc"))
def test_a_right_answer_raises_and_a_wrong_one_lowers_what_is_thought_of_the_student(
    steps: list[tuple[str, int, bool, float]], skill: str
) -> None:
    c = LEARNER.constants
    after = {}
    for correct in (True, False):
        student, known, _ = replayed(steps)
        before = student.posterior(skill, None, c)[0]
        forecast = LEARNER.forecast(student, skill, of_skill=known.skills.get(skill))
        LEARNER.learn(student, forecast, correct)
        after[correct] = (student.posterior(skill, None, c)[0], LEARNER.forecast(student, skill).ability_p)
        assert (student.posterior(skill, None, c)[0] > before) is correct
    assert after[True] > after[False]


@given(st.floats(-4, 4), st.floats(0.05, 2), st.floats(0.01, 1))
def test_mastery_rises_with_ability_and_its_interval_with_uncertainty(
    mean: float, variance: float, more: float
) -> None:
    here, better, vaguer = mastery(mean, variance), mastery(mean + more, variance), mastery(mean, variance + more)
    assert better["mastery"] >= here["mastery"]
    assert better["low"] >= here["low"]
    assert vaguer["low"] <= here["low"]
    assert vaguer["high"] >= here["high"]


DELTA = st.tuples(st.floats(-3, 3), st.floats(0, 1), st.sampled_from([-1, 0, 1]), st.sampled_from([0.0, 2.0, 90.0]))


@given(st.lists(DELTA, max_size=12), st.randoms(), st.integers(0, 12))
def test_contributions_fold_in_any_order_and_any_batches(
    deltas: list[tuple[float, float, int, float]], rng: random.Random, cut: int
) -> None:
    at_once = shared.fold(None, deltas)
    mixed = list(deltas)
    rng.shuffle(mixed)
    first = shared.fold(None, mixed[:cut])
    kept = json.dumps(first)
    assert shared.fold(first, mixed[cut:]) == pytest.approx(at_once, abs=1e-9)
    assert json.dumps(first) == kept


@given(st.lists(st.tuples(st.sampled_from([0, 1]), st.integers(0, 26)), max_size=20), st.randoms())
def test_a_skills_histories_are_counted_in_any_order(answers: list[tuple[int, int]], rng: random.Random) -> None:
    deltas = [(0.0, 0.1, right, 0.0, digits) for right, digits in answers]
    mixed = list(deltas)
    rng.shuffle(mixed)
    assert shared.fold(None, mixed)[6:] == shared.fold(None, deltas)[6:]


def test_a_burst_of_stale_contributions_does_not_overshoot() -> None:
    """A thousand students meet a new question in the same second, so that nobody's contribution knows of another's."""
    student = Student.new(LEARNER.constants)
    forecast = LEARNER.forecast(student, "a")
    of_item, _, _ = LEARNER.learn(student, forecast, False)
    assert of_item is not None
    difficulty, variance = shared.difficulty(shared.fold(None, [of_item] * 1000), 1.0)
    assert 0 < difficulty < 6
    assert variance < 0.05


def test_predictions_become_calibrated_where_students_are_not_as_fitted() -> None:
    answers, _ = simulate(users=150, each=40, items=30, ease=-1.2)
    flipped = Learner(replace(shipped(), bias=shipped().bias + 1.2))
    p, y = [f.p for f in forecasts(answers, flipped)], [row.correct for row in answers]
    assert calibration_error(p[3000:], y[3000:]) < 0.04
    raw = [1 / (1 + math.exp(-f.layer[0])) for f in forecasts(answers, flipped)]
    assert calibration_error(raw[3000:], y[3000:]) > 0.08


@given(st.lists(st.tuples(st.floats(-5, 5), st.booleans()), max_size=30), st.randoms(), st.integers(0, 30))
def test_the_calibrating_line_folds_in_any_order(
    answers: list[tuple[float, bool]], rng: random.Random, cut: int
) -> None:
    deltas = [calibration.contribution(x, x, y - chance(x), 0.2, 0.2) for x, y in answers]
    mixed = list(deltas)
    rng.shuffle(mixed)
    again = calibration.fold(calibration.fold(None, mixed[:cut]), mixed[cut:])
    assert again == pytest.approx(calibration.fold(None, deltas), abs=1e-9)
    a, b = calibration.line(again)
    assert calibration.LEAST_B <= b <= calibration.MOST_B
    assert abs(a) <= calibration.MOST_A
    assert calibration.line(None) == (0.0, 1.0)


def test_uncertainty_shrinks_with_answers_to_what_drift_leaves() -> None:
    student = Student.new(LEARNER.constants)
    widths = []
    for number in range(200):
        forecast = LEARNER.forecast(student, "a", known=Known(0.0, 0.01))
        LEARNER.learn(student, forecast, number % 2 == 0)
        told = mastery(*student.posterior("a", None, LEARNER.constants))
        widths.append(told["high"] - told["low"])
    assert widths[60] < 0.75 * widths[5]
    assert all(later <= before + 1e-3 for before, later in itertools.pairwise(widths[10:]))


def test_a_rapid_guess_is_timed_but_tells_nothing_of_ability() -> None:
    student = Student.new(LEARNER.constants)
    forecast = LEARNER.forecast(student, "a", expected_seconds=80)
    before = json.dumps(student.document())
    assert is_rapid(forecast, 7.9)
    assert not is_rapid(forecast, 8.1)
    assert not is_rapid(forecast, 0)
    of_item, of_skill, everyone = LEARNER.learn(student, forecast, False, 3.0)
    assert everyone is None
    assert json.dumps(student.document()) == before
    assert of_item is not None
    assert shared.fold(None, [of_item]) == [0.0] * 6
    assert shared.fold(None, [of_skill])[:6] == [0.0] * 6


def test_questions_learn_their_usual_time_and_a_guess_does_not_change_it() -> None:
    student, aggregate = Student.new(LEARNER.constants), None
    for seconds in [50, 60, 55, 65, 60, 58, 2, 1]:
        forecast = LEARNER.forecast(student, "a", of_item=aggregate)
        of_item, _, _ = LEARNER.learn(student, forecast, True, seconds)
        assert of_item is not None
        aggregate = shared.fold(aggregate, (of_item,))
    assert LEARNER.forecast(student, "a", of_item=aggregate).usual == pytest.approx(57.8, abs=1)


def test_questions_find_their_difficulty() -> None:
    answers, truth = simulate(users=300, each=40, items=40)
    known = Shared()
    for _ in forecasts(answers, Learner(replace(shipped(), ability_drift=0.0, skill_drift=0.0)), shared=known):
        pass
    c = shipped()
    skill_of = {row.question: row.skill for row in answers}
    found = {
        q: shared.difficulty(known.items[q], c.item_variance)[0]
        + shared.difficulty(known.skills[skill_of[q]], c.skill_difficulty_variance)[0]
        for q in truth
    }
    shift = sum(found[q] - truth[q] for q in truth) / len(truth)
    off = math.sqrt(sum((found[q] - truth[q] - shift) ** 2 for q in truth) / len(truth))
    assert off < 0.3


def test_intervals_of_mastery_hold_about_four_of_five_true_values() -> None:
    rng, c = random.Random(5), replace(shipped(), ability_drift=0.0, skill_drift=0.0)
    learner, held, made = Learner(c), 0, 0
    for _ in range(400):
        ability, student = rng.gauss(0, math.sqrt(c.ability_variance)), Student.new(c)
        own = [rng.gauss(0, math.sqrt(c.skill_variance)) for _ in range(4)]
        for _ in range(40):
            n, difficulty = rng.randrange(4), rng.gauss(0, 1)
            forecast = learner.forecast(student, f"s{n}", known=Known(difficulty, 0.01))
            learner.learn(student, forecast, rng.random() < chance(ability + own[n] - difficulty))
        for n in range(4):
            told = mastery(*student.posterior(f"s{n}", None, c))
            held += told["low"] <= chance(ability + own[n]) <= told["high"]
            made += 1
    assert 0.75 < held / made < 0.9


def test_recorded_students_are_predicted_better_with_known_questions() -> None:
    answers, truth = simulate(users=80, each=50, items=1500)
    table = KnownItems.of((row.question, row.skill, truth[row.question], 0.05) for row in answers)
    y = [row.correct for row in answers]
    told = [figures([forecast.p for forecast in forecasts(answers, LEARNER, known)], y) for known in (table, None)]
    assert told[0]["auc"] > told[1]["auc"] + 0.03
    assert told[0]["auc"] > 0.72


def test_figures_are_those_of_the_textbook() -> None:
    p, y = [0.1, 0.4, 0.35, 0.8], [False, False, True, True]
    assert area_under_curve(p, y) == 0.75
    assert area_under_curve([0.5] * 4, y) == 0.5
    assert math.isnan(area_under_curve([0.5], [True]))
    assert calibration_error([0.25] * 4, [True, False, False, False]) == pytest.approx(0)
    assert calibration_error([0.95] * 4, y) == pytest.approx(0.45)
    assert calibration_error([0.2, 0.2, 0.9, 0.9], [False, False, True, True], 2, equal_mass=True) == pytest.approx(
        0.15
    )


def test_constants_survive_a_file(tmp_path: object) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / "constants.json"
    constants = Constants(bias=0.25, weights={"logit": 0.9}, history_rates=[0.5] * 27)
    constants.write(path, files=["a.csv"])
    assert Constants.read(path) == constants
    table = KnownItems.of([("q1", "a", 1.234, 0.3), ("q2", "a", -40.0, 9.0)])
    table.write(path)
    again = KnownItems.read(path)
    assert again("q1", "a") == table("q1", "a") == Known(1.23, 0.55**2)
    assert again("q1", "b") is None
    assert len(again) == 2


def test_a_question_without_a_row_of_its_own_is_predicted_too() -> None:
    student = Student.new(LEARNER.constants)
    for row in [Row("u", "", "unknown", True), Row("u", "", "", False)]:
        assert 0 < LEARNER.forecast(student, row.skill, has_item=False).p < 1
