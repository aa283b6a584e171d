"""What is kept of a student: it stays the same through stores, and documents of older versions are read."""

import random
from datetime import UTC, datetime
from typing import Any

import msgspec
from bonsai_recs.bank import load_bank
from bonsai_recs.learner import CHUNK, RECENT, Learner
from bonsai_recs.select import review
from bonsai_recs.select.pool import GRID
from fsrs import Card, Rating, Scheduler

#: As 0.1.0 wrote it, when all seen questions were in chunks.
OLD: dict[str, Any] = {
    "ability": {
        "answered": 3,
        "sections": [[round(-50 * x * x) for x in GRID], [round(-50 * (x - 0.6) ** 2) for x in GRID]],
        "skills": {"Circles": [0.125, 0.1875], "a skill that was dropped": [1.0, 0.1]},
    },
    "pace": [0.25, 3],
    "cards": {"q1": [29000000.0, 28000000.0, 2.5, 5.1, 0]},
    "newest": 0,
}


class Shelf:
    """The documents of a student, as the plugin keeps them."""

    def __init__(self, student: Any = None, chunks: dict[int, list[str]] | None = None) -> None:
        self.student = student
        self.chunks = chunks or {}

    def load(self) -> Learner:
        learner = Learner.read(self.student)
        for number in Learner.chunk_numbers(self.student):
            learner.chunks[number] = list(self.chunks.get(number, ()))
        return learner

    def save(self, learner: Learner) -> bool:
        self.student = msgspec.json.decode(msgspec.json.encode(learner.document()))
        if learner.full:
            self.chunks[learner.newest] = learner.chunks[learner.newest]
        return learner.full


def test_a_document_of_an_older_version_is_read_and_gone_on_with() -> None:
    shelf = Shelf(OLD, {0: ["q1", "q2", "q3"]})
    learner = shelf.load()
    assert (learner.ability.answered, round(learner.pace, 3)) == (3, 1.284)
    assert round(learner.ability.section(1)[1], 2) == 0.6
    assert "a skill that was dropped" not in learner.document()["ability"]["skills"]
    assert learner.document()["ability"]["skills"] == {"Circles": [0.125, 0.1875]}
    learner.learn("q3", None, "Circles", True, 30.0, 0)
    question = load_bank().questions[0]
    learner.learn(question.id, question, None, True, 30.0, 0)
    shelf.save(learner)
    assert list(shelf.load().seen()) == ["q1", "q2", "q3", question.id]


def test_what_was_seen_is_written_some_at_a_time_and_never_lost() -> None:
    questions = list(load_bank().questions[: 2 * CHUNK + 5])
    shelf, seen, written = Shelf(), list[str](), 0
    for question in questions:
        learner = shelf.load()
        learner.learn(question.id, question, None, True, 40.0, 0)
        learner.learn(question.id, question, None, False, 40.0, 0)  # again, which changes nothing of what was seen
        written += shelf.save(learner)
        seen.append(question.id)
        assert list(shelf.load().seen()) == seen
    assert written == len(questions) // RECENT
    assert [len(chunk) for chunk in shelf.chunks.values()] == [CHUNK, CHUNK]


def test_a_student_who_is_stored_after_each_answer_learns_as_one_who_is_not() -> None:
    chance, questions = random.Random(5), load_bank().questions
    shelf, kept = Shelf(), Learner.read(None)
    for _ in range(60):
        question, right = chance.choice(questions), chance.random() < 0.6
        learner = shelf.load()
        for one in (learner, kept):
            one.learn(question.id, question, None, right, 40.0, 0)
        shelf.save(learner)
    for ours, theirs in zip(shelf.load().ability.skills(), kept.ability.skills(), strict=True):
        assert abs(ours - theirs).max() < 0.02


def test_a_first_miss_is_due_as_the_scheduler_says() -> None:
    now = 1_796_132_321_861
    moment = datetime.fromtimestamp(now / 1000, UTC)
    scheduler = Scheduler(desired_retention=0.9, learning_steps=(), relearning_steps=(), enable_fuzzing=False)
    card, _ = scheduler.review_card(Card(card_id=1, due=moment), Rating.Again, moment)
    assert card.stability is not None
    assert card.difficulty is not None
    kept = review.review(None, False, 1.0, now)
    due, seen = int(card.due.timestamp() // 60), now // 60_000
    assert kept == [due, seen, round(card.stability, 3), round(card.difficulty, 3), 0]
