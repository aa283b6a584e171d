"""From what is known of a student and what they asked for to a list of questions: the rules, put together.

Plain Python and numpy without a session, used by the plugin.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from bonsai_core.domain import DOMAINS, FORMATS, SKILLS, Question, Section
from bonsai_recs.events import Request
from bonsai_recs.learner import Learner
from bonsai_recs.select import diagnose, mock, practice, review
from bonsai_recs.select.ability import Ability
from bonsai_recs.select.blueprint import shares_of
from bonsai_recs.select.diagnose import Pick
from bonsai_recs.select.exposure import Exposure
from bonsai_recs.select.irt import Bools, Ints
from bonsai_recs.select.pool import DOMAIN_OF, SECTION_OF, SECTIONS, Pool

#: What a skill's worth is multiplied by when it is a weak area, or a goal.
WEAK, GOAL = 1.6, 1.3
#: A diagnosis looks at all items of a pool up to this size; in a larger one, at so many of each domain and ability.
ALL_UP_TO, DEPTH = 20_000, 40
#: How far off a front end's `currentSkillLevel` may be, in logits.
HEARSAY = 0.7


def topics(name: str) -> frozenset[int]:
    """The skills, by number, that a name means: a subject, section, domain or skill, in any case; none if unknown."""
    return _topics(" ".join(name.casefold().split()))


@lru_cache(maxsize=4096)
def _topics(name: str) -> frozenset[int]:
    found = set()
    for number, skill in enumerate(SKILLS):
        domain = DOMAINS[int(DOMAIN_OF[number])]
        names = {skill, domain.name, domain.section.value, domain.subject, domain.code}
        if name in {n.casefold() for n in names}:
            found.add(number)
    return frozenset(found)


def unknown_subjects(request: Request) -> list[str]:
    """The preferred subjects that mean nothing here."""
    return [name for name in request.preferences.subjects if not topics(name)]


@dataclass
class Run:
    """A diagnosis or mock test under way, as the session keeps it.

    Attributes:
        mode: `diagnose` or `mock`.
        seed: of its chance.
        given: ids of the questions that the student has had before them.
        answered: by id, whether the answer was right.
        counts: of a diagnosis: answered questions by domain.
        stage: of a mock test: which module, from 0; `sections` says of which section each is.
        route: of the current module.
    """

    mode: str
    seed: int
    given: list[str] = field(default_factory=list)
    answered: dict[str, bool] = field(default_factory=dict)
    counts: list[int] = field(default_factory=lambda: [0] * len(DOMAINS))
    stage: int = 0
    sections: list[str] = field(default_factory=list)
    route: mock.Route = "medium"
    finished: bool = False


@dataclass
class Advice:
    """What came of a request.

    Attributes:
        picks: the questions, by number in the pool, with their reasons.
        run: the diagnosis or mock test that it belongs to.
        shown: of a diagnosis: ids of questions that are before the student for the first time.
        module: of a mock test: section, number, route and seconds of its current module.
        standard_error: of a diagnosis.
    """

    picks: Sequence[Pick]
    run: Run | None = None
    shown: Sequence[str] = ()
    module: tuple[Section, int, mock.Route, int] | None = None
    standard_error: float | None = None


class Recommender:
    """Chooses from one bank.

    Args:
        questions: of all installed banks; of an id that occurs twice, the first counts.
    """

    def __init__(self, questions: Iterable[Question]) -> None:
        self.questions: dict[str, Question] = {}
        for question in questions:
            self.questions.setdefault(question.id, question)
        self.pool = Pool.of(self.questions.values())
        #: By id, what updates say of a question that is the same for all students (`shown.recommended`).
        self.told: dict[str, dict[str, Any]] = {}
        self.prepare()

    def prepare(self) -> None:
        """Compute now, on the thread that loads, what selections need."""
        #: What a diagnosis looks at first: all of a small pool, the sharpest items of a large one.
        self._sharp: tuple[Pool, Ints] = self.pool, np.arange(len(self.pool))
        if len(self.pool) > ALL_UP_TO:
            self._sharp = self.pool.sharpest(DEPTH)
        _ = self._sharp[0].curves, self._sharp[0].hashes, self.pool.hashes
        self._masks: dict[tuple[int | None, frozenset[int]], Bools] = {}
        self._limits: dict[str, tuple[Any, dict[str, float], dict[str, float]]] = {}

    def question(self, pick: Pick) -> Question:
        """The question of a pick."""
        return self.questions[self.pool.ids[pick.item]]

    def advise(
        self,
        request: Request,
        learner: Learner,
        *,
        user: str,
        now: int,
        seconds: float = math.inf,
        run: Run | None = None,
        before: Sequence[str] = (),
        exposure: Mapping[str, Any] | None = None,
    ) -> Advice:
        """The questions for a request.

        Args:
            now: ms since the epoch.
            seconds: how much of the time limit is left.
            run: the diagnosis or mock test under way, if it is one of the request's mode.
            before: ids of the questions that the student has before them.
            exposure: what all students' diagnoses left (`Exposure` as plain data), by domain.
        """
        ability = heard(learner.ability, request)
        allowed = self.pool.without(self._mask(request), learner.seen())
        if request.mode == "mock":
            return self._mock(request, run or Run("mock", _seed(user, now)), allowed)
        if request.mode == "diagnose":
            run = run or Run("diagnose", _seed(user, now))
            return self._diagnose(request, ability, run, allowed, exposure or {}, seconds / learner.pace)
        wishes = practice.Wishes(boosts(request), self.pool.find(before).tolist(), _seed(user, 0))
        picks = practice.choose(
            self.pool,
            ability,
            allowed=allowed,
            count=request.count,
            seconds=seconds,
            pace=learner.pace,
            reviews=self._reviews(request, learner, now),
            wishes=wishes,
        )
        return Advice(picks)

    def _mask(self, request: Request) -> Bools:
        """Which items the preferences allow; treat it as read-only."""
        preferences = request.preferences
        wanted = frozenset().union(*(topics(name) for name in preferences.subjects))
        key = (preferences.difficulty, wanted)
        mask = self._masks.get(key)
        if mask is None:
            mask = np.ones(len(self.pool), dtype=np.bool_)
            if preferences.subjects:
                mask &= np.isin(self.pool.skill, sorted(wanted))
            if preferences.difficulty is not None:
                mask &= self.pool.level == preferences.difficulty
            if len(self._masks) >= 64:
                self._masks.clear()
            self._masks[key] = mask
        return mask

    def _reviews(self, request: Request, learner: Learner, now: int) -> list[tuple[int, int]]:
        mask, index = self._mask(request), self.pool.index
        return [
            (index[id], review.days_since(learner.cards[id], now))
            for id in review.due(learner.cards, now)
            if id in index and mask[index[id]]
        ]

    def _diagnose(
        self,
        request: Request,
        ability: Ability,
        run: Run,
        allowed: Bools,
        exposure: Mapping[str, Any],
        seconds: float,
    ) -> Advice:
        skills = frozenset().union(*(topics(name) for name in request.preferences.subjects)) or range(len(SKILLS))
        domains = {int(DOMAIN_OF[skill]) for skill in skills}
        sections = sorted({int(SECTION_OF[domain]) for domain in domains})
        run.finished = diagnose.finished(ability, sections, len(run.answered))
        error = max(ability.section(section)[2] for section in sections) ** 0.5
        picks: list[Pick] = []
        if not run.finished:
            allowed = allowed if seconds == math.inf else allowed & (self.pool.seconds <= seconds)
            count = min(request.count, diagnose.LONGEST - len(run.answered))
            pool, items = self._sharp_enough(allowed, count, domains)
            picks = diagnose.choose(
                pool,
                ability,
                counts=run.counts,
                allowed=allowed[items],
                limits=self._exposure_limits(pool, exposure, run.seed),
                shares=shares_of([DOMAINS[domain] for domain in sorted(domains)]),
                count=count,
            )
            picks = _within(self.pool, [Pick(int(items[pick.item]), pick.reason) for pick in picks], seconds)
        shown = [id for pick in picks[:1] if (id := self.pool.ids[pick.item]) not in run.given]
        run.given += shown
        return Advice(picks, run, shown, standard_error=error)

    def _sharp_enough(self, allowed: Bools, count: int, domains: Iterable[int]) -> tuple[Pool, Ints]:
        """The sharpest items, if enough of each domain are allowed; else all. A pool, and its items' numbers here."""
        pool, items = self._sharp
        if pool is not self.pool:
            left = np.bincount(pool.domain[allowed[items]], minlength=len(DOMAINS))
            if any(left[domain] < count for domain in domains):
                return self.pool, np.arange(len(self.pool))
        return self._sharp

    def _exposure_limits(self, pool: Pool, exposure: Mapping[str, Any], seed: int) -> diagnose.Limits:
        chances: dict[str, float] = {}
        prices: dict[str, float] = {}
        for name, document in exposure.items():
            known = self._limits.get(name)
            if known is None or known[0] is not document:  # the same object until it was folded again
                shown = Exposure.read(document)
                known = self._limits[name] = (document, shown.limited(), shown.prices)
            chances |= known[1]
            prices |= known[2]
        return diagnose.Limits.of(pool, chances, prices, seed)

    def _mock(self, request: Request, run: Run, allowed: Bools) -> Advice:
        if not run.sections:
            wanted = frozenset().union(*(topics(name) for name in request.preferences.subjects))
            numbers = sorted({int(SECTION_OF[DOMAIN_OF[skill]]) for skill in wanted}) or list(range(len(SECTIONS)))
            run.sections = [SECTIONS[number].value for number in numbers for _ in (1, 2)]
        if run.given and set(run.given) <= run.answered.keys():
            hand_in(run)
        if run.finished:
            stage = len(run.sections) - 1
            return Advice((), run, module=(Section(run.sections[stage]), 2, run.route, 0))
        section, number = Section(run.sections[run.stage]), run.stage % 2 + 1
        if run.given:  # under way: the questions stay what they were
            reason = f"It is left of {section}, module {number}, in the mix of the real test."
            items = self.pool.find(id for id in run.given if id not in run.answered).tolist()
            picks: Sequence[Pick] = [Pick(item, reason) for item in items]
        else:
            picks = mock.assemble(self.pool, section, number, run.route, allowed=allowed, seed=run.seed)
            run.given = [self.pool.ids[pick.item] for pick in picks]
            if not picks:  # nothing left to ask in this section
                hand_in(run)
                return self._mock(request, run, allowed)
        return Advice(picks, run, module=(section, number, run.route, FORMATS[section].minutes_per_module * 60))


def hand_in(run: Run) -> None:
    """End a mock test's module: the next one depends on how it went."""
    right = sum(run.answered.get(id, False) for id in run.given)
    run.route = mock.route(right, len(run.given)) if run.stage % 2 == 0 else "medium"
    run.stage += 1
    run.given, run.answered = [], {}
    if run.stage >= len(run.sections):
        run.finished = True
        run.stage = len(run.sections) - 1


def heard(ability: Ability, request: Request) -> Ability:
    """The ability, with what the front end says of it. Ours is left as it is, so that nothing is heard twice."""
    levels = [(topics(name), level) for name, level in request.current_skill_level.items()]
    recent = request.context.recent_performance if not ability.answered else []
    if not levels and not recent:
        return ability
    ability = ability.copy()
    if recent:
        level, deviation = sum(recent) / len(recent), max(0.5, 2.0 / math.sqrt(len(recent)))
        for section in range(len(SECTIONS)):
            ability.hear(section, level, deviation)
    for skills, level in levels:
        for section in {int(SECTION_OF[DOMAIN_OF[skill]]) for skill in skills}:
            here = [skill for skill in skills if SECTION_OF[DOMAIN_OF[skill]] == section]
            # What is said of one skill says less about its section.
            part = len(here) / int(np.sum(SECTION_OF[DOMAIN_OF] == section))
            ability.hear(section, level, HEARSAY / math.sqrt(part), here if part < 1.0 else ())
    return ability


def boosts(request: Request) -> dict[int, float]:
    """By skill, what its worth is multiplied by."""
    factors: dict[int, float] = {}
    for names, factor in ((request.context.study_goals, GOAL), (request.weak_areas, WEAK)):
        for skill in frozenset().union(*(topics(name) for name in names)):
            factors[skill] = factor
    return factors


def _within(pool: Pool, picks: Sequence[Pick], seconds: float) -> list[Pick]:
    """The picks that fit into the time, in order."""
    kept = []
    for pick in picks:
        if (needs := float(pool.seconds[pick.item])) <= seconds:
            seconds -= needs
            kept.append(pick)
    return kept


@lru_cache(maxsize=8192)
def _seed(user: str, moment: int) -> int:
    return int.from_bytes(hashlib.blake2b(f"{user} {moment}".encode(), digest_size=8).digest())
