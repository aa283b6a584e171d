"""Documents that earlier versions of the plugin left in stores."""

from typing import Any

import msgspec
from bonsai_coaching.hints import Climb
from bonsai_coaching.kept import CLIMBS
from bonsai_coaching.watch import Answered, Missed, Mistake, Shown, SkillRun, Student, Upcoming, Watch

#: As 0.1.0 wrote them, with pydantic: with the fields that are as at first, without those that are None.
WATCH = b"""{"began":1000,"active":61000,"answered":2,"right":1,"streak":0,"best_streak":1,"practised":63.5,
"skills":{"Circles":{"tries":2,"right":1,"run":0,"wrong":1,"best":1}},
"recent":[{"right":true,"seconds":31.5,"allowed":95.5,"rapid":false},{"right":false,"seconds":32.0,"rapid":false}],
"shown":{"id":"q3","skill":"Circles","band":4.0,"seconds":95.0,"at":91000,"sure":false,"hints":0},
"upcoming":[{"id":"q3","skill":"Circles","band":4.0,"seconds":95.0},{"id":"q4","skill":""}],
"mistake":{"id":"q2","skill":"Circles","answer":"B"},"last_skill":"Circles","hints":0,
"ledger":{"nudges":1,"nudged_at":1,"spoke":{"streak":61000},"once":["streak:Circles"],"said":[123456789]}}"""
STUDENT = b"""{"seen":1000,"session":"s","mastery":{"Circles":0.512},"mastered":[],
"missed":{"q2":{"skill":"Circles","at":61000}},"told":{"streak":1},"rests":{}}"""
CLIMB = b'{"q2":{"rung":1,"at":5000,"wrong":"B"}}'


class Stored:
    """A session whose documents begin as these bytes."""

    def __init__(self) -> None:
        self.documents: dict[str, bytes] = {}

    async def load(self, key: str, *, scope: str) -> object:
        return msgspec.json.decode(self.documents.get(key, CLIMB))

    def save(self, key: str, value: object, *, scope: str) -> None:
        self.documents[key] = msgspec.json.encode(value)


def test_a_sitting_of_an_older_version_goes_on() -> None:
    watch = msgspec.json.decode(WATCH, type=Watch)
    assert (watch.answered, watch.practised, watch.mock_until) == (2, 63.5, None)
    assert watch.skills == {"Circles": SkillRun(tries=2, right=1, wrong=1, best=1)}
    assert watch.recent == [Answered(True, 31.5, 95.5), Answered(False, 32.0)]
    assert watch.shown == Shown("q3", "Circles", 4.0, 95.0, at=91000, sure=False)
    assert watch.upcoming == [Upcoming("q3", "Circles", 4.0, 95.0), Upcoming("q4")]
    assert watch.mistake == Mistake("q2", "Circles", "B")
    assert (watch.ledger.nudged_at, watch.ledger.said) == (1, [123456789])
    assert msgspec.json.decode(msgspec.json.encode(watch), type=Watch) == watch


def test_a_student_of_an_older_version_is_still_known() -> None:
    student = msgspec.json.decode(STUDENT, type=Student)
    assert (student.seen, student.mastery, student.told) == (1000, {"Circles": 0.512}, {"streak": 1})
    assert student.missed == {"q2": Missed("Circles", 61000)}
    before = student.changed
    student.touch()
    assert (before, student.changed) == (False, True)
    assert b"changed" not in msgspec.json.encode(student)


async def test_a_ladder_of_an_older_version_goes_on() -> None:
    session: Any = Stored()
    assert await CLIMBS.get(session, "q2") == Climb(1, 5000, "B")


async def test_a_wrong_answer_is_taken_down_beside_what_was_climbed() -> None:
    session: Any = Stored()
    await CLIMBS.edit(session, "q2", wrong="C")
    await CLIMBS.edit(session, "q7", wrong="A")
    assert await CLIMBS.get(session, "q2") == Climb(1, 5000, "C")
    assert await CLIMBS.get(session, "q7") == Climb(wrong="A")
