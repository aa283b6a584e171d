"""What makes the coach speak: rules as data, read from `rules.toml` and from plugins, and checked when they are read.

A rule is looked at when something happened (`on`), on signals: plain values that `signals.py` makes of a session.
"""

from __future__ import annotations

import logging
import operator
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from bonsai_coaching.events import Action, MessageType, Priority

log = logging.getLogger("bonsai.coaching")

Signal = bool | int | float | str | None
Signals = Mapping[str, Signal]
#: What happened: a device joined, a question came before the student, an answer, new mastery, time, the session's end.
Fact = Literal["connect", "shown", "answer", "mastery", "tick", "end"]
Scope = Literal["session", "question", "skill"]

#: The rules that come with the package.
SHIPPED = Path(__file__).with_name("rules.toml")

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_BOUND = re.compile(r"\s*(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?)\s*")
_RANK = {"high": 0, "medium": 1, "low": 2}


class Condition(BaseModel):
    """What a signal must be: a value; one of a list of values; or within bounds, as `">= 2"` or `">= 2, < 10"`."""

    model_config = ConfigDict(frozen=True)

    values: tuple[Signal, ...] = ()
    bounds: tuple[tuple[str, float], ...] = ()

    def test(self) -> Callable[[Signal], bool]:
        """A function that says whether a signal meets it; one that is not known meets none."""
        values = self.values
        if not self.bounds:
            return lambda signal: signal is not None and signal in values
        bounds = [(_COMPARE[operator], bound) for operator, bound in self.bounds]

        def within(signal: Signal) -> bool:
            if signal is None or isinstance(signal, str):
                return False
            for compare, bound in bounds:  # noqa: SIM110 - a loop is quicker, and each answer asks some forty times
                if not compare(signal, bound):
                    return False
            return True

        return within

    def least(self) -> float | None:
        """The highest lower bound."""
        return max((bound for operator, bound in self.bounds if operator in (">", ">=")), default=None)

    def most(self) -> float | None:
        """The lowest upper bound."""
        return min((bound for operator, bound in self.bounds if operator in ("<", "<=")), default=None)

    def __str__(self) -> str:
        if self.bounds:
            return ", ".join(f"{operator} {bound:g}" for operator, bound in self.bounds)
        return " or ".join(str(value).lower() if isinstance(value, bool) else str(value) for value in self.values)


def _read_condition(value: Any) -> Any:
    if isinstance(value, Condition):
        return value
    if isinstance(value, str):
        bounds = [_BOUND.fullmatch(part) for part in value.split(",")]
        if all(bounds):
            return Condition(bounds=tuple((bound[1], float(bound[2])) for bound in bounds if bound))
    if isinstance(value, list | bool | int | float | str):
        return Condition(values=tuple(value) if isinstance(value, list) else (value,))
    raise ValueError("a condition is a value, a list of values, or bounds such as '>= 2, < 10'")


def _list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class Rule(BaseModel):
    """One trigger.

    Attributes:
        kind: what it is called on the wire; rules of one kind share texts, cooldown and `once`.
        on: the facts at which it is looked at.
        when: conditions on signals; all must hold.
        type, priority: of the message. When several rules hold at once, the highest priority speaks, then the first.
        cooldown_minutes: how long the kind is silent after it spoke.
        once: at most once for each `session`, `question` or `skill`.
        rest_days: how long it is silent after it spoke, over sessions; for `once = "skill"`, about that skill.
        nudge: counts against the budget of nudges; messages that open or close a session do not.
        actions: names of `actions.py`, or actions in full.
        values: what the texts name, by the signal that gives it; a signal's own name always works.
        why: the message's `reason`, with signals in braces.
        texts: of a plugin's rule: its variants, with signals in braces. Built-in kinds have theirs in `texts`.
        predicate: a plugin's last word; see `hookspecs.py`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Name
    on: Annotated[list[Fact], BeforeValidator(_list), Field(min_length=1)]
    when: dict[str, Annotated[Condition, BeforeValidator(_read_condition)]] = {}
    type: MessageType
    priority: Priority = "medium"
    cooldown_minutes: Annotated[float, Field(ge=0)] = 10.0
    once: Scope | None = None
    rest_days: Annotated[float, Field(ge=0, le=3650)] = 0.0
    nudge: bool = True
    actions: list[str | Action] = []
    values: dict[str, str] = {}
    why: Annotated[str, StringConstraints(min_length=1)]
    texts: list[Annotated[str, StringConstraints(min_length=1)]] = []
    predicate: Callable[[Signals], bool | Mapping[str, Signal]] | None = None

    @cached_property
    def _tests(self) -> list[tuple[str, Callable[[Signal], bool]]]:
        return [(name, condition.test()) for name, condition in self.when.items()]

    def holds(self, signals: Signals) -> Mapping[str, Signal] | None:
        """The values for its texts when it fires on these signals; None when it does not."""
        for name, test in self._tests:
            if not test(signals.get(name)):
                return None
        if self.predicate is None:
            return signals
        try:
            verdict = self.predicate(signals)
            return {**signals, **verdict} if isinstance(verdict, Mapping) else signals if verdict else None
        except Exception as error:
            log.warning("the predicate of the trigger %s failed: %s", self.kind, type(error).__name__)
            return None


class RuleError(Exception):
    """A rule is not valid; the message names it and says what is wrong."""


def read_rules(path: Path = SHIPPED) -> list[Rule]:
    """The rules of a TOML file.

    Raises:
        RuleError: the file cannot be read, or a rule in it is not valid.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RuleError(f"{path}: {error}") from None
    unknown = document.keys() - {"rule"}
    if unknown:
        raise RuleError(f"{path}: only [[rule]] tables may stand here, not {', '.join(sorted(unknown))}")
    return [make_rule(data, f"{path}, rule {number}") for number, data in enumerate(document.get("rule", ()), start=1)]


def make_rule(data: Any, where: str) -> Rule:
    """A rule of plain data.

    Args:
        where: how to call its place in errors.

    Raises:
        RuleError: it is not valid.
    """
    try:
        return Rule.model_validate(data)
    except ValidationError as error:
        kind = data.get("kind") if isinstance(data, Mapping) else None
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise RuleError(f"{where}{f' ({kind})' if isinstance(kind, str) else ''}: {faults}") from None


def in_order(rules: Iterable[Rule]) -> dict[Fact, list[Rule]]:
    """By fact, the rules that are looked at, in the order in which they may speak."""
    by_fact: dict[Fact, list[Rule]] = {}
    for rule in rules:
        for fact in rule.on:
            by_fact.setdefault(fact, []).append(rule)
    for listed in by_fact.values():
        listed.sort(key=lambda rule: _RANK[rule.priority])
    return by_fact
