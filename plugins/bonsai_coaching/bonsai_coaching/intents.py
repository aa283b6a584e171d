"""What a student means by a message, by the words and examples of `texts.intents()`. Rules, no model.

A message has an intent when it is one of its examples, when it holds one of the intent's keywords as whole words, or
when it is much like one of the examples, slips and all. Everything else is `unknown`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from bonsai_coaching import texts

UNKNOWN = "unknown"
#: To say a hint in other words: what an AI service is there for, and without one the strategy.
REPHRASE = "rephrase"
#: How like an example a message must be: 1 is the same letters, 0 none in common.
LIKE = 0.66
#: Longer messages are about more than what a keyword says: what is at stake is looked for, the rest is free talk.
LONG = 30
#: Looked for in messages of any length.
ALWAYS = frozenset({"crisis", "give_answer", "stressed"})

#: What `texts` has no replies for, because it leads to another intent's: first of all looked for.
_MORE = (
    (
        REPHRASE,
        re.compile(
            r"\b(simpler|in other words|another way|rephrase|reword|explain (it|this|that) (again|differently|better)"
            r"|(explain|say) (it |this |that )?(differently|more simply)"
            r"|(dont|do not) (get|understand) (the|that|this|your) hint)\b"
        ),
    ),
    (
        "give_answer",
        re.compile(
            r"\b(is (it |that |this )?\S{1,12} (right|correct)|is (that|this|it) (right|correct)"
            r"|my answer is|did i get it right)\b"
        ),
    ),
)
_SHORT = {
    "u": "you",
    "ur": "your",
    "pls": "please",
    "plz": "please",
    "y": "why",
    "r": "are",
    "wut": "what",
    "wat": "what",
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a message means. `skill` is a topic that it names, if any."""

    intent: str
    skill: str | None = None


def meaning(text: str) -> Meaning:
    """The intent of a message, and the skill it names."""
    words = plain(text)
    return Meaning(_intent(words), topic(words))


def plain(text: str) -> str:
    """A message as it is compared: lower case, without punctuation and accents, single spaces."""
    text = unicodedata.normalize("NFKD", text.casefold())
    text = re.sub(
        r"['\N{RIGHT SINGLE QUOTATION MARK}`\N{COMBINING GRAVE ACCENT}-\N{COMBINING LATIN SMALL LETTER X}]", "", text
    )
    return " ".join(re.sub(r"[^\w]+", " ", text).split())


def topic(words: str) -> str | None:
    """The skill or topic that a plain message names, in full or as tutors call it; the longest name counts."""
    padded = f" {words} "
    return next((name for called, name in _names() if f" {called} " in padded), None)


def called(words: str) -> str | None:
    """The topic that has exactly this name, or is called so by tutors."""
    return next((name for called, name in _names() if called == words), None)


def _intent(words: str) -> str:
    exact = _examples().get(words)
    if exact is not None:
        return exact
    padded, long = f" {words} ", words.count(" ") >= LONG
    patterns = _patterns()
    if any(keyword in padded for keyword in patterns[0][1]):  # a crisis comes before everything
        return patterns[0][0]
    for intent, pattern in _MORE:
        if not long and pattern.search(words):
            return intent
    for intent, keywords, _ in patterns:
        if (not long or intent in ALWAYS) and any(keyword in padded for keyword in keywords):
            return intent
    if long or not words:
        return UNKNOWN
    grams = _grams(words)
    best, found = LIKE, UNKNOWN
    for intent, _, examples in patterns:
        for example in examples:
            if (like := _likeness(grams, example)) > best:
                best, found = like, intent
    return found


@cache
def _patterns() -> tuple[tuple[str, tuple[str, ...], tuple[frozenset[str], ...]], ...]:
    return tuple(
        (
            intent,
            tuple(f" {plain(keyword)} " for keyword in patterns.keywords),
            tuple(_grams(plain(example)) for example in patterns.examples),
        )
        for intent, patterns in texts.intents().items()
    )


@cache
def _examples() -> dict[str, str]:
    found: dict[str, str] = {}
    for intent, patterns in texts.intents().items():
        for example in patterns.examples:
            found.setdefault(plain(example), intent)
    return found


@cache
def _names() -> tuple[tuple[str, str], ...]:
    names = [(called, name) for name in texts.TOPICS for called in _called(name)]
    return tuple(sorted(names, key=lambda pair: -len(pair[0])))


def _called(name: str) -> Iterator[str]:
    for called in {plain(name), plain(texts.short_name(name))}:
        yield called
        if called.endswith("s"):
            yield called[:-1]


def _grams(words: str) -> frozenset[str]:
    """The letter triples of a message."""
    padded = " " + " ".join(_SHORT.get(word, word) for word in words.split()) + " "
    return frozenset(padded[i : i + 3] for i in range(len(padded) - 2))


def _likeness(left: frozenset[str], right: frozenset[str]) -> float:
    """Shared triples of two messages (Dice's coefficient, 0..1)."""
    total = len(left) + len(right)
    return 2 * len(left & right) / total if total else 0.0
