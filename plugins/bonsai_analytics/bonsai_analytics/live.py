"""The learner model in the live server: an answer's section, known difficulty and time, and what is told after it.

Plain Python over the model; the plugin loads and saves.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from bonsai_analytics.model.constants import shipped
from bonsai_analytics.model.learner import Known, Learner
from bonsai_analytics.model.mastery import mastery
from bonsai_analytics.model.scores import shown as shown_score
from bonsai_analytics.model.student import MEAN, VARIANCE, Student
from bonsai_analytics.model.trend import Trend
from bonsai_analytics.stats import SessionCounts, SkillCounts
from bonsai_core.domain import DOMAIN_OF_SKILL, FORMATS, Section

if TYPE_CHECKING:
    from bonsai_core import Question

#: How far a bank's difficulty may be off, in squared logits: a band is 0.8 wide, and authors judge to about one.
BANK_VARIANCE = 0.5
#: Abilities are told to a hundredth of a logit, so that the same ones need not be worked out again and again.
STEPS = 100
_SECTION_NAMES = {skill: str(domain.section) for skill, domain in DOMAIN_OF_SKILL.items()}


def learner() -> Learner:
    """The model with the shipped constants."""
    return Learner(shipped())


def section_of(skill: str) -> Section | None:
    """The section of the test that a skill belongs to."""
    domain = DOMAIN_OF_SKILL.get(skill)
    return domain.section if domain is not None else None


def shared_key(name: str, known: bool, places: int) -> str:
    """The key under which all students share what is learnt of a question or skill.

    Args:
        known: whether a bank, or the test, has it. It then has a key of its own, its name.
        places: of these, all others get one by a hash of the name, so that names which clients make up take no more
            room. Two that share a place share what is learnt: rare for few, useless for a flood.
    """
    return name if known else f"? {zlib.crc32(name.encode()) % places}"


def known(question: Question | None, section: Section | None) -> Known | None:
    """What is known of a question's difficulty: what its bank says.

    A question of the test that no bank knows is somewhere around band 4. A skill of the test has no difficulty of its
    own: bands are comparable between skills, so who gets a skill's questions right is good at it.
    """
    if question is not None:
        return Known(question.logit, BANK_VARIANCE, question.guessing)
    return Known(0.0, shipped().item_variance) if section is not None else None


def expected_seconds(question: Question | None, section: Section | None) -> float | None:
    """How long a question usually takes, before answers tell better."""
    if question is not None:
        return question.expected_seconds
    return FORMATS[section].seconds_per_question if section is not None else None


def allowed_ms(section: Section | None) -> int:
    """The time that the test allows for a question of a section; 0 outside the test."""
    return round(FORMATS[section].seconds_per_question * 1000) if section is not None else 0


@lru_cache(maxsize=8192)
def _mastery(mean: int, variance: int) -> dict[str, float]:
    return mastery(mean / STEPS, variance / STEPS)


def by_skill(student: Student, skills: SkillCounts) -> dict[str, dict[str, Any]]:
    """The mastery of each skill as payloads say it."""
    own_variance = shipped().skill_variance
    sections = (None, *map(str, Section))
    bases = {section: student.section_posterior(section, shipped()) for section in sections}
    told: dict[str, dict[str, Any]] = {}
    for name, (answered, _) in skills.skills.items():
        mean, variance = bases[_SECTION_NAMES.get(name)]
        known = student.skills.get(name)
        if known is not None:
            mean, variance = mean + known[MEAN], variance + known[VARIANCE]
        else:
            variance += own_variance
        told[name] = {**_mastery(round(mean * STEPS), round(variance * STEPS)), "answered": answered}
    return told


def update(counts: SessionCounts, skills: SkillCounts, student: Student) -> dict[str, Any]:
    """The payload of `analytics:update`."""
    c = shipped()
    told: dict[str, Any] = {
        "currentSession": counts.current(),
        "performance": {
            "overall": mastery(student.mean, student.variance + c.skill_variance)["mastery"],
            "bySkill": by_skill(student, skills),
        },
    }
    if (score := shown_score(student, c)) is not None:
        told["score"] = score
    if (trend := Trend.read(counts.trend).shown()) is not None:
        told["trend"] = trend
    return told
