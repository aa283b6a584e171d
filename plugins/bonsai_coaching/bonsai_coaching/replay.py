"""Recorded sessions: what happened, line by line, and when the coach is to speak; played without a server.

A recording is JSON Lines. Each line is one event as the plugin sees it, `at` in seconds, with its payload as `data`
and, where a rule is to fire, the kind in `expect`:

    {"at": 0, "event": "connect", "expect": "session_start"}
    {"at": 41, "event": "analytics:performance", "data": {"questionId": "q1", "correct": true, "timeSpent": 40}}
    {"at": 180, "event": "tick", "expect": "idle"}

The events are `connect`, `tick` and `session:end`, those that the plugin observes, and `coaching:focus` and
`coaching:hint`. A `note` may say what a line is for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bonsai_coaching.coach import Coach, Nudge
from bonsai_coaching.facts import (
    AnalyzedFact,
    AnswerFact,
    ConnectFact,
    EndFact,
    HintFact,
    ListFact,
    MasteryFact,
    ShownFact,
    TickFact,
)
from bonsai_coaching.hints import read
from bonsai_coaching.watch import Student, Watch, sitting

#: Where recordings begin, in ms since the epoch: 2025-01-01T00:00:00Z.
BEGIN_MS = 1_735_689_600_000


def _analysed(data: Any) -> ShownFact:
    fact = AnalyzedFact.model_validate(data)
    reading = read(fact.question_id, fact.analysis)
    return ShownFact(question_id=reading.id, skill=reading.skill, band=reading.band, seconds=reading.seconds)


def _focus(data: Any) -> ShownFact:
    fact = ShownFact.model_validate(data)
    fact.seconds = data.get("expectedSeconds", fact.seconds)
    return fact


_FACTS: dict[str, Callable[[Any], BaseModel]] = {
    "connect": ConnectFact.model_validate,
    "tick": TickFact.model_validate,
    "session:end": EndFact.model_validate,
    "analytics:performance": AnswerFact.model_validate,
    "analytics:update": MasteryFact.model_validate,
    "recommendations:update": ListFact.model_validate,
    "question:analyzed": _analysed,
    "coaching:focus": _focus,
    "coaching:hint": HintFact.model_validate,
}


class Line(BaseModel):
    """One event of a recording."""

    model_config = ConfigDict(extra="forbid")

    at: Annotated[float, Field(ge=0)]
    event: str
    data: dict[str, Any] = {}
    expect: str | None = None
    note: str | None = None


class RecordingError(Exception):
    """A recording cannot be read; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Played:
    """A line, and what the coach said."""

    number: int
    line: Line
    nudge: Nudge | None

    @property
    def as_expected(self) -> bool:
        """Whether the coach said what the line expects."""
        return (self.nudge.kind if self.nudge is not None else None) == self.line.expect


def read_recording(path: Path) -> list[Line]:
    """The lines of a recording.

    Raises:
        RecordingError: it cannot be read, or a line is not valid.
    """
    lines: list[Line] = []
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(f"{path}: {error}") from None
    for number, row in enumerate(text.splitlines(), start=1):
        try:
            line = Line.model_validate_json(row)
            if line.event not in _FACTS:
                raise RecordingError(f"{path}, line {number}: no event {line.event!r}; there are {', '.join(_FACTS)}")
            _ = fact_of(line)
        except ValidationError as error:
            fault = error.errors()[0]
            raise RecordingError(f"{path}, line {number}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}") from None
        if lines and line.at < lines[-1].at:
            raise RecordingError(f"{path}, line {number}: it is earlier than the line before it")
        lines.append(line)
    return lines


def play(coach: Coach, lines: list[Line]) -> Iterator[Played]:
    """Play a recording to a coach, for a student of whom nothing is known."""
    watch: Watch | None = None
    student = Student()
    for number, line in enumerate(lines, start=1):
        now = BEGIN_MS + round(line.at * 1000)
        watch, first = sitting(watch, now)
        fact = fact_of(line)
        if isinstance(fact, ConnectFact):
            fact = ConnectFact(session_id="recording", first=first)
        nudge = coach.see(watch, student, fact, now)
        if isinstance(fact, EndFact):
            watch = None
        yield Played(number, line, nudge)


def fact_of(line: Line) -> BaseModel:
    """What a line tells the coach."""
    return _FACTS[line.event](line.data)
