"""Spaced review of questions that were answered wrongly: when each should come again (`fsrs`, the FSRS-6 scheduler).

A card is kept as five numbers: due, last seen (minutes since the epoch), stability (days), difficulty (1..10), and how
often in a row it was answered right. A question answered right at first sight needs no card, and never comes again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeAlias

from fsrs import Card, Rating, Scheduler, State

#: [due, last seen, stability, difficulty, right in a row]
Kept: TypeAlias = list[float]

#: Cards kept per student; of more, those that are remembered best go.
MOST = 200
#: A card that was answered right so often in a row is done with.
LEARNT = 3

# Without learning steps: they are minutes long, and made for flash cards rather than for questions of the test.
_SCHEDULER = Scheduler(desired_retention=0.9, learning_steps=(), relearning_steps=(), enable_fuzzing=False)


def rating(right: bool, pace: float) -> Rating:
    """How well an answer went.

    Args:
        pace: time spent, as a multiple of the question's usual time at the student's own pace.
    """
    if not right:
        return Rating.Again
    return Rating.Easy if pace < 0.5 else Rating.Hard if pace > 1.5 else Rating.Good


def review(kept: Kept | None, right: bool, pace: float, now: int) -> Kept | None:
    """The card after an answer; None when there is nothing (more) to review.

    Args:
        kept: the card before; None at first sight.
        now: ms since the epoch.
    """
    if kept is None and right:
        return None
    row = int(kept[4]) + 1 if kept is not None and right else 0
    if row >= LEARNT:
        return None
    if kept is None:
        wait, stability, difficulty = _first_miss()
        return [(now + wait) // 60_000, now // 60_000, stability, difficulty, 0]
    moment = datetime.fromtimestamp(now / 1000, UTC)
    card, _ = _SCHEDULER.review_card(_card(kept), rating(right, pace), moment)
    stability, difficulty = card.stability or 0.1, card.difficulty or 5.0
    return [_minutes(card.due), _minutes(moment), round(stability, 3), round(difficulty, 3), row]


def due(cards: Mapping[str, Kept], now: int) -> list[str]:
    """The questions whose review is due, the likeliest forgotten ones first."""
    minute = now // 60_000
    waiting = [id for id, kept in cards.items() if kept[0] <= minute]
    # Retrievability falls with the elapsed time over the stability, by one curve for all cards.
    return sorted(
        waiting, key=lambda question: (-(minute - cards[question][1]) / max(cards[question][2], 1e-3), question)
    )


def bounded(cards: dict[str, Kept]) -> dict[str, Kept]:
    """At most `MOST` cards: the most stable ones go."""
    if len(cards) <= MOST:
        return cards
    kept: Iterable[str] = sorted(cards, key=lambda question: (cards[question][2], question))[:MOST]
    return {id: cards[id] for id in kept}


def days_since(kept: Kept, now: int) -> int:
    """Whole days since the question was last answered."""
    return max(0, int((now // 60_000 - kept[1]) // 1440))


@lru_cache(maxsize=1)
def _first_miss() -> tuple[int, float, float]:
    """What a wrong answer at first sight makes, always the same: ms until the review, stability, difficulty."""
    moment = datetime.fromtimestamp(0, UTC)
    card, _ = _SCHEDULER.review_card(Card(card_id=1, due=moment), Rating.Again, moment)
    wait = round((card.due - moment).total_seconds() * 1000)
    return wait, round(card.stability or 0.1, 3), round(card.difficulty or 5.0, 3)


def _card(kept: Kept) -> Card:
    due_at, seen, stability, difficulty, _ = kept
    return Card(1, State.Review, None, stability, difficulty, _moment(due_at), _moment(seen))


def _minutes(moment: datetime) -> int:
    return int(moment.timestamp() // 60)


def _moment(minutes: float) -> datetime:
    return datetime.fromtimestamp(minutes * 60, UTC)
