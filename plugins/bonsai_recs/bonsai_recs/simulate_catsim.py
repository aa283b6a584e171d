"""catsim's selectors as rules of the simulation: others' code on the same pool, students and luck (extra `compare`).

Each gets our estimate of the ability, so that only the selection differs. None of them knows a blueprint. Left out are
those that sort all strata anew for each item (MIS, MIS-B): they take longer than all others together.
Source: D. De Rizzo Meneghetti, P. T. Aquino Junior, catsim, https://github.com/douglasrizzo/catsim.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from catsim.exceptions import NoItemsAvailableError
from catsim.item_bank import ItemBank
from catsim.selection import (
    AStratSelector,
    MaxInfoSelector,
    RandomesqueSelector,
    The54321Selector,
    UrrySelector,
)

from bonsai_recs.select.pool import Pool
from bonsai_recs.simulate import MakeRule, Sitting

#: The rate from which catsim's restricted maximum information passes an item over.
R_MAX = 0.30


class CatsimRule:
    """A selector of catsim.

    Args:
        selector: makes it, given the test's length.
        track: keep the items' exposure rates up to date, for selectors that look at them.
    """

    def __init__(self, selector: Callable[[int], Any], track: bool, pool: Pool, seed: int, length: int) -> None:
        self._selector = selector(length)
        self._bank = ItemBank(
            np.column_stack((pool.a, pool.b, pool.c, np.ones(len(pool)))).astype(float), validate=False
        )
        self._chance = np.random.default_rng([seed, 5])
        self._track = track
        self._given = np.zeros(len(pool))
        self._students = 0

    def next(self, sitting: Sitting) -> int:
        theta = sitting.estimate[0]
        try:
            item = self._selector.select(
                item_bank=self._bank, administered_items=sitting.asked, est_theta=theta, rng=self._chance
            )
        except NoItemsAvailableError:
            item = None
        # A stratum may be used up; any item left will do then.
        return int(np.flatnonzero(sitting.unused)[0]) if item is None else int(item)

    def done(self, sitting: Sitting) -> None:
        self._students += 1
        self._given[sitting.asked] += 1
        if self._track:
            for item, rate in enumerate((self._given / self._students).tolist()):
                self._bank.update_exposure_rate(item, rate)


def _rule(selector: Callable[[int], Any], *, track: bool = False) -> MakeRule:
    return partial(CatsimRule, selector, track)


CATSIM_RULES: dict[str, MakeRule] = {
    "catsim-maxinfo": _rule(lambda length: MaxInfoSelector()),
    "catsim-maxinfo-rmax": _rule(lambda length: MaxInfoSelector(r_max=R_MAX), track=True),
    "catsim-urry": _rule(lambda length: UrrySelector()),
    "catsim-randomesque": _rule(lambda length: RandomesqueSelector(5)),
    "catsim-54321": _rule(The54321Selector),
    "catsim-astrat": _rule(AStratSelector),
}
