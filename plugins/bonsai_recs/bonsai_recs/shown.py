"""What students get to see of a recommendation: never the answer, the hints, the rationale or the misconceptions."""

from __future__ import annotations

from typing import Any

from bonsai_core.domain import DOMAIN_BY_NAME, DOMAINS, Question, level_of_band
from bonsai_recs.events import Diagnosis, MockModule, Mode, Request
from bonsai_recs.recommender import Advice, Recommender, topics
from bonsai_recs.select.pool import DOMAIN_OF


def update(
    recommender: Recommender, advice: Advice, mode: Mode, pace: float, now: int, revision: int
) -> dict[str, Any]:
    """The payload of `recommendations:update` (`events.Update`), as plain data: it is made for many answers.

    Args:
        pace: the student's time as a multiple of the usual.
        now: ms since the epoch.
    """
    questions = []
    for pick in advice.picks:
        question = recommender.question(pick)
        told = recommender.told.get(question.id)
        if told is None:
            told = recommender.told[question.id] = recommended(question)
        seconds = round(question.expected_seconds * pace, 1)
        questions.append({**told, "expectedSeconds": seconds, "reason": pick.reason})
    made: dict[str, Any] = {"questions": questions, "generatedAt": now, "mode": mode, "revision": revision}
    run = advice.run
    if run is not None and advice.standard_error is not None:
        made["diagnosis"] = Diagnosis(
            asked=len(run.answered), standard_error=round(advice.standard_error, 3), finished=run.finished
        )
    if run is not None and advice.module is not None:
        section, number, route, seconds = advice.module
        made["module"] = MockModule(
            section=section.value, number=number, route=route, seconds=seconds, finished=run.finished
        )
    return made


def recommended(question: Question) -> dict[str, Any]:
    """One question (`events.Recommended`), without what would give it away: what is the same for all students."""
    told = {
        "id": question.id,
        "section": question.section.value,
        "subject": question.subject,
        "domain": question.domain,
        "skill": question.skill,
        "difficulty": level_of_band(question.band),
        "band": question.band,
        "expectedSeconds": 0.0,
        "reason": "",
        "stem": question.stem,
        "passage": question.passage,
        "figure": question.figure,
        "choices": [{"key": choice.key, "text": choice.text} for choice in question.choices] or None,
    }
    return {name: value for name, value in told.items() if value is not None}


def code(question: Question) -> str:
    """The code of a question's domain, by which its exposure is kept."""
    return DOMAIN_BY_NAME[question.domain].code


def domain_number(question: Question) -> int:
    """The number of a question's domain."""
    return DOMAINS.index(DOMAIN_BY_NAME[question.domain])


def domains(request: Request) -> list[str]:
    """The codes of the domains that a request is about."""
    wanted = {int(DOMAIN_OF[skill]) for name in request.preferences.subjects for skill in topics(name)}
    return [domain.code for number, domain in enumerate(DOMAINS) if not wanted or number in wanted]
