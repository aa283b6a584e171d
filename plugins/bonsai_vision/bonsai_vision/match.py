"""Recognises a question of a bank in what was read, although some letters are wrong and parts may be off the page."""

from __future__ import annotations

import heapq
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rapidfuzz import fuzz

from bonsai_vision.structure import Structure

#: How alike two texts must be, 0..100.
STEM_ALIKE, REST_ALIKE = 90.0, 88.0
#: So many questions that share the most telling words are compared letter by letter.
_CANDIDATES = 12
#: A text of so many characters tells a question even where the rest of it is off the page.
_LONG = 80
_WORD = re.compile(r"[a-z]{3,}|\d+")
_NUMBER = re.compile(r"\d+(?:[.,/]\d+)*")
_PLAIN = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "−": "-", "|": " ", "\n": " "})


@dataclass(frozen=True)
class Match:
    """A question of the bank that is the one on the page.

    Attributes:
        question: as it was given to the matcher.
        score: how alike they are, 0..1.
    """

    question: Mapping[str, Any]
    score: float


@dataclass(frozen=True)
class _Known:
    question: Mapping[str, Any]
    passage: str
    stem: str
    choices: dict[str, str]
    words: frozenset[str]


class Matcher:
    """Questions that can be recognised.

    Args:
        questions: each with `id`, `stem`, and if it has them `passage` and `choices` (`key`, `text`); further fields
            are kept. Of several with the same id the last stays.
    """

    def __init__(self, questions: Iterable[Mapping[str, Any]]) -> None:
        self._known: list[_Known] = []
        self._with_word: defaultdict[str, list[int]] = defaultdict(list)
        for question in {question["id"]: question for question in questions}.values():
            passage, stem = plain(question.get("passage") or ""), plain(question["stem"])
            choices = {choice["key"]: plain(choice["text"]) for choice in question.get("choices") or ()}
            words = frozenset(_WORD.findall(" ".join([passage, stem, *choices.values()]).lower()))
            for word in words:
                self._with_word[word].append(len(self._known))
            self._known.append(_Known(question, passage, stem, choices, words))

    def __len__(self) -> int:
        return len(self._known)

    def find(self, read: Structure) -> Match | None:
        """The question that was read, if it is one of these and no other comes as close.

        Numbers must be equal, for questions made from one template differ in nothing else.
        """
        texts = {key: plain(text) for key, text in read.choices}
        stem, passage = plain(read.stem), plain(read.passage or "")
        best: Match | None = None
        for at in self._candidates(" ".join([passage, stem, *texts.values()])):
            score = _alike(self._known[at], passage, stem, texts)
            if score and (best is None or score > best.score):
                best = Match(self._known[at].question, score)
        return best

    def _candidates(self, text: str) -> list[int]:
        weights: defaultdict[int, float] = defaultdict(float)
        for word in set(_WORD.findall(text.lower())):
            holders = self._with_word.get(word, ())
            for at in holders:
                weights[at] += math.log(1 + len(self._known) / len(holders))
        return heapq.nlargest(_CANDIDATES, weights, key=weights.__getitem__)


def plain(text: str) -> str:
    """A text with plain quotes and dashes and single spaces."""
    return " ".join(re.sub(r"_{2,}", "___", text.translate(_PLAIN)).split())


def _alike(known: _Known, passage: str, stem: str, choices: Mapping[str, str]) -> float:
    """How alike, 0..1; 0 if they cannot be the same question."""
    whole, seen = f"{known.passage} {known.stem}".strip(), f"{passage} {stem}".strip()
    same = fuzz.ratio(whole, seen)
    if same < STEM_ALIKE and len(seen) >= _LONG:  # the passage may begin above the page
        whole = whole[-len(seen) :]
        same = fuzz.ratio(whole, seen)
    if same < STEM_ALIKE:
        return 0.0
    if Counter(_NUMBER.findall(seen)) - Counter(_NUMBER.findall(whole)):
        return 0.0
    scores = [same]
    if known.choices and not choices and len(seen) < _LONG:
        return 0.0
    for key, text in choices.items():
        if key not in known.choices:
            return 0.0
        there = known.choices[key]
        if len(text) > _LONG // 2:  # its last lines may be below the page
            there = there[: len(text)]
        alike = fuzz.ratio(there, text)
        if alike < REST_ALIKE or _NUMBER.findall(there) != _NUMBER.findall(text):
            return 0.0
        scores.append(alike)
    return round(sum(scores) / len(scores) / 100, 4)
