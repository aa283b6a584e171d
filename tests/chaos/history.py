"""Checks what a chaos run left behind: what was sent, what took effect, what each device was shown. Pure.

The effects of a session, in the order in which they were committed, are the truth that every device is held against:
each of them has one room message, so a device that was always recovered must have been shown exactly this list.

Source of the idea: the history checkers of Jepsen (https://jepsen.io) and of centrifuge's stress runs.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

#: One message: which client sent it, and its number, rising from 1 within that client.
Item = tuple[str, int]

#: Problems of one kind that are told in words; all are counted.
MAX_TOLD = 5


@dataclass(frozen=True)
class JoinedRoom:
    """The server took the device in and said where the room is."""

    offset: int
    recovered: bool
    epoch: str = ""


@dataclass(frozen=True)
class Shown:
    """The device was shown a room message."""

    offset: int
    item: Item


@dataclass
class DeviceHistory:
    """What one device did and saw.

    Attributes:
        sent: the numbers that it sent, in order.
        answers: for each answered number, the number that the ack's data named; one entry for every ack.
        refused: numbers that were answered with an error, and its code.
        seen: joins and room messages, in the order of their delivery.
        healed: how often its client got a message too much, or found one missing and joined again.
    """

    client: str
    sent: list[int] = field(default_factory=list)
    answers: list[tuple[int, int]] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    seen: list[JoinedRoom | Shown] = field(default_factory=list)
    healed: int = 0


@dataclass
class SessionHistory:
    """A session after the run.

    Attributes:
        effects: the committed records, in order.
        counted: the document that counts effects by client.
        end: the last offset of the session's room.
    """

    session: str
    devices: list[DeviceHistory]
    effects: list[Item] = field(default_factory=list)
    counted: dict[str, int] = field(default_factory=dict)
    end: int = 0
    epoch: str = ""


@dataclass
class Verdict:
    """What is wrong, counted by kind. All zero: every promise was kept.

    Attributes:
        lost: a message without an effect, an effect that a device was never shown.
        doubled: an effect that happened twice, a message that a device was shown twice.
        reordered: effects or messages out of order.
        invented: effects, messages or answers that nobody asked for.
        torn: a document and a record of one unit of work that disagree.
        refused: messages answered with an error.
        healed: faults of the server that clients made up for: offsets repeated or missing on one connection.
        declared: messages that devices were told they had missed (`recovered: false`); this is no fault.
    """

    lost: int = 0
    doubled: int = 0
    reordered: int = 0
    invented: int = 0
    torn: int = 0
    refused: int = 0
    healed: int = 0
    declared: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not (
            self.lost or self.doubled or self.reordered or self.invented or self.torn or self.refused or self.healed
        )

    def add(self, kind: str, count: int, problem: str) -> None:
        """Count a problem of a kind, and tell the first few of each."""
        if count <= 0:
            return
        before = getattr(self, kind)
        setattr(self, kind, before + count)
        if sum(problem_.startswith(kind) for problem_ in self.problems) < MAX_TOLD:
            self.problems.append(f"{kind}: {problem}")


def check(sessions: Iterable[SessionHistory]) -> Verdict:
    """Hold every session against the promises."""
    verdict = Verdict()
    for session in sessions:
        _check_effects(session, verdict)
        for device in session.devices:
            _check_answers(session, device, verdict)
            _check_device(session, device, verdict)
    return verdict


def _check_effects(session: SessionHistory, verdict: Verdict) -> None:
    """Every message sent took effect once, in the order in which its client sent it."""
    name = session.session
    happened = Counter(session.effects)
    sent = {(device.client, number) for device in session.devices for number in device.sent}
    for item in sent:
        count = happened.get(item, 0)
        verdict.add("lost", 1 - count, f"{name}: {item} never took effect")
        verdict.add("doubled", count - 1, f"{name}: {item} took effect {count} times")
    for item in happened.keys() - sent:
        verdict.add("invented", happened[item], f"{name}: nobody sent {item}")
    newest: dict[str, int] = {}
    first: set[Item] = set()
    for client, number in session.effects:
        if (client, number) in first:
            continue  # counted as doubled
        first.add((client, number))
        if number < newest.get(client, 0):
            verdict.add("reordered", 1, f"{name}: {client} sent {number} before {newest[client]}, it took effect after")
        newest[client] = max(newest.get(client, 0), number)
    recorded = Counter(client for client, _ in session.effects)
    for client in recorded.keys() | session.counted.keys():
        difference = abs(recorded[client] - session.counted.get(client, 0))
        verdict.add(
            "torn", difference, f"{name}: {recorded[client]} records of {client}, but {session.counted} counted"
        )


def _check_answers(session: SessionHistory, device: DeviceHistory, verdict: Verdict) -> None:
    """Every message was answered, with its own answer."""
    name = f"{session.session}/{device.client}"
    for number, code in device.refused:
        verdict.add("refused", 1, f"{name}: {number} was answered {code}")
    answered = {number for number, _ in device.answers} | {number for number, _ in device.refused}
    verdict.add("lost", len(set(device.sent) - answered), f"{name}: messages without an answer")
    for number, named in device.answers:
        verdict.add("invented", int(number != named), f"{name}: {number} got the answer to {named}")
    verdict.add("healed", device.healed, f"{name}: its client made up for a message missing or doubled")


def _check_device(session: SessionHistory, device: DeviceHistory, verdict: Verdict) -> None:
    """The device was shown every effect once and in order, but for what it was told that it missed."""
    name = f"{session.session}/{device.client}"
    _check_offsets(name, device.seen, session.end, verdict)
    places: dict[Item, deque[int]] = {}
    for place, item in enumerate(session.effects):
        places.setdefault(item, deque()).append(place)
    at = 0  # so many effects were shown, excused or counted as lost
    excuse = 0  # so many messages the device was told it has missed, since the last one shown
    offset = 0
    epoch = ""
    skipped: set[int] = set()
    for event in device.seen:
        if isinstance(event, JoinedRoom):
            if not event.recovered:
                # Offsets of another epoch say nothing about how many were missed: any number.
                missed = max(0, event.offset - offset) if event.epoch == epoch else len(session.effects)
                excuse += missed
                offset, epoch = event.offset, event.epoch
            continue
        offset = max(offset, event.offset)
        ahead = places.get(event.item)
        if ahead is None:
            verdict.add("invented", 1, f"{name}: was shown {event.item}, which never took effect")
        elif not ahead:
            verdict.add("doubled", 1, f"{name}: was shown {event.item} again")
        elif (place := ahead.popleft()) < at:
            verdict.add("reordered", 1, f"{name}: was shown {event.item} after later ones")
            skipped.discard(place)
        else:
            verdict.declared += min(excuse, place - at)
            skipped.update(range(at + min(excuse, place - at), place))
            at, excuse = place + 1, 0
    verdict.declared += min(excuse, len(session.effects) - at)
    skipped.update(range(at + min(excuse, len(session.effects) - at), len(session.effects)))
    if skipped:
        missing = session.effects[min(skipped)]
        verdict.add("lost", len(skipped), f"{name}: was never shown {missing} (and {len(skipped) - 1} more)")


def _check_offsets(name: str, seen: Sequence[JoinedRoom | Shown], end: int, verdict: Verdict) -> None:
    """Offsets have no holes and no repeats, whatever the messages say."""
    offset: int | None = None
    for event in seen:
        if isinstance(event, JoinedRoom):
            if event.recovered and offset is None:
                verdict.add("invented", 1, f"{name}: recovered, though it was never there")
            if not event.recovered:
                offset = event.offset
            continue
        if offset is None:
            verdict.add("invented", 1, f"{name}: was shown a message before it joined")
        elif event.offset <= offset:
            verdict.add("doubled", 1, f"{name}: was shown offset {event.offset} after {offset}")
            continue
        elif event.offset > offset + 1:
            verdict.add("lost", event.offset - offset - 1, f"{name}: was shown offset {event.offset} after {offset}")
        offset = event.offset
    if offset is not None:
        verdict.add("lost", end - offset, f"{name}: was shown nothing after offset {offset} of {end}")
