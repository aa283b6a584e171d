"""Whether a text gives a question's answer away: by its letter, in its words, or as an equal value.

It guards everything that a student reads before answering: the hints of the banks, and above all what a language model
wrote. It looks for what people and models write, in English, with and without LaTeX and Markdown. It does not see
through deliberate disguise (another language, rhymes, a word letter by letter), nor does it reason: what a last step
needs is no leak before the step is done.

    leaks("So x must be seven.", question)
    Guard(question, shown=hints).find(text)     # the same for many texts about one question
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from bonsai_coaching.leaks.letters import Letters
from bonsai_coaching.leaks.plain import any_of, plain
from bonsai_coaching.leaks.values import Scan, Value, value_of
from bonsai_coaching.leaks.wording import Wording
from bonsai_core.domain import Question, QuestionAnalysis

__all__ = ["Guard", "LeakKind", "is_verdict", "leaks"]

LeakKind = Literal["letter", "text", "value", "elimination"]

#: A text that speaks of so many choices (or of all) singles none of them out.
SEVERAL = 3

_FIGURE_TEXT = re.compile(r">([^<>]+)<")
_STATED = any_of("is", "=", ":", "would be", "must be", "should be", "has to be", "comes out")
# `The answer is in the text` and `the answer is not obvious` state none.
_NOT_STATED = any_of(
    *("an?", "the one", "the choice", "the option", "the same", "not", "in", "to", "what", "how", "going", "there"),
    *("always", "often", "usually", "never", "only", "more", "less", "likely", "wrong", "right", "about"),
)
_STATES = re.compile(
    r"\b(?:the|your|our|correct|right|final|best)(?: (?:correct|right|final|best))? (?:answer|choice|option|solution)"
    rf"(?: (?:here|then|to \w+ \w+))? ?{_STATED}(?! ?{_NOT_STATED}\b)",
    re.IGNORECASE,
)
_JUDGED = any_of("right(?! (?:angle|triangle|side|now|away))", "correct", "wrong", "incorrect")
_EXCLAIMED = any_of(
    *("yes", "yep", "yeah", "exactly", "perfect", "no", "nope", "not quite", "almost", "close", "spot on", "bingo"),
    *(
        "absolutely",
        "indeed",
        "precisely",
        "sorry",
        "unfortunately",
        "well done",
        "(?:great|good|nice) (?:job|work|answer)",
    ),
    _JUDGED,
)
_VERDICT = re.compile(
    rf"(?:^|(?<=[.!?\n] ))[\"(]*{_EXCLAIMED}\b(?! (?:matter|need|worries|problem))"
    r"|(?<!whether )(?<!if )\b(?:that|it|this|your (?:answer|guess|choice|value|result))(?:'s| is| isn't| is not)"
    rf" (?:\w+ )?(?:{_JUDGED}|it\b|off\b)"
    r"|(?<!whether )(?<!if )\byou(?:'re| are|'ve| have)? (?:\w+ )?"
    rf"(?:{_JUDGED}|got it|nailed|found it|there)\b",
    re.IGNORECASE | re.MULTILINE,
)


class Guard:
    """Looks for one question's answer in texts.

    Of a question whose answer is not known (an analysis of a screenshot) each choice counts as the right one.

    Args:
        question: the question.
        shown: texts that the student has seen or is about to see anyway, such as the hints so far. What stands in them,
            in the stem, the passage or the figure is given: repeating it is no leak unless it is called the answer.
    """

    def __init__(self, question: Question | QuestionAnalysis, shown: Iterable[str] = ()) -> None:
        texts = [question.stem, question.passage or "", *shown]
        if isinstance(question, Question):
            texts += _FIGURE_TEXT.findall(question.figure or "")
            self._key = frozenset(question.answers if question.choices else ())
            typed = [] if question.choices else question.answers
        else:
            texts.append("" if question.choices else question.text)
            self._key = frozenset(choice.key for choice in question.choices)
            typed = []
        given = "\n".join(map(plain, texts))
        self._given = Scan(given)
        self._letters = Letters.of(tuple(choice.key for choice in question.choices))
        self._all_letters = frozenset(choice.key for choice in question.choices)
        choices = {choice.key: plain(choice.text) for choice in question.choices}
        percent = bool(re.search(r"percent|%", given))
        self._values: dict[str, Value] = {}
        self._wordings: dict[str, Wording] = {}
        for key, text in choices.items():
            others = [other for k, other in choices.items() if k != key]
            if (value := value_of(text, others, self._given, percent=False)) is not None:
                self._values[key] = value
            else:
                self._wordings[key] = Wording(text, others, given)
        self._typed: list[Value] = []
        for text in map(plain, typed):
            if (value := value_of(text, (), self._given, percent=percent)) is not None:
                self._typed.append(value)
            else:
                self._wordings[text] = Wording(text, (), given)

    def find(self, text: str) -> LeakKind | None:
        """How a text gives the answer away; None when it does not."""
        text = plain(text)
        if (kind := self._by_letter(text)) is not None:
            return kind
        scan = Scan(text)
        if any(value.is_in(scan) for value in self._typed):
            return "value"
        if not self._all_letters:
            return "text" if any(wording.is_in(text) for wording in self._wordings.values()) else None
        told: dict[str, LeakKind] = {}
        for key in self._all_letters:
            if key in self._values and self._values[key].is_in(scan):
                told[key] = "value"
            elif key in self._wordings and self._wordings[key].is_in(text):
                told[key] = "text"
        if not told.keys() & self._key:
            return None
        committed = any(
            self._values[key].is_called_answer(scan) if kind == "value" else self._wordings[key].is_called_answer(text)
            for key, kind in told.items()
            if key in self._key
        )
        if not committed and len(told) >= min(SEVERAL, len(self._all_letters)):
            return None
        return next(kind for key, kind in told.items() if key in self._key)

    def commits(self, text: str) -> bool:
        """Whether a text says of any choice that it is right or wrong, or states an answer, be it the right one or not.

        What a model may not do even where it errs: a wrong answer misleads, and a choice ruled out is half a leak.
        """
        text = plain(text)
        return _STATES.search(text) is not None or any(
            naming.verdict != "mentioned" or len(naming.letters) == 1 for naming in self._letters.namings(text)
        )

    def proposes(self, text: str) -> bool:
        """Whether a student's text puts an answer forward, so that a plain yes or no would tell whether it is right."""
        text = plain(text)
        if self._letters.are_in(text) or any(True for _ in self._letters.namings(text)):
            return True
        scan = Scan(text)
        if any(wording.is_in(text) for wording in self._wordings.values()):
            return True
        if self._wordings and not self._values:
            return False
        return any(not self._given.has(mention) for mention in scan.numbers) or scan.has_assignment

    def _by_letter(self, text: str) -> LeakKind | None:
        dropped: set[str] = set()
        for naming in self._letters.namings(text):
            if naming.verdict == "wrong":
                dropped |= naming.letters
            elif not naming.letters & self._key:
                continue
            elif naming.verdict == "right":
                if naming.letters != self._all_letters:
                    return "letter"
            elif len(naming.letters) == 1:
                return "letter"
        left = self._all_letters - dropped
        return "elimination" if dropped and len(left) == 1 and left <= self._key else None


def leaks(text: str, question: Question | QuestionAnalysis, *, shown: Iterable[str] = ()) -> bool:
    """Whether a text gives the answer of a question away, as its letter, in its words or as an equal value.

    Args:
        text: what a student would read.
        question: with its answer; of an analysis, which has none, each choice counts as the right one.
        shown: texts that the student has seen anyway, such as earlier hints; see `Guard`.
    """
    return Guard(question, shown).find(text) is not None


def is_verdict(text: str) -> bool:
    """Whether a text says yes or no to what somebody put forward: `Exactly!`, `not quite`, `that is right`."""
    return _VERDICT.search(plain(text)) is not None
