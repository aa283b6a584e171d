"""Builds the bank: draws questions from all templates, gives them ids and an order of choices.

Where a template can make many questions, those are taken that repeat no story, numbers or answer of the questions
before them, and whose right choices spread over the four letters.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import math
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from bonsai_core.domain import DOMAIN_OF_SKILL, FORMATS, SKILLS, Choice, number_of
from bonsai_recs import authoring
from bonsai_recs.authoring.kit import REGISTRY, Draft, Template, Unusable
from bonsai_recs.authoring.making import value_of
from bonsai_recs.bank.files import BankItem

#: Draws for a wanted question before a template is given up.
PATIENCE = 400
#: Usable drafts of which the best is taken when none is without fault.
CHOOSY = 12
#: So many different words make a story, which shall not be told twice with other numbers; fewer make an exercise.
STORY = 14
LETTERS = "ABCD"
#: Chance of a right guess among four choices, a little below a quarter: wrong choices are made to attract.
GUESSING = 0.22


class BuildError(Exception):
    """A template cannot make what it promised."""


def templates() -> Sequence[Template]:
    """All templates of this package, in a fixed order."""
    for module in sorted(module.name for module in iter_modules(authoring.__path__)):
        import_module(f"{authoring.__name__}.{module}")
    return sorted(REGISTRY.templates, key=lambda template: (SKILLS.index(template.skill), template.name))


def build(seed: int, *, progress: Callable[[int, int], None] | None = None) -> list[BankItem]:
    """Make the bank. The same seed makes the same bank.

    Args:
        progress: called with templates done and their number.

    Raises:
        BuildError: a template finds too few different questions.
    """
    shelf = _Shelf(seed)
    found = templates()
    for done, template in enumerate(found):
        rng = random.Random(f"{seed}/{template.name}")
        for _ in range(template.count):
            shelf.add(template, rng)
        if progress is not None:
            progress(done + 1, len(found))
    return shelf.items


class _Shelf:
    """The questions made so far, and what of them another one shall not repeat."""

    def __init__(self, seed: int) -> None:
        self.items: list[BankItem] = []
        self._seed = seed
        self._seen: set[str] = set()
        self._stories: dict[str, set[frozenset[str]]] = defaultdict(set)
        self._numbers: dict[str, set[tuple[str, ...]]] = defaultdict(set)
        self._answers: dict[str, set[str]] = defaultdict(set)
        self._bands: dict[str, dict[int, int]] = defaultdict(dict)
        self._letters: dict[str, Counter[str]] = defaultdict(lambda: Counter(dict.fromkeys(LETTERS, 0)))

    def add(self, template: Template, rng: random.Random) -> None:
        """Draw the template's next question: the first draft without fault, else the best of some."""
        drafts: list[tuple[int, Draft]] = []
        for _ in range(PATIENCE):
            try:
                draft = template.make(rng)
            except Unusable:
                continue
            if _content(draft) in self._seen:
                continue
            self._bands[template.name].setdefault(draft.band, 0)
            crowd, settled = self._settle(draft, template)
            drafts.append((crowd + self._faults(settled, template), settled))
            if not drafts[-1][0] or len(drafts) == CHOOSY:
                break
        if not drafts:
            raise BuildError(f"template {template.name} makes no more different questions")
        _, best = min(drafts, key=lambda rated: rated[0])
        self._seen.add(_content(best))
        self._bands[template.name][best.band] += 1
        self._answers[template.name].add(best.answer)
        self._stories[template.skill].add(story(_text(best)))
        self._numbers[template.name].add(_numbers(best))
        item = to_item(best, template, self._order(best, template))
        if item.choices:
            self._letters[template.skill][item.answers[0]] += 1
        self.items.append(item)

    def _settle(self, draft: Draft, template: Template) -> tuple[int, Draft]:
        """The draft with the three wrong choices that put the right one at a rare letter, and how crowded that is."""
        if not draft.wrong:
            return 0, draft
        letters = self._letters[template.skill]
        rated: list[tuple[int, Draft]] = []
        for three in itertools.combinations(draft.wrong, len(LETTERS) - 1):
            order = by_size([draft.answer, *(wrong.text for wrong in three)])
            ahead = 0 if order is None else letters[LETTERS[order.index(0)]] - min(letters.values())
            rated.append((max(0, ahead - 1), dataclasses.replace(draft, wrong=three)))
        return min(rated, key=lambda each: each[0])

    def _faults(self, draft: Draft, template: Template) -> int:
        told, numbers, bands = story(_text(draft)), _numbers(draft), self._bands[template.name]
        return (
            2 * (len(told) >= STORY and told in self._stories[template.skill])
            + 2 * (len(numbers) > 1 and numbers in self._numbers[template.name])
            + (draft.answer in self._answers[template.name])
            + (bands[draft.band] > min(bands.values()))
        )

    def _order(self, draft: Draft, template: Template) -> list[int]:
        """Choices that have a size in its order; others by chance, the right one at a letter that is rare so far."""
        texts = [draft.answer, *(wrong.text for wrong in draft.wrong)]
        order = by_size(texts)
        if order is not None or not draft.wrong:
            return order or [0]
        letters = self._letters[template.skill]
        rng = random.Random(f"{self._seed}/{_content(draft)}")
        least = min(letters.values())
        place = rng.choice([place for place, letter in enumerate(LETTERS) if letters[letter] == least])
        order = rng.sample(range(1, len(texts)), len(texts) - 1)
        order.insert(place, 0)
        return order


def by_size(texts: Sequence[str]) -> list[int] | None:
    """The places of numbers, amounts or years in rising order; None when the texts are not all of one such kind."""
    sizes = [_size(text) for text in texts]
    known = [size for size in sizes if size is not None]
    if len(set(known)) < len(texts):
        return None
    return sorted(range(len(texts)), key=lambda place: known[place])


def _size(text: str) -> float | None:
    number = number_of(text)
    if number is not None:
        return float(number)
    if span := re.fullmatch(r"From (\d{4}) to \d{4}", text):
        return float(span[1])
    value = value_of(text)
    return (
        None
        if value is None
        else sum(float(n) * math.sqrt(root) * math.pi**power for (root, power), n in value.items())
    )


def story(text: str) -> frozenset[str]:
    """The words of a text without its numbers, names and letters."""
    return frozenset(word for word in re.findall(r"[A-Za-z]+", text) if len(word) > 1 and word.islower())


def _text(draft: Draft) -> str:
    return f"{draft.passage or ''}\n{draft.stem}"


def _numbers(draft: Draft) -> tuple[str, ...]:
    return tuple(sorted(re.findall(r"\d[\d,.]*", _text(draft))))


def _content(draft: Draft) -> str:
    return f"{draft.passage}\0{draft.stem}\0{draft.figure}"


def to_item(draft: Draft, template: Template, order: Sequence[int]) -> BankItem:
    """The finished question of a draft; `order` has the places of its choices, 0 for the right one."""
    domain = DOMAIN_OF_SKILL[template.skill]
    choices: list[Choice] = []
    answers = [draft.answer, *draft.also]
    if draft.wrong:
        texts = [(draft.answer, None), *((wrong.text, wrong.misconception) for wrong in draft.wrong)]
        if len(texts) != len(LETTERS):
            raise BuildError(f"template {template.name} made {len(texts)} choices")
        choices = [
            Choice(key=key, text=texts[index][0], misconception=texts[index][1])
            for key, index in zip(LETTERS, order, strict=True)
        ]
        answers = [LETTERS[order.index(0)]]
    usual = FORMATS[domain.section].seconds_per_question
    fields: dict[str, Any] = {
        "id": _identity(domain.code, template.skill, draft),
        "section": domain.section,
        "domain": domain.name,
        "skill": template.skill,
        "stem": draft.stem,
        "passage": draft.passage,
        "figure": draft.figure,
        "choices": choices,
        "answers": answers,
        "rationale": draft.rationale,
        "band": draft.band,
        "discrimination": round(draft.discrimination, 2),
        "guessing": GUESSING if choices else 0.0,
        "expected_seconds": draft.expected_seconds or round(usual * (0.6 + 0.1 * draft.band)),
        "hints": list(draft.hints),
        "strategy": draft.strategy,
        "template": template.name,
        "proof": {"kind": draft.proof.kind, "given": draft.proof.given},
    }
    return BankItem.model_validate(fields)


def _identity(code: str, skill: str, draft: Draft) -> str:
    """An id that stays the same as long as the question does, wherever it stands in the bank."""
    content = "\0".join((skill, draft.passage or "", draft.stem, draft.figure or "", draft.answer))
    number = DOMAIN_OF_SKILL[skill].skills.index(skill) + 1
    return f"{code}{number}-{hashlib.blake2s(content.encode(), digest_size=5).hexdigest()}"
