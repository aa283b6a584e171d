"""Shared vocabulary of the SAT domain, for plugins that exchange it. The core itself only passes it on."""

from __future__ import annotations

from pydantic import Field

from bonsai_core.payload import Payload


class Question(Payload):
    """A question of a bank. The answer stays on the server until it was given.

    Attributes:
        id: unique within all installed banks.
        section: `Reading and Writing` or `Math`.
        domain: the content domain, for example `Algebra`.
        skill: the skill within the domain.
        stem: what is asked.
        answer: the right choice's letter, or accepted answers separated by ` or `.
        band: difficulty, 1 (easiest) to 7.
        expected_seconds: usual time to answer.
    """

    id: str
    section: str
    domain: str
    skill: str
    stem: str
    answer: str
    passage: str | None = None
    choices: dict[str, str] = Field(default_factory=dict)
    explanation: str | None = None
    band: int = Field(default=4, ge=1, le=7)
    expected_seconds: float = Field(default=75.0, gt=0)


class Answer(Payload):
    """A student's answer to a question."""

    question_id: str
    correct: bool
    time_spent: float = Field(ge=0)
    skill: str | None = None
    answer: str | None = None
