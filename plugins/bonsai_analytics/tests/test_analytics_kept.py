"""The document of a student: weeks come and go, and what older versions left in three documents goes on in one."""

from typing import Any, cast

import msgspec
import pytest
from bonsai_analytics import days
from bonsai_analytics.days import WEEK_MS
from bonsai_analytics.kept import Kept
from bonsai_analytics.model.constants import shipped

from bonsai_core import Session

NOW = 3000 * WEEK_MS + 5 * 3_600_000
#: As 0.1.0 wrote them.
OLD: dict[str, Any] = {
    "skills": [3, 2, {"Circles": [3, 2]}],
    "learner": [
        0.1, 1.2, 2, 1, 0.25, 0.1, 0.05, 1, "Circles", 3,
        {"Circles": [0.05, 0.19, 2, 1, 0.25, 0.1, 0.05, 21, 3, 1]},
        {"Math": [0.1, 1.3, 1.2, 3, 0.5], "Reading and Writing": [0.1, 1.3, 1.2, 0, 0.0]}, 1.1,
    ],
    days.week_key(NOW): {str(NOW // days.QUARTER_MS): [3, 2, 90_000]},
}  # fmt: skip


class Documents:
    """A user's documents, as a session keeps them."""

    def __init__(self, documents: dict[str, Any] | None = None) -> None:
        self.all = {key: msgspec.json.encode(value) for key, value in (documents or {}).items()}

    async def load(self, key: str, *, scope: str) -> Any:
        return msgspec.json.decode(self.all[key]) if key in self.all else None

    def save(self, key: str, value: Any, *, scope: str) -> None:
        self.all[key] = msgspec.json.encode(value)

    def delete(self, key: str, *, scope: str) -> None:
        self.all.pop(key, None)

    async def answer(self, at: int) -> None:
        """What the plugin does for an answer, as far as it matters here."""
        session = cast(Session, self)
        kept = await Kept.load(session, shipped())
        kept.skills.add("Circles", True)
        await kept.turn_to(session, days.week_key(at))
        days.add(kept.quarters, at, True, 30_000)
        kept.save(session)

    async def answered(self, at: int) -> int:
        """Answers in the week of this time."""
        session = cast(Session, self)
        quarters = await (await Kept.load(session, shipped())).quarters_of(session, days.week_key(at))
        return sum(counts[0] for counts in quarters.values())


async def test_a_student_of_an_older_version_goes_on_in_one_document() -> None:
    documents = Documents(OLD)
    before = await Kept.load(cast(Session, documents), shipped())
    assert (before.skills.answered, before.student.mean, before.student.newest) == (3, 0.1, "Circles")
    assert await documents.answered(NOW) == 3
    await documents.answer(NOW)
    after = await Kept.load(cast(Session, documents), shipped())
    assert after.skills.skills == {"Circles": [4, 3]}
    assert after.student == before.student
    assert await documents.answered(NOW) == 4
    assert documents.all.keys() == {"student", days.week_key(NOW)}  # the old week is written over when it is past


async def test_a_week_that_is_past_has_a_document_of_its_own() -> None:
    documents = Documents()
    for week, answers in enumerate((2, 1, 3)):
        for _ in range(answers):
            await documents.answer(NOW + week * WEEK_MS)
    assert documents.all.keys() == {"student", days.week_key(NOW), days.week_key(NOW + WEEK_MS)}
    assert [await documents.answered(NOW + week * WEEK_MS) for week in range(4)] == [2, 1, 3, 0]


@pytest.mark.parametrize("back", [0, 1, 2])
async def test_a_clock_that_is_set_back_loses_no_answers(back: int) -> None:
    documents = Documents()
    for at in (NOW, NOW + WEEK_MS, NOW + (1 - back) * WEEK_MS, NOW + WEEK_MS):
        await documents.answer(at)
    assert sum([await documents.answered(NOW + week * WEEK_MS) for week in range(-2, 3)]) == 4
