"""The rule `diagnose`: find out where the student stands with as few questions as possible.

Of the domains that the blueprint leaves open, it takes the item whose answer promises most precision: the smallest
variance of the section's ability after it, over all abilities that are still possible (W. J. van der Linden, Bayesian
Item Selection Criteria for Adaptive Testing, 1998: minimum expected posterior variance). That is maximum information
once the ability is well known, but does not trust the first few answers more than they deserve. What an item is worth
to other students is its price, which is taken off (`exposure`); items that are not eligible for this student are
passed over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bonsai_core.domain import DOMAINS, SKILLS
from bonsai_recs.select.ability import Ability
from bonsai_recs.select.blueprint import SHARES, open_domains
from bonsai_recs.select.irt import Bools, Floats, Ints
from bonsai_recs.select.pool import SECTION_OF, SECTIONS, Pool

#: A diagnosis is over when the standard error of each section's ability is at most this, in logits ...
STANDARD_ERROR = 0.40
#: ... or after so many questions.
LONGEST = 40

_NEVER = np.float32(-1e6)
#: No real item is worth less than this, whatever its price.
_BAR = -1e5


class Pick(NamedTuple):
    """A chosen item and why, in one sentence for the student."""

    item: int
    reason: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What exposure control says for one student, by item.

    Attributes:
        held_back: items that are not eligible.
        priced, prices: items, and what is taken off their worth.
    """

    held_back: Ints
    priced: Ints
    prices: Floats

    @classmethod
    def of(cls, pool: Pool, chances: Mapping[str, float], prices: Mapping[str, float], seed: int) -> Limits:
        """From probabilities of being eligible and prices, by id (`exposure.Exposure`).

        Args:
            seed: of this student's diagnosis; decides which items are eligible.
        """
        items = pool.find(chances)
        turned_away = pool.draws(seed, items) >= _values(pool, chances)
        return cls(items[turned_away], pool.find(prices), _values(pool, prices))


def precision(pool: Pool, ability: Ability) -> Floats:
    """How much precision of the section's ability each item's answer adds, in expectation; inverse squared logits."""
    gains = np.zeros(len(pool), dtype=np.float32)
    for number in range(len(SECTIONS)):
        domains = np.flatnonzero(np.equal(SECTION_OF, number))
        items = slice(int(pool.domain_bounds[domains[0]]), int(pool.domain_bounds[domains[-1] + 1]))
        if items.start == items.stop:
            continue
        weights, mean, variance = ability.section(number)
        seen = np.flatnonzero(weights > 1e-5)
        rows = slice(int(seen[0]), int(seen[-1]) + 1)
        weight, spread = weights[rows] / weights[rows].sum(), pool.grid[rows] - mean
        moments = np.stack((weight, weight * spread)).astype(np.float32)
        right, lean = moments @ pool.curves[rows, items]
        # The variance drops, on average, by the squared means of the posteriors after a right and a wrong answer. The
        # mean before is 0 here, so both products of chance and mean are `lean`, but for the sign.
        drop = lean * lean
        drop /= right * (1.0 - right)
        gains[items] = drop / np.maximum(variance * (variance - drop), 1e-9)
    return gains


def choose(
    pool: Pool,
    ability: Ability,
    *,
    counts: Sequence[int],
    allowed: Bools,
    limits: Limits | None = None,
    shares: tuple[float, ...] = SHARES,
    count: int = 1,
) -> list[Pick]:
    """The best next items.

    Args:
        counts: questions of this diagnosis so far, by domain.
        allowed: which items may be chosen: not seen before, as the student prefers.
        shares: of the domains.
        count: how many; fewer are returned when no more are allowed.
    """
    gains = precision(pool, ability)
    gains[~allowed] = _NEVER
    held_back: Floats | None = None
    if limits is not None:
        gains[limits.priced] -= limits.prices
        held_back = gains[limits.held_back]
        gains[limits.held_back] = _NEVER
    given = list(counts)
    picks: list[Pick] = []
    while len(picks) < count:
        item = _best(pool, gains, given, shares)
        if item is None:
            if held_back is None:
                break
            # Rather an item that many have seen than none.
            assert limits is not None
            gains[limits.held_back], held_back = held_back, None
            continue
        picks.append(Pick(item, _reason(pool, item, given, shares)))
        given[int(pool.domain[item])] += 1
        gains[item] = _NEVER
    return picks


def _values(pool: Pool, by_id: Mapping[str, float]) -> Floats:
    """The values of the items that `Pool.find` finds, in its order."""
    index = pool.index
    return np.array([value for id, value in by_id.items() if id in index], dtype=np.float32)


def _best(pool: Pool, gains: Floats, given: Sequence[int], shares: tuple[float, ...]) -> int | None:
    item = _best_of(pool, gains, open_domains(tuple(given), shares))
    if item is None:  # those have no more items: any other will do
        item = _best_of(pool, gains, [d for d, share in enumerate(shares) if share])
    return item


def _best_of(pool: Pool, gains: Floats, domains: Sequence[int]) -> int | None:
    best, best_gain = None, _BAR
    for domain in domains:
        start, end = int(pool.domain_bounds[domain]), int(pool.domain_bounds[domain + 1])
        if start < end:
            item = start + int(np.argmax(gains[start:end]))
            if gains[item] > best_gain:
                best, best_gain = item, float(gains[item])
    return best


def _reason(pool: Pool, item: int, given: Sequence[int], shares: Sequence[float]) -> str:
    domain = int(pool.domain[item])
    name, skill = DOMAINS[domain].name, SKILLS[int(pool.skill[item])]
    if not given[domain]:
        return f"We have not seen you at {name} yet, and this question on “{skill}” tells us most about it."
    if (sum(given) + 1) * shares[domain] - given[domain] > 0.5:
        return f"{name} is due by the test's mix, and this question on “{skill}” is the one that tells us most."
    return f"At your level as we know it, this question on “{skill}” tells us most about where you stand."


def finished(ability: Ability, sections: Sequence[int], asked: int) -> bool:
    """Whether the diagnosis is over.

    Args:
        sections: which sections are diagnosed.
        asked: questions so far.
    """
    if asked >= LONGEST:
        return True
    return asked > 0 and all(ability.section(s)[2] ** 0.5 <= STANDARD_ERROR for s in sections)
