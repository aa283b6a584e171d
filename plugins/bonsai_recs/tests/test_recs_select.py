"""The selection rules: blueprint, exposure, ability, and what each rule promises."""

import math
import random

import numpy as np
import pytest
from bonsai_recs.select import blueprint, diagnose, mock, practice, review
from bonsai_recs.select.ability import ONE_SCALE, Ability
from bonsai_recs.select.exposure import Exposure
from bonsai_recs.select.irt import information, predicted, probability
from bonsai_recs.select.pool import SKILL_NUMBER, Pool
from bonsai_recs.simulate import fixed_pool
from hypothesis import given, settings
from hypothesis import strategies as st

from bonsai_core.domain import DOMAINS, FORMATS, SKILLS, Section

POOL = fixed_pool(600)
DAY_MS = 86_400_000


def everything(pool: Pool = POOL) -> np.ndarray:
    return np.ones(len(pool), dtype=np.bool_)


def student(answers: list[tuple[int, bool]]) -> Ability:
    ability = Ability()
    for item, right in answers:
        a, b, c = float(POOL.a[item]), float(POOL.b[item]), float(POOL.c[item])
        ability.answer(int(POOL.skill[item]), right, a, b, c)
    return ability


students = st.lists(st.tuples(st.integers(0, len(POOL) - 1), st.booleans()), max_size=12).map(student)


# Pool


def test_a_pool_is_sorted_by_skill_and_difficulty_and_finds_its_items() -> None:
    pool = Pool(
        ["x", "y", "z"],
        [1, 2, 3],
        [0.5, 0.1, -1],
        [0, 0.1, 0.2],
        ["Circles", "Circles", "Boundaries"],
        [4] * 3,
        [60] * 3,
    )
    assert pool.ids == ("z", "y", "x")
    assert pool.a.tolist() == [3, 2, 1]
    start, end = pool.skill_bounds[SKILL_NUMBER["Circles"] : SKILL_NUMBER["Circles"] + 2]
    assert pool.ids[start:end] == ("y", "x")
    assert pool.find(["x", "nobody's", "z"]).tolist() == [2, 0]


def test_a_pool_refuses_unknown_skills_and_an_id_twice() -> None:
    with pytest.raises(ValueError, match="not a skill"):
        Pool(["x"], [1], [0], [0], ["Alchemy"], [4], [60])
    with pytest.raises(ValueError, match="twice"):
        Pool(["x", "x"], [1, 1], [0, 0], [0, 0], ["Circles"] * 2, [4, 4], [60, 60])


def test_draws_are_even_and_the_same_for_the_same_seed() -> None:
    pool = fixed_pool(5000)
    draws = pool.draws(7)
    assert np.array_equal(draws, pool.draws(7))
    assert abs(float(draws.mean()) - 0.5) < 0.02
    assert abs(float(np.corrcoef(draws, pool.draws(8))[0, 1])) < 0.05


# Ability


def test_information_is_the_curves_slope_squared_over_its_variance() -> None:
    theta, a, b, c = 0.3, 1.4, -0.2, 0.2
    slope = (probability(theta + 1e-5, a, b, c) - probability(theta - 1e-5, a, b, c)) / 2e-5
    p = probability(theta, a, b, c)
    assert information(theta, a, b, c) == pytest.approx(slope**2 / (p * (1 - p)), rel=1e-5)


def test_a_prediction_averages_the_curve_over_what_is_not_known() -> None:
    draws = np.random.default_rng(1).normal(0.4, 0.9, 200_000)
    assert predicted(0.4, 0.81, 1.2, 0.0, 0.2) == pytest.approx(probability(draws, 1.2, 0.0, 0.2).mean(), abs=0.005)


def test_the_posterior_is_the_exact_one() -> None:
    ability = Ability(ONE_SCALE)
    theta = np.linspace(-6, 6, 2001)
    weights = np.exp(-0.5 * theta**2)
    for item, right in ((3, True), (90, False), (200, True), (310, True)):
        a, b, c = float(POOL.a[item]), float(POOL.b[item]), float(POOL.c[item])
        ability.answer(int(POOL.skill[item]), right, a, b, c)
        p = probability(theta, a, b, c)
        weights *= p if right else 1 - p
    weights /= weights.sum()
    _, mean, variance = ability.section(0)
    assert mean == pytest.approx(weights @ theta, abs=0.01)
    assert variance == pytest.approx(weights @ (theta - weights @ theta) ** 2, abs=0.01)


def test_right_answers_raise_their_skill_most_and_leave_the_other_section_alone() -> None:
    ability = Ability()
    circles, percentages, boundaries = (SKILL_NUMBER[s] for s in ("Circles", "Percentages", "Boundaries"))
    for _ in range(5):
        ability.answer(circles, True, 1.0, 0.5, 0.0)
    assert ability.skill(circles)[0] > ability.skill(percentages)[0] > 0.2
    assert ability.skill(boundaries)[0] == pytest.approx(0.0, abs=1e-9)
    assert ability.skill(circles)[1] < Ability().skill(circles)[1]


def test_an_ability_survives_as_plain_data() -> None:
    ability = student([(n * 37 % 600, n % 3 > 0) for n in range(40)])
    again = Ability.read(ability.document())
    for skill in range(len(SKILLS)):
        assert again.skill(skill) == pytest.approx(ability.skill(skill), abs=0.02)
    assert Ability.read(None).answered == 0


def test_what_is_said_of_a_student_matters_less_than_what_they_show() -> None:
    fresh, known = Ability(), student([(400 + n * 6, n % 4 > 0) for n in range(30)])
    before = known.section(1)[1]
    fresh.hear(1, 0.2, 0.7)
    known.hear(1, 0.2, 0.7)
    assert fresh.section(1)[1] < -0.8
    assert before - known.section(1)[1] < 0.85 * -fresh.section(1)[1]


# Blueprint


@settings(deadline=None)
@given(st.integers(0, 200))
def test_questions_are_divided_whole_and_nearly_by_share(count: int) -> None:
    parts = blueprint.apportion(count, blueprint.SHARES)
    assert sum(parts) == count
    assert all(abs(part - count * share) < 1 for part, share in zip(parts, blueprint.SHARES, strict=True))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.sampled_from([None, Section.MATH, Section.READING_AND_WRITING]))
def test_whichever_open_domain_is_taken_no_prefix_is_off_by_more_than_one(seed: int, section: Section | None) -> None:
    chance = random.Random(seed)
    shares = blueprint.shares_of([d for d in DOMAINS if section in (None, d.section)])
    counts = [0] * len(DOMAINS)
    for _ in range(60):
        counts[chance.choice(blueprint.open_domains(tuple(counts), shares))] += 1
        assert blueprint.error(counts, shares) <= 1 + 1e-9


# Exposure


def test_an_item_given_to_everyone_is_soon_held_back_and_gets_dear() -> None:
    exposure = Exposure()
    for _ in range(50):
        exposure.begin()
        exposure.give(["popular"])
    assert exposure.eligibility("popular") < 0.5
    assert exposure.prices["popular"] > 0.5
    assert exposure.eligibility("unknown") == 1.0
    assert Exposure.read(exposure.document()).eligibility("popular") == pytest.approx(
        exposure.eligibility("popular"), abs=0.01
    )


def test_a_price_falls_again_while_the_item_is_not_given() -> None:
    exposure = Exposure()
    for _ in range(3):
        exposure.begin()
        exposure.give(["once popular"])
    dear = exposure.prices["once popular"]
    for _ in range(2000):
        exposure.begin()
    assert dear > 0.5
    assert "once popular" not in exposure.prices
    assert "once popular" not in exposure.given


# Diagnose


@settings(deadline=None, max_examples=40)
@given(
    ability=students,
    banned=st.sets(st.integers(0, len(POOL) - 1), max_size=300),
    count=st.integers(1, 30),
    counts=st.lists(st.integers(0, 3), min_size=8, max_size=8),
)
def test_a_diagnosis_never_repeats_and_takes_only_what_is_allowed(
    ability: Ability, banned: set[int], count: int, counts: list[int]
) -> None:
    allowed = everything()
    allowed[list(banned)] = False
    picks = [pick.item for pick in diagnose.choose(POOL, ability, counts=counts, allowed=allowed, count=count)]
    assert len(picks) == len(set(picks)) == count
    assert not banned & set(picks)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 1000))
def test_every_prefix_of_a_diagnosis_has_the_blueprints_mix(seed: int) -> None:
    chance = random.Random(seed)
    ability, counts, allowed = Ability(), [0] * len(DOMAINS), everything()
    for length in range(1, 31):
        [pick] = diagnose.choose(POOL, ability, counts=counts, allowed=allowed)
        item = pick.item
        a, b, c = float(POOL.a[item]), float(POOL.b[item]), float(POOL.c[item])
        ability.answer(int(POOL.skill[item]), chance.random() < 0.6, a, b, c)
        counts[int(POOL.domain[item])] += 1
        allowed[item] = False
        if length >= 8:
            assert blueprint.error(counts, blueprint.SHARES) <= 1 + 1e-9
        assert pick.reason.endswith(".")


def test_precision_is_what_the_posterior_gains_on_average() -> None:
    ability = student([(5, True), (400, False), (480, True)])
    item = 450
    a, b, c = float(POOL.a[item]), float(POOL.b[item]), float(POOL.c[item])
    weights, mean, variance = ability.section(int(POOL.section[item]))
    expected = 0.0
    from bonsai_recs.select.pool import GRID

    for likelihood in (probability(GRID, a, b, c), 1 - probability(GRID, a, b, c)):
        after = weights * likelihood
        chance = after.sum()
        after = after / chance
        expected += chance * (after @ (GRID - after @ GRID) ** 2)
    assert mean == pytest.approx(weights @ GRID)
    assert diagnose.precision(POOL, ability)[item] == pytest.approx(1 / expected - 1 / variance, rel=1e-3)


def test_items_that_are_not_eligible_are_given_rather_than_none() -> None:
    allowed = np.zeros(len(POOL), dtype=np.bool_)
    allowed[:3] = True
    limits = diagnose.Limits.of(POOL, dict.fromkeys(POOL.ids, 0.0), {}, seed=1)
    picks = diagnose.choose(POOL, Ability(), counts=[0] * 8, allowed=allowed, limits=limits, count=5)
    assert sorted(pick.item for pick in picks) == [0, 1, 2]


def test_a_dear_item_is_passed_over() -> None:
    [best] = diagnose.choose(POOL, Ability(), counts=[0] * 8, allowed=everything())
    limits = diagnose.Limits.of(POOL, {}, {POOL.ids[best.item]: 0.6}, seed=1)
    [other] = diagnose.choose(POOL, Ability(), counts=[0] * 8, allowed=everything(), limits=limits)
    assert other.item != best.item


def test_a_diagnosis_ends_when_every_section_is_known_well_enough() -> None:
    ability = Ability()
    assert not diagnose.finished(ability, [0, 1], 0)
    assert diagnose.finished(ability, [0, 1], diagnose.LONGEST)
    for _ in range(25):
        for skill in (SKILL_NUMBER["Circles"], SKILL_NUMBER["Percentages"]):
            ability.answer(skill, True, 2.0, 0.0, 0.0)
            ability.answer(skill, False, 2.0, 0.5, 0.0)
    assert diagnose.finished(ability, [1], 10)
    assert not diagnose.finished(ability, [0, 1], 10)


# Practice


@settings(deadline=None, max_examples=60)
@given(
    ability=students,
    banned=st.sets(st.integers(0, len(POOL) - 1), max_size=590),
    count=st.integers(1, 50),
    seconds=st.one_of(st.just(math.inf), st.floats(0, 4000)),
    pace=st.floats(0.2, 5.0),
    reviews=st.lists(st.integers(0, len(POOL) - 1), unique=True, max_size=10),
    seed=st.integers(0, 2**63),
)
def test_the_hard_limits_of_practice_always_hold(
    ability: Ability,
    banned: set[int],
    count: int,
    seconds: float,
    pace: float,
    reviews: list[int],
    seed: int,
) -> None:
    allowed = everything()
    allowed[list(banned | set(reviews))] = False
    picks = practice.choose(
        POOL,
        ability,
        allowed=allowed,
        count=count,
        seconds=seconds,
        pace=pace,
        reviews=[(item, 3) for item in reviews],
        wishes=practice.Wishes(boost={3: 1.6}, staying=[1, 2], seed=seed),
    )
    items = [pick.item for pick in picks]
    assert len(items) == len(set(items)) <= count
    assert not set(items) & banned - set(reviews)
    assert sum(float(POOL.seconds[item]) * pace for item in items) <= seconds + 1e-3
    if seconds >= 75 * pace + 1e-3 and (allowed.any() or reviews):
        assert items


def test_practice_prefers_questions_that_are_neither_too_easy_nor_too_hard() -> None:
    ability = student([(n * 13 % 600, n % 2 == 0) for n in range(30)])
    chances, _ = practice.suitability(POOL, ability)
    picks = practice.choose(POOL, ability, allowed=everything(), count=20)
    assert all(practice.HARDEST <= chances[pick.item] <= practice.EASIEST for pick in picks)


def test_practice_spreads_over_skills_and_heeds_weak_areas() -> None:
    picks = practice.choose(POOL, Ability(), allowed=everything(), count=12)
    assert len({int(POOL.skill[pick.item]) for pick in picks}) >= 6
    weak = SKILL_NUMBER["Circles"]
    wishes = practice.Wishes(boost={weak: 50.0})
    first = practice.choose(POOL, Ability(), allowed=everything(), count=1, wishes=wishes)[0]
    assert POOL.skill[first.item] == weak
    assert "You want to work on" in first.reason


def test_a_mastered_skill_is_worth_less_practice() -> None:
    ability = Ability()
    transitions = SKILL_NUMBER["Transitions"]
    before = practice.skill_gain(ability)[transitions]
    for _ in range(15):
        ability.answer(transitions, True, 1.5, 1.5, 0.0)
    assert practice.skill_gain(ability)[transitions] < 0.7 * before


def test_due_reviews_take_at_most_a_third_while_there_is_something_new() -> None:
    reviews = [(item, 2) for item in range(10)]
    allowed = everything()
    allowed[:10] = False
    mixed = practice.choose(POOL, Ability(), allowed=allowed, count=6, reviews=reviews)
    assert [pick.item for pick in mixed[:2]] == [0, 1]
    assert all(pick.item >= 10 for pick in mixed[2:])
    assert "2 days ago" in mixed[0].reason
    only = practice.choose(POOL, Ability(), allowed=np.zeros(len(POOL), bool), count=6, reviews=reviews)
    assert [pick.item for pick in only] == [0, 1, 2, 3, 4, 5]


def test_questions_before_the_student_stay_unless_another_is_clearly_better() -> None:
    ability = student([(n * 17 % 600, n % 3 > 0) for n in range(10)])
    before = [pick.item for pick in practice.choose(POOL, ability, allowed=everything(), count=5)]
    item = before[0]
    ability.answer(int(POOL.skill[item]), True, float(POOL.a[item]), float(POOL.b[item]), float(POOL.c[item]))
    allowed = everything()
    allowed[item] = False
    wishes = practice.Wishes(staying=before[1:])
    after = [pick.item for pick in practice.choose(POOL, ability, allowed=allowed, count=5, wishes=wishes)]
    assert len(set(after) & set(before[1:])) >= 3


# Review


def test_a_wrong_answer_comes_back_in_days_and_is_done_with_after_three_right_ones() -> None:
    now = 1_735_689_600_000
    assert review.review(None, True, 1.0, now) is None
    card = review.review(None, False, 1.0, now)
    gaps = []
    for _ in range(review.LEARNT - 1):
        assert card is not None
        assert review.due({"q": card}, now) == []
        gap = int(card[0]) - now // 60_000
        gaps.append(gap)
        now += gap * 60_000
        assert review.due({"q": card}, now) == ["q"]
        card = review.review(card, True, 1.0, now)
    assert gaps[0] >= 1440
    assert gaps == sorted(gaps)
    assert review.review(card, True, 1.0, now + 60 * DAY_MS) is None


def test_the_number_of_cards_is_bounded() -> None:
    cards = {f"q{n}": [0.0, 0.0, float(n), 5.0, 0.0] for n in range(review.MOST + 50)}
    kept = review.bounded(cards)
    assert len(kept) == review.MOST
    assert "q0" in kept


# Mock


@pytest.mark.parametrize("section", list(Section))
def test_a_module_has_the_real_tests_size_and_mix(section: Section) -> None:
    picks = mock.assemble(POOL, section, 1, "medium", allowed=everything(), seed=5)
    items = [pick.item for pick in picks]
    assert len(items) == len(set(items)) == FORMATS[section].questions_per_module
    domains = [n for n, domain in enumerate(DOMAINS) if domain.section == section]
    counts = [sum(int(POOL.domain[item]) == n for item in items) for n in domains]
    assert counts == blueprint.apportion(len(items), [DOMAINS[n].share for n in domains])
    if section is Section.READING_AND_WRITING:
        order = [DOMAINS[int(POOL.domain[item])].name for item in items]
        assert order[0] == "Craft and Structure"
        assert order[-1] == "Expression of Ideas"


def test_the_second_module_is_easier_or_harder_by_the_first() -> None:
    assert mock.route(13, 22) == "easier"
    assert mock.route(14, 22) == "harder"
    level = {
        way: np.mean([POOL.b[p.item] for p in mock.assemble(POOL, Section.MATH, 2, way, allowed=everything(), seed=1)])
        for way in mock.SPREAD
    }
    assert level["easier"] < level["medium"] - 0.4 < level["harder"] - 0.8


@settings(deadline=None, max_examples=30)
@given(banned=st.sets(st.integers(0, len(POOL) - 1), max_size=590), seed=st.integers(0, 2**63))
def test_a_module_takes_only_what_is_allowed(banned: set[int], seed: int) -> None:
    allowed = everything()
    allowed[list(banned)] = False
    items = [pick.item for pick in mock.assemble(POOL, Section.MATH, 2, "harder", allowed=allowed, seed=seed)]
    assert len(items) == len(set(items))
    assert not banned & set(items)
