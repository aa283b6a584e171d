"""The items that a rule chooses from, as arrays, in an order that makes each domain and each skill a slice."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from bonsai_core.domain import DOMAIN_OF_SKILL, DOMAINS, SKILLS, Question, Section, level_of_band
from bonsai_recs.select.irt import Bools, Floats, Ints, information, probability

SKILL_NUMBER = {skill: number for number, skill in enumerate(SKILLS)}
#: The number of a skill's domain, by the skill's number. Skills of one domain follow one another in `SKILLS`.
DOMAIN_OF = np.array([DOMAINS.index(DOMAIN_OF_SKILL[skill]) for skill in SKILLS])
SECTIONS = tuple(Section)
#: The number of a domain's section, by the domain's number.
SECTION_OF = np.array([SECTIONS.index(domain.section) for domain in DOMAINS])

#: Abilities at which every item's curve is kept, in logits.
GRID = np.arange(-4.5, 4.51, 0.3)
#: Numbers that `Pool.luck` remembers: 16 MB.
LUCK = 4_000_000


class Pool:
    """Items with their parameters, sorted by domain, skill and difficulty.

    Attributes:
        ids: the questions' ids; `index` finds an item by it.
        a, b, c: discrimination (per logit), difficulty (logits), chance of guessing right (0..1).
        skill, domain, section: numbers: of `SKILLS`, of `bonsai_core.domain.DOMAINS`, of `SECTIONS`.
        band: 1..7; `level` is the same as 1..5.
        seconds: usual time to answer.
        skill_bounds: items of skill s are `skill_bounds[s]:skill_bounds[s + 1]`; `domain_bounds` likewise.

    Args:
        skills: each item's skill, one of `SKILLS`.

    Raises:
        ValueError: an unknown skill, an id twice, or arrays of different lengths.
    """

    def __init__(
        self,
        ids: Sequence[str],
        a: Any,
        b: Any,
        c: Any,
        skills: Sequence[str],
        bands: Any,
        seconds: Any,
    ) -> None:
        try:
            number = np.array([SKILL_NUMBER[skill] for skill in skills], dtype=np.int16)
        except KeyError as unknown:
            raise ValueError(f"not a skill of the test: {unknown}") from None
        a, b, c, bands, seconds = (np.asarray(values) for values in (a, b, c, bands, seconds))
        if any(len(values) != len(ids) for values in (a, b, c, number, bands, seconds)):
            raise ValueError("every item needs an id, three parameters, a skill, a band and seconds")
        order = np.lexsort((b, number))
        self.ids: tuple[str, ...] = tuple(ids[i] for i in order.tolist())
        self.index = {id: i for i, id in enumerate(self.ids)}
        if len(self.index) != len(self.ids):
            raise ValueError("an id occurs twice")
        self.a: Floats = a[order].astype(np.float32)
        self.b: Floats = b[order].astype(np.float32)
        self.c: Floats = c[order].astype(np.float32)
        self.skill: Ints = number[order]
        self.domain: Ints = DOMAIN_OF[self.skill]
        self.section: Ints = SECTION_OF[self.domain]
        self.band: Ints = bands[order].astype(np.int8)
        self.level: Ints = np.array([level_of_band(band) for band in range(8)], dtype=np.int8)[self.band]
        self.seconds: Floats = seconds[order].astype(np.float32)
        self.skill_bounds: Ints = np.searchsorted(self.skill, np.arange(len(SKILLS) + 1))
        self.domain_bounds: Ints = np.searchsorted(self.domain, np.arange(len(DOMAINS) + 1))
        #: Skills that have items, and where each begins and ends.
        self.skills_here: Ints = np.flatnonzero(np.diff(self.skill_bounds))
        self.starts: Ints = self.skill_bounds[self.skills_here]
        self.slices: list[tuple[int, int]] = [
            (int(self.skill_bounds[skill]), int(self.skill_bounds[skill + 1])) for skill in self.skills_here
        ]
        #: Each item's skill and seconds once more, as Python's own numbers: a single one is had in a third of the time.
        self.skill_of: list[int] = self.skill.tolist()
        self.seconds_of: list[float] = self.seconds.tolist()
        #: What `practice.suitability` needs of every item each time: pi / 8 a^2, and 1 - c.
        self.flattening: Floats = np.float32(np.pi / 8.0) * self.a * self.a
        self.reach: Floats = np.float32(1.0) - self.c
        self._luck: dict[tuple[int, float], Floats] = {}

    @classmethod
    def of(cls, questions: Iterable[Question]) -> Pool:
        """The pool of a bank's questions; of an id that occurs twice, the first one counts."""
        unique = list({question.id: question for question in reversed(list(questions))}.values())
        return cls(
            [q.id for q in unique],
            [q.discrimination for q in unique],
            [q.logit for q in unique],
            [q.guessing for q in unique],
            [q.skill for q in unique],
            [q.band for q in unique],
            [q.expected_seconds for q in unique],
        )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def grid(self) -> Floats:
        """The abilities of the rows of `curves`, in logits."""
        return GRID

    @cached_property
    def curves(self) -> Floats:
        """Chance of a right answer by ability (rows, `GRID`) and item (columns)."""
        theta = GRID.astype(np.float32)[:, None]
        curves: Floats = probability(theta, self.a, self.b, self.c).astype(np.float32)
        return curves

    @cached_property
    def hashes(self) -> Ints:
        """A random-looking number for each item that is the same in every process."""
        digests = b"".join(hashlib.blake2b(id.encode(), digest_size=4).digest() for id in self.ids)
        return np.frombuffer(digests, dtype="<u4").astype(np.uint32)

    def draws(self, seed: int, items: Ints | slice = slice(None)) -> Floats:
        """A number in 0..1 for each of these items, drawn anew for each seed, the same for the same seed everywhere."""
        # MurmurHash3's finaliser (A. Appleby): every bit of the seed changes every draw.
        x = self.hashes[items] ^ np.uint32((seed ^ (seed >> 32)) & 0xFFFF_FFFF)
        x ^= x >> np.uint32(16)
        x *= np.uint32(0x85EBCA6B)
        x ^= x >> np.uint32(13)
        x *= np.uint32(0xC2B2AE35)
        x ^= x >> np.uint32(16)
        draws: Floats = (x >> np.uint32(8)).astype(np.float32)
        draws *= np.float32(2.0**-24)
        return draws

    def luck(self, seed: int, most: float) -> Floats:
        """1 to 1 + `most` for all items, by `draws`; remembered for the newest seeds, since each answer asks for it."""
        found = self._luck.get((seed, most))
        if found is None:
            if len(self._luck) * len(self) >= LUCK:
                del self._luck[next(iter(self._luck))]
            found = self._luck[seed, most] = 1.0 + most * self.draws(seed)
        return found

    def find(self, ids: Iterable[str]) -> Ints:
        """The items with these ids; ids that are not here are left out."""
        get = self.index.get
        return np.array([item for id in ids if (item := get(id)) is not None], dtype=np.int64)

    def sharpest(self, depth: int) -> tuple[Pool, Ints]:
        """The items worth looking at to measure ability: of each domain the most informative ones at each ability.

        Args:
            depth: how many of each domain at each ability of `GRID`.

        Returns:
            A pool of them, and their numbers in this one.
        """
        chosen = np.zeros(len(self), dtype=np.bool_)
        for start, end in pairwise(self.domain_bounds.tolist()):
            for theta in GRID if start < end else ():
                known = information(float(theta), self.a[start:end], self.b[start:end], self.c[start:end])
                chosen[start + np.argpartition(-known, min(depth, end - start) - 1)[:depth]] = True
        items = np.flatnonzero(chosen)
        ids, skills = [self.ids[i] for i in items.tolist()], [SKILLS[s] for s in self.skill[items].tolist()]
        # Sorted already, so the order stays.
        return Pool(
            ids, self.a[items], self.b[items], self.c[items], skills, self.band[items], self.seconds[items]
        ), items

    def per_item(self, by_skill: Any) -> Floats:
        """Each item's value of something that is known by skill, as 32-bit numbers."""
        repeated: Floats = np.asarray(by_skill, dtype=np.float32).take(self.skill)
        return repeated

    def without(self, allowed: Bools | None, ids: Iterable[str]) -> Bools:
        """A mask of the items: `allowed` (all when None) except those with these ids."""
        mask = np.ones(len(self), dtype=np.bool_) if allowed is None else allowed.copy()
        mask[self.find(ids)] = False
        return mask
