"""The buttons under messages, by name: what they say and what pressing them sends."""

from __future__ import annotations

from collections.abc import Callable

from bonsai_coaching import texts
from bonsai_coaching.events import Action


def _get_hint(question_id: str | None, skill: str | None) -> Action | None:
    if question_id is None:
        return None
    return Action(action="get_hint", label="Get a hint", event="coaching:hint", data={"questionId": question_id})


def _open_strategy(question_id: str | None, skill: str | None) -> Action | None:
    if skill not in texts.TOPICS:
        return None
    return Action(action="open_strategy", label="Open the strategy", event="coaching:strategy", data={"skill": skill})


def _open_pacing(question_id: str | None, skill: str | None) -> Action:
    data = {"skill": "pacing"}
    return Action(action="open_strategy", label="Open the pacing tips", event="coaching:strategy", data=data)


def _next_question(question_id: str | None, skill: str | None) -> Action:
    return Action(action="next_question", label="Next question", event="recommendations:refresh", data={})


def _take_break(question_id: str | None, skill: str | None) -> Action:
    return Action(action="take_break", label="Take a break")


#: By name; a button that makes no sense without a question or skill is left out then.
ACTIONS: dict[str, Callable[[str | None, str | None], Action | None]] = {
    "get_hint": _get_hint,
    "open_strategy": _open_strategy,
    "open_pacing": _open_pacing,
    "next_question": _next_question,
    "take_break": _take_break,
}


def make(names: list[str | Action] | tuple[str, ...], question_id: str | None, skill: str | None) -> list[Action]:
    """The buttons of these names, for a question and a skill."""
    made = [name if isinstance(name, Action) else ACTIONS[name](question_id, skill) for name in names]
    return [action for action in made if action is not None]
