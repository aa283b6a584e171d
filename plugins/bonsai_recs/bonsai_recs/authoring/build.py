"""Builds the bank: draws questions from all templates, gives them ids and an order of choices."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from bonsai_core.domain import DOMAIN_OF_SKILL, FORMATS, SKILLS, Choice, number_of
from bonsai_recs import authoring
from bonsai_recs.authoring.kit import REGISTRY, Draft, Template, Unusable
from bonsai_recs.bank.files import BankItem

#: Draws per wanted question before a template is given up.
PATIENCE = 400
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
    items: list[BankItem] = []
    seen: set[str] = set()
    found = templates()
    for done, template in enumerate(found):
        rng = random.Random(f"{seed}/{template.name}")
        made = 0
        for _ in range(PATIENCE * template.count):
            if made == template.count:
                break
            try:
                draft = template.make(rng)
            except Unusable:
                continue
            content = f"{draft.passage}\0{draft.stem}\0{draft.figure}"
            if content in seen:
                continue
            seen.add(content)
            items.append(to_item(draft, template, rng))
            made += 1
        if made < template.count:
            raise BuildError(f"template {template.name} made {made} different questions of {template.count}")
        if progress is not None:
            progress(done + 1, len(found))
    return items


def to_item(draft: Draft, template: Template, rng: random.Random) -> BankItem:
    """The finished question of a draft."""
    domain = DOMAIN_OF_SKILL[template.skill]
    choices: list[Choice] = []
    answers = [draft.answer, *draft.also]
    if draft.wrong:
        texts = [(draft.answer, None), *((wrong.text, wrong.misconception) for wrong in draft.wrong)]
        if len(texts) != len(LETTERS):
            raise BuildError(f"template {template.name} made {len(texts)} choices")
        values = [number_of(text) for text, _ in texts]
        known = [value for value in values if value is not None]
        if len(known) == len(values):
            order = sorted(range(len(texts)), key=lambda index: known[index])
        else:
            order = rng.sample(range(len(texts)), len(texts))
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
