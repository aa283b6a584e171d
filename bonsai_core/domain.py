"""Shared vocabulary of the digital SAT, for plugins that exchange it. The core itself only passes it on.

Sections, domains with their blueprint shares, skills, module sizes and times, and difficulty bands are the published
facts of the digital SAT.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from bonsai_core.payload import Payload


class Section(StrEnum):
    """The two sections of the test."""

    READING_AND_WRITING = "Reading and Writing"
    MATH = "Math"


@dataclass(frozen=True, slots=True)
class Domain:
    """A content domain.

    Attributes:
        code: the short code that question banks use.
        share: its part of its section's questions, 0..1; the shares of a section add up to 1.
        subject: what students call it: `math`, `reading` or `writing`.
    """

    name: str
    code: str
    section: Section
    share: float
    subject: str
    skills: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SectionFormat:
    """How a section is given: two modules, the second one easier or harder by the first one's result."""

    modules: int
    questions_per_module: int
    minutes_per_module: int

    @property
    def seconds_per_question(self) -> float:
        """The pace that the test asks for."""
        return self.minutes_per_module * 60 / self.questions_per_module


_RW, _MATH = Section.READING_AND_WRITING, Section.MATH

DOMAINS: tuple[Domain, ...] = (
    Domain(
        "Information and Ideas",
        "INI",
        _RW,
        0.26,
        "reading",
        ("Central Ideas and Details", "Inferences", "Command of Evidence"),
    ),
    Domain(
        "Craft and Structure",
        "CAS",
        _RW,
        0.28,
        "reading",
        ("Words in Context", "Text Structure and Purpose", "Cross-Text Connections"),
    ),
    Domain("Expression of Ideas", "EOI", _RW, 0.20, "writing", ("Rhetorical Synthesis", "Transitions")),
    Domain("Standard English Conventions", "SEC", _RW, 0.26, "writing", ("Boundaries", "Form, Structure, and Sense")),
    Domain(
        "Algebra",
        "H",
        _MATH,
        0.35,
        "math",
        (
            "Linear equations in one variable",
            "Linear functions",
            "Linear equations in two variables",
            "Systems of two linear equations in two variables",
            "Linear inequalities in one or two variables",
        ),
    ),
    Domain(
        "Advanced Math",
        "P",
        _MATH,
        0.35,
        "math",
        (
            "Nonlinear functions",
            "Nonlinear equations in one variable and systems of equations in two variables",
            "Equivalent expressions",
        ),
    ),
    Domain(
        "Problem-Solving and Data Analysis",
        "Q",
        _MATH,
        0.15,
        "math",
        (
            "Ratios, rates, proportional relationships, and units",
            "Percentages",
            "One-variable data: Distributions and measures of center and spread",
            "Two-variable data: Models and scatterplots",
            "Probability and conditional probability",
            "Inference from sample statistics and margin of error",
            "Evaluating statistical claims: Observational studies and experiments",
        ),
    ),
    Domain(
        "Geometry and Trigonometry",
        "S",
        _MATH,
        0.15,
        "math",
        (
            "Area and volume",
            "Lines, angles, and triangles",
            "Right triangles and trigonometry",
            "Circles",
        ),
    ),
)

FORMATS = {_RW: SectionFormat(2, 27, 32), _MATH: SectionFormat(2, 22, 35)}
SECTION_SCORES = (200, 800)
BANDS = range(1, 8)

DOMAIN_BY_NAME = {domain.name: domain for domain in DOMAINS}
DOMAIN_OF_SKILL = {skill: domain for domain in DOMAINS for skill in domain.skills}
SKILLS = tuple(DOMAIN_OF_SKILL)

Difficulty = Literal["easy", "medium", "hard"]


def difficulty_of_band(band: int) -> Difficulty:
    """The difficulty that score reports call a band (1..7) by: 1 to 3 easy, 4 and 5 medium, 6 and 7 hard."""
    return "easy" if band <= 3 else "medium" if band <= 5 else "hard"


def level_of_band(band: int) -> int:
    """A band (1..7) on the five-step scale (1..5) that front ends show."""
    return math.ceil(band * 5 / 7)


ShortText = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Text = Annotated[str, StringConstraints(max_length=20_000)]


class Choice(Payload):
    """One choice of a multiple-choice question.

    Attributes:
        key: its letter, A to D.
        misconception: for a wrong choice, the mistake that leads to it, told to the student after the answer.
    """

    key: Annotated[str, StringConstraints(pattern=r"^[A-Z]$")]
    text: Text
    misconception: Text | None = None


class Question(Payload):
    """A question of a bank, with its answer. It stays on the server until it was answered.

    Attributes:
        id: unique within all installed banks.
        domain: name of a content domain, such as `Algebra`.
        skill: one of the domain's skills.
        stem: what is asked.
        passage: the text that the question is about.
        figure: an SVG document.
        choices: of a multiple-choice question; empty for a student-produced response.
        answers: the right choice's letter; or every accepted form of a typed answer, of which equal values count.
        rationale: why the answer is right, shown after it was given.
        band: difficulty, 1 (easiest) to 7.
        difficulty: IRT difficulty in logits; by default that of the band.
        discrimination: IRT slope, per logit.
        guessing: chance of a right answer without knowledge, 0..1.
        expected_seconds: usual time to answer.
        hints: the ladder: goal, strategy, partial step, worked solution. Only the last may give the answer.
        strategy: the approach that fits this kind of question.
    """

    id: ShortText
    section: Section
    domain: ShortText
    skill: ShortText
    stem: Text
    passage: Text | None = None
    figure: Annotated[str, StringConstraints(max_length=100_000)] | None = None
    choices: list[Choice] = []
    answers: Annotated[list[ShortText], Field(min_length=1)]
    rationale: Text = ""
    band: Annotated[int, Field(ge=1, le=7)] = 4
    difficulty: float | None = None
    discrimination: Annotated[float, Field(gt=0, le=5)] = 1.0
    guessing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    expected_seconds: Annotated[float, Field(gt=0, le=3600)] = 75.0
    hints: list[Text] = []
    strategy: Text = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        domain = DOMAIN_BY_NAME.get(self.domain)
        if domain is None or self.skill not in domain.skills or domain.section != self.section:
            raise ValueError("section, domain and skill do not belong together")
        if self.choices and (len(self.answers) != 1 or self.answers[0] not in {choice.key for choice in self.choices}):
            raise ValueError("the answer of a multiple-choice question is the letter of one of its choices")
        return self

    @property
    def subject(self) -> str:
        """`math`, `reading` or `writing`."""
        return DOMAIN_BY_NAME[self.domain].subject

    @property
    def logit(self) -> float:
        """IRT difficulty in logits: the item's own, else its band's, which are 0.8 logits apart around band 4."""
        return self.difficulty if self.difficulty is not None else (self.band - 4) * 0.8

    def choice(self, key: str) -> Choice | None:
        """The choice with this letter, in whatever case."""
        key = key.strip().upper().removesuffix(".").removesuffix(")").strip()
        return next((choice for choice in self.choices if choice.key == key), None)

    def grade(self, answer: str) -> bool:
        """Whether a student's answer is right: the letter of the choice, or a value equal to an accepted one."""
        if self.choices:
            chosen = self.choice(answer)
            return chosen is not None and chosen.key == self.answers[0]
        return any(same_answer(answer, accepted) for accepted in self.answers)


class Insight(Payload):
    """One thing that an analysis has to say about a question.

    Attributes:
        kind: `goal`, `quantity`, `trap`, `first_step`, `strategy` or `pace`; an analyser may add its own.
    """

    kind: ShortText
    text: Text


class QuestionAnalysis(Payload):
    """What was read from a screenshot or a text, as `question:analyzed` carries it. It never holds the answer.

    Attributes:
        text: all that was read, in reading order.
        stem: what is asked; empty when no question was found.
        choices: letters and texts; empty for a typed answer.
        section: name of a section, or `unknown` for what is no question of the test; so with domain and skill.
        difficulty: probability of `easy`, `medium` and `hard`; they add up to 1.
        confidence: of section, domain and skill, each 0..1.
        matched_question_id: the bank's question that this is.
        has_figure: a figure or table belongs to it.
        expected_seconds: usual time to answer.
    """

    text: Text
    passage: Text | None = None
    stem: Text = ""
    choices: list[Choice] = []
    section: ShortText = "unknown"
    domain: ShortText = "unknown"
    skill: ShortText = "unknown"
    difficulty: dict[Difficulty, float] = {}
    confidence: dict[Literal["section", "domain", "skill"], float] = {}
    matched_question_id: ShortText | None = None
    insights: list[Insight] = []
    has_figure: bool = False
    expected_seconds: Annotated[float, Field(gt=0, le=3600)] | None = None


class Answer(Payload):
    """A student's answer to a question.

    Attributes:
        time_spent: seconds.
    """

    question_id: ShortText
    correct: bool
    time_spent: Annotated[float, Field(ge=0)]
    skill: ShortText | None = None
    answer: Text | None = None


_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)")
_MIXED = re.compile(r"([+-]?)(\d+)\s+(\d+)/(\d+)")


def number_of(text: str) -> Fraction | None:
    """The exact value of a typed number: `3/4`, `.75`, `0.750`, `-1 1/2`, `75%`, `$1,200`; None when it is none."""
    text = text.strip().replace("\N{MINUS SIGN}", "-").lstrip("$").strip()
    percent = text.endswith("%")
    if len(text) > 64:
        return None
    text = text.removesuffix("%").strip()
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?", text):
        text = text.replace(",", "")
    if mixed := _MIXED.fullmatch(text):
        sign, whole, top, bottom = mixed.groups()
        if not int(bottom):
            return None
        value = int(whole) + Fraction(int(top), int(bottom))
        value = -value if sign == "-" else value
    else:
        parts = [part.strip() for part in text.split("/")]
        if len(parts) > 2 or not all(_NUMBER.fullmatch(part) for part in parts):
            return None
        value = Fraction(parts[0])
        if len(parts) == 2:
            bottom_value = Fraction(parts[1])
            if not bottom_value:
                return None
            value /= bottom_value
    return value / 100 if percent else value


def same_answer(given: str, accepted: str) -> bool:
    """Whether a typed answer is the accepted one: equal numbers, or the same text but for case and spaces.

    The test lets a decimal that does not end be cut or rounded at the field's width of five characters (six with a
    minus sign), so `.6667` and `.6666` are 2/3, but `.67` is not.
    """
    if "".join(given.split()).casefold() == "".join(accepted.split()).casefold():
        return True
    left, right = number_of(given), number_of(accepted)
    if left is None or right is None:
        return False
    return left == right or _fills_the_field(given, left, right)


def _fills_the_field(given: str, value: Fraction, exact: Fraction) -> bool:
    """Whether a decimal as wide as the answer field is the exact value, cut or rounded there."""
    text = given.strip().replace("\N{MINUS SIGN}", "-").lstrip("+-")
    whole, point, decimals = text.partition(".")
    if not point or not decimals.isdigit() or len(whole.lstrip("0")) + 1 + len(decimals) < 5:
        return False
    scale = 10 ** len(decimals)
    cut = Fraction(math.trunc(exact * scale), scale)
    rounded = Fraction(math.floor(abs(exact) * scale + Fraction(1, 2)), scale) * (1 if exact >= 0 else -1)
    return value in (cut, rounded)
