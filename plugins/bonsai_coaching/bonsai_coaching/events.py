"""Payloads of the `coaching:*` events: camelCase on the wire, times in ms since the epoch unless a name says more."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from bonsai_core import Payload

Name = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Written = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]

MessageType = Literal["hint", "strategy", "encouragement", "warning", "insight"]
Priority = Literal["low", "medium", "high"]
#: Whose words a message is.
Sender = Literal["coach", "tutor", "student"]
#: What a hint is: a rung of the ladder, or why the chosen wrong answer is wrong.
HintKind = Literal["goal", "strategy", "step", "solution", "misconception"]


# Hints and strategies


class HintRequest(Payload):
    """`coaching:hint` from a client: the next rung, or one that was shown before.

    Attributes:
        rung: from 1; none for the next.
        skill: what the question is about, for one that no bank knows and nobody analysed.
    """

    question_id: Name
    rung: Annotated[int, Field(ge=1, le=100)] | None = None
    skill: Name | None = None


class Hint(Payload):
    """`coaching:hint` as the ack and to all devices of the session.

    Attributes:
        rung: how many rungs have been shown with this one; a misconception is no rung, so it may be 0.
        rungs: how many there are.
        last: this is the worked solution; there is no other rung.
        next_in_ms: how long until the next rung may be asked for.
    """

    question_id: str
    rung: int
    rungs: int
    text: str
    last: bool
    kind: HintKind
    next_in_ms: int | None = None


class StrategyRequest(Payload):
    """`coaching:strategy` from a client: of a question, or of a skill or topic by its name."""

    question_id: Name | None = None
    skill: Name | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.question_id is None and self.skill is None:
            raise ValueError("give questionId or skill")
        return self


# Messages


class Action(Payload):
    """A button under a message.

    Attributes:
        action: what it is for, such as `open_strategy`; a front end may have its own way of doing it.
        label: what to write on it.
        event, data: what to send when it is pressed; none for what the front end does itself, such as a break.
    """

    action: Name
    label: str
    event: str | None = None
    data: dict[str, Any] | None = None


class Message(Payload):
    """`coaching:message` to all of the student's devices.

    An answer that is being written comes several times under one id: unlogged with `part` 1, 2, ... and all of the text
    so far, then once more, complete and without `part`.

    Attributes:
        reason: why it came.
        kind: the trigger, or the intent that it answers.
        author: the tutor's userId.
        unread: how many messages are unread, with this one.
    """

    id: str
    type: MessageType
    priority: Priority
    message: str
    actions: list[Action] | None = None
    question_id: str | None = None
    created_at: int
    is_read: bool
    reason: str
    kind: str | None = None
    sender: Sender = "coach"
    author: str | None = None
    session_id: str | None = None
    unread: int | None = None
    part: int | None = None


class Post(Payload):
    """`coaching:message` from a client: a student's words to the coach; a tutor's to a student.

    Attributes:
        question_id: what a student's words are about; default is the question before them.
        user_id: the student that a tutor writes to.
        session_id: of that student; default is the one they joined last.
        type, priority: of a tutor's message.
    """

    text: Written
    question_id: Name | None = None
    user_id: Name | None = None
    session_id: Name | None = None
    type: MessageType = "insight"
    priority: Priority = "high"


class Posted(Payload):
    """The ack of `coaching:message`.

    Attributes:
        id: of the message as it was kept.
        reply: id of the coach's answer, which comes as a `coaching:message`; none for a tutor's message.
    """

    id: str
    reply: str | None = None


class Said(Payload):
    """`coaching:said` to all of the student's devices: what the student wrote to the coach."""

    id: str
    text: str
    created_at: int
    client_id: str
    question_id: str | None = None


class ReadRequest(Payload):
    """`coaching:read` from a client. Without `ids`: all of them."""

    ids: Annotated[list[Name], Field(max_length=1000)] | None = None


class Read(Payload):
    """`coaching:read` to all of the student's devices: what was read, and how many are not."""

    ids: list[str]
    unread: int


class HistoryRequest(Payload):
    """`coaching:history` from a client.

    Attributes:
        before: `before` of the page after it in time; none for the newest.
    """

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    before: Annotated[int, Field(ge=1)] | None = None


class History(Payload):
    """`coaching:history`: messages, oldest first.

    Attributes:
        before: what to ask with for the page before; none when this is the first.
    """

    messages: list[Message]
    unread: int
    before: int | None = None


class State(Payload):
    """`coaching:state` to a device that joins, and as the ack of a client's `coaching:state`.

    Attributes:
        messages: the newest, oldest first.
        quiet: a timed module is under way: the coach gives no help.
    """

    unread: int
    messages: list[Message]
    quiet: bool


class Focus(Payload):
    """`coaching:focus` from a client: the question that is now before the student, so that its time can be counted.

    Attributes:
        skill, expected_seconds: of a question that no bank knows.
    """

    question_id: Name
    skill: Name | None = None
    expected_seconds: Annotated[float, Field(gt=0, le=3600)] | None = None


# Tutors


class WatchRequest(Payload):
    """`coaching:watch` and `coaching:unwatch` from a tutor's client.

    Attributes:
        user_id: the student.
        session_id: of that student; default is the one they joined last.
    """

    user_id: Name
    session_id: Name | None = None


class Progress(Payload):
    """How the student's session goes."""

    answered: int
    right: int
    minutes: float
    hints: int
    question_id: str | None = None


class Watching(Payload):
    """The ack of `coaching:watch`: from now on the device gets what the student's devices get.

    Attributes:
        rooms: those that it is in now.
        messages, unread: of the student, as a device of theirs would see them.
    """

    user_id: str
    session_id: str
    rooms: list[str]
    messages: list[Message]
    unread: int
    progress: Progress


# At the end


class Summary(Payload):
    """This plugin's part of the summary of `session:end`.

    Attributes:
        hints: rungs asked for.
        messages: nudges sent.
        strong, weak: the skills that went best and worst, from three answers on.
        advice: one sentence on what to do next.
    """

    hints: int
    messages: int
    strong: str | None = None
    weak: str | None = None
    advice: str
