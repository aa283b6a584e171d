"""Bonsai Real-Time: the public API for plugin authors.

from bonsai_core import Payload, Plugin, Session, on
"""

from typing import TYPE_CHECKING, Any

from bonsai_core.events import Event, Plugin, Refused, folds, hookimpl, observes, on
from bonsai_core.payload import Attachment, Payload
from bonsai_core.protocol import ErrorCode

if TYPE_CHECKING:
    from bonsai_core.app import App
    from bonsai_core.auth import mint_token
    from bonsai_core.domain import Answer, Question, QuestionAnalysis
    from bonsai_core.metrics import EventReport
    from bonsai_core.session import Entry, Session
    from bonsai_core.settings import Settings

__all__ = [
    "Answer",
    "App",
    "Attachment",
    "Entry",
    "ErrorCode",
    "Event",
    "EventReport",
    "Payload",
    "Plugin",
    "Question",
    "QuestionAnalysis",
    "Refused",
    "Session",
    "Settings",
    "folds",
    "hookimpl",
    "mint_token",
    "observes",
    "on",
]

_LAZY = {
    "App": "bonsai_core.app",
    "EventReport": "bonsai_core.metrics",
    "Session": "bonsai_core.session",
    "Entry": "bonsai_core.session",
    "Question": "bonsai_core.domain",
    "QuestionAnalysis": "bonsai_core.domain",
    "Answer": "bonsai_core.domain",
    "Settings": "bonsai_core.settings",
    "mint_token": "bonsai_core.auth",
}


def __getattr__(name: str) -> Any:
    """Load the names that few modules need at import time, so that importing a plugin stays cheap."""
    module = _LAZY.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(module), name)
