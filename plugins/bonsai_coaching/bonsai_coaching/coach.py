"""The coach: takes facts in, one after another, and says at most one thing about each. No session, no clock, no I/O.

coach = Coach(read_rules())
nudge = coach.see(watch, student, AnswerFact(question_id="q1", correct=False, skill="Circles"), now)
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from bonsai_coaching import actions, facts, signals, texts
from bonsai_coaching.budget import Budget, said
from bonsai_coaching.events import Action, MessageType, Priority
from bonsai_coaching.rules import Fact, Rule, RuleError, Signals, in_order
from bonsai_coaching.watch import Student, Watch

log = logging.getLogger("bonsai.coaching")

#: When time is looked at again, for rules on `tick` that do not say when: in ms.
TICK_MS = 60_000

_Take = Callable[[Watch, Student, Any, int], signals.Made | None]
#: By model: how a fact is taken in, and what rules call it.
_FACTS: dict[type[BaseModel], tuple[_Take, Fact | None]] = {
    facts.ConnectFact: (signals.connect, "connect"),
    facts.ListFact: (signals.listed, "shown"),
    facts.ShownFact: (signals.shown, "shown"),
    facts.AnswerFact: (signals.answer, "answer"),
    facts.MasteryFact: (signals.mastery, "mastery"),
    facts.HintFact: (signals.hint, None),
    facts.TickFact: (signals.tick, "tick"),
    facts.EndFact: (signals.end, "end"),
}


@dataclass(frozen=True, slots=True)
class Nudge:
    """What the coach has to say."""

    kind: str
    type: MessageType
    priority: Priority
    message: str
    reason: str
    actions: list[Action]
    question_id: str | None
    skill: str | None


class Coach:
    """Rules, put to work.

    Args:
        rules: in order of precedence within their priority.
        budget: how much may be said.

    Raises:
        RuleError: a rule needs texts or actions that there are not.
    """

    def __init__(self, rules: Iterable[Rule], budget: Budget | None = None) -> None:
        self.rules = list(rules)
        for rule in self.rules:
            check(rule)
        self.budget = budget or Budget()
        self._by_fact = in_order(self.rules)
        #: Between which multiples of a question's usual time the rules on `tick` may speak.
        ratios = [rule.when.get("idle_ratio") for rule in self._by_fact.get("tick", ())]
        self._idle = [(ratio.least(), ratio.most()) if ratio is not None else (None, None) for ratio in ratios]

    def see(self, watch: Watch, student: Student, fact: BaseModel, now: int) -> Nudge | None:
        """Take a fact in, and say what is to be said about it, if anything. Changes both documents.

        Args:
            now: ms since the epoch.
        """
        take, name = _FACTS[type(fact)]
        made = take(watch, student, fact, now)
        if made is None or name is None or watch.quiet(now):
            return None
        known = {**signals.common(watch, now), **made}
        for rule in self._by_fact.get(name, ()):
            nudge = self._try(rule, known, watch, student, now)
            if nudge is not None:
                return nudge
        return None

    def due(self, watch: Watch, now: int) -> int | None:
        """When to look at the time next, in ms since the epoch; None when nothing can come of it."""
        question = watch.shown
        if question is None or not self._idle or watch.quiet(now):
            return None
        usual = question.usual_seconds * 1000
        moments = []
        for least, most in self._idle:
            if most is not None and now >= question.at + most * usual:
                continue
            moment = question.at + round(least * usual) if least is not None else 0
            moments.append(max(moment, now + TICK_MS) if moment <= now else moment)
        return min(moments, default=None)

    def _try(self, rule: Rule, known: Signals, watch: Watch, student: Student, now: int) -> Nudge | None:
        values = rule.holds(known)
        if values is None:
            return None
        question, skill = _text(values.get("question")), _text(values.get("skill"))
        subject = {"question": question, "skill": skill}.get(rule.once or "", "") or ""
        if not self.budget.allows(rule, subject, watch, student, now):
            return None
        try:
            words = self._words(rule, values, watch, student)
            reason = rule.why.format_map(_spoken(values))
        except (KeyError, ValueError, IndexError, AttributeError, TypeError) as error:
            log.warning("the texts of the trigger %s do not fit its signals: %s", rule.kind, type(error).__name__)
            return None
        if words is None:
            return None
        self.budget.spend(rule, subject, words, watch, student, now)
        buttons = actions.make(rule.actions, question, skill)
        return Nudge(rule.kind, rule.type, rule.priority, words, reason, buttons, question, skill)

    def _words(self, rule: Rule, values: Signals, watch: Watch, student: Student) -> str | None:
        """The first of the rule's texts, from where the last one left off, that was not said in this session."""
        told = student.told.get(rule.kind, 0)
        named = {**values, **{name: values.get(signal) for name, signal in rule.values.items()}}
        count = len(rule.texts) or texts.variants(rule.kind)
        for variant in range(told, told + count):
            if rule.texts:
                text = rule.texts[variant % count].format_map(_spoken(named))
            else:
                text = texts.nudge(rule.kind, variant, **named)
            if not said(watch.ledger, text):
                return text
        return None


def check(rule: Rule) -> None:
    """That everything is there that a rule needs.

    Raises:
        RuleError: it is not.
    """
    for name in rule.actions:
        if isinstance(name, str) and name not in actions.ACTIONS:
            raise RuleError(f"{rule.kind}: no action {name!r}; there are {', '.join(actions.ACTIONS)}")
    if not rule.texts and rule.kind not in texts.kinds():
        raise RuleError(f"{rule.kind}: it has no texts, and there are none for this kind")


def _spoken(values: Signals) -> Signals:
    """The values, with the skill called as people call it."""
    skill = values.get("skill")
    return {**values, "skill": called(skill)} if isinstance(skill, str) else values


def called(skill: str) -> str:
    """What people call a skill; one that is none of the test is called as it is."""
    return texts.short_name(skill) if skill in texts.TOPICS else skill


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
