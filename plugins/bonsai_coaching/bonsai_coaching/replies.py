"""What the coach answers to a student's message without any service: by intent, and never with an answer."""

from __future__ import annotations

from dataclasses import dataclass, field

from bonsai_coaching import texts
from bonsai_coaching.budget import fingerprint, said
from bonsai_coaching.events import Action, MessageType, Priority
from bonsai_coaching.watch import Student, Watch

#: While a timed module is under way.
QUIET = "A timed part is on, so I stay out of it. Give it your best. When it is over, we can go through it."
WHICH_QUESTION = "Open a question first, and I can give you a hint on it."
WHICH_SKILL = "Tell me the skill, such as circles or commas. Or open a question, and I show you the way to do it."
SOLUTION_NEXT = (
    "What is left is the full solution. Try once more with the last hint. If you still need it, press the button."
)

#: Intents whose replies are help with the test, which a timed module forbids.
HELP = frozenset({"hint", "strategy", "why_wrong", "rephrase", "give_answer", "unknown", "pacing", "guessing"})

_TYPES: dict[str, MessageType] = {
    "hint": "hint",
    "give_answer": "hint",
    "rephrase": "strategy",
    "strategy": "strategy",
    "pacing": "strategy",
    "guessing": "strategy",
    "test_day": "strategy",
    "greeting": "encouragement",
    "thanks": "encouragement",
    "motivation": "encouragement",
    "stressed": "encouragement",
    "crisis": "encouragement",
    "break": "encouragement",
}
_ACTIONS: dict[str, list[str]] = {
    "hint": ["get_hint"],
    "give_answer": ["get_hint", "open_strategy"],
    "rephrase": ["open_strategy"],
    "strategy": ["open_strategy"],
    "why_wrong": ["open_strategy"],
    "pacing": ["open_strategy"],
    "guessing": ["open_strategy"],
    "test_day": ["open_strategy"],
    "greeting": ["next_question"],
    "thanks": ["next_question"],
    "next_question": ["next_question"],
    "break": ["take_break"],
    "motivation": ["next_question", "take_break"],
    "stressed": ["take_break"],
    "how_am_i_doing": ["next_question"],
    "unknown": ["get_hint", "open_strategy", "next_question"],
    "tutor": ["get_hint"],
}
#: Topics that are their own intents.
_TOPIC_OF = {"pacing": "pacing", "guessing": "guessing", "test_day": "test day"}


@dataclass(slots=True)
class Reply:
    """What the coach answers.

    Attributes:
        actions: names of `actions.py`.
        skill: what the buttons are about.
    """

    intent: str
    text: str
    type: MessageType
    priority: Priority = "medium"
    actions: list[str | Action] = field(default_factory=list)
    skill: str | None = None


def reply(intent: str, skill: str | None, watch: Watch, student: Student) -> Reply:
    """The answer to an intent, in words that were not used in this session if there are any.

    Args:
        skill: what the student speaks of, or the question before them is about.
    """
    skill = _TOPIC_OF.get(intent, skill or "") or None
    priority: Priority = "high" if intent == "crisis" else "medium"
    return Reply(
        intent, _words(intent, skill, watch, student), kind_of(intent), priority, [*_ACTIONS.get(intent, ())], skill
    )


def own(intent: str, text: str, actions: list[str | Action] | None = None, skill: str | None = None) -> Reply:
    """An answer in words of its own."""
    return Reply(intent, text, kind_of(intent), "medium", actions or [], skill)


def kind_of(intent: str) -> MessageType:
    """The type of an intent's message."""
    return _TYPES.get(intent, "insight")


def _words(intent: str, skill: str | None, watch: Watch, student: Student) -> str:
    named = {
        "skill": skill,
        "answered": watch.answered,
        "correct": watch.right,
        "percent": round(100 * watch.right / watch.answered) if watch.answered else None,
    }
    known = "strategy" if intent == "rephrase" else intent
    told = student.told.get(f"reply:{known}", 0)
    student.told[f"reply:{known}"] = told + 1
    student.touch()
    words = [texts.reply(known, told + n, **named) for n in range(texts.reply_variants(known))]
    text = next((text for text in words if not said(watch.ledger, text)), words[0])
    watch.ledger.said = [*watch.ledger.said[-399:], fingerprint(text)]
    return text
