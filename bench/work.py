"""The work that every server does: events, payloads, and the secret that all of them check tokens with."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bonsai_core import Payload

#: Nothing is protected by it: the servers listen on the loopback interface for the time of a measurement.
SECRET = "a secret of the benchmark, of which nothing depends"  # noqa: S105

ROOM = "class:bench"

#: `bench:answer` and `bench:store`: an answer to a question, 97 bytes.
ANSWER = b'{"questionId":"alg-000123","correct":true,"timeSpent":31.5,"skill":"linear-equations","answer":"B"}'
#: `bench:say`: what all of a room get, 103 bytes.
SAY = b'{"from":"student-000042","kind":"message","text":"Why is the slope of the second line negative again?"}'


class Answer(Payload):
    """Payload of `bench:answer` and `bench:store`."""

    question_id: Annotated[str, Field(max_length=64)]
    correct: bool
    time_spent: Annotated[float, Field(ge=0)]
    skill: Annotated[str, Field(max_length=64)]
    answer: Annotated[str, Field(max_length=8)]


class Graded(Payload):
    """The ack of `bench:answer`."""

    correct: bool


class Say(Payload):
    """Payload of `bench:say`, and of `bench:said` to the room."""

    from_: Annotated[str, Field(alias="from", max_length=64)]
    kind: Annotated[str, Field(max_length=16)]
    text: Annotated[str, Field(max_length=256)]


class Progress(Payload):
    """What `bench:store` keeps and tells: a document of the session, and a message to its room."""

    answered: int = 0
    correct: int = 0
    streak: int = 0
