"""How much the coach may say: nudges per question, cooldowns, once-per limits, rest days, and no text twice."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from bonsai_coaching.rules import Rule
from bonsai_coaching.watch import DAY_MS, Ledger, Student, Watch

#: Hashes of texts kept per session, and rests per student.
SAID, RESTS = 400, 200


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits.

    Attributes:
        questions: of so many questions in a row, at most one brings a nudge.
    """

    questions: int = 3

    def allows(self, rule: Rule, subject: str, watch: Watch, student: Student, now: int) -> bool:
        """Whether a rule may speak now.

        Args:
            subject: the question or skill that the rule's `once` is about.
        """
        ledger = watch.ledger
        if rule.nudge and ledger.nudged_at is not None and watch.answered - ledger.nudged_at < self.questions:
            return False
        spoke = ledger.spoke.get(rule.kind)
        if spoke is not None and now - spoke < rule.cooldown_minutes * 60_000:
            return False
        if rule.once is not None and _key(rule, subject) in ledger.once:
            return False
        rested = student.rests.get(_rest_key(rule, subject))
        return rested is None or now - rested >= rule.rest_days * DAY_MS

    def spend(self, rule: Rule, subject: str, text: str, watch: Watch, student: Student, now: int) -> None:
        """Take down that a rule spoke."""
        ledger = watch.ledger
        if rule.nudge:
            ledger.nudged_at = watch.answered
            ledger.nudges += 1
        ledger.spoke[rule.kind] = now
        if rule.once is not None:
            ledger.once.append(_key(rule, subject))
        ledger.said = [*ledger.said[1 - SAID :], fingerprint(text)]
        student.told[rule.kind] = student.told.get(rule.kind, 0) + 1
        if rule.rest_days:
            key = _rest_key(rule, subject)
            student.rests.pop(key, None)
            student.rests[key] = now
            while len(student.rests) > RESTS:
                del student.rests[next(iter(student.rests))]
        student.touch()


def said(ledger: Ledger, text: str) -> bool:
    """Whether a text was said in this session."""
    return fingerprint(text) in ledger.said


def fingerprint(text: str) -> int:
    """By what a text is remembered."""
    return zlib.crc32(text.encode())


def _key(rule: Rule, subject: str) -> str:
    return rule.kind if rule.once == "session" else f"{rule.kind}:{subject}"


def _rest_key(rule: Rule, subject: str) -> str:
    return f"{rule.kind}:{subject}" if rule.once == "skill" else rule.kind
