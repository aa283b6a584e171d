"""Finds where a text names a choice by its letter or its place: `the answer is C`, `option (C)`, `the third choice`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from bonsai_coaching.leaks.plain import any_of

Verdict = Literal["right", "wrong", "mentioned"]

_THING = any_of("answers?", "choices?", "options?", "letters?", "solutions?", "responses?", "picks?")
_ADVERBS = any_of(
    *("clearly", "definitely", "probably", "actually", "therefore", "then", "also", "simply", "just", "so"),
    *("either", "only", "in fact", "of course"),
)
_LINK = any_of("is", "are", "was", "would be", "must be", "should be", "has to be", "will be", "can only be")
_IS = rf"(?: ?[=:—-]|(?: (?:here|{_ADVERBS}))* {_LINK})(?: {_ADVERBS},?)*"
_ENDORSED = any_of(
    r"(?:(?:the|a|our|your|my) )?(?:only )?(?:most |very )?(?:correct|right|best|answer|winner|true|accurate)",
    r"(?:the )?(?:one|choice) (?:that|to|which)",
    "what you (?:want|need)",
    r"(?:it|left|supported|credited)\b",
)
_REFUSED = any_of(
    rf"{_LINK} (?:(?:{_ADVERBS}|both|all|too) )*(?:wrong|incorrect|not|false|(?:ruled )?out\b|eliminated|unsupported)",
    rf"{_LINK} (?:(?:a|the) )?(?:traps?|too \w+|contradict\w*)",
    "(?:is|are|ca|wo|do|does)n't",
    "cannot",
    "does not",
    "do not",
    r"fails?\b",
    "contradicts?",
)
_WINS = any_of("works", "fits", "matches", "wins", r"(?:is it|it is)\b", r"does (?:it|this|that)\b", "says exactly")
_DROP = any_of(
    "eliminat(?:e|es|ed|ing)",
    "(?:cross|strike|throw)(?:ing)?(?: (?:out|off))?",
    "rul(?:e|es|ed|ing) out",
    "drop",
    "discard",
    "reject",
    "remove",
    "skip",
    "ignore",
    "exclude",
    "get rid of",
    "not",
    "(?:is|are)n't",
    "neither",
    "nor",
)
_CHOOSE = any_of(
    "choos(?:e|ing)",
    "pick(?:ing)?",
    "select(?:ing)?",
    "mark",
    "bubble(?: in)?",
    "circle",
    "click(?: on)?",
    "tap",
    "(?:go|going|went|stick|left) (?:for|with)",
    "vote for",
    "settle on",
    "opt for",
    r"(?:points?|leads?)(?: \w+)? to",
    "leav(?:e|es|ing)(?: you)?(?: with)?",
    "(?:it|that)(?:'s| is)",
    "this is",
    "(?:must|has to|can only) be",
)
_CLAUSE_OPENERS = any_of(
    *(
        "that",
        "so",
        "then",
        "only",
        "just",
        "because",
        "since",
        "and",
        "but",
        "therefore",
        "thus",
        "hence",
        "why",
        "how",
    ),
    *("yes", "clearly", "choice", "option", "answer", "letter", "think", "believe", "say", "know"),
)
_ALL = any_of("all", r"every\w*", "each", r"any\w*", "none", "nothing", r"no \w+", "the others?")
_BUT = any_of("but", "except(?: for)?", "other than", "besides", "apart from")
_OPEN, _CLOSE = r"[\"'(\[]{0,3}", r"[)\]\"']{0,3}"
_JOINT = r"(?:,? ?(?:and|or|nor|&|/|versus|vs\.?) |, ?|/)"
_PLACES = ("first", "second", "third", "fourth", "fifth")
_NUMBERS = ("one", "two", "three", "four", "five")


@dataclass(frozen=True, slots=True)
class Naming:
    """Letters that a text names together, and whether it calls them right or wrong or only mentions them."""

    letters: frozenset[str]
    verdict: Verdict


class Letters:
    """Looks for the letters of a question's choices.

    Args:
        letters: of its choices, in order.
    """

    def __init__(self, letters: tuple[str, ...]) -> None:
        self._letters = letters
        if not letters:
            return
        upper = f"[{''.join(letters)}]"
        # A small letter counts only where a sentence or a bracket ends: `a` is an article.
        small = rf"(?i:{upper})(?=[)\]\"]|\s*(?:[.,;:!?]|$))"
        one = rf"(?:{upper}(?![\w'])|{small}){_CLOSE}"
        self._any = re.compile(rf"(?<![\w']){one}", re.MULTILINE)
        some = rf"(?P<list>(?>{_OPEN}{one}(?:{_JOINT}(?i:(?:choice|option|answer|letter) )?{_OPEN}{one}){{0,5}}))"
        clause = rf"(?:^|[.!?;:,\n(\"'—-] ?|\b(?i:{_CLAUSE_OPENERS}) )"
        right = (
            rf"(?i:\b{_THING}(?: (?:to|for|of|in) (?:this|the) \w+)?{_IS}(?: (?:the )?{_THING})?) ?{some}",
            rf"(?i:\b(?:correct|right|best)(?: (?:one|{_THING}))?{_IS}(?: (?:the )?{_THING})?) ?{some}",
            rf"(?i:\b(?:correct|right|best) (?:one|{_THING})[,:]?) {some}",
            rf"(?i:\b(?:left|remains|remaining|fits|works|wins)(?: \w+)? {_LINK}) {some}",
            rf"(?i:\b{_CHOOSE}(?: {_ADVERBS})*(?: (?:the )?{_THING})?) {some}",
            rf"(?i:\bnot [^.\n]{{1,12}}?,? but(?: rather)?) {some}",
            rf"{clause}{some} (?i:(?:{_LINK}|looks|seems)(?: {_ADVERBS})* {_ENDORSED}(?! (?:angle|triangle)))",
            rf"{clause}{some} (?i:{_WINS})",
            rf"(?i:\b{_ALL}\b[^.\n]{{0,40}}?\b{_BUT}(?: (?:the )?{_THING})?) {some}",
            rf"(?i:\b(?:so|thus|hence|therefore)),? {some}(?=\s*(?:[.!]|$))",
            rf"(?:^|\n|[.!?:] ){_OPEN}(?P<list>{upper}){_CLOSE}[.!]?(?=\n|$)",
        )
        wrong = (
            rf"(?i:\b{_DROP}(?: (?:both|all|the))?(?: {_THING})?) {some}",
            rf"(?i:\b(?:wrong|incorrect|out|false|trap)(?: {_THING})?{_IS}) ?{some}",
            rf"{clause}{some} (?i:{_REFUSED})",
        )
        patterns: tuple[tuple[Verdict, tuple[str, ...]], ...] = (
            ("right", right),
            ("wrong", wrong),
            ("mentioned", (rf"(?i:\b{_THING}) ?{some}(?!\s?(?:-|to|through)\s?{_OPEN}{upper}\b)",)),
        )
        self._patterns = [(verdict, re.compile(p, re.MULTILINE)) for verdict, group in patterns for p in group]
        self._one = re.compile(rf"(?<![\w']){upper}(?![\w'])|(?<![\w'])(?i:{upper})(?=[)\]\".,;:!?\s]|$)")
        self._span = re.compile(rf"(?i:\b{_THING}) {_OPEN}({upper}){_CLOSE}\s?(?:-|to|through)\s?{_OPEN}({upper})\b")
        # To begin with the first choice is only natural, so that it needs to be called right.
        later = any_of(*_PLACES[1 : len(letters)], "last", "final", "(?:second|next)[ -]to[ -]last")
        called = rf"(?:{_WINS}|{_LINK}(?: {_ADVERBS})* {_ENDORSED})"
        self._place = re.compile(
            rf"\b(?P<word>{later}) (?:{_THING}|of the (?:four|choices|options))\b"
            rf"|\b(?P<called>first|{later}) (?:one|{_THING}) {called}"
            rf"|\b(?:choice|option)(?: (?:number|no\.?))? ?#?(?P<number>[1-5]|{any_of(*_NUMBERS)})\b(?! of)",
            re.IGNORECASE,
        )

    @staticmethod
    @lru_cache(maxsize=64)
    def of(letters: tuple[str, ...]) -> Letters:
        """The one for these letters, which are the same for nearly all questions."""
        return Letters(letters)

    def namings(self, text: str) -> Iterator[Naming]:
        """Every place where a plain text names choices."""
        if not self._letters:
            return
        patterns = self._patterns if self._any.search(text) else []  # nearly always there is no letter at all
        for verdict, pattern in patterns:
            for found in pattern.finditer(text):
                letters = frozenset(letter[0].upper() for letter in self._one.finditer(found["list"]))
                yield Naming(letters, verdict)
        for found in self._span.finditer(text):
            first, last = sorted((self._letters.index(found[1]), self._letters.index(found[2])))
            yield Naming(frozenset(self._letters[first : last + 1]), "mentioned")
        for found in self._place.finditer(text):
            place = self._place_of(found["word"] or found["called"], found["number"])
            if place < len(self._letters):
                yield Naming(frozenset(self._letters[place]), "mentioned")

    def are_in(self, text: str) -> bool:
        """Whether a letter of a choice stands alone anywhere, large or small, as in a student's `is it b?`."""
        letters = {letter for letter in self._letters if letter != "A"}
        return any(word.upper() in letters for word in re.findall(r"[\w']+", text)) or (
            "A" in self._letters and re.search(r"\b[Aa]\W*(?:$|[.,;:!?)\"\n]|\bor\b)", text) is not None
        )

    def _place_of(self, word: str | None, number: str | None) -> int:
        """Which choice a place means, from 0; one too many when there is none."""
        if number is not None:
            return int(number) - 1 if number.isdigit() else _NUMBERS.index(number.lower())
        assert word is not None
        if word.lower() in _PLACES:
            return _PLACES.index(word.lower())
        from_the_end = 1 if word.lower() in ("last", "final") else 2
        return max(len(self._letters) - from_the_end, 0)
