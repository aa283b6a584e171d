"""The questions of all banks as workers get them, to recognise one that a student shows: without what answers it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from typing import Any

from bonsai_core import Question

log = logging.getLogger("bonsai.vision")

#: What would give a question away.
HIDDEN = {"answers", "rationale", "hints"}


def collect(banks: Iterable[tuple[str, Iterable[Question] | None]]) -> tuple[int, bytes]:
    """How many questions there are, and all of them as JSON. Blocks: banks may read files.

    A bank that fails costs only its own questions; of several questions with one id the first counts.
    """
    questions: dict[str, dict[str, Any]] = {}
    for name, bank in banks:
        try:
            for question in bank or ():
                questions.setdefault(question.id, _shown(question))
        except Exception as error:
            log.error("the questions of %s cannot be read: %s", name, type(error).__name__)
    return len(questions), json.dumps(list(questions.values())).encode()


def _shown(question: Question) -> dict[str, Any]:
    shown = question.model_dump(mode="json", by_alias=True, exclude=HIDDEN, exclude_none=True)
    for choice in shown["choices"]:
        choice.pop("misconception", None)
    return shown
