"""Everything that the coach says without a question's own hints: strategies, hints by skill, nudges and replies.

The words are in the TOML files next to this one, which are read at first use:

    math, reading_writing   a table for each skill: short_name, title, when, steps, trap, example, hints
    test_taking             the same for what is no skill (pacing, guessing, test day), without hints
    nudges                  a table for each kind: values (what its texts may name), variants
    replies                 the same for each intent of a student's message
    intents                 how students put each intent: keywords, examples

A text names a value as `{skill}`, as `{count:question}` (the number with its noun: "1 question", "3 questions";
`{count:miss/misses}` where the plural is irregular) or as `{seconds:span}` ("45 seconds", "3 minutes").

What the values are, wherever a kind has them:

    skill       a topic of `TOPICS`, told by its short name; any other name is told as it is
    count       how many: wrong answers, tries, fast answers, right answers in a row, questions due
    seconds     a time: spent on this question, per fast answer, or practised so far
    percent     0..100: time over plan, or the share of right answers
    correct, answered   of the session, with answered at least 1
    days        whole days since the student was here, or since they missed the question that is due
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from bonsai_core import Payload
from bonsai_core.domain import SKILLS

#: All that `strategy` knows: the skills of the test, then what is no skill.
TOPICS: tuple[str, ...] = (*SKILLS, "pacing", "guessing", "test day")


class Strategy(Payload, frozen=True):
    """How a good tutor would teach one topic, as `coaching:strategy` carries it.

    Attributes:
        skill: a topic of `TOPICS`.
        when: how to tell that it applies.
        steps: three to six.
        trap: the mistake that costs most.
        example: a worked one, with its own numbers or its own short text.
    """

    skill: str
    title: str
    when: str
    steps: list[str]
    trap: str
    example: str


@dataclass(frozen=True, slots=True)
class Patterns:
    """How students put an intent.

    Attributes:
        keywords: words or phrases in lower case, without punctuation (`dont`, not `don't`), each of which tells this
            intent from all others when it stands in a message as whole words.
        examples: messages as students type them, with their slips.
    """

    keywords: tuple[str, ...]
    examples: tuple[str, ...]


def strategy(topic: str) -> Strategy:
    """The strategy of a topic of `TOPICS`.

    Raises:
        KeyError: there is no such topic.
    """
    entry = _topics()[topic]
    return Strategy(skill=topic, **{name: entry[name] for name in ("title", "when", "steps", "trap", "example")})


def short_name(topic: str) -> str:
    """What a tutor calls a topic in speech, such as `margin of error`.

    Raises:
        KeyError: there is no such topic.
    """
    name: str = _topics()[topic]["short_name"]
    return name


def skill_hints(skill: str) -> tuple[str, str, str]:
    """Goal, strategy and partial step for a question of which only the skill is known.

    They fit every question of the skill, and hold no number, so no answer.

    Raises:
        KeyError: no such skill of `bonsai_core.domain.SKILLS`.
    """
    if skill not in SKILLS:
        raise KeyError(skill)
    goal, approach, start = _topics()[skill]["hints"]
    return goal, approach, start


def kinds() -> tuple[str, ...]:
    """The kinds of nudges."""
    return tuple(_read("nudges"))


def variants(kind: str) -> int:
    """How many texts a kind of nudge has.

    Raises:
        KeyError: there is no such kind.
    """
    return len(_read("nudges")[kind]["variants"])


def placeholders(kind: str) -> frozenset[str]:
    """The values that the texts of a kind of nudge may name.

    Raises:
        KeyError: there is no such kind.
    """
    return frozenset(_read("nudges")[kind]["values"])


def nudge(kind: str, variant: int, **values: str | float | None) -> str:
    """A text that the coach sends unasked.

    Args:
        variant: which of the kind's texts; it counts through those whose values are all given, and wraps around.
        values: those of `placeholders(kind)` that are known. A value of None is not given; one more does no harm.

    Raises:
        KeyError: there is no such kind.
    """
    return _render(_read("nudges")[kind]["variants"], variant, values)


def reply_variants(intent: str) -> int:
    """How many replies an intent has.

    Raises:
        KeyError: there is no such intent.
    """
    return len(_read("replies")[intent]["variants"])


def reply_placeholders(intent: str) -> frozenset[str]:
    """The values that the replies to an intent may name.

    Raises:
        KeyError: there is no such intent.
    """
    return frozenset(_read("replies")[intent]["values"])


def reply(intent: str, variant: int, **values: str | float | None) -> str:
    """An answer to a student's own message, with `variant` and `values` as for `nudge`.

    `how_am_i_doing` with nothing answered yet is replied to as `no_answers_yet`.

    Raises:
        KeyError: there is no such intent.
    """
    if intent == "how_am_i_doing" and not values.get("answered"):
        intent = "no_answers_yet"
    return _render(_read("replies")[intent]["variants"], variant, values)


def intents() -> dict[str, Patterns]:
    """How students put each intent, those first that matter most when a message fits several."""
    return {
        name: Patterns(tuple(entry["keywords"]), tuple(entry["examples"])) for name, entry in _read("intents").items()
    }


class _Template(string.Formatter):
    """Numbers are told rounded, with their noun or as a time when the text says so."""

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, str):
            return value
        if format_spec == "span":
            return _counted(value, "second") if value < 100 else _counted(value / 60, "minute")
        return _counted(value, format_spec) if format_spec else str(round(value))


def _counted(value: float, noun: str) -> str:
    singular, _, plural = noun.partition("/")
    number = round(value)
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


_template = _Template()


def _names(text: str) -> set[str]:
    return {name for _, name, _, _ in _template.parse(text) if name}


def _render(texts: list[str], variant: int, values: Mapping[str, str | float | None]) -> str:
    given = {name: value for name, value in values.items() if value is not None}
    if given.get("skill") in TOPICS:
        given["skill"] = short_name(str(given["skill"]))
    fitting = [text for text in texts if _names(text) <= given.keys()]
    return _template.vformat(fitting[variant % len(fitting)], (), given)


@cache
def _topics() -> dict[str, Any]:
    return _read("math") | _read("reading_writing") | _read("test_taking")


@cache
def _read(name: str) -> dict[str, Any]:
    import tomllib
    from importlib.resources import files

    return tomllib.loads(files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))
