"""What goes over the wire: camelCase there, snake_case here."""

from __future__ import annotations

from typing import Annotated

from bonsai_core import Payload
from pydantic import Field

MOST = 1000


class Goal(Payload):
    """`daily_goal:set` from a client.

    Attributes:
        answers: that the student wants to give today.
    """

    answers: Annotated[int, Field(ge=1, le=MOST)]


class Progress(Payload):
    """`daily_goal:progress` to all of the student's devices, and the ack.

    Attributes:
        goal: 0 while none is set.
        answered: since midnight UTC.
    """

    goal: int = 0
    answered: int = 0
    reached: bool = False


class Answered(Payload):
    """`analytics:performance` as an analytics plugin emits it; of all its fields, what is needed here."""

    question_id: str
