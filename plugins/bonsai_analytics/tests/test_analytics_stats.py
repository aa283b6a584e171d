"""Counting, mastery, days: the plain Python behind the plugin."""

from datetime import UTC, datetime

import pytest
from bonsai_analytics import days, stats
from bonsai_analytics.stats import SessionCounts, SkillCounts

HOUR_MS = 3_600_000


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def test_a_streak_ends_with_a_wrong_answer_and_the_best_one_is_kept() -> None:
    counts = SessionCounts()
    for correct in (True, True, True, False, True):
        counts.add(correct, 30_000)
    assert (counts.streak, counts.best, counts.answered, counts.correct) == (1, 3, 5, 4)
    assert SessionCounts.read(counts.document()) == counts


def test_pace_is_questions_per_minute_of_time_spent() -> None:
    counts = SessionCounts()
    assert counts.current()["pace"] == 0
    counts.add(True, 20_000)
    counts.add(True, 40_000)
    assert counts.current()["pace"] == 2


def test_beyond_the_bound_of_skills_answers_count_as_other() -> None:
    skills = SkillCounts()
    for number in range(stats.MAX_SKILLS + 3):
        skills.add(f"skill {number}", True)
    assert len(skills.skills) == stats.MAX_SKILLS + 1
    assert skills.skills[stats.OTHER] == [3, 3]
    assert skills.add("skill 7", False) == "skill 7"
    assert skills.answered == stats.MAX_SKILLS + 4


def test_long_names_of_skills_are_bounded_together() -> None:
    skills = SkillCounts()
    for number in range(200):
        skills.add(f"{number:03}" + "é" * 253, True)
    assert sum(len(name.encode()) for name in skills.skills) <= stats.MAX_SKILL_BYTES + len(stats.OTHER)
    assert skills.skills[stats.OTHER][0] == 200 - (len(skills.skills) - 1)
    assert SkillCounts.read(skills.document()) == skills


def count(weeks: dict[str, days.Quarters], when: int, correct: bool = True, spent_ms: int = 1500) -> None:
    days.add(weeks.setdefault(days.week_key(when), {}), when, correct, spent_ms)


def test_days_are_utc_days_and_those_without_practice_are_there_too() -> None:
    weeks: dict[str, days.Quarters] = {}
    count(weeks, at("2026-03-01T23:59:59"))
    count(weeks, at("2026-03-02T00:00:00"), correct=False)
    count(weeks, at("2026-02-20T12:00:00"))
    now = at("2026-03-03T10:00:00")
    shown = days.by_day(weeks.values(), now, 3, 0)
    assert shown == [
        {"date": "2026-03-01", "answered": 1, "correct": 1, "seconds": 1.5},
        {"date": "2026-03-02", "answered": 1, "correct": 0, "seconds": 1.5},
        {"date": "2026-03-03", "answered": 0, "correct": 0, "seconds": 0.0},
    ]
    assert days.totals(shown) == {"answered": 2, "correct": 1, "seconds": 3.0, "accuracy": 0.5}


@pytest.mark.parametrize(
    ("offset_minutes", "date"),
    [(0, "2026-03-01"), (345, "2026-03-02"), (330, "2026-03-01"), (-480, "2026-03-01"), (840, "2026-03-02")],
)
def test_a_day_begins_at_the_students_midnight(offset_minutes: int, date: str) -> None:
    weeks: dict[str, days.Quarters] = {}
    count(weeks, at("2026-03-01T18:20:00"))  # 00:05 of the next day in Nepal, 23:50 in India
    shown = days.by_day(weeks.values(), at("2026-03-02T18:00:00"), 3, offset_minutes)
    assert [day["date"] for day in shown if day["answered"]] == [date]


def test_a_year_needs_no_more_than_54_documents_which_cover_it() -> None:
    now = at("2026-03-03T10:00:00")
    for offset in (-840, 0, 840):
        keys = days.week_keys(days.first_moment(now, 365, offset), now)
        assert len(keys) <= 54
        assert days.week_key(now) == keys[-1]
        assert days.week_key(days.first_moment(now, 365, offset)) == keys[0]
