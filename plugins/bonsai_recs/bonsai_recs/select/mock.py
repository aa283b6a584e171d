"""The rule `mock`: a section as the real test gives it, in two modules, the second easier or harder by the first.

Module 1 has the blueprint's mix with difficulties spread around the middle; module 2 has the same mix, shifted down or
up. Sizes and times are `bonsai_core.domain.FORMATS`. The real test does not publish where it divides; we send a student
on to the harder module from 60 % right.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Literal

import numpy as np

from bonsai_core.domain import DOMAINS, FORMATS, Section
from bonsai_recs.select.blueprint import apportion
from bonsai_recs.select.diagnose import Pick
from bonsai_recs.select.irt import Bools, Ints
from bonsai_recs.select.pool import DOMAIN_OF, SECTIONS, Pool

Route = Literal["medium", "easier", "harder"]

#: The part of module 1 that must be right for the harder module 2.
HARDER_FROM = 0.60
#: Mean and standard deviation of a module's difficulties, in logits.
SPREAD: dict[Route, tuple[float, float]] = {"medium": (0.0, 1.0), "easier": (-0.8, 0.75), "harder": (0.9, 0.75)}

#: The order in which the test asks Reading and Writing; Math is mixed, from easy to hard.
_READING_ORDER = (
    "Craft and Structure",
    "Information and Ideas",
    "Standard English Conventions",
    "Expression of Ideas",
)
#: The item is drawn from so many nearest to the difficulty wanted.
_AMONG = 4


def route(right: int, asked: int) -> Route:
    """Which module 2 a result of module 1 leads to. Questions left out are wrong, as on the test."""
    return "harder" if asked and right / asked >= HARDER_FROM else "easier"


def assemble(pool: Pool, section: Section, number: int, way: Route, *, allowed: Bools, seed: int) -> list[Pick]:
    """The questions of a module.

    Args:
        number: 1 or 2.
        way: which module.
        allowed: items that may be used. A domain that has too few makes the module shorter.
        seed: of this student's mock test.
    """
    form = FORMATS[section]
    domains = [n for n, domain in enumerate(DOMAINS) if domain.section == section]
    sizes = apportion(form.questions_per_module, [DOMAINS[n].share for n in domains])
    chance = np.random.default_rng([seed & 0xFFFF_FFFF, number, SECTIONS.index(section)])
    chosen = [
        item for n, size in zip(domains, sizes, strict=True) for item in _of_domain(pool, n, size, way, allowed, chance)
    ]
    if section is Section.READING_AND_WRITING:
        place = {DOMAINS.index(d): _READING_ORDER.index(d.name) for d in DOMAINS if d.name in _READING_ORDER}
        chosen.sort(key=lambda item: (place[int(pool.domain[item])], float(pool.b[item])))
    else:
        chosen.sort(key=lambda item: float(pool.b[item]))
    kind = {"medium": "as everyone gets it", "easier": "the easier one", "harder": "the harder one"}[way]
    reason = f"Question %d of {len(chosen)} in {section}, module {number} ({kind}), in the mix of the real test."
    return [Pick(item, reason % place) for place, item in enumerate(chosen, start=1)]


def _of_domain(
    pool: Pool, domain: int, size: int, way: Route, allowed: Bools, chance: np.random.Generator
) -> list[int]:
    """Items of one domain: its skills in turn, difficulties spread as the module wants them."""
    left: dict[int, Ints] = {}
    for skill in np.flatnonzero(np.equal(DOMAIN_OF, domain)).tolist():
        start, end = int(pool.skill_bounds[skill]), int(pool.skill_bounds[skill + 1])
        left[skill] = start + np.flatnonzero(allowed[start:end])  # by difficulty, as the pool is
    mean, deviation = SPREAD[way]
    wanted = [NormalDist(mean, deviation).inv_cdf((k + 0.5) / size) for k in range(size)]
    chance.shuffle(wanted)
    turn = list(left)
    chance.shuffle(turn)
    chosen: list[int] = []
    for number, difficulty in enumerate(wanted):
        order = turn[number % len(turn) :] + turn[: number % len(turn)] if turn else []
        found = next((s for s in order if len(left[s])), None)
        if found is None:
            break
        items = left[found]
        place = int(np.searchsorted(pool.b[items], difficulty))
        near = items[max(0, place - _AMONG) : place + _AMONG].tolist()
        near = sorted(near, key=lambda item: abs(float(pool.b[item]) - difficulty))[:_AMONG]
        chosen.append(near[int(chance.integers(len(near)))])
        left[found] = items[items != chosen[-1]]
    return chosen
