"""The hook that this plugin defines: other packages bring triggers of their own.

A package that brings triggers is a plugin with this hook. It marks it as optional, so that it also loads where
bonsai-coaching is not installed:

    class AcmeCoach(Plugin):
        name = "acme_coach"

        @hookimpl(optionalhook=True)
        def add_triggers(self):
            return [
                {
                    "kind": "night_owl",
                    "on": "answer",
                    "when": {"answered": ">= 20"},
                    "type": "insight",
                    "texts": ["It is late, and you have done {answered} questions. Sleep helps you learn."],
                    "why": "You have answered {answered} questions.",
                    "once": "session",
                    "predicate": lambda signals: is_night(signals["now"]),
                }
            ]
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping
from typing import Any

import pluggy

from bonsai_core import hookimpl

_hookspec = pluggy.HookspecMarker(hookimpl.project_name)


class TriggerHooks:
    """Hooks that bonsai-coaching calls."""

    @_hookspec
    def add_triggers(self) -> Awaitable[Iterable[Mapping[str, Any]]] | Iterable[Mapping[str, Any]]:
        """Bring triggers. Called once, while the server starts.

        Returns:
            Rules as plain data with the fields of `bonsai_coaching.rules.Rule`, which are also those of `rules.toml`:
            they share budget, cooldowns and quiet times with the built-in ones. A rule brings its `texts`. Its
            `predicate`, if any, is called as `predicate(signals)` when its `when` holds, and says whether it fires:
            true or false, or a mapping of further values for the texts (an empty one is true). It must be quick, and
            sync. A rule that is not valid is left out and logged; a predicate that raises counts as false.
        """
        raise NotImplementedError
