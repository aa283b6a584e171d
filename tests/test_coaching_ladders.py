"""Every question of the shipped bank: its ladder, walked through a live server, tells nothing before the last rung."""

from typing import Any

import pytest
from bonsai_coaching.leaks import Guard
from bonsai_coaching.plugin import Coaching
from bonsai_coaching.settings import Settings
from bonsai_recs.authoring.leaks import leaks
from bonsai_recs.bank import load_bank
from bonsai_recs.plugin import Recs

from bonsai_core import Question
from bonsai_core.testing import FakeClock, StartServer, WireClient

RUNGS = 4
#: Requests in one batch.
TOGETHER = 10


async def hints(device: WireClient, ids: list[str], first_id: int) -> list[dict[str, Any]]:
    """The next hint for each question."""
    answers: dict[int, dict[str, Any]] = {}
    for start in range(0, len(ids), TOGETHER):
        batch = list(enumerate(ids[start : start + TOGETHER], first_id + start))
        await device.send_batch(*(("coaching:hint", {"questionId": id}, n) for n, id in batch))
        while batch[-1][0] not in answers:
            frame = await device.recv(timeout=30)
            if "id" in frame:
                assert frame["event"] == "ack", frame["data"]
                answers[frame["id"]] = frame["data"]
    return [answers[first_id + n] for n in range(len(ids))]


def given_away(question: Question, guard: Guard, text: str) -> str | None:
    """How a text gives the answer away, by the bank's own check and by the coach's; None when it does not."""
    return leaks(question, text) or guard.find(text)


async def test_no_rung_before_the_last_gives_the_answer_away(bonsai_server: StartServer, fake_clock: FakeClock) -> None:
    questions = load_bank().questions
    assert len(questions) > 700
    coaching = Coaching(Settings(dwell_seconds=30), look_every=3600)
    server = await bonsai_server(plugins=[Recs(), coaching], clock=fake_clock, outbox_max_bytes=64_000_000)
    device = await server.connect()
    ids = [question.id for question in questions]
    guards = [Guard(question) for question in questions]
    solutions: list[dict[str, Any]] = []
    told: list[str] = []
    for rung in range(1, RUNGS + 1):
        skipped = {"questionId": ids[0], "rung": rung + 1}
        with pytest.raises(AssertionError, match="too_high"):
            await device.request("coaching:hint", skipped, id=100_000 * rung - 1)
        solutions = await hints(device, ids, 100_000 * rung)
        for question, guard, hint in zip(questions, guards, solutions, strict=True):
            assert (hint["questionId"], hint["rung"], hint["rungs"]) == (question.id, rung, RUNGS)
            assert hint["last"] == (rung == RUNGS)
            if rung < RUNGS and (how := given_away(question, guard, hint["text"])):
                told.append(f"{question.id}, hint {rung}, {how}: {hint['text']}")
        fake_clock.advance(30)
    assert told == []
    # The checks see what they are there for: nearly all solutions give the answer, and saying it is always caught.
    pairs = list(zip(questions, guards, solutions, strict=True))
    assert sum(given_away(q, guard, hint["text"]) is not None for q, guard, hint in pairs) > 0.8 * len(pairs)
    assert all(guard.find(f"The answer is {q.answers[0]}.") for q, guard, _ in pairs)
