"""Answers over days: counts per quarter of an hour, in one small document per week of the calendar.

Quarters, because every time zone's midnight is at one (Nepal is 5:45 ahead of UTC), so that the days of any student
are exact sums. A week's document holds only the quarters in which somebody practised.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bonsai_analytics.stats import share

QUARTER_MS = 15 * 60_000
DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS

#: Quarter since the epoch -> [answered, correct, milliseconds]. Keys are strings: it is a JSON object.
Quarters = dict[str, list[int]]


def week_key(at: int) -> str:
    """The name of the document that counts the answers of this time, ms since the epoch."""
    return f"week/{at // WEEK_MS}"


def add(quarters: Quarters, at: int, correct: bool, spent_ms: int) -> None:
    """Count an answer given at this time."""
    counts = quarters.setdefault(str(at // QUARTER_MS), [0, 0, 0])
    counts[0] += 1
    counts[1] += correct
    counts[2] += spent_ms


def practised(quarters: Quarters, at: int) -> bool:
    """Whether there was an answer on the UTC day of this time already; `quarters` are of its week."""
    day = at // DAY_MS
    return any(int(quarter) * QUARTER_MS // DAY_MS == day for quarter in quarters)


def first_moment(now: int, days: int, offset_minutes: int) -> int:
    """When the first of the last `days` days began: ms since the epoch, `offset_minutes` east of UTC."""
    offset = offset_minutes * 60_000
    return ((now + offset) // DAY_MS - days + 1) * DAY_MS - offset


def week_keys(first: int, now: int) -> list[str]:
    """The documents that cover the time from `first` to `now`."""
    return [week_key(at) for at in range(first - first % WEEK_MS, now + 1, WEEK_MS)]


def by_day(weeks: Iterable[Mapping[str, list[int]]], now: int, days: int, offset_minutes: int) -> list[dict[str, Any]]:
    """The last `days` days up to `now`, oldest first, each with its date and counts.

    Args:
        weeks: the documents of `week_keys`.
        now: ms since the epoch.
        offset_minutes: minutes east of UTC.
    """
    offset = offset_minutes * 60_000
    first = first_moment(now, days, offset_minutes)
    sums = [[0, 0, 0] for _ in range(days)]
    for quarters in weeks:
        for quarter, counts in quarters.items():
            index = (int(quarter) * QUARTER_MS - first) // DAY_MS
            if 0 <= index < days:
                sums[index] = [a + b for a, b in zip(sums[index], counts, strict=True)]
    return [
        {"date": _date(first + offset + n * DAY_MS), "answered": a, "correct": c, "seconds": ms / 1000}
        for n, (a, c, ms) in enumerate(sums)
    ]


def by_week(days: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Days summed up by weeks from Monday to Sunday; the first and the last week may not be whole."""
    weeks: dict[str, dict[str, Any]] = {}
    for day in days:
        date = datetime.fromisoformat(day["date"])
        start = (date - timedelta(days=date.weekday())).date().isoformat()
        week = weeks.setdefault(start, {"start": start, "answered": 0, "correct": 0, "seconds": 0.0})
        for name in ("answered", "correct"):
            week[name] += day[name]
        week["seconds"] = round(week["seconds"] + day["seconds"], 3)
    return list(weeks.values())


def days_of_week(now: int, offset_minutes: int) -> int:
    """How many days of this week there are up to today: 1 on Monday, 7 on Sunday."""
    return datetime.fromtimestamp((now + offset_minutes * 60_000) / 1000, UTC).weekday() + 1


def totals(days: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The sum of days."""
    answered = correct = 0
    seconds = 0.0
    for day in days:
        answered += day["answered"]
        correct += day["correct"]
        seconds += day["seconds"]
    return {
        "answered": answered,
        "correct": correct,
        "seconds": round(seconds, 3),
        "accuracy": share(correct, answered),
    }


def _date(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).date().isoformat()
