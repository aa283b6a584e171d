"""`bonsai recs simulate`: simulated students take a test by a selection rule, through the code that selects live.

Every rule sees the same pool, the same students and the same luck: whether student s answers item i right is drawn
once. The error of 500 students still varies by 3 % with their luck, so they take the test several times, each time with
other luck and with an exposure control that begins anew; errors are those of all times, the highest exposure is the
worst of any time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from multiprocessing import get_context
from typing import Any, Protocol

import numpy as np

from bonsai_core.domain import DOMAINS
from bonsai_recs.select import blueprint, diagnose
from bonsai_recs.select.ability import ONE_SCALE, Ability
from bonsai_recs.select.exposure import Exposure
from bonsai_recs.select.irt import Bools, Floats, information, probability
from bonsai_recs.select.pool import Pool

#: The standard error that a variable-length test goes on to, and the length at which it gives up.
TO_ERROR = 0.40
LONGEST = 100
#: Prefixes shorter than this are too short to have a mix.
SHORTEST_PREFIX = 8
#: Half the width of a Normal's central 80 %, in standard deviations.
Z80 = 1.2815515655446004


def fixed_pool(size: int = 400) -> Pool:
    """The pool that rules are measured on: difficulties, slopes and guessing as they are in real item banks.

    Discrimination is lognormal around 1.2 (sd .25 of the log), difficulty N(0, 1.1), guessing .2 for 85 % of the items
    and 0 for the rest; domains by blueprint, skills of a domain in equal parts.
    """
    rng = np.random.default_rng([0, 1])
    a = 1.2 * np.exp(rng.normal(0.0, 0.25, size))
    b = rng.normal(0.0, 1.1, size)
    c = np.where(rng.permutation(size) < round(0.85 * size), 0.2, 0.0)
    skills = [
        domain.skills[k % len(domain.skills)]
        for domain, count in zip(DOMAINS, blueprint.apportion(size, blueprint.SHARES), strict=True)
        for k in range(count)
    ]
    bands = np.clip(np.round(b / 0.8) + 4, 1, 7)
    return Pool([f"i{k:05d}" for k in range(size)], a, b, c, skills, bands, np.full(size, 75.0))


@dataclass
class Sitting:
    """One student's test under way, as a rule sees it.

    Attributes:
        number: which student.
        asked: the items so far.
        counts: how many of them by domain.
        unused: which items were not asked yet.
    """

    number: int
    ability: Ability
    counts: list[int]
    unused: Bools
    asked: list[int] = field(default_factory=list)

    @property
    def estimate(self) -> tuple[float, float]:
        """Mean and standard error of the ability."""
        _, mean, variance = self.ability.section(0)
        return mean, variance**0.5


class Rule(Protocol):
    """A way to choose the next item."""

    def next(self, sitting: Sitting) -> int:
        """The next item for this student."""

    def done(self, sitting: Sitting) -> None:
        """This student's test is over."""


class Diagnose:
    """Our rule, as it runs live."""

    def __init__(self, pool: Pool, seed: int, length: int) -> None:
        self._pool = pool
        self._seed = seed
        self._exposure = Exposure()
        self._limits: diagnose.Limits | None = None

    def next(self, sitting: Sitting) -> int:
        if not sitting.asked:
            seed = self._seed * 1_000_003 + sitting.number
            exposure = self._exposure
            self._limits = diagnose.Limits.of(self._pool, exposure.limited(), exposure.prices, seed)
            self._exposure.begin()
        picked = diagnose.choose(
            self._pool, sitting.ability, counts=sitting.counts, allowed=sitting.unused, limits=self._limits
        )
        return picked[0].item

    def done(self, sitting: Sitting) -> None:
        self._exposure.give(self._pool.ids[item] for item in sitting.asked)


class MaximumInformation:
    """Maximum Fisher information at the estimate, within the domain furthest behind: the usual yardstick.

    Nothing is done against overexposure. Source of the content balance: G. G. Kingsbury, A. R. Zara, Procedures for
    Selecting Items for Computerized Adaptive Tests, 1989.
    """

    def __init__(self, pool: Pool, seed: int, length: int) -> None:
        self._pool = pool

    def next(self, sitting: Sitting) -> int:
        pool = self._pool
        gains = information(sitting.estimate[0], pool.a, pool.b, pool.c)
        return int(np.argmax(np.where(sitting.unused & (pool.domain == self._domain(sitting)), gains, -1.0)))

    def _domain(self, sitting: Sitting) -> int:
        length = len(sitting.asked) + 1
        behind = [length * share - count for share, count in zip(blueprint.SHARES, sitting.counts, strict=True)]
        return int(np.argmax(behind))

    def done(self, sitting: Sitting) -> None:
        pass


class AtRandom:
    """Any item, as a student who leafs through a book."""

    def __init__(self, pool: Pool, seed: int, length: int) -> None:
        self._rng = np.random.default_rng([seed, 4])

    def next(self, sitting: Sitting) -> int:
        return int(self._rng.choice(np.flatnonzero(sitting.unused)))

    def done(self, sitting: Sitting) -> None:
        pass


MakeRule = Callable[[Pool, int, int], Rule]

RULES: dict[str, MakeRule] = {"diagnose": Diagnose, "maxinfo": MaximumInformation, "random": AtRandom}


@dataclass(frozen=True)
class Figures:
    """How a rule did.

    Attributes:
        rmse: root mean squared error of the ability after `items` items, in logits.
        bias: mean error there.
        coverage80: part of the students whose true ability lies in the central 80 % of the posterior there.
        exposure: highest part of the students that saw one item.
        unused: part of the items that nobody saw.
        blueprint_error: questions off the blueprint: the worst prefix of 8 or more of any student.
        items_to_error: mean number of items until the standard error is at most .40.
        exposure_to_error: highest exposure in these tests.
        unfinished: part of the students whose test reached the longest length first.
    """

    rule: str
    students: int
    repeats: int
    items: int
    rmse: float
    bias: float
    coverage80: float
    exposure: float
    unused: float
    blueprint_error: float
    items_to_error: float
    exposure_to_error: float
    unfinished: float

    def document(self) -> dict[str, Any]:
        """With the names of the JSON output."""
        return {
            "rule": self.rule,
            "students": self.students,
            "repeats": self.repeats,
            "items": self.items,
            "rmse": round(self.rmse, 4),
            "bias": round(self.bias, 4),
            "coverage80": round(self.coverage80, 4),
            "exposure": round(self.exposure, 4),
            "unused": round(self.unused, 4),
            "blueprintError": round(self.blueprint_error, 4),
            "itemsToError": round(self.items_to_error, 3),
            "exposureToError": round(self.exposure_to_error, 4),
            "unfinished": round(self.unfinished, 4),
        }


@dataclass(frozen=True)
class Results:
    """What came of all students' taking one test.

    Attributes:
        errors: estimate minus true ability, by student.
        standard_errors: as the posterior has them.
        asked: the items of each.
    """

    errors: Floats
    standard_errors: Floats
    asked: list[list[int]]


@dataclass(frozen=True)
class Simulation:
    """Students and their luck; their pool is `fixed_pool(size)`.

    Attributes:
        students: how many; their abilities are N(0, 1).
        seed: of students, luck and chance in rules.
        items: length of the fixed-length test.
        repeats: how often all students take it.
        size: of the pool.
    """

    students: int = 500
    seed: int = 1
    items: int = 20
    repeats: int = 10
    size: int = 400

    @cached_property
    def pool(self) -> Pool:
        return fixed_pool(self.size)

    @cached_property
    def abilities(self) -> Floats:
        abilities: Floats = np.random.default_rng([self.seed, 2]).normal(0.0, 1.0, self.students)
        return abilities

    def sit(self, make: MakeRule, time: int, *, to_error: bool) -> Results:
        """Let every student take a test.

        Args:
            time: which of the repeats.
            to_error: go on until the standard error is small, instead of for `items` items.
        """
        pool = self.pool
        longest = min(LONGEST if to_error else self.items, len(pool))
        error = TO_ERROR if to_error else 0.0
        rule = make(pool, self.seed + 7919 * time, longest)
        a, b, c = pool.a.astype(float), pool.b.astype(float), pool.c.astype(float)
        sittings = []
        for number, theta in enumerate(self.abilities.tolist()):
            luck = np.random.default_rng([self.seed, 3, time, number]).random(len(pool))
            right = luck < probability(theta, a, b, c)
            sitting = Sitting(number, Ability(ONE_SCALE), [0] * len(DOMAINS), np.ones(len(pool), dtype=np.bool_))
            while len(sitting.asked) < longest and sitting.estimate[1] > error:
                item = rule.next(sitting)
                skill = int(pool.skill[item])
                sitting.ability.answer(skill, bool(right[item]), float(a[item]), float(b[item]), float(c[item]))
                sitting.asked.append(item)
                sitting.counts[int(pool.domain[item])] += 1
                sitting.unused[item] = False
            rule.done(sitting)
            sittings.append(sitting)
        means, errors = np.array([sitting.estimate for sitting in sittings]).T
        return Results(means - self.abilities, errors, [sitting.asked for sitting in sittings])

    def figures(self, rule: str, fixed: Sequence[Results], to_error: Sequence[Results]) -> Figures:
        """Sum up a rule's results of all repeats: of the test of fixed length, and of the one to a standard error."""
        errors = np.concatenate([results.errors for results in fixed])
        standard_errors = np.concatenate([results.standard_errors for results in fixed])
        shown = [self._shown(results) for results in fixed]
        return Figures(
            rule=rule,
            students=self.students,
            repeats=len(fixed),
            items=self.items,
            rmse=float(np.sqrt(np.mean(errors**2))),
            bias=float(errors.mean()),
            coverage80=float(np.mean(np.abs(errors) <= Z80 * standard_errors)),
            exposure=max(float(rates.max()) for rates in shown),
            unused=float(np.mean([np.mean(rates == 0) for rates in shown])),
            blueprint_error=max(
                worst_prefix(self.pool, asked) for results in (*fixed, *to_error) for asked in results.asked
            ),
            items_to_error=float(np.mean([len(asked) for results in to_error for asked in results.asked])),
            exposure_to_error=max(float(self._shown(results).max()) for results in to_error),
            unfinished=float(np.mean(np.concatenate([results.standard_errors for results in to_error]) > TO_ERROR)),
        )

    def _shown(self, results: Results) -> Floats:
        counts = np.zeros(len(self.pool))
        for asked in results.asked:
            counts[asked] += 1
        return counts / self.students


def run(
    simulation: Simulation, rules: Sequence[str], *, jobs: int = 1, advance: Callable[[], None] = lambda: None
) -> list[Figures]:
    """Measure rules.

    Args:
        rules: names of `all_rules`.
        jobs: processes to share the work.
        advance: called after each of the `steps`.
    """
    work = [
        (name, time, to_error) for name in rules for time in range(simulation.repeats) for to_error in (False, True)
    ]
    found: dict[tuple[str, int, bool], Results] = {}
    if jobs == 1:
        for task in work:
            found[task] = _sit(simulation, *task)
            advance()
    else:
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as processes:
            waiting = {processes.submit(_sit, simulation, *task): task for task in work}
            for done in as_completed(waiting):
                found[waiting[done]] = done.result()
                advance()
    times = range(simulation.repeats)
    return [
        simulation.figures(name, [found[name, t, False] for t in times], [found[name, t, True] for t in times])
        for name in rules
    ]


def steps(simulation: Simulation, rules: Sequence[str]) -> int:
    """How often `run` calls `advance`."""
    return 2 * simulation.repeats * len(rules)


def all_rules() -> dict[str, MakeRule]:
    """Every rule by name: ours, the yardsticks, and catsim's where it is installed."""
    if find_spec("catsim") is None:
        return dict(RULES)
    from bonsai_recs.simulate_catsim import CATSIM_RULES

    return {**RULES, **CATSIM_RULES}


def _sit(simulation: Simulation, rule: str, time: int, to_error: bool) -> Results:
    return simulation.sit(all_rules()[rule], time, to_error=to_error)


def worst_prefix(pool: Pool, asked: Sequence[int]) -> float:
    """How far the worst prefix of 8 or more questions is off the blueprint, in questions."""
    counts = [0] * len(DOMAINS)
    worst = 0.0
    for length, item in enumerate(asked, start=1):
        counts[int(pool.domain[item])] += 1
        if length >= SHORTEST_PREFIX:
            worst = max(worst, blueprint.error(counts, blueprint.SHARES))
    return worst


def ratios(figures: Sequence[Figures]) -> dict[str, float]:
    """How our rule compares with the yardsticks, as far as they were measured; smaller is better."""
    by_name = {found.rule: found for found in figures}
    ours = by_name.get("diagnose")
    compared: dict[str, float] = {}
    if ours is not None:
        for other in ("maxinfo", "random"):
            if other in by_name:
                compared[f"diagnose's RMSE as a part of {other}'s"] = round(ours.rmse / by_name[other].rmse, 4)
        if "random" in by_name:
            part = ours.items_to_error / by_name["random"].items_to_error
            compared["diagnose's items to the standard error as a part of random's"] = round(part, 4)
    return compared
