"""The hook that this plugin defines: other packages bring banks of questions.

A package that brings a bank is a plugin with this hook. It marks it as optional, so that it also loads where
bonsai-recs is not installed:

    class AcmeBank(Plugin):
        name = "acme_bank"

        @hookimpl(optionalhook=True)
        def add_questions(self):
            return read_my_questions()  # an iterable of bonsai_core.Question, perhaps a generator
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable

import pluggy

from bonsai_core import Question, hookimpl

_hookspec = pluggy.HookspecMarker(hookimpl.project_name)


class BankHooks:
    """Hooks that bonsai-recs calls."""

    @_hookspec
    def add_questions(self) -> Awaitable[Iterable[Question]] | Iterable[Question]:
        """Bring questions. Called once, while the server starts.

        Returns:
            The questions. The iterable is read on a worker thread, so a generator may read files and take its time; the
            hook itself should return at once. An id that is known already is ignored. A failing iterable costs only its
            own bank.
        """
        raise NotImplementedError
