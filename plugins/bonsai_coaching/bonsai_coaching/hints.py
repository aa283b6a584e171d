"""The hint ladder: goal, strategy, partial step, worked solution. One rung at a time, and only the last may tell.

Plain Python. A ladder is made of the best that is known of a question: its bank's hints, else its analysis, else its
skill. How far a student has climbed is kept apart from it (`Climb`), so that better knowledge only makes better rungs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import Struct

from bonsai_coaching import texts
from bonsai_coaching.events import HintKind
from bonsai_core.domain import DOMAIN_OF_SKILL, Choice, QuestionAnalysis

if TYPE_CHECKING:
    from bonsai_core import Question

#: How long a rung is to be worked with before the next one opens, in ms.
DWELL_MS = 10_000

_KINDS: tuple[HintKind, ...] = ("goal", "strategy", "step", "solution")
#: For a question of which not even the skill is known.
_ANY = (
    "Find the sentence that asks, and say in your own words what it wants.",
    "List what you are given. Then think of what you need to know to get from there to what is asked.",
    "Take the first fact that you are given, and write down one thing that follows from it.",
)
#: Words of an analysis that are kept.
_LONGEST = 600


@dataclass(frozen=True, slots=True)
class Rung:
    """One hint."""

    kind: HintKind
    text: str


class Climb(Struct, omit_defaults=True):
    """How far a student is on the ladder of one question.

    Attributes:
        rung: rungs shown.
        at: when the newest was shown, in ms since the epoch.
        wrong: the wrong answer that was given since and not explained yet.
    """

    rung: int = 0
    at: int = 0
    wrong: str | None = None


class Reading(Struct, omit_defaults=True):
    """What an analysis says of a question, as far as coaching uses it.

    Attributes:
        section, skill: empty when the analysis does not know.
        band: difficulty 1..7.
        seconds: usual time.
        insights: texts by kind.
    """

    id: str
    stem: str = ""
    passage: str = ""
    choices: dict[str, str] = {}
    section: str = ""
    skill: str = ""
    matched: str | None = None
    band: float | None = None
    seconds: float | None = None
    insights: dict[str, str] = {}

    def as_analysis(self) -> QuestionAnalysis:
        """The question's words, as an analysis."""
        return QuestionAnalysis(
            text=self.stem,
            passage=self.passage or None,
            stem=self.stem,
            choices=[Choice(key=key, text=text) for key, text in self.choices.items()],
            section=self.section or "unknown",
            skill=self.skill or "unknown",
        )


class TooSoon(Exception):
    """The next rung is not open yet. `wait_ms`: when it is."""

    def __init__(self, wait_ms: int) -> None:
        super().__init__(f"the next hint opens in {wait_ms} ms")
        self.wait_ms = wait_ms


class TooHigh(Exception):
    """A rung was asked for before those below it. `next`: the one whose turn it is."""

    def __init__(self, next: int) -> None:
        super().__init__(f"rung {next} comes first")
        self.next = next


def climb(state: Climb, rungs: int, asked: int | None, now: int, dwell_ms: int = DWELL_MS) -> tuple[int, bool]:
    """Which rung to show, and whether it is new; a new one is taken down in `state`.

    Args:
        rungs: how many there are.
        asked: which one, from 1; None for the next. After the last, that is the last again.
        now: ms since the epoch.
        dwell_ms: how long the newest rung must have been shown before the next.

    Raises:
        TooSoon, TooHigh: it is not to be shown now.
    """
    asked = min(state.rung + 1, rungs) if asked is None else asked
    if asked > rungs:
        raise TooHigh(min(state.rung + 1, rungs))
    if asked <= state.rung:
        return asked, False
    if asked > state.rung + 1:
        raise TooHigh(state.rung + 1)
    if (state.rung or state.at) and 0 <= now - state.at < dwell_ms:
        raise TooSoon(state.at + dwell_ms - now)
    state.rung, state.at = asked, now
    return asked, True


def of_question(question: Question) -> list[Rung]:
    """The ladder of a bank's question.

    A bank's own hints are the upper rungs; what it lacks of four comes from the skill, and the solution from the
    rationale. A rung below the last that would give the answer away is replaced by the skill's.
    """
    own = list(question.hints) or ([question.rationale] if question.rationale else [])
    general = texts.skill_hints(question.skill)
    if not own:
        own = [_similar(question.skill)]
    words = [*general[: max(0, len(_KINDS) - len(own))], *own]
    return _rungs([*_guarded(question, words[:-1], general), words[-1]])


def of_reading(reading: Reading) -> list[Rung]:
    """The ladder of a question that was read from a screenshot or a text; nobody knows its answer."""
    goal, approach, step = texts.skill_hints(reading.skill) if reading.skill else _ANY
    found = reading.insights
    goal = found.get("goal", goal)
    approach = found.get("strategy", approach)
    if "trap" in found:
        approach = f"{approach} {found['trap']}"
    step = found.get("first_step") or found.get("quantity") or step
    return _rungs([goal, approach, step, _similar(reading.skill)])


def of_skill(skill: str) -> list[Rung]:
    """The ladder of any question of a skill.

    Raises:
        KeyError: no such skill.
    """
    return _rungs([*texts.skill_hints(skill), _similar(skill)])


def misconception(question: Question, answer: str) -> str | None:
    """What led to a wrong choice; None when that is not known."""
    chosen = question.choice(answer)
    if chosen is None or not chosen.misconception or question.grade(answer):
        return None
    return f"You chose {chosen.key}. {chosen.misconception}"


def read(question_id: str, analysis: QuestionAnalysis) -> Reading:
    """What to keep of an analysis."""
    skill = analysis.skill if analysis.skill in DOMAIN_OF_SKILL else ""
    insights: dict[str, str] = {}
    for insight in analysis.insights:
        insights.setdefault(insight.kind, insight.text[:_LONGEST])
    return Reading(
        id=question_id,
        stem=analysis.stem[: 4 * _LONGEST],
        passage=(analysis.passage or "")[: 8 * _LONGEST],
        choices={choice.key: choice.text[:_LONGEST] for choice in analysis.choices[:8]},
        section=analysis.section if analysis.section != "unknown" else "",
        skill=skill,
        matched=analysis.matched_question_id,
        band=_band(analysis),
        seconds=analysis.expected_seconds,
        insights=insights,
    )


def _guarded(question: Question, words: Sequence[str], instead: Sequence[str]) -> list[str]:
    """The words, but for those that give the answer away."""
    from bonsai_coaching.leaks import Guard

    guard = Guard(question)
    told: list[str] = []
    for number, word in enumerate(words):
        # What an earlier hint says anyway is no leak; that takes a guard of its own, and is rarely needed.
        leaks = guard.find(word) is not None and Guard(question, shown=told).find(word) is not None
        told.append(instead[min(number, len(instead) - 1)] if leaks else word)
    return told


def _band(analysis: QuestionAnalysis) -> float | None:
    """The mean band of an analysis's difficulty: easy is 1 to 3, medium 4 and 5, hard 6 and 7."""
    total = sum(analysis.difficulty.values())
    if total <= 0:
        return None
    middles = {"easy": 2.0, "medium": 4.5, "hard": 6.5}
    return sum(middles[name] * share for name, share in analysis.difficulty.items()) / total


def _rungs(words: list[str]) -> list[Rung]:
    last = len(words) - 1
    return [Rung("solution" if number == last else _KINDS[min(number, 2)], text) for number, text in enumerate(words)]


def _similar(skill: str) -> str:
    """What stands in for the solution of a question whose answer nobody here knows."""
    plan = texts.strategy(skill or "guessing")
    return f"Here is a worked example to compare with. {plan.example}" if skill else " ".join(plan.steps)
