"""The learner model in the live server: an answer's section, known difficulty and time, and what is told after it.

Plain Python over the model; the plugin loads and saves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bonsai_analytics.model.constants import shipped
from bonsai_analytics.model.learner import Known, Learner
from bonsai_analytics.model.mastery import mastery
from bonsai_analytics.model.scores import shown as shown_score
from bonsai_analytics.model.student import Student
from bonsai_analytics.model.trend import Trend
from bonsai_analytics.stats import SessionCounts, SkillCounts
from bonsai_core.domain import DOMAIN_OF_SKILL, FORMATS, Section

if TYPE_CHECKING:
    from bonsai_core import Question

#: How far a bank's difficulty may be off, in squared logits: a band is 0.8 wide, and authors judge to about one.
BANK_VARIANCE = 0.5
_SECTION_NAMES = {skill: str(domain.section) for skill, domain in DOMAIN_OF_SKILL.items()}


def learner() -> Learner:
    """The model with the shipped constants."""
    return Learner(shipped())


def section_of(skill: str) -> Section | None:
    """The section of the test that a skill belongs to."""
    domain = DOMAIN_OF_SKILL.get(skill)
    return domain.section if domain is not None else None


def known(question: Question | None) -> Known | None:
    """What a bank says of a question's difficulty."""
    return None if question is None else Known(question.logit, BANK_VARIANCE, question.guessing)


def expected_seconds(question: Question | None, section: Section | None) -> float | None:
    """How long a question usually takes, before answers tell better."""
    if question is not None:
        return question.expected_seconds
    return FORMATS[section].seconds_per_question if section is not None else None


def allowed_ms(section: Section | None) -> int:
    """The time that the test allows for a question of a section; 0 outside the test."""
    return round(FORMATS[section].seconds_per_question * 1000) if section is not None else 0


def skill_mastery(student: Student, skill: str, answered: int) -> dict[str, Any]:
    """A skill's mastery as payloads say it."""
    told: dict[str, Any] = mastery(*student.posterior(skill, _SECTION_NAMES.get(skill), shipped()))
    told["answered"] = answered
    return told


def update(counts: SessionCounts, skills: SkillCounts, student: Student) -> dict[str, Any]:
    """The payload of `analytics:update`."""
    c = shipped()
    told: dict[str, Any] = {
        "currentSession": counts.current(),
        "performance": {
            "overall": mastery(student.mean, student.variance + c.skill_variance)["mastery"],
            "bySkill": {name: skill_mastery(student, name, count[0]) for name, count in skills.skills.items()},
        },
    }
    if (score := shown_score(student, c)) is not None:
        told["score"] = score
    if (trend := Trend.read(counts.trend).shown()) is not None:
        told["trend"] = trend
    return told
