"""What authors of questions use: drafts, templates, and proofs that a program checks.

A template is a function that makes one draft from a random generator. It is declared with its skill and how many
questions it shall make; the build calls it with seeded generators until it has that many different ones:

    @template("Linear equations in one variable", count=8)
    def one_step(rng: random.Random) -> Draft:
        ...
        return Draft(
            stem=f"If {a}x + {b} = {c}, what is the value of x?",
            answer=str(x),
            wrong=[Wrong(str(x + 1), "You subtracted ...", proof="...")],
            ...
        )
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Wrong:
    """A wrong choice.

    Attributes:
        text: what the student reads.
        misconception: the named mistake that leads to it, said to the student: one or two sentences, what was done and
            why that is wrong, without giving the right answer.
    """

    text: str
    misconception: str


@dataclass(frozen=True, slots=True)
class Proof:
    """How a program finds the answer again, by another way than the template did.

    Attributes:
        kind: which checker of `authoring/proofs.py` to use:
            `value`: the sympy expression `given["expression"]` has the answer's value;
            `solve`: `given["equations"]` (list, each "lhs = rhs") solved for the symbols have exactly one solution in
            which the expression `given["ask"]` has the answer's value (with `given["positive"]` only positive ones);
            `roots`: every value of `given["ask"]` over all real solutions is an accepted answer;
            `equivalent`: the answer is an expression equal to `given["expression"]` for all values, wrong ones not;
            `satisfies`: substituting the answer's point or value into all of `given["relations"]` holds, and each wrong
            one breaks at least one;
            `statistics`: `given["measure"]` (mean, median, range, sd, ...) of `given["data"]` is the answer;
            `count`: the answer is a proportion or number of outcomes of `given["table"]`;
            `ratio`: the chain of operations in `given["steps"]` leads from `given["start"]` to the answer;
            `geometry`: the length, area, angle, volume or circle follows from `given["data"]`;
            `judgement`: by the rule `given["rule"]`, what the right choice claims follows from `given["facts"]`;
            `editor`: the right text was marked by its author, and the rules named in `given["rules"]` hold for it and
            are broken by each wrong one (Reading and Writing).
        given: JSON-able.
    """

    kind: str
    given: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Draft:
    """A question before it gets its id and the order of its choices.

    Attributes:
        stem: what is asked. Mathematics as plain Unicode text (x², √, −, ≤, fractions as a/b), as students read it.
        answer: the right choice's text; or for a typed answer (`wrong` empty) the value, such as `3/4`.
        wrong: three wrong choices for multiple choice, best first; more are spares, with which the build spreads the
            right choices over the letters. None for a typed answer.
        also: further accepted forms of a typed answer that differ in value (a second root).
        rationale: why the answer is right: two to five sentences.
        band: difficulty 1 (easiest) to 7.
        hints: four rungs: goal, strategy, partial step, worked solution. Only the fourth gives the answer.
        strategy: the approach for this kind of question, one or two sentences.
        passage: the text that the question is about.
        figure: an SVG document (`authoring/figures.py`).
        expected_seconds: usual time; default from the band and section.
        discrimination: IRT slope; default 1.0.
        proof: how a program checks the answer.

    Choices that are all numbers are put in order, as the test does; others are shuffled.
    """

    stem: str
    answer: str
    wrong: Sequence[Wrong]
    rationale: str
    band: int
    hints: tuple[str, str, str, str]
    strategy: str
    proof: Proof
    also: Sequence[str] = ()
    passage: str | None = None
    figure: str | None = None
    expected_seconds: float | None = None
    discrimination: float = 1.0


@dataclass(frozen=True, slots=True)
class Template:
    """A declared template."""

    name: str
    skill: str
    count: int
    make: Callable[[random.Random], Draft]


@dataclass
class Registry:
    """All declared templates, in order of declaration."""

    templates: list[Template] = field(default_factory=list)


REGISTRY = Registry()


class Unusable(Exception):
    """Raised by a template when the drawn numbers make no good question; the build draws again."""


class ProofError(AssertionError):
    """Raised by a checker of proofs: the answer is not what it claims to be, or a wrong choice is right too."""


def template(
    skill: str, *, count: int
) -> Callable[[Callable[[random.Random], Draft]], Callable[[random.Random], Draft]]:
    """Declare a template that makes `count` questions of `skill`."""

    def declare(make: Callable[[random.Random], Draft]) -> Callable[[random.Random], Draft]:
        name = f"{make.__module__.rpartition('.')[2]}.{make.__name__}"
        REGISTRY.templates.append(Template(name, skill, count, make))
        return make

    return declare


def fixed(skill: str, drafts: Sequence[Draft], *, name: str) -> None:
    """Declare hand-written questions, as Reading and Writing has them."""

    def always(draft: Draft) -> Callable[[random.Random], Draft]:
        return lambda _: draft

    REGISTRY.templates += [Template(f"{name}.{number}", skill, 1, always(draft)) for number, draft in enumerate(drafts)]
