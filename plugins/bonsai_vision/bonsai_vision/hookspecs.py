"""The hooks that this plugin defines: other packages replace a stage, add to what is said, or bring questions.

A package that implements one marks it as optional, so that it also loads where bonsai-vision is not installed:

    class AcmeOcr(Plugin):
        name = "acme_ocr"

        @hookimpl(optionalhook=True)
        def ocr(self):
            return "acme_ocr.engine:Engine"

Stages run in worker processes, so a stage is named by an import path, `package.module:factory`, or for a plugin that is
a single file, `f"{__file__}:factory"`. Each worker imports it and calls the factory once, without arguments; what the
factory returns is the stage. The heavy imports belong there: the plugin's own module is imported by the server.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable

import pluggy

from bonsai_core import Question, QuestionAnalysis, hookimpl
from bonsai_core.domain import Insight

_hookspec = pluggy.HookspecMarker(hookimpl.project_name)


class VisionHooks:
    """Hooks that bonsai-vision calls."""

    @_hookspec
    def ocr(self) -> str | None:
        """Replace what reads the lines of a picture. Called once, while the server starts.

        Returns:
            The import path of the stage's factory, or None. What the factory makes is called as `pipeline.Ocr` says.
            The first plugin that names one has it. Where it cannot be loaded or fails, ours does the work.
        """

    @_hookspec
    def classify(self) -> str | None:
        """Replace what tells section, domain, skill, difficulty: as `ocr`, but called as `pipeline.Classify` says."""

    @_hookspec
    def insights(self, analysis: QuestionAnalysis) -> Awaitable[Iterable[Insight]] | Iterable[Insight]:
        """Add to what is said about a question. Called in the server, once for each picture or text that is new.

        Args:
            analysis: what was found, the plugin's own insights among it. A copy.

        Returns:
            Insights to add at the end. A sync hook must be quick: the server waits for it. One that fails, or takes
            longer than a handler may, costs only its own.
        """
        raise NotImplementedError

    @_hookspec
    def known_questions(self) -> Awaitable[Iterable[Question]] | Iterable[Question]:
        """Bring the questions of a bank, to be recognised when a student shows one. Called while the server starts.

        Returns:
            The questions. The iterable is read on a thread, so a generator may read files; the hook itself has the
            time of a handler. One that fails is called again a little later, twice. Answers, hints and rationales are
            not passed on.
        """
        raise NotImplementedError
