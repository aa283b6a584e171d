"""What the test is made of: each domain's share, and how to keep to the shares at every length.

A test that may stop anywhere must have the right mix in each of its prefixes. Choosing the domain that is furthest
behind can be off by more than one question; a domain is open here only if its choice leaves a way to stay within one
question of every share from then on. Source: R. Tijdeman, The Chairman Assignment Problem, 1980: there always is one.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from functools import lru_cache

from bonsai_core.domain import DOMAINS, FORMATS, Domain

#: How far ahead it is looked for a way, in questions.
AHEAD = 40

_TEST_LENGTH = sum(f.modules * f.questions_per_module for f in FORMATS.values())

#: Each domain's share of the whole test, in order of `DOMAINS`.
SHARES = tuple(
    domain.share * FORMATS[domain.section].modules * FORMATS[domain.section].questions_per_module / _TEST_LENGTH
    for domain in DOMAINS
)


def shares_of(domains: Collection[Domain]) -> tuple[float, ...]:
    """The shares when only these domains are asked, in order of `DOMAINS`; those of the others are 0."""
    kept = [share if domain in domains else 0.0 for domain, share in zip(DOMAINS, SHARES, strict=True)]
    total = sum(kept)
    return tuple(share / total for share in kept) if total else tuple(kept)


def apportion(count: int, shares: Sequence[float]) -> list[int]:
    """Divide a number of questions by shares: whole numbers, largest remainders first (A. Hamilton)."""
    total = sum(shares)
    exact = [count * share / total for share in shares]
    parts = [math.floor(value) for value in exact]
    by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for i in by_remainder[: count - sum(parts)]:
        parts[i] += 1
    return parts


def error(counts: Sequence[int], shares: Sequence[float]) -> float:
    """How many questions the counts are off the shares, for the domain that is off most."""
    total = sum(counts)
    return max(abs(count - total * share) for count, share in zip(counts, shares, strict=True))


@lru_cache(maxsize=8192)
def open_domains(counts: tuple[int, ...], shares: tuple[float, ...]) -> tuple[int, ...]:
    """The domains that the next question may come from, those furthest behind first.

    Args:
        counts: questions so far, by domain.
        shares: adding up to 1.

    Returns:
        Their numbers. When the counts are already too far off, as they are once a domain ran out of questions, the
        domains that are behind.
    """
    length = sum(counts) + 1
    behind = {d: length * share - count for d, (count, share) in enumerate(zip(counts, shares, strict=True)) if share}
    good = [d for d in behind if _leaves_a_way((*counts[:d], counts[d] + 1, *counts[d + 1 :]), shares)]
    if not good:
        good = [d for d in behind if behind[d] > 0.0]
    return tuple(sorted(good, key=lambda d: (-behind[d], d)))


def _leaves_a_way(counts: tuple[int, ...], shares: tuple[float, ...]) -> bool:
    """Whether questions can follow so that no prefix is off by more than one: earliest deadline first finds it."""
    length = sum(counts)
    slack = 1e-9
    given = list(counts)
    if any(abs(count - length * share) > 1 + slack for count, share in zip(given, shares, strict=True)):
        return False
    for step in range(length + 1, length + 1 + AHEAD):
        soonest, chosen = math.inf, -1
        for d, share in enumerate(shares):
            # One more of it is too many before `given / share`, and overdue after `(given + 1) / share`.
            if share and given[d] <= step * share + slack:
                deadline = math.floor((given[d] + 1) / share + slack) + 1
                if deadline < soonest:
                    soonest, chosen = deadline, d
        if soonest < step:
            return False
        given[chosen] += 1
    return True
